//! Integrations by their names: those that a run is about, and those that there are.

use std::collections::BTreeSet;

use crate::ledger::{Ledger, parked_name};
use crate::manifest::{Manifest, Name};

/// A choice among the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these names, if there are any.
    pub only: BTreeSet<Name>,
    /// Not these.
    pub exclude: BTreeSet<Name>,
}

impl Selection {
    /// True if a run is about this integration.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        (self.only.is_empty() || self.only.contains(name)) && !self.excludes(&[name])
    }

    /// Something that has, or had, several names is left out by any of them.
    pub(super) fn excludes(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.exclude.contains(*name))
    }
}

/// Every name that means something: a choice among other names is a mistake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownNames {
    described: BTreeSet<Name>,
    /// Those and the names that documents had before.
    of_files: BTreeSet<Name>,
    recorded: BTreeSet<Name>,
}

impl KnownNames {
    /// The names of the documents and of the records.
    #[must_use]
    pub fn of(manifest: &Manifest, ledger: &Ledger) -> Self {
        let records = ledger.records.iter();
        let recorded =
            records.flat_map(|(name, record)| [name.clone(), parked_name(name, &record.id)]);
        Self {
            described: manifest.file_names().map(str::to_owned).collect(),
            of_files: manifest.names().map(str::to_owned).collect(),
            recorded: recorded.collect(),
        }
    }

    /// The names that documents have.
    pub fn described(&self) -> impl Iterator<Item = &str> {
        self.described.iter().map(String::as_str)
    }

    /// True if a document has this name, or had it before.
    #[must_use]
    pub fn is_of_file(&self, name: &str) -> bool {
        self.of_files.contains(name)
    }

    /// True if a document has this name, or had it before, or a record has it.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.is_of_file(name) || self.recorded.contains(name)
    }

    /// The names of a choice that mean nothing.
    #[must_use]
    pub fn unknown_of(&self, selection: &Selection) -> Vec<Name> {
        let is_known = |name: &Name| self.described.contains(name) || self.recorded.contains(name);
        let chosen = selection.only.union(&selection.exclude);
        chosen.filter(|name| !is_known(name)).cloned().collect()
    }
}
