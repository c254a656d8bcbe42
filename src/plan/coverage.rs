//! Live integrations by the files that describe them.

use std::collections::BTreeMap;

use super::pairing::{pair, present};
use crate::ledger::Ledger;
use crate::live::{Live, LiveIntegration};
use crate::manifest::Manifest;

/// The live integrations by the files that describe them.
#[derive(Debug)]
pub struct Coverage<'a, 'l> {
    /// The integration of each file that has one without doubt, by name.
    pub described: BTreeMap<&'a str, &'l LiveIntegration>,
    /// Integrations that no file describes, or could describe, by id.
    pub undescribed: Vec<&'l LiveIntegration>,
    /// Every integration that exists, by id.
    pub all: Vec<&'l LiveIntegration>,
}

/// Finds the live integrations that the files describe.
#[must_use]
pub fn coverage<'a, 'l>(
    manifest: &'a Manifest,
    live: &'l Live,
    ledger: &'a Ledger,
) -> Coverage<'a, 'l> {
    let paired = pair(manifest, live, ledger);
    let mut described = BTreeMap::new();
    for (integration, pairing) in manifest.integrations.iter().zip(&paired.pairings) {
        if let Some(found) = pairing.found() {
            described.insert(integration.name.as_str(), found);
        }
    }
    let mut all: Vec<&LiveIntegration> = present(live).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let undescribed = all.iter().copied();
    Coverage {
        undescribed: undescribed
            .filter(|found| !paired.claims.is_described(&found.id))
            .collect(),
        described,
        all,
    }
}
