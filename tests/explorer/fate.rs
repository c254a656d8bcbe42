//! Fate of one run: its troubles, its death, and its observations.
//!
//! The wire and the journal ask here before and after every operation. Once the process is
//! dead, nothing of it has an effect: requests wait for ever, the journal writes nothing, and
//! the future of the run is dropped.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use integrationd::ledger::{IntendedWrite, Intent};
use integrationd::platform::by_wire;
use integrationd::simulator::{FaultKind, Simulator};
use serde_json::Value;
use tokio::sync::{Notify, watch};

use super::bound;
use super::connected::{self, Asked};
use super::document::{Key, key_of};
use super::scenario::{End, Entry, Moment, Sync, Trouble, Which};
use super::time;

/// A write that was sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Write {
    Create(Key),
    Update(u64, Key),
    Delete(u64),
}

/// A request on its way, and what is to become of the process at it.
pub(super) struct Passage {
    pub(super) troubles: Vec<FaultKind>,
    pub(super) dies_at_it: bool,
    dies_after_it: bool,
    write: Option<Write>,
}

/// Everything about one run.
pub(super) struct Fate {
    seen: Mutex<Seen>,
    died: Notify,
}

struct Seen {
    end: End,
    troubles: Vec<Trouble>,
    stop: watch::Sender<bool>,
    dead: bool,
    requests: [usize; 9],
    journal: [usize; 5],
    begun: Vec<Intent>,
    sent: Vec<Write>,
    /// Creates of which the tool cannot know whether they took effect.
    uncertain: Vec<Key>,
    lists_lied: bool,
    lists_shrank: bool,
    late: Duration,
    rewritten: Vec<Key>,
    overtaken: BTreeSet<Key>,
    /// The secrets that may go to one domain only.
    bound: BTreeSet<String>,
    /// The answers about connections.
    asked: Asked,
    /// True if a run before has seen connections.
    had_connections: bool,
    complaints: Vec<String>,
    trace: Vec<String>,
}

impl Fate {
    pub(super) fn new(
        sync: &Sync,
        stop: watch::Sender<bool>,
        bound: BTreeSet<String>,
        had_connections: bool,
    ) -> Self {
        Self {
            seen: Mutex::new(Seen {
                end: sync.end,
                troubles: sync.troubles.clone(),
                stop,
                dead: false,
                requests: [0; 9],
                journal: [0; 5],
                begun: Vec::new(),
                sent: Vec::new(),
                uncertain: Vec::new(),
                lists_lied: false,
                lists_shrank: false,
                late: Duration::ZERO,
                rewritten: Vec::new(),
                overtaken: BTreeSet::new(),
                bound,
                asked: Asked::default(),
                had_connections,
                complaints: Vec::new(),
                trace: Vec::new(),
            }),
            died: Notify::new(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the process has died.
    pub(super) async fn death(&self) {
        self.died.notified().await;
    }

    pub(super) fn is_dead(&self) -> bool {
        self.seen().dead
    }

    pub(super) fn note(&self, line: &str) {
        let mut seen = self.seen();
        // A waiting run sends the same request again and again.
        let last = seen.trace.iter().rev().take(2);
        if !last.into_iter().any(|other| other.ends_with(line)) {
            let line = format!("{:>9.3}  {line}", time::elapsed().as_secs_f64());
            seen.trace.push(line);
        }
    }

    fn die(&self, why: &str) {
        self.note(&format!("† {why}"));
        self.seen().dead = true;
        self.died.notify_one();
    }

    /// Waits for ever: a dead process does nothing more.
    pub(super) async fn nothing_more<T>(&self) -> T {
        std::future::pending().await
    }

    /// Before a request; `None` if it is not sent.
    pub(super) fn before(&self, method: &str, path: &str, body: &[u8]) -> Option<Passage> {
        let which = classified(method, path);
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let write = write_of(which, path, &body);
        let mut seen = self.seen();
        if seen.dead {
            return None;
        }
        let counts = [seen.count(which), seen.count_any()];
        if seen.end == (End::Stop { request: counts[1] }) {
            seen.stop.send_replace(true);
        }
        let is_now = |w: Which, nth: usize| {
            (w == which && nth == counts[0]) || (w == Which::Any && nth == counts[1])
        };
        let dies = |moment: &dyn Fn(Which, usize) -> Moment| match seen.end {
            End::Crash(
                at @ (Moment::BeforeRequest(w, nth)
                | Moment::AtRequest(w, nth)
                | Moment::AfterAnswer(w, nth)),
            ) => is_now(w, nth) && at == moment(w, nth),
            End::Crash(_) | End::Itself | End::Stop { .. } => false,
        };
        if dies(&Moment::BeforeRequest) {
            drop(seen);
            self.die(&format!("before {method} {path}"));
            return None;
        }
        let (dies_at_it, dies_after_it) = (dies(&Moment::AtRequest), dies(&Moment::AfterAnswer));
        let is_due = |t: &&Trouble| (t.nth..t.nth + t.times).any(|nth| is_now(t.at, nth));
        let troubles = seen.troubles.iter().filter(is_due);
        let troubles = troubles.map(|trouble| trouble.kind.clone()).collect();
        if let Some(write) = &write {
            seen.judge(write);
            seen.sent.push(write.clone());
        }
        Some(Passage {
            troubles,
            dies_at_it,
            dies_after_it,
            write,
        })
    }

    /// Checks that the secrets in a request may go to its destination; `live` is the
    /// integration whose credentials it carries.
    pub(super) fn heeds_bindings(&self, request: &str, body: &[u8], live: Option<&Value>) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut seen = self.seen();
        let complaint = bound::complaint(request, &body, live, &seen.bound);
        seen.complaints.extend(complaint);
    }

    /// Checks that a write is not one of an integration that belongs to a connection, or
    /// may belong to one.
    pub(super) fn heeds_connections(&self, passage: &Passage, simulator: &Simulator) {
        let Some(write) = &passage.write else {
            return;
        };
        let mut seen = self.seen();
        let complaint = connected::complaint(write, &seen.asked, seen.had_connections, simulator);
        seen.complaints.extend(complaint);
    }

    /// Takes note of an answer about connections; `None` for one that never came.
    pub(super) fn hears(
        &self,
        path: &str,
        answer: Option<&http::Response<Bytes>>,
        simulator: &Simulator,
    ) {
        self.seen().asked.hears(path, answer, simulator);
    }

    /// The answers about connections.
    pub(super) fn asked(&self) -> Asked {
        self.seen().asked.clone()
    }

    /// Once it is known which troubles it meets.
    pub(super) fn meets(&self, method: &str, path: &str, passage: &Passage, met: &[FaultKind]) {
        let mut line = format!("{method} {path}");
        if let Some(Write::Create(key) | Write::Update(_, key)) = &passage.write {
            let _ = write!(line, "  {key:?}");
        }
        for kind in met {
            let _ = write!(line, "  ⚡ {kind:?}");
            let shrinks = matches!(kind, FaultKind::PartialList { .. });
            let lies = shrinks || matches!(kind, FaultKind::StatusWord { .. });
            self.seen().lists_lied |= lies;
            self.seen().lists_shrank |= shrinks;
            if let (FaultKind::Rewrite { .. }, Some(Write::Create(key) | Write::Update(_, key))) =
                (kind, &passage.write)
            {
                self.seen().rewritten.push(key.clone());
            }
            if let (FaultKind::Delay { ms }, Some(_)) = (kind, &passage.write) {
                let lands = time::elapsed() + Duration::from_millis(*ms);
                let mut seen = self.seen();
                seen.late = seen.late.max(lands);
                if let Some(Write::Update(_, key) | Write::Create(key)) = &passage.write {
                    seen.overtaken.insert(key.clone());
                }
            }
        }
        self.note(&line);
        if passage.dies_at_it {
            self.die("at it");
        }
    }

    /// Called when the response has arrived.
    pub(super) fn answered(&self, passage: &Passage, answer: &str, is_certain: bool) {
        self.note(&format!("    {answer}"));
        if let (Some(Write::Create(key)), false) = (&passage.write, is_certain) {
            self.seen().uncertain.push(key.clone());
        }
        if passage.dies_after_it {
            self.die("after the answer");
        }
    }

    /// Before the journal writes; whether it does.
    pub(super) fn before_entry(&self, entry: Entry, name: &str) -> bool {
        let nth = self.seen().journal[entry as usize];
        if self.is_dead() {
            return false;
        }
        if self.seen().end == End::Crash(Moment::Before(entry, nth)) {
            self.die(&format!("before {entry:?} of {name}"));
            return false;
        }
        true
    }

    /// Called after the journal has written; true if the process is still alive.
    pub(super) fn after_entry(&self, entry: Entry, name: &str, intent: Option<&Intent>) -> bool {
        self.note(&format!("[journal] {entry:?} {name}"));
        let mut seen = self.seen();
        seen.begun.extend(intent.cloned());
        let nth = seen.journal[entry as usize];
        seen.journal[entry as usize] += 1;
        let dies = seen.end == End::Crash(Moment::After(entry, nth));
        drop(seen);
        if dies {
            self.die(&format!("after {entry:?} of {name}"));
        }
        !dies
    }

    pub(super) fn sent(&self) -> Vec<Write> {
        self.seen().sent.clone()
    }

    /// True if a list was incomplete or reported a wrong status.
    pub(super) fn lists_lied(&self) -> bool {
        self.seen().lists_lied
    }

    /// True if a list was incomplete.
    pub(super) fn lists_shrank(&self) -> bool {
        self.seen().lists_shrank
    }

    /// Time at which the last delayed write takes effect.
    pub(super) fn late(&self) -> Duration {
        self.seen().late
    }

    /// Of what an update was held up.
    pub(super) fn overtaken(&self) -> BTreeSet<Key> {
        self.seen().overtaken.clone()
    }

    /// Of what the server did not keep a value, each time.
    pub(super) fn rewritten(&self) -> Vec<Key> {
        self.seen().rewritten.clone()
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.seen().complaints.clone()
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.seen().trace.clone()
    }
}

impl Seen {
    /// Number of earlier ones.
    fn count(&mut self, which: Which) -> usize {
        let count = self.requests[which as usize];
        self.requests[which as usize] += 1;
        count
    }

    fn count_any(&mut self) -> usize {
        self.count(Which::Any)
    }

    /// No write without an intent, and no second create after a lost answer.
    fn judge(&mut self, write: &Write) {
        let is_of_it = |intent: &&Intent| match (write, &intent.write) {
            (Write::Create(key) | Write::Update(_, key), IntendedWrite::Create { .. }) => {
                intent.type_name == key.0 && intent.state.identity.as_deref() == Some(&key.1)
            }
            (Write::Update(id, _), IntendedWrite::Update { id: own })
            | (Write::Delete(id), IntendedWrite::Delete { id: own, .. }) => {
                own.as_str() == id.to_string()
            }
            (Write::Create(_) | Write::Update(..) | Write::Delete(_), _) => false,
        };
        let intents = self.begun.iter().filter(is_of_it).count();
        if intents == 0 {
            let complaint = format!("{write:?} was sent, and its intent was not written down");
            self.complaints.push(complaint);
        }
        if let Write::Create(key) = write {
            let uncertain = self.uncertain.iter().filter(|other| *other == key).count();
            if uncertain >= intents && intents > 0 {
                let complaint = format!("{write:?} was sent again after an answer was lost");
                self.complaints.push(complaint);
            }
        }
    }
}

fn classified(method: &str, path: &str) -> Which {
    match method {
        _ if path.ends_with("/authenticate") => Which::Authenticate,
        _ if path.starts_with("/data/") => Which::Connections,
        "POST" => Which::Post,
        "PUT" => Which::Put,
        "DELETE" => Which::Delete,
        _ if path == "/integrations" => Which::List,
        _ if path.ends_with("/status") => Which::Status,
        _ => Which::Get,
    }
}

fn write_of(which: Which, path: &str, body: &Value) -> Option<Write> {
    let key = || {
        let platform = by_wire(body["type"].as_str()?)?;
        Some(key_of(platform, body))
    };
    let id = || path.rsplit('/').next()?.parse().ok();
    match which {
        Which::Post => Some(Write::Create(key()?)),
        Which::Put => Some(Write::Update(id()?, key()?)),
        Which::Delete => Some(Write::Delete(id()?)),
        Which::Any
        | Which::Authenticate
        | Which::List
        | Which::Get
        | Which::Status
        | Which::Connections => None,
    }
}
