//! The screen of a client whose command the daemon carries out.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{Mutex, watch};
use tokio::time::sleep;

use super::handed::HandedWork;
use crate::apply::Stop;
use crate::daemon::push::message::{Message, ScreenPlace};
use crate::progress::Progress;

/// Time limit for a person to answer: the runs of the daemon wait meanwhile.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Said to a person who did not answer.
const UNANSWERED: &str = "\nNo answer within 5 minutes, which counts as no.\n";

/// Time after which the wait for an answer counts as progress: no work hangs.
const TICK: Duration = Duration::from_secs(10);

/// Output to a client, and questions to the person there. If the client is gone, the output is
/// lost, and every answer is no.
#[derive(Debug)]
pub struct ClientScreen {
    /// Bounded by the output of one command.
    messages: UnboundedSender<Message>,
    answers: Mutex<UnboundedReceiver<bool>>,
    can_ask: bool,
    has_colour: bool,
    /// Progress of the worker, once the command has begun.
    progress: OnceLock<Progress>,
    stopper: watch::Sender<bool>,
    stop: Stop,
}

impl ClientScreen {
    /// The screen of the client that sent this command.
    #[must_use]
    pub fn new(
        messages: UnboundedSender<Message>,
        answers: UnboundedReceiver<bool>,
        work: &HandedWork,
    ) -> Self {
        let (can_ask, has_colour) = match work {
            HandedWork::Command(command) => (command.can_ask, command.has_colour),
            HandedWork::Records(_) => (false, false),
        };
        let (stopper, stop) = Stop::new();
        Self {
            messages,
            answers: Mutex::new(answers),
            can_ask,
            has_colour,
            progress: OnceLock::new(),
            stopper,
            stop,
        }
    }

    /// The command begins; the wait for an answer counts as progress.
    pub fn begin(&self, progress: Progress) {
        let _twice = self.progress.set(progress);
    }

    /// True once the command has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.progress.get().is_some()
    }

    /// Requests the stop of the command: the client is gone or wants to stop, or the daemon stops.
    pub fn request_stop(&self) {
        self.stopper.send_replace(true);
    }

    /// Writes a text.
    pub fn write(&self, place: ScreenPlace, text: &str) {
        let text = text.to_owned();
        self.send(Message::Screen { place, text });
    }

    /// Shows the client that the daemon is alive.
    pub fn show_life(&self) {
        self.send(Message::Alive);
    }

    /// True if a person can be asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        self.can_ask
    }

    /// True if standard error shows colours.
    #[must_use]
    pub fn has_colour(&self) -> bool {
        self.has_colour
    }

    /// The request to stop, by the client or the daemon.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Asks a question, and waits for the answer: no longer than a few minutes.
    pub async fn ask(&self, question: &str) -> bool {
        let text = question.to_owned();
        self.send(Message::Question { text });
        let answered = tokio::select! {
            biased;
            () = self.stop.requested() => Some(false),
            answered = self.answered() => Some(answered),
            () = sleep(ANSWER_TIMEOUT) => None,
        };
        answered.unwrap_or_else(|| {
            self.write(ScreenPlace::Error, UNANSWERED);
            false
        })
    }

    /// The next answer of the client; no, if there will be none.
    async fn answered(&self) -> bool {
        let mut answers = self.answers.lock().await;
        loop {
            tokio::select! {
                answer = answers.recv() => return answer.unwrap_or(false),
                () = sleep(TICK) => if let Some(progress) = self.progress.get() {
                    progress.record();
                },
            }
        }
    }

    fn send(&self, message: Message) {
        // A client that is gone loses its output, not its command.
        let _gone = self.messages.send(message);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::super::request::{ClientView, HandedCommand};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn unanswered_question_counts_as_no_and_as_no_hang() {
        let (messages, mut written) = unbounded_channel();
        let (_approvals, answers) = unbounded_channel();
        let work = HandedWork::Command(HandedCommand {
            arguments: vec!["sync".to_owned()],
            view: ClientView {
                tenant: "https://acme.example.com".to_owned(),
                ledger: (1, 2),
                settings_file: None,
            },
            selecting: crate::follow_up::SelectingFlags::default(),
            can_ask: true,
            has_colour: false,
        });
        let screen = ClientScreen::new(messages, answers, &work);
        let progress = Progress::default();
        screen.begin(progress.clone());
        let mut longest = Duration::ZERO;
        let watched = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                longest = longest.max(progress.idle_for());
            }
        };
        tokio::select! {
            approves = screen.ask("Apply?") => assert!(!approves),
            () = watched => {}
        }
        assert!(longest <= TICK, "{longest:?}");
        assert!(matches!(written.try_recv(), Ok(Message::Question { .. })));
        let said = written.try_recv().unwrap();
        let text = UNANSWERED.to_owned();
        let place = ScreenPlace::Error;
        assert_eq!(said, Message::Screen { place, text });
    }
}
