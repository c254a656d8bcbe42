//! The declaration of a provider: all that is known of it without reading anything.

use std::fmt::Display;

use crate::secret::credential::OwnCredential;

/// An object that a reference names. integrationd searches them for its own credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// An environment variable.
    Variable(&'a str),
    /// A credential that systemd passed in.
    Credential(&'a str),
    /// A file below the directories for secrets.
    File(&'a str),
    /// Something that is not on this machine.
    Elsewhere,
}

/// A provider, declared by the type of its addresses.
///
/// Pure. Nothing here has a default: a provider that does not say which own credentials
/// it has, or what its addresses name, does not compile.
pub(crate) trait Provider: Display + Sized {
    /// The word before the colon of a reference.
    const WORD: &'static str;
    /// The form of a reference, for help texts and diagnostics.
    const FORM: &'static str;
    /// The credentials that it, or a program that it starts, authenticates with.
    const OWN: &'static [OwnCredential];
    /// Beginnings of variables that belong to it: all of them are own.
    const OWN_PREFIXES: &'static [&'static str];

    /// Reads what stands behind the colon. Its `Display` writes the same text again.
    fn parse(argument: &str) -> Option<Self>;

    /// The thing that this address names.
    fn named(&self) -> Named<'_>;
}
