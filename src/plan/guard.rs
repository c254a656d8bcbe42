//! Between plan and apply: what may be carried out.
//!
//! [`Approved`] can be made only here, and the executor takes nothing else, so
//! an unguarded apply does not compile. The guard stops every action whose
//! secrets are not all there, while the others go on; and it refuses a plan that
//! touches more than its limits allow as a whole, since then the files, and not
//! one of them, are not what they should be.

use super::policy::{Exceeded, GuardLimits};
use super::{Action, Block, Note, Operation, Plan};

/// A plan that may be carried out.
#[derive(Debug)]
pub struct Approved(Plan);

impl Approved {
    /// The plan, with what the guard stopped now blocked.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.0
    }

    /// Gives the plan back.
    #[must_use]
    pub fn into_plan(self) -> Plan {
        self.0
    }
}

/// A plan that must not be carried out.
#[derive(Debug)]
pub struct RefusedPlan {
    /// The plan.
    pub plan: Plan,
    /// The limits that it goes beyond.
    pub exceeded: Vec<Exceeded>,
}

/// Reviews a plan. The caller has the operator's approval.
///
/// # Errors
/// The plan exceeds a limit.
pub fn review(mut plan: Plan, limits: &GuardLimits) -> Result<Approved, Box<RefusedPlan>> {
    // The plan as it is meant: what a missing secret stops would count otherwise
    // in a dry run, and not in the apply.
    let exceeded = limits.exceeded(&plan);
    block_without_secrets(&mut plan);
    if exceeded.is_empty() {
        Ok(Approved(plan))
    } else {
        Err(Box::new(RefusedPlan { plan, exceeded }))
    }
}

/// Blocks every write whose secrets are not all there.
pub fn block_without_secrets(plan: &mut Plan) {
    for action in &mut plan.actions {
        stop_without_secrets(action);
    }
}

fn stop_without_secrets(action: &mut Action) {
    let missing = action.notes().secrets_missing.to_vec();
    if !missing.is_empty() && action.kind.is_write() {
        action
            .notes
            .retain(|note| !matches!(note, Note::SecretsMissing { .. }));
        action.kind = Operation::Blocked(Block::MissingSecret { reasons: missing });
    }
}
