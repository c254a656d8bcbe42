//! The screen of a client whose command the daemon carries out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::handed::HandedWork;
use crate::apply::Stop;
use crate::daemon::push::message::{Message, ScreenPlace};

/// Time limit for a person to answer: the runs of the daemon wait meanwhile.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Time after which the wait for an answer checks for a stop.
const TICK: Duration = Duration::from_millis(200);

/// Output to a client, and questions to the person there. If the client is gone, the output is
/// lost, and every answer is no.
#[derive(Debug)]
pub struct ClientScreen {
    /// Bounded by the output of one command.
    messages: UnboundedSender<Message>,
    answers: Mutex<Receiver<bool>>,
    can_ask: bool,
    has_colour: bool,
    has_begun: AtomicBool,
    stopper: watch::Sender<bool>,
    stop: Stop,
}

impl ClientScreen {
    /// The screen of the client that sent this command.
    #[must_use]
    pub fn new(
        messages: UnboundedSender<Message>,
        answers: Receiver<bool>,
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
            has_begun: AtomicBool::new(false),
            stopper,
            stop,
        }
    }

    /// The command begins.
    pub fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// True once the command has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
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

    /// Asks a question. Blocks the thread: no longer than a few minutes.
    pub fn ask(&self, question: &str) -> bool {
        let text = question.to_owned();
        self.send(Message::Question { text });
        let end = Instant::now() + ANSWER_TIMEOUT;
        let Ok(answers) = self.answers.lock() else {
            return false;
        };
        while Instant::now() < end && !self.stop.is_requested() {
            match answers.recv_timeout(TICK) {
                Ok(approves) => return approves,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        false
    }

    fn send(&self, message: Message) {
        // A client that is gone loses its output, not its command.
        let _gone = self.messages.send(message);
    }
}
