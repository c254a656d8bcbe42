//! One round of the client, in a process of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::FutureExt;
use integrationd::apply::{self, Event, Observer, Stop};
use integrationd::immuta::{
    ApiKey, Credentials, HttpSettings, HttpTransport, Reader, RetryPolicy, TenantUrl, Transport,
};
use integrationd::ledger::sqlite::SqliteLedger;
use integrationd::ledger::{FingerprintKey, Fingerprinter, KEY_LENGTH, Ledger, LedgerStore};
use integrationd::manifest::{self, Manifest};
use integrationd::plan::{Plan, Recovery};
use integrationd::platform::PLATFORMS;
use integrationd::report::{Counts, text};
use integrationd::secret::{Providers, Secret, Secrets, resolve};
use integrationd::simulator::API_KEY;
use integrationd::source::read_directory;
use integrationd::sync::{
    self, Afterwards, Approval, Desired, Ending, Files, Request, Shell, Synced,
};
use serde::{Deserialize, Serialize};

use super::fleet;
use super::process::Process;

/// Concurrent writes: the default of the command.
pub(crate) const PARALLELISM: usize = 4;

/// A dry run, stage by stage.
#[derive(Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) stages: Stages,
    pub(crate) unchanged: usize,
    pub(crate) peak_kib: u64,
}

/// Duration of each stage.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stages {
    /// The files into memory.
    pub(crate) read: Duration,
    /// YAML to integrations.
    pub(crate) load: Duration,
    /// References to secrets.
    pub(crate) resolve: Duration,
    /// The client set up, the list fetched and decoded.
    pub(crate) fetch: Duration,
    /// The difference.
    pub(crate) plan: Duration,
    /// The text.
    pub(crate) report: Duration,
}

/// An apply.
#[derive(Serialize, Deserialize)]
pub(crate) struct Created {
    pub(crate) took: Duration,
    pub(crate) created: usize,
    pub(crate) peak_kib: u64,
}

/// The baseline.
#[derive(Serialize, Deserialize)]
pub(crate) struct Parsed {
    pub(crate) took: Duration,
}

/// The work of `integrationd sync --dry-run`.
pub(crate) fn plan(directory: &Path, url: &str) -> Planned {
    let runtime = runtime();
    let mut watch = Stopwatch::start();
    let snapshot = read_directory(&fleet::files(directory)).unwrap();
    let read = watch.lap();
    let manifest = manifest::load(&snapshot.files, &manifest::Variables::default(), PLATFORMS);
    drop(snapshot);
    let load = watch.lap();
    assert!(
        manifest.diagnostics.is_empty(),
        "{:?}",
        manifest.diagnostics
    );
    let secrets = resolved(&manifest);
    let desired = Desired {
        manifest,
        files: Files::Commit,
        secrets,
        fingerprinter: None,
    };
    let resolve = watch.lap();
    let live = runtime
        .block_on(async {
            let reader = reader_over(transport(url), &desired);
            sync::read_tenant(&reader, &request(), &Ledger::default()).await
        })
        .unwrap();
    let fetch = watch.lap();
    let plan = sync::plan(&desired, &live, &request(), &Recovery::default());
    let planning = watch.lap();
    let printed = text::plan(&plan, url);
    let report = watch.lap();
    assert!(printed.contains("No changes."), "{printed}");
    Planned {
        stages: Stages {
            read,
            load,
            resolve,
            fetch,
            plan: planning,
            report,
        },
        unchanged: Counts::of(&plan).unchanged,
        peak_kib: Process::own().peak_kib(),
    }
}

/// The work of `integrationd sync --yes`, with its ledger on disk.
pub(crate) fn create(directory: &Path, url: &str) -> Created {
    let state = tempfile::tempdir_in(directory).unwrap();
    let mut watch = Stopwatch::start();
    let ledger = SqliteLedger::open(&state.path().join("tenant.db")).unwrap();
    let synced = runtime().block_on(apply(directory, transport(url), resolved, &ledger));
    let took = watch.lap();
    Created {
        took,
        created: created(&synced),
        peak_kib: Process::own().peak_kib(),
    }
}

/// Reads the files, plans, applies and proves.
pub(crate) async fn apply<T: Transport>(
    directory: &Path,
    transport: T,
    secrets: impl FnOnce(&Manifest) -> Secrets,
    journal: &dyn LedgerStore,
) -> Synced {
    let snapshot = read_directory(&fleet::files(directory)).unwrap();
    let manifest = manifest::load(&snapshot.files, &manifest::Variables::default(), PLATFORMS);
    let secrets = secrets(&manifest);
    let desired = Desired {
        manifest,
        files: Files::Commit,
        secrets,
        fingerprinter: Some(Fingerprinter::new(
            FingerprintKey::new([7; KEY_LENGTH]),
            "the tenant".to_owned(),
        )),
    };
    let (_stop, stop) = Stop::new();
    sync::sync(
        reader_over(transport, &desired),
        Reader::into_writer,
        &desired,
        &request(),
        journal,
        &Quiet,
        &stop,
    )
    .await
    .unwrap()
}

/// Number of created integrations; the verification must succeed.
pub(crate) fn created(synced: &Synced) -> usize {
    let Ending::Applied {
        outcomes,
        afterwards: Afterwards::Planned(afterwards),
    } = &synced.ending
    else {
        return 0;
    };
    let afterwards = Counts::of(afterwards);
    assert_eq!(
        afterwards.unchanged,
        outcomes.len(),
        "a second plan is not empty"
    );
    outcomes
        .iter()
        .filter(|outcome| outcome.result.is_ok())
        .count()
}

/// The least that a program could do with the same data: it reads the same
/// integrations as JSON, a file for each, and the list of the tenant as another,
/// and parses them. No network, no check, no comparison, one thread.
pub(crate) fn baseline(directory: &Path) -> Parsed {
    let mut watch = Stopwatch::start();
    let mut values: Vec<serde_json::Value> = Vec::new();
    for entry in std::fs::read_dir(fleet::as_json(directory)).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        values.push(serde_json::from_slice(&text).unwrap());
    }
    assert!(!values.is_empty(), "no JSON was written");
    Parsed { took: watch.lap() }
}

fn resolved(manifest: &Manifest) -> Secrets {
    // Nothing that integrationd itself authenticates with: an equal value is not sent.
    let environment = |name: &str| fleet::SECRETS.contains(&name).then(|| "made-up".into());
    let providers = Providers::with(Box::new(environment));
    let secrets = resolve(manifest.references(), &providers);
    secrets.now_or_never().unwrap()
}

fn transport(url: &str) -> HttpTransport {
    let settings = HttpSettings::new(TenantUrl::parse(url).unwrap());
    HttpTransport::new(&settings).unwrap()
}

/// A reader with the key of the simulator.
fn reader_over<T: Transport>(transport: T, desired: &Desired) -> Reader<T> {
    let key = ApiKey::new(Secret::new(API_KEY.to_owned())).unwrap();
    let (credentials, policy) = (Credentials::ApiKey(key), RetryPolicy::default());
    Reader::new(transport, credentials, policy, desired.known_secrets())
}

fn request() -> Request {
    Request {
        apply: apply::ApplyOptions {
            parallelism: PARALLELISM,
            wait_timeout: Duration::from_secs(60),
            ..apply::ApplyOptions::default()
        },
        ..Request::new(jiff::Timestamp::now())
    }
}

/// The runtime of the command.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Gives leave and looks away.
struct Quiet;

impl Observer for Quiet {
    fn event(&self, _event: &Event<'_>) {}
}

impl Shell for Quiet {
    async fn approve(&self, _plan: &Plan) -> Approval {
        Approval::Given
    }
}

struct Stopwatch(Instant);

impl Stopwatch {
    fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the last lap.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}
