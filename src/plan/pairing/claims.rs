//! Files that describe a live integration, and files that could mean it.
//!
//! An integration is deleted only if no other file claims it; in doubt, there is a claim. A file
//! that is pinned to one integration describes no other, although its pin may be a mistake.

use std::collections::{BTreeSet, HashMap};

use super::{Pairing, PairingIndex};
use crate::live::{LiveIntegration, RemoteId};
use crate::manifest::{Integration, Manifest, Name};
use crate::plan::Block;

/// Every file that means a live integration, or could mean it, by its id.
#[derive(Default)]
pub(in crate::plan) struct Claims<'a>(HashMap<RemoteId, Claim<'a>>);

/// Files that could mean one live integration.
#[derive(Default)]
struct Claim<'a> {
    files: BTreeSet<&'a str>,
    /// True if one of them describes it, and not only if its pin is a mistake.
    is_description: bool,
}

impl<'a> Claims<'a> {
    /// A file that describes an integration, as far as is known.
    fn describe(&mut self, id: &RemoteId, name: &'a str) {
        self.doubt(id, name).is_description = true;
    }

    /// A file that describes an integration only if it is pinned to another one by mistake.
    fn doubt(&mut self, id: &RemoteId, name: &'a str) -> &mut Claim<'a> {
        let claim = self.0.entry(id.clone()).or_default();
        claim.files.insert(name);
        claim
    }

    /// True if there is a claim.
    pub(in crate::plan) fn is_claimed(&self, id: &RemoteId) -> bool {
        self.0.contains_key(id)
    }

    /// True if a file describes the integration, or could.
    pub(in crate::plan) fn is_described(&self, id: &RemoteId) -> bool {
        self.0.get(id).is_some_and(|claim| claim.is_description)
    }

    /// The files other than this one.
    pub(in crate::plan) fn others(&self, id: &RemoteId, name: &str) -> Vec<Name> {
        let claims = self.0.get(id).into_iter().flat_map(|claim| &claim.files);
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
                claims.describe(&record.id, &invalid.name);
            }
        }
        for (integration, pairing) in manifest.integrations.iter().zip(pairings) {
            let name = integration.name.as_str();
            for id in self.described_by(integration, pairing) {
                claims.describe(id, name);
            }
            // A pin may be wrong where nothing proves it.
            if is_pinned_without_proof(integration) {
                for id in self.alike(integration, pairing) {
                    claims.doubt(id, name);
                }
            }
        }
        claims
    }

    /// Integrations that a file describes, or could.
    fn described_by<'s>(
        &'s self,
        integration: &'s Integration,
        pairing: &'s Pairing<'l>,
    ) -> Vec<&'s RemoteId> {
        let mut ids = match pairing {
            Pairing::Certain(found) => return vec![&found.id],
            Pairing::Likely(found) => vec![&found.id],
            Pairing::Blocked(Block::AmbiguousLive { ids }) => ids.iter().collect(),
            Pairing::New | Pairing::Replaces { .. } | Pairing::Blocked(_) => Vec::new(),
        };
        if !is_pinned_without_proof(integration) {
            ids.extend(self.alike(integration, pairing));
        }
        ids.extend(&integration.options.id);
        let records = self.records(integration);
        ids.extend(records.into_iter().map(|(_, record)| &record.id));
        ids
    }

    /// Integrations that a file could mean, pinned or not, by the identity or the hint. Where
    /// nothing is certain, these are all that no other file has.
    fn alike(
        &self,
        integration: &Integration,
        pairing: &Pairing<'l>,
    ) -> impl Iterator<Item = &'l RemoteId> {
        let is_open = match pairing {
            Pairing::Blocked(Block::AmbiguousLive { .. })
            | Pairing::Certain(_)
            | Pairing::Likely(_)
            | Pairing::New
            | Pairing::Replaces { .. } => false,
            Pairing::Blocked(_) => true,
        };
        let possible = self.possible(integration).filter(move |_| is_open);
        let same = self.with_identity(integration).iter().copied();
        same.chain(possible).map(|found| &found.id)
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

/// True if a file has a pin that no identity confirms.
fn is_pinned_without_proof(integration: &Integration) -> bool {
    integration.options.id.is_some() && !integration.platform.pairs_with_certainty()
}
