//! The pipeline, and the only place that knows the order of its stages:
//!
//! ```text
//! source ─► load ─► check ─► resolve ─► fetch ─► diff ─► plan ─► review ─► apply ─► verify
//! ```
//!
//! A dry run is handed a reader and stops at the plan; [`sync`] is handed what
//! makes a writer, and makes it only after the plan was approved. Both compute
//! the plan by [`make_plan`], and so does the proof at the end.

use crate::apply::{self, Observer, Outcome, Stop};
use crate::immuta::{ApiError, ReadApi, Scrubber, WriteApi};
use crate::live::Live;
use crate::manifest::Manifest;
use crate::plan::{self, Approved, Context, Kind, Plan, Selection};
use crate::secret::{Secret, Secrets};

/// What the files want, with everything that was resolved for them.
#[derive(Debug)]
pub struct Desired {
    /// The files.
    pub manifest: Manifest,
    /// The secrets that they name.
    pub secrets: Secrets,
}

impl Desired {
    /// Takes every secret that is known here out of what the server says about
    /// failing tests: it may repeat what was sent to it, now or in an earlier run.
    fn scrubbed(&self, mut live: Live) -> Live {
        let mut said = live
            .integrations
            .iter_mut()
            .flat_map(|l| &mut l.failing_tests)
            .peekable();
        if said.peek().is_none() {
            return live;
        }
        let mut secrets: Vec<&Secret> = self.secrets.values().collect();
        for integration in &self.manifest.integrations {
            integration.for_each_template(&mut |template| secrets.extend(template.literals()));
        }
        let scrubber = Scrubber::new(secrets);
        said.for_each(|test| *test = scrubber.scrub_test(test));
        live
    }
}

/// What is to be done with the files.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which of them are meant.
    pub selection: Selection,
    /// The day, for suspensions that end.
    pub today: jiff::civil::Date,
    /// How a plan is carried out.
    pub apply: apply::Options,
}

/// Who watches a sync and gives leave for it.
pub trait Shell: Observer {
    /// Shows the plan and gives leave, or not. Asked only if there is anything to do.
    fn approve(&self, plan: &Plan) -> Consent;
}

/// Leave to write, or the lack of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Go on.
    Given,
    /// The operator said no.
    Declined,
    /// Nobody was there to ask.
    NotAsked,
}

/// How a sync went.
#[derive(Debug)]
pub struct Synced {
    /// What was to be done; what the guard stopped is blocked in it.
    pub plan: Plan,
    /// What came of it.
    pub ending: Ending,
}

/// Where a run of the pipeline came to its end.
#[derive(Debug)]
pub enum Ending {
    /// It was a dry run.
    Planned,
    /// There was nothing to carry out.
    NothingToDo,
    /// There was no leave.
    Refused(Consent),
    /// The plan was carried out.
    Applied {
        /// One for each action.
        outcomes: Vec<Outcome>,
        /// What a second plan told.
        afterwards: Afterwards,
    },
}

/// The look at the tenant after an apply.
#[derive(Debug)]
pub enum Afterwards {
    /// The second plan.
    Planned(Plan),
    /// The tenant could not be read.
    Unread(ApiError),
    /// The stop was pulled: nobody waits for a proof.
    Skipped,
}

/// Reads the tenant and makes the plan.
///
/// # Errors
/// The list could not be read.
pub async fn make_plan<R: ReadApi>(
    api: &R,
    desired: &Desired,
    request: &Request,
) -> Result<Plan, ApiError> {
    let live = fetch(api, desired).await?;
    Ok(plan(desired, &live, request))
}

/// Reads the tenant. What is desired tells which secrets must not show.
///
/// # Errors
/// The list could not be read.
pub async fn fetch<R: ReadApi>(api: &R, desired: &Desired) -> Result<Live, ApiError> {
    Ok(desired.scrubbed(api.list().await?))
}

/// Makes the plan of what was read.
#[must_use]
pub fn plan(desired: &Desired, live: &Live, request: &Request) -> Plan {
    let missing = |reference: &_| {
        desired
            .secrets
            .get(reference)
            .err()
            .map(|missing| missing.to_string())
    };
    let context = Context {
        selection: &request.selection,
        today: request.today,
        missing_secret: &missing,
    };
    plan::plan(&desired.manifest, live, &context)
}

/// Makes the plan and stops.
///
/// # Errors
/// The list could not be read.
pub async fn dry_run<R: ReadApi>(
    api: &R,
    desired: &Desired,
    request: &Request,
) -> Result<Synced, ApiError> {
    let plan = make_plan(api, desired, request).await?;
    Ok(Synced {
        plan,
        ending: Ending::Planned,
    })
}

/// Makes the plan, carries it out if there is leave, and proves that nothing is left.
///
/// # Errors
/// The list could not be read; nothing was written.
pub async fn sync<R: ReadApi, W: WriteApi>(
    api: R,
    into_writer: impl FnOnce(R) -> W,
    desired: &Desired,
    request: &Request,
    shell: &impl Shell,
    stop: &Stop,
) -> Result<Synced, ApiError> {
    let plan = make_plan(&api, desired, request).await?;
    let approved = plan::review(plan);
    if !has_work(approved.plan()) {
        return Ok(Synced {
            plan: approved.into_plan(),
            ending: Ending::NothingToDo,
        });
    }
    match shell.approve(approved.plan()) {
        Consent::Given => {}
        consent @ (Consent::Declined | Consent::NotAsked) => {
            return Ok(Synced {
                plan: approved.into_plan(),
                ending: Ending::Refused(consent),
            });
        }
    }
    let api = into_writer(api);
    let ending = carry_out(&api, &approved, desired, request, shell, stop).await;
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
    shell: &impl Shell,
    stop: &Stop,
) -> Ending {
    let outcomes = apply::apply(api, approved, &desired.secrets, request.apply, shell, stop).await;
    let afterwards = tokio::select! {
        biased;
        () = stop.requested() => Afterwards::Skipped,
        plan = make_plan(api, desired, request) => match plan {
            Ok(plan) => Afterwards::Planned(plan),
            Err(error) => Afterwards::Unread(error),
        },
    };
    Ending::Applied {
        outcomes,
        afterwards,
    }
}

/// Whether there is anything to carry out.
#[must_use]
pub fn has_work(plan: &Plan) -> bool {
    plan.actions
        .iter()
        .any(|a| matches!(a.kind, Kind::Create { .. } | Kind::Update { .. }))
}
