//! `${env:NAME}`: an environment variable.

use std::path::PathBuf;

use super::Secret;
use super::resolve::{Environment, MissingReason};

/// The tool's own credentials. A file must not be able to send them to a host
/// of its choice.
const OWN: &[&str] = &[
    "IMMUTA_API_KEY",
    "IMMUTA_API_KEY_FILE",
    "IMMUTA_API_TOKEN",
    "IMMUTA_API_TOKEN_FILE",
];

/// What the names of the tool's own settings start with.
const OWN_PREFIX: &str = "INTEGRATIOND_";

/// The files that these variables name.
pub(super) fn own_files(environment: &Environment) -> impl Iterator<Item = PathBuf> {
    let names = OWN.iter().filter(|name| name.ends_with("_FILE"));
    names
        .filter_map(|name| environment(name))
        .map(PathBuf::from)
}

pub(super) fn read(name: &str, environment: &Environment) -> Result<Secret, MissingReason> {
    // Some systems look names up without regard to case.
    let upper = name.to_ascii_uppercase();
    if OWN.contains(&upper.as_str()) || upper.starts_with(OWN_PREFIX) {
        return Err(MissingReason::OwnVariable);
    }
    let value = environment(name).ok_or(MissingReason::NotSet)?;
    let value = value.into_string().map_err(|_| MissingReason::NotUtf8)?;
    if value.is_empty() {
        return Err(MissingReason::Empty);
    }
    Ok(Secret::new(value))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn read_from(name: &str, value: Option<OsString>) -> Result<Secret, MissingReason> {
        let environment: Environment = Box::new(move |_| value.clone());
        read(name, &environment)
    }

    #[test]
    fn a_value_is_taken_as_it_is() {
        let value = Some(" two lines\n".into());
        assert_eq!(
            read_from("A", value),
            Ok(Secret::new(" two lines\n".into()))
        );
    }

    #[test]
    fn a_variable_that_is_unset_or_empty_is_missing() {
        assert_eq!(read_from("A", None), Err(MissingReason::NotSet));
        assert_eq!(read_from("A", Some("".into())), Err(MissingReason::Empty));
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_missing() {
        use std::os::unix::ffi::OsStringExt;
        let value = Some(OsString::from_vec(vec![0xff]));
        assert_eq!(read_from("A", value), Err(MissingReason::NotUtf8));
    }

    #[test]
    fn the_tools_own_credentials_are_never_read() {
        for name in [
            "IMMUTA_API_KEY",
            "immuta_api_key",
            "IMMUTA_API_TOKEN",
            "IMMUTA_API_KEY_FILE",
            "IMMUTA_API_TOKEN_FILE",
            "INTEGRATIOND_ANYTHING",
            "integrationd_x",
        ] {
            let found = read_from(name, Some("hunter2".into()));
            assert_eq!(found, Err(MissingReason::OwnVariable), "{name}");
        }
        assert!(read_from("IMMUTA_API_KEYS", Some("x".into())).is_ok());
    }
}
