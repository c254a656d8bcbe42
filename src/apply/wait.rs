//! Follows a write until its status settles.
//!
//! Creation, editing and deletion go on after the answer (API.md 5.2), so only a
//! settled status tells how a write ended. An unknown status is waited out.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Failure, Stop, Success};
use crate::immuta::{ReadApi, StatusReport};
use crate::live::{Phase, RemoteId, Status};
use crate::text::chain;

/// The first pause between two questions: a quick server is not kept waiting.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause: a warehouse takes minutes to set up.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a stopped apply still follows what is under way.
const DRAIN: Duration = Duration::from_secs(20);

/// Asks for the status until it settles, the time is up, or the stop was pulled.
pub(super) async fn follow<R: ReadApi>(
    api: &R,
    id: &RemoteId,
    timeout: Duration,
    stop: &Stop,
    on_status: impl Fn(&Status),
) -> Result<Success, Failure> {
    let begun = Instant::now();
    let mut deadline = begun + timeout;
    let mut pause = FIRST_PAUSE;
    let mut last = Status::Unknown("unknown".into());
    loop {
        // A question that fails is asked again: only the deadline ends the waiting.
        let mut unread = None;
        match api.status(id).await {
            Ok(Some(report)) => {
                if report.status != last {
                    on_status(&report.status);
                    last = report.status.clone();
                }
                if report.status.phase() != Phase::Busy {
                    return ended(api, id, report).await;
                }
            }
            Ok(None) => return Err(Failure::Gone { id: id.clone() }),
            Err(error) => {
                tracing::warn!(error = chain(&error), "the status could not be read");
                unread = Some(error);
            }
        }
        if stop.is_requested() {
            deadline = deadline.min(Instant::now() + DRAIN).min(begun + timeout);
        }
        if Instant::now() >= deadline {
            return Err(match unread {
                _ if stop.is_requested() => Failure::Interrupted { status: last },
                Some(error) => Failure::Unfollowed(error),
                None => Failure::TimedOut {
                    status: last,
                    waited: timeout,
                },
            });
        }
        let until_deadline = deadline.saturating_duration_since(Instant::now());
        sleep(jittered(pause).min(until_deadline)).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// What a status that is not busy means for the write.
async fn ended<R: ReadApi>(
    api: &R,
    id: &RemoteId,
    report: StatusReport,
) -> Result<Success, Failure> {
    let StatusReport {
        status,
        mut failing_tests,
    } = report;
    match status {
        Status::Enabled | Status::RecurringValidationError => {
            return Ok(Success {
                status,
                failing_tests,
            });
        }
        Status::CreateError
        | Status::EditError
        | Status::MigrateError
        | Status::DeleteError
        | Status::Deleted
        | Status::Disabled
        | Status::Creating
        | Status::Editing
        | Status::Migrating
        | Status::Deleting
        | Status::Unknown(_) => {}
    }
    // Whether the status answer holds the tests is not documented; the integration does.
    if failing_tests.is_empty()
        && let Ok(Some(live)) = api.get(id).await
    {
        failing_tests = live.failing_tests;
    }
    Err(Failure::Server {
        status,
        failing_tests,
    })
}

/// A fifth more or less, so that many waits do not ask in step.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.8 + 0.4 * fastrand::f64())
}
