//! The providers of secrets, and references to them.
//!
//! A provider is one module below this one. Its file declares it ([`Provider`]), which is pure;
//! its module `reading` reads addresses, and is the only part that does I/O. A new provider is
//! that file, and a `mod` and a line of [`providers`] here: parsing, the rejection of own
//! credentials, and resolving follow from the line.

pub(super) mod cred;
pub(super) mod declaration;
pub(super) mod env;
pub(super) mod file;
pub(super) mod sops;
pub mod vault;

use std::fmt;

use declaration::{Named, Provider};

use super::credential::OwnCredential;

/// Hands the list of providers to another macro: a variant of [`Reference`], and its module.
macro_rules! providers {
    ($take:ident) => {
        $take! {
            /// An environment variable.
            Env = env::EnvAddress,
            /// A file below a declared root.
            File = file::FileAddress,
            /// A credential that systemd passed in.
            Cred = cred::CredentialAddress,
            /// A value in a file that sops encrypted.
            Sops = sops::SopsAddress,
            /// A field of a secret in Vault.
            Vault = vault::VaultAddress,
        }
    };
}
pub(super) use providers;

/// A provider, among the others.
pub(crate) struct Declaration {
    /// The word before the colon of a reference.
    pub(crate) word: &'static str,
    /// The form of a reference.
    pub(crate) form: &'static str,
    /// The credentials that it authenticates with.
    pub(crate) own: &'static [OwnCredential],
    /// Beginnings of variables that belong to it.
    pub(crate) own_prefixes: &'static [&'static str],
    /// Reads what stands behind the colon.
    pub(crate) parse: fn(&str) -> Option<Reference>,
}

macro_rules! declare {
    ($($(#[$doc:meta])* $variant:ident = $module:ident :: $address:ident,)+) => {
        /// A reference to a secret. It is not secret itself: it says where one lies.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Reference {
            $($(#[$doc])* $variant($module::$address),)+
        }

        /// Every provider.
        pub(crate) const PROVIDERS: &[Declaration] = &[$(Declaration {
            word: <$module::$address as Provider>::WORD,
            form: <$module::$address as Provider>::FORM,
            own: <$module::$address as Provider>::OWN,
            own_prefixes: <$module::$address as Provider>::OWN_PREFIXES,
            parse: |argument| <$module::$address as Provider>::parse(argument).map(Reference::$variant),
        },)+];

        impl Reference {
            /// The word of the provider.
            pub(crate) fn word(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => <$module::$address as Provider>::WORD,)+
                }
            }

            /// The address: what stands behind the colon.
            pub(crate) fn address(&self) -> &dyn fmt::Display {
                match self {
                    $(Self::$variant(address) => address,)+
                }
            }

            /// The thing that it names.
            pub(crate) fn named(&self) -> Named<'_> {
                match self {
                    $(Self::$variant(address) => address.named(),)+
                }
            }
        }
    };
}
providers!(declare);

impl Reference {
    /// The reference with this word before the colon and this text behind it; `None` if no
    /// provider has the word, or the text is no address of its.
    #[must_use]
    pub fn new(word: &str, argument: &str) -> Option<Self> {
        by_word(word).and_then(|provider| (provider.parse)(argument))
    }
}

/// As files have it.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}:{}}}", self.word(), self.address())
    }
}

/// The provider with this word.
pub(crate) fn by_word(word: &str) -> Option<&'static Declaration> {
    PROVIDERS.iter().find(|provider| provider.word == word)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_form_is_a_reference_of_its_provider() {
        let words: BTreeSet<&str> = PROVIDERS.iter().map(|it| it.word).collect();
        assert_eq!(words.len(), PROVIDERS.len());
        for provider in PROVIDERS {
            let inside = provider.form.trim_start_matches("${").trim_end_matches('}');
            let (word, argument) = inside.split_once(':').unwrap();
            let reference = Reference::new(word, argument).unwrap();
            assert_eq!(reference.word(), provider.word);
            assert_eq!(reference.to_string(), provider.form);
            assert_eq!(Reference::new(word, ""), None, "{word}");
        }
    }
}
