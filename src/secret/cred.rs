//! `${cred:name}`: a credential that systemd passed in (`LoadCredential=`).

use std::path::Path;

use super::Secret;
use super::file::read_below;
use super::resolve::MissingReason;

pub(super) fn read(name: &str, directory: Option<&Path>) -> Result<Secret, MissingReason> {
    if name.contains('/') || name == "." || name == ".." {
        return Err(MissingReason::NotAName);
    }
    let directory = directory
        .filter(|directory| !directory.as_os_str().is_empty())
        .ok_or(MissingReason::NoCredentials)?;
    match read_below(Path::new(name), directory) {
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
        read(name, Some(place.path()))
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
        for directory in [None, Some(Path::new(""))] {
            let reason = read("a", directory).unwrap_err();
            assert!(reason.to_string().contains("LoadCredential="));
        }
    }
}
