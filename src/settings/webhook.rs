//! Webhook listener, and the secret that it shares with forges.
//!
//! Without a secret anyone could trigger a run, so it is required, even on loopback. Elsewhere
//! a certificate is required, too: GitLab sends the secret.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::tls::{TlsError, TlsFlags, tls};
use super::{Credential, Environment, SettingsError, secret};
use crate::secret::SecretInput;
use crate::secret::own::WEBHOOK_SECRET;

/// Flags of the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookFlags {
    /// `--webhook-listen`; `None` for `none`.
    pub address: Option<SocketAddr>,
    /// `--webhook-secret-file`.
    pub secret_file: Option<PathBuf>,
    /// `--webhook-tls-cert`.
    pub certificate: Option<PathBuf>,
    /// `--webhook-tls-key`.
    pub key: Option<PathBuf>,
    /// `--webhook-branch`.
    pub branch: Option<String>,
}

/// Listener settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// The address.
    pub address: SocketAddr,
    /// Source of the secret.
    pub secret: SecretInput,
    /// The certificate and its key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The branch whose pushes count; all if there is none.
    pub branch: Option<String>,
}

/// A setting for webhooks that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// An error that every setting can have.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The certificate and its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Without a secret.
    #[error("`--webhook-listen` is set, but there is no secret to authenticate webhooks")]
    NoSecret,
}

impl WebhookError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Settings(error) => error.help(),
            Self::Tls(error) => error.help(),
            Self::NoSecret => {
                "create a secret with `openssl rand -hex 32`, enter it in the forge, save it to a \
                file, and give the file with `--webhook-secret-file`"
            }
        }
    }
}

const TLS: TlsFlags = TlsFlags {
    certificate: "--webhook-tls-cert",
    key: "--webhook-tls-key",
    purpose: " for webhooks",
    help: "give `--webhook-tls-cert` and `--webhook-tls-key`, or listen on a loopback address behind a proxy",
};

/// The settings; `None` if nothing is to be heard.
///
/// # Errors
/// Something is missing, or given twice.
pub fn webhook(
    flags: &WebhookFlags,
    env: Environment<'_>,
    credential: Credential<'_>,
) -> Result<Option<WebhookSettings>, WebhookError> {
    let WebhookFlags {
        address,
        secret_file,
        certificate,
        key,
        branch,
    } = flags;
    let Some(address) = *address else {
        return Ok(None);
    };
    let tls = tls(&TLS, address, certificate.as_ref(), key.as_ref())?;
    let secret = secret(&WEBHOOK_SECRET, secret_file.as_ref(), env, credential)?;
    Ok(Some(WebhookSettings {
        address,
        secret: secret.ok_or(WebhookError::NoSecret)?,
        tls,
        branch: branch.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn flags(address: &str) -> WebhookFlags {
        WebhookFlags {
            address: Some(address.parse().unwrap()),
            secret_file: Some("secret".into()),
            ..WebhookFlags::default()
        }
    }

    fn webhook(flags: &WebhookFlags) -> Result<Option<WebhookSettings>, WebhookError> {
        super::webhook(flags, &|_| None, &|_| None)
    }

    #[test]
    fn webhook_needs_a_secret_and_off_loopback_a_certificate() {
        assert_eq!(webhook(&WebhookFlags::default()), Ok(None));
        for address in ["127.0.0.1:1", "[::1]:0"] {
            assert!(webhook(&flags(address)).unwrap().is_some(), "{address}");
            let open = WebhookFlags {
                secret_file: None,
                ..flags(address)
            };
            assert_eq!(webhook(&open), Err(WebhookError::NoSecret));
        }
        for address in ["0.0.0.0:1", "[::]:1", "[::ffff:127.0.0.1]:1", "10.0.0.1:1"] {
            let clear = flags(address);
            assert!(
                matches!(webhook(&clear), Err(WebhookError::Tls(_))),
                "{address}"
            );
            let covered = WebhookFlags {
                certificate: Some("cert.pem".into()),
                key: Some("key.pem".into()),
                ..clear
            };
            assert!(webhook(&covered).unwrap().is_some(), "{address}");
        }
    }

    #[test]
    fn two_secrets_are_an_error_and_a_flag_beats_them() {
        let env = |name: &str| (name == "INTEGRATIOND_WEBHOOK_SECRET").then(|| OsString::from("s"));
        let credential = |_: &str| Some("/run/c/secret".into());
        let without = WebhookFlags {
            secret_file: None,
            ..flags("127.0.0.1:1")
        };
        let twice = SettingsError::Twice {
            first: "INTEGRATIOND_WEBHOOK_SECRET",
            second: "integrationd-webhook-secret",
        };
        let found = super::webhook(&without, &env, &credential);
        assert_eq!(found, Err(WebhookError::Settings(twice)));
        let found = super::webhook(&flags("127.0.0.1:1"), &env, &credential).unwrap();
        let expected = SecretInput::File("secret".into());
        assert_eq!(found.map(|settings| settings.secret), Some(expected));
    }
}
