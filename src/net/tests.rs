//! The transport against real sockets on this machine.

use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]";

/// Reads one request, head and body, as it came.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    let mut byte = [0; 1];
    while !text.ends_with("\r\n\r\n") && stream.read_exact(&mut byte).await.is_ok() {
        text.push(char::from(byte[0]));
    }
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    text + std::str::from_utf8(&body).unwrap()
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, reply: Vec<u8>) -> String {
    let request = read_request(&mut stream).await;
    stream.write_all(&reply).await.unwrap();
    // A client that has had enough may be gone.
    let _ = stream.shutdown().await;
    request
}

/// A server that gives every connection the same answer; its address, and the requests.
async fn server(
    reply: impl Into<Vec<u8>>,
) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = tokio::sync::mpsc::unbounded_channel();
    let reply = reply.into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = sender.send(answer(stream, reply.clone()).await);
        }
    });
    (address, requests)
}

/// A server that takes connections and never answers.
async fn silent_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = listener.accept().await {
            held.push(connection);
        }
    });
    address
}

/// A TLS server whose certificate names `name`; its port, and its authority in PEM.
async fn tls_server(name: &str) -> (u16, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()])
        .unwrap()
        .signed_by(&key, &ca)
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, HELLO.into()).await;
            }
        }
    });
    (port, ca.pem())
}

fn settings(url: &str) -> HttpSettings {
    HttpSettings {
        connect_timeout: Duration::from_secs(2),
        timeout: Duration::from_secs(5),
        ..HttpSettings::new(ServerUrl::parse(url).unwrap())
    }
}

fn get() -> Request<Bytes> {
    Request::builder()
        .uri("/integrations")
        .header("authorization", "hunter2")
        .body(Bytes::new())
        .unwrap()
}

async fn exchange(settings: &HttpSettings) -> Result<Response<BytesMut>, TransportError> {
    HttpTransport::new(settings).unwrap().exchange(get()).await
}

async fn kind(settings: &HttpSettings) -> TransportErrorKind {
    let error = exchange(settings).await.unwrap_err();
    let text = format!("{error:?}");
    for leak in ["127.0.0.1", "integrations", "hunter2"] {
        assert!(!text.contains(leak), "{text}");
    }
    error.kind
}

fn with_ca(mut settings: HttpSettings, place: &TempDir, pem: &str) -> HttpSettings {
    let path = place.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    settings.ca_files.push(path);
    settings
}

/// Settings that trust another server's certificate alone where the system has none.
fn with_other_ca(settings: HttpSettings) -> (TempDir, HttpSettings) {
    let place = TempDir::new().unwrap();
    let other = rcgen::generate_simple_self_signed(["other.example".to_owned()]).unwrap();
    let settings = with_ca(settings, &place, &other.cert.pem());
    (place, settings)
}

#[test]
fn a_servers_url_is_https_or_this_machine() {
    for (text, shown) in [
        ("https://acme.example", "https://acme.example"),
        ("https://acme.example/", "https://acme.example"),
        (
            " https://ACME.example:8443/a/b//\n",
            "https://acme.example:8443/a/b",
        ),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.2", "http://127.0.0.2"),
        ("http://[::1]:80/x", "http://[::1]/x"),
    ] {
        assert_eq!(ServerUrl::parse(text).unwrap().to_string(), shown);
    }
}

#[test]
fn url_with_a_secret_is_refused_and_not_repeated() {
    use ServerUrlError as E;
    for (text, expected) in [
        ("http://acme.example", E::PlainHttp),
        ("http://localhost.example", E::PlainHttp),
        ("http://10.0.0.1", E::PlainHttp),
        ("ftp://localhost", E::Scheme),
        ("https://hunter2@acme.example", E::UserInfo),
        ("https://u:hunter2@acme.example", E::UserInfo),
        ("https://:hunter2@acme.example", E::UserInfo),
        ("https://acme.example?k=hunter2", E::Query),
        ("https://acme.example#hunter2", E::Fragment),
    ] {
        let error = ServerUrl::parse(text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    for text in ["acme.example", "", "https://"] {
        let error = ServerUrl::parse(text).unwrap_err();
        assert!(matches!(error, E::NotAUrl(_)), "{text}");
    }
}

#[tokio::test]
async fn a_request_arrives_with_its_headers_and_body_below_the_prefix() {
    let (url, mut requests) = server(HELLO).await;
    let transport = HttpTransport::new(&settings(&format!("{url}/immuta/"))).unwrap();
    let request = Request::builder()
        .method("PUT")
        .uri("/integrations/a%2Fb")
        .header("content-type", "application/json")
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    let answer = transport.exchange(request).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.body()[..]),
        (200, &b"[]"[..])
    );
    let seen = requests.recv().await.unwrap();
    assert!(
        seen.starts_with("PUT /immuta/integrations/a%2Fb HTTP/1.1\r\n"),
        "{seen}"
    );
    assert!(seen.ends_with("\r\n\r\n{}"), "{seen}");
    let agent = concat!(
        "user-agent: integrationd/",
        env!("CARGO_PKG_VERSION"),
        "\r\n"
    );
    assert!(seen.contains(agent), "{seen}");
    assert!(seen.contains("accept-encoding: gzip\r\n"), "{seen}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (target, mut followed) = server(HELLO).await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
    let (url, _requests) = server(redirect).await;
    let answer = exchange(&settings(&url)).await.unwrap();
    assert_eq!(answer.status().as_u16(), 302);
    assert!(followed.try_recv().is_err());
}

#[tokio::test]
async fn an_answer_that_ends_too_early_is_broken() {
    for reply in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[]\r\n",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "",
        "SSH-2.0-x\r\n",
    ] {
        let (url, _requests) = server(reply).await;
        assert_eq!(
            kind(&settings(&url)).await,
            TransportErrorKind::Broken,
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_not_gzip_although_it_says_so_is_broken() {
    let reply = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n[]";
    let (url, _requests) = server(reply).await;
    assert_eq!(kind(&settings(&url)).await, TransportErrorKind::Broken);
}

#[tokio::test]
async fn an_answer_larger_than_the_limit_is_not_read() {
    let (url, _requests) = server(HELLO).await;
    let transport = HttpTransport::new(&settings(&url)).unwrap();
    for (limit, fits) in [(1, false), (2, true)] {
        let answer = transport.client.get(&url).send().await.unwrap();
        let read = read_body(answer, limit).await;
        assert_eq!(read.is_ok(), fits);
    }
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let settings = HttpSettings {
        timeout: Duration::from_millis(200),
        ..settings(&silent_server().await)
    };
    assert_eq!(kind(&settings).await, TransportErrorKind::Timeout);
}

#[tokio::test]
async fn silence_within_an_answer_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        let start = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[";
        stream.write_all(start).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
    });
    let settings = HttpSettings {
        timeout: Duration::from_millis(200),
        ..settings(&url)
    };
    assert_eq!(kind(&settings).await, TransportErrorKind::Timeout);
}

#[tokio::test]
async fn a_handshake_that_never_ends_was_never_sent() {
    let url = silent_server().await.replace("http:", "https:");
    let settings = HttpSettings {
        connect_timeout: Duration::from_millis(200),
        ..settings(&url)
    };
    let (_place, settings) = with_other_ca(settings);
    assert_eq!(kind(&settings).await, TransportErrorKind::Connect);
}

#[tokio::test]
async fn a_refused_connection_and_an_unknown_name_were_never_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = exchange(&settings(&url)).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect);
}

#[tokio::test]
async fn private_authority_is_trusted_in_addition_to_the_systems() {
    let (port, pem) = tls_server("localhost").await;
    let place = TempDir::new().unwrap();
    let settings = with_ca(settings(&format!("https://localhost:{port}")), &place, &pem);
    let answer = exchange(&settings).await.unwrap();
    assert_eq!(&answer.body()[..], b"[]");
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let (port, _) = tls_server("localhost").await;
    let (_place, settings) = with_other_ca(settings(&format!("https://localhost:{port}")));
    assert_eq!(kind(&settings).await, TransportErrorKind::Certificate);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let (port, pem) = tls_server("acme.example").await;
    let place = TempDir::new().unwrap();
    let settings = with_ca(settings(&format!("https://localhost:{port}")), &place, &pem);
    assert_eq!(kind(&settings).await, TransportErrorKind::Certificate);
}

#[tokio::test]
async fn a_server_without_tls_was_never_sent_anything() {
    let (url, _requests) = server("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let (_place, settings) = with_other_ca(settings(&url.replace("http:", "https:")));
    assert_eq!(kind(&settings).await, TransportErrorKind::Connect);
}

#[test]
fn a_ca_file_that_is_not_in_order_is_named() {
    let place = TempDir::new().unwrap();
    let setup = |pem: &str| {
        let settings = with_ca(settings("https://localhost"), &place, pem);
        HttpTransport::new(&settings).unwrap_err()
    };
    let empty = setup("not a certificate");
    assert!(matches!(empty, HttpSetupError::NoCa { .. }), "{empty:?}");
    assert!(empty.to_string().contains("ca.pem"));
    let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    let broken = setup(broken);
    assert!(matches!(broken, HttpSetupError::BadCa { .. }), "{broken:?}");
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let nonsense = setup(nonsense);
    assert!(
        matches!(nonsense, HttpSetupError::BadCa { .. }),
        "{nonsense:?}"
    );
    let mut missing = settings("https://localhost");
    missing.ca_files.push(place.path().join("nothing"));
    let missing = HttpTransport::new(&missing).unwrap_err();
    assert!(matches!(missing, HttpSetupError::ReadCa { .. }));
}

/// Runs one of the ignored tests below in a process of its own, since they
/// need an environment of their own.
fn passes_alone(name: &str, environment: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--ignored",
        "--exact",
        &format!("{}::{name}", module_path!().split_once("::").unwrap().1),
    ]);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn a_proxy_is_used_for_others_and_never_for_this_machine() {
    let proxy = "http://127.0.0.1:1";
    let environment = [
        ("http_proxy", proxy),
        ("https_proxy", proxy),
        ("HTTPS_PROXY", proxy),
        ("no_proxy", ""),
        ("NO_PROXY", ""),
    ];
    passes_alone("with_a_proxy", &environment);
}

#[tokio::test]
#[ignore = "needs the environment of the test above"]
async fn with_a_proxy() {
    let (url, _requests) = server(HELLO).await;
    assert!(exchange(&settings(&url)).await.is_ok());
    // Nothing listens at the proxy, and this name is resolved nowhere else.
    let (_place, settings) = with_other_ca(settings("https://tenant.invalid"));
    let error = exchange(&settings).await.unwrap_err();
    let causes: Vec<String> = chain(error.source.as_deref().unwrap())
        .map(ToString::to_string)
        .collect();
    assert_eq!(error.kind, TransportErrorKind::Connect);
    assert!(
        causes.iter().any(|cause| cause.contains("refused")),
        "{causes:?}"
    );
}

#[test]
fn system_without_certificates_is_an_error_with_a_remedy() {
    let place = TempDir::new().unwrap();
    let (file, directory) = (place.path().join("none.pem"), place.path());
    std::fs::write(&file, "").unwrap();
    let environment = [
        ("SSL_CERT_FILE", file.to_str().unwrap()),
        ("SSL_CERT_DIR", directory.to_str().unwrap()),
    ];
    passes_alone("without_certificates", &environment);
}

#[tokio::test]
#[ignore = "needs the environment of the test above"]
async fn without_certificates() {
    let error = HttpTransport::new(&settings("https://localhost")).unwrap_err();
    assert!(matches!(error, HttpSetupError::NoSystemCas), "{error:?}");
    let (url, _requests) = server(HELLO).await;
    assert!(
        exchange(&settings(&url)).await.is_ok(),
        "without TLS none are needed"
    );
    let (port, pem) = tls_server("localhost").await;
    let place = TempDir::new().unwrap();
    let settings = with_ca(settings(&format!("https://localhost:{port}")), &place, &pem);
    assert!(exchange(&settings).await.is_ok(), "a CA file is enough");
}
