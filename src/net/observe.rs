//! Observers that count exchanges.

use std::time::Duration;

use http::Method;

use super::TransportErrorKind;
use crate::progress::Progress;

/// The path of a request with names in place of values, such as
/// `/integrations/{id}`. It goes with a request as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UrlTemplate(pub &'static str);

/// Result of one request.
#[derive(Debug)]
pub struct Exchanged<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its path, without values.
    pub template: UrlTemplate,
    /// The status of the answer, or why there was none.
    pub result: Result<http::StatusCode, TransportErrorKind>,
    /// Its duration.
    pub took: Duration,
}

/// Receives every exchange.
pub trait ExchangeObserver: std::fmt::Debug + Send + Sync {
    /// An exchange has ended.
    fn exchanged(&self, exchanged: &Exchanged<'_>);
}

impl ExchangeObserver for Progress {
    fn exchanged(&self, _: &Exchanged<'_>) {
        self.record();
    }
}
