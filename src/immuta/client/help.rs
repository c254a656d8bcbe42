//! Most likely remedies of failed calls: one place, so that every command gives the same advice
//! for the same failure.

use super::{ApiError, Rejection, TransportErrorKind};

/// For an answer that is not the API's.
const NOT_IMMUTA: &str = "check that the URL is the tenant's address as in the browser, without a \
    path, and that no proxy responds in the tenant's place";

impl ApiError {
    /// The most likely remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Transport { source, .. } => transport(source.kind),
            Self::NoCredentials(error) => error.help(),
            Self::Unreadable { .. } => NOT_IMMUTA,
            Self::Refused { rejection, .. } => refused(rejection),
        }
    }
}

fn transport(kind: TransportErrorKind) -> &'static str {
    match kind {
        TransportErrorKind::Connect => {
            "check the URL's host and port, the network and any proxy (HTTPS_PROXY)"
        }
        TransportErrorKind::Certificate => {
            "if a private authority issued the certificate, give the authority's own certificate \
            with `--ca-file`"
        }
        TransportErrorKind::Timeout | TransportErrorKind::Broken => {
            "try again; if the problem persists, check for a firewall or proxy on the way to the \
                tenant"
        }
    }
}

fn refused(rejection: &Rejection) -> &'static str {
    match rejection.code {
        300..=399 => {
            "use the URL that the redirect points to: integrationd does not follow \
            redirects"
        }
        401 => {
            "the API key is wrong, expired or revoked: create a new one in Immuta (profile page, \
            tab API Keys); if the tenant requires a bearer token, use `--auth token`"
        }
        403 => "give the API key's user the APPLICATION_ADMIN permission",
        404 if !rejection.says_absent => NOT_IMMUTA,
        407 => "the proxy requires credentials: give them in HTTPS_PROXY",
        409 => "another change to the integration is in progress: try again in a minute",
        422 if !rejection.failing_tests.is_empty() => {
            "fix the problems that the failing tests report, then try again"
        }
        429 => "the tenant limits the request rate: try again later",
        500.. => "the tenant, or a proxy in front of it, has a problem: try again later",
        _ => "fix the problem that the server's message reports, then try again",
    }
}
