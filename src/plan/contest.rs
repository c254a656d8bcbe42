//! Values that someone else keeps reverting.
//!
//! Another installation on the tenant, or a person, may want another value than the file. Each
//! side would undo the other's work for ever, unnoticed. So repairs are counted by attribute.
//! After the third within a day the next drift of this attribute is not repaired: the
//! integration is contested, until a value in its file changes, a secret of it changes,
//! or an operator triggers a run, after which the count begins anew. A comment, another order
//! or another name of the file does not affect the contested values.
//!
//! Drift that the file's own history shows counts, and so does a difference in anything else
//! although identical inputs were sent before.

use jiff::{SignedDuration, Timestamp};

use super::diff::Difference;
use super::evidence::Contested;
use super::inputs::inputs;
use super::records::{RecordedIntegration, label};
use super::{Block, Change, ChangeKind, DisplayValue, PlanContext, converge};
use crate::ledger::{Fingerprint, Repairs};
use crate::manifest::{Integration, Name};

/// So many repairs of one attribute within [`WINDOW`] are enough.
const REPAIRS: usize = 3;

/// By then, someone who works on other attributes of the integration has finished.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Integrations for which a run may repair contested values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Operator {
    /// None: a timer, a webhook, a file or a program triggered the run.
    #[default]
    Absent,
    /// An operator triggered the run.
    Present,
    /// No operator is at a terminal, but these integrations were requested by name.
    Names(std::collections::BTreeSet<Name>),
}

impl Operator {
    /// True if an operator asks for this integration.
    #[must_use]
    pub fn asks_for(&self, name: &str) -> bool {
        match self {
            Self::Absent => false,
            Self::Present => true,
            Self::Names(names) => names.contains(name),
        }
    }
}

/// The block of an integration that someone else keeps changing; `None` if it may be repaired.
pub(super) fn block(
    integration: &Integration,
    difference: &Difference,
    recorded: Option<RecordedIntegration<'_>>,
    context: &PlanContext<'_>,
) -> Option<Block> {
    let recorded = recorded?;
    let repairs = &recorded.record.state.repairs;
    if repairs.times.is_empty() || context.operator.asks_for(&integration.name) {
        return None;
    }
    let changes = difference.changes.as_slice();
    let inputs = inputs_of(integration, Some(recorded), context);
    if is_new(repairs, inputs.as_ref(), changes, recorded) {
        return None;
    }
    let attributes: Vec<Contested> = repairs
        .times
        .iter()
        .filter(|(path, times)| match repairs.contested {
            Some(_) => times.len() >= REPAIRS,
            None => {
                let differs = |change: &Change| change.path == **path;
                counted(times, context.repairs_at).len() >= REPAIRS && changes.iter().any(differs)
            }
        })
        .map(|(path, times)| Contested {
            path: path.clone(),
            times: times.clone(),
        })
        .collect();
    (!attributes.is_empty()).then(|| Block::Contested {
        name: integration.name.clone(),
        attributes,
    })
}

/// Repairs to record once an update has succeeded.
pub(super) fn after_update(
    integration: &Integration,
    changes: &[Change],
    recorded: Option<RecordedIntegration<'_>>,
    context: &PlanContext<'_>,
) -> Repairs {
    let inputs = inputs_of(integration, recorded, context);
    let mut repairs = Repairs {
        inputs,
        ..Repairs::default()
    };
    let Some(recorded) = recorded else {
        return repairs;
    };
    if context.operator.asks_for(&integration.name) {
        return repairs;
    }
    let before = &recorded.record.state.repairs;
    let inputs_are_new = is_new(before, repairs.inputs.as_ref(), changes, recorded);
    if !inputs_are_new {
        repairs.times.clone_from(&before.times);
    }
    for change in changes {
        if is_repair(change, before, repairs.inputs.as_ref()) {
            let times = repairs.times.entry(change.path.clone()).or_default();
            times.push(context.repairs_at);
        }
    }
    for times in repairs.times.values_mut() {
        *times = counted(times, context.repairs_at);
    }
    repairs.times.retain(|_, times| !times.is_empty());
    repairs
}

/// Repairs to record for a file whose body is sent to create its integration.
pub(super) fn after_create(integration: &Integration, context: &PlanContext<'_>) -> Repairs {
    Repairs {
        inputs: inputs_of(integration, None, context),
        ..Repairs::default()
    }
}

/// Repairs to record after a read that found nothing to do: none after a day without a
/// repair, or if the inputs have changed.
pub(super) fn after_look(
    integration: &Integration,
    recorded: RecordedIntegration<'_>,
    context: &PlanContext<'_>,
) -> Repairs {
    let repairs = &recorded.record.state.repairs;
    if repairs.times.is_empty() {
        return repairs.clone();
    }
    let latest = repairs.times.values().flatten().chain(&repairs.contested);
    let is_recent = latest
        .max()
        .is_some_and(|at| context.repairs_at.duration_since(*at) < WINDOW);
    let inputs = inputs_of(integration, Some(recorded), context);
    if is_recent && !is_new(repairs, inputs.as_ref(), &[], recorded) {
        return repairs.clone();
    }
    Repairs {
        inputs: repairs.inputs.clone(),
        ..Repairs::default()
    }
}

/// Marks the repairs as contested once a drift was not repaired. The integration then
/// stays contested, however much time passes.
pub(super) fn left(repairs: &mut Repairs, now: Timestamp) {
    repairs.contested.get_or_insert(now);
}

/// The repairs that still count. A clock that was set back makes none of them older.
fn counted(times: &[Timestamp], now: Timestamp) -> Vec<Timestamp> {
    let recent = times.iter().filter(|at| now.duration_since(**at) < WINDOW);
    recent.copied().collect()
}

fn inputs_of(
    integration: &Integration,
    recorded: Option<RecordedIntegration<'_>>,
    context: &PlanContext<'_>,
) -> Option<Fingerprint> {
    inputs(
        label(integration, recorded),
        Some(integration),
        context.fingerprint,
    )
}

/// True if the file or one of its secrets has changed since the repairs. If a fingerprint
/// is missing, a change other than drift shows it.
fn is_new(
    repairs: &Repairs,
    inputs: Option<&Fingerprint>,
    changes: &[Change],
    recorded: RecordedIntegration<'_>,
) -> bool {
    let same = same_inputs(repairs, inputs);
    let is_of_file = |change: &Change| match change.kind {
        ChangeKind::Drift => false,
        ChangeKind::Change | ChangeKind::Conflict | ChangeKind::Rotation | ChangeKind::Resend => {
            !converge::is_known(change, &recorded)
        }
    };
    same.map_or_else(|| changes.iter().any(is_of_file), |same| !same)
}

fn same_inputs(repairs: &Repairs, inputs: Option<&Fingerprint>) -> Option<bool> {
    repairs.inputs.as_ref()?.same_secret(inputs?)
}

/// True if a change reverts a value that someone else has set. An attribute that the file no
/// longer sets is not set to anything.
fn is_repair(change: &Change, before: &Repairs, inputs: Option<&Fingerprint>) -> bool {
    match change.kind {
        ChangeKind::Drift => true,
        ChangeKind::Change => {
            change.after != DisplayValue::Absent && same_inputs(before, inputs) == Some(true)
        }
        ChangeKind::Conflict | ChangeKind::Rotation | ChangeKind::Resend => false,
    }
}
