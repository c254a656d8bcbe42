//! The part of the environment that sops is given.

use std::ffi::OsString;

use crate::secret::provider::declaration::Provider;
use crate::secret::provider::sops::SopsAddress;

/// The other variables that they, or the system below them, read.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TMPDIR",
    "GNUPGHOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Stands for the token of a Vault. Without one sops would read `~/.vault-token`.
const NO_TOKEN: (&str, &str) = ("VAULT_TOKEN", "integrationd-passes-no-token-to-sops");

/// Part of the environment that sops receives.
pub(in crate::secret) fn passed_on(
    all: impl Iterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let is_passed = |name: &str| {
        PASSED.contains(&name)
            || name.starts_with("LC_")
            || SopsAddress::OWN_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
    };
    let passed = all.filter(|(name, _)| name.to_str().is_some_and(is_passed));
    passed
        .chain([(NO_TOKEN.0.into(), NO_TOKEN.1.into())])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sops_gets_what_it_needs_of_an_environment_and_no_more() {
        let all = [
            "PATH",
            "HOME",
            "SOPS_AGE_KEY_FILE",
            "AWS_PROFILE",
            "GNUPGHOME",
            "AWS_IMMUTA_SECRET_ACCESS_KEY",
            "IMMUTA_API_KEY",
            "INTEGRATIOND_VAULT_SECRET_ID_FILE",
            "VAULT_ADDR",
            "VAULT_TOKEN",
            "WAREHOUSE_PASSWORD",
        ];
        let all = all.iter().map(|name| (name.into(), "hunter2".into()));
        let passed = passed_on(all);
        let names: Vec<_> = passed
            .iter()
            .map(|(name, _)| name.to_str().unwrap())
            .collect();
        let expected = [
            "PATH",
            "HOME",
            "SOPS_AGE_KEY_FILE",
            "AWS_PROFILE",
            "GNUPGHOME",
            "VAULT_TOKEN",
        ];
        assert_eq!(names, expected);
        assert_ne!(passed.last().unwrap().1, "hunter2");
    }
}
