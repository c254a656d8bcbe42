//! Sends notifications in the background.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, watch as published};
use tokio::task::JoinHandle;

use crate::apply::Stop;
use crate::daemon::StatusPublisher;
use crate::daemon::notify::{NotificationFormat, QUEUE, WebhookSender, WebhookUrl, deliver, watch};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::secret::own::{NOTIFY_SECRET, NOTIFY_URL};
use crate::secret::{OwnCredential, Secret, SecretInput};
use crate::session::tenant::{credential, read_secret};
use crate::settings::notify::{Notify, NotifyError, NotifyFlags, NotifyFormat, notify};
use crate::text::chain;

/// Time for which the end of the daemon waits for notifications that are not sent yet.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// The webhook, if there is one; nothing is sent yet.
pub(super) fn webhook(
    flags: &NotifyFlags,
    ca_files: &[PathBuf],
) -> Result<Option<WebhookSender>, CommandFailure> {
    let found = find(flags)?;
    found
        .map(|found| set_up(found, flags.format, ca_files))
        .transpose()
}

/// Checks the settings, as far as the files are here: the URL may be handed over to the
/// service alone.
pub(super) fn check(flags: &NotifyFlags, ca_files: &[PathBuf]) -> Result<(), CommandFailure> {
    match (find(flags), &flags.secret_file) {
        (Err(NotifyError::NoUrl), Some(secret)) => {
            read(&NOTIFY_SECRET, SecretInput::File(secret.clone())).map(drop)
        }
        (Err(NotifyError::NoUrl), None) => Ok(()),
        (found, _) => {
            let found = found?;
            let webhook = found.map(|found| set_up(found, flags.format, ca_files));
            webhook.transpose().map(drop)
        }
    }
}

fn find(flags: &NotifyFlags) -> Result<Option<Notify>, NotifyError> {
    let env = |name: &str| std::env::var_os(name);
    notify(flags, &env, &credential)
}

fn set_up(
    found: Notify,
    format: NotifyFormat,
    ca_files: &[PathBuf],
) -> Result<WebhookSender, CommandFailure> {
    let url = read(&NOTIFY_URL, found.url)?;
    let secret = found.secret.map(|secret| read(&NOTIFY_SECRET, secret));
    let address = WebhookUrl::parse(&url).map_err(|error| {
        invalid(
            format_args!("the notification URL is invalid: {}", chain(&error)),
            "use the webhook URL exactly as the receiving service displays it",
        )
    })?;
    let format = match format {
        NotifyFormat::Json => NotificationFormat::Json,
        NotifyFormat::Slack => NotificationFormat::Slack,
    };
    let webhook = WebhookSender::new(address, secret.transpose()?, format, ca_files.to_vec());
    let help = "check the certificates that `--ca-file` names";
    webhook.map_err(|error| invalid(format_args!("{}", chain(&error)), help))
}

fn invalid(what: std::fmt::Arguments<'_>, help: &str) -> CommandFailure {
    CommandFailure::new(Exit::InvalidSettings, what, help)
}

fn read(own: &OwnCredential, source: SecretInput) -> Result<Secret, CommandFailure> {
    let secret = read_secret(own, source)?;
    if secret.is_empty() {
        let what = format_args!("{} is empty", own.what);
        return Err(invalid(what, "write the value to the file"));
    }
    Ok(secret)
}

/// The task that notifies.
pub(super) struct Notifier {
    stop: published::Sender<bool>,
    task: JoinHandle<()>,
}

impl Notifier {
    /// Begins the task: no run waits for it.
    pub(super) fn start(
        webhook: WebhookSender,
        publisher: &StatusPublisher,
        tenant: String,
    ) -> Self {
        let (stop, stopped) = Stop::new();
        let (sender, queue) = mpsc::channel(QUEUE);
        let (status, metrics) = (publisher.subscribe(), publisher.metrics.clone());
        let task = tokio::spawn(async move {
            tokio::join!(
                watch(status, tenant, sender, metrics.clone(), stopped),
                deliver(queue, webhook, metrics)
            );
        });
        Self { stop, task }
    }

    /// Sends the notifications that are not sent yet, within a short time.
    pub(super) async fn end(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, &mut self.task)
            .await
            .is_err()
        {
            tracing::error!("exiting before all notifications were sent");
            self.task.abort();
        }
    }
}

impl From<NotifyError> for CommandFailure {
    fn from(error: NotifyError) -> Self {
        Self::new(Exit::InvalidSettings, chain(&error), error.help())
    }
}
