//! git over HTTP, through the client that also talks to the tenant: its
//! certificates, its proxy, no redirects. The deadline is the session's.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, Bytes};
use git2::transport::{Service, SmartSubtransportStream};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use zeroize::Zeroizing;

use super::error::GitFailure;
use super::session::{GitSession, GitTransport};
use crate::net::{HttpTransport, Streamed};
use crate::secret::Secret;

const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
const REQUEST: &str = "application/x-git-upload-pack-request";
const RESULT: &str = "application/x-git-upload-pack-result";

/// The most that libgit2 asks for at once. It lists what it wants and has: some
/// fifty bytes for each of at most a few hundred commits.
const LARGEST_REQUEST: usize = 4 * 1024 * 1024;

/// Credentials for a server.
#[derive(Debug, Clone)]
pub enum GitCredentials {
    /// A user name and a password or token.
    Basic {
        /// The user; many servers accept any name with a token.
        user: String,
        /// The password or token.
        password: Secret,
    },
    /// A bearer token.
    Bearer(Secret),
}

impl GitCredentials {
    /// The secret part.
    pub(super) fn secret(&self) -> &Secret {
        match self {
            Self::Basic { password, .. } | Self::Bearer(password) => password,
        }
    }
}

#[derive(Clone)]
pub(super) struct HttpRoute {
    transport: HttpTransport,
    authorization: Option<HeaderValue>,
}

impl fmt::Debug for HttpRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpRoute")
    }
}

impl GitTransport for HttpRoute {
    fn is_stateless(&self) -> bool {
        true
    }

    fn open(
        &self,
        session: &Arc<GitSession>,
        service: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, GitFailure> {
        Ok(Box::new(Exchange::new(session, self, service)?))
    }
}

impl HttpRoute {
    pub(super) fn new(
        transport: HttpTransport,
        credentials: Option<&GitCredentials>,
    ) -> Result<Self, GitFailure> {
        Ok(Self {
            transport,
            authorization: credentials.map(authorization).transpose()?,
        })
    }
}

fn authorization(credentials: &GitCredentials) -> Result<HeaderValue, GitFailure> {
    let text = match credentials {
        GitCredentials::Basic { user, password } => {
            let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
            let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
            Zeroizing::new(format!("Basic {}", *encoded))
        }
        GitCredentials::Bearer(token) => Zeroizing::new(format!("Bearer {}", token.expose())),
    };
    // Its error repeats nothing, but says nothing either.
    let mut value = HeaderValue::from_str(&text).map_err(|_| GitFailure::Credentials)?;
    value.set_sensitive(true);
    Ok(value)
}

/// One request and its answer. The request is sent when the answer is first read.
pub(super) struct Exchange {
    session: Arc<GitSession>,
    route: HttpRoute,
    service: Service,
    request: Vec<u8>,
    answer: Option<Streamed>,
    piece: Bytes,
    /// Bytes of the list of references so far.
    advertised: u64,
}

impl Exchange {
    pub(super) fn new(
        session: &Arc<GitSession>,
        route: &HttpRoute,
        service: Service,
    ) -> Result<Self, GitFailure> {
        match service {
            Service::UploadPackLs | Service::UploadPack => Ok(Self {
                session: Arc::clone(session),
                route: route.clone(),
                service,
                request: Vec::new(),
                answer: None,
                piece: Bytes::new(),
                advertised: 0,
            }),
            // Nothing is ever pushed.
            Service::ReceivePackLs | Service::ReceivePack => Err(GitFailure::NotGit),
        }
    }

    fn send(&mut self) -> Result<Streamed, GitFailure> {
        let is_list = self.service == Service::UploadPackLs;
        let (method, path, expected) = if is_list {
            let path = "/info/refs?service=git-upload-pack";
            (Method::GET, path, ADVERTISEMENT)
        } else {
            (Method::POST, "/git-upload-pack", RESULT)
        };
        let mut request = Request::new(Bytes::from(std::mem::take(&mut self.request)));
        *request.uri_mut() = http::Uri::from_static(path);
        *request.method_mut() = method;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(expected));
        if !is_list {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(REQUEST));
        }
        if let Some(value) = &self.route.authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        let answer = self.session.wait(self.route.transport.stream(request))??;
        judge(&answer, expected)?;
        Ok(answer)
    }

    /// Fills the piece that is read from, unless the answer has ended.
    fn fill(&mut self) -> Result<(), GitFailure> {
        let mut answer = match self.answer.take() {
            Some(answer) => answer,
            None => self.send()?,
        };
        while self.piece.is_empty() {
            let Some(piece) = self.session.wait(answer.chunk())?? else {
                break;
            };
            if self.service == Service::UploadPackLs {
                let before = self.advertised;
                self.advertised = self.session.receive_references(before, piece.len())?;
            } else {
                self.session.receive(piece.len())?;
            }
            self.piece = piece;
        }
        self.answer = Some(answer);
        Ok(())
    }
}

fn judge(answer: &Streamed, expected: &str) -> Result<(), GitFailure> {
    let status = answer.status();
    let code = status.as_u16();
    if status.is_redirection() {
        return Err(GitFailure::Redirected { status: code });
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Err(GitFailure::Denied { status: code });
    }
    if status != StatusCode::OK {
        return Err(GitFailure::Status { status: code });
    }
    // A page for logging in also comes with 200.
    let found = answer.headers().get(CONTENT_TYPE);
    if found.is_none_or(|found| found.as_bytes() != expected.as_bytes()) {
        return Err(GitFailure::NotGit);
    }
    Ok(())
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.fill()
                .map_err(|failure| self.session.keep_io(failure))?;
        }
        let size = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..size]);
        Ok(size)
    }
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.request.len() + bytes.len() > LARGEST_REQUEST {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.request.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
