//! `${env:NAME}`: an environment variable.

use super::MissingReason;
use super::Secret;
use super::environment::Environment;
use super::own;

pub(super) fn read(name: &str, environment: &Environment) -> Result<Secret, MissingReason> {
    if own::is_own_variable(name) {
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
        let found = read_from("IMMUTA_API_KEY", Some("hunter2".into()));
        assert_eq!(found, Err(MissingReason::OwnVariable));
    }
}
