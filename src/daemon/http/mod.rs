//! Endpoints of the daemon: health, metrics, its status, and a page for people.
//!
//! [`listener`] accepts connections and does not know the content of requests; `site` is one
//! [`Handler`] for it. A page is a pure function of the published status. Nothing here changes
//! anything, except that an operator can trigger a run.

mod auth;
mod headers;
mod hosts;
pub mod listener;
mod page;
mod request;
mod site;
mod slots;
mod tls;

pub use auth::Gate;
pub use hosts::Hosts;
pub use listener::{Handler, Listener, ListenerLimits, Peer};
pub use site::Site;
pub(super) use slots::Network;
pub use tls::Tls;

use std::net::SocketAddr;
use std::path::PathBuf;

/// Reason why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is not to be had.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file for TLS that cannot be read.
    #[error("cannot read {}", .path.display())]
    ReadTls {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Files that do not go together, or are of no use.
    #[error("cannot use the certificate and its key")]
    BadTls(#[source] rustls::Error),
    /// A certificate file without any in it.
    #[error("{} contains no PEM certificate", .path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A token that can be guessed.
    #[error("the token is too short: {length} characters")]
    ShortToken {
        /// Its number of characters.
        length: usize,
    },
    /// No random numbers.
    #[error("the system provides no random numbers")]
    NoRandom(#[source] getrandom::Error),
}

impl HttpError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Bind { .. } => {
                "another process may be using the address: choose a different address with \
                `--listen`, or use `--listen none`"
            }
            Self::ReadTls { .. } | Self::NoCertificate { .. } | Self::BadTls(_) => {
                "check `--listen-tls-cert` and `--listen-tls-key`: both must be PEM files; in \
                the certificate file, the server's certificate comes first, followed by its \
                issuers' certificates"
            }
            Self::ShortToken { .. } => {
                "use at least 16 random characters, for example from `openssl rand -hex 32`"
            }
            Self::NoRandom(_) => {
                "check the operating system's random number generator: sessions \
                need it"
            }
        }
    }

    /// True if it may be valid later without a change of the settings.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Bind { .. } | Self::NoRandom(_) => true,
            Self::ReadTls { .. }
            | Self::BadTls(_)
            | Self::NoCertificate { .. }
            | Self::ShortToken { .. } => false,
        }
    }
}
