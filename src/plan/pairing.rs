//! Which live integration a file means, and which files could mean a live integration.
//!
//! What is certain comes first: `sync.id`, the ledger's id, and the identity. Two
//! files that are certain of one integration, and a file that is certain of two,
//! are a [`Block`] that names them. A platform without an identity is then paired
//! by a hint or by being the only one, which is enough to compare and to prevent a
//! second create, never to update.
//!
//! A file that has become another than what was made from it gives that up to
//! whichever file describes it now; only if there is none it may replace it. What
//! is deleted, alone or for a replacement, must be claimed by no other file, and
//! [`Paired::claims`] is the one place that tells: it errs towards a claim.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Block, Unmanaged};
use crate::ledger::Ledger;
use crate::live::{Live, LiveIntegration, Phase, RemoteId};
use crate::manifest::{Integration, Name};
use crate::platform::Platform;
use crate::text::escaped;

/// The key beside `config` that says which platform it is.
pub(super) const TYPE: &str = "type";

/// What a file was found to mean.
#[derive(Clone)]
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
        /// What tells the two apart.
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

/// Every file that means a live integration, or could mean it, by its id.
#[derive(Default)]
pub(super) struct Claims<'a>(HashMap<RemoteId, BTreeSet<&'a str>>);

impl<'a> Claims<'a> {
    fn add(&mut self, id: &RemoteId, integration: &'a Integration) {
        self.0
            .entry(id.clone())
            .or_default()
            .insert(&integration.name);
    }

    /// Whether there is any.
    pub(super) fn is_claimed(&self, id: &RemoteId) -> bool {
        self.0.contains_key(id)
    }

    /// The files other than this one.
    pub(super) fn others(&self, id: &RemoteId, name: &str) -> Vec<Name> {
        let claims = self.0.get(id).into_iter().flatten();
        claims
            .filter(|other| **other != name)
            .map(|other| (*other).to_owned())
            .collect()
    }
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

/// What is there: live integrations that are not gone.
pub(super) fn present(live: &Live) -> impl Iterator<Item = &LiveIntegration> {
    let integrations = live.integrations.iter();
    integrations.filter(|l| l.status.phase() != Phase::Absent)
}

/// The live integration that was made from a file, and how the file has become
/// another since, if it has.
struct Link<'l> {
    found: &'l LiveIntegration,
    moved: Option<&'static str>,
}

/// Live integrations and files, each by what pairs them.
struct Index<'a, 'l> {
    live: &'l Live,
    ledger: &'a Ledger,
    by_id: HashMap<&'l RemoteId, &'l LiveIntegration>,
    /// Those with an identity, by it.
    identified: HashMap<Key, Vec<&'l LiveIntegration>>,
    /// The ids that files claim by `sync.id`, and rightly.
    pins: HashSet<&'l RemoteId>,
    /// The files that are certain of an integration.
    certain: HashMap<&'l RemoteId, Vec<&'a Integration>>,
    /// Those of which no file is certain.
    free: HashMap<Key, Vec<&'l LiveIntegration>>,
    free_of_platform: HashMap<&'static str, Vec<&'l LiveIntegration>>,
    /// Files that are certain of none.
    seeking: HashMap<Key, Vec<&'a Integration>>,
}

impl<'a, 'l> Index<'a, 'l> {
    fn new(integrations: &'a [Integration], live: &'l Live, ledger: &'a Ledger) -> Self {
        let mut index = Self {
            live,
            ledger,
            by_id: present(live).map(|l| (&l.id, l)).collect(),
            identified: HashMap::new(),
            pins: HashSet::new(),
            certain: HashMap::new(),
            free: HashMap::new(),
            free_of_platform: HashMap::new(),
            seeking: HashMap::new(),
        };
        for found in present(live) {
            if let Some(key) = identity(found) {
                index.identified.entry(key).or_default().push(found);
            }
        }
        // A pin that is wrong claims nothing: the file that does describe the
        // integration must find it, or it would be created a second time.
        let pinned = integrations.iter().filter_map(|i| index.pinned(i)?.ok());
        index.pins = pinned.map(|found| &found.id).collect();
        for integration in integrations {
            let certain = index.certainly(integration);
            if certain.is_empty() && integration.options.id.is_none() {
                let seeking = index.seeking.entry(key(integration)).or_default();
                seeking.push(integration);
            }
            for found in certain {
                index
                    .certain
                    .entry(&found.id)
                    .or_default()
                    .push(integration);
            }
        }
        index.gather_free();
        index
    }

    fn gather_free(&mut self) {
        for found in present(self.live).filter(|l| !self.certain.contains_key(&l.id)) {
            let Some(platform) = found.platform else {
                continue;
            };
            let key = (platform.wire, found_key(platform, found));
            self.free.entry(key).or_default().push(found);
            let of_platform = self.free_of_platform.entry(platform.wire).or_default();
            of_platform.push(found);
        }
    }

    /// What `sync.id` names, if it can be meant.
    fn pinned(&self, integration: &Integration) -> Option<Result<&'l LiveIntegration, Block>> {
        let pin = integration.options.id.as_ref()?;
        Some(pinned(integration, pin, &self.by_id, self.live))
    }

    /// What a file is certain of.
    fn certainly(&self, integration: &Integration) -> Vec<&'l LiveIntegration> {
        if let Some(pinned) = self.pinned(integration) {
            return pinned.into_iter().collect();
        }
        let link = self.link(integration).filter(|link| link.moved.is_none());
        let mut certain: Vec<_> = link.map(|link| link.found).into_iter().collect();
        for found in self.with_identity(integration) {
            if certain.iter().all(|other| other.id != found.id) {
                certain.push(found);
            }
        }
        certain
    }

    /// What has the identity of a file, where it has one.
    fn with_identity(&self, integration: &Integration) -> &[&'l LiveIntegration] {
        let found = self.identified.get(&key(integration));
        found.map_or(&[], Vec::as_slice)
    }

    /// What was made from a file and is still there. A pin gives it to another file;
    /// an id of another type than recorded is not what was made.
    fn link(&self, integration: &Integration) -> Option<Link<'l>> {
        let record = self.ledger.record(integration)?;
        let found = *self.by_id.get(&record.id)?;
        if self.pins.contains(&record.id) || found.type_name != record.type_name {
            return None;
        }
        let platform = integration.platform;
        let key = integration.pairing_key();
        let is_other = platform.pairs_with_certainty()
            && record.memory.identity != key
            && found_key(platform, found) != key;
        let moved = if found.platform != Some(platform) {
            Some(TYPE)
        } else {
            platform.pairing_attribute().filter(|_| is_other)
        };
        Some(Link { found, moved })
    }

    fn pairing(&self, integration: &Integration) -> Pairing<'l> {
        if let Some(pinned) = self.pinned(integration) {
            return pinned.map_or_else(Pairing::Blocked, Pairing::Certain);
        }
        let others = |found: &LiveIntegration| {
            let files = self.certain.get(&found.id).into_iter().flatten();
            names_of_others(files, integration)
        };
        let link = self.link(integration);
        let left = link.and_then(|link| Some((link.found, link.moved?)));
        let left = left.filter(|(found, _)| others(found).is_empty());
        let paired = match self.certainly(integration).as_slice() {
            [] => self.by_what_is_left(integration),
            [one] => match others(one) {
                others if others.is_empty() => Pairing::Certain(one),
                others => Pairing::Blocked(Block::AmbiguousFiles { others }),
            },
            several => ambiguous(several),
        };
        let Some((found, attribute)) = left else {
            return paired;
        };
        match paired {
            Pairing::New => Pairing::Replaces { found, attribute },
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

    /// The name that a file had, or has, from which it was made.
    fn name_of(&self, found: &LiveIntegration) -> Option<Name> {
        let mut records = self.ledger.records.iter();
        let record = records.find(|(_, record)| record.id == found.id);
        record.map(|(name, _)| name.clone())
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
            "the list shows no `{attribute}` for integration {}",
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

    fn claims(&self, integrations: &'a [Integration], pairings: &[Pairing<'l>]) -> Claims<'a> {
        let mut claims = Claims::default();
        for (integration, pairing) in integrations.iter().zip(pairings) {
            let mut claim = |id: &RemoteId| claims.add(id, integration);
            if let Pairing::Certain(found) = pairing {
                claim(&found.id);
                continue;
            }
            integration.options.id.iter().for_each(&mut claim);
            let recorded = integration
                .names()
                .filter_map(|n| self.ledger.records.get(n));
            recorded.for_each(|record| claim(&record.id));
            let identified = self.with_identity(integration).iter();
            identified.for_each(|found| claim(&found.id));
            if !matches!(pairing, Pairing::New) {
                // Where nothing is certain, a file could mean any that no other has.
                let possible = self.possible(integration);
                possible.for_each(|found| claim(&found.id));
            }
        }
        claims
    }

    /// What a file of a platform without an identity could mean.
    fn possible(&self, integration: &Integration) -> impl Iterator<Item = &'l LiveIntegration> {
        let platform = integration.platform;
        let free = self.free_of_platform.get(platform.wire);
        free.filter(|_| !platform.pairs_with_certainty())
            .into_iter()
            .flatten()
            .copied()
    }
}

/// What a live integration is found by, where that is certain.
fn identity(found: &LiveIntegration) -> Option<Key> {
    let platform = found.platform.filter(|p| p.pairs_with_certainty())?;
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
pub(super) fn pair<'a, 'l>(
    integrations: &'a [Integration],
    live: &'l Live,
    ledger: &'a Ledger,
) -> Paired<'a, 'l> {
    let index = Index::new(integrations, live, ledger);
    let pairings: Vec<Pairing<'l>> = integrations.iter().map(|i| index.pairing(i)).collect();
    let claims = index.claims(integrations, &pairings);
    let left = present(live).filter(|l| !claims.is_claimed(&l.id));
    let mut unmanaged: Vec<Unmanaged> = left.map(leftover).collect();
    unmanaged.sort_by(|a, b| a.id.cmp(&b.id));
    Paired {
        pairings,
        claims,
        unmanaged,
    }
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
