//! Address and access control of the daemon's status.
//!
//! On loopback nothing more is required. Anyone who can reach another address could eavesdrop
//! and impersonate, so it requires a certificate and a token.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::tls::{TlsError, TlsFlags, tls};
use super::{Credential, Environment, SettingsError, secret};
use crate::secret::SecretInput;
use crate::secret::own::LISTEN_TOKEN;

/// Flags of the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenFlags {
    /// `--listen`; `None` for `none`.
    pub address: Option<SocketAddr>,
    /// `--listen-token-file`.
    pub token_file: Option<PathBuf>,
    /// `--listen-tls-cert`.
    pub certificate: Option<PathBuf>,
    /// `--listen-tls-key`.
    pub key: Option<PathBuf>,
    /// `--allow-host`.
    pub hosts: Vec<String>,
}

/// Listener settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address.
    pub address: SocketAddr,
    /// Source of the token.
    pub token: Option<SecretInput>,
    /// The certificate and its key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The names under which it is asked, besides addresses and `localhost`.
    pub hosts: Vec<String>,
}

/// A setting for listening that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// An error that every setting can have.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The certificate and its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Without a token, over a network.
    #[error("{0} is not a loopback address, so a token is required")]
    NoToken(SocketAddr),
}

impl ListenError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Settings(error) => error.help(),
            Self::Tls(error) => error.help(),
            Self::NoToken(_) => {
                "give `--listen-token-file`, or listen on a loopback address behind a proxy"
            }
        }
    }
}

const TLS: TlsFlags = TlsFlags {
    certificate: "--listen-tls-cert",
    key: "--listen-tls-key",
    purpose: "",
    help: "give `--listen-tls-cert` and `--listen-tls-key`, or listen on a loopback address behind a proxy",
};

/// The settings; `None` if nothing is to be served.
///
/// # Errors
/// Something is missing, or given twice.
pub fn listen(
    flags: &ListenFlags,
    env: Environment<'_>,
    credential: Credential<'_>,
) -> Result<Option<Listen>, ListenError> {
    let ListenFlags {
        address,
        token_file,
        certificate,
        key,
        hosts,
    } = flags;
    let Some(address) = *address else {
        return Ok(None);
    };
    let tls = tls(&TLS, address, certificate.as_ref(), key.as_ref())?;
    let token = secret(&LISTEN_TOKEN, token_file.as_ref(), env, credential)?;
    if !address.ip().is_loopback() && token.is_none() {
        return Err(ListenError::NoToken(address));
    }
    Ok(Some(Listen {
        address,
        token,
        tls,
        hosts: hosts.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn flags(address: &str) -> ListenFlags {
        ListenFlags {
            address: Some(address.parse().unwrap()),
            ..ListenFlags::default()
        }
    }

    fn with_tls(flags: ListenFlags) -> ListenFlags {
        ListenFlags {
            certificate: Some("cert.pem".into()),
            key: Some("key.pem".into()),
            ..flags
        }
    }

    fn listen(flags: &ListenFlags) -> Result<Option<Listen>, ListenError> {
        super::listen(flags, &|_| None, &|_| None)
    }

    #[test]
    fn loopback_asks_for_nothing_and_none_is_none() {
        for address in ["127.0.0.1:9464", "127.9.9.9:0", "[::1]:9464"] {
            assert!(listen(&flags(address)).unwrap().is_some(), "{address}");
        }
        assert_eq!(listen(&ListenFlags::default()), Ok(None));
    }

    #[test]
    fn elsewhere_it_takes_a_certificate_and_a_token() {
        for address in [
            "0.0.0.0:9464",
            "[::]:9464",
            "192.168.1.2:9464",
            "[::ffff:127.0.0.1]:1",
        ] {
            let bare = flags(address);
            assert!(
                matches!(listen(&bare), Err(ListenError::Tls(_))),
                "{address}"
            );
            let no_token = with_tls(bare.clone());
            assert!(matches!(listen(&no_token), Err(ListenError::NoToken(_))));
            let no_tls = ListenFlags {
                token_file: Some("token".into()),
                ..bare
            };
            assert!(matches!(listen(&no_tls), Err(ListenError::Tls(_))));
            let both = with_tls(no_tls);
            assert!(listen(&both).unwrap().is_some());
        }
    }

    #[test]
    fn two_tokens_are_an_error_that_names_both() {
        let env = |name: &str| (name == "INTEGRATIOND_LISTEN_TOKEN").then(|| OsString::from("t"));
        let credential = |_: &str| Some("/run/c/token".into());
        let found = super::listen(&flags("127.0.0.1:1"), &env, &credential);
        let twice = SettingsError::Twice {
            first: "INTEGRATIOND_LISTEN_TOKEN",
            second: "integrationd-listen-token",
        };
        assert_eq!(found, Err(ListenError::Settings(twice)));
    }
}
