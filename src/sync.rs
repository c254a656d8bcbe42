//! The pipeline, and the only place that knows the order of its stages:
//!
//! ```text
//! source ─► load ─► check ─► resolve ─► fetch ─► diff ─► plan ─► review ─► apply ─► verify
//! ```
//!
//! A dry run is handed a reader and stops at the plan; [`sync`] is handed what
//! makes a writer, and makes it only after the plan was approved. Both compute
//! the plan by [`make_plan`], and so does the proof at the end.

mod desired;
mod files;
mod owners;
mod proof;
mod recorded;
mod recorder;
mod rejections;
mod request;
mod tenant;
mod trigger;

use std::collections::HashSet;

use crate::apply::{self, Observer, Outcome, Stop};
use crate::immuta::{ApiError, ReadApi, WriteApi};
use crate::ledger::{Ledger, LedgerStore, StoreError};
use crate::live::Live;
use crate::plan::{
    self, AdoptedSecrets, Adoption, Approved, Exceeded, Plan, PlanContext, PlanDigest, Recovery,
};
use crate::source::Unconfirmed;
pub use desired::Desired;
pub use files::Files;
pub use owners::{fresh as fresh_owners, of_tenant as owners_of_tenant};
use recorded::{note, records, write_down};
pub use request::{LookForConnections, Request};
use tenant::fetch;
pub use tenant::{read_tenant, unread_tenant};
pub use trigger::{RunTrigger, TriggerReason};

/// Reason why there is no plan; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The tenant could not be read.
    #[error(transparent)]
    Tenant(#[from] ApiError),
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] StoreError),
    /// Something would be deleted, and the files are not known whole.
    #[error("nothing was applied because deletions require two identical reads of the files")]
    Files(#[from] Unconfirmed),
}

impl SyncError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Tenant(error) => error.help().to_owned(),
            Self::Ledger(error) => error.help.clone(),
            Self::Files(error) => error.help().to_owned(),
        }
    }
}

/// Observer of a sync, which approves it.
pub trait Shell: Observer {
    /// Shows the plan and approves it, or not. Called only if there is anything to do.
    fn approve(&self, plan: &Plan) -> impl Future<Output = Approval>;
}

/// Approval of the writes, or the lack of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Go on.
    Given,
    /// The operator said no.
    Declined,
    /// There was no operator to ask.
    NotAsked,
}

/// Result of a sync.
#[derive(Debug)]
pub struct Synced {
    /// The plan; actions that the guard refused are blocked in it.
    pub plan: Plan,
    /// Its result.
    pub ending: Ending,
}

/// End of a run of the pipeline.
#[derive(Debug)]
pub enum Ending {
    /// It was a dry run.
    Planned,
    /// There was nothing to carry out.
    NothingToDo,
    /// It is not the plan that was approved.
    Unexpected {
        /// The approved plan.
        expected: PlanDigest,
    },
    /// The plan goes beyond a limit.
    Guarded(Vec<Exceeded>),
    /// It was not approved.
    Refused(Approval),
    /// The plan was carried out.
    Applied {
        /// One for each action.
        outcomes: Vec<Outcome>,
        /// Result of a second plan.
        afterwards: Afterwards,
    },
}

impl Ending {
    /// True if the [`Shell`] was asked, and has shown the plan for it.
    #[must_use]
    pub fn was_asked(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Applied { .. } => true,
            Self::Planned | Self::NothingToDo | Self::Unexpected { .. } | Self::Guarded(_) => false,
        }
    }
}

/// The read of the tenant after an apply.
#[derive(Debug)]
pub enum Afterwards {
    /// The second plan.
    Planned(Box<Plan>),
    /// The tenant or the ledger could not be read.
    Unread(SyncError),
    /// The stop was requested: no verification is needed.
    Skipped,
}

/// A plan, and the state of the tenant and the ledger that it was made from.
#[derive(Debug)]
pub struct PlannedTenant {
    /// The plan.
    pub plan: Plan,
    /// The ledger, with the outcome of writes that were cut short.
    pub recovery: Recovery,
    /// The live integrations.
    pub live: Live,
}

/// Reads the tenant, finds out what became of writes that were cut short, and
/// makes the plan. One that removes something rests on a fresh answer about connections.
///
/// # Errors
/// The list could not be read.
pub async fn make_plan<R: ReadApi>(
    api: &R,
    desired: &Desired,
    request: &Request,
    ledger: &Ledger,
) -> Result<PlannedTenant, ApiError> {
    let mut live = read_tenant(api, request, ledger).await?;
    let recovery = plan::recover(ledger, &live, request.apply.clock.now());
    let mut made = plan(desired, &live, request, &recovery);
    if made.needs_owners() {
        // The tenant may have got connections since it was last asked.
        live.owners = owners::ask(api, ledger.connections).await;
        made = plan(desired, &live, request, &recovery);
    }
    Ok(PlannedTenant {
        plan: made,
        recovery,
        live,
    })
}

/// Makes the plan of a dry run: a file that is missing only for a moment is not shown as removed.
///
/// # Errors
/// The list could not be read, or the files changed.
pub async fn make_confirmed_plan<R: ReadApi>(
    api: &R,
    desired: &Desired,
    request: &Request,
    ledger: &Ledger,
) -> Result<PlannedTenant, SyncError> {
    let planned = make_plan(api, desired, request, ledger).await?;
    desired.files.confirm(&planned.plan).await?;
    Ok(planned)
}

/// Makes the plan of what was read.
#[must_use]
pub fn plan(desired: &Desired, live: &Live, request: &Request, recovery: &Recovery) -> Plan {
    in_context(desired, request, recovery, |context| {
        plan::plan(&desired.manifest, live, context)
    })
}

/// Finds the live integrations of the named files, or of all, to adopt them.
///
/// # Errors
/// The list could not be read.
pub async fn adopt<R: ReadApi>(
    api: &R,
    desired: &Desired,
    request: &Request,
    ledger: &Ledger,
    names: &HashSet<&str>,
    secrets: AdoptedSecrets,
) -> Result<Vec<Adoption>, ApiError> {
    let live = read_tenant(api, request, ledger).await?;
    let recovery = plan::recover(ledger, &live, request.apply.clock.now());
    Ok(in_context(desired, request, &recovery, |context| {
        plan::adopt(&desired.manifest, &live, names, secrets, context)
    }))
}

/// Calls `decide` with everything that a decision depends on besides the files
/// and the live state.
fn in_context<T>(
    desired: &Desired,
    request: &Request,
    recovery: &Recovery,
    decide: impl FnOnce(&PlanContext<'_>) -> T,
) -> T {
    let missing = |reference: &_| {
        desired
            .secrets
            .get(reference)
            .err()
            .map(|missing| missing.to_string())
    };
    let fingerprint =
        |name: &str, path: &str, template: &_| desired.fingerprint(name, path, template);
    let empty_files = desired.manifest.empty_files();
    let context = PlanContext {
        selection: &request.selection,
        now: request.now,
        missing_secret: &missing,
        ledger: &recovery.ledger,
        unknown_outcomes: &recovery.unknown_outcomes,
        fingerprint: &fingerprint,
        is_same_text: &|one, other| desired.is_same_text(one, other),
        policy: request.policy,
        allow_replace: &request.allow_replace,
        source: desired.files.kind(),
        empty_files: &empty_files,
        allow_removal: &request.allow_removal,
        suspended: &request.suspended,
        backing_off: &request.backing_off,
        rejections_at: request
            .respects_rejections
            .then(|| request.apply.clock.now()),
        repairs_at: request.apply.clock.now(),
        operator: &request.operator,
        resend: &request.resend,
        revision: request.revision.as_deref(),
        on_drift: request.on_drift,
        on_conflict: request.on_conflict,
    };
    decide(&context)
}

/// Makes the plan and stops.
///
/// # Errors
/// The list could not be read.
pub async fn dry_run<R: ReadApi>(
    api: &R,
    desired: &Desired,
    request: &Request,
    ledger: &Ledger,
) -> Result<Synced, SyncError> {
    let planned = make_confirmed_plan(api, desired, request, ledger).await?;
    let plan = planned.plan;
    if let Some(ending) = unexpected(&plan, request) {
        return Ok(Synced { plan, ending });
    }
    let exceeded = request.limits.exceeded(&plan);
    let ending = if exceeded.is_empty() {
        Ending::Planned
    } else {
        Ending::Guarded(exceeded)
    };
    Ok(Synced { plan, ending })
}

/// The end of a run whose plan is another one than the approved one.
fn unexpected(plan: &Plan, request: &Request) -> Option<Ending> {
    let expected = request.expect?;
    (plan.digest != expected).then_some(Ending::Unexpected { expected })
}

/// Makes the plan, carries it out if it is approved, and verifies that nothing is left.
///
/// # Errors
/// The list could not be read; nothing was written.
pub async fn sync<R: ReadApi, W: WriteApi>(
    api: R,
    into_writer: impl FnOnce(R) -> W,
    desired: &Desired,
    request: &Request,
    store: &dyn LedgerStore,
    shell: &impl Shell,
    stop: &Stop,
) -> Result<Synced, SyncError> {
    let ledger = store.read().await?;
    let planned = make_confirmed_plan(&api, desired, request, &ledger).await?;
    let PlannedTenant { plan, recovery, .. } = planned;
    if let Some(ending) = unexpected(&plan, request) {
        return Ok(Synced { plan, ending });
    }
    let now = request.apply.clock.now();
    owners::remember(store, ledger.connections, &plan.owners, now).await?;
    // Of a tenant that lost too much nothing is believed, not even how a write ended.
    if request.limits.disappeared(&plan).is_some() {
        let exceeded = request.limits.exceeded(&plan);
        let ending = Ending::Guarded(exceeded);
        return Ok(Synced { plan, ending });
    }
    write_down(store, &recovery).await?;
    recorder::detected(store, request, &ledger.intents, &recovery.settled).await;
    note(store, records(&plan, request), plan.gone.clone()).await?;
    let rejections = recovery.ledger.rejections;
    rejections::forget_accepted(store, &rejections, &plan).await;
    let approved = match plan::review(plan, &request.limits) {
        Ok(approved) => approved,
        Err(refused) => {
            return Ok(Synced {
                plan: refused.plan,
                ending: Ending::Guarded(refused.exceeded),
            });
        }
    };
    if !has_work(approved.plan()) {
        recorder::carried_out(store, request).await;
        return Ok(Synced {
            plan: approved.into_plan(),
            ending: Ending::NothingToDo,
        });
    }
    match shell.approve(approved.plan()).await {
        Approval::Given => {}
        consent @ (Approval::Declined | Approval::NotAsked) => {
            return Ok(Synced {
                plan: approved.into_plan(),
                ending: Ending::Refused(consent),
            });
        }
    }
    // The operator may have thought about it for an hour.
    desired.files.confirm(approved.plan()).await?;
    let api = into_writer(api);
    let ending = carry_out(&api, &approved, desired, request, store, shell, stop).await;
    if let Ending::Applied { outcomes, .. } = &ending {
        rejections::record(store, &rejections, desired, request, outcomes).await;
        recorder::carried_out(store, request).await;
    }
    Ok(Synced {
        plan: approved.into_plan(),
        ending,
    })
}

async fn carry_out<W: WriteApi>(
    api: &W,
    approved: &Approved,
    desired: &Desired,
    request: &Request,
    store: &dyn LedgerStore,
    shell: &impl Shell,
    stop: &Stop,
) -> Ending {
    let secrets = &desired.secrets;
    let (chronicle, history) = recorder::begin(store, request, shell).await;
    let options = request.apply;
    let applied = async {
        // The history ends with the last of its actions.
        let chronicle = chronicle;
        apply::apply(api, approved, secrets, store, options, &chronicle, stop).await
    };
    let (outcomes, history) = tokio::join!(applied, history.record());
    history.end(&outcomes).await;
    let afterwards = tokio::select! {
        biased;
        () = stop.requested() => Afterwards::Skipped,
        afterwards = proof::look_again(api, approved, desired, request, store, &outcomes) => afterwards,
    };
    Ending::Applied {
        outcomes,
        afterwards,
    }
}

/// True if there is anything to carry out.
#[must_use]
pub fn has_work(plan: &Plan) -> bool {
    plan.actions.iter().any(|a| a.kind.is_write())
}
