//! `${env:NAME}`: an environment variable.

use std::fmt;

use super::declaration::{Named, Provider};
use crate::secret::credential::OwnCredential;

/// The name of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvAddress(String);

impl Provider for EnvAddress {
    const WORD: &'static str = "env";
    const FORM: &'static str = "${env:NAME}";
    const OWN: &'static [OwnCredential] = &[];
    const OWN_PREFIXES: &'static [&'static str] = &[];

    fn parse(argument: &str) -> Option<Self> {
        (!argument.is_empty()).then(|| Self(argument.to_owned()))
    }

    fn named(&self) -> Named<'_> {
        Named::Variable(&self.0)
    }
}

impl fmt::Display for EnvAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(in crate::secret) mod reading {
    use super::EnvAddress;
    use crate::secret::environment::ProviderEnvironment;
    use crate::secret::machine::{LookupResult, Providers};
    use crate::secret::{MissingReason, Secret};

    /// Reads these addresses.
    pub(in crate::secret) async fn read<'a>(
        wanted: Vec<&'a EnvAddress>,
        providers: &Providers,
    ) -> Vec<LookupResult<'a, EnvAddress>> {
        let read = |address: &'a EnvAddress| (address, value(&address.0, &providers.environment));
        wanted.into_iter().map(read).collect()
    }

    fn value(name: &str, environment: &ProviderEnvironment) -> Result<Secret, MissingReason> {
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

        fn read_from(value: Option<OsString>) -> Result<Secret, MissingReason> {
            let environment: ProviderEnvironment = Box::new(move |_| value.clone());
            super::value("A", &environment)
        }

        #[test]
        fn a_value_is_taken_as_it_is() {
            let value = Some(" two lines\n".into());
            assert_eq!(read_from(value), Ok(Secret::new(" two lines\n".into())));
        }

        #[test]
        fn a_variable_that_is_unset_or_empty_is_missing() {
            assert_eq!(read_from(None), Err(MissingReason::NotSet));
            assert_eq!(read_from(Some("".into())), Err(MissingReason::Empty));
        }

        #[cfg(unix)]
        #[test]
        fn a_value_that_is_no_text_is_missing() {
            use std::os::unix::ffi::OsStringExt;
            let value = Some(OsString::from_vec(vec![0xff]));
            assert_eq!(read_from(value), Err(MissingReason::NotUtf8));
        }
    }
}
