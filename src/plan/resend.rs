//! Secrets that an operator has sent again.

use std::collections::BTreeSet;

use crate::manifest::Name;

/// The integrations whose stored secrets are sent although nothing says that they are
/// others: the server never returns them, and the ledger may not know what it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resend {
    /// All integrations.
    pub all: bool,
    /// Those that were named.
    pub names: BTreeSet<Name>,
}

impl Resend {
    /// True if the secrets of this integration are sent.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}
