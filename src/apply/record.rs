//! What is written down around every write: the intent before it, the record
//! after it is confirmed, and nothing while nobody knows.

use std::sync::PoisonError;

use jiff::Timestamp;

use super::{Ended, Failure, Run};
use crate::immuta::WriteApi;
use crate::ledger::{Applied, IntendedWrite, Intent, Memory, Record};
use crate::live::{RemoteId, Status};
use crate::plan::{Creation, Deletion};
use crate::platform::Platform;

pub(super) fn to_create(creation: &Creation, at: Timestamp) -> Intent {
    let Creation {
        body,
        memory,
        repeats: _,
        precondition,
    } = creation;
    let listed = precondition.listed().cloned().collect();
    intent(body.platform, memory, IntendedWrite::Create { listed }, at)
}

/// What is written down before it is sent: what appears may also be what an earlier
/// one makes.
pub(super) fn with_earlier(intent: &Intent, earlier: &Intent) -> Intent {
    Intent {
        write: earlier.write.clone(),
        memory: Memory {
            applied: intent.memory.applied.clone().or(&earlier.memory.applied),
            ..intent.memory.clone()
        },
        ..intent.clone()
    }
}

pub(super) fn to_update(
    platform: &Platform,
    memory: &Memory,
    id: &RemoteId,
    at: Timestamp,
) -> Intent {
    intent(
        platform,
        memory,
        IntendedWrite::Update { id: id.clone() },
        at,
    )
}

pub(super) fn to_delete(deletion: &Deletion, at: Timestamp) -> Intent {
    let write = IntendedWrite::Delete {
        id: deletion.id.clone(),
        before: deletion.before.clone(),
    };
    intent(deletion.platform, &deletion.memory, write, at)
}

fn intent(platform: &Platform, memory: &Memory, write: IntendedWrite, at: Timestamp) -> Intent {
    Intent {
        type_name: platform.wire.to_owned(),
        write,
        memory: memory.clone(),
        at,
    }
}

/// What a write means for the ledger.
enum Settlement {
    Confirm(Box<Record>),
    Forget(RemoteId),
    Abandon,
    /// Nobody knows: the intent stays, and the next run looks.
    Open,
}

impl<W: WriteApi> Run<'_, W> {
    /// What time it is.
    pub(super) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Writes down what is about to be sent; nothing is sent without it, and after a
    /// stop only what finishes an action.
    pub(super) fn begin(&self, name: &str, intent: &Intent) -> Result<(), Failure> {
        if self.drain.has_begun() && !self.is_under_way(name) {
            return Err(Failure::NotStarted);
        }
        self.journal
            .begin(name, intent)
            .map_err(Failure::NotWrittenDown)?;
        let under_way = self.under_way.lock();
        let mut under_way = under_way.unwrap_or_else(PoisonError::into_inner);
        under_way.insert(name.to_owned());
        Ok(())
    }

    /// Writes down what came of it. A write that succeeded and could not be
    /// written down is a failure: the next run has to find out again.
    pub(super) fn settle(&self, name: &str, intent: &Intent, ended: Ended) -> Ended {
        let written = match settlement(intent, &ended, self.now()) {
            Settlement::Confirm(record) => self.journal.confirm(name, &record),
            Settlement::Forget(id) => self.journal.forget(name, &id),
            Settlement::Abandon => self.journal.abandon(name),
            Settlement::Open => Ok(()),
        };
        match (written, ended) {
            (Err(error), (id, Ok(_))) => (id, Err(Failure::NotRecorded(error))),
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
            intent.memory.applied.clone(),
            at,
        ))),
        // It exists and is ours.
        (
            Some(id),
            Err(Failure::Server {
                status: Status::CreateError,
                ..
            }),
        ) if is_create => {
            let applied = intent.memory.applied.clone().unproven();
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
        memory: Memory {
            applied,
            ..intent.memory.clone()
        },
        at,
    }
}
