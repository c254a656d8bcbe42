//! Records of the ledger, by the live integration that they belong to.

use std::collections::{HashMap, HashSet};

use crate::ledger::{Ledger, Record, parked_name};
use crate::live::{LiveIntegration, RemoteId};
use crate::manifest::{Integration, Name};

/// Recorded state of a live integration, perhaps under a name that its file no longer has.
#[derive(Clone, Copy)]
pub(super) struct RecordedIntegration<'a> {
    pub name: &'a str,
    pub record: &'a Record,
}

impl<'a> RecordedIntegration<'a> {
    /// Name of an integration without a file, given the names of files: the name of its record once
    /// a file that has taken its name is recorded.
    pub(super) fn unused_name(&self, names: &HashSet<&str>) -> Name {
        if names.contains(self.name) {
            parked_name(self.name, &self.record.id)
        } else {
            self.name.to_owned()
        }
    }

    /// The name that its fingerprints are bound to.
    pub(super) fn label(&self) -> &'a str {
        let bound_to = self.record.state.applied.bound_to.as_deref();
        bound_to.unwrap_or(self.name)
    }
}

/// Recorded state, by the id of the live integration.
pub(super) struct RecordedIntegrations<'a>(HashMap<&'a RemoteId, RecordedIntegration<'a>>);

impl<'a> RecordedIntegrations<'a> {
    pub(super) fn new(ledger: &'a Ledger) -> Self {
        let records = ledger.records.iter();
        let recorded =
            records.map(|(name, record)| (&record.id, RecordedIntegration { name, record }));
        Self(recorded.collect())
    }

    /// Recorded state of a live integration. An id with another type than recorded is another
    /// integration: a rebuilt tenant counts from 1 again.
    pub(super) fn of(&self, found: &LiveIntegration) -> Option<RecordedIntegration<'a>> {
        let recorded = self.0.get(&found.id)?;
        (recorded.record.type_name == found.type_name).then_some(*recorded)
    }
}

/// The name that fingerprints of an integration are bound to: the first it was
/// recorded under, so that they outlast a rename.
pub(super) fn label<'a>(
    integration: &'a Integration,
    recorded: Option<RecordedIntegration<'a>>,
) -> &'a str {
    recorded.map_or(&integration.name, |recorded| recorded.label())
}
