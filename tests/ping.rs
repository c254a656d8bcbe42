//! `ping`: one line for each question, and what helps.

use std::net::SocketAddr;
use std::sync::Arc;

use http::Method;
use integrationd::simulator::{FaultKind, POWERLESS_API_KEY};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::common::{Files, Integrationd, Tenant};
use crate::programs::{CERTIFICATES, needs};

fn fault(kind: FaultKind) -> Tenant {
    let tenant = Tenant::empty();
    tenant.fails_once(&Method::GET, "/integrations", kind);
    tenant
}

fn ping(tenant: &Tenant) -> Integrationd {
    Integrationd::new(["ping"]).on(tenant)
}

#[test]
fn a_good_tenant_answers_every_question() {
    let tenant = Tenant::empty();
    let ran = ping(&tenant).run().exits_with(0);
    insta::assert_snapshot!(ran.stdout, @r"
    ok      url          [TENANT]
    ok      connection   connected to this machine without TLS
    ok      tenant       responds like Immuta's integrations API
    ok      credentials  accepted
    ok      permission   granted
    ok      list         0 integrations
    ");
    let token = ping(&tenant).arg("--auth=token").run().exits_with(0);
    assert_eq!(token.stdout, ran.stdout);
}

#[test]
fn a_wrong_key_fails_at_the_credentials() {
    let tenant = Tenant::empty();
    let wrong = |auth: &str| {
        let run = ping(&tenant).env("IMMUTA_API_KEY", "a-wrong-key");
        run.arg("--auth").arg(auth).run().exits_with(1).stdout
    };
    insta::assert_snapshot!(wrong("key"), @r"
    ok      url          [TENANT]
    ok      connection   connected to this machine without TLS
    ok      tenant       responds like Immuta's integrations API
    failed  credentials  GET /integrations: 401 Unauthorized: Invalid authentication
    help:   the API key is wrong, expired or revoked: create a new one in Immuta (profile page, tab API Keys); if the tenant requires a bearer token, use `--auth token`
    ");
    insta::assert_snapshot!(wrong("token"), @r"
    ok      url          [TENANT]
    ok      connection   connected to this machine without TLS
    ok      tenant       responds like Immuta's integrations API
    failed  credentials  POST /bim/apikey/authenticate: 401 Unauthorized: Invalid API key
    help:   the API key is wrong, expired or revoked: create a new one in Immuta (profile page, tab API Keys); if the tenant requires a bearer token, use `--auth token`
    ");
}

#[test]
fn a_powerless_key_fails_at_the_permission() {
    let tenant = Tenant::empty();
    let ran = ping(&tenant).env("IMMUTA_API_KEY", POWERLESS_API_KEY).run();
    insta::assert_snapshot!(ran.exits_with(1).stdout, @r"
    ok      url          [TENANT]
    ok      connection   connected to this machine without TLS
    ok      tenant       responds like Immuta's integrations API
    ok      credentials  accepted
    failed  permission   GET /integrations: 403 Forbidden: Insufficient permissions: APPLICATION_ADMIN is required
    help:   give the API key's user the APPLICATION_ADMIN permission
    ");
}

#[test]
fn a_page_of_html_is_no_tenant() {
    let tenant = fault(FaultKind::Html {
        after_effect: false,
    });
    insta::assert_snapshot!(ping(&tenant).run().exits_with(1).stdout, @r"
    ok      url          [TENANT]
    ok      connection   connected to this machine without TLS
    failed  tenant       GET /integrations: the response is an HTML page, not JSON
    help:   check that the URL is the tenant's address as in the browser, without a path, and that no proxy responds in the tenant's place
    ");
}

#[test]
fn a_path_without_an_api_is_no_tenant() {
    let tenant = Tenant::empty();
    let ran = Integrationd::new(["ping"])
        .at(&format!("{}/nothing", tenant.url()))
        .run();
    insta::assert_snapshot!(ran.exits_with(1).stdout, @r"
    ok      url          [TENANT]
    ok      connection   connected to this machine without TLS
    failed  tenant       GET /integrations: 404 Not Found: Not Found
    help:   check that the URL is the tenant's address as in the browser, without a path, and that no proxy responds in the tenant's place
    ");
}

#[test]
fn a_server_in_trouble_is_asked_once() {
    let tenant = fault(FaultKind::ServerError {
        code: 503,
        after_effect: false,
    });
    insta::assert_snapshot!(ping(&tenant).run().exits_with(1).all(), @r"
    ok      url          [TENANT]
    ok      connection   connected to this machine without TLS
    failed  tenant       GET /integrations: 503 Service Unavailable: An internal server error occurred
    help:   the tenant, or a proxy in front of it, has a problem: try again later
    ");
    assert_eq!(tenant.requests().len(), 1);
}

#[test]
fn too_many_requests_are_reported() {
    let tenant = fault(FaultKind::TooManyRequests { retry_after: None });
    insta::assert_snapshot!(ping(&tenant).run().exits_with(1).stdout, @r"
    ok      url          [TENANT]
    ok      connection   connected to this machine without TLS
    failed  tenant       GET /integrations: 429 Too Many Requests: Rate limit exceeded
    help:   the tenant limits the request rate: try again later
    ");
}

#[test]
fn a_connection_that_breaks_fails_at_the_connection() {
    let tenant = fault(FaultKind::DropBefore);
    let ran = ping(&tenant).run().exits_with(1);
    assert!(ran.stdout.contains("failed  connection"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("the connection was interrupted: "),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_port_where_nothing_listens_is_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let ran = Integrationd::new(["ping"]).at(&url).run().exits_with(1);
    insta::assert_snapshot!(ran.all(), @r"
    ok      url          [TENANT]
    failed  connection   GET /integrations failed: could not connect: Connection refused (os error 111)
    help:   check the URL's host and port, the network and any proxy (HTTPS_PROXY)
    ");
}

#[test]
fn unknown_host_name_fails_at_the_connection() {
    needs!(CERTIFICATES);
    let ran = Integrationd::new(["ping"])
        .at("https://tenant.invalid")
        .run()
        .exits_with(1);
    assert!(ran.stdout.contains("failed  connection"), "{}", ran.stdout);
    assert!(ran.stdout.contains("could not connect: "), "{}", ran.stdout);
}

#[test]
fn an_unknown_authority_is_refused_and_its_certificate_helps() {
    needs!(CERTIFICATES);
    let server = TlsServer::start("localhost");
    let url = format!("https://localhost:{}", server.address.port());
    let refused = Integrationd::new(["ping"]).at(&url).run().exits_with(1);
    insta::assert_snapshot!(refused.stdout, @r"
    ok      url          [TENANT]
    failed  connection   GET /integrations failed: the server's certificate is not trusted: invalid peer certificate: UnknownIssuer
    help:   if a private authority issued the certificate, give the authority's own certificate with `--ca-file`
    ");
    let files = Files::none().with("ca.pem", &server.certificate);
    let accepted = Integrationd::new(["ping", "--ca-file"])
        .arg(files.path().join("ca.pem"))
        .at(&url)
        .run()
        .exits_with(0);
    insta::assert_snapshot!(accepted.stdout, @r"
    ok      url          [TENANT]
    ok      connection   connected, and the certificate is trusted
    ok      tenant       responds like Immuta's integrations API
    ok      credentials  accepted
    ok      permission   granted
    ok      list         0 integrations
    ");
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let server = TlsServer::start("acme.example");
    let files = Files::none().with("ca.pem", &server.certificate);
    let ran = Integrationd::new(["ping", "--ca-file"])
        .arg(files.path().join("ca.pem"))
        .at(&format!("https://localhost:{}", server.address.port()))
        .run()
        .exits_with(1);
    let said = ran.stdout.contains("certificate is not trusted");
    assert!(said, "{}", ran.stdout);
}

/// Answers every request over TLS with an empty list, as long as the tests run.
struct TlsServer {
    address: SocketAddr,
    /// In PEM form; it is its own authority.
    certificate: String,
}

impl TlsServer {
    fn start(host: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let certificate = made.cert.pem();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::from(key))
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(serve(listener, TlsAcceptor::from(Arc::new(config))));
        });
        Self {
            address,
            certificate,
        }
    }
}

async fn serve(listener: std::net::TcpListener, acceptor: TlsAcceptor) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        // A client that does not like the certificate hangs up.
        let Ok(mut stream) = acceptor.accept(stream).await else {
            continue;
        };
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                      content-length: 2\r\nconnection: close\r\n\r\n[]";
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}
