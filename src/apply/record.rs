//! Ledger entries around every write: the intent before it, the record after it is confirmed,
//! and neither while the outcome is unknown.

use jiff::Timestamp;

use super::{ActionFailure, Ended, Run};
use crate::immuta::WriteApi;
use crate::ledger::{Applied, IntendedWrite, Intent, Record, RecordedState};
use crate::live::{IntegrationStatus, RemoteId};
use crate::plan::{Creation, Deletion};
use crate::platform::Platform;

pub(super) fn to_create(creation: &Creation, at: Timestamp) -> Intent {
    let Creation {
        body,
        state,
        repeats: _,
        precondition,
    } = creation;
    let listed = precondition.listed().cloned().collect();
    intent(body.platform, state, IntendedWrite::Create { listed }, at)
}

/// Intent to record before the write: an integration that appears may also be the result of an
/// earlier write.
pub(super) fn with_earlier(intent: &Intent, earlier: &Intent) -> Intent {
    Intent {
        write: earlier.write.clone(),
        state: RecordedState {
            applied: intent.state.applied.clone().or(&earlier.state.applied),
            ..intent.state.clone()
        },
        ..intent.clone()
    }
}

pub(super) fn to_update(
    platform: &Platform,
    state: &RecordedState,
    id: &RemoteId,
    at: Timestamp,
) -> Intent {
    intent(
        platform,
        state,
        IntendedWrite::Update { id: id.clone() },
        at,
    )
}

pub(super) fn to_delete(deletion: &Deletion, at: Timestamp) -> Intent {
    let write = IntendedWrite::Delete {
        id: deletion.id.clone(),
        before: deletion.before.to_json(),
    };
    intent(deletion.platform, &deletion.state, write, at)
}

fn intent(
    platform: &Platform,
    state: &RecordedState,
    write: IntendedWrite,
    at: Timestamp,
) -> Intent {
    Intent {
        type_name: platform.wire.to_owned(),
        write,
        state: state.clone(),
        at,
    }
}

/// Meaning of a write for the ledger.
enum Settlement {
    Confirm(Box<Record>),
    Forget(RemoteId),
    Abandon,
    /// The outcome is unknown: the intent remains, and the next run determines the outcome.
    Open,
}

impl<W: WriteApi> Run<'_, W> {
    /// The current time.
    pub(super) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Records an intent; nothing is sent without it, and after a stop only a write that
    /// finishes an action.
    pub(super) async fn begin(&self, name: &str, intent: &Intent) -> Result<(), ActionFailure> {
        if self.drain.has_begun() && !self.is_under_way(name) {
            return Err(ActionFailure::NotStarted);
        }
        if !self.is_under_way(name) {
            self.check_not_suspended(name).await?;
        }
        // Before the intent is recorded: a stop at this moment must not keep an intent whose action
        // counts as not started.
        let is_new = self.under_way().insert(name.to_owned());
        let begun = self.store.begin(name, intent).await;
        if begun.is_err() && is_new {
            self.under_way().remove(name);
        }
        begun.map_err(ActionFailure::NotWrittenDown)
    }

    /// An operator may have suspended writes since the plan was made: a long apply has to hear
    /// of it.
    async fn check_not_suspended(&self, name: &str) -> Result<(), ActionFailure> {
        let suspensions = self.store.suspensions().await;
        let suspensions = suspensions.map_err(ActionFailure::NotWrittenDown)?;
        match suspensions.of(name, self.now()) {
            Some(_) => Err(ActionFailure::Suspended),
            None => Ok(()),
        }
    }

    /// Records the outcome of a write. A write that succeeded and could not be recorded is
    /// a failure: the next run has to find out its outcome again.
    pub(super) async fn settle(&self, name: &str, intent: &Intent, ended: Ended) -> Ended {
        let written = match settlement(intent, &ended, self.now()) {
            Settlement::Confirm(record) => self.store.confirm(name, &record).await,
            Settlement::Forget(id) => self.store.forget(name, &id).await,
            Settlement::Abandon => self.store.abandon(name).await,
            Settlement::Open => Ok(()),
        };
        match (written, ended) {
            (Err(error), (id, Ok(_))) => (id, Err(ActionFailure::NotRecorded(error))),
            (_, ended) => ended,
        }
    }
}

fn settlement(intent: &Intent, ended: &Ended, at: Timestamp) -> Settlement {
    let is_create = matches!(intent.write, IntendedWrite::Create { .. });
    match ended {
        (_, Ok(_)) if let IntendedWrite::Delete { id, .. } = &intent.write => {
            Settlement::Forget(id.clone())
        }
        (Some(id), Ok(_)) => Settlement::Confirm(Box::new(record(
            intent,
            id,
            intent.state.applied.clone(),
            at,
        ))),
        // It exists and is ours.
        (
            Some(id),
            Err(ActionFailure::Server {
                status: IntegrationStatus::CreateError,
                ..
            }),
        ) if is_create => {
            let applied = intent.state.applied.clone().unproven();
            Settlement::Confirm(Box::new(record(intent, id, applied, at)))
        }
        (_, Err(failure)) if failure.had_no_effect() => Settlement::Abandon,
        (_, Ok(_) | Err(_)) => Settlement::Open,
    }
}

fn record(intent: &Intent, id: &RemoteId, applied: Applied, at: Timestamp) -> Record {
    Record {
        type_name: intent.type_name.clone(),
        id: id.clone(),
        state: RecordedState {
            applied,
            ..intent.state.clone()
        },
        at,
    }
}
