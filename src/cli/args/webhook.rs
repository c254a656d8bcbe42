//! Webhooks of forges.

use std::path::PathBuf;

use clap::Args;

use crate::secret::own::{WEBHOOK_SECRET, WEBHOOK_TLS_KEY};
use crate::settings::parse::{At, address};
use crate::settings::webhook::WebhookFlags;

/// Listener for webhooks, and their authentication.
#[derive(Debug, Args)]
#[command(next_help_heading = "Webhooks, at /webhook")]
pub(crate) struct WebhookArgs {
    /// Address to listen on for webhooks, or `none`; a non-loopback address needs a certificate
    #[arg(long, value_name = "ADDRESS", env = "INTEGRATIOND_WEBHOOK_LISTEN", default_value = "none",
          value_parser = address)]
    pub webhook_listen: At,
    #[arg(long, value_name = "FILE", help = WEBHOOK_SECRET.help("File with the secret that the \
        forge uses to sign webhooks, or sends with them"))]
    pub webhook_secret_file: Option<PathBuf>,
    /// Trigger a run only for pushes to this branch [default: all branches]
    #[arg(long, value_name = "NAME", env = "INTEGRATIOND_WEBHOOK_BRANCH")]
    pub webhook_branch: Option<String>,
    /// PEM file with the certificate and its chain; read again on SIGHUP
    #[arg(long, value_name = "FILE", env = "INTEGRATIOND_WEBHOOK_TLS_CERT")]
    pub webhook_tls_cert: Option<PathBuf>,
    /// PEM file with the private key of the certificate
    #[arg(long, value_name = "FILE", env = WEBHOOK_TLS_KEY.file_variable())]
    pub webhook_tls_key: Option<PathBuf>,
}

impl From<WebhookArgs> for WebhookFlags {
    fn from(args: WebhookArgs) -> Self {
        let WebhookArgs {
            webhook_listen,
            webhook_secret_file,
            webhook_branch,
            webhook_tls_cert,
            webhook_tls_key,
        } = args;
        Self {
            address: webhook_listen.address(),
            secret_file: webhook_secret_file,
            certificate: webhook_tls_cert,
            key: webhook_tls_key,
            branch: webhook_branch,
        }
    }
}
