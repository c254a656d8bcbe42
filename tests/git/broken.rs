//! Servers that stop in the middle, that hang, and that send nonsense; and clients that go
//! away.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use integrationd::source::git::{GitFailure, GitOptions};

use super::{Source, finally, lines, options, told};
use crate::programs::{NGINX, needs};
use crate::support::git_server::Server;
use crate::support::repository::Repository;

/// Stands before a server, and lets only so many bytes of its answers pass.
pub(super) struct Cutter {
    pub(super) url: String,
    left: Arc<AtomicUsize>,
}

impl Cutter {
    pub(super) fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let shared = Arc::clone(&left);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                pass(client.unwrap(), server, Arc::clone(&shared));
            }
        });
        let url = format!("http://127.0.0.1:{own}/open/bare.git");
        Self { url, left }
    }

    /// Number of bytes so far, as long as nothing is cut.
    pub(super) fn passed(&self) -> usize {
        usize::MAX - self.left.load(Ordering::SeqCst)
    }

    /// From now on, over all connections, also those that are open already.
    fn cut_after(&self, bytes: usize) {
        self.left.store(bytes, Ordering::SeqCst);
    }
}

fn pass(client: TcpStream, server: TcpStream, left: Arc<AtomicUsize>) {
    let (mut asking, mut asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        // Ends with the connection.
        let _ = std::io::copy(&mut asking, &mut asked);
        let _ = asked.shutdown(Shutdown::Write);
    });
    let (mut client, mut server) = (client, server);
    std::thread::spawn(move || {
        let mut bytes = [0; 1024];
        while let Ok(size @ 1..) = server.read(&mut bytes) {
            // Counted first: a reader of them may ask for their number.
            let most = left.load(Ordering::SeqCst);
            let passed = size.min(most);
            left.store(most - passed, Ordering::SeqCst);
            let written = client.write_all(&bytes[..passed]);
            if passed < size || written.is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
}

/// Bytes that cannot be made smaller.
fn noise(size: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    std::iter::repeat_with(|| random.u8(..))
        .take(size)
        .collect()
}

#[tokio::test]
async fn copy_stays_usable_after_a_server_drops_in_the_middle() {
    needs!(NGINX);
    let repository = Repository::new();
    let server = Server::start(repository.place());
    let cutter = Cutter::before(server.http_port());
    let source = Source::new(options(&cutter.url));
    let fresh = Source::new(options(&cutter.url));
    let first = source.fetch().await.revision.id;
    repository.write("noise.bin", noise(200_000));
    let second = repository.commit("a.yaml", "2");
    for bytes in [10, 300, 1_000, 20_000, 150_000] {
        for source in [&source, &fresh] {
            cutter.cut_after(bytes);
            let error = source.refused().await;
            assert!(error.is_transient(), "{bytes}: {}", told(&error));
        }
    }
    cutter.cut_after(usize::MAX);
    assert_eq!(lines(&fresh.fetch().await), ["a.yaml: 2"]);
    let fetched = source.fetch_after(Some(first)).await;
    assert_eq!(fetched.revision.id, second);
    assert_eq!(lines(&fetched), ["a.yaml: 2"]);
}

/// Takes connections and never answers.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x.git", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn a_server_that_hangs_is_left_at_the_deadline() {
    let (_listener, url) = silent();
    let source = Source::new(GitOptions {
        timeout: Duration::from_millis(200),
        ..options(&url)
    });
    let error = source.refused().await;
    assert!(error.is_transient(), "{}", told(&error));
    let is_late = matches!(error.failure, GitFailure::Deadline { .. });
    assert!(is_late, "{}", told(&error));
}

#[tokio::test]
async fn abandoned_fetch_ends() {
    let (listener, url) = silent();
    let source = Source::new(options(&url));
    let fetch = source.source.fetch(None);
    let asked = tokio::task::spawn_blocking(move || listener.accept().unwrap().0);
    let mut connection = tokio::select! {
        error = fetch => panic!("it ended by itself: {error:?}"),
        connection = asked => connection.unwrap(),
    };
    // The connection ends long before the deadline, and with it the thread.
    let patience = Some(Duration::from_secs(60));
    let ended = tokio::task::spawn_blocking(move || {
        let mut request = Vec::new();
        connection.set_read_timeout(patience).unwrap();
        connection.read_to_end(&mut request).unwrap();
    });
    ended.await.unwrap();
}

/// Answers every request with the same.
fn saying(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x.git", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut request = [0; 4096];
            let _ = client.read(&mut request);
            let _ = client.write_all(
                b"HTTP/1.0 200 OK\r\n\
                  content-type: application/x-git-upload-pack-advertisement\r\n\r\n",
            );
            let _ = client.write_all(answer);
        }
    });
    url
}

#[tokio::test]
async fn nonsense_is_an_error() {
    let nonsense: [&'static [u8]; 5] = [
        b"",
        b"nonsense",
        b"001e# service=git-upload-pack\n0000ffffxxxx",
        b"001e# service=git-upload-pack\n0000zzzz",
        b"001e# service=git-upload-pack\n000000450123456789012345678901234567890123456789 HEAD\0shallow\n0000",
    ];
    for answer in nonsense {
        let error = Source::new(options(&saying(answer))).refused().await;
        assert!(error.is_transient(), "{}", told(&error));
    }
    let silence = Source::new(options(&saying(b"001e# service=git-upload-pack\n00000000")));
    let failure = finally(silence.refused().await);
    assert!(matches!(failure, GitFailure::Empty), "{failure:?}");
}
