//! The simulator behind HTTP/1.1. The caller that binds the listener must use a loopback
//! address: the control routes need no credentials.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer::ErrorReply;
use super::{SimulatedAnswer, Simulator};

/// The largest body that is read: room for ten thousand integrations seeded at once.
pub const MAX_BODY: usize = 64 * 1024 * 1024;

/// Pause if no connection can be accepted, mostly for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type Body = BoxBody<Bytes, io::Error>;

/// Serves until `shutdown` is done, then drops every connection.
pub async fn serve(
    listener: TcpListener,
    simulator: Simulator,
    shutdown: impl Future<Output = ()>,
) {
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, simulator.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream, simulator: Simulator) {
    // Answers are written whole: without this each would wait for the caller's acknowledgement.
    let _unimportant = stream.set_nodelay(true);
    let service = service_fn(move |request| respond(simulator.clone(), request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Errors are the caller's going away, or a fault that was asked for.
    let _broken = connection.await;
}

/// An error closes the connection without an answer.
async fn respond(simulator: Simulator, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    // Known from the length if there is one, so that no byte of the body need be read.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let collected = match announced {
        0..=MAX_BODY => Limited::new(body, MAX_BODY).collect().await.ok(),
        _ => None,
    };
    let Some(body) = collected else {
        let refusal = ErrorReply::new(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large");
        return Ok(refusal.into_response().map(whole));
    };
    let request = Request::from_parts(head, body.to_bytes());
    match simulator.handle(request).await {
        SimulatedAnswer::Response(response) => Ok(response.map(whole)),
        SimulatedAnswer::Truncated(response) => Ok(response.map(broken_off)),
        SimulatedAnswer::Refused | SimulatedAnswer::Dropped => {
            Err(io::ErrorKind::ConnectionAborted.into())
        }
    }
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never: Infallible| match never {})
        .boxed()
}

/// A body that fails after its last byte. The pause lets that byte reach the
/// network: hyper throws away what it holds when a body fails.
fn broken_off(bytes: Bytes) -> Body {
    let failure = async {
        tokio::task::yield_now().await;
        Err(io::ErrorKind::ConnectionAborted.into())
    };
    let beginning = stream::iter([Ok(Frame::data(bytes))]);
    BodyExt::boxed(StreamBody::new(beginning.chain(stream::once(failure))))
}
