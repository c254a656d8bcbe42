//! Notifications.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::secret::own::{NOTIFY_SECRET, NOTIFY_URL};
use crate::settings::notify::{self, NotifyFlags};

/// Receiver of notifications about failure, recovery and drift.
#[derive(Debug, Args)]
#[command(next_help_heading = "Notifications of failure, recovery, drift and non-convergence")]
pub(crate) struct NotifyArgs {
    #[arg(long, value_name = "FILE", help = NOTIFY_URL.help("File with the URL to which \
        notifications are sent; the URL is a secret"))]
    pub notify_url_file: Option<PathBuf>,
    /// Format of notifications: a JSON document, or a message for Slack
    #[arg(long, value_name = "FORMAT", value_enum, env = "INTEGRATIOND_NOTIFY_FORMAT",
          default_value_t = NotifyFormatChoice::Json)]
    pub notify_format: NotifyFormatChoice,
    #[arg(long, value_name = "FILE", help = NOTIFY_SECRET.help("File with the secret for \
        signing notifications; the header `X-Integrationd-Signature-256` has the signature of the \
        body"))]
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
