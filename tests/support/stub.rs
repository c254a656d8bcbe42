//! A server with scripted responses that keeps its requests.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// See the module. It listens as long as the process lives.
pub(crate) struct Stub {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// A request that it received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// The method and the path.
    pub(crate) line: String,
    /// All of the head, in lower case names.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }
}

impl Stub {
    /// `answer` makes the code and the body for `METHOD path`.
    pub(crate) fn start(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let request = read(&mut stream);
                let (code, body) = answer(&request.line);
                kept.lock().unwrap().push(request);
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {code} X\r\nlocation: http://127.0.0.1:1/\r\n\
                     connection: close\r\ncontent-length: {length}\r\n\r\n"
                );
                // A client that has had enough may be gone.
                let _ = stream.get_mut().write_all((head + &body).as_bytes());
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The methods and paths, sorted: some are concurrent.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.requests().into_iter().map(|r| r.line).collect();
        lines.sort();
        lines
    }
}

fn read(stream: &mut impl BufRead) -> Request {
    let (mut line, mut head, mut length) = (String::new(), String::new(), 0);
    stream.read_line(&mut line).unwrap();
    loop {
        let mut header = String::new();
        if stream.read_line(&mut header).unwrap() <= 2 {
            break;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        head += &header;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Request {
        line: line.rsplit_once(' ').unwrap().0.to_owned(),
        head,
        body: String::from_utf8(body).unwrap(),
    }
}
