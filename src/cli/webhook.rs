//! Where forges tell of pushes, as the command line says it.

use std::path::PathBuf;

use clap::Args;

use super::connect;
use super::failure::Failure;
use super::listen::{At, address};
use crate::daemon::http::{HttpError, Listener, Tls};
use crate::daemon::push::{ShortSecret, Webhook, limits};
use crate::daemon::{Bell, Board, Rejections};
use crate::report::exit::Exit;
use crate::settings::webhook::{WebhookError, WebhookFlags, WebhookSettings, webhook};
use crate::text::chain;

/// Where webhooks are heard, and whose.
#[derive(Debug, Args)]
#[command(next_help_heading = "Webhooks, at /webhook")]
pub(super) struct WebhookArgs {
    /// Where to listen for webhooks, or `none`; other than on loopback it takes a certificate
    #[arg(long, value_name = "ADDRESS", env = "INTEGRATIOND_WEBHOOK_LISTEN", hide_env_values = true,
          default_value = "none", value_parser = address)]
    pub webhook_listen: At,
    /// A file with the secret that the forge signs with, or sends
    /// [env: INTEGRATIOND_WEBHOOK_SECRET, INTEGRATIOND_WEBHOOK_SECRET_FILE]
    #[arg(long, value_name = "FILE")]
    pub webhook_secret_file: Option<PathBuf>,
    /// The branch whose pushes count; all if none is given
    #[arg(
        long,
        value_name = "NAME",
        env = "INTEGRATIOND_WEBHOOK_BRANCH",
        hide_env_values = true
    )]
    pub webhook_branch: Option<String>,
    /// A PEM file with the certificate, and those that signed it; read again on SIGHUP
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_WEBHOOK_TLS_CERT",
        hide_env_values = true
    )]
    pub webhook_tls_cert: Option<PathBuf>,
    /// A PEM file with its key
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_WEBHOOK_TLS_KEY",
        hide_env_values = true
    )]
    pub webhook_tls_key: Option<PathBuf>,
}

impl From<&WebhookArgs> for WebhookFlags {
    fn from(args: &WebhookArgs) -> Self {
        let WebhookArgs {
            webhook_listen,
            webhook_secret_file,
            webhook_branch,
            webhook_tls_cert,
            webhook_tls_key,
        } = args;
        Self {
            address: webhook_listen.address(),
            secret_file: webhook_secret_file.clone(),
            certificate: webhook_tls_cert.clone(),
            key: webhook_tls_key.clone(),
            branch: webhook_branch.clone(),
        }
    }
}

/// What is bound, and not yet served.
pub(super) struct Bound {
    pub listener: Listener,
    pub handler: Webhook,
    pub tls: Option<Tls>,
}

/// Binds the address, if there is one.
pub(super) async fn bind(
    args: &WebhookArgs,
    board: &Board,
    bell: &Bell,
) -> Result<Option<Bound>, Failure> {
    let env = |name: &str| std::env::var_os(name);
    let flags = WebhookFlags::from(args);
    let Some(settings) = webhook(&flags, &env, &connect::credential)? else {
        return Ok(None);
    };
    let tls = read_tls(&settings)?;
    let handler = handler(&settings, bell, Rejections::new(board.metrics.clone()))?;
    let listener = Listener::bind(settings.address, tls.clone(), limits())
        .await
        .map_err(http_failure)?;
    Ok(Some(Bound {
        listener,
        handler,
        tls,
    }))
}

/// Whether webhooks could be heard, as far as the files are here: the secret may be
/// handed over to the service alone.
pub(super) fn check(args: &WebhookArgs) -> Result<(), Failure> {
    let env = |name: &str| std::env::var_os(name);
    let flags = WebhookFlags::from(args);
    let (settings, is_known) = match webhook(&flags, &env, &connect::credential) {
        Err(WebhookError::NoSecret) => {
            let handed_over = |name: &str| Some(PathBuf::from(name));
            (webhook(&flags, &env, &handed_over)?, false)
        }
        found => (found?, true),
    };
    let Some(settings) = settings else {
        return Ok(());
    };
    read_tls(&settings)?;
    if is_known {
        handler(&settings, &Bell::default(), Rejections::default())?;
    }
    Ok(())
}

fn read_tls(settings: &WebhookSettings) -> Result<Option<Tls>, Failure> {
    let tls = settings.tls.as_ref();
    tls.map(|(certificate, key)| Tls::read(certificate, key))
        .transpose()
        .map_err(http_failure)
}

fn handler(
    settings: &WebhookSettings,
    bell: &Bell,
    rejections: Rejections,
) -> Result<Webhook, Failure> {
    let secret = connect::read_secret(settings.secret.clone()).map_err(|(path, error)| {
        let what = format!(
            "the webhook secret cannot be read from {}: {error}",
            path.display()
        );
        Failure::new(
            Exit::InvalidSettings,
            what,
            "check the path and who may read it",
        )
    })?;
    Ok(Webhook::new(
        secret,
        settings.branch.clone(),
        bell.clone(),
        rejections,
    )?)
}

/// With the flags of this listener instead of those of the status page.
fn http_failure(error: HttpError) -> Failure {
    let what = chain(&error);
    match error {
        HttpError::Bind { .. } => {
            let help = "choose another address with `--webhook-listen`, or `--webhook-listen none`";
            Failure::new(Exit::Failed, what, help)
        }
        HttpError::ReadTls { .. } | HttpError::NoCertificate { .. } | HttpError::BadTls(_) => {
            let help = "check `--webhook-tls-cert` and `--webhook-tls-key`: PEM files, the certificate before those that signed it";
            Failure::new(Exit::InvalidSettings, what, help)
        }
        HttpError::ShortToken { .. } | HttpError::NoRandom(_) => error.into(),
    }
}

impl From<WebhookError> for Failure {
    fn from(error: WebhookError) -> Self {
        Self::new(Exit::InvalidSettings, chain(&error), error.help())
    }
}

impl From<ShortSecret> for Failure {
    fn from(error: ShortSecret) -> Self {
        let help = "it can be guessed: make one of at least 16 characters, such as with `openssl rand -hex 32`";
        Self::new(Exit::InvalidSettings, chain(&error), help)
    }
}
