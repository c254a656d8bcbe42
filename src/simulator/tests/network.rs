use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::super::serve;
use super::*;

/// Kept, since the server goes when it goes.
struct Server {
    port: u16,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

async fn start(sim: &Simulator) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move {
        stopped.await.ok();
    };
    let task = tokio::spawn(serve(listener, sim.clone(), shutdown));
    Server { port, stop, task }
}

async fn send(stream: &mut TcpStream, method: &str, path: &str, body: &str) {
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {API_KEY}\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Reads one answer: its head, and as much of its body as comes.
async fn receive(stream: &mut TcpStream) -> (String, usize, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.unwrap().parse().unwrap();
            if body.len() >= length {
                return (head.to_owned(), length, body.to_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse().unwrap());
            return (head.to_owned(), length, body.to_owned());
        }
    }
}

#[tokio::test]
async fn a_connection_is_kept_and_a_delete_carries_a_body() {
    let sim = Simulator::default();
    sim.seed(super::super::Seed::new(
        "Snowflake",
        Some(true),
        Some(snowflake()["config"].clone()),
    ));
    let server = start(&sim).await;
    let mut stream = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    send(&mut stream, "GET", "/integrations", "").await;
    let (head, _, body) = receive(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(body.starts_with("[{\"id\":\"1\""), "{body}");
    let credentials = r#"{"username":"u","password":"p"}"#;
    send(&mut stream, "DELETE", "/integrations/1", credentials).await;
    let (_, _, body) = receive(&mut stream).await;
    assert!(body.contains("\"deleting\""), "{body}");
    server.stop.send(()).unwrap();
    server.task.await.unwrap();
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_dropped_or_refused_answer_closes_the_connection() {
    for kind in [FaultKind::DropAfter, FaultKind::Refuse] {
        let sim = with_fault(kind.clone());
        let server = start(&sim).await;
        let mut stream = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        send(&mut stream, "POST", "/integrations", r#"{"type":"Trino"}"#).await;
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
        assert_eq!(sim.state().len(), usize::from(kind == FaultKind::DropAfter));
    }
}

#[tokio::test]
async fn a_truncated_answer_is_shorter_than_it_says() {
    let sim = with_fault(FaultKind::Truncate);
    for number in 0..200 {
        let config = json!({"workspaceUrl": number.to_string()});
        sim.seed(super::super::Seed::new(
            "Databricks",
            Some(false),
            Some(config),
        ));
    }
    let server = start(&sim).await;
    let mut stream = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    send(&mut stream, "GET", "/integrations", "").await;
    let (head, length, body) = receive(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(body.len(), length / 2);
    assert!(body.starts_with("[{\"id\":\"1\""));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = start(&Simulator::default()).await;
    let mut stream = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    let length = super::super::MAX_BODY + 1;
    let head =
        format!("POST /integrations HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (head, _, _) = receive(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
}
