//! What most likely helps when a call has failed: one place, so that every
//! command gives the same advice for the same failure.

use super::{ApiError, Rejection, TransportErrorKind};

/// For an answer that is not the API's.
const NOT_IMMUTA: &str = "is this the URL of an Immuta tenant? It is the one in the browser, \
                          without a path; a proxy on the way may also answer in its place";

impl ApiError {
    /// What most likely helps.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Transport { source, .. } => transport(source.kind),
            Self::NoCredentials(error) => error.help(),
            Self::Unreadable { .. } => NOT_IMMUTA,
            Self::Refused { refusal, .. } => refused(refusal),
        }
    }
}

fn transport(kind: TransportErrorKind) -> &'static str {
    match kind {
        TransportErrorKind::Connect => {
            "check the URL's host and port, the network and, if there is one, the proxy (HTTPS_PROXY)"
        }
        TransportErrorKind::Certificate => {
            "if a private authority has signed the certificate, name the authority's own with `--ca-file`"
        }
        TransportErrorKind::Timeout | TransportErrorKind::Broken => {
            "try again; if it lasts, a firewall or a proxy on the way may be the cause"
        }
    }
}

fn refused(refusal: &Rejection) -> &'static str {
    match refusal.code {
        300..=399 => "a redirect is not followed: use the URL that it leads to",
        401 => {
            "the API key is wrong, expired or revoked: make a new one on the profile page of Immuta, \
             tab API Keys; a tenant that wants a token first takes `--auth token`"
        }
        403 => "the API key's user needs the permission APPLICATION_ADMIN",
        404 if !refusal.says_absent => NOT_IMMUTA,
        407 => "a proxy on the way wants credentials: give them in HTTPS_PROXY",
        409 => "someone else is at work on it: run this again in a minute",
        422 if !refusal.failing_tests.is_empty() => {
            "fix what the failing tests name and run this again"
        }
        429 => "the tenant asks for fewer requests: run this again later",
        500.. => "the tenant, or a proxy before it, is in trouble: run this again later",
        _ => "fix what the server's message names and run this again",
    }
}
