//! Every file that means a live integration, or could mean it.
//!
//! What is deleted must be claimed by no other file, so that this errs towards a claim.

use std::collections::{BTreeSet, HashMap};

use super::{Pairing, PairingIndex};
use crate::live::{LiveIntegration, RemoteId};
use crate::manifest::{Integration, Manifest, Name};
use crate::plan::Block;

/// Every file that means a live integration, or could mean it, by its id.
#[derive(Default)]
pub(in crate::plan) struct Claims<'a>(HashMap<RemoteId, BTreeSet<&'a str>>);

impl<'a> Claims<'a> {
    fn add(&mut self, id: &RemoteId, name: &'a str) {
        self.0.entry(id.clone()).or_default().insert(name);
    }

    /// True if there is a claim.
    pub(in crate::plan) fn is_claimed(&self, id: &RemoteId) -> bool {
        self.0.contains_key(id)
    }

    /// The files other than this one.
    pub(in crate::plan) fn others(&self, id: &RemoteId, name: &str) -> Vec<Name> {
        let claims = self.0.get(id).into_iter().flatten();
        claims
            .filter(|other| **other != name)
            .map(|other| (*other).to_owned())
            .collect()
    }
}

impl<'a, 'l> PairingIndex<'a, 'l> {
    pub(super) fn claims(&self, manifest: &'a Manifest, pairings: &[Pairing<'l>]) -> Claims<'a> {
        let mut claims = Claims::default();
        for invalid in &manifest.invalid {
            if let Some(record) = self.ledger.records.get(&invalid.name) {
                claims.add(&record.id, &invalid.name);
            }
        }
        for (integration, pairing) in manifest.integrations.iter().zip(pairings) {
            let mut claim = |id: &RemoteId| claims.add(id, &integration.name);
            let is_certain = matches!(pairing, Pairing::Certain(_));
            // A pin may be wrong where nothing proves it.
            let is_pinned = integration.options.id.is_some();
            let is_weak = !integration.platform.pairs_with_certainty();
            self.with_identity(integration)
                .iter()
                .filter(|_| !is_certain || (is_pinned && is_weak))
                .for_each(|found| claim(&found.id));
            match pairing {
                Pairing::Certain(found) => {
                    claim(&found.id);
                    continue;
                }
                Pairing::Likely(found) => claim(&found.id),
                Pairing::Blocked(Block::AmbiguousLive { ids }) => ids.iter().for_each(&mut claim),
                // Where nothing is certain, a file could mean any that no other has.
                Pairing::Blocked(_) => self.possible(integration).for_each(|f| claim(&f.id)),
                Pairing::New | Pairing::Replaces { .. } => {}
            }
            integration.options.id.iter().for_each(&mut claim);
            self.records(integration)
                .iter()
                .for_each(|(_, record)| claim(&record.id));
        }
        claims
    }

    /// Integrations that a file of a platform without an identity could mean.
    fn possible(&self, integration: &Integration) -> impl Iterator<Item = &'l LiveIntegration> {
        let platform = integration.platform;
        let free = self.free_of_platform.get(platform.wire);
        free.filter(|_| !platform.pairs_with_certainty())
            .into_iter()
            .flatten()
            .copied()
    }
}
