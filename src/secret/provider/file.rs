//! `${file:PATH}`: a file below a declared directory.

use std::fmt;

use super::declaration::{Named, Provider};
use crate::secret::credential::OwnCredential;

/// The path of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileAddress(String);

impl Provider for FileAddress {
    const WORD: &'static str = "file";
    const FORM: &'static str = "${file:PATH}";
    const OWN: &'static [OwnCredential] = &[];
    const OWN_PREFIXES: &'static [&'static str] = &[];

    fn parse(argument: &str) -> Option<Self> {
        (!argument.is_empty()).then(|| Self(argument.to_owned()))
    }

    fn named(&self) -> Named<'_> {
        Named::File(&self.0)
    }
}

impl fmt::Display for FileAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(in crate::secret) mod reading {
    use super::FileAddress;
    use crate::secret::confined;
    use crate::secret::machine::{LookupResult, Providers};

    /// Reads these addresses.
    pub(in crate::secret) async fn read<'a>(
        wanted: Vec<&'a FileAddress>,
        providers: &Providers,
    ) -> Vec<LookupResult<'a, FileAddress>> {
        let (roots, own) = (&providers.secret_roots, &providers.own_files);
        let read = |address: &'a FileAddress| (address, confined::read(&address.0, roots, own));
        wanted.into_iter().map(read).collect()
    }
}
