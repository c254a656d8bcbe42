//! The real pipeline in this process, in paused time: the same client, retries and credentials
//! as over a network, against a simulated tenant.
//!
//! Files are texts, secrets a map, and the operator approves. All output of a run is gathered
//! in [`Ran::output`], to search it for secrets.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use http::Method;
use integrationd::apply::{self, ActionFailure, Event, Observer, Outcome, Stop};
use integrationd::diagnostic;
use integrationd::embedded::Embedded;
use integrationd::immuta::{
    ApiKey, Credentials, Reader, RetryPolicy, Transport, TransportError, TransportErrorKind,
};
use integrationd::ledger::{Ledger, LedgerStore, MemoryLedger};
use integrationd::plan::{Action, DisplayValue, OnConflict, OnDrift, Operation, Plan};
use integrationd::report::exit::exit;
use integrationd::report::format::{OutputFormat, render};
use integrationd::report::{Counts, Finished, Report, text};
use integrationd::secret::Secret;
use integrationd::simulator::{API_KEY, LoggedRequest, Simulator};
use integrationd::sync::{
    self, Afterwards, Approval, Desired, Ending, Request, RunTrigger, Shell, SyncError,
};
use integrationd::text::chain;
use serde_json::Value;
use tokio::sync::watch;

use crate::texts::Texts;

/// The result of a store that never waits.
pub(crate) fn done<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("it waits for nothing")
}

/// Time limit of a request.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Time for which a write is followed.
pub(crate) const WAIT: Duration = Duration::from_secs(120);

/// Hook that runs just before a request arrives.
type OnRequest = Arc<dyn Fn(&Method, &str) + Send + Sync>;

/// The wire to the simulated tenant: a caller with limited patience, and a list
/// whose elements can come in another order.
struct Wire {
    simulator: Embedded,
    reversed_list: bool,
    on_request: Option<OnRequest>,
}

impl Transport for Wire {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let is_list = request.method() == Method::GET && request.uri().path() == "/integrations";
        if let Some(act) = &self.on_request {
            act(request.method(), request.uri().path());
        }
        let answer = tokio::time::timeout(PATIENCE, self.simulator.send(request)).await;
        let response = answer.unwrap_or(Err(TransportError {
            kind: TransportErrorKind::Timeout,
            source: None,
        }))?;
        Ok(if is_list && self.reversed_list {
            response.map(reversed)
        } else {
            response
        })
    }
}

fn reversed(body: Bytes) -> Bytes {
    match serde_json::from_slice(&body) {
        Ok(Value::Array(mut elements)) => {
            elements.reverse();
            Value::Array(elements).to_string().into()
        }
        Ok(_) | Err(_) => body,
    }
}

/// Credentials of the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    Key,
    Token,
}

type OnApproval<'a> = Box<dyn Fn(&Plan) + Send + Sync + 'a>;
type OnEvent<'a> = Box<dyn Fn(&Event<'_>, &watch::Sender<bool>) + Send + Sync + 'a>;

/// A run of the pipeline that has not begun.
pub(crate) struct Run<'a> {
    simulator: &'a Simulator,
    texts: &'a Texts,
    auth: Auth,
    parallelism: usize,
    reversed: bool,
    journal: Option<&'a dyn LedgerStore>,
    request: Request,
    on_approval: Option<OnApproval<'a>>,
    on_event: Option<OnEvent<'a>>,
    on_request: Option<OnRequest>,
}

impl<'a> Run<'a> {
    /// Of these files against this tenant.
    pub(crate) fn of(texts: &'a Texts, simulator: &'a Simulator) -> Self {
        Self {
            simulator,
            texts,
            auth: Auth::Key,
            parallelism: 4,
            reversed: false,
            journal: None,
            request: Request::new("2026-11-22T12:00Z".parse().unwrap()),
            on_approval: None,
            on_event: None,
            on_request: None,
        }
    }

    pub(crate) fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// One write after the other, in the order of the names.
    pub(crate) fn one_at_a_time(mut self) -> Self {
        self.parallelism = 1;
        self
    }

    /// With the files and the elements of the server's list in the reverse order.
    pub(crate) fn reversed(mut self) -> Self {
        self.reversed = true;
        self
    }

    /// With a ledger that outlasts the run; without it every run knows nothing.
    pub(crate) fn remembering(mut self, journal: &'a dyn LedgerStore) -> Self {
        self.journal = Some(journal);
        self
    }

    /// With other than the default options.
    pub(crate) fn with(mut self, set: impl FnOnce(&mut Request)) -> Self {
        set(&mut self.request);
        self
    }

    pub(crate) fn on_drift(self, on_drift: OnDrift) -> Self {
        self.with(|request| request.on_drift = on_drift)
    }

    pub(crate) fn on_conflict(self, on_conflict: OnConflict) -> Self {
        self.with(|request| request.on_conflict = on_conflict)
    }

    /// Runs `act` between the plan and the first write.
    pub(crate) fn meanwhile(mut self, act: impl Fn(&Plan) + Send + Sync + 'a) -> Self {
        self.on_approval = Some(Box::new(act));
        self
    }

    /// Runs at an event; the sender requests the stop.
    pub(crate) fn on_event(
        mut self,
        act: impl Fn(&Event<'_>, &watch::Sender<bool>) + Send + Sync + 'a,
    ) -> Self {
        self.on_event = Some(Box::new(act));
        self
    }

    /// Runs just before such a request arrives, until it returns that it is done.
    pub(crate) fn just_before(
        mut self,
        method: Method,
        path: &'static str,
        act: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        let done = AtomicBool::new(false);
        self.on_request = Some(Arc::new(move |own: &Method, at: &str| {
            let is_it = *own == method && at == path;
            if is_it && !done.load(Ordering::SeqCst) {
                done.store(act(), Ordering::SeqCst);
            }
        }));
        self
    }

    fn reader(&self, desired: &Desired) -> Reader<Wire> {
        let key = ApiKey::new(Secret::new(API_KEY.to_owned())).unwrap();
        let credentials = match self.auth {
            Auth::Key => Credentials::ApiKey(key),
            Auth::Token => Credentials::Exchange(key),
        };
        let wire = Wire {
            simulator: Embedded(self.simulator.clone()),
            reversed_list: self.reversed,
            on_request: self.on_request.clone(),
        };
        let policy = RetryPolicy::default();
        Reader::new(wire, credentials, policy, desired.known_secrets())
    }

    fn request(&self) -> Request {
        Request {
            apply: apply::ApplyOptions {
                parallelism: self.parallelism,
                wait_timeout: WAIT,
                ..self.request.apply
            },
            ..self.request.clone()
        }
    }

    /// Makes the plan and stops.
    pub(crate) async fn dry_run(self) -> Ran {
        let desired = self.texts.desired(self.reversed);
        let ledger = self
            .journal
            .map_or_else(Ledger::default, |j| done(j.read()).unwrap());
        let synced =
            sync::dry_run(&self.reader(&desired), &desired, &self.request(), &ledger).await;
        Ran::new(synced, desired)
    }

    /// Makes the plan and carries it out.
    pub(crate) async fn sync(self) -> Ran {
        let desired = self.texts.desired(self.reversed);
        let (reader, request) = (self.reader(&desired), self.request());
        let (sender, stop) = Stop::new();
        let shell = Consenting {
            on_approval: self.on_approval,
            on_event: self.on_event,
            stop: sender,
        };
        let writer = Reader::into_writer;
        let nothing = MemoryLedger::default();
        let journal = self.journal.unwrap_or(&nothing);
        let synced = sync::sync(reader, writer, &desired, &request, journal, &shell, &stop).await;
        Ran::new(synced, desired)
    }
}

/// An operator who always gives leave.
struct Consenting<'a> {
    on_approval: Option<OnApproval<'a>>,
    on_event: Option<OnEvent<'a>>,
    stop: watch::Sender<bool>,
}

impl Observer for Consenting<'_> {
    fn event(&self, event: &Event<'_>) {
        if let Some(act) = &self.on_event {
            act(event, &self.stop);
        }
    }
}

impl Shell for Consenting<'_> {
    async fn approve(&self, plan: &Plan) -> Approval {
        if let Some(act) = &self.on_approval {
            act(plan);
        }
        Approval::Given
    }
}

/// A run that has ended.
pub(crate) struct Ran {
    pub(crate) result: Result<Report, SyncError>,
    /// The debug form of what the run was given.
    desired: String,
}

impl Ran {
    fn new(synced: Result<sync::Synced, SyncError>, desired: Desired) -> Self {
        let debug = format!("{desired:?}");
        let result = synced.map(|synced| Report {
            tenant: "the simulated tenant".to_owned(),
            source: "texts".to_owned(),
            time: jiff::Timestamp::UNIX_EPOCH,
            revision: None,
            trigger: RunTrigger::default(),
            diagnostics: desired.manifest.diagnostics,
            synced,
            differences: None,
        });
        Self {
            result,
            desired: debug,
        }
    }

    #[track_caller]
    pub(crate) fn report(&self) -> &Report {
        match &self.result {
            Ok(report) => report,
            Err(error) => panic!("the tenant could not be read: {}", chain(error)),
        }
    }

    #[track_caller]
    pub(crate) fn plan(&self) -> &Plan {
        &self.report().synced.plan
    }

    /// The plan's only action.
    #[track_caller]
    pub(crate) fn only_action(&self) -> &Action {
        match self.plan().actions.as_slice() {
            [action] => action,
            several => panic!("{} actions", several.len()),
        }
    }

    /// True if the plan has no action and no block.
    #[track_caller]
    pub(crate) fn is_in_sync(&self) -> bool {
        is_empty(self.plan())
    }

    /// Outcomes of the actions; empty if nothing was carried out.
    pub(crate) fn outcomes(&self) -> &[Outcome] {
        match self.result.as_ref().map(|report| &report.synced.ending) {
            Ok(Ending::Applied { outcomes, .. }) => outcomes,
            Ok(
                Ending::Planned
                | Ending::NothingToDo
                | Ending::Unexpected { .. }
                | Ending::Guarded(_)
                | Ending::Refused(_),
            )
            | Err(_) => &[],
        }
    }

    pub(crate) fn failures(&self) -> Vec<&ActionFailure> {
        let failures = self.outcomes().iter().map(|o| o.result.as_ref().err());
        failures.flatten().collect()
    }

    /// The failure of the plan's only action.
    #[track_caller]
    pub(crate) fn failure(&self) -> &ActionFailure {
        match self.failures().as_slice() {
            [failure] => failure,
            several => panic!("{} failures\n{}", several.len(), self.shown()),
        }
    }

    /// True if everything was carried out and a second plan is empty.
    pub(crate) fn is_proved(&self) -> bool {
        let Ok(report) = &self.result else {
            return false;
        };
        match &report.synced.ending {
            Ending::Applied {
                outcomes,
                afterwards: Afterwards::Planned(afterwards),
            } => outcomes.iter().all(|o| o.result.is_ok()) && is_empty(afterwards),
            Ending::NothingToDo => is_empty(&report.synced.plan),
            Ending::Applied { .. }
            | Ending::Planned
            | Ending::Unexpected { .. }
            | Ending::Guarded(_)
            | Ending::Refused(_) => false,
        }
    }

    /// The texts of everything that went wrong.
    pub(crate) fn errors(&self) -> Vec<String> {
        let report = match &self.result {
            Ok(report) => report,
            Err(error) => return vec![chain(error)],
        };
        let mut errors: Vec<String> = self.failures().iter().map(|f| chain(f)).collect();
        if let Ending::Applied {
            afterwards: Afterwards::Unread(error),
            ..
        } = &report.synced.ending
        {
            errors.push(chain(error));
        }
        errors
    }

    /// Output for the operator.
    pub(crate) fn shown(&self) -> String {
        let report = match &self.result {
            Ok(report) => report,
            Err(error) => return chain(error),
        };
        let mut out = diagnostic::render(&report.diagnostics, false);
        out.push_str(&text::plan(&report.synced.plan, &report.tenant));
        out.push_str(&text::ending(report));
        out
    }

    /// Result of the plan for the operator, without colours.
    pub(crate) fn ending(&self) -> String {
        anstream::adapter::strip_str(&text::ending(self.report())).to_string()
    }

    pub(crate) fn exit_code(&self) -> u8 {
        exit(self.report(), false) as u8
    }

    /// The report for programs.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let exit = exit(self.report(), true);
        let rendered = render(OutputFormat::Json, &Finished::new(self.report(), exit));
        serde_json::from_str(&rendered.kept).unwrap()
    }

    /// All output of this run.
    pub(crate) fn output(&self) -> String {
        let mut out = self.desired.clone();
        out.push_str(&self.shown());
        match &self.result {
            Ok(report) => {
                let _ = writeln!(out, "{:#}", self.json());
                let _ = writeln!(out, "{report:?}");
            }
            Err(error) => {
                let _ = writeln!(out, "{error} {error:?}");
            }
        }
        for failure in self.failures() {
            let _ = writeln!(out, "{failure} {failure:?} {}", failure.help());
        }
        out
    }

    /// Fails the test if a secret shows anywhere.
    #[track_caller]
    pub(crate) fn shows_none_of<'s>(&self, secrets: impl IntoIterator<Item = &'s str>) {
        let output = self.output();
        for secret in secrets.into_iter().chain([API_KEY]) {
            assert!(!output.contains(secret), "{secret} is shown:\n{output}");
        }
    }
}

/// True if a plan has no action and no block.
pub(crate) fn is_empty(plan: &Plan) -> bool {
    let Counts {
        create,
        update,
        replace,
        delete,
        withheld,
        unchanged: _,
        suspended: _,
        pending_suspended: _,
        blocked,
        invalid,
    } = Counts::of(plan);
    create + update + replace + delete + withheld + blocked + invalid == 0
}

/// The paths that an update changes, with what they change from and to.
#[track_caller]
pub(crate) fn changes(action: &Action) -> Vec<(String, Value, Value)> {
    let Operation::Update { changes, .. } = &action.kind else {
        panic!("no update: {action:#?}");
    };
    let plain = |shown: &DisplayValue| match shown {
        DisplayValue::Plain(json) => json.clone(),
        hidden @ (DisplayValue::Absent | DisplayValue::Hidden) => panic!("{hidden:?}"),
    };
    changes
        .iter()
        .map(|c| (c.path.to_string(), plain(&c.before), plain(&c.after)))
        .collect()
}

/// The requests that write, in the order in which they arrived; the exchange of
/// a key is none.
pub(crate) fn writes(simulator: &Simulator) -> Vec<LoggedRequest> {
    let is_write = |entry: &LoggedRequest| {
        entry.method != "GET"
            && !entry.path.ends_with("/authenticate")
            && entry.path != "/data/object/search"
    };
    simulator.log().into_iter().filter(is_write).collect()
}

/// The same as `METHOD path`.
pub(crate) fn write_lines(simulator: &Simulator) -> Vec<String> {
    let line = |entry: &LoggedRequest| format!("{} {}", entry.method, entry.path);
    writes(simulator).iter().map(line).collect()
}
