//! The request for a run of the pipeline.

use std::collections::{BTreeMap, BTreeSet};

use super::RunTrigger;
use crate::apply;
use crate::ledger::Suspensions;
use crate::manifest::Name;
use crate::plan::{
    GuardLimits, OnConflict, OnDrift, Operator, PlanDigest, Policy, Resend, Selection,
};

/// Source of the tenant's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LookForConnections {
    /// Ask the tenant
    #[default]
    Auto,
    /// Assume that the tenant has no connections
    None,
}

/// Request for a sync of the files.
#[derive(Debug, Clone)]
pub struct Request {
    /// The selected documents.
    pub selection: Selection,
    /// The moment of the run, for suspensions that end: one for all plans of it.
    pub now: jiff::Timestamp,
    /// Action for values that were changed on the server.
    pub on_drift: OnDrift,
    /// Action for values that were changed both in the file and on the server.
    pub on_conflict: OnConflict,
    /// Kinds of actions to take.
    pub policy: Policy,
    /// Maximum numbers of writes.
    pub limits: GuardLimits,
    /// The source of the tenant's connections.
    pub connections: LookForConnections,
    /// Integrations that may be deleted and created again where they cannot be edited.
    pub allow_replace: BTreeSet<Name>,
    /// Integrations that may be deleted although their file still exists.
    pub allow_removal: BTreeSet<Name>,
    /// Integrations that operators have suspended.
    pub suspended: Suspensions,
    /// Integrations that failed a moment ago, and when each may be written again.
    pub backing_off: BTreeMap<Name, jiff::Timestamp>,
    /// True if rejected writes are retried only after a pause: a manual run does not wait.
    pub respects_rejections: bool,
    /// Integrations for which contested values are repaired.
    pub operator: Operator,
    /// Integrations whose secrets are resent.
    pub resend: Resend,
    /// Source of the files, for the history.
    pub source: String,
    /// Their revision, if they have one.
    pub revision: Option<String>,
    /// The reason for the run.
    pub trigger: RunTrigger,
    /// The only plan that may be applied, if one was approved before.
    pub expect: Option<PlanDigest>,
    /// Options of the apply.
    pub apply: apply::ApplyOptions,
}

impl Request {
    /// All files, with the defaults of everything else.
    #[must_use]
    pub fn new(now: jiff::Timestamp) -> Self {
        Self {
            selection: Selection::default(),
            now,
            on_drift: OnDrift::default(),
            on_conflict: OnConflict::default(),
            policy: Policy::default(),
            limits: GuardLimits::default(),
            connections: LookForConnections::default(),
            allow_replace: BTreeSet::new(),
            allow_removal: BTreeSet::new(),
            suspended: Suspensions::default(),
            backing_off: BTreeMap::new(),
            respects_rejections: false,
            operator: Operator::default(),
            resend: Resend::default(),
            source: String::new(),
            revision: None,
            trigger: RunTrigger::default(),
            expect: None,
            apply: apply::ApplyOptions::default(),
        }
    }
}
