//! What the tool itself logs in with: at the tenant, at Vault, and through sops at
//! the services that hold its keys.
//!
//! Whoever can change an integration file must not be able to send any of it to a
//! host of their choice, so neither `env` nor `file` nor `cred` gives it.

use std::path::{Path, PathBuf};

use super::cred;
use super::resolve::Environment;

/// What the names of settings start with that are the tool's own as a whole.
const PREFIXES: &[&str] = &["IMMUTA_API_", "INTEGRATIOND_", "VAULT_", "SOPS_"];

/// What sops logs in with at the services that hold keys, under names that are
/// not its own.
const LENT: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_SECRET",
    "AZURE_PASSWORD",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "HUAWEICLOUD_SDK_AK",
    "HUAWEICLOUD_SDK_SK",
];

/// The variables that name a file with such a credential in it.
const FILES: &[&str] = &[
    "IMMUTA_API_KEY_FILE",
    "IMMUTA_API_TOKEN_FILE",
    "VAULT_TOKEN_FILE",
    "INTEGRATIOND_GIT_TOKEN_FILE",
    "INTEGRATIOND_LISTEN_TOKEN_FILE",
    "INTEGRATIOND_LISTEN_TLS_KEY",
    "INTEGRATIOND_NOTIFY_URL_FILE",
    "INTEGRATIOND_NOTIFY_SECRET_FILE",
    "INTEGRATIOND_WEBHOOK_SECRET_FILE",
    "INTEGRATIOND_WEBHOOK_TLS_KEY",
    "INTEGRATIOND_VAULT_SECRET_ID_FILE",
    "INTEGRATIOND_VAULT_JWT_FILE",
    "SOPS_AGE_KEY_FILE",
    "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// Where such files lie when nothing names them: a variable, and a path below it.
const PLACES: &[(&str, &str)] = &[
    ("HOME", ".aws/credentials"),
    (
        "HOME",
        ".config/gcloud/application_default_credentials.json",
    ),
    ("HOME", ".config/sops/age/keys.txt"),
    ("HOME", ".ssh/id_ed25519"),
    ("HOME", ".ssh/id_rsa"),
    ("HOME", ".vault-token"),
    ("XDG_CONFIG_HOME", "sops/age/keys.txt"),
];

/// Whether a variable is the tool's own.
pub(super) fn is_own_variable(name: &str) -> bool {
    // Some systems look names up without regard to case.
    let upper = name.to_ascii_uppercase();
    PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
        || LENT.contains(&upper.as_str())
        || FILES.contains(&upper.as_str())
}

/// The files that are the tool's own.
pub(super) fn own_files(environment: &Environment) -> Vec<PathBuf> {
    let named = FILES.iter().filter_map(|name| environment(name));
    let usual = PLACES
        .iter()
        .filter_map(|(name, path)| environment(name).map(|base| Path::new(&base).join(path)));
    named
        .map(PathBuf::from)
        .chain(usual)
        .chain(cred::own_files(environment))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tool_logs_in_with_is_its_own_whatever_the_case() {
        for name in [
            "IMMUTA_API_KEY",
            "immuta_api_key",
            "IMMUTA_API_TOKEN",
            "IMMUTA_API_KEY_FILE",
            "IMMUTA_API_TOKEN_FILE",
            "INTEGRATIOND_ANYTHING",
            "integrationd_x",
            "VAULT_TOKEN",
            "VAULT_TOKEN_FILE",
            "SOPS_AGE_KEY",
            "SOPS_AGE_KEY_FILE",
            "aws_secret_access_key",
            "AZURE_CLIENT_SECRET",
            "GOOGLE_CREDENTIALS",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ] {
            assert!(is_own_variable(name), "{name}");
        }
        for name in [
            "WAREHOUSE_PASSWORD",
            "AWS_IMMUTA_SECRET_ACCESS_KEY",
            "IMMUTA",
            "MY_VAULT_X",
        ] {
            assert!(!is_own_variable(name), "{name}");
        }
    }

    #[test]
    fn the_environment_tells_which_files_are_the_tools_own() {
        let environment: Environment = Box::new(|name| match name {
            "IMMUTA_API_KEY_FILE" => Some("/run/keys/a".into()),
            "SOPS_AGE_KEY_FILE" => Some("/run/keys/age".into()),
            "XDG_CONFIG_HOME" => Some("/c".into()),
            "CREDENTIALS_DIRECTORY" => Some("/run/c".into()),
            _ => None,
        });
        let own = own_files(&environment);
        let own: Vec<_> = own.iter().map(|path| path.to_str().unwrap()).collect();
        let expected = [
            "/run/keys/a",
            "/run/keys/age",
            "/c/sops/age/keys.txt",
            "/run/c/immuta-api-key",
            "/run/c/integrationd-fingerprint-key",
            "/run/c/integrationd-git-token",
            "/run/c/integrationd-listen-token",
            "/run/c/integrationd-notify-url",
            "/run/c/integrationd-notify-secret",
            "/run/c/integrationd-webhook-secret",
        ];
        assert_eq!(own, expected);
    }
}
