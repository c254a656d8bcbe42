//! Which live integration a file means.
//!
//! Pairing goes by `sync.id`, then by identity. A platform without an identity
//! is paired by a hint or by being the only one, which is enough to compare and
//! to prevent a second create, never to update. Whenever two could be meant,
//! the answer is a [`Block`] that names them.

use std::collections::{HashMap, HashSet};

use super::{Block, Unmanaged};
use crate::ledger::Ledger;
use crate::live::{Live, LiveIntegration, Phase, RemoteId};
use crate::manifest::Integration;
use crate::platform::Platform;
use crate::text::escaped;

/// The key beside `config` that says which platform it is.
pub(super) const TYPE: &str = "type";

/// What a file was found to mean.
pub(super) enum Pairing<'l> {
    /// Nothing that exists.
    New,
    /// Certainly this one.
    Certain(&'l LiveIntegration),
    /// Probably this one.
    Likely(&'l LiveIntegration),
    /// It cannot be said.
    Blocked(Block),
}

/// The pairings, in the order of the integrations, and what is left over.
pub(super) struct Paired<'l> {
    pub pairings: Vec<Pairing<'l>>,
    pub unmanaged: Vec<Unmanaged>,
}

/// The key under which a live integration is found: its identity, in the form that compares.
#[must_use]
pub fn found_key(platform: &Platform, live: &LiveIntegration) -> Option<String> {
    platform.pairing_key(pairing_value(platform, live))
}

fn pairing_value<'l>(platform: &Platform, live: &'l LiveIntegration) -> Option<&'l str> {
    live.config.0.get(platform.pairing_attribute()?)?.as_str()
}

/// A platform, and what pairs within it; `None` for an identity that cannot be read.
pub(super) type Key = (&'static str, Option<String>);

/// Live integrations and files, each by what pairs them.
struct Index<'a, 'l> {
    ledger: &'a Ledger,
    /// The ids that files claim by `sync.id`, and rightly.
    pins: HashSet<RemoteId>,
    live: &'l Live,
    by_id: HashMap<&'l RemoteId, &'l LiveIntegration>,
    /// Those that no file has claimed, by `sync.id` or by the ledger.
    free: HashMap<Key, Vec<&'l LiveIntegration>>,
    free_of_platform: HashMap<&'static str, Vec<&'l LiveIntegration>>,
    /// Those that are there and certainly have this identity, claimed or not.
    certain: HashMap<Key, Vec<&'l LiveIntegration>>,
    /// Files that the ledger makes claim an id, by the id.
    recorded: HashMap<&'l RemoteId, Vec<&'a Integration>>,
    /// Files that claim none.
    files: HashMap<Key, Vec<&'a Integration>>,
}

impl<'a, 'l> Index<'a, 'l> {
    fn new(integrations: &'a [Integration], live: &'l Live, ledger: &'a Ledger) -> Self {
        let present: Vec<&LiveIntegration> = live
            .integrations
            .iter()
            .filter(|l| l.status.phase() != Phase::Absent)
            .collect();
        let by_id: HashMap<&RemoteId, &LiveIntegration> =
            present.iter().map(|l| (&l.id, *l)).collect();
        // A pin that is wrong claims nothing: the file that does describe the
        // integration must find it, or it would be created a second time.
        let pins: HashSet<RemoteId> = integrations
            .iter()
            .filter_map(|i| pinned(i, i.options.id.as_ref()?, &by_id, live).ok())
            .map(|found| found.id.clone())
            .collect();
        let mut index = Self {
            ledger,
            pins,
            live,
            by_id,
            free: HashMap::new(),
            free_of_platform: HashMap::new(),
            certain: HashMap::new(),
            recorded: HashMap::new(),
            files: HashMap::new(),
        };
        for integration in integrations.iter().filter(|i| i.options.id.is_none()) {
            if let Some(found) = index.recorded(integration) {
                let claims = index.recorded.entry(&found.id).or_default();
                claims.push(integration);
            }
        }
        let claimed = index.claimed();
        for found in &present {
            if let Some(platform) = found.platform.filter(|p| p.pairs_with_certainty()) {
                let key = (platform.wire, found_key(platform, found));
                index.certain.entry(key).or_default().push(found);
            }
        }
        for found in present.into_iter().filter(|l| !claimed.contains(&l.id)) {
            if let Some(platform) = found.platform {
                index
                    .free
                    .entry((platform.wire, found_key(platform, found)))
                    .or_default()
                    .push(found);
                index
                    .free_of_platform
                    .entry(platform.wire)
                    .or_default()
                    .push(found);
            }
        }
        let unknown = |i: &&Integration| i.options.id.is_none() && index.recorded(i).is_none();
        for integration in integrations.iter().filter(unknown).collect::<Vec<_>>() {
            index
                .files
                .entry(key(integration))
                .or_default()
                .push(integration);
        }
        index
    }

    /// The ids that files claim. As with a pin, a file that has become that of
    /// another integration claims nothing.
    fn claimed(&self) -> HashSet<RemoteId> {
        let recorded = self
            .recorded
            .iter()
            .filter(|(_, files)| files.iter().any(|i| !self.is_replacement(i)))
            .map(|(id, _)| (*id).clone());
        self.pins.iter().cloned().chain(recorded).collect()
    }

    fn pairing(&self, integration: &Integration) -> Pairing<'l> {
        if let Some(pin) = &integration.options.id {
            return pinned(integration, pin, &self.by_id, self.live)
                .map_or_else(Pairing::Blocked, Pairing::Certain);
        }
        if let Some(found) = self.recorded(integration) {
            let others = self.rivals(integration, found);
            if !others.is_empty() {
                return Pairing::Blocked(Block::AmbiguousFiles { others });
            }
            return self.known(integration, found);
        }
        if let Some(id) = self.other_type(integration) {
            return Pairing::Blocked(Block::Replacement {
                name: integration.name.clone(),
                id: id.clone(),
                attribute: TYPE,
            });
        }
        self.by_identity(integration)
    }

    /// By what the file says of itself.
    fn by_identity(&self, integration: &Integration) -> Pairing<'l> {
        let key = key(integration);
        let others: Vec<String> = self
            .files
            .get(&key)
            .into_iter()
            .flatten()
            .filter(|other| other.name != integration.name)
            .map(|other| other.name.clone())
            .collect();
        if !others.is_empty() {
            return Pairing::Blocked(Block::AmbiguousFiles { others });
        }
        let certain = integration.platform.pairs_with_certainty();
        match self.free.get(&key).map_or(&[][..], Vec::as_slice) {
            [] if certain => self.new_unless_unidentified(integration),
            [] => self.by_elimination(integration),
            [one] if certain => Pairing::Certain(one),
            [one] => Pairing::Likely(one),
            several => ambiguous(several),
        }
    }

    /// The live integration that was made from this file, if it is still there.
    fn recorded(&self, integration: &Integration) -> Option<&'l LiveIntegration> {
        let id = &self.ledger.record(integration)?.id;
        let found = self.by_id.get(id).filter(|_| !self.pins.contains(id))?;
        (found.platform == Some(integration.platform)).then_some(*found)
    }

    /// What was made under this name and is of another type: its record would be lost.
    fn other_type(&self, integration: &Integration) -> Option<&'a RemoteId> {
        let record = self.ledger.records.get(&integration.name)?;
        let is_other = record.type_name != integration.platform.wire;
        let found = self.by_id.get(&record.id)?;
        let is_left = !self.pins.contains(&record.id) && !self.is_described(found);
        (is_other && is_left).then_some(&record.id)
    }

    /// Whether a file that has no record means it by its identity: whatever had its
    /// record before has become another, and does not replace it.
    fn is_described(&self, found: &LiveIntegration) -> bool {
        found.platform.is_some_and(|platform| {
            platform.pairs_with_certainty()
                && self
                    .files
                    .contains_key(&(platform.wire, found_key(platform, found)))
        })
    }

    /// Other files that the ledger makes claim the same integration: a name that
    /// it had before is in use again. One that has become another does not count.
    fn rivals(&self, integration: &Integration, found: &LiveIntegration) -> Vec<String> {
        let claims = self.recorded.get(&found.id).into_iter().flatten();
        claims
            .filter(|other| other.name != integration.name && !self.is_replacement(other))
            .map(|other| other.name.clone())
            .collect()
    }

    /// A file with another identity than the one it had would be a second integration.
    fn is_replacement(&self, integration: &Integration) -> bool {
        integration.platform.pairs_with_certainty()
            && self
                .ledger
                .record(integration)
                .is_some_and(|record| record.memory.identity != integration.pairing_key())
    }

    fn known(&self, integration: &Integration, found: &'l LiveIntegration) -> Pairing<'l> {
        match integration.platform.pairing_attribute() {
            Some(_) if self.is_replacement(integration) && self.is_described(found) => {
                self.by_identity(integration)
            }
            Some(attribute) if self.is_replacement(integration) => {
                Pairing::Blocked(Block::Replacement {
                    name: integration.name.clone(),
                    id: found.id.clone(),
                    attribute,
                })
            }
            Some(_) | None => Pairing::Certain(found),
        }
    }

    /// An integration of this platform whose identity cannot be read might be this one.
    fn new_unless_unidentified(&self, integration: &Integration) -> Pairing<'l> {
        let unidentified = self
            .free
            .get(&(integration.platform.wire, None))
            .and_then(|l| l.first());
        match unidentified {
            None => match self
                .certain
                .get(&key(integration))
                .map_or(&[][..], Vec::as_slice)
            {
                [] => Pairing::New,
                // Another file claims it: it exists all the same.
                claimed => ambiguous(claimed),
            },
            Some(found) => {
                let attribute = integration
                    .platform
                    .pairing_attribute()
                    .unwrap_or("identity");
                let reason = format!(
                    "the list shows no `{attribute}` for integration {}",
                    found.id
                );
                Pairing::Blocked(Block::UnknownScope { reason })
            }
        }
    }

    /// No hint fits: what no other file's hint fits either could still be the one.
    fn by_elimination(&self, integration: &Integration) -> Pairing<'l> {
        let platform = integration.platform;
        let unexplained: Vec<&LiveIntegration> = self
            .free_of_platform
            .get(platform.wire)
            .into_iter()
            .flatten()
            .copied()
            .filter(|found| {
                !self
                    .files
                    .contains_key(&(platform.wire, found_key(platform, found)))
            })
            .collect();
        match unexplained.as_slice() {
            [] => Pairing::New,
            [one] if self.unpaired_files(platform) == 1 => Pairing::Likely(one),
            several => ambiguous(several),
        }
    }

    /// Files of this platform whose key no free live integration has.
    fn unpaired_files(&self, platform: &'static Platform) -> usize {
        self.files
            .iter()
            .filter(|(key, _)| key.0 == platform.wire && !self.free.contains_key(*key))
            .map(|(_, files)| files.len())
            .sum()
    }
}

/// What `sync.id` names, if it can be meant.
fn pinned<'l>(
    integration: &Integration,
    pin: &RemoteId,
    by_id: &HashMap<&'l RemoteId, &'l LiveIntegration>,
    live: &Live,
) -> Result<&'l LiveIntegration, Block> {
    let id = pin.clone();
    let Some(found) = by_id.get(pin) else {
        return Err(match live.hole(integration.platform) {
            Some(hole) => Block::UnknownScope {
                reason: hole.reason.clone(),
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

fn key(integration: &Integration) -> Key {
    (integration.platform.wire, integration.pairing_key())
}

fn ambiguous<'l>(several: &[&LiveIntegration]) -> Pairing<'l> {
    let mut ids: Vec<RemoteId> = several.iter().map(|l| l.id.clone()).collect();
    ids.sort();
    Pairing::Blocked(Block::AmbiguousLive { ids })
}

/// Pairs every file, and gathers what no file could mean.
pub(super) fn pair<'l>(
    integrations: &[Integration],
    live: &'l Live,
    ledger: &Ledger,
) -> Paired<'l> {
    let index = Index::new(integrations, live, ledger);
    let pairings: Vec<Pairing<'l>> = integrations.iter().map(|i| index.pairing(i)).collect();
    let mut meant: HashSet<&RemoteId> = integrations
        .iter()
        .filter_map(|i| i.options.id.as_ref())
        .chain(
            integrations
                .iter()
                .filter_map(|i| Some(&index.recorded(i)?.id)),
        )
        .collect();
    for pairing in &pairings {
        match pairing {
            Pairing::Certain(found) | Pairing::Likely(found) => {
                meant.insert(&found.id);
            }
            Pairing::Blocked(Block::AmbiguousLive { ids }) => meant.extend(ids),
            Pairing::New | Pairing::Blocked(_) => {}
        }
    }
    let mut unmanaged: Vec<Unmanaged> = live
        .integrations
        .iter()
        .filter(|l| l.status.phase() != Phase::Absent && !meant.contains(&l.id))
        .filter(|l| !is_meant_by_ambiguous_files(&index, l))
        .map(leftover)
        .collect();
    unmanaged.sort_by(|a, b| a.id.cmp(&b.id));
    Paired {
        pairings,
        unmanaged,
    }
}

/// Whether files that nothing tells apart could mean it.
fn is_meant_by_ambiguous_files(index: &Index<'_, '_>, live: &LiveIntegration) -> bool {
    live.platform.is_some_and(|platform| {
        index
            .files
            .contains_key(&(platform.wire, found_key(platform, live)))
    })
}

fn leftover(live: &LiveIntegration) -> Unmanaged {
    Unmanaged {
        id: live.id.clone(),
        type_name: live.type_name.clone(),
        identity: live
            .platform
            .and_then(|p| pairing_value(p, live))
            .map(str::to_owned),
        status: live.status.clone(),
        recorded: None,
    }
}
