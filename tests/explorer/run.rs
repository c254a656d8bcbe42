//! One run of the real pipeline in a world, which may end in its death.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integrationd::apply::{self, Event, Observer, Stop};
use integrationd::daemon::notify::{AlertTracker, NotificationBatch, NotificationFormat};
use integrationd::daemon::view::{PriorState, StatusDocument, build_view};
use integrationd::daemon::{self, Disposition};
use integrationd::diagnostic;
use integrationd::immuta::{ApiKey, Credentials, Reader, RetryPolicy};
use integrationd::ledger::sqlite::SqliteLedger;
use integrationd::ledger::{Ledger, LedgerStore, MemoryLedger};
use integrationd::plan::{self, GuardLimits, Limit, Plan, Share};
use integrationd::report::exit::exit;
use integrationd::report::format::{self, render};
use integrationd::report::{Finished, Report, text};
use integrationd::secret::Secret;
use integrationd::simulator::API_KEY;
use integrationd::sync::{self, Approval, Request, RunTrigger, Shell, SyncError};
use integrationd::text::chain;
use serde_json::Value;
use tempfile::TempDir;

use super::connected::Asked;
use super::document::{CANARY, Key};
use super::fate::{Fate, Write};
use super::listen::heard;
use super::scenario::{Deed, Sync};
use super::time::CLOCK;
use super::wire::{Mortal, Wire};
use super::world::{Done, World};
use crate::in_process::done;
use crate::texts::Texts;

/// No run takes longer: everything in it has a deadline.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// Text that must never be shown: secrets, the key, the server's forms of them, tokens.
const HIDDEN: [&str; 4] = [CANARY, API_KEY, "simulated-key-", "simulator-token-"];

/// Storage that survives the process.
pub(super) enum Keeper {
    Memory(MemoryLedger),
    Disk { file: PathBuf, directory: TempDir },
}

impl Keeper {
    pub(super) fn new(on_disk: bool) -> Self {
        if !on_disk {
            return Self::Memory(MemoryLedger::default());
        }
        // In memory, if the machine allows it: flushing to a disk is not the subject.
        let directory = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
        let directory = directory.unwrap();
        let file = directory.path().join("ledger.db");
        Self::Disk { file, directory }
    }

    fn with<T>(&self, act: impl AsyncFnOnce(&dyn LedgerStore) -> T) -> impl Future<Output = T> {
        async {
            match self {
                Self::Memory(journal) => act(journal).await,
                Self::Disk { file, .. } => act(&SqliteLedger::open(file).unwrap()).await,
            }
        }
    }

    pub(super) fn ledger(&self) -> Ledger {
        match self {
            Self::Memory(journal) => journal.ledger(),
            Self::Disk { file, .. } => done(SqliteLedger::open(file).unwrap().read()).unwrap(),
        }
    }

    /// Everything that is kept, as it is kept.
    fn bytes(&self) -> String {
        let ledger = self.ledger();
        let mut all = format!("{ledger:?}");
        if let Self::Disk { directory, .. } = self {
            for entry in std::fs::read_dir(directory.path()).unwrap() {
                let bytes = std::fs::read(entry.unwrap().path()).unwrap();
                all.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
        all
    }
}

/// Observations of a run.
pub(super) struct Ran {
    /// The end, unless it died.
    pub(super) report: Option<Result<Report, SyncError>>,
    pub(super) sent: Vec<Write>,
    /// Attributes that someone changed between the plan and the writes.
    pub(super) changed: BTreeMap<u64, BTreeSet<String>>,
    /// Integrations that someone created between them.
    pub(super) created: BTreeSet<Key>,
    pub(super) lists_lied: bool,
    pub(super) lists_shrank: bool,
    /// Time at which the last delayed write takes effect.
    pub(super) late: Duration,
    /// Of what an update was held up.
    pub(super) overtaken: BTreeSet<Key>,
    /// Of what the server did not keep a value.
    pub(super) rewritten: Vec<Key>,
    /// The answers about connections.
    pub(super) asked: Asked,
    pub(super) complaints: Vec<String>,
    pub(super) trace: Vec<String>,
}

/// The operator: gives leave, and is not the only one who does something.
struct Operator<'a> {
    world: Mutex<&'a mut World>,
    fate: &'a Fate,
    meanwhile: &'a [Deed],
    done: Mutex<Vec<Done>>,
    shown: Mutex<String>,
}

impl Observer for Operator<'_> {
    fn event(&self, _: &Event<'_>) {}
}

impl Shell for Operator<'_> {
    async fn approve(&self, plan: &Plan) -> Approval {
        let shown = format!("{}{plan:?}", text::plan(plan, "the tenant"));
        *self.shown.lock().unwrap() = shown;
        if self.meanwhile.is_empty() {
            return Approval::Given;
        }
        let mut world = self.world.lock().unwrap();
        let before = world.live();
        for deed in self.meanwhile {
            let done = world.deed(deed);
            self.fate.note(&format!("[meanwhile] {deed:?}: {done:?}"));
            self.done.lock().unwrap().push(done);
        }
        // What one did another may have undone.
        let after = world.live();
        let is_as_it_was = |done: &Done| match done {
            Done::Changed(id, _) => {
                let of = |all: &[(u64, Value)]| all.iter().find(|(own, _)| own == id).cloned();
                of(&before) == of(&after)
            }
            Done::Created(key) => !world.has_live(key),
            Done::Nothing => false,
        };
        self.done.lock().unwrap().retain(|done| !is_as_it_was(done));
        Approval::Given
    }
}

/// Runs the tool once.
pub(super) async fn run(world: &mut World, keeper: &Keeper, sync: &Sync, token: bool) -> Ran {
    let texts = world.states(&sync.saves);
    let gossip = gossip(&texts);
    let desired = texts.desired(false);
    let before = format!("{desired:?}");
    let (sender, stop) = Stop::new();
    let bound = world.bound_secrets();
    let fate = Arc::new(Fate::new(sync, sender, bound, world.had_connections));
    let wire = Wire {
        simulator: world.simulator.clone(),
        fate: Arc::clone(&fate),
        gossip: gossip.clone(),
    };
    let key = ApiKey::new(Secret::new(API_KEY.to_owned())).unwrap();
    let credentials = if token {
        Credentials::Exchange(key)
    } else {
        Credentials::ApiKey(key)
    };
    let reader = Reader::new(
        wire,
        credentials,
        RetryPolicy::default(),
        desired.known_secrets(),
    );
    let names: Vec<String> = world.documents.iter().map(|d| d.name.clone()).collect();
    let request = request(sync, names.iter());
    let operator = Operator {
        world: Mutex::new(world),
        fate: &fate,
        meanwhile: &sync.meanwhile,
        done: Mutex::default(),
        shown: Mutex::default(),
    };
    let synced = keeper
        .with(async |store: &dyn LedgerStore| {
            let mortal = Mortal { store, fate: &fate };
            let into = Reader::into_writer;
            let pipeline = sync::sync(reader, into, &desired, &request, &mortal, &operator, &stop);
            tokio::select! {
                biased;
                () = fate.death() => None,
                synced = tokio::time::timeout(LONGEST, pipeline) => Some(synced),
            }
        })
        .await;
    let mut complaints = fate.complaints();
    let synced = match synced {
        Some(Err(_)) => {
            complaints.push("the run does not come to an end".to_owned());
            None
        }
        Some(Ok(synced)) => Some(synced),
        None => None,
    };
    let done = operator.done.into_inner().unwrap();
    let shown = before + &operator.shown.into_inner().unwrap() + &heard() + &keeper.bytes();
    let report = synced.filter(|_| !fate.is_dead()).map(|synced| {
        synced.map(|synced| Report {
            tenant: "the tenant".to_owned(),
            source: "texts".to_owned(),
            time: jiff::Timestamp::UNIX_EPOCH,
            revision: None,
            trigger: RunTrigger::default(),
            diagnostics: desired.manifest.diagnostics,
            synced,
            differences: None,
        })
    });
    let shown = shown + &report.as_ref().map_or_else(String::new, told);
    complaints.extend(leaks(&shown, gossip.as_deref()));
    ran(&fate, done, report, complaints)
}

fn ran(
    fate: &Fate,
    done: Vec<Done>,
    report: Option<Result<Report, SyncError>>,
    complaints: Vec<String>,
) -> Ran {
    let mut ran = Ran {
        report,
        sent: fate.sent(),
        changed: BTreeMap::new(),
        created: BTreeSet::new(),
        lists_lied: fate.lists_lied(),
        lists_shrank: fate.lists_shrank(),
        late: fate.late(),
        overtaken: fate.overtaken(),
        rewritten: fate.rewritten(),
        asked: fate.asked(),
        complaints,
        trace: fate.trace(),
    };
    for done in done {
        match done {
            Done::Nothing => {}
            Done::Changed(id, paths) => {
                ran.changed.entry(id).or_default().extend(paths);
            }
            Done::Created(key) => {
                ran.created.insert(key);
            }
        }
    }
    ran
}

fn request<'n>(sync: &Sync, names: impl Iterator<Item = &'n String>) -> Request {
    // How far a plan may go is not the subject.
    let unlimited = Limit {
        most: None,
        share: Share::Default {
            percent: 100,
            floor: usize::MAX,
        },
    };
    Request {
        policy: sync.policy,
        limits: GuardLimits {
            changes: unlimited,
            deletes: unlimited,
        },
        allow_replace: names.filter(|_| sync.may_replace).cloned().collect(),
        operator: match sync.operator {
            true => plan::Operator::Present,
            false => plan::Operator::Absent,
        },
        on_drift: sync.on_drift,
        on_conflict: sync.on_conflict,
        apply: apply::ApplyOptions {
            parallelism: sync.parallelism,
            wait_timeout: sync.wait,
            clock: CLOCK,
            ..apply::ApplyOptions::default()
        },
        ..Request::new("2026-11-22T12:00Z".parse().unwrap())
    }
}

/// All output of a run.
fn told(report: &Result<Report, SyncError>) -> String {
    match report {
        Err(error) => format!("{} {error:?} {}", chain(error), error.help()),
        Ok(report) => {
            let mut all = diagnostic::render(&report.diagnostics, false);
            all.push_str(&text::plan(&report.synced.plan, &report.tenant));
            all.push_str(&text::ending(report));
            let finished = Finished::new(report, exit(report, true));
            all.push_str(&render(format::OutputFormat::Json, &finished).kept);
            all.push_str(&format!("{report:?}"));
            all.push_str(&of_the_daemon(report));
            all
        }
    }
}

/// Pages and notifications of the daemon for a report.
fn of_the_daemon(report: &Report) -> String {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let view = Arc::new(build_view(report, &PriorState::default(), now));
    let ran = daemon::RunOutcome {
        disposition: Disposition::Transient,
        exit: exit(report, false),
        summary: String::new(),
        help: None,
        revision: None,
        view: Some(Arc::clone(&view)),
    };
    let letter = NotificationBatch {
        id: String::new(),
        at: now,
        tenant: String::new(),
        summary: String::new(),
        revision: None,
        notifications: AlertTracker::default().after(&ran),
    };
    let status = daemon::DaemonStatus {
        last: Some(ran),
        view: Some(view),
        ..daemon::DaemonStatus::default()
    };
    let bodies =
        [NotificationFormat::Json, NotificationFormat::Slack].map(|format| format.body(&letter));
    format!(
        "{}{}{status:?}",
        render(format::OutputFormat::Json, &StatusDocument::new(&status)).kept,
        bodies.concat()
    )
}

/// A secret of the run, in a form in which a server may say it: one run in four.
fn gossip(texts: &Texts) -> Option<String> {
    if fastrand::u8(..4) > 0 {
        return None;
    }
    let value = texts.values().next()?.to_owned();
    Some(match fastrand::u8(..4) {
        0 => value,
        1 => value.to_uppercase(),
        2 => value.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        _ => STANDARD.encode(value),
    })
}

/// Forbidden text in an output.
fn leaks(text: &str, gossip: Option<&str>) -> Option<String> {
    let small = text.to_lowercase();
    let gossip = gossip.map(str::to_lowercase);
    let mut hidden = HIDDEN.iter().copied().chain(gossip.as_deref());
    let found = hidden.find_map(|hidden| small.find(hidden))?;
    let text = &small;
    let (mut from, mut to) = (found.saturating_sub(200), (found + 100).min(text.len()));
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    while !text.is_char_boundary(to) {
        to += 1;
    }
    Some(format!("a secret shows: …{}…", &text[from..to]))
}
