//! The certificate of whatever listens, and its key.
//!
//! Both are given, or neither; elsewhere than on loopback there is nothing in clear.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The flags of a listener, as its errors name them.
#[derive(Debug, PartialEq, Eq)]
pub struct TlsFlags {
    pub(super) certificate: &'static str,
    pub(super) key: &'static str,
    /// Purpose of the certificate, if it is not obvious.
    pub(super) purpose: &'static str,
    /// Remedy for its absence.
    pub(super) help: &'static str,
}

/// Files that are missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// One of the two files.
    #[error("`{given}` is given without `{missing}`")]
    Half {
        /// The given flag.
        given: &'static str,
        /// The missing flag.
        missing: &'static str,
    },
    /// In clear, over a network.
    #[error("{address} is not a loopback address, so a certificate{} is required", .flags.purpose)]
    Clear {
        /// The address to listen on.
        address: SocketAddr,
        /// The missing flags.
        flags: &'static TlsFlags,
    },
}

impl TlsError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Half { .. } => "give both the certificate and its key",
            Self::Clear { flags, .. } => flags.help,
        }
    }
}

/// The certificate and its key for an address; `None` if there need not be one.
pub(super) fn tls(
    flags: &'static TlsFlags,
    address: SocketAddr,
    certificate: Option<&PathBuf>,
    key: Option<&PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, TlsError> {
    let half = |given, missing| Err(TlsError::Half { given, missing });
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate.clone(), key.clone()))),
        (Some(_), None) => half(flags.certificate, flags.key),
        (None, Some(_)) => half(flags.key, flags.certificate),
        (None, None) if address.ip().is_loopback() => Ok(None),
        (None, None) => Err(TlsError::Clear { address, flags }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: TlsFlags = TlsFlags {
        certificate: "--cert",
        key: "--key",
        purpose: " for this",
        help: "give both",
    };

    fn told(address: &str, certificate: bool, key: bool) -> String {
        let path = PathBuf::from("file.pem");
        let given = |is_given: bool| is_given.then_some(&path);
        let address = address.parse().unwrap();
        match tls(&FLAGS, address, given(certificate), given(key)) {
            Ok(files) => format!("{}", files.is_some()),
            Err(error) => format!("{error}: {}", error.help()),
        }
    }

    #[test]
    fn half_a_certificate_is_an_error_that_names_the_other_half() {
        for address in ["127.0.0.1:1", "10.0.0.1:1"] {
            let help = "give both the certificate and its key";
            let expected = format!("`--cert` is given without `--key`: {help}");
            assert_eq!(told(address, true, false), expected);
            let expected = format!("`--key` is given without `--cert`: {help}");
            assert_eq!(told(address, false, true), expected);
            assert_eq!(told(address, true, true), "true");
        }
    }

    #[test]
    fn only_loopback_is_listened_on_in_clear() {
        for address in ["127.0.0.1:9464", "127.9.9.9:0", "[::1]:9464"] {
            assert_eq!(told(address, false, false), "false", "{address}");
        }
        for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:127.0.0.1]:1"] {
            let why = "is not a loopback address, so a certificate for this is required";
            let expected = format!("{address} {why}: give both");
            assert_eq!(told(address, false, false), expected);
        }
    }
}
