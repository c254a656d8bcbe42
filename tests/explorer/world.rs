//! The files and the tenant of a scenario, and what people do to both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use integrationd::ledger::{IntendedWrite, Intent, Ledger};
use integrationd::platform::{CredentialTarget, by_wire};
use integrationd::simulator::{ConnectionsApi, Seed, SimulatedDrift, SimulatedStatus, Simulator};
use serde_json::{Value, json};

use super::bound;
use super::connected::{self, Told};
use super::document::{Document, Key, key_of, mark_of};
use super::fate::Write;
use super::recovery::is_default;
use super::run::Ran;
use super::scenario::{Change, Deed, Doing, Edit, Leading, Save, Scenario, Standing, Torn};
use super::time;
use crate::payload::value;
use crate::texts::Texts;

/// Number of times that a run reads the directory: to plan, before the plan is shown, and
/// before the first write.
pub(super) const READS: usize = 3;

/// An attribute that no table knows.
const UNKNOWN: &str = "newAttribute";

/// A value that someone set in an attribute that no file mentions.
#[derive(Debug, Clone)]
pub(super) struct Theirs {
    pub(super) id: u64,
    pub(super) path: String,
    pub(super) value: Value,
}

/// Actions of people on an integration, done or attempted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Done {
    Nothing,
    /// This integration is not as it was.
    Changed(u64, BTreeSet<String>),
    /// There is one more of these.
    Created(Key),
}

/// The files and the tenant.
pub(super) struct World {
    pub(super) simulator: Simulator,
    /// True if secrets may go to one domain only.
    pub(super) bound: bool,
    pub(super) documents: Vec<Document>,
    /// Files that are gone, whose secrets can still be had.
    pub(super) retired: Vec<Document>,
    /// Key of every integration, past or present, in the model.
    pub(super) marks: BTreeMap<u64, Key>,
    /// Names that files had once.
    used_names: BTreeSet<String>,
    next_uid: usize,
    salt: usize,
    /// Every identity that a file of this name ever had.
    pub(super) keys_of_name: BTreeMap<String, BTreeSet<Key>>,
    /// Every file that ever asked for what the model counts.
    pub(super) askers: BTreeMap<Key, BTreeSet<usize>>,
    /// Number of times that someone removed an integration of the model.
    pub(super) removed: BTreeMap<Key, usize>,
    /// Integrations of others.
    pub(super) foreign: BTreeSet<u64>,
    /// Of what a write was held up on its way: it may have arrived after a later one, or
    /// after its file was edited.
    pub(super) overtaken: BTreeSet<Key>,
    /// Number of times that the server did not keep a value: the tool gives up at the
    /// second.
    pub(super) rewritten: BTreeMap<Key, usize>,
    /// Number of times that someone changed a value of a file on the server.
    pub(super) disturbed: BTreeMap<u64, usize>,
    /// Integrations recorded as contested, each with its file at that time.
    feuds: BTreeMap<u64, String>,
    /// The same, before the last run.
    pub(super) feuds_before: BTreeMap<u64, String>,
    /// Integrations that someone removed.
    pub(super) taken: BTreeSet<u64>,
    pub(super) foreign_keys: BTreeSet<Key>,
    pub(super) theirs: Vec<Theirs>,
    /// Time at which the last delayed write takes effect.
    late: Duration,
    /// Creates of the tool with an unknown outcome after its last run.
    open: BTreeSet<Key>,
    /// Integrations that someone else created then, indistinguishable from the tool's own.
    pub(super) contested: BTreeSet<Key>,
    /// Creates in progress while a list was incomplete. The tool has no id of a create before its
    /// end, so it believes such a list.
    pub(super) misled: BTreeSet<Key>,
    /// Integrations without a file, in order of creation.
    pub(super) strangers: Vec<u64>,
    /// True if the tool has seen connections, and not since that there are none left.
    pub(super) had_connections: bool,
    /// Integrations that the tool has seen behind a connection: it no longer deletes them.
    pub(super) disowned: BTreeSet<u64>,
    /// True if the connections API was ever there.
    was_connected: bool,
}

impl World {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let mut world = Self {
            simulator: Simulator::new(scenario.tenant.clone()),
            bound: scenario.bound,
            documents: Vec::new(),
            retired: Vec::new(),
            marks: BTreeMap::new(),
            used_names: BTreeSet::new(),
            next_uid: 1000,
            salt: 0,
            keys_of_name: BTreeMap::new(),
            askers: BTreeMap::new(),
            removed: BTreeMap::new(),
            foreign: BTreeSet::new(),
            overtaken: BTreeSet::new(),
            rewritten: BTreeMap::new(),
            disturbed: BTreeMap::new(),
            feuds: BTreeMap::new(),
            feuds_before: BTreeMap::new(),
            taken: BTreeSet::new(),
            foreign_keys: BTreeSet::new(),
            theirs: Vec::new(),
            late: Duration::ZERO,
            open: BTreeSet::new(),
            contested: BTreeSet::new(),
            misled: BTreeSet::new(),
            strangers: Vec::new(),
            had_connections: false,
            disowned: BTreeSet::new(),
            was_connected: is_there(scenario.tenant.connections),
        };
        for _ in 0..scenario.strangers {
            world.stranger();
        }
        for (document, standing) in &scenario.files {
            world.moves_in(document, *standing);
            world.documents.push(document.clone());
        }
        world.take_note();
        world
    }

    fn moves_in(&mut self, document: &Document, standing: Standing) {
        let mut live = document.clone();
        let status = match standing {
            Standing::Absent => return,
            Standing::InSync => SimulatedStatus::Enabled,
            Standing::CreateError => SimulatedStatus::CreateError,
            Standing::Drifted => {
                for (path, attribute) in live.editable() {
                    if live.says(&path) && path.len().is_multiple_of(3) {
                        live.say(&path, value(attribute, 6));
                    }
                }
                SimulatedStatus::Enabled
            }
        };
        self.settle(&live, status);
    }

    /// Creates a described integration, as another client would: if the server rejects a second
    /// one, there is none.
    fn settle(&mut self, document: &Document, status: SimulatedStatus) -> Done {
        let key = document.key();
        if document.is_strong() && !self.live_of(&key).is_empty() {
            return Done::Nothing;
        }
        let mut theirs = document.clone();
        self.salt += 1;
        theirs.rotate_all(&format!("theirs-{}", self.salt));
        let config = theirs.payload.get("config").cloned();
        let mut seed = Seed::new(document.platform().wire, document.case.auto, config);
        seed.settles = status == SimulatedStatus::Creating;
        let id = self.simulator.seed(seed.status(status));
        self.foreign.insert(id);
        self.foreign_keys.insert(key.clone());
        if self.open.contains(&key) {
            self.contested.insert(key.clone());
        }
        Done::Created(key)
    }

    fn stranger(&mut self) -> Done {
        let number = self.strangers.len();
        let config = json!({ "host": "later.example.com", "nested": { "n": number } });
        let seed = Seed::new("Later Lake", Some(true), Some(config));
        self.strangers.push(self.simulator.seed(seed));
        Done::Nothing
    }

    /// The files as each read of a run finds them, one after the other.
    pub(super) fn states(&self, saves: &[Save]) -> Texts {
        let later = (1..READS).map(|read| self.state(saves, read));
        later.fold(self.state(saves, 0), |texts, later| texts.then(&later))
    }

    /// State in which a save leaves a file for a read; the first save counts if there are
    /// several.
    pub(super) fn torn(&self, saves: &[Save], document: &Document, read: usize) -> Option<Torn> {
        let count = self.documents.len();
        let is_of_it = |save: &&Save| self.documents[save.file % count].uid == document.uid;
        let save = saves.iter().find(is_of_it)?;
        save.until
            .is_none_or(|until| read < until)
            .then_some(save.torn)
    }

    /// The files as one read finds them.
    fn state(&self, saves: &[Save], read: usize) -> Texts {
        let files = self.documents.iter();
        let texts = files.fold(Texts::none(), |texts, document| {
            match self.torn(saves, document, read) {
                Some(torn) => document.torn(texts, torn),
                None => document.written(texts),
            }
        });
        let retired = self.retired.iter();
        let texts = retired.fold(texts, |texts, document| document.remembered(texts));
        let bindings = bound::bindings();
        let bindings: Vec<&str> = bindings.iter().map(String::as_str).collect();
        texts.bound(if self.bound { &bindings } else { &[] })
    }

    /// The secrets that references stand for and that no file holds itself.
    pub(super) fn bound_secrets(&self) -> BTreeSet<String> {
        if !self.bound {
            return BTreeSet::new();
        }
        let all = || self.documents.iter().chain(&self.retired);
        let literal = all().filter(|document| document.literal);
        let literal: BTreeSet<String> = literal.flat_map(Document::secrets).collect();
        let referred = all().filter(|document| !document.literal);
        let mut referred: BTreeSet<String> = referred.flat_map(Document::secrets).collect();
        referred.retain(|secret| !literal.contains(secret));
        referred
    }

    /// True if an integration of this type on the server may lead out of the domain.
    pub(super) fn leads_elsewhere(&self, type_name: &str) -> bool {
        let astray = |one: &Value| {
            let platform = by_wire(one["type"].as_str()?)?;
            bound::astray(platform, &one["config"])
        };
        let is_volatile = self.simulator.options().volatile;
        let live = self.live();
        let mut live = live.iter().filter(|(_, one)| one["type"] == type_name);
        self.bound && (is_volatile || live.any(|(_, one)| astray(one).is_some()))
    }

    /// Records the state of the files, after every change of them.
    fn take_note(&mut self) {
        for document in &self.documents {
            self.used_names.insert(document.name.clone());
            for name in document.names() {
                let keys = self.keys_of_name.entry(name.clone()).or_default();
                keys.insert(document.key());
            }
            let askers = self.askers.entry(document.mark()).or_default();
            askers.insert(document.uid);
        }
    }

    /// Integrations that are there and that pair with this key, by id.
    pub(super) fn live_of(&self, key: &Key) -> Vec<(u64, Value)> {
        let mut live = self.live();
        live.retain(|(_, one)| live_key(one).as_ref() == Some(key));
        live
    }

    pub(super) fn has_live(&self, key: &Key) -> bool {
        !self.live_of(key).is_empty()
    }

    /// Integrations that are there.
    pub(super) fn live(&self) -> Vec<(u64, Value)> {
        let all = self.simulator.state().into_iter();
        all.filter(|one| one["status"] != "deleted")
            .map(|one| (one["id"].as_str().unwrap().parse().unwrap(), one))
            .collect()
    }

    /// Edits a file; `false` if that makes no sense now.
    pub(super) fn edit(&mut self, edit: &Edit) -> bool {
        let done = self.edited(edit);
        self.take_note();
        done
    }

    fn edited(&mut self, edit: &Edit) -> bool {
        if let Change::Add(document) = &edit.change {
            let mut document = (**document).clone();
            // A step that was left out must not change which file is which.
            document.says_its_name = document.uid.is_multiple_of(3);
            self.documents.push(document);
            return true;
        }
        let count = self.documents.len();
        if count == 0 {
            return false;
        }
        let at = edit.file % count;
        match edit.change {
            Change::Remove => {
                let retired = self.documents.remove(at);
                self.retired.push(retired);
                true
            }
            Change::Copy => {
                let mut copy = self.documents[at].clone();
                copy.uid = self.next_uid;
                self.next_uid += 1;
                copy.name = format!("file-{}", copy.uid);
                (copy.previously, copy.id) = (Vec::new(), None);
                self.documents.push(copy);
                true
            }
            Change::Rename { says, used } => self.renamed(at, says, used),
            Change::Swap { other } => self.swapped(at, other % count),
            Change::Overwrite { other, says } => self.overwrites(at, other % count, says),
            Change::Pin { pick, own } => self.pinned(at, pick, own),
            _ => {
                self.salt += 1;
                changed(&mut self.documents[at], &edit.change, self.salt)
            }
        }
    }

    fn renamed(&mut self, at: usize, says: bool, used: bool) -> bool {
        let in_use: BTreeSet<&String> = self.documents.iter().map(|d| &d.name).collect();
        let free = self.used_names.iter().find(|name| !in_use.contains(name));
        let fresh = format!("other-{}", self.used_names.len());
        let name = free.filter(|_| used).unwrap_or(&fresh).clone();
        self.documents[at].takes_name(name, says);
        true
    }

    fn swapped(&mut self, at: usize, other: usize) -> bool {
        if at == other {
            return false;
        }
        let [own, theirs] = [at, other].map(|at| self.documents[at].name.clone());
        self.documents[at].takes_name(theirs, false);
        self.documents[other].takes_name(own, false);
        true
    }

    fn overwrites(&mut self, at: usize, other: usize, says: bool) -> bool {
        if at == other {
            return false;
        }
        let name = self.documents[other].name.clone();
        self.documents[at].takes_name(name, says);
        let retired = self.documents.remove(other);
        self.retired.push(retired);
        true
    }

    fn pinned(&mut self, at: usize, pick: usize, own: bool) -> bool {
        let mut choices = self.live();
        if own {
            let mark = self.documents[at].mark();
            choices.retain(|(_, one)| live_mark(one).as_ref() == Some(&mark));
        }
        if choices.is_empty() {
            return false;
        }
        self.documents[at].id = Some(choices[pick % choices.len()].0);
        true
    }

    /// Does something on the server.
    pub(super) fn deed(&mut self, deed: &Deed) -> Done {
        if let Doing::Api(api) = deed.what {
            self.was_connected |= is_there(api);
        }
        if connected::done(&self.simulator, deed.which, &deed.what) {
            return Done::Nothing;
        }
        let count = self.documents.len();
        if matches!(deed.what, Doing::Stranger) {
            return self.stranger();
        }
        if count == 0 {
            return Done::Nothing;
        }
        let document = self.documents[deed.which % count].clone();
        if let Doing::Create(status) = &deed.what {
            return self.settle(&document, status.clone());
        }
        let mark = document.mark();
        let mut live = self.live();
        // The server refuses to change what it is at work on.
        live.retain(|(_, one)| live_mark(one).as_ref() == Some(&mark) && is_settled(one));
        let Some((id, _)) = live.get(deed.which / count % live.len().max(1)) else {
            return Done::Nothing;
        };
        self.done(*id, &document, &deed.what)
    }

    fn done(&mut self, id: u64, document: &Document, what: &Doing) -> Done {
        let drift = match what {
            Doing::Create(_)
            | Doing::Stranger
            | Doing::Connect(_)
            | Doing::Disconnect
            | Doing::Api(_) => return Done::Nothing,
            Doing::Remove => {
                *self.removed.entry(document.mark()).or_default() += 1;
                self.theirs.retain(|own| own.id != id);
                self.taken.insert(id);
                SimulatedDrift::remove(id)
            }
            Doing::Status(status) => SimulatedDrift::status(id, status.clone()),
            Doing::Unknown { value } => {
                if document.is_bare() || self.is_late() {
                    return Done::Nothing;
                }
                self.sets(id, UNKNOWN, json!(format!("n-{value}")))
            }
            Doing::Change {
                pick,
                value: number,
            } => {
                let editable = document.editable();
                if editable.is_empty() || self.is_late() {
                    return Done::Nothing;
                }
                let (path, attribute) = &editable[pick % editable.len()];
                let new = value(attribute, *number);
                self.moves(id, document, path, new)
            }
            Doing::Lead { pick, good } => {
                let leading = document.leading();
                if leading.is_empty() || self.is_late() {
                    return Done::Nothing;
                }
                let (path, attribute) = &leading[pick % leading.len()];
                let new = bound::value(attribute, *good, "by-hand");
                self.moves(id, document, path, new)
            }
        };
        let is_disabled = matches!(what, Doing::Status(SimulatedStatus::Disabled));
        let is_removed = matches!(what, Doing::Remove);
        let before = self.compared(id, document);
        self.simulator.drift(drift).unwrap();
        let after = self.compared(id, document);
        if is_disabled || is_removed || before != after {
            *self.disturbed.entry(id).or_default() += 1;
        }
        if is_disabled || is_removed {
            // Whatever a write depends on.
            return Done::Changed(id, BTreeSet::from([String::new()]));
        }
        // Neither a health problem nor what no plan uses stands in the way of a write: of
        // what the file does not say a plan uses the destinations that it shows.
        let paths = before.keys().chain(after.keys());
        let mut paths: BTreeSet<String> = paths.cloned().collect();
        let says = |path: &String| document.says(path) && !document.ignored.contains(path);
        paths.retain(|path| before.get(path) != after.get(path));
        paths.retain(|path| says(path) || (before.contains_key(path) && leads(document, path)));
        if paths.is_empty() {
            Done::Nothing
        } else {
            Done::Changed(id, paths)
        }
    }

    /// Attributes of an integration that a plan for this file compares: those that the
    /// table lists and the file does not ignore. A default counts as absent.
    fn compared(&self, id: u64, document: &Document) -> BTreeMap<String, Value> {
        let Some(config) = self.config_of(id) else {
            return BTreeMap::new();
        };
        let editable = document.editable().into_iter();
        let compared = editable.filter_map(|(path, attribute)| {
            let value = config.pointer(&format!("/{path}"))?.clone();
            let is_ignored =
                document.ignored.contains(&path) && attribute.target == CredentialTarget::Nowhere;
            (!is_ignored && !is_default(attribute, &value)).then_some((path, value))
        });
        compared.collect()
    }

    /// A run is over, in which a list may have lacked something.
    pub(super) fn after(&mut self, ledger: &Ledger, ran: &Ran) {
        self.late = self.late.max(ran.late);
        self.overtaken.extend(ran.overtaken.iter().cloned());
        // What was deleted and created again for it is not tried a second time.
        let is_replaced = ran
            .sent
            .iter()
            .any(|write| matches!(write, Write::Delete(_)));
        for key in &ran.rewritten {
            let times = self.rewritten.entry(key.clone()).or_default();
            *times += if is_replaced { 2 } else { 1 };
        }
        self.learns(ledger, ran);
        self.feuds_before = self.feuds.clone();
        let contested: Vec<(u64, String)> = contested(ledger)
            .filter_map(|(name, id)| Some((id, format!("{:?}", self.file_named(name)?))))
            .collect();
        self.feuds
            .retain(|id, _| contested.iter().any(|(own, _)| own == id));
        for (id, file) in contested {
            self.feuds.entry(id).or_insert(file);
        }
        for (id, one) in self.live() {
            self.marks.extend(live_mark(&one).map(|mark| (id, mark)));
        }
        let before = std::mem::replace(&mut self.open, open_creates(ledger));
        if ran.lists_shrank {
            self.misled.extend(before);
            let sent = ran.sent.iter().filter_map(|write| match write {
                Write::Create(key) => Some(key),
                Write::Update(..) | Write::Delete(_) => None,
            });
            let tried = self.open.iter().chain(sent);
            let foreign = tried.filter(|key| self.foreign_keys.contains(*key));
            let foreign: Vec<Key> = foreign.cloned().collect();
            self.contested.extend(foreign);
        }
    }

    /// Connections that a run has seen, or the lack of any. One that died may not have
    /// written down that it saw some.
    fn learns(&mut self, ledger: &Ledger, ran: &Ran) {
        let has_ended = matches!(ran.report, Some(Ok(_))) || !ran.sent.is_empty();
        match ran.asked.search {
            Some(Told::Whole { any: true }) => self.had_connections |= has_ended,
            Some(Told::Whole { any: false }) => self.had_connections = false,
            Some(Told::Missing | Told::Denied | Told::Failed) | None => {}
        }
        if matches!(ran.report, Some(Ok(_))) {
            // A write with an unknown outcome keeps its record as it is.
            let intents = ledger.intents.values();
            let open = intents.filter_map(|intent| intent.write.id()?.as_str().parse().ok());
            let open: BTreeSet<u64> = open.collect();
            let owned = ran.asked.owned().filter(|id| !open.contains(id));
            self.disowned.extend(owned);
        }
    }

    /// The connections API answers again as it should, if there is one.
    pub(super) fn mend_connections(&self) {
        if self.was_connected && !self.hides_connections() {
            connected::answers(&self.simulator, ConnectionsApi::Works);
        }
    }

    /// True if an integration of this type may belong to a connection, and the owner is unknown.
    pub(super) fn may_be_owned(&self, type_name: &str) -> bool {
        self.hides_connections() || connected::may_own(&self.simulator, type_name)
    }

    /// The integrations that belong to a connection.
    pub(super) fn backed(&self) -> BTreeSet<u64> {
        let connections = self.simulator.connections().into_iter();
        connections.filter_map(|own| own.integration).collect()
    }

    /// True if the tool may not read the connections.
    fn hides_connections(&self) -> bool {
        self.simulator.options().connections == ConnectionsApi::Forbidden
    }

    /// The only file with this name.
    pub(super) fn file_named(&self, name: &str) -> Option<&Document> {
        let mut named = self.documents.iter().filter(|d| d.name == name);
        named.next().filter(|_| named.next().is_none())
    }

    /// Number of times that anything but the tool changed an integration.
    pub(super) fn times_disturbed(&self, id: u64) -> usize {
        let by_people = self.disturbed.get(&id).copied().unwrap_or_default();
        let live = self.live();
        let live = live.iter().find(|(own, _)| *own == id);
        let key = live.and_then(|(_, one)| live_key(one));
        let of_server = key.as_ref().map_or(0, |key| {
            let rewritten = self.rewritten.get(key).copied().unwrap_or_default();
            rewritten + usize::from(self.overtaken.contains(key))
        });
        by_people + of_server
    }

    fn config_of(&self, id: u64) -> Option<Value> {
        let live = self.live().into_iter().find(|(own, _)| *own == id);
        live.map(|(_, one)| one["config"].clone())
    }

    /// True if a write is still on its way, which would overwrite any change before it arrives: the
    /// tool cannot prevent that.
    fn is_late(&self) -> bool {
        time::elapsed() <= self.late
    }

    /// Sets an attribute, which belongs to someone else if the file never mentioned it.
    fn moves(&mut self, id: u64, document: &Document, path: &str, new: Value) -> SimulatedDrift {
        if document.says(path) || document.unsaid.contains_key(path) {
            SimulatedDrift::value(id, &format!("/{path}"), new)
        } else {
            self.sets(id, path, new)
        }
    }

    fn sets(&mut self, id: u64, path: &str, value: Value) -> SimulatedDrift {
        self.theirs.retain(|own| own.id != id || own.path != path);
        self.theirs.push(Theirs {
            id,
            path: path.to_owned(),
            value: value.clone(),
        });
        SimulatedDrift::value(id, &format!("/{path}"), value)
    }
}

fn is_there(api: ConnectionsApi) -> bool {
    match api {
        ConnectionsApi::Works | ConnectionsApi::WithoutBody | ConnectionsApi::Paged => true,
        ConnectionsApi::Missing | ConnectionsApi::Html | ConnectionsApi::Forbidden => false,
    }
}

fn open_creates(ledger: &Ledger) -> BTreeSet<Key> {
    let creates = ledger.intents.values();
    let creates = creates.filter(|i| matches!(i.write, IntendedWrite::Create { .. }));
    let key = |i: &Intent| Some((by_wire(&i.type_name)?.wire, i.state.identity.clone()?));
    creates.filter_map(key).collect()
}

/// Integrations recorded as contested: names and ids.
pub(super) fn contested(ledger: &Ledger) -> impl Iterator<Item = (&str, u64)> {
    ledger.records.iter().filter_map(|(name, record)| {
        record.state.repairs.contested?;
        Some((name.as_str(), record.id.as_str().parse().ok()?))
    })
}

fn leads(document: &Document, path: &str) -> bool {
    let attribute = document.platform().attribute(path);
    attribute.is_some_and(|it| it.target != CredentialTarget::Nowhere)
}

fn is_settled(one: &Value) -> bool {
    let busy = ["creating", "editing", "migrating", "deleting"];
    !busy.iter().any(|word| one["status"] == *word)
}

/// The key of a live integration.
pub(super) fn live_key(one: &Value) -> Option<Key> {
    Some(key_of(by_wire(one["type"].as_str()?)?, one))
}

/// Key of it in the model.
pub(super) fn live_mark(one: &Value) -> Option<Key> {
    Some(mark_of(by_wire(one["type"].as_str()?)?, one))
}

/// Edits one file.
fn changed(document: &mut Document, change: &Change, salt: usize) -> bool {
    let editable = document.editable();
    let chosen = |pick: usize| editable.get(pick % editable.len().max(1));
    match change {
        Change::Say {
            pick,
            value: number,
        } => {
            let Some((path, attribute)) = chosen(*pick) else {
                return false;
            };
            document.say(path, value(attribute, *number));
        }
        Change::Unsay { pick } => {
            let Some((path, attribute)) = chosen(*pick) else {
                return false;
            };
            return document.unsay(path, attribute);
        }
        Change::Rotate { pick } => document.rotate_one(&format!("r{salt}"), *pick),
        Change::Literal => document.literal = !document.literal,
        Change::LackSecret => document.lacks_secret = !document.lacks_secret,
        Change::Identity { number } => document.becomes(*number),
        Change::Spoil(flaw) => document.flaw = Some(*flaw),
        Change::Mend => document.flaw = None,
        Change::Suspend => document.suspended = true,
        Change::Resume => document.suspended = false,
        Change::Protect => document.protected = !document.protected,
        Change::Ignore { pick } => {
            let Some((path, _)) = chosen(*pick) else {
                return false;
            };
            if !document.ignored.remove(path) {
                document.ignored.insert(path.clone());
            }
        }
        Change::Lead { pick, edit } => {
            let leading = document.leading();
            let Some((path, attribute)) = leading.get(pick % leading.len().max(1)) else {
                return false;
            };
            match edit {
                Leading::Say { good } => document.say(path, bound::value(attribute, *good, "file")),
                Leading::Unsay => return document.unsay(path, attribute),
                Leading::Ignore => return document.ignored.insert(path.clone()),
            }
        }
        Change::Literally(yes) => document.literal = *yes,
        Change::Extra(yes) => document.extra = *yes,
        Change::Unpin => document.id = None,
        Change::Remove
        | Change::Copy
        | Change::Add(_)
        | Change::Rename { .. }
        | Change::Swap { .. }
        | Change::Overwrite { .. }
        | Change::Pin { .. } => return false,
    }
    true
}
