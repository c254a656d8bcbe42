//! Settings that override the settings file although they are not on the command line.

use super::{Credential, Environment, HOST, URL, vault};
use crate::secret::own_credentials;

/// Settings without a secret that the command line does not take from the environment by
/// itself: the flag, without its dashes, and the variables.
const VARIABLES: &[(&str, &[&str])] = &[
    ("url", &[URL, HOST]),
    ("vault-role-id", &[vault::ROLE_ID]),
    ("vault-jwt-role", &[vault::JWT_ROLE]),
    ("vault-auth-mount", &[vault::MOUNT]),
];

/// True if the environment, or systemd with a credential, gives a setting that the
/// command line does not take from there by itself: both beat the settings file.
#[must_use]
pub fn is_given(flag: &str, env: Environment<'_>, credential: Credential<'_>) -> bool {
    let is_set = |name: &&str| env(name).is_some_and(|value| !value.is_empty());
    let mut plain = VARIABLES.iter().filter(|(known, _)| *known == flag);
    let mut own = own_credentials().filter(|own| own.flag == Some(flag));
    plain.any(|(_, names)| names.iter().any(is_set))
        || own.any(|own| {
            own.values.iter().any(is_set)
                || own.file.iter().any(is_set)
                || own
                    .credential
                    .is_some_and(|name| credential(name).is_some())
        })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::*;
    use crate::secret::is_own_variable;

    #[test]
    fn every_variable_of_a_setting_but_the_url_is_own() {
        for (_, names) in VARIABLES.iter().filter(|(flag, _)| *flag != "url") {
            for name in *names {
                assert!(is_own_variable(name), "{name}");
            }
        }
    }

    #[test]
    fn variables_and_credentials_beat_the_file_in_every_setting() {
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
