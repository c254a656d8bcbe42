//! `${cred:name}`: a credential that systemd passed in (`LoadCredential=`).

use std::path::{Path, PathBuf};

use super::MissingReason;
use super::Secret;
use super::file::{read_below, secret_of};
use super::resolve::Environment;

/// Where systemd says that the credentials lie.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// The credential that holds the tool's own API key. It lies beside those that
/// files may name, and a file must not be able to send it to a host of its choice.
pub const OWN_CREDENTIAL: &str = "immuta-api-key";

/// The credential that holds the key of the fingerprints of secrets.
pub(super) const FINGERPRINT_CREDENTIAL: &str = "integrationd-fingerprint-key";

/// The credential that holds the token for a git server.
pub const GIT_TOKEN_CREDENTIAL: &str = "integrationd-git-token";

/// The credential that holds the token which the status page asks for.
pub const LISTEN_CREDENTIAL: &str = "integrationd-listen-token";

/// The credential that holds the URL to which notifications go.
pub const NOTIFY_URL_CREDENTIAL: &str = "integrationd-notify-url";

/// The credential that holds the secret which signs them.
pub const NOTIFY_SECRET_CREDENTIAL: &str = "integrationd-notify-secret";

/// The credential that holds the secret which forges share with us.
pub const WEBHOOK_CREDENTIAL: &str = "integrationd-webhook-secret";

/// All of them.
const OWN: [&str; 7] = [
    OWN_CREDENTIAL,
    FINGERPRINT_CREDENTIAL,
    GIT_TOKEN_CREDENTIAL,
    LISTEN_CREDENTIAL,
    NOTIFY_URL_CREDENTIAL,
    NOTIFY_SECRET_CREDENTIAL,
    WEBHOOK_CREDENTIAL,
];

/// Where these lie, if systemd passed any in.
pub(super) fn own_files(environment: &Environment) -> impl Iterator<Item = PathBuf> {
    let directory = environment(DIRECTORY).into_iter();
    directory.flat_map(|directory| OWN.map(|name| Path::new(&directory).join(name)))
}

pub(super) fn read(
    name: &str,
    environment: &Environment,
    own_files: &[PathBuf],
) -> Result<Secret, MissingReason> {
    if name.contains('/') || name == "." || name == ".." {
        return Err(MissingReason::NotAName);
    }
    if OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
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
