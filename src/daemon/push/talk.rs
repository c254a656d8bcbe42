//! What the daemon says about a run, for whoever has asked for one.
//!
//! Nothing is kept: who listens hears what is said from then on. It is the text
//! that the daemon prints, which holds no secret, without colours.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::report::exit::Exit;

/// How far a listener may be behind: a run says some three things.
const BACKLOG: usize = 64;

/// Tells every listener.
#[derive(Debug, Clone)]
pub struct Talk(broadcast::Sender<Said>);

/// Something that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
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

impl Default for Talk {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Talk {
    /// Says what the daemon prints.
    pub fn text(&self, text: &str) {
        if !text.is_empty() {
            self.say(|| Said::Text(plain(text)));
        }
    }

    pub(in crate::daemon) fn begun(&self) {
        self.say(|| Said::Begun);
    }

    pub(in crate::daemon) fn ended(&self, exit: Exit, summary: &str) {
        self.say(|| Said::Ended {
            exit,
            summary: plain(summary),
        });
    }

    /// Nothing is made where nobody listens.
    fn say(&self, said: impl FnOnce() -> Said) {
        if self.0.receiver_count() > 0 {
            // The last listener may have left just now.
            let _unheard = self.0.send(said());
        }
    }

    pub(super) fn listen(&self) -> Listening {
        Listening {
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
pub(super) struct Listening {
    receiver: broadcast::Receiver<Said>,
    has_begun: bool,
}

impl Listening {
    /// What is said next; `None` if nothing more will be.
    pub(super) async fn next(&mut self) -> Option<Said> {
        loop {
            let said = match self.receiver.recv().await {
                Ok(said) => said,
                Err(RecvError::Lagged(_)) => Said::Gap,
                Err(RecvError::Closed) => return None,
            };
            if self.concerns(&said) {
                return Some(said);
            }
        }
    }

    /// What was said and not yet heard.
    pub(super) fn rest(&mut self) -> Option<Said> {
        loop {
            let said = match self.receiver.try_recv() {
                Ok(said) => said,
                Err(TryRecvError::Lagged(_)) => Said::Gap,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            };
            if self.concerns(&said) {
                return Some(said);
            }
        }
    }

    fn concerns(&mut self, said: &Said) -> bool {
        self.has_begun |= *said == Said::Begun;
        self.has_begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_hears_the_next_run_whole_and_nothing_of_the_one_under_way() {
        let talk = Talk::default();
        talk.begun();
        let mut listening = talk.listen();
        talk.text("of the run under way");
        talk.ended(Exit::Failed, "it failed");
        assert_eq!(listening.rest(), None);
        talk.begun();
        talk.text("\u{1b}[1mPlan\u{1b}[0m\n");
        talk.ended(Exit::Success, "done");
        let rest: Vec<_> = std::iter::from_fn(|| listening.rest()).collect();
        let ended = Said::Ended {
            exit: Exit::Success,
            summary: "done".into(),
        };
        assert_eq!(rest, [Said::Begun, Said::Text("Plan\n".into()), ended]);
    }

    #[test]
    fn who_is_too_slow_is_told_of_the_gap_and_hears_the_end() {
        let talk = Talk::default();
        let mut listening = talk.listen();
        talk.begun();
        assert_eq!(listening.rest(), Some(Said::Begun));
        for _ in 0..2 * BACKLOG {
            talk.text("a line\n");
        }
        talk.ended(Exit::Success, "done");
        let rest: Vec<_> = std::iter::from_fn(|| listening.rest()).collect();
        assert_eq!(rest.first(), Some(&Said::Gap));
        assert!(matches!(rest.last(), Some(Said::Ended { .. })));
    }
}
