//! The plan: the actions that make the tenant equal to the files.
//!
//! [`plan`](plan()) is a pure function of the files, the live state, and the rest of a
//! [`PlanContext`]. The plan leaves no decision to the executor: every action carries the final
//! body of its request, with references in place of secrets, and the precondition under which
//! it was planned. It is ordered by name, and does not depend on the order of the files or of
//! the server's list.

mod absence;
mod adopt;
mod against;
mod before;
mod block;
mod body;
mod bound;
mod carry;
mod cause;
mod change;
mod compare;
mod contest;
mod converge;
mod coverage;
mod decide;
mod diff;
mod differences;
mod digest;
mod evidence;
mod guard;
mod history;
mod inputs;
mod masked;
mod needs;
mod note;
mod operation;
mod owners;
mod pairing;
mod policy;
mod precondition;
mod recorded;
mod records;
mod recover;
mod removal;
mod replace;
mod resend;
mod resolve;
mod script;
mod selection;
mod stored;
mod undeletable;
mod unknown_outcome;
mod wording;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

pub use absence::SourceKind;
pub use adopt::{AdoptedSecrets, Adoption, AdoptionResult, adopt};
pub use before::Before;
pub use block::{Block, Freeze, Undeletable};
pub use body::{Body, with_references};
pub use cause::{ChangedBy, changed_by};
pub use change::{Change, ChangeKind, DisplayValue};
pub use compare::{default_json as default_of, to_json as shown};
pub use contest::Operator;
pub use converge::not_kept;
pub use coverage::{Coverage, coverage};
pub use differences::{Differences, differences};
pub use digest::{InvalidDigest, PlanDigest};
pub use evidence::{Absence, Contested, UnknownOutcome};
pub use guard::{Approved, RefusedPlan, block_without_secrets, review};
pub use history::{OnConflict, OnDrift};
pub use inputs::inputs;
pub use note::{Note, Notes};
pub use pairing::found_key as identity_of;
pub use policy::{Counted, Exceeded, GuardLimits, Limit, Policy, Share};
pub use precondition::{
    AbsencePrecondition, Listed, PreconditionFailure, StatePrecondition, UpdatePrecondition,
};
pub use recorded::StateUpdate;
pub use recover::{Recovery, Settled, recover};
pub use removal::{Deletion, deletion_references};
pub use resend::Resend;
pub use resolve::{NotTheResult, resolve};
pub use script::{
    ManualParts, ScriptSituation, needed_scripts, removal_block, script_body, script_command,
    script_kinds, script_situation, scripts_need_file,
};
pub use selection::{KnownNames, Selection};

use crate::ledger::{Fingerprint, Intent, Ledger, RecordedState, Suspensions};
use crate::live::{IntegrationStatus, Live, LiveIntegration, Owners, RemoteId, Unreadable};
use crate::manifest::{Bindings, Manifest, Name, Origin, Suspend};
use crate::platform::Platform;
use crate::secret::{Reference, Template};
use absence::Absences;
use against::Against;
use decide::{decide, invalid_action};
use pairing::{Pairing, pair, present};
use records::{RecordedIntegration, RecordedIntegrations};

/// Everything that will be done, will not be done, and why.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// One for each selected document, for each integration that no document describes any longer
    /// and that would be deleted, and for each write with an unknown outcome; by name.
    pub actions: Vec<Action>,
    /// The digest of the actions as they were planned, before any of them was stopped for lack of
    /// a secret.
    pub digest: PlanDigest,
    /// Live integrations that no file describes, by id.
    pub unmanaged: Vec<Unmanaged>,
    /// Unreadable parts of the server's list.
    pub unreadable: Vec<Unreadable>,
    /// Number of documents and removals that are not selected.
    pub unselected: usize,
    /// True if files could not be read far enough to know all integrations that they describe.
    pub incomplete: bool,
    /// Observations to record without a write: they change nothing on the server.
    pub state_updates: Vec<StateUpdate>,
    /// Recorded integrations without a file that no longer exist on the server.
    pub gone: Vec<RemoteId>,
    /// Number of live integrations that have a file or are owned.
    pub managed: usize,
    /// Number of integrations that the files describe, selected or not, valid or not.
    pub described: usize,
    /// Number of integrations in the ledger.
    pub recorded: usize,
    /// The names of those of them that the tenant says are gone.
    pub disappeared: Vec<Name>,
    /// Deletions that are not allowed by name, where the files describe nothing at all.
    pub unnamed: Vec<Name>,
    /// True if the files describe nothing at all, nothing is planned, and the policy is to
    /// delete what they do not describe.
    pub is_empty_source: bool,
    /// Suspensions by operators, as far as they apply now.
    pub suspensions: Suspensions,
    /// Allowed destinations of references. They hold for what is sent, as they did for
    /// the files.
    pub bindings: Bindings,
    /// The connections that integrations belong to.
    pub owners: Owners,
}

impl Plan {
    /// Number of suspended integrations, with or without changes.
    #[must_use]
    pub fn suspended(&self) -> usize {
        let all = self.suspensions.all.is_some();
        let names = &self.suspensions.names;
        let is_it = |action: &&Action| {
            let of_file = matches!(action.kind, Operation::Suspended { .. });
            all || of_file || names.contains_key(&action.name)
        };
        self.actions.iter().filter(is_it).count()
    }
}

/// Action for one integration.
#[derive(Debug, Clone)]
pub struct Action {
    /// The name of the integration.
    pub name: Name,
    /// Its platform; unknown for a file whose type could not be read.
    pub platform: Option<&'static Platform>,
    /// Position of its document; `None` if it no longer has one.
    pub origin: Option<Origin>,
    /// The kind of action.
    pub kind: Operation,
    /// Other notes for the operator.
    pub notes: Vec<Note>,
}

/// Kind of an action.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Nothing: the live integration is as the file says.
    Unchanged {
        /// The live integration.
        id: RemoteId,
    },
    /// `POST /integrations`.
    Create(Creation),
    /// `PUT /integrations/{id}`.
    Update {
        /// The live integration.
        id: RemoteId,
        /// The changes; empty if only a failed creation is repeated.
        changes: Vec<Change>,
        /// The body to send.
        body: Body,
        /// The state to record.
        state: RecordedState,
        /// Conditions that must still hold; also makes the body anew from the read before
        /// the write.
        precondition: Box<UpdatePrecondition>,
    },
    /// `DELETE /integrations/{id}`.
    Delete(Box<Deletion>),
    /// A delete, and then a create: what is different cannot be edited.
    Replace {
        /// The delete.
        deletion: Box<Deletion>,
        /// The changes, and values that are lost in the replacement.
        changes: Vec<Change>,
        /// The create.
        creation: Creation,
    },
    /// Nothing: the policy withholds the change.
    Withheld {
        /// The policy.
        policy: Policy,
        /// The withheld action.
        would: Box<Operation>,
    },
    /// Nothing: its file, or an operator, suspends it.
    Suspended {
        /// Its reason and end.
        suspend: Suspend,
        /// The suspended action.
        would: Box<Operation>,
    },
    /// Nothing, although something would have to be done.
    Blocked(Block),
}

/// A `POST`, complete.
#[derive(Debug, Clone)]
pub struct Creation {
    /// The body to send.
    pub body: Body,
    /// The state to record.
    pub state: RecordedState,
    /// The same, begun before: it may still take effect, and the server then refuses
    /// this one.
    pub repeats: Option<Box<Intent>>,
    /// The condition that must still hold before it.
    pub precondition: AbsencePrecondition,
}

/// A live integration that no file describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmanaged {
    /// Its id.
    pub id: RemoteId,
    /// Its type on the wire.
    pub type_name: String,
    /// Its identity, if that is known.
    pub identity: Option<String>,
    /// Its status.
    pub status: IntegrationStatus,
    /// The key of the connection that it belongs to.
    pub connection: Option<String>,
    /// The name under which it is recorded, or will be once what has its name now is.
    pub recorded: Option<Name>,
    /// True if this tool has created or adopted it, and no connection has had it since.
    pub owned: bool,
}

/// Inputs of a plan besides the files and the live state.
pub struct PlanContext<'a> {
    /// The selected documents.
    pub selection: &'a Selection,
    /// The moment of the run, for suspensions that end.
    pub now: jiff::Timestamp,
    /// Reason why a secret is not available; `None` if it is available.
    pub missing_secret: &'a dyn Fn(&Reference) -> Option<String>,
    /// Recorded state; empty if there is none.
    pub ledger: &'a Ledger,
    /// Writes with an unknown outcome, by the name of their integration.
    pub unknown_outcomes: &'a BTreeMap<Name, UnknownOutcome>,
    /// The fingerprint of a secret by the name of its integration and its path;
    /// `None` if it cannot be made here.
    pub fingerprint: &'a dyn Fn(&str, &str, &Template) -> Option<Fingerprint>,
    /// True if two templates are the same text; `None` if a secret in them is missing.
    pub is_same_text: &'a dyn Fn(&Template, &Template) -> Option<bool>,
    /// The kinds of actions to take.
    pub policy: Policy,
    /// Integrations that may be deleted and created again where they cannot be edited.
    pub allow_replace: &'a BTreeSet<Name>,
    /// The kind of source that the files come from.
    pub source: SourceKind,
    /// Files that hold no document, as far as a record keeps them.
    pub empty_files: &'a BTreeSet<String>,
    /// Integrations that may be deleted although their file still exists.
    pub allow_removal: &'a BTreeSet<Name>,
    /// Integrations that operators have suspended.
    pub suspended: &'a Suspensions,
    /// Integrations that failed a moment ago, and when each may be written again.
    pub backing_off: &'a BTreeMap<Name, jiff::Timestamp>,
    /// The current time, if rejected writes are retried only after a pause.
    pub rejections_at: Option<jiff::Timestamp>,
    /// Time of the repairs of this plan, by the clock of the ledger.
    pub repairs_at: jiff::Timestamp,
    /// Integrations for which contested values are repaired.
    pub operator: &'a Operator,
    /// Integrations whose secrets are resent.
    pub resend: &'a Resend,
    /// The revision of the files, if they have one.
    pub revision: Option<&'a str>,
    /// Action for values that were changed on the server.
    pub on_drift: OnDrift,
    /// Action for values that were changed on both sides.
    pub on_conflict: OnConflict,
}

/// Makes the plan.
#[must_use]
pub fn plan(manifest: &Manifest, live: &Live, context: &PlanContext<'_>) -> Plan {
    let paired = pair(manifest, live, context.ledger);
    // What is gone and still listed may come back: then it was not there.
    let listed = Arc::new(present(live).map(|l| l.id.clone()).collect());
    let against = Against {
        live,
        listed: &listed,
        recorded: RecordedIntegrations::new(context.ledger),
        claims: &paired.claims,
        freeze: removal::freeze(manifest),
        bindings: &manifest.bindings,
        files: manifest.file_names().collect(),
        absences: Absences::new(manifest, context),
        context,
    };
    let managed = managed(live, &paired.pairings, &against.recorded);
    let selected = |name: &str| context.selection.includes(name);
    let described = manifest.integrations.iter().zip(paired.pairings);
    let (mut actions, state_updates): (Vec<Action>, Vec<Option<StateUpdate>>) = described
        .filter(|(integration, _)| selected(&integration.name))
        .map(|(integration, pairing)| decide(integration, pairing, &against))
        .unzip();
    let invalid = manifest.invalid.iter();
    actions.extend(invalid.filter(|i| selected(&i.name)).map(invalid_action));
    let described_by_files = manifest.integrations.len() + manifest.invalid.len();
    let selected_documents = actions.len();
    let emptied = against.emptied();
    actions.extend(emptied.frozen);
    let removals = removal::removals(&paired.unmanaged, &against);
    actions.extend(removals.actions);
    actions.extend(unknown_outcome::orphaned(&actions, context));
    for action in &mut actions {
        limit(action, manifest, live, context);
    }
    actions.sort_by(|a, b| (&a.name, &a.origin).cmp(&(&b.name, &b.origin)));
    Plan {
        digest: PlanDigest::of(&actions),
        managed,
        described: described_by_files,
        recorded: context.ledger.records.len(),
        disappeared: removal::disappeared(&against),
        unnamed: removal::unnamed(&actions, &against),
        // What cannot be read may say something.
        is_empty_source: !manifest.incomplete && removal::is_empty_source(&actions, &against),
        suspensions: context.suspended.at(context.now),
        bindings: manifest.bindings.clone(),
        gone: removal::gone(&against),
        unmanaged: unmanaged(paired.unmanaged, &actions, &against),
        state_updates: state_updates
            .into_iter()
            .flatten()
            .chain(owners::disowned(&against))
            .collect(),
        owners: live.owners.clone(),
        unreadable: live.unreadable.clone(),
        unselected: described_by_files - selected_documents
            + emptied.unselected
            + removals.unselected,
        incomplete: manifest.incomplete,
        actions,
    }
}

/// Stops what the bindings, the policy, a pause or an owner stand against.
fn limit(action: &mut Action, manifest: &Manifest, live: &Live, context: &PlanContext<'_>) {
    let kind = std::mem::replace(&mut action.kind, Operation::Blocked(Block::InvalidFile));
    let kind = bound::admitted(kind, &manifest.bindings);
    let kind = postponed(kind, &action.name, manifest, context);
    let kind = context.policy.limit(kind);
    action.kind = owners::limit(kind, action.platform, &live.owners);
}

/// Delays the retry of a recently failed write.
fn postponed(
    kind: Operation,
    name: &str,
    manifest: &Manifest,
    context: &PlanContext<'_>,
) -> Operation {
    if !kind.is_write() {
        return kind;
    }
    let rejected = rejected_until(name, manifest, context);
    match context.backing_off.get(name).copied().max(rejected) {
        Some(until) => Operation::Blocked(Block::BackingOff { until }),
        None => kind,
    }
}

/// Until when a write is not repeated that the server refused; `None` if it may be sent.
fn rejected_until(
    name: &str,
    manifest: &Manifest,
    context: &PlanContext<'_>,
) -> Option<jiff::Timestamp> {
    let now = context.rejections_at?;
    let rejected = context.ledger.rejections.get(name)?;
    let integration = manifest.find(name);
    let inputs = inputs(name, integration, context.fingerprint)?;
    rejected.pause(now)?;
    rejected.is_of(&inputs).then(|| rejected.until())
}

/// Number of live integrations that have a file, or that are owned although they no longer have
/// one.
fn managed(live: &Live, pairings: &[Pairing<'_>], recorded: &RecordedIntegrations<'_>) -> usize {
    let found = pairings.iter().filter_map(Pairing::found);
    let is_owned = |l: &&LiveIntegration| recorded.of(l).is_some_and(|p| p.record.state.owned);
    let owned = present(live).filter(is_owned);
    let ids: HashSet<&RemoteId> = found.chain(owned).map(|l| &l.id).collect();
    ids.len()
}

/// The unmanaged integrations without an action.
fn unmanaged(left: Vec<Unmanaged>, actions: &[Action], against: &Against<'_>) -> Vec<Unmanaged> {
    let dealt_with: BTreeSet<&str> = actions.iter().map(|action| action.name.as_str()).collect();
    let recorded: HashMap<&RemoteId, (&LiveIntegration, RecordedIntegration<'_>)> =
        present(against.live)
            .filter_map(|found| Some((&found.id, (found, against.recorded.of(found)?))))
            .collect();
    left.into_iter()
        .map(|live| match recorded.get(&live.id) {
            None => live,
            Some((found, recorded)) => Unmanaged {
                owned: recorded.record.state.owned,
                recorded: Some(recorded.unused_name(&against.files)),
                identity: before::identity(live.identity, found, &recorded.record.state),
                ..live
            },
        })
        .filter(|live| {
            let recorded = live.recorded.as_deref();
            recorded.is_none_or(|name| !dealt_with.contains(name))
        })
        .collect()
}
