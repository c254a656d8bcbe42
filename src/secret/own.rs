//! Own credentials: everything that integrationd itself authenticates with, at the
//! tenant, at Vault, at git servers, at a proxy, to those who ask for its status, and
//! through sops at the services that hold its keys.
//!
//! Whoever can change an integration file must not be able to send any of it to a
//! host of their choice, so no reference leads to it: not by the name of a variable
//! or of a systemd credential, not by a file, and not by a copy of its value.
//!
//! Pure, and the one place for these names: a new setting with a secret is a line in
//! [`OWN`], and a test of the settings asks for it.

use super::{Reference, SecretSource};

/// One own credential, and where it may be given.
pub(crate) struct Own {
    /// Variables with the value.
    pub(super) values: &'static [&'static str],
    /// Variables that name a file with it.
    pub(super) files: &'static [&'static str],
    /// Settings, as flags without their dashes, that name a file with it.
    pub(super) settings: &'static [&'static str],
    /// The systemd credential.
    pub(super) credential: Option<&'static str>,
    /// Default places of its file: a variable, and a path below the variable's value.
    pub(super) places: &'static [(&'static str, &'static str)],
}

const NOTHING: Own = Own {
    values: &[],
    files: &[],
    settings: &[],
    credential: None,
    places: &[],
};

/// The systemd credential with the API key.
pub const OWN_CREDENTIAL: &str = "immuta-api-key";
/// The systemd credential with the key of the fingerprints of secrets.
pub(super) const FINGERPRINT_CREDENTIAL: &str = "integrationd-fingerprint-key";
/// The systemd credential with the token for a git server.
pub const GIT_TOKEN_CREDENTIAL: &str = "integrationd-git-token";
/// The systemd credential with the token that the status page asks for.
pub const LISTEN_CREDENTIAL: &str = "integrationd-listen-token";
/// The systemd credential with the URL to which notifications go.
pub const NOTIFY_URL_CREDENTIAL: &str = "integrationd-notify-url";
/// The systemd credential with the secret that signs them.
pub const NOTIFY_SECRET_CREDENTIAL: &str = "integrationd-notify-secret";
/// The systemd credential with the secret that forges share with us.
pub const WEBHOOK_CREDENTIAL: &str = "integrationd-webhook-secret";

/// Every own credential.
pub(super) const OWN: &[Own] = &[
    Own {
        values: &["IMMUTA_API_KEY", "IMMUTA_API_TOKEN"],
        files: &["IMMUTA_API_KEY_FILE", "IMMUTA_API_TOKEN_FILE"],
        settings: &["api-key-file"],
        credential: Some(OWN_CREDENTIAL),
        ..NOTHING
    },
    Own {
        credential: Some(FINGERPRINT_CREDENTIAL),
        ..NOTHING
    },
    Own {
        values: &["INTEGRATIOND_GIT_TOKEN"],
        files: &["INTEGRATIOND_GIT_TOKEN_FILE", "INTEGRATIOND_GIT_SSH_KEY"],
        settings: &["git-token-file", "git-ssh-key"],
        credential: Some(GIT_TOKEN_CREDENTIAL),
        places: &[("HOME", ".ssh/id_ed25519"), ("HOME", ".ssh/id_rsa")],
    },
    Own {
        values: &["INTEGRATIOND_LISTEN_TOKEN"],
        files: &[
            "INTEGRATIOND_LISTEN_TOKEN_FILE",
            "INTEGRATIOND_LISTEN_TLS_KEY",
        ],
        settings: &["listen-token-file", "listen-tls-key"],
        credential: Some(LISTEN_CREDENTIAL),
        ..NOTHING
    },
    Own {
        values: &["INTEGRATIOND_NOTIFY_URL"],
        files: &["INTEGRATIOND_NOTIFY_URL_FILE"],
        settings: &["notify-url-file"],
        credential: Some(NOTIFY_URL_CREDENTIAL),
        ..NOTHING
    },
    Own {
        values: &["INTEGRATIOND_NOTIFY_SECRET"],
        files: &["INTEGRATIOND_NOTIFY_SECRET_FILE"],
        settings: &["notify-secret-file"],
        credential: Some(NOTIFY_SECRET_CREDENTIAL),
        ..NOTHING
    },
    Own {
        values: &["INTEGRATIOND_WEBHOOK_SECRET"],
        files: &[
            "INTEGRATIOND_WEBHOOK_SECRET_FILE",
            "INTEGRATIOND_WEBHOOK_TLS_KEY",
        ],
        settings: &["webhook-secret-file", "webhook-tls-key"],
        credential: Some(WEBHOOK_CREDENTIAL),
        ..NOTHING
    },
    Own {
        values: &["VAULT_TOKEN", "BAO_TOKEN"],
        files: &[
            "VAULT_TOKEN_FILE",
            "INTEGRATIOND_VAULT_SECRET_ID_FILE",
            "INTEGRATIOND_VAULT_JWT_FILE",
        ],
        settings: &["vault-token-file", "vault-secret-id-file", "vault-jwt-file"],
        places: &[("HOME", ".vault-token")],
        ..NOTHING
    },
    // What sops is lent, for the services that hold its keys.
    Own {
        values: &["SOPS_AGE_KEY"],
        files: &["SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"],
        places: &[
            ("HOME", ".config/sops/age/keys.txt"),
            ("XDG_CONFIG_HOME", "sops/age/keys.txt"),
        ],
        ..NOTHING
    },
    Own {
        values: &[
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        ],
        files: &[
            "AWS_SHARED_CREDENTIALS_FILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ],
        places: &[("HOME", ".aws/credentials")],
        ..NOTHING
    },
    Own {
        values: &[
            "AZURE_CLIENT_CERTIFICATE_PASSWORD",
            "AZURE_CLIENT_SECRET",
            "AZURE_PASSWORD",
            // Of its managed identities.
            "IDENTITY_HEADER",
            "MSI_SECRET",
        ],
        files: &[
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "AZURE_FEDERATED_TOKEN_FILE",
        ],
        ..NOTHING
    },
    Own {
        values: &[
            "GOOGLE_CREDENTIALS",
            "GOOGLE_OAUTH_ACCESS_TOKEN",
            "CLOUDSDK_AUTH_ACCESS_TOKEN",
        ],
        files: &["GOOGLE_APPLICATION_CREDENTIALS"],
        places: &[(
            "HOME",
            ".config/gcloud/application_default_credentials.json",
        )],
        ..NOTHING
    },
    Own {
        values: &["HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"],
        ..NOTHING
    },
];

/// Proxies, whose URL may have a login in it.
pub(super) const PROXIES: &[&str] = &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// Every variable that begins so is integrationd's own.
const PREFIXES: &[&str] = &["IMMUTA_API_", "INTEGRATIOND_", "VAULT_", "BAO_"];

/// The beginnings of the variables that sops and the key services read, and that
/// sops is given: all of them are own.
pub(super) const LENT: &[&str] = &[
    "SOPS_",
    // Not all of AWS_: people name their own secrets so, too.
    "AWS_ACCESS_KEY_ID",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_",
    "AWS_DEFAULT_",
    "AWS_EC2_",
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_",
    "AWS_SDK_",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_",
    "AWS_STS_",
    "AWS_USE_",
    "AWS_WEB_IDENTITY_",
    "AZURE_",
    "GOOGLE_",
    "CLOUDSDK_",
    "GCE_",
    "HUAWEICLOUD_",
    // Azure's managed identities.
    "IDENTITY_",
    "MSI_",
];

/// True if a variable is integrationd's own.
#[must_use]
pub fn is_own_variable(name: &str) -> bool {
    // Some systems look names up without regard to case.
    let upper = name.to_ascii_uppercase();
    let mut prefixes = PREFIXES.iter().chain(LENT);
    prefixes.any(|prefix| upper.starts_with(prefix)) || PROXIES.contains(&upper.as_str())
}

/// True if a systemd credential is integrationd's own.
#[must_use]
pub fn is_own_credential(name: &str) -> bool {
    let mut own = OWN.iter().filter_map(|own| own.credential);
    own.any(|own| name.eq_ignore_ascii_case(own))
}

/// Every variable that holds an own credential or names a file with one.
pub fn own_sources() -> impl Iterator<Item = &'static str> {
    OWN.iter()
        .flat_map(|own| own.values.iter().chain(own.files))
        .copied()
}

/// Every setting that names a file with an own credential, as a flag without its dashes.
pub fn own_settings() -> impl Iterator<Item = &'static str> {
    OWN.iter().flat_map(|own| own.settings).copied()
}

/// True if a reference leads to an own credential by its name.
pub(crate) fn is_own(reference: &Reference) -> bool {
    match reference.source {
        SecretSource::Env => is_own_variable(&reference.argument),
        SecretSource::Cred => is_own_credential(&reference.argument),
        // The name of a file says nothing.
        SecretSource::File | SecretSource::Sops | SecretSource::Vault => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tool_logs_in_with_is_its_own_whatever_the_case() {
        for name in [
            "immuta_api_key",
            "INTEGRATIOND_ANYTHING",
            "integrationd_x",
            "aws_secret_access_key",
            "https_proxy",
            "All_Proxy",
            "BAO_TOKEN",
            "MSI_ENDPOINT",
        ] {
            assert!(is_own_variable(name), "{name}");
        }
        for name in [
            "WAREHOUSE_PASSWORD",
            "AWS_IMMUTA_SECRET_ACCESS_KEY",
            "IMMUTA",
            "MY_VAULT_X",
            "NO_PROXY",
        ] {
            assert!(!is_own_variable(name), "{name}");
        }
    }

    #[test]
    fn every_variable_of_the_table_is_own() {
        for own in OWN {
            for name in own.values.iter().chain(own.files) {
                assert!(is_own_variable(name), "{name}");
            }
            if let Some(name) = own.credential {
                assert!(is_own_credential(&name.to_ascii_uppercase()), "{name}");
            }
        }
    }
}
