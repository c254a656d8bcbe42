//! One integration: how it is, in a word, and why.

use jiff::Timestamp;
use serde::Serialize;

use crate::apply::ActionFailure;
use crate::ledger::Record;
use crate::live::{FailingTest, IntegrationStatus, StatusPhase};
use crate::manifest::Destination;
use crate::plan::{Action, Block, Change, Operation};
use crate::platform::{AttributePath, Platform};
use crate::reason::Reason;
use crate::text::chain;

/// State of an integration. The words are those of kstatus, and one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum State {
    /// It needs an operator, or has failed.
    Stalled,
    /// It is on its way, or waits for the server.
    Reconciling,
    /// It is suspended, by its file or by an operator.
    Suspended,
    /// It is as its file says, and healthy.
    Ready,
}

impl State {
    /// All, those that need attention first.
    pub const ALL: [Self; 4] = [
        Self::Stalled,
        Self::Reconciling,
        Self::Suspended,
        Self::Ready,
    ];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stalled => "Stalled",
            Self::Reconciling => "Reconciling",
            Self::Suspended => "Suspended",
            Self::Ready => "Ready",
        }
    }
}

/// One integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its platform, if that is known.
    #[serde(rename = "type")]
    pub platform: Option<&'static Platform>,
    /// The file with its document; `None` if there is no longer one.
    pub file: Option<String>,
    /// The line of its document.
    pub line: Option<usize>,
    /// Its id on the server.
    pub id: Option<String>,
    /// Its state.
    pub state: State,
    /// The reason.
    pub reason: Option<Reason>,
    /// The details, in sentences, with the remedy.
    pub about: Vec<String>,
    /// The attributes that the server moved since the last apply.
    pub drift: Vec<AttributePath>,
    /// True if the run has reverted the changes.
    #[serde(rename = "drift_repaired")]
    pub repaired: bool,
    /// The attributes that someone else keeps changing, even while the integration matches its
    /// file.
    pub contested: Vec<AttributePath>,
    /// Its stored secrets that were not compared.
    #[serde(rename = "secrets_not_compared")]
    pub not_compared: Vec<AttributePath>,
    /// Places to which secrets may be sent and that an update of the run leaves as the
    /// server has them.
    #[serde(rename = "destinations_carried")]
    pub carried: Vec<Destination>,
    /// The validation tests that did not pass.
    pub failing_tests: Vec<FailingTest>,
    /// Last change, as the ledger knows it.
    #[serde(rename = "last_change")]
    pub changed: Option<Timestamp>,
    /// The revision that it was last written from.
    pub revision: Option<String>,
}

/// A state, the reason in a word, and the reason in sentences.
pub(super) type RowState = (State, Option<Reason>, Vec<String>);

/// State by the newest plan.
pub(super) fn row_state(action: &Action, unsent: PendingReason) -> RowState {
    match &action.kind {
        Operation::Unchanged { .. } => action.notes().status.map_or_else(ready, health),
        Operation::Create { .. }
        | Operation::Update { .. }
        | Operation::Delete(_)
        | Operation::Replace { .. } => pending(unsent),
        Operation::Withheld { policy, would } => {
            let what = pending_change(would).map_or_else(
                || "the integration differs from its file".to_owned(),
                |(_, what)| what,
            );
            let paths: Vec<&str> = changes(would).iter().map(|c| c.path.as_str()).collect();
            let paths = match paths.as_slice() {
                [] => String::new(),
                paths => format!(" ({})", paths.join(", ")),
            };
            let policy = policy.as_str();
            let about = format!("{what}{paths}, but policy `{policy}` withholds the change");
            (State::Stalled, Some(Reason::WithheldByPolicy), vec![about])
        }
        Operation::Suspended { suspend, would } => {
            let mut about = vec![suspend.to_string()];
            let (reason, would) = pending_change(would).unzip();
            about.extend(would);
            (State::Suspended, reason, about)
        }
        Operation::Blocked(block) => blocked(block),
    }
}

/// Pending change of a suspended integration: its reason, and a sentence.
fn pending_change(would: &Operation) -> Option<(Reason, String)> {
    let would = match would {
        Operation::Create(_) => "the integration would be created",
        Operation::Update { .. } => "the integration differs from its file and would be updated",
        Operation::Delete(_) => "the integration would be deleted",
        Operation::Replace { .. } => {
            "the integration differs from its file and would be deleted \
            and recreated"
        }
        Operation::Blocked(block) => return Some((block.reason(), block.to_string())),
        Operation::Unchanged { .. } | Operation::Withheld { .. } | Operation::Suspended { .. } => {
            return None;
        }
    };
    Some((Reason::Pending, would.to_owned()))
}

fn ready() -> RowState {
    (State::Ready, None, Vec::new())
}

/// Reason why the newest plan still has something to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PendingReason {
    /// The guard refused the plan.
    Guarded,
    /// It was sent, and the server differs again.
    Written,
    /// It was sent, and the tenant has not been read since.
    NotProved,
    /// It was not sent.
    NotSent,
}

fn pending(unsent: PendingReason) -> RowState {
    let row_state = |state, reason, about: &str| (state, Some(reason), vec![about.to_owned()]);
    match unsent {
        PendingReason::Guarded => row_state(
            State::Stalled,
            Reason::GuardRefused,
            "the plan exceeds a limit of the guard and needs an operator's approval",
        ),
        PendingReason::Written => row_state(
            State::Reconciling,
            Reason::Retrying,
            "the integration was written, but the server differs from the file again; the next run \
            repeats the write",
        ),
        PendingReason::NotProved => row_state(
            State::Reconciling,
            Reason::NotProved,
            "the integration was written, but the tenant could not be read afterwards",
        ),
        PendingReason::NotSent => row_state(
            State::Reconciling,
            Reason::Pending,
            "the integration is waiting for its turn",
        ),
    }
}

fn blocked(block: &Block) -> RowState {
    let state = if block.passes() {
        State::Reconciling
    } else {
        State::Stalled
    };
    let about = vec![block.to_string(), block.help()];
    (state, Some(block.reason()), about)
}

/// A write that did not succeed.
pub(super) fn failed(failure: &ActionFailure) -> RowState {
    let about = vec![chain(failure), failure.help().to_owned()];
    if matches!(failure, ActionFailure::NotStarted) {
        (State::Reconciling, Some(Reason::NotStarted), about)
    } else if failure.is_interruption() {
        (State::Reconciling, Some(Reason::Interrupted), about)
    } else {
        (State::Stalled, Some(Reason::WriteFailed), about)
    }
}

/// An integration that matches its file may still be unhealthy.
fn health(status: &IntegrationStatus) -> RowState {
    let about = vec![format!("the server reports the status `{status}`")];
    if status.phase() == StatusPhase::Busy {
        return (State::Reconciling, Some(Reason::Busy), about);
    }
    let reason = match status {
        IntegrationStatus::RecurringValidationError => Reason::ValidationFailed,
        IntegrationStatus::CreateError => Reason::CreateError,
        IntegrationStatus::EditError => Reason::EditError,
        IntegrationStatus::MigrateError => Reason::MigrateError,
        IntegrationStatus::DeleteError => Reason::DeleteError,
        IntegrationStatus::Disabled => Reason::Disabled,
        IntegrationStatus::Creating
        | IntegrationStatus::Enabled
        | IntegrationStatus::Editing
        | IntegrationStatus::Migrating
        | IntegrationStatus::Deleting
        | IntegrationStatus::Deleted
        | IntegrationStatus::Unknown(_) => Reason::Unhealthy,
    };
    (State::Stalled, Some(reason), about)
}

/// The attributes that the server moved, whatever is done about it.
pub(super) fn drift(action: &Action) -> Vec<AttributePath> {
    let changed = changes(&action.kind).iter().filter(|c| c.is_drift());
    let all = action.notes().drift.iter().chain(changed);
    let mut paths: Vec<AttributePath> = all.map(|change| change.path.clone()).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The attributes that someone else keeps changing.
pub(super) fn contested(kind: &Operation, record: Option<&Record>) -> Vec<AttributePath> {
    match kind {
        Operation::Blocked(Block::Contested { attributes, .. }) => {
            attributes.iter().map(|it| it.path.clone()).collect()
        }
        Operation::Unchanged { .. } => {
            let repairs = record.map(|record| &record.state.repairs);
            let repairs = repairs.filter(|repairs| repairs.contested.is_some());
            let paths = repairs.into_iter().flat_map(|repairs| repairs.times.keys());
            paths.cloned().collect()
        }
        Operation::Create(_)
        | Operation::Update { .. }
        | Operation::Delete(_)
        | Operation::Replace { .. }
        | Operation::Withheld { .. }
        | Operation::Suspended { .. }
        | Operation::Blocked(_) => Vec::new(),
    }
}

fn changes(kind: &Operation) -> &[Change] {
    match kind {
        Operation::Update { changes, .. } | Operation::Replace { changes, .. } => changes,
        Operation::Withheld { would, .. } | Operation::Suspended { would, .. } => changes(would),
        Operation::Unchanged { .. }
        | Operation::Create { .. }
        | Operation::Delete(_)
        | Operation::Blocked(_) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::RemoteId;
    use crate::manifest::Suspend;
    use crate::plan::Note;

    fn action(kind: Operation, notes: Vec<Note>) -> Action {
        Action {
            name: "lake".to_owned(),
            platform: None,
            origin: None,
            kind,
            notes,
        }
    }

    fn shown(kind: Operation, notes: Vec<Note>) -> String {
        let (state, reason, about) = row_state(&action(kind, notes), PendingReason::NotSent);
        let reason = reason.map_or("-", Reason::as_str);
        format!("{} {reason} {}", state.word(), about.join("|"))
    }

    fn unchanged(status: IntegrationStatus) -> String {
        let id = RemoteId::new("7");
        let failing_tests = Vec::new();
        let note = Note::Health {
            status,
            failing_tests,
        };
        shown(Operation::Unchanged { id }, vec![note])
    }

    #[test]
    fn what_is_as_its_file_says_is_ready_only_if_it_is_healthy() {
        let id = RemoteId::new("7");
        assert_eq!(shown(Operation::Unchanged { id }, Vec::new()), "Ready - ");
        assert!(unchanged(IntegrationStatus::EditError).starts_with("Stalled EditError "));
        assert!(unchanged(IntegrationStatus::Migrating).starts_with("Reconciling Busy "));
        let word = IntegrationStatus::Unknown("Exploded".to_owned());
        assert!(unchanged(word).starts_with("Reconciling Busy "));
    }

    #[test]
    fn a_block_that_passes_by_itself_is_not_stalled() {
        let id = RemoteId::new("7");
        let status = IntegrationStatus::Editing;
        let busy = Operation::Blocked(Block::Busy { id, status });
        assert!(shown(busy, Vec::new()).starts_with("Reconciling Busy "));
        let invalid = Operation::Blocked(Block::InvalidFile);
        assert!(shown(invalid, Vec::new()).starts_with("Stalled InvalidFile "));
    }

    #[test]
    fn a_suspension_says_until_when() {
        let suspend = Suspend {
            reason: "moving".to_owned(),
            until: "2027-01-31".parse().ok(),
        };
        let would = Box::new(Operation::Unchanged {
            id: RemoteId::new("7"),
        });
        let shown = shown(Operation::Suspended { suspend, would }, Vec::new());
        assert_eq!(
            shown,
            "Suspended - moving (until the end of 2027-01-31 UTC)"
        );
    }

    #[test]
    fn what_is_left_to_send_says_why() {
        let word = |unsent| {
            let (state, reason, _) = pending(unsent);
            (state, reason.unwrap())
        };
        assert_eq!(
            word(PendingReason::Guarded),
            (State::Stalled, Reason::GuardRefused)
        );
        assert_eq!(
            word(PendingReason::Written),
            (State::Reconciling, Reason::Retrying)
        );
        assert_eq!(
            word(PendingReason::NotProved),
            (State::Reconciling, Reason::NotProved)
        );
        assert_eq!(
            word(PendingReason::NotSent),
            (State::Reconciling, Reason::Pending)
        );
        assert_eq!(failed(&ActionFailure::NotStarted).0, State::Reconciling);
        let cut_short = ActionFailure::Interrupted { status: None };
        assert_eq!(failed(&cut_short).0, State::Reconciling);
    }
}
