//! What beats the settings file although the command line does not know of it.

use super::{API_KEY, Credential, Environment, GIT_TOKEN, HOST, Names, TOKEN, URL};
use super::{listen, notify, webhook};

/// Where a setting comes from beside its flag: at the rank of the environment.
struct Surroundings {
    /// The flag, without its dashes.
    flag: &'static str,
    variables: &'static [&'static str],
    /// What names a secret.
    names: Option<&'static Names>,
}

/// The settings that the command line does not take from the environment by itself.
const SURROUNDINGS: &[Surroundings] = &[
    variables("url", &[URL, HOST]),
    Surroundings {
        names: Some(&API_KEY),
        ..variables("api-key-file", &[TOKEN])
    },
    named("git-token-file", &GIT_TOKEN),
    named("listen-token-file", &listen::TOKEN),
    named("notify-url-file", &notify::URL),
    named("notify-secret-file", &notify::SECRET),
    named("webhook-secret-file", &webhook::SECRET),
    variables("vault-token-file", &["VAULT_TOKEN", "VAULT_TOKEN_FILE"]),
    variables("vault-role-id", &["INTEGRATIOND_VAULT_ROLE_ID"]),
    variables(
        "vault-secret-id-file",
        &["INTEGRATIOND_VAULT_SECRET_ID_FILE"],
    ),
    variables("vault-jwt-role", &["INTEGRATIOND_VAULT_JWT_ROLE"]),
    variables("vault-jwt-file", &["INTEGRATIOND_VAULT_JWT_FILE"]),
    variables("vault-auth-mount", &["INTEGRATIOND_VAULT_AUTH_MOUNT"]),
];

const fn variables(flag: &'static str, variables: &'static [&'static str]) -> Surroundings {
    Surroundings {
        flag,
        variables,
        names: None,
    }
}

const fn named(flag: &'static str, names: &'static Names) -> Surroundings {
    Surroundings {
        flag,
        variables: &[],
        names: Some(names),
    }
}

/// Whether the environment, or systemd with a credential, gives a setting that the
/// command line does not take from there by itself: both beat the settings file.
#[must_use]
pub fn is_given(flag: &str, env: Environment<'_>, credential: Credential<'_>) -> bool {
    let Some(own) = SURROUNDINGS.iter().find(|own| own.flag == flag) else {
        return false;
    };
    let named = own.names.iter().flat_map(|names| [names.value, names.file]);
    let mut variables = own.variables.iter().copied().chain(named);
    let is_set = |name| env(name).is_some_and(|value| !value.is_empty());
    let is_passed_in = |names: &Names| credential(names.credential).is_some();
    variables.any(is_set) || own.names.is_some_and(is_passed_in)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::*;
    use crate::secret::{is_own_credential, is_own_variable, own_sources};

    /// A new setting with a secret is asked for in the table of own credentials.
    #[test]
    fn every_setting_with_a_secret_is_an_own_credential() {
        for own in SURROUNDINGS.iter().filter(|own| own.flag != "url") {
            let named = own.names.iter().flat_map(|names| [names.value, names.file]);
            for name in own.variables.iter().copied().chain(named) {
                assert!(is_own_variable(name), "{name}");
            }
            if let Some(names) = own.names {
                assert!(is_own_credential(names.credential), "{}", names.credential);
                assert!(
                    own_sources().any(|own| own == names.value),
                    "{}",
                    names.value
                );
                assert!(own_sources().any(|own| own == names.file), "{}", names.file);
            }
        }
    }

    #[test]
    fn a_variable_and_a_credential_beat_the_settings_file_whichever_setting_it_is() {
        let (nothing, nothing_set) = (|_: &str| None, |_: &str| None);
        let passed_in = |name: &str| Some(PathBuf::from(name));
        for (flag, variable) in [
            ("api-key-file", "IMMUTA_API_TOKEN"),
            ("git-token-file", "INTEGRATIOND_GIT_TOKEN"),
            ("listen-token-file", "INTEGRATIOND_LISTEN_TOKEN_FILE"),
            ("notify-url-file", "INTEGRATIOND_NOTIFY_URL"),
            ("notify-secret-file", "INTEGRATIOND_NOTIFY_SECRET"),
            ("webhook-secret-file", "INTEGRATIOND_WEBHOOK_SECRET"),
        ] {
            let set = |name: &str| (name == variable).then(|| OsString::from("x"));
            assert!(is_given(flag, &set, &nothing), "{flag}");
            assert!(is_given(flag, &nothing_set, &passed_in), "{flag}");
            let empty = |name: &str| (name == variable).then(OsString::new);
            assert!(!is_given(flag, &empty, &nothing), "{flag}");
        }
        // There is no credential of them.
        for flag in ["url", "vault-token-file", "policy"] {
            assert!(!is_given(flag, &nothing_set, &passed_in), "{flag}");
        }
        let host = |name: &str| (name == HOST).then(|| OsString::from("h"));
        assert!(is_given("url", &host, &nothing));
    }
}
