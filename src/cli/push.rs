//! What rings the daemon's bell from outside: webhooks and the socket.

use std::sync::Arc;

use clap::Args;
use futures::future::join_all;

use super::failure::Failure;
use super::listen::Served;
use super::socket::{self, SocketArgs};
use super::webhook::{self, WebhookArgs};
use crate::daemon::http::Tls;
use crate::daemon::push::socket::Socket;
use crate::daemon::{Bell, Board};

/// Who may ask for a run.
#[derive(Debug, Args)]
pub(super) struct PushArgs {
    #[command(flatten)]
    pub webhook: WebhookArgs,
    #[command(flatten)]
    pub socket: SocketArgs,
}

/// What is bound, and not yet served.
pub(super) struct Doors {
    webhook: Option<webhook::Bound>,
    socket: Option<Socket>,
}

/// Binds what there is to be.
pub(super) async fn bind(args: &PushArgs, board: &Board, bell: &Bell) -> Result<Doors, Failure> {
    Ok(Doors {
        webhook: webhook::bind(&args.webhook, board, bell).await?,
        socket: socket::bind(&args.socket)?,
    })
}

impl Doors {
    /// The certificate, to be read again.
    pub(super) fn tls(&self) -> Option<Tls> {
        self.webhook.as_ref()?.tls.clone()
    }

    /// Serves, each in a task of its own.
    pub(super) fn open(self, board: &Board, bell: &Bell) -> Open {
        let mut open = Open(Vec::new());
        if let Some(webhook::Bound {
            listener, handler, ..
        }) = self.webhook
        {
            let (scheme, address) = (listener.scheme(), listener.address());
            tracing::info!("webhooks are heard at {scheme}://{address}/webhook");
            let served = Served::begin(|stop| listener.serve(Arc::new(handler), stop));
            open.0.push(served);
        }
        if let Some(socket) = self.socket {
            tracing::info!(path = %socket.path().display(), "the socket is open");
            let (talk, bell) = (board.talk.clone(), bell.clone());
            open.0
                .push(Served::begin(|stop| socket.serve(talk, bell, stop)));
        }
        open
    }
}

/// What is being served.
pub(super) struct Open(Vec<Served>);

impl Open {
    /// Lets the answers under way end.
    pub(super) async fn end(self) {
        join_all(self.0.into_iter().map(Served::end)).await;
    }
}
