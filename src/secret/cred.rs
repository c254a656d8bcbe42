//! `${cred:name}`: a credential that systemd passed in (`LoadCredential=`).

use std::path::Path;

use super::Secret;
use super::file::read_below;
use super::resolve::{Environment, MissingReason};

/// Where systemd says that the credentials lie.
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

pub(super) fn read(name: &str, environment: &Environment) -> Result<Secret, MissingReason> {
    if name.contains('/') || name == "." || name == ".." {
        return Err(MissingReason::NotAName);
    }
    let directory = environment(DIRECTORY)
        .filter(|directory| !directory.is_empty())
        .ok_or(MissingReason::NoCredentials)?;
    match read_below(Path::new(name), Path::new(&directory)) {
        Err(MissingReason::NoFile) => Err(MissingReason::NoCredential),
        other => other,
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
        read(name, &environment)
    }

    #[test]
    fn a_credential_is_read_by_its_name() {
        let place = TempDir::new().unwrap();
        fs::write(place.path().join("db.password"), "v\n").unwrap();
        assert_eq!(read_in(&place, "db.password"), Ok(Secret::new("v".into())));
        assert_eq!(read_in(&place, "other"), Err(MissingReason::NoCredential));
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
            let reason = read("a", &environment).unwrap_err();
            assert!(reason.to_string().contains("LoadCredential="));
        }
    }
}
