//! What the daemon serves: health, metrics, its status, and a page for people.
//!
//! [`listener`] takes connections and knows nothing of what is asked; `site` is one
//! [`Handler`] for it. A page is a pure function of what the worker published.
//! Nothing here changes anything but "look now", which triggers a run.

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

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is not to be had.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file for TLS that cannot be read.
    #[error("cannot read {}", .path.display())]
    ReadTls {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Files that do not go together, or are of no use.
    #[error("the certificate and the key cannot be used")]
    BadTls(#[source] rustls::Error),
    /// A certificate file without any in it.
    #[error("{} holds no certificate in PEM form", .path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A token that can be guessed.
    #[error("the token has {length} characters")]
    ShortToken {
        /// How many it has.
        length: usize,
    },
    /// No random numbers.
    #[error("the system gives no random numbers")]
    NoRandom(#[source] getrandom::Error),
}

impl HttpError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Bind { .. } => {
                "another daemon may listen there: choose another address with `--listen`, or `--listen none`"
            }
            Self::ReadTls { .. } | Self::NoCertificate { .. } | Self::BadTls(_) => {
                "check `--listen-tls-cert` and `--listen-tls-key`: PEM files, the certificate before those that signed it"
            }
            Self::ShortToken { .. } => {
                "it can be guessed: make one of at least 16 characters, such as with `openssl rand -hex 32`"
            }
            Self::NoRandom(_) => "check the system: sessions cannot be made without them",
        }
    }

    /// Whether it may be in order later without a change of the settings.
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
