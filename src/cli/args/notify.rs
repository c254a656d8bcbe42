//! Notifications.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::secret::own::{NOTIFY_SECRET, NOTIFY_URL};
use crate::settings::notify::{self, NotifyFlags};

/// Receiver of notifications about failure, recovery and drift.
#[derive(Debug, Args)]
#[command(next_help_heading = "Notifications of failure, recovery, drift and non-convergence")]
pub(crate) struct NotifyArgs {
    #[arg(long, value_name = "FILE", help = NOTIFY_URL.help("File with the URL of a webhook; the \
        URL is a secret"))]
    pub notify_url_file: Option<PathBuf>,
    /// Format of the messages: a JSON document, or a message for Slack
    #[arg(long, value_name = "FORMAT", value_enum, env = "INTEGRATIOND_NOTIFY_FORMAT",
          default_value_t = NotifyFormatChoice::Json)]
    pub notify_format: NotifyFormatChoice,
    #[arg(long, value_name = "FILE", help = NOTIFY_SECRET.help("File with the secret that signs \
        the body; the signature is sent in `X-Integrationd-Signature-256`"))]
    pub notify_secret_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum NotifyFormatChoice {
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
                NotifyFormatChoice::Json => notify::NotifyFormat::Json,
                NotifyFormatChoice::Slack => notify::NotifyFormat::Slack,
            },
        }
    }
}
