//! Webhooks of forges.

use std::path::PathBuf;

use crate::daemon::http::{HttpError, Listener, Tls};
use crate::daemon::push::{ShortSecret, WebhookHandler, limits};
use crate::daemon::{Rejections, StatusPublisher, Trigger};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::secret::own::WEBHOOK_SECRET;
use crate::session::tenant::{credential, read_secret};
use crate::settings::webhook::{WebhookError, WebhookFlags, WebhookSettings, webhook};
use crate::text::chain;

/// An address for webhooks that is bound, and not yet served.
pub(super) struct BoundWebhook {
    pub(super) listener: Listener,
    pub(super) handler: WebhookHandler,
    pub(super) tls: Option<Tls>,
}

/// Binds the address, if there is one.
pub(super) async fn bind(
    flags: &WebhookFlags,
    publisher: &StatusPublisher,
    trigger: &Trigger,
) -> Result<Option<BoundWebhook>, CommandFailure> {
    let env = |name: &str| std::env::var_os(name);
    let Some(settings) = webhook(flags, &env, &credential)? else {
        return Ok(None);
    };
    let tls = read_tls(&settings)?;
    let handler = handler(
        &settings,
        trigger,
        Rejections::new(publisher.metrics.clone()),
    )?;
    let listener = Listener::bind(settings.address, tls.clone(), limits())
        .await
        .map_err(http_failure)?;
    Ok(Some(BoundWebhook {
        listener,
        handler,
        tls,
    }))
}

/// Checks the settings, as far as the files are here: the secret may be handed over to the
/// service alone.
pub(super) fn check(flags: &WebhookFlags) -> Result<(), CommandFailure> {
    let env = |name: &str| std::env::var_os(name);
    let (settings, is_known) = match webhook(flags, &env, &credential) {
        Err(WebhookError::NoSecret) => {
            let handed_over = |name: &str| Some(PathBuf::from(name));
            (webhook(flags, &env, &handed_over)?, false)
        }
        found => (found?, true),
    };
    let Some(settings) = settings else {
        return Ok(());
    };
    read_tls(&settings)?;
    if is_known {
        handler(&settings, &Trigger::default(), Rejections::default())?;
    }
    Ok(())
}

fn read_tls(settings: &WebhookSettings) -> Result<Option<Tls>, CommandFailure> {
    let tls = settings.tls.as_ref();
    tls.map(|(certificate, key)| Tls::read(certificate, key))
        .transpose()
        .map_err(http_failure)
}

fn handler(
    settings: &WebhookSettings,
    trigger: &Trigger,
    rejections: Rejections,
) -> Result<WebhookHandler, CommandFailure> {
    let secret = read_secret(&WEBHOOK_SECRET, settings.secret.clone())?;
    Ok(WebhookHandler::new(
        secret,
        settings.branch.clone(),
        trigger.clone(),
        rejections,
    )?)
}

/// With the flags of this listener instead of those of the status page.
fn http_failure(error: HttpError) -> CommandFailure {
    let what = chain(&error);
    match error {
        HttpError::Bind { .. } => {
            let help = "choose another address with `--webhook-listen`, or use `--webhook-listen \
                none`";
            CommandFailure::new(Exit::Failed, what, help)
        }
        HttpError::ReadTls { .. } | HttpError::NoCertificate { .. } | HttpError::BadTls(_) => {
            let help = "check `--webhook-tls-cert` and `--webhook-tls-key`: both must be PEM \
                files; in the certificate file, the server's certificate comes first, followed by \
                its issuers' certificates";
            CommandFailure::new(Exit::InvalidSettings, what, help)
        }
        HttpError::ShortToken { .. } | HttpError::NoRandom(_) => error.into(),
    }
}

impl From<WebhookError> for CommandFailure {
    fn from(error: WebhookError) -> Self {
        Self::new(Exit::InvalidSettings, chain(&error), error.help())
    }
}

impl From<ShortSecret> for CommandFailure {
    fn from(error: ShortSecret) -> Self {
        let help = "use at least 16 random characters, for example from `openssl rand -hex 32`";
        Self::new(Exit::InvalidSettings, chain(&error), help)
    }
}
