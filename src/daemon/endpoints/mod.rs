//! Endpoints of the daemon: the status page, webhooks, the socket, and notifications.
//!
//! Each is bound when the daemon starts, so that an error in its settings fails the start, and
//! served in a separate task: it has to respond even while a run hangs.

mod notifier;
mod page;
mod socket;
mod webhook;

use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::control::handed::HandedRun;
use super::http::Tls;
use super::notify::WebhookSender;
use super::{StatusPublisher, Trigger, control, push};
use crate::apply::Stop;
use crate::report::failure::CommandFailure;
use crate::settings::daemon::DaemonSettings;
use notifier::Notifier;
use socket::BoundSockets;

/// Endpoints that are bound, and not yet served.
pub(super) struct BoundEndpoints {
    page: Option<page::BoundPage>,
    webhook: Option<webhook::BoundWebhook>,
    sockets: Option<BoundSockets>,
    notifications: Option<WebhookSender>,
}

/// Binds the endpoints that the settings name.
pub(super) async fn bind(
    settings: &DaemonSettings,
    publisher: &StatusPublisher,
    trigger: &Trigger,
) -> Result<BoundEndpoints, CommandFailure> {
    let page = page::bind(&settings.listen, publisher, trigger).await?;
    let ca_files = &settings.run.tenant.ca_files;
    Ok(BoundEndpoints {
        page,
        notifications: notifier::webhook(&settings.notify, ca_files)?,
        webhook: webhook::bind(&settings.webhook, publisher, trigger).await?,
        sockets: socket::bind(&settings.socket)?,
    })
}

/// Checks these settings without binding anything. A secret may be handed over to the
/// service alone.
pub fn check(settings: &DaemonSettings) -> impl Iterator<Item = CommandFailure> {
    let checked = [
        page::check(&settings.listen),
        notifier::check(&settings.notify, &settings.run.tenant.ca_files),
        webhook::check(&settings.webhook),
        socket::check(&settings.socket),
    ];
    checked.into_iter().filter_map(Result::err)
}

impl BoundEndpoints {
    /// The certificates, which are read again with the settings.
    pub(super) fn certificates(&self) -> Vec<Tls> {
        let page = self.page.as_ref().and_then(|bound| bound.tls.clone());
        let webhook = self.webhook.as_ref().and_then(|bound| bound.tls.clone());
        page.into_iter().chain(webhook).collect()
    }

    /// Serves them, each in a task of its own.
    pub(super) fn serve(
        self,
        tenant: &str,
        publisher: &StatusPublisher,
        trigger: &Trigger,
        commands: mpsc::Sender<HandedRun>,
    ) -> Endpoints {
        let Self {
            page,
            webhook,
            sockets,
            notifications,
        } = self;
        let mut served = Vec::new();
        served.extend(page.map(page::BoundPage::serve));
        let notifier = notifications.map(|to| Notifier::start(to, publisher, tenant.to_owned()));
        if let Some(webhook::BoundWebhook {
            listener, handler, ..
        }) = webhook
        {
            let (scheme, address) = (listener.scheme(), listener.address());
            tracing::info!("listening for webhooks at {scheme}://{address}/webhook");
            served.push(Served::begin(|stop| {
                listener.serve(Arc::new(handler), stop)
            }));
        }
        if let Some(BoundSockets { triggers, control }) = sockets {
            tracing::info!(path = %triggers.path().display(), "listening on the socket");
            let events = publisher.events.clone();
            served.push(Served::begin(|stop| {
                push::socket::serve(triggers, events, trigger.clone(), stop)
            }));
            let status = publisher.subscribe();
            served.push(Served::begin(|stop| {
                control::socket::serve(control, status, commands, trigger.clone(), stop)
            }));
        }
        Endpoints { served, notifier }
    }
}

/// Endpoints that are served.
pub(super) struct Endpoints {
    served: Vec<Served>,
    notifier: Option<Notifier>,
}

impl Endpoints {
    /// Ends them all at the same time: answers under way end, and notifications are sent.
    pub(super) async fn end(self) {
        let notifier = futures::future::OptionFuture::from(self.notifier.map(Notifier::end));
        let served = join_all(self.served.into_iter().map(Served::end));
        tokio::join!(served, notifier);
    }
}

/// A task that serves until it is stopped.
struct Served {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Served {
    fn begin<F>(serve: impl FnOnce(Stop) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, stop) = Stop::new();
        let task = tokio::spawn(serve(stop));
        Self { stop: sender, task }
    }

    /// Lets the answers under way end.
    async fn end(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a listener has failed");
        }
    }
}
