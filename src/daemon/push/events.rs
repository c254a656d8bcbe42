//! Events of a run, for the clients that triggered it.
//!
//! Nothing is kept: a subscriber receives the events from then on. They carry the text that the
//! daemon prints, which contains no secret, without colours.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::report::exit::Exit;

/// Maximum backlog of a subscriber: a run has some three events.
const BACKLOG: usize = 64;

/// Sends to every subscriber.
#[derive(Debug, Clone)]
pub struct RunEvents(broadcast::Sender<RunEvent>);

/// Something that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunEvent {
    /// A run begins: what it reads, it reads from now on.
    Begun,
    /// Lines of a plan, or of what came of it.
    Text(Arc<str>),
    /// The run has ended.
    Ended {
        exit: Exit,
        /// In a line.
        summary: Arc<str>,
    },
    /// The listener was too slow: something is missing here.
    Gap,
}

impl Default for RunEvents {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl RunEvents {
    /// Says what the daemon prints.
    pub fn text(&self, text: &str) {
        if !text.is_empty() {
            self.send(|| RunEvent::Text(plain(text)));
        }
    }

    pub(in crate::daemon) fn begun(&self) {
        self.send(|| RunEvent::Begun);
    }

    pub(in crate::daemon) fn ended(&self, exit: Exit, summary: &str) {
        self.send(|| RunEvent::Ended {
            exit,
            summary: plain(summary),
        });
    }

    /// Creates no event without subscribers.
    fn send(&self, event: impl FnOnce() -> RunEvent) {
        if self.0.receiver_count() > 0 {
            // The last listener may have left just now.
            let _unheard = self.0.send(event());
        }
    }

    pub(super) fn subscribe(&self) -> EventSubscription {
        EventSubscription {
            receiver: self.0.subscribe(),
            has_begun: false,
        }
    }
}

/// Without the escape sequences of colours.
fn plain(text: &str) -> Arc<str> {
    anstream::adapter::strip_str(text).to_string().into()
}

/// Hears the first run that begins from now on. One that is under way may have
/// read its files already.
pub(super) struct EventSubscription {
    receiver: broadcast::Receiver<RunEvent>,
    has_begun: bool,
}

impl EventSubscription {
    /// The next event; `None` if there will be no more.
    pub(super) async fn next(&mut self) -> Option<RunEvent> {
        loop {
            let event = match self.receiver.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(_)) => RunEvent::Gap,
                Err(RecvError::Closed) => return None,
            };
            if self.concerns(&event) {
                return Some(event);
            }
        }
    }

    /// Events that were sent but not yet received.
    pub(super) fn try_next(&mut self) -> Option<RunEvent> {
        loop {
            let event = match self.receiver.try_recv() {
                Ok(event) => event,
                Err(TryRecvError::Lagged(_)) => RunEvent::Gap,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            };
            if self.concerns(&event) {
                return Some(event);
            }
        }
    }

    fn concerns(&mut self, event: &RunEvent) -> bool {
        self.has_begun |= *event == RunEvent::Begun;
        self.has_begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriber_gets_the_whole_next_run_and_nothing_before() {
        let events = RunEvents::default();
        events.begun();
        let mut subscription = events.subscribe();
        events.text("of the run under way");
        events.ended(Exit::Failed, "it failed");
        assert_eq!(subscription.try_next(), None);
        events.begun();
        events.text("\u{1b}[1mPlan\u{1b}[0m\n");
        events.ended(Exit::Success, "done");
        let rest: Vec<_> = std::iter::from_fn(|| subscription.try_next()).collect();
        let ended = RunEvent::Ended {
            exit: Exit::Success,
            summary: "done".into(),
        };
        assert_eq!(
            rest,
            [RunEvent::Begun, RunEvent::Text("Plan\n".into()), ended]
        );
    }

    #[test]
    fn slow_subscriber_is_informed_of_the_gap_and_gets_the_end() {
        let events = RunEvents::default();
        let mut subscription = events.subscribe();
        events.begun();
        assert_eq!(subscription.try_next(), Some(RunEvent::Begun));
        for _ in 0..2 * BACKLOG {
            events.text("a line\n");
        }
        events.ended(Exit::Success, "done");
        let rest: Vec<_> = std::iter::from_fn(|| subscription.try_next()).collect();
        assert_eq!(rest.first(), Some(&RunEvent::Gap));
        assert!(matches!(rest.last(), Some(RunEvent::Ended { .. })));
    }
}
