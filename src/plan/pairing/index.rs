//! Live integrations and files, each by what pairs them.

use std::collections::{HashMap, HashSet};

use super::{Link, PairingKey, found_identity, found_key, key, present};
use crate::ledger::{Ledger, Record, taken_name};
use crate::live::{Live, LiveIntegration, RemoteId};
use crate::manifest::Integration;

/// Live integrations and files, each by what pairs them.
pub(super) struct PairingIndex<'a, 'l> {
    pub(super) live: &'l Live,
    pub(super) ledger: &'a Ledger,
    pub(super) by_id: HashMap<&'l RemoteId, &'l LiveIntegration>,
    /// Those with an identity or a hint, by it.
    pub(super) identified: HashMap<PairingKey, Vec<&'l LiveIntegration>>,
    /// Files, by theirs.
    pub(super) described: HashMap<PairingKey, Vec<&'a Integration>>,
    /// The ids that files claim by `sync.id`, and rightly.
    pub(super) pins: HashSet<&'l RemoteId>,
    /// The files that are certain of an integration.
    pub(super) certain: HashMap<&'l RemoteId, Vec<&'a Integration>>,
    /// Those of which no file is certain.
    pub(super) free: HashMap<PairingKey, Vec<&'l LiveIntegration>>,
    pub(super) free_of_platform: HashMap<&'static str, Vec<&'l LiveIntegration>>,
    /// Files that are certain of none.
    pub(super) seeking: HashMap<PairingKey, Vec<&'a Integration>>,
    /// Files that are certain of one and may not have it: what was made from them
    /// would be left behind.
    pub(super) moved: HashSet<&'a str>,
    /// Integrations created from each file, by its name.
    pub(super) links: HashMap<&'a str, Vec<Link<'l>>>,
    /// The names of records.
    pub(super) recorded: HashMap<&'a RemoteId, &'a str>,
    /// Files by their name.
    pub(super) files: HashMap<&'a str, &'a Integration>,
    /// Records whose name was taken, by that name.
    pub(super) parked: HashMap<&'a str, Vec<&'a Record>>,
}

impl<'a, 'l> PairingIndex<'a, 'l> {
    pub(super) fn new(integrations: &'a [Integration], live: &'l Live, ledger: &'a Ledger) -> Self {
        let mut index = Self {
            live,
            ledger,
            by_id: present(live).map(|l| (&l.id, l)).collect(),
            identified: HashMap::new(),
            described: HashMap::new(),
            pins: HashSet::new(),
            certain: HashMap::new(),
            free: HashMap::new(),
            free_of_platform: HashMap::new(),
            seeking: HashMap::new(),
            moved: HashSet::new(),
            parked: HashMap::new(),
            links: HashMap::new(),
            recorded: HashMap::new(),
            files: integrations.iter().map(|i| (i.name.as_str(), i)).collect(),
        };
        for found in present(live) {
            if let Some(key) = found_identity(found) {
                index.identified.entry(key).or_default().push(found);
            }
        }
        for (name, record) in &ledger.records {
            index.recorded.insert(&record.id, name);
            if let Some(taken) = taken_name(name) {
                index.parked.entry(taken).or_default().push(record);
            }
        }
        for integration in integrations {
            let described = index.described.entry(key(integration)).or_default();
            described.push(integration);
        }
        // A pin that is wrong claims nothing: the file that does describe the
        // integration must find it, or it would be created a second time.
        let pinned = integrations.iter().filter_map(|i| index.pinned(i)?.ok());
        index.pins = pinned.map(|found| &found.id).collect();
        let links = integrations
            .iter()
            .map(|i| (i.name.as_str(), index.find_links(i)));
        index.links = links.collect();
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
        index.gather_moved(integrations);
        index
    }

    /// A file that may not have what it is certain of does not hold it either, so
    /// that a chain of files is stopped as a whole, and a circle of them is none.
    fn gather_moved(&mut self, integrations: &'a [Integration]) {
        let moving: Vec<&Integration> = integrations
            .iter()
            .filter(|i| i.options.id.is_none())
            .filter(|i| !self.is_known(i) && !self.certainly(i).is_empty())
            .collect();
        let unknown = moving.iter().filter(|i| self.unknown(i).is_some());
        self.moved = unknown.map(|i| i.name.as_str()).collect();
        loop {
            let before = self.moved.len();
            for integration in &moving {
                if self.left(integration).is_some() {
                    self.moved.insert(&integration.name);
                }
            }
            if self.moved.len() == before {
                return;
            }
        }
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
}
