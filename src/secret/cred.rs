//! `${cred:name}`: a credential that systemd passed in (`LoadCredential=`).

use std::path::{Path, PathBuf};

use super::MissingReason;
use super::Secret;
use super::environment::Environment;
use super::file::{read_below, secret_of};
use super::own::is_own_credential;

/// Where systemd says that the credentials lie.
pub(super) const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

pub(super) fn read(
    name: &str,
    environment: &Environment,
    own_files: &[PathBuf],
) -> Result<Secret, MissingReason> {
    if name.contains('/') || name == "." || name == ".." {
        return Err(MissingReason::NotAName);
    }
    if is_own_credential(name) {
        return Err(MissingReason::OwnCredential);
    }
    let directory = environment(DIRECTORY)
        .filter(|directory| !directory.is_empty())
        .ok_or(MissingReason::NoCredentials)?;
    match read_below(Path::new(name), Path::new(&directory), own_files) {
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

    use super::super::own::{FINGERPRINT_CREDENTIAL, OWN_CREDENTIAL};
    use super::*;

    fn read_in(place: &TempDir, name: &str) -> Result<Secret, MissingReason> {
        let directory = place.path().as_os_str().to_owned();
        let environment: Environment =
            Box::new(move |name| (name == DIRECTORY).then(|| directory.clone()));
        read(name, &environment, &[place.path().join("vault-token")])
    }

    #[test]
    fn a_credential_is_read_by_its_name() {
        let place = TempDir::new().unwrap();
        fs::write(place.path().join("db.password"), "v\n").unwrap();
        assert_eq!(read_in(&place, "db.password"), Ok(Secret::new("v".into())));
        assert_eq!(read_in(&place, "other"), Err(MissingReason::NoCredential));
    }

    #[test]
    fn the_tools_own_key_is_never_read() {
        let place = TempDir::new().unwrap();
        fs::write(place.path().join(OWN_CREDENTIAL), "hunter2").unwrap();
        fs::write(place.path().join(FINGERPRINT_CREDENTIAL), "hunter2").unwrap();
        fs::write(place.path().join("vault-token"), "hunter2").unwrap();
        for name in [
            "immuta-api-key",
            "Immuta-API-Key",
            "integrationd-fingerprint-key",
            // Named as a file by a setting.
            "vault-token",
        ] {
            let found = read_in(&place, name);
            assert_eq!(found, Err(MissingReason::OwnCredential), "{name}");
        }
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
        let nothing: Environment = Box::new(|_| None);
        let empty: Environment = Box::new(|_| Some("".into()));
        for environment in [nothing, empty] {
            let reason = read("a", &environment, &[]).unwrap_err();
            assert!(reason.to_string().contains("LoadCredential="));
        }
    }
}
