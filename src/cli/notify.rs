//! Whom the daemon notifies, as the command line says it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::sync::{mpsc, watch as published};
use tokio::task::JoinHandle;

use super::connect;
use super::failure::Failure;
use crate::apply::Stop;
use crate::daemon::Board;
use crate::daemon::notify::{Address, Format, QUEUE, Webhook, deliver, watch};
use crate::report::exit::Exit;
use crate::secret::Secret;
use crate::settings::KeySource;
use crate::settings::notify::{Notify, NotifyError, NotifyFlags, notify};
use crate::text::chain;

/// How long the end of the daemon waits for what is still to be sent.
const GRACE: Duration = Duration::from_secs(3);

/// What the second file holds, in an error.
const SIGNING: &str = "the secret for notifications";

/// Who is told of failure, recovery and drift.
#[derive(Debug, Args)]
#[command(next_help_heading = "Notifications of failure, recovery, drift and not converging")]
pub(super) struct NotifyArgs {
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
pub(super) enum NotifyFormat {
    Json,
    Slack,
}

impl NotifyArgs {
    /// The webhook, if there is one; nothing is sent yet.
    pub(super) fn webhook(&self, ca_files: &[PathBuf]) -> Result<Option<Webhook>, Failure> {
        let found = self.find()?;
        found.map(|found| self.set_up(found, ca_files)).transpose()
    }

    /// Whether there could be one, as far as the files are here: the URL may be handed
    /// over to the service alone.
    pub(super) fn check(&self, ca_files: &[PathBuf]) -> Result<(), Failure> {
        match (self.find(), &self.notify_secret_file) {
            (Err(NotifyError::NoUrl), Some(secret)) => {
                read(SIGNING, KeySource::File(secret.clone())).map(drop)
            }
            (Err(NotifyError::NoUrl), None) => Ok(()),
            (found, _) => {
                let found = found?;
                let webhook = found.map(|found| self.set_up(found, ca_files));
                webhook.transpose().map(drop)
            }
        }
    }

    fn find(&self) -> Result<Option<Notify>, NotifyError> {
        let Self {
            notify_url_file,
            notify_format: _,
            notify_secret_file,
        } = self;
        let flags = NotifyFlags {
            url_file: notify_url_file.clone(),
            secret_file: notify_secret_file.clone(),
        };
        let env = |name: &str| std::env::var_os(name);
        notify(&flags, &env, &connect::credential)
    }

    fn set_up(&self, found: Notify, ca_files: &[PathBuf]) -> Result<Webhook, Failure> {
        let url = read("the URL for notifications", found.url)?;
        let secret = found.secret.map(|secret| read(SIGNING, secret));
        let address = Address::parse(&url).map_err(|error| {
            invalid(
                format_args!(
                    "the URL for notifications cannot be used: {}",
                    chain(&error)
                ),
                "give the one that the receiver shows for its webhook",
            )
        })?;
        let format = match self.notify_format {
            NotifyFormat::Json => Format::Json,
            NotifyFormat::Slack => Format::Slack,
        };
        let webhook = Webhook::new(address, secret.transpose()?, format, ca_files.to_vec());
        let help = "check the certificates that `--ca-file` names";
        webhook.map_err(|error| invalid(format_args!("{}", chain(&error)), help))
    }
}

fn invalid(what: std::fmt::Arguments<'_>, help: &str) -> Failure {
    Failure::new(Exit::InvalidSettings, what, help)
}

fn read(what: &str, source: KeySource) -> Result<Secret, Failure> {
    let read = connect::read_secret(source);
    let secret = read.map_err(|(path, error): (PathBuf, io::Error)| {
        let help = "check the path and who may read it";
        let path = path.display();
        invalid(
            format_args!("{what} cannot be read from {path}: {error}"),
            help,
        )
    })?;
    if secret.is_empty() {
        return Err(invalid(format_args!("{what} is empty"), "write it there"));
    }
    Ok(secret)
}

/// What notifies beside the worker.
pub(super) struct Notifier {
    stop: published::Sender<bool>,
    task: JoinHandle<()>,
}

impl Notifier {
    /// Begins, in a task of its own: no run waits for it.
    pub(super) fn start(webhook: Webhook, board: &Board, tenant: String) -> Self {
        let (stop, stopped) = Stop::new();
        let (sender, queue) = mpsc::channel(QUEUE);
        let (status, metrics) = (board.subscribe(), board.metrics.clone());
        let task = tokio::spawn(async move {
            tokio::join!(
                watch(status, tenant, sender, metrics.clone(), stopped),
                deliver(queue, webhook, metrics)
            );
        });
        Self { stop, task }
    }

    /// Sends what is still to be sent, for a short while.
    pub(super) async fn end(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            tracing::error!("the daemon ends before every notification was sent");
            self.task.abort();
        }
    }
}

impl From<NotifyError> for Failure {
    fn from(error: NotifyError) -> Self {
        Self::new(Exit::InvalidSettings, chain(&error), error.help())
    }
}
