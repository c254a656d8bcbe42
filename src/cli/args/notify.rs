//! Notifications.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::settings::notify::{self, NotifyFlags};

/// Who is told of failure, recovery and drift.
#[derive(Debug, Args)]
#[command(next_help_heading = "Notifications of failure, recovery, drift and not converging")]
pub(crate) struct NotifyArgs {
    /// A file with the URL of a webhook, which is a secret
    /// [env: INTEGRATIOND_NOTIFY_URL, INTEGRATIOND_NOTIFY_URL_FILE]
    #[arg(long, value_name = "FILE")]
    pub notify_url_file: Option<PathBuf>,
    /// What it takes: a JSON document, or a message as Slack takes it
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        env = "INTEGRATIOND_NOTIFY_FORMAT",
        hide_env_values = true,
        default_value_t = NotifyFormat::Json
    )]
    pub notify_format: NotifyFormat,
    /// A file with a secret that signs the body, in `X-Integrationd-Signature-256`
    /// [env: INTEGRATIOND_NOTIFY_SECRET, INTEGRATIOND_NOTIFY_SECRET_FILE]
    #[arg(long, value_name = "FILE")]
    pub notify_secret_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum NotifyFormat {
    Json,
    Slack,
}

impl From<NotifyArgs> for NotifyFlags {
    fn from(args: NotifyArgs) -> Self {
        let NotifyArgs {
            notify_url_file,
            notify_format,
            notify_secret_file,
        } = args;
        Self {
            url_file: notify_url_file,
            secret_file: notify_secret_file,
            format: match notify_format {
                NotifyFormat::Json => notify::NotifyFormat::Json,
                NotifyFormat::Slack => notify::NotifyFormat::Slack,
            },
        }
    }
}
