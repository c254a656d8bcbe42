//! Accepts connections and passes requests on, within limits: of connections, of time, of
//! bytes. It does not know the content of requests and responses.
//!
//! A request reaches its [`Handler`] whole. A client that is slow or sends too much is cut off;
//! if every slot is taken, an old connection is closed for the new one, so that no client can
//! keep the others out. An unwanted body is not waited for.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::slots::{ConnectionSlots, Network};
use super::{HttpError, Tls, headers};
use crate::apply::Stop;

/// Pause if no connection can be accepted, mostly for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Maximum number of connections that wait to be accepted: more than one client can open by its
/// usual limits. A client beyond it retries a second later.
const WAITING: u32 = 1024;

/// The largest head of a request: room for the cookies of other services on the host.
const LARGEST_HEAD: usize = 32 * 1024;

/// File descriptors that are reserved for the runs: the ledger, the files, the tenant,
/// git and other programs use some twenty at once.
const KEPT_DESCRIPTORS: u64 = 32;

/// Connections that are served at least: fewer could not let a probe in.
const FEWEST_CONNECTIONS: usize = 2;

/// As many of these connections as the limit of open files allows: half of what the runs do not
/// need, since there are two listeners. Otherwise, a client that keeps connections open would
/// stop the runs.
fn affordable(wanted: usize, open_files: Option<u64>) -> usize {
    let Some(open_files) = open_files else {
        return wanted;
    };
    let half = open_files.saturating_sub(KEPT_DESCRIPTORS) / 2;
    let half = usize::try_from(half).unwrap_or(usize::MAX);
    wanted.min(half.max(FEWEST_CONNECTIONS))
}

/// Limits for all clients.
#[derive(Debug, Clone, Copy)]
pub struct ListenerLimits {
    /// Connections at once.
    pub connections: usize,
    /// Time for a handshake, and for the head of a request, idling included.
    pub head: Duration,
    /// Time for the body of a request.
    pub body: Duration,
    /// The size of a body.
    pub body_bytes: usize,
    /// Maximum duration of a connection: a client that does not read keeps it open for this long.
    pub connection: Duration,
    /// Time for responses under way at shutdown.
    pub shutdown_timeout: Duration,
}

impl Default for ListenerLimits {
    /// For people and probes: short, and small bodies.
    fn default() -> Self {
        Self {
            connections: 64,
            head: Duration::from_secs(5),
            body: Duration::from_secs(5),
            body_bytes: 16 * 1024,
            connection: Duration::from_secs(120),
            shutdown_timeout: Duration::from_secs(2),
        }
    }
}

/// Address of the client; an extension of a request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// The answer. The request is whole, and within the limits.
    fn answer(&self, request: Request<Bytes>) -> impl Future<Output = Response<Bytes>> + Send;

    /// True if the body of a request with this head is needed; otherwise the response is sent
    /// without it, and the connection closed.
    fn wants_body(&self, head: &Parts) -> bool;
}

/// A bound address.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Tls>,
    limits: ListenerLimits,
    address: SocketAddr,
}

impl Listener {
    /// Binds the address.
    ///
    /// # Errors
    /// It is not to be had.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Tls>,
        limits: ListenerLimits,
    ) -> Result<Self, HttpError> {
        let failed = |source| HttpError::Bind { address, source };
        let open_files = getrlimit(Resource::Nofile).current;
        let limits = ListenerLimits {
            connections: affordable(limits.connections, open_files),
            ..limits
        };
        let tcp = listen(address).map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        Ok(Self {
            tcp,
            tls,
            limits,
            address,
        })
    }

    /// The address, with the port that port 0 became.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Serves until the stop is pulled; what is under way then has a little time.
    pub async fn serve(self, handler: Arc<impl Handler>, stop: Stop) {
        let mut conversations = Conversations {
            slots: ConnectionSlots::new(self.limits.connections),
            tasks: JoinSet::new(),
        };
        loop {
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(ended) = conversations.tasks.join_next_with_id() => conversations.finish(ended),
                (stream, peer) = self.accept() => {
                    let network = Network::of(peer.ip());
                    tokio::select! {
                        biased;
                        () = stop.requested() => break,
                        () = conversations.free_slot(network) => {}
                    }
                    let conversation = Conversation {
                        handler: Arc::clone(&handler),
                        limits: self.limits,
                        stop: stop.clone(),
                        peer: Peer(peer),
                    };
                    conversations.start(network, conversation.begin(stream, self.tls.clone()));
                }
            }
        }
        let shutdown_timeout = self.limits.shutdown_timeout;
        drop(self);
        let all = async { while conversations.tasks.join_next().await.is_some() {} };
        if timeout(shutdown_timeout, all).await.is_err() {
            tracing::debug!("closed open connections at shutdown");
        }
    }

    async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.tcp.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Connections of before may linger after a restart.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// The conversations, and their places.
struct Conversations {
    slots: ConnectionSlots,
    tasks: JoinSet<()>,
}

impl Conversations {
    /// Frees a slot if all are taken, by closing another connection.
    async fn free_slot(&mut self, comer: Network) {
        while self.slots.is_full() {
            let Some((conversation, when)) = self.slots.slot_to_evict(comer) else {
                return;
            };
            let conversation = conversation.clone();
            tokio::select! {
                biased;
                Some(ended) = self.tasks.join_next_with_id() => {
                    self.finish(ended);
                    continue;
                }
                () = sleep_until(when) => conversation.abort(),
            }
            // It is over at its next step, and its place is free then.
            if let Some(ended) = self.tasks.join_next_with_id().await {
                self.finish(ended);
            }
        }
    }

    fn start(&mut self, network: Network, conversation: impl Future<Output = ()> + Send + 'static) {
        let handle = self.tasks.spawn(conversation);
        self.slots
            .acquire(handle.id(), network, Instant::now(), handle);
    }

    fn finish(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.slots.release(id);
    }
}

/// A connection.
struct Conversation<H> {
    handler: Arc<H>,
    limits: ListenerLimits,
    stop: Stop,
    peer: Peer,
}

impl<H: Handler> Conversation<H> {
    async fn begin(self, stream: TcpStream, tls: Option<Tls>) {
        // Answers are written whole: without this each would wait for the caller's acknowledgement.
        let _unimportant = stream.set_nodelay(true);
        match tls {
            None => self.hold(stream).await,
            Some(tls) => match timeout(self.limits.head, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.hold(stream).await,
                Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                Err(_) => tracing::debug!("TLS handshake timed out"),
            },
        }
    }

    async fn hold(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Self {
            handler,
            limits,
            stop,
            peer,
        } = self;
        let service = service_fn(|request| {
            let handler = Arc::clone(&handler);
            async move { Ok::<_, Infallible>(respond(&*handler, limits, peer, request).await) }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(LARGEST_HEAD);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            ended = connection.as_mut() => return log_end(ended),
            () = stop.requested() => {}
            () = tokio::time::sleep(limits.connection) => {}
        }
        connection.as_mut().graceful_shutdown();
        if let Ok(ended) = timeout(limits.shutdown_timeout, connection).await {
            log_end(ended);
        }
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection failed");
    }
}

async fn respond(
    handler: &impl Handler,
    limits: ListenerLimits,
    peer: Peer,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let is_wanted = handler.wants_body(&head);
    let is_left = !is_wanted && !body.is_end_stream();
    let whole = match is_wanted {
        true => whole(body, limits).await,
        false => Ok(Bytes::new()),
    };
    let request = whole.map(|body| Request::from_parts(head, body));
    let mut response = match request {
        Ok(mut request) => {
            request.extensions_mut().insert(peer);
            handler.answer(request).await
        }
        Err(status) => cut_off(status),
    };
    if is_left {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    headers::harden(response.headers_mut());
    response.map(Full::new)
}

/// Reads the body, unless it is too much or too slow.
async fn whole(body: Incoming, limits: ListenerLimits) -> Result<Bytes, StatusCode> {
    // Known from the length if there is one, so that no byte of the body need be read.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limits.body_bytes {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let body = Limited::new(body, limits.body_bytes).collect();
    match timeout(limits.body, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

fn cut_off(status: StatusCode) -> Response<Bytes> {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut response = Response::new(Bytes::from(format!("{reason}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(CONTENT_TYPE, headers::TEXT);
    response
}

#[cfg(test)]
#[path = "listener_tests.rs"]
mod tests;
