//! Between plan and apply: what may be carried out.
//!
//! [`Approved`] can be made only here, and the executor takes nothing else, so
//! an unguarded apply does not compile. The guard stops every action whose
//! secrets are not all there; the others go on.

use super::{Action, Block, Kind, Note, Plan};

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

/// Reviews a plan. Whoever calls it has the operator's consent.
#[must_use]
pub fn review(mut plan: Plan) -> Approved {
    for action in &mut plan.actions {
        stop_without_secrets(action);
    }
    Approved(plan)
}

fn stop_without_secrets(action: &mut Action) {
    let missing = action.notes.iter().find_map(|note| match note {
        Note::SecretsMissing(reasons) => Some(reasons.clone()),
        Note::SecretsNotCompared(_)
        | Note::Drift(_)
        | Note::Health { .. }
        | Note::UnknownCarried(_)
        | Note::RepeatsCreation => None,
    });
    if let Some(reasons) = missing {
        action
            .notes
            .retain(|note| !matches!(note, Note::SecretsMissing(_)));
        action.kind = Kind::Blocked(Block::MissingSecret { reasons });
    }
}
