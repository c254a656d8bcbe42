//! HTTP to a server that is trusted with credentials: the tenant, or a store of
//! secrets.
//!
//! One exchange, without retries: those are decided where it is known what a
//! request does. Redirects are not followed, since they would carry the
//! credentials to wherever an answer points. No error carries a URL or a body.

mod observe;
mod stream;

pub use stream::Streamed;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::AUTHORIZATION;
use http::{Request, Response};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::Instant;
use url::{Host, Url};

pub use observe::{ExchangeObserver, Exchanged, UrlTemplate};

/// The largest answer that is read. A list of ten thousand integrations has
/// about 20 MiB; something larger is not the API.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// Time for name, connection and handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for a whole exchange. Writes are taken on at once and worked on later
/// (API.md 3.2); what takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Idle connections are closed before load balancers do it (commonly after 60
/// seconds), so that a write does not meet a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

/// A URL that cannot be such a server's. It repeats nothing of the URL, which may
/// hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// Not a URL.
    #[error("it is not a URL")]
    NotAUrl(#[source] url::ParseError),
    /// Another scheme.
    #[error("its scheme is not https")]
    Scheme,
    /// `http` to another machine.
    #[error(
        "use https: http would send credentials unencrypted (http is allowed only on this \
        machine)"
    )]
    PlainHttp,
    /// `user:password@`.
    #[error("it contains a user name or password: remove them")]
    UserInfo,
    /// `?query`.
    #[error("it contains a query: remove the question mark and everything after it")]
    Query,
    /// `#fragment`.
    #[error("it contains a fragment: remove the # and everything after it")]
    Fragment,
}

impl ServerUrl {
    /// Reads a URL; a path is kept as a prefix.
    ///
    /// # Errors
    /// For everything that could not be such an address, or would give credentials away.
    pub fn parse(text: &str) -> Result<Self, ServerUrlError> {
        let mut url = Url::parse(text.trim()).map_err(ServerUrlError::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ServerUrlError::UserInfo);
        }
        if url.query().is_some() {
            return Err(ServerUrlError::Query);
        }
        if url.fragment().is_some() {
            return Err(ServerUrlError::Fragment);
        }
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&prefix);
        let url = Self(url);
        match url.0.scheme() {
            "https" => Ok(url),
            "http" if url.is_loopback() => Ok(url),
            "http" => Err(ServerUrlError::PlainHttp),
            _ => Err(ServerUrlError::Scheme),
        }
    }

    /// True if it is this machine.
    fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The URL of a path on the server.
    fn join(&self, path: &str) -> Result<Url, url::ParseError> {
        Url::parse(&format!("{}{path}", self.0.as_str().trim_end_matches('/')))
    }
}

impl std::fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Connection settings for a server.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Its address.
    pub server: ServerUrl,
    /// Files with certificates, in PEM, of authorities to trust in addition to the system's.
    pub ca_files: Vec<PathBuf>,
    /// Time for name, connection and handshake.
    pub connect_timeout: Duration,
    /// Time for a whole exchange.
    pub timeout: Duration,
    /// Observer of every exchange.
    pub observer: Option<Arc<dyn ExchangeObserver>>,
}

impl HttpSettings {
    /// The usual settings.
    #[must_use]
    pub fn new(server: ServerUrl) -> Self {
        Self {
            server,
            ca_files: Vec::new(),
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            observer: None,
        }
    }
}

/// An exchange that brought no whole answer.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct TransportError {
    /// Kind of the failure.
    pub kind: TransportErrorKind,
    /// The deepest cause, free of URLs and bodies.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Kinds of transport failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransportErrorKind {
    /// No connection: the request was never sent.
    #[error("could not connect")]
    Connect,
    /// The certificate of the server was not accepted: the request was never sent.
    #[error("the server's certificate is not trusted")]
    Certificate,
    /// No whole answer within the time allowed.
    #[error("timed out")]
    Timeout,
    /// The connection broke before the answer was whole.
    #[error("the connection was interrupted")]
    Broken,
}

/// Reason why there is no transport.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    /// A file that could not be read.
    #[error("cannot read the CA file {}", .path.display())]
    ReadCa {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file without a certificate in it.
    #[error("the CA file {} contains no PEM certificate", .path.display())]
    NoCa {
        /// The file.
        path: PathBuf,
    },
    /// A certificate that is none.
    #[error("the CA file {} contains an invalid certificate", .path.display())]
    BadCa {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A system without certificates.
    #[error("this system has no CA certificates: install ca-certificates, or give a CA file")]
    NoSystemCas,
    /// Anything else.
    #[error("cannot set up the HTTP client")]
    Other(#[source] reqwest::Error),
}

/// Sends requests over a network.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: Client,
    server: ServerUrl,
    observer: Option<Arc<dyn ExchangeObserver>>,
}

impl HttpTransport {
    /// Prepares to send; nothing is sent yet.
    ///
    /// # Errors
    /// For a CA file that is not in order, and on a system without certificates.
    pub fn new(settings: &HttpSettings) -> Result<Self, HttpSetupError> {
        // The first one stays. Another that is already there serves as well, so
        // that the outcome does not matter.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let HttpSettings {
            server,
            ca_files,
            connect_timeout,
            timeout,
            observer,
        } = settings;
        let mut builder = Client::builder()
            .user_agent(concat!("integrationd/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(*connect_timeout)
            .timeout(*timeout)
            .pool_idle_timeout(IDLE_TIMEOUT);
        if server.is_loopback() {
            builder = builder.no_proxy();
        }
        Ok(Self {
            client: trust(builder, server, ca_files)?
                .build()
                .map_err(setup_error)?,
            server: server.clone(),
            observer: observer.clone(),
        })
    }
}

/// Adds the certificates of authorities. Without TLS none are needed, and a
/// system without any must not matter.
fn trust(
    builder: ClientBuilder,
    server: &ServerUrl,
    files: &[PathBuf],
) -> Result<ClientBuilder, HttpSetupError> {
    let mut certificates = Vec::new();
    for path in files {
        certificates.extend(read_ca(path)?);
    }
    Ok(if server.0.scheme() == "http" {
        builder.tls_certs_only([])
    } else {
        builder.tls_certs_merge(certificates)
    })
}

fn read_ca(path: &Path) -> Result<Vec<Certificate>, HttpSetupError> {
    let pem = std::fs::read(path).map_err(|source| HttpSetupError::ReadCa {
        path: path.to_owned(),
        source,
    })?;
    let certificates = parse_ca(&pem).map_err(|source| HttpSetupError::BadCa {
        path: path.to_owned(),
        source,
    })?;
    if certificates.is_empty() {
        return Err(HttpSetupError::NoCa {
            path: path.to_owned(),
        });
    }
    Ok(certificates)
}

/// Each certificate is tried alone, so that the error can name its file.
fn parse_ca(pem: &[u8]) -> Result<Vec<Certificate>, Box<dyn StdError + Send + Sync>> {
    let mut certificates = Vec::new();
    for der in CertificateDer::pem_slice_iter(pem) {
        let der = der?;
        certificates.push(Certificate::from_der(&der)?);
        RootCertStore::empty().add(der)?;
    }
    Ok(certificates)
}

/// Recognizes the one failure with a remedy. The library that loads the system's certificates
/// reports it only as a text.
fn setup_error(error: reqwest::Error) -> HttpSetupError {
    let no_system_cas = chain(&error).any(|cause| {
        matches!(cause.downcast_ref(), Some(rustls::Error::General(text)) if text.contains("No CA certificates"))
    });
    if no_system_cas {
        HttpSetupError::NoSystemCas
    } else {
        HttpSetupError::Other(error)
    }
}

impl HttpTransport {
    /// Sends a request whose URI is a path on the server, and reads the whole answer.
    ///
    /// # Errors
    /// There was no whole answer. Nothing of a URL or a body is in the error.
    pub async fn exchange(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<BytesMut>, TransportError> {
        let Some(observer) = &self.observer else {
            return self.whole(request).await;
        };
        let method = request.method().clone();
        let template = request.extensions().get().copied();
        let begun = Instant::now();
        let answer = self.whole(request).await;
        observer.exchanged(&Exchanged {
            method: &method,
            template: template.unwrap_or(UrlTemplate("other")),
            result: match &answer {
                Ok(answer) => Ok(answer.status()),
                Err(error) => Err(error.kind),
            },
            took: begun.elapsed(),
        });
        answer
    }

    /// The answer with all of its body.
    async fn whole(&self, request: Request<Bytes>) -> Result<Response<BytesMut>, TransportError> {
        let answer = self.send(request).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = Response::new(read_body(answer, LARGEST_ANSWER).await?);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    async fn send(&self, request: Request<Bytes>) -> Result<reqwest::Response, TransportError> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = self
            .server
            .join(path)
            // Nothing was sent.
            .map_err(|source| failed(TransportErrorKind::Connect, source))?;
        let mut headers = parts.headers;
        if let Some(value) = headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        let mut request = self.client.request(parts.method, url).headers(headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        request.send().await.map_err(transport_error)
    }
}

/// An answer that is too large to be one.
#[derive(Debug, thiserror::Error)]
#[error("the response is larger than {limit} bytes")]
struct TooLarge {
    limit: usize,
}

async fn read_body(
    mut answer: reqwest::Response,
    limit: usize,
) -> Result<BytesMut, TransportError> {
    let announced = answer.content_length().unwrap_or_default();
    // Growing step by step would take twice the memory of a long list.
    let room = usize::try_from(announced).map_or(limit, |announced| announced.min(limit));
    let mut body = BytesMut::with_capacity(room);
    while let Some(chunk) = answer.chunk().await.map_err(transport_error)? {
        if body.len() + chunk.len() > limit {
            return Err(failed(TransportErrorKind::Broken, TooLarge { limit }));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failed(
    kind: TransportErrorKind,
    source: impl StdError + Send + Sync + 'static,
) -> TransportError {
    TransportError {
        kind,
        source: Some(Box::new(source)),
    }
}

fn transport_error(error: reqwest::Error) -> TransportError {
    let kind = if chain(&error).any(is_bad_certificate) {
        TransportErrorKind::Certificate
    } else if error.is_connect() {
        TransportErrorKind::Connect
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else {
        TransportErrorKind::Broken
    };
    let error = error.without_url();
    let deepest = chain(&error).last().map(ToString::to_string);
    failed(kind, Cause(deepest.unwrap_or_default()))
}

/// The deepest cause: it alone describes the problem ("Connection refused"). The messages of
/// the layers of the HTTP client above it add nothing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

fn is_bad_certificate(cause: &(dyn StdError + 'static)) -> bool {
    matches!(
        cause.downcast_ref(),
        Some(rustls::Error::InvalidCertificate(_))
    )
}

/// The error and its causes. An I/O error hides the error that it wraps from
/// `source`, and TLS errors come wrapped so.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        let error: &'a (dyn StdError + 'static) = *error;
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|inner| inner as &(dyn StdError + 'static));
        wrapped.or_else(|| error.source())
    })
}

#[cfg(test)]
mod tests;
