//! Follows a write until its status settles.
//!
//! Creation, editing and deletion continue after the response (API.md 5.2), so only a settled
//! status shows the outcome of a write. An unknown status is waited out.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::stop::Drain;
use super::{ActionFailure, Success};
use crate::immuta::{ApiError, ReadApi, StatusReport};
use crate::live::{IntegrationStatus, RemoteId, StatusPhase};
use crate::text::chain;

/// The first pause between two questions: a quick server is not kept waiting.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause: a warehouse takes minutes to set up.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Time limit for reading the failing tests of the integration: the outcome is known without
/// them.
const LAST_QUESTION: Duration = Duration::from_secs(10);
/// As good as for ever, and a moment that a clock can name.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Asks for the status until it settles, or the time is up: its own, or that after a stop.
pub(super) async fn follow<R: ReadApi>(
    api: &R,
    id: &RemoteId,
    timeout: Duration,
    drain: &Drain,
    on_status: impl Fn(&IntegrationStatus),
) -> Result<Success, ActionFailure> {
    let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
    // A question on its way, with its retries, must not outlast it.
    let mut end = pin!(end_of_waiting(deadline, drain));
    let mut pause = FIRST_PAUSE;
    let mut last = IntegrationStatus::Unknown("unknown".into());
    let mut unread = None;
    loop {
        let asked = tokio::select! {
            asked = api.status(id) => asked,
            () = &mut end => return Err(unsettled(last, unread, timeout, drain)),
        };
        // A question that fails is asked again.
        match asked {
            Ok(Some(report)) => {
                unread = None;
                if report.status != last {
                    on_status(&report.status);
                    last = report.status.clone();
                }
                if report.status.phase() != StatusPhase::Busy {
                    return ended(api, id, report).await;
                }
            }
            Ok(None) => return Err(ActionFailure::Gone { id: id.clone() }),
            Err(error) if is_final(&error) => return Err(ActionFailure::Unfollowed(error)),
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "cannot read the status of the integration"
                );
                unread = Some(error);
            }
        }
        tokio::select! {
            () = sleep(jittered(pause)) => {}
            () = &mut end => return Err(unsettled(last, unread, timeout, drain)),
        }
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// Comes to its end at the deadline, or a while after the stop was pulled.
async fn end_of_waiting(deadline: Instant, drain: &Drain) {
    tokio::select! {
        () = sleep_until(deadline) => {}
        () = drain.is_over() => {}
    }
}

/// The end of a wait in which nothing settled; `unread` is why the last question failed.
fn unsettled(
    status: IntegrationStatus,
    unread: Option<ApiError>,
    waited: Duration,
    drain: &Drain,
) -> ActionFailure {
    match unread {
        _ if drain.has_begun() => ActionFailure::Interrupted {
            status: Some(status),
        },
        Some(error) => ActionFailure::Unfollowed(error),
        None => ActionFailure::TimedOut { status, waited },
    }
}

/// True if asking again is pointless: the key is no longer accepted.
fn is_final(error: &ApiError) -> bool {
    error
        .rejection()
        .is_some_and(|rejection| matches!(rejection.code, 401 | 403))
}

/// Meaning of a settled status for the write.
async fn ended<R: ReadApi>(
    api: &R,
    id: &RemoteId,
    report: StatusReport,
) -> Result<Success, ActionFailure> {
    let StatusReport {
        status,
        mut failing_tests,
    } = report;
    match status {
        IntegrationStatus::Enabled | IntegrationStatus::RecurringValidationError => {
            return Ok(Success {
                status,
                failing_tests,
            });
        }
        IntegrationStatus::CreateError
        | IntegrationStatus::EditError
        | IntegrationStatus::MigrateError
        | IntegrationStatus::DeleteError
        | IntegrationStatus::Deleted
        | IntegrationStatus::Disabled
        | IntegrationStatus::Creating
        | IntegrationStatus::Editing
        | IntegrationStatus::Migrating
        | IntegrationStatus::Deleting
        | IntegrationStatus::Unknown(_) => {}
    }
    // Whether the status answer holds the tests is not documented; the integration does.
    if failing_tests.is_empty()
        && let Ok(Ok(Some(live))) = timeout(LAST_QUESTION, api.get(id)).await
    {
        failing_tests = live.failing_tests;
    }
    Err(ActionFailure::Server {
        status,
        failing_tests,
    })
}

/// A fifth more or less, so that many waits do not ask in step.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.8 + 0.4 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::super::Stop;
    use super::super::stop::DRAIN;
    use super::*;
    use crate::immuta::ApiError;
    use crate::live::{Backing, Connections, Live, LiveIntegration};

    /// A tenant whose answers never come.
    struct Silent;

    impl ReadApi for Silent {
        async fn list(&self) -> Result<Live, ApiError> {
            std::future::pending().await
        }

        async fn connections(&self) -> Result<Connections, ApiError> {
            std::future::pending().await
        }

        async fn backing(&self, _: &str) -> Result<Backing, ApiError> {
            std::future::pending().await
        }

        async fn get(&self, _: &RemoteId) -> Result<Option<LiveIntegration>, ApiError> {
            std::future::pending().await
        }

        async fn status(&self, _: &RemoteId) -> Result<Option<StatusReport>, ApiError> {
            std::future::pending().await
        }
    }

    async fn waited(timeout: Duration, stop: &Stop) -> (Duration, Result<Success, ActionFailure>) {
        let begun = Instant::now();
        let ended = follow(
            &Silent,
            &RemoteId::new("1"),
            timeout,
            &Drain::of(stop),
            |_| {},
        )
        .await;
        (begun.elapsed(), ended)
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_without_an_answer_does_not_outlast_the_deadline() {
        let (_sender, stop) = Stop::new();
        let (took, ended) = waited(Duration::from_secs(60), &stop).await;
        assert_eq!(took.as_secs(), 60);
        assert!(
            matches!(ended, Err(ActionFailure::TimedOut { .. })),
            "{ended:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_is_heard_while_a_question_is_on_its_way() {
        let (sender, stop) = Stop::new();
        tokio::spawn(async move {
            sleep(Duration::from_secs(5)).await;
            sender.send(true).unwrap();
            sleep(Duration::from_secs(600)).await;
        });
        let (took, ended) = waited(Duration::from_secs(600), &stop).await;
        assert_eq!(took.as_secs(), 25);
        assert!(
            matches!(ended, Err(ActionFailure::Interrupted { .. })),
            "{ended:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_timeout_can_be_waited_for() {
        let (sender, stop) = Stop::new();
        sender.send(true).unwrap();
        let (took, _) = waited(Duration::MAX, &stop).await;
        assert_eq!(took, DRAIN);
    }
}
