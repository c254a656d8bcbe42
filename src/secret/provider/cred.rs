//! `${cred:NAME}`: a credential that systemd passed in (`LoadCredential=`).

use std::fmt;

use super::declaration::{Named, Provider};
use crate::secret::credential::OwnCredential;

/// The name of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CredentialAddress(String);

impl Provider for CredentialAddress {
    const WORD: &'static str = "cred";
    const FORM: &'static str = "${cred:NAME}";
    const OWN: &'static [OwnCredential] = &[];
    const OWN_PREFIXES: &'static [&'static str] = &[];

    fn parse(argument: &str) -> Option<Self> {
        (!argument.is_empty()).then(|| Self(argument.to_owned()))
    }

    fn named(&self) -> Named<'_> {
        Named::Credential(&self.0)
    }
}

impl fmt::Display for CredentialAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(in crate::secret) mod reading {
    use std::path::Path;

    use super::CredentialAddress;
    use crate::secret::confined::{read_below, secret_of};
    use crate::secret::machine::{CREDENTIALS, LookupResult, Providers};
    use crate::secret::{MissingReason, Secret};

    /// Reads these addresses.
    pub(in crate::secret) async fn read<'a>(
        wanted: Vec<&'a CredentialAddress>,
        providers: &Providers,
    ) -> Vec<LookupResult<'a, CredentialAddress>> {
        let read = |address: &'a CredentialAddress| (address, value(&address.0, providers));
        wanted.into_iter().map(read).collect()
    }

    fn value(name: &str, providers: &Providers) -> Result<Secret, MissingReason> {
        if name.contains('/') || name == "." || name == ".." {
            return Err(MissingReason::NotAName);
        }
        let directory = (providers.environment)(CREDENTIALS)
            .filter(|directory| !directory.is_empty())
            .ok_or(MissingReason::NoCredentials)?;
        match read_below(Path::new(name), Path::new(&directory), &providers.own_files) {
            Ok(bytes) => secret_of(&bytes),
            Err(MissingReason::NoFile) => Err(MissingReason::NoCredential),
            Err(MissingReason::OwnFile) => Err(MissingReason::OwnCredential),
            Err(other) => Err(other),
        }
    }

    #[cfg(test)]
    mod tests {
        use std::fs;

        use tempfile::TempDir;

        use super::*;

        fn read_in(place: &TempDir, name: &str) -> Result<Secret, MissingReason> {
            let directory = place.path().as_os_str().to_owned();
            let environment =
                Box::new(move |name: &str| (name == CREDENTIALS).then(|| directory.clone()));
            let providers = Providers {
                own_files: vec![place.path().join("vault-token")],
                ..Providers::with(environment)
            };
            value(name, &providers)
        }

        #[test]
        fn a_credential_is_read_by_its_name() {
            let place = TempDir::new().unwrap();
            fs::write(place.path().join("db.password"), "v\n").unwrap();
            assert_eq!(read_in(&place, "db.password"), Ok(Secret::new("v".into())));
            assert_eq!(read_in(&place, "other"), Err(MissingReason::NoCredential));
        }

        #[test]
        fn credential_that_a_setting_names_as_a_file_is_not_read() {
            let place = TempDir::new().unwrap();
            fs::write(place.path().join("vault-token"), "hunter2").unwrap();
            let found = read_in(&place, "vault-token");
            assert_eq!(found, Err(MissingReason::OwnCredential));
        }

        #[test]
        fn a_path_is_no_name() {
            let place = TempDir::new().unwrap();
            for name in ["../x", "a/b", ".", "..", "/etc/hostname"] {
                assert_eq!(
                    read_in(&place, name),
                    Err(MissingReason::NotAName),
                    "{name}"
                );
            }
        }

        #[test]
        fn without_systemd_the_remedy_is_in_the_unit() {
            for value in [None, Some("")] {
                let environment = Box::new(move |_: &str| value.map(Into::into));
                let reason = super::value("a", &Providers::with(environment)).unwrap_err();
                assert!(reason.to_string().contains("LoadCredential="));
            }
        }
    }
}
