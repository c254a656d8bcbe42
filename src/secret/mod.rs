//! Secrets, and the references by which files name them.
//!
//! Sensitivity is a type. A [`Secret`] has no `Display` and no `Serialize`, its
//! `Debug` is redacted, and it is wiped when dropped; only the body of a request
//! and a credential header read its value. A [`Template`] is a value of a file
//! that is or may hold a secret: literal parts are secrets too.
//!
//! # Wiped and unwiped memory
//!
//! Wiped as soon as they are no longer needed: values, the files that they were
//! read from, the bodies of requests, tokens, the responses that may repeat any of them, and the forms in which those are searched for. Each is put into a buffer
//! of its final size, since growing would keep pieces in freed memory.
//!
//! Out of reach: the environment that the process was started with, the buffers
//! of the HTTP and TLS libraries and their copy of the credential header, the YAML parser's copies of a literal secret in a file, the inner state of a hash,
//! and copies that the compiler makes on a stack. For their sake the process
//! makes no core dump and cannot be looked into by others of its user (`cli`).

mod confined;
mod credential;
mod environment;
pub(crate) mod json;
mod machine;
mod missing;
pub mod own;
mod own_values;
mod parted;
mod provider;
mod reference;
mod resolve;
mod scrub;

pub use credential::{OwnCredential, SecretInput};
pub use environment::ProviderEnvironment;
pub use machine::Providers;
pub use missing::{MissingReason, ProviderProblem};
pub(crate) use own::is_own;
pub use own::{is_own_credential, is_own_variable, own_credentials, own_settings, own_sources};
pub use own_values::OwnValues;
pub use provider::vault::reading::settings::{VaultLogin, VaultSettings};
pub use provider::{Reference, vault};
pub use reference::{
    Parsed, ReferenceError, Template, TemplatePart, escaped_literal, parse_template,
    provider_forms, provider_words, source_words,
};
pub use resolve::{Missing, Secrets, resolve};
pub(crate) use scrub::wipe;
pub use scrub::{MASK, Scrubber, scrub};

use secrecy::{ExposeSecret, SecretString};

/// A value that must never be seen.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a value in.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(SecretString::from(value))
    }

    /// True if it is empty, and so not a secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// The value. The caller must be about to put it into a request.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl PartialEq for Secret {
    /// For comparing two templates; never a check of a credential that came from outside.
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}
