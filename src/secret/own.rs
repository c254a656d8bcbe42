//! Own credentials: everything that integrationd itself authenticates with, at the tenant, at
//! Vault, at git servers, at a proxy, to the clients of its status, and through sops at the
//! services that hold its keys.
//!
//! No one who can change an integration file may send any of it to a host of their choice, so
//! no reference leads to it: not by the name of a variable or of a systemd credential, not by a
//! file, and not by a copy of its value.
//!
//! Pure, and the one place for these names: a new setting with a secret is an entry of
//! `own_credentials!`, and a test of the settings asks for it. The credentials of a provider
//! are part of the provider's declaration.

use super::credential::OwnCredential;
use super::missing::MissingReason;
use super::provider::declaration::Named;
use super::provider::{PROVIDERS, Reference};

macro_rules! own_credentials {
    ($($name:ident = $what:literal { $($field:ident: $value:expr,)+ })+) => {
        $(
            #[doc = concat!("An own credential: ", $what, ".")]
            pub const $name: OwnCredential = OwnCredential {
                $($field: $value,)+
                ..OwnCredential::named($what)
            };
        )+

        /// Every own credential that is not a provider's.
        const OWN: &[OwnCredential] = &[$($name,)+];
    };
}

own_credentials! {
    API_KEY = "the API key" {
        flag: Some("api-key-file"),
        values: &["IMMUTA_API_KEY", "IMMUTA_API_TOKEN"],
        file: Some("IMMUTA_API_KEY_FILE"),
        credential: Some("immuta-api-key"),
        foreign_files: &["IMMUTA_API_TOKEN_FILE"],
    }
    FINGERPRINT_KEY = "the fingerprint key" {
        credential: Some("integrationd-fingerprint-key"),
    }
    GIT_TOKEN = "the git token" {
        flag: Some("git-token-file"),
        values: &["INTEGRATIOND_GIT_TOKEN"],
        file: Some("INTEGRATIOND_GIT_TOKEN_FILE"),
        credential: Some("integrationd-git-token"),
    }
    GIT_SSH_KEY = "the SSH key for git" {
        flag: Some("git-ssh-key"),
        file: Some("INTEGRATIOND_GIT_SSH_KEY"),
        places: &[("HOME", ".ssh/id_ed25519"), ("HOME", ".ssh/id_rsa")],
    }
    LISTEN_TOKEN = "the token for the status page" {
        flag: Some("listen-token-file"),
        values: &["INTEGRATIOND_LISTEN_TOKEN"],
        file: Some("INTEGRATIOND_LISTEN_TOKEN_FILE"),
        credential: Some("integrationd-listen-token"),
    }
    LISTEN_TLS_KEY = "the TLS key of the status page" {
        flag: Some("listen-tls-key"),
        file: Some("INTEGRATIOND_LISTEN_TLS_KEY"),
    }
    NOTIFY_URL = "the URL for notifications" {
        flag: Some("notify-url-file"),
        values: &["INTEGRATIOND_NOTIFY_URL"],
        file: Some("INTEGRATIOND_NOTIFY_URL_FILE"),
        credential: Some("integrationd-notify-url"),
    }
    NOTIFY_SECRET = "the secret for notifications" {
        flag: Some("notify-secret-file"),
        values: &["INTEGRATIOND_NOTIFY_SECRET"],
        file: Some("INTEGRATIOND_NOTIFY_SECRET_FILE"),
        credential: Some("integrationd-notify-secret"),
    }
    WEBHOOK_SECRET = "the webhook secret" {
        flag: Some("webhook-secret-file"),
        values: &["INTEGRATIOND_WEBHOOK_SECRET"],
        file: Some("INTEGRATIOND_WEBHOOK_SECRET_FILE"),
        credential: Some("integrationd-webhook-secret"),
    }
    WEBHOOK_TLS_KEY = "the TLS key for webhooks" {
        flag: Some("webhook-tls-key"),
        file: Some("INTEGRATIOND_WEBHOOK_TLS_KEY"),
    }
}

/// Every own credential, those of providers included.
pub fn own_credentials() -> impl Iterator<Item = &'static OwnCredential> {
    OWN.iter().chain(PROVIDERS.iter().flat_map(|it| it.own))
}

/// Proxies, whose URL may have a login in it.
pub(super) const PROXIES: &[&str] = &["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// Every variable that begins so is integrationd's own.
const PREFIXES: &[&str] = &["IMMUTA_API_", "INTEGRATIOND_"];

/// True if a variable is integrationd's own.
#[must_use]
pub fn is_own_variable(name: &str) -> bool {
    // Some systems ignore the case of names.
    let upper = name.to_ascii_uppercase();
    let of_providers = PROVIDERS.iter().flat_map(|it| it.own_prefixes);
    let mut prefixes = PREFIXES.iter().chain(of_providers);
    prefixes.any(|prefix| upper.starts_with(prefix)) || PROXIES.contains(&upper.as_str())
}

/// True if a systemd credential is integrationd's own.
#[must_use]
pub fn is_own_credential(name: &str) -> bool {
    let mut own = own_credentials().filter_map(|own| own.credential);
    own.any(|own| name.eq_ignore_ascii_case(own))
}

/// Every variable that holds an own credential or names a file with one.
pub fn own_sources() -> impl Iterator<Item = &'static str> {
    own_credentials().flat_map(|own| own.value_variables().chain(own.file_variables()))
}

/// Every setting that names a file with an own credential, as a flag without its dashes.
pub fn own_settings() -> impl Iterator<Item = &'static str> {
    own_credentials().filter_map(|own| own.flag)
}

/// The reason why a reference is refused by the name of what it leads to, which is an own
/// credential.
pub(super) fn refusal(reference: &Reference) -> Option<MissingReason> {
    match reference.named() {
        Named::Variable(name) => is_own_variable(name).then_some(MissingReason::OwnVariable),
        Named::Credential(name) => is_own_credential(name).then_some(MissingReason::OwnCredential),
        // The name of a file says nothing.
        Named::File(_) | Named::Elsewhere => None,
    }
}

/// True if a reference leads to an own credential by its name.
pub(crate) fn is_own(reference: &Reference) -> bool {
    refusal(reference).is_some()
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
        for name in own_sources() {
            assert!(is_own_variable(name), "{name}");
        }
        for name in own_credentials().filter_map(|own| own.credential) {
            assert!(is_own_credential(&name.to_ascii_uppercase()), "{name}");
        }
    }
}
