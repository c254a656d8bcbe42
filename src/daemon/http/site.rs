//! Paths of the site, their responses, and access to them.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, SET_COOKIE, WWW_AUTHENTICATE,
};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::auth::{BrowserSession, Caller, Gate, bearer};
use super::page::{self, Filter, Viewer};
use super::{Handler, Hosts, Peer, headers, request};
use crate::daemon::view::StatusDocument;
use crate::daemon::{
    DaemonStatus, Liveness, Rejections, StatusPublisher, Trigger, WebhookRejection, metrics,
};
use crate::report::format::{OutputFormat, render};

/// Time for the worker to respond to a liveness check: longer than it takes to load ten
/// thousand files on a busy machine.
const LIVENESS_TIMEOUT: Duration = Duration::from_secs(5);

/// Site of the daemon.
#[derive(Debug)]
pub struct Site {
    status: watch::Receiver<DaemonStatus>,
    metrics: metrics::Metrics,
    liveness: Liveness,
    trigger: Trigger,
    gate: Gate,
    hosts: Hosts,
    scheme: &'static str,
    rejections: Rejections,
}

/// The routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Livez,
    Readyz,
    Metrics,
    Status,
    Page,
    Login,
    Logout,
    Sync,
    Asset(&'static page::Asset),
}

/// Access level of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Every client: it reveals nothing.
    Open,
    /// Clients with the token, or all if there is none.
    Look,
    /// Clients with the token.
    Act,
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/" => Self::Page,
            "/livez" => Self::Livez,
            "/readyz" => Self::Readyz,
            "/metrics" => Self::Metrics,
            "/status" => Self::Status,
            "/login" => Self::Login,
            "/logout" => Self::Logout,
            "/sync" => Self::Sync,
            path => Self::Asset(page::asset(path)?),
        })
    }

    fn access(self) -> Access {
        match self {
            Self::Livez | Self::Readyz | Self::Login | Self::Asset(_) => Access::Open,
            Self::Metrics | Self::Status | Self::Page => Access::Look,
            Self::Logout | Self::Sync => Access::Act,
        }
    }

    /// The methods, as `Allow` has them. `HEAD` is answered like `GET`; the body is
    /// left out on the way.
    fn methods(self) -> &'static str {
        match self {
            Self::Livez
            | Self::Readyz
            | Self::Metrics
            | Self::Status
            | Self::Page
            | Self::Asset(_) => "GET, HEAD",
            Self::Login => "GET, HEAD, POST",
            Self::Logout | Self::Sync => "POST",
        }
    }

    fn takes(self, method: &Method) -> bool {
        self.methods().split(", ").any(|own| own == method.as_str())
    }
}

impl Site {
    /// Site of this worker, whose runs it can trigger.
    #[must_use]
    pub fn new(
        publisher: &StatusPublisher,
        trigger: Trigger,
        gate: Gate,
        hosts: Hosts,
        scheme: &'static str,
    ) -> Self {
        Self {
            status: publisher.subscribe(),
            metrics: publisher.metrics.clone(),
            liveness: publisher.liveness.clone(),
            trigger,
            gate,
            hosts,
            scheme,
            rejections: Rejections::new(publisher.metrics.clone()),
        }
    }

    async fn respond(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let Some(host) = request::host(request).filter(|host| self.hosts.allow(host)) else {
            let help = "unknown host name: allow it with `--allow-host`\n";
            return text(StatusCode::MISDIRECTED_REQUEST, help);
        };
        let Some(route) = Route::of(request.uri().path()) else {
            return text(StatusCode::NOT_FOUND, "not found\n");
        };
        if !route.takes(request.method()) {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
            let allow = HeaderValue::from_static(route.methods());
            response.headers_mut().insert(ALLOW, allow);
            return response;
        }
        let headers = request.headers();
        let is_post = request.method() == Method::POST;
        if is_post && !request::is_same_origin(headers, self.scheme, host) {
            return text(
                StatusCode::FORBIDDEN,
                "rejected: the request came from another site\n",
            );
        }
        let caller = self.gate.caller(headers, Timestamp::now());
        match route.access() {
            Access::Look if !caller.may_read() => self.refuse(request),
            Access::Act => match self.refusal(&caller, request) {
                Some(refusal) => refusal,
                None => self.act(route, &caller),
            },
            Access::Open | Access::Look => self.show(route, request, &caller).await,
        }
    }

    async fn show(
        &self,
        route: Route,
        request: &Request<Bytes>,
        caller: &Caller,
    ) -> Response<Bytes> {
        match route {
            Route::Livez => self.livez().await,
            Route::Readyz => self.readyz(),
            Route::Metrics => {
                let media_type = HeaderValue::from_static(metrics::MEDIA_TYPE);
                answer(StatusCode::OK, media_type, self.metrics.text())
            }
            Route::Status => {
                let rendered = render(
                    OutputFormat::Json,
                    &StatusDocument::new(&self.status.borrow()),
                );
                answer(StatusCode::OK, headers::JSON, rendered.kept)
            }
            Route::Page => self.page(request, caller),
            Route::Login if request.method() == Method::POST => self.log_in(request),
            Route::Login => self.login(StatusCode::OK),
            Route::Asset(asset) => answer(
                StatusCode::OK,
                HeaderValue::from_static(asset.media_type),
                asset.content,
            ),
            Route::Logout | Route::Sync => self.act(route, caller),
        }
    }

    async fn livez(&self) -> Response<Bytes> {
        if self.liveness.responds_within(LIVENESS_TIMEOUT).await {
            text(StatusCode::OK, "ok\n")
        } else {
            text(
                StatusCode::SERVICE_UNAVAILABLE,
                "the worker does not respond\n",
            )
        }
    }

    fn readyz(&self) -> Response<Bytes> {
        if self.status.borrow().view.is_some() {
            text(StatusCode::OK, "ok\n")
        } else {
            let why = "the files and the tenant have not been read yet\n";
            text(StatusCode::SERVICE_UNAVAILABLE, why)
        }
    }

    /// The page carries its hash, so that a client that already has it receives only a
    /// confirmation.
    fn page(&self, request: &Request<Bytes>, caller: &Caller) -> Response<Bytes> {
        let viewer = match caller {
            Caller::Operator(BrowserSession { csrf, .. }) => Viewer::Operator { csrf },
            Caller::Anybody | Caller::Bearer | Caller::Anonymous => Viewer::Reader {
                has_token: self.gate.has_token(),
            },
        };
        let filter = Filter::of(request.uri().query().unwrap_or_default());
        let html = page::status(&self.status.borrow(), &filter, viewer).into_string();
        let hash = format!("\"{:.32}\"", format!("{:x}", Sha256::digest(&html)));
        let known = request.headers().get(IF_NONE_MATCH);
        let mut response = if known.is_some_and(|known| known == hash.as_str()) {
            answer(StatusCode::NOT_MODIFIED, headers::HTML, Bytes::new())
        } else {
            answer(StatusCode::OK, headers::HTML, html)
        };
        set(&mut response, ETAG, &hash);
        response
    }

    fn login(&self, status: StatusCode) -> Response<Bytes> {
        let is_wrong = status == StatusCode::UNAUTHORIZED;
        let html = page::login(self.gate.has_token(), is_wrong).into_string();
        answer(status, headers::HTML, html)
    }

    fn log_in(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let peer = peer(request);
        if !self
            .gate
            .is_token(request::value(request.body(), "token").trim())
        {
            self.rejections.add(WebhookRejection::FailedLogin, peer);
            return self.login(StatusCode::UNAUTHORIZED);
        }
        match self.gate.begin_session(Timestamp::now()) {
            Ok(cookie) => {
                tracing::info!(?peer, "operator logged in");
                to_the_page(Some(&cookie))
            }
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        }
    }

    /// Redirects a browser to the login page, and asks a program for a bearer token.
    fn refuse(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let headers = request.headers();
        if bearer(headers).is_some() {
            self.rejections
                .add(WebhookRejection::WrongToken, peer(request));
        }
        if request::wants_html(headers) {
            let mut response = text(StatusCode::SEE_OTHER, "log in\n");
            set(&mut response, LOCATION, "/login");
            return response;
        }
        let mut response = text(
            StatusCode::UNAUTHORIZED,
            "send the token in an Authorization header of type Bearer\n",
        );
        set(&mut response, WWW_AUTHENTICATE, "Bearer");
        response
    }

    /// Reason for refusing the action.
    fn refusal(&self, caller: &Caller, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        match caller {
            Caller::Bearer => None,
            Caller::Operator(session) => {
                let given = request::value(request.body(), "csrf");
                let is_ours = self.gate.is_csrf(session, &given);
                let help = "this form does not belong to your session: reload the page\n";
                (!is_ours).then(|| text(StatusCode::FORBIDDEN, help))
            }
            Caller::Anonymous => Some(self.refuse(request)),
            Caller::Anybody => {
                let help = "actions need a token: configure one with `--listen-token-file`\n";
                Some(text(StatusCode::FORBIDDEN, help))
            }
        }
    }

    fn act(&self, route: Route, caller: &Caller) -> Response<Bytes> {
        if route == Route::Logout {
            return to_the_page(Some(&self.gate.end_session(caller)));
        }
        tracing::info!("operator triggered a run");
        self.trigger.notify_manual();
        to_the_page(None)
    }
}

impl Handler for Site {
    fn wants_body(&self, head: &Parts) -> bool {
        let route = Route::of(head.uri.path());
        head.method == Method::POST && route.is_some_and(|route| route.takes(&head.method))
    }

    async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let response = self.respond(&request).await;
        tracing::debug!(
            http.request.method = %request.method(),
            http.response.status_code = response.status().as_u16(),
            "answered a request"
        );
        response
    }
}

fn peer(request: &Request<Bytes>) -> Option<IpAddr> {
    let peer = request.extensions().get::<Peer>();
    peer.map(|Peer(peer)| peer.ip())
}

fn to_the_page(cookie: Option<&str>) -> Response<Bytes> {
    let mut response = text(StatusCode::SEE_OTHER, "see the page\n");
    set(&mut response, LOCATION, "/");
    if let Some(cookie) = cookie {
        set(&mut response, SET_COOKIE, cookie);
    }
    response
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Bytes> {
    answer(status, headers::TEXT, text)
}

fn answer(status: StatusCode, media_type: HeaderValue, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

fn set(response: &mut Response<Bytes>, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
