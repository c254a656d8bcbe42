//! The limits, with a handler that only says what it got.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const SHORT: Duration = Duration::from_millis(100);

const LIMITS: ListenerLimits = ListenerLimits {
    connections: 2,
    head: SHORT,
    body: SHORT,
    body_bytes: 10,
    connection: Duration::from_secs(60),
    shutdown_timeout: SHORT,
};

/// Longer than any of these tests should take.
const PATIENCE: Duration = Duration::from_secs(30);

struct Echo;

impl Handler for Echo {
    async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        assert!(request.extensions().get::<Peer>().is_some());
        if request.uri().path() == "/large" {
            return Response::new(Bytes::from(vec![b'x'; 64 * 1024 * 1024]));
        }
        Response::new(request.into_body())
    }

    fn wants_body(&self, head: &Parts) -> bool {
        head.uri.path() == "/"
    }
}

/// Limits that cut off no slow client.
const PATIENT: ListenerLimits = ListenerLimits {
    head: PATIENCE.saturating_mul(2),
    body: PATIENCE.saturating_mul(2),
    ..LIMITS
};

/// A request whose body does not come.
const WITHOUT_BODY: &str = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n1";

const GET: &str = "GET /x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";

struct Served {
    address: SocketAddr,
    stop: tokio::sync::watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

async fn serve(limits: ListenerLimits) -> Served {
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(address, None, limits).await.unwrap();
    let address = listener.address();
    let (sender, stop) = Stop::new();
    let task = tokio::spawn(listener.serve(Arc::new(Echo), stop));
    Served {
        address,
        stop: sender,
        task,
    }
}

impl Served {
    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Response until the server closes the connection.
    async fn answer(&self, text: &str) -> String {
        until_closed(self.send(text).await).await
    }
}

async fn until_closed(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    let _ = timeout(PATIENCE, read).await.expect("it is cut off");
    String::from_utf8(bytes).unwrap()
}

fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_request_reaches_its_handler_whole() {
    let served = serve(LIMITS).await;
    let answer = served.answer(&post("0123456789")).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("0123456789"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_and_the_connection_closed() {
    let served = serve(LIMITS).await;
    let answer = served.answer(&post("0123456789a")).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn slow_head_slow_body_and_silence_are_cut_off() {
    let served = serve(LIMITS).await;
    assert_eq!(served.answer("GET / HT").await, "");
    assert_eq!(served.answer("").await, "");
    let head = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n12";
    let answer = served.answer(head).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let served = serve(LIMITS).await;
    let answer = served.answer("GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn places_that_are_taken_are_free_again_after_a_while() {
    let served = serve(LIMITS).await;
    let _idle = [served.send("G").await, served.send("G").await];
    let answer = served.answer(&post("ok")).await;
    assert!(answer.ends_with("ok"), "{answer}");
}

#[tokio::test]
async fn client_that_holds_every_slot_keeps_no_other_out() {
    let served = serve(PATIENT).await;
    let mut holding = Vec::new();
    for _ in 0..20 {
        holding.push(served.send(WITHOUT_BODY).await);
        holding.push(served.send("G").await);
    }
    for _ in 0..10 {
        let answer = served.answer(GET).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        holding.push(served.send(WITHOUT_BODY).await);
    }
}

#[tokio::test]
async fn a_crowd_from_one_address_costs_another_nothing() {
    let limits = ListenerLimits {
        connections: 4,
        ..PATIENT
    };
    let served = serve(limits).await;
    let other = TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = other.connect(served.address).await.unwrap();
    other.write_all(WITHOUT_BODY.as_bytes()).await.unwrap();
    let mut crowd = Vec::new();
    for _ in 0..20 {
        crowd.push(served.send(WITHOUT_BODY).await);
    }
    let answer = served.answer(GET).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    other.write_all(b"2345").await.unwrap();
    let mut answer = [0; 12];
    let read = timeout(PATIENCE, other.read_exact(&mut answer)).await;
    read.expect("it has kept its place").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn what_wants_no_body_is_answered_before_it_comes() {
    let served = serve(PATIENT).await;
    let large = "POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 99999\r\n\r\n1";
    let answer = served.answer(large).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn client_that_does_not_read_is_closed() {
    let limits = ListenerLimits {
        connections: 1,
        connection: SHORT,
        ..LIMITS
    };
    let served = serve(limits).await;
    let deaf = served.send("GET /large HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let answer = served.answer(&post("ok")).await;
    assert!(answer.ends_with("ok"), "{answer}");
    drop(deaf);
}

#[tokio::test]
async fn shutdown_waits_for_answers_under_way_alone() {
    let limits = ListenerLimits {
        head: PATIENCE,
        ..LIMITS
    };
    let served = serve(limits).await;
    let waiting = served.send("GET / HT").await;
    let under_way = served.send(&post("ok")).await;
    let answer = until_closed(under_way).await;
    assert!(answer.ends_with("ok"), "{answer}");
    let begun = Instant::now();
    served.stop.send(true).unwrap();
    served.task.await.unwrap();
    assert!(begun.elapsed() < PATIENCE / 2);
    assert_eq!(until_closed(waiting).await, "");
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_names_it() {
    let served = serve(LIMITS).await;
    let error = Listener::bind(served.address, None, LIMITS)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {}", served.address)
    );
    assert!(error.may_pass());
}

#[test]
fn connections_keep_descriptors_free_for_the_runs() {
    let of = |open_files| affordable(64, open_files);
    assert_eq!(of(None), 64);
    assert_eq!(of(Some(1024)), 64);
    assert_eq!(of(Some(160)), 64);
    assert_eq!(of(Some(40)), 4);
    assert_eq!(of(Some(16)), 2);
    assert_eq!(affordable(16, Some(1024)), 16);
}
