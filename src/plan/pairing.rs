//! Pairing: the live integration of each file, and the files that could mean a live
//! integration.
//!
//! Certain matches come first: `sync.id`, the ledger's id, and the identity. Two files that are
//! certain of one integration, and a file that is certain of two, result in a [`Block`] that
//! names them. A platform without an identity is then paired by a hint or by being the only
//! one, which is enough to compare and to prevent a second create, but never to update.
//!
//! A file that no longer describes the integration created from it releases it to any file that
//! describes it now; only if there is none may the file replace it, and if the file describes
//! another existing one it is blocked. An integration that is deleted, alone or for a
//! replacement, must be claimed by no other file, and [`Paired::claims`] is the one place that
//! decides this: in doubt, there is a claim. It also decides which integrations are unmanaged.
//! An integration that was created from a file and is neither listed nor known to be gone
//! blocks its file: an outage is not an absence.

mod claims;
mod index;

use std::collections::HashMap;

use super::{Block, Unmanaged};
use crate::ledger::{Ledger, Record, taken_name};
use crate::live::{Live, LiveIntegration, RemoteId, StatusPhase, holds_secret};
use crate::manifest::{Integration, Manifest, Name};
use crate::platform::Platform;
use crate::text::escaped;
pub(super) use claims::Claims;
use index::PairingIndex;

/// The key next to `config` that names the platform.
pub(super) const TYPE: &str = "type";

/// Result of pairing a file.
pub(super) enum Pairing<'l> {
    /// Nothing that exists.
    New,
    /// Certainly this one.
    Certain(&'l LiveIntegration),
    /// Probably this one.
    Likely(&'l LiveIntegration),
    /// Nothing that exists, and this one was made from it before.
    Replaces {
        found: &'l LiveIntegration,
        /// The attribute that distinguishes the two.
        attribute: &'static str,
    },
    /// It cannot be said.
    Blocked(Block),
}

impl<'l> Pairing<'l> {
    /// The live integration that a write would be about.
    pub(super) fn found(&self) -> Option<&'l LiveIntegration> {
        match self {
            Self::Certain(found) | Self::Likely(found) | Self::Replaces { found, .. } => {
                Some(found)
            }
            Self::New | Self::Blocked(_) => None,
        }
    }
}

/// The pairings, in the order of the integrations, and what is left over.
pub(super) struct Paired<'a, 'l> {
    pub pairings: Vec<Pairing<'l>>,
    pub claims: Claims<'a>,
    pub unmanaged: Vec<Unmanaged>,
}

/// The key under which a live integration is found: its identity, in the form that compares.
#[must_use]
pub fn found_key(platform: &Platform, live: &LiveIntegration) -> Option<String> {
    platform.pairing_key(pairing_value(platform, live))
}

fn pairing_value<'l>(platform: &Platform, live: &'l LiveIntegration) -> Option<&'l str> {
    let value = live.config.0.get(platform.pairing_attribute()?)?;
    // An identity that must not be known cannot be read.
    value.as_str().filter(|_| !holds_secret(value))
}

/// A platform, and what pairs within it; `None` for an identity that cannot be read.
pub(super) type PairingKey = (&'static str, Option<String>);

/// Existing live integrations.
pub(super) fn present(live: &Live) -> impl Iterator<Item = &LiveIntegration> {
    let integrations = live.integrations.iter();
    integrations.filter(|l| l.status.phase() != StatusPhase::Absent)
}

/// Link from a record to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RecordMatch {
    /// It has the name of the file.
    Own,
    /// It has a name that the file says it had.
    Before,
    /// It had the name of the file, which something else took.
    Taken,
}

/// The live integration that was made from a file, and how the file has become
/// another since, if it has.
struct Link<'l> {
    said: RecordMatch,
    found: &'l LiveIntegration,
    moved: Option<&'static str>,
}

impl<'a, 'l> PairingIndex<'a, 'l> {
    /// The integration of `sync.id`, if it is a possible one.
    fn pinned(&self, integration: &Integration) -> Option<Result<&'l LiveIntegration, Block>> {
        let pin = integration.options.id.as_ref()?;
        Some(pinned(integration, pin, &self.by_id, self.live))
    }

    /// Integrations that certainly match a file.
    fn certainly(&self, integration: &Integration) -> Vec<&'l LiveIntegration> {
        if let Some(pinned) = self.pinned(integration) {
            return pinned.into_iter().collect();
        }
        let links = self.links(integration).iter();
        let mut links = links.filter(|link| link.moved.is_none());
        let mut certain: Vec<_> = links.next().map(|link| link.found).into_iter().collect();
        if integration.platform.pairs_with_certainty() {
            for found in self.with_identity(integration) {
                if certain.iter().all(|other| other.id != found.id) {
                    certain.push(found);
                }
            }
        }
        certain
    }

    /// Integrations with the identity or the hint of a file, if it has one.
    fn with_identity(&self, integration: &Integration) -> &[&'l LiveIntegration] {
        let found = self.identified.get(&key(integration));
        found.map_or(&[], Vec::as_slice)
    }

    /// Everything that is recorded under a name of a file, also where it was taken.
    fn records(&self, integration: &Integration) -> Vec<(RecordMatch, &'a Record)> {
        let options = &integration.options;
        let of_name = |name: &String| self.ledger.records.get(name);
        let parked = |name: &String| {
            self.parked
                .get(name.as_str())
                .into_iter()
                .flatten()
                .copied()
        };
        let own = of_name(&integration.name).map(|record| (RecordMatch::Own, record));
        let before = options.previously.iter();
        let before = before.flat_map(|name| of_name(name).into_iter().chain(parked(name)));
        let taken = parked(&integration.name).map(|record| (RecordMatch::Taken, record));
        own.into_iter()
            .chain(before.map(|record| (RecordMatch::Before, record)))
            .chain(taken)
            .collect()
    }

    /// Records of integrations that may have been created from a file. If it has a record of its
    /// own, an older one counts only if its identity or hint matches.
    fn made(&self, integration: &Integration) -> Vec<(RecordMatch, &'a Record)> {
        let mut records = self.records(integration);
        let has_own = records.iter().any(|(said, _)| *said == RecordMatch::Own);
        let key = integration.pairing_key();
        records.retain(|(said, record)| {
            let found = self.by_id.get(&record.id);
            let found_key = found.and_then(|found| found_key(integration.platform, found));
            let is_of_type = record.type_name == integration.platform.wire;
            let fits =
                is_of_type && key.is_some() && (record.state.identity == key || found_key == key);
            match said {
                RecordMatch::Own => true,
                RecordMatch::Before => !has_own || fits,
                RecordMatch::Taken => fits,
            }
        });
        records
    }

    /// Existing integrations that were created from a file. A pin gives one to another file; an id
    /// with another type than recorded is a different integration.
    fn find_links(&self, integration: &Integration) -> Vec<Link<'l>> {
        let link = |(said, record): (RecordMatch, &'a Record)| {
            let found = *self.by_id.get(&record.id)?;
            let is_it = !self.pins.contains(&record.id) && found.type_name == record.type_name;
            is_it.then(|| Link {
                said,
                moved: self.how_moved(integration, record, found),
                found,
            })
        };
        self.made(integration)
            .into_iter()
            .filter_map(link)
            .collect()
    }

    fn links(&self, integration: &Integration) -> &[Link<'l>] {
        let links = self.links.get(integration.name.as_str());
        links.map_or(&[], Vec::as_slice)
    }

    /// True if a name that the file gives has a record.
    fn is_known(&self, integration: &Integration) -> bool {
        let links = self.links(integration).iter();
        let mut said = links.filter(|link| link.said != RecordMatch::Taken);
        said.any(|link| link.moved.is_none())
    }

    /// Reason why a file no longer describes the integration created from it. A hint may change:
    /// only one that fits another integration counts.
    fn how_moved(
        &self,
        integration: &Integration,
        record: &Record,
        found: &LiveIntegration,
    ) -> Option<&'static str> {
        let platform = integration.platform;
        if found.platform != Some(platform) {
            return Some(TYPE);
        }
        let key = integration.pairing_key();
        let found_key = found_key(platform, found);
        if record.state.identity == key || found_key == key {
            return None;
        }
        let is_another = platform.pairs_with_certainty() || {
            let others = self.described.get(&(platform.wire, found_key));
            let mut fitting = self.with_identity(integration).iter();
            fitting.any(|other| !self.is_of_a_file(other)) || others.is_some_and(|o| !o.is_empty())
        };
        platform.pairing_attribute().filter(|_| is_another)
    }

    /// True if it is recorded under the current name of a file.
    fn is_of_a_file(&self, found: &LiveIntegration) -> bool {
        let name = self.recorded.get(&found.id);
        name.is_some_and(|name| self.files.contains_key(name))
    }

    /// Block if it is unknown whether the integration created from a file exists.
    fn unknown(&self, integration: &Integration) -> Option<Block> {
        let made = self.made(integration);
        let is_there = |record: &Record| self.by_id.contains_key(&record.id);
        if made
            .iter()
            .any(|(said, record)| *said == RecordMatch::Own && is_there(record))
        {
            return None;
        }
        let unreadable = |record: &Record| self.live.unreadable_for_type(&record.type_name);
        let mut hidden = made.iter().filter(|(_, record)| !is_there(record));
        let reason = hidden.find_map(|(_, record)| Some(unreadable(record)?.reason.clone()))?;
        Some(Block::UnknownScope { reason })
    }

    /// The integration that was created from a file, still exists, no longer matches the file, and
    /// belongs to no other file.
    fn left(&self, integration: &Integration) -> Option<(&'l LiveIntegration, &'static str)> {
        let links = self.links(integration).iter();
        let mut moved = links.filter_map(|link| Some((link.found, link.moved?)));
        moved.find(|(found, _)| self.holders(found, integration).is_empty())
    }

    /// Other files that are certain of it, and may have it.
    fn holders(&self, found: &LiveIntegration, integration: &Integration) -> Vec<Name> {
        let files = self.certain.get(&found.id).into_iter().flatten();
        let holders = files.filter(|file| !self.moved.contains(file.name.as_str()));
        // A name of its own is more than one that another file says it had.
        let is_own = self.says(integration, found, RecordMatch::Own);
        let holders =
            holders.filter(|file| !is_own || !self.says(file, found, RecordMatch::Before));
        names_of_others(holders, integration)
    }

    /// True if the only link between the file and the integration is `said`.
    fn says(&self, integration: &Integration, found: &LiveIntegration, said: RecordMatch) -> bool {
        let links = self.links(integration);
        let mut it = links.iter().filter(|link| link.found.id == found.id);
        !integration.platform.pairs_with_certainty() && it.any(|link| link.said == said)
    }

    fn pairing(&self, integration: &Integration) -> Pairing<'l> {
        if let Some(pinned) = self.pinned(integration) {
            return pinned.map_or_else(Pairing::Blocked, Pairing::Certain);
        }
        let certain = self.certainly(integration);
        if let Some(block) = self.unknown(integration) {
            return Pairing::Blocked(block);
        }
        let paired = match certain.as_slice() {
            [] => self.by_what_is_left(integration),
            [one] => match self.holders(one, integration) {
                others if others.is_empty() => Pairing::Certain(one),
                others => Pairing::Blocked(Block::AmbiguousFiles { others }),
            },
            several => ambiguous(several),
        };
        let Some((found, attribute)) = self.left(integration) else {
            return paired;
        };
        match paired {
            // It has what it was certain of under another of its names.
            Pairing::Certain(_) if self.is_known(integration) => paired,
            Pairing::New => Pairing::Replaces { found, attribute },
            Pairing::Likely(same) if same.id == found.id => Pairing::Blocked(Block::NeedsPin {
                id: same.id.clone(),
                paths: vec![attribute.into()],
            }),
            Pairing::Certain(other) | Pairing::Likely(other) => Pairing::Blocked(Block::Moved {
                name: integration.name.clone(),
                id: found.id.clone(),
                attribute,
                other: other.id.clone(),
                recorded: self.name_of(other),
            }),
            paired @ (Pairing::Replaces { .. } | Pairing::Blocked(_)) => paired,
        }
    }

    /// The name of a file, or one that a file can have had, from which it was made.
    fn name_of(&self, found: &LiveIntegration) -> Option<Name> {
        let name = *self.recorded.get(&found.id)?;
        taken_name(name).is_none().then(|| name.to_owned())
    }

    /// Nothing is certain: by a hint, or by being the only one.
    fn by_what_is_left(&self, integration: &Integration) -> Pairing<'l> {
        let key = key(integration);
        let seeking = self.seeking.get(&key).into_iter().flatten();
        let others = names_of_others(seeking, integration);
        if !others.is_empty() {
            return Pairing::Blocked(Block::AmbiguousFiles { others });
        }
        if integration.platform.pairs_with_certainty() {
            return self.new_unless_unidentified(integration);
        }
        match self.free.get(&key).map_or(&[][..], Vec::as_slice) {
            [] => self.by_elimination(integration),
            [one] => Pairing::Likely(one),
            several => ambiguous(several),
        }
    }

    /// An integration of this platform whose identity cannot be read might be this one.
    fn new_unless_unidentified(&self, integration: &Integration) -> Pairing<'l> {
        let Platform { wire, .. } = integration.platform;
        let Some(found) = self.free.get(&(*wire, None)).and_then(|l| l.first()) else {
            return Pairing::New;
        };
        let attribute = integration.platform.pairing_attribute();
        let attribute = attribute.unwrap_or("identity");
        let reason = format!(
            "the list does not show `{attribute}` of integration {}",
            found.id
        );
        Pairing::Blocked(Block::UnknownScope { reason })
    }

    /// No hint fits: what no other file's hint fits either could still be the one.
    fn by_elimination(&self, integration: &Integration) -> Pairing<'l> {
        let platform = integration.platform;
        let free = self.free_of_platform.get(platform.wire);
        let is_explained = |found: &LiveIntegration| {
            let key = (platform.wire, found_key(platform, found));
            self.seeking.contains_key(&key)
        };
        let free = free.into_iter().flatten().copied();
        let unexplained: Vec<_> = free.filter(|found| !is_explained(found)).collect();
        match unexplained.as_slice() {
            [] => Pairing::New,
            [one] if self.unpaired_files(platform) == 1 => Pairing::Likely(one),
            several => ambiguous(several),
        }
    }

    /// Files of this platform whose key no free live integration has.
    fn unpaired_files(&self, platform: &'static Platform) -> usize {
        self.seeking
            .iter()
            .filter(|(key, _)| key.0 == platform.wire && !self.free.contains_key(*key))
            .map(|(_, files)| files.len())
            .sum()
    }
}

/// Key by which a live integration is found, if that can be read.
fn found_identity(found: &LiveIntegration) -> Option<PairingKey> {
    let platform = found.platform?;
    Some((platform.wire, Some(found_key(platform, found)?)))
}

fn names_of_others<'i>(
    files: impl Iterator<Item = &'i &'i Integration>,
    integration: &Integration,
) -> Vec<Name> {
    files
        .filter(|other| other.name != integration.name)
        .map(|other| other.name.clone())
        .collect()
}

/// The integration of `sync.id`, if it is a possible one.
fn pinned<'l>(
    integration: &Integration,
    pin: &RemoteId,
    by_id: &HashMap<&'l RemoteId, &'l LiveIntegration>,
    live: &Live,
) -> Result<&'l LiveIntegration, Block> {
    let id = pin.clone();
    let Some(found) = by_id.get(pin) else {
        return Err(match live.unreadable_for(integration.platform) {
            Some(unreadable) => Block::UnknownScope {
                reason: unreadable.reason.clone(),
            },
            None => Block::PinMissing { id },
        });
    };
    let platform = integration.platform;
    if found.platform != Some(platform) {
        let found = escaped(&found.type_name).into_owned();
        return Err(Block::PinType { id, found });
    }
    let same = found_key(platform, found) == integration.pairing_key();
    match platform.pairing_attribute() {
        Some(attribute) if platform.pairs_with_certainty() && !same => {
            let found = pairing_value(platform, found).unwrap_or("unknown");
            let wanted = integration.config.get(attribute).and_then(|v| v.as_text());
            Err(Block::PinIdentity {
                id,
                attribute,
                found: escaped(found).into_owned(),
                wanted: escaped(wanted.unwrap_or("unknown")).into_owned(),
            })
        }
        Some(_) | None => Ok(found),
    }
}

fn key(integration: &Integration) -> PairingKey {
    (integration.platform.wire, integration.pairing_key())
}

fn ambiguous<'l>(several: &[&LiveIntegration]) -> Pairing<'l> {
    let mut ids: Vec<RemoteId> = several.iter().map(|l| l.id.clone()).collect();
    ids.sort();
    Pairing::Blocked(Block::AmbiguousLive { ids })
}

/// Pairs every file, and gathers what no file could mean.
pub(super) fn pair<'a, 'l>(
    manifest: &'a Manifest,
    live: &'l Live,
    ledger: &'a Ledger,
) -> Paired<'a, 'l> {
    let integrations = &manifest.integrations;
    let index = PairingIndex::new(integrations, live, ledger);
    let pairings: Vec<Pairing<'l>> = integrations.iter().map(|i| index.pairing(i)).collect();
    let claims = index.claims(manifest, &pairings);
    let left = present(live).filter(|l| !claims.is_described(&l.id));
    let mut unmanaged: Vec<Unmanaged> = left.map(|found| leftover(found, live)).collect();
    unmanaged.sort_by(|a, b| a.id.cmp(&b.id));
    Paired {
        pairings,
        claims,
        unmanaged,
    }
}

fn leftover(found: &LiveIntegration, live: &Live) -> Unmanaged {
    let connection = live.owners.of_integration(&found.id);
    Unmanaged {
        id: found.id.clone(),
        type_name: found.type_name.clone(),
        identity: found
            .platform
            .and_then(|p| pairing_value(p, found))
            .map(str::to_owned),
        status: found.status.clone(),
        connection: connection.map(str::to_owned),
        recorded: None,
        owned: false,
    }
}
