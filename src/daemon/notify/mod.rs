//! Tells somebody who is not looking: by webhook, when something fails, recovers,
//! drifts, or does not converge.
//!
//! [`AlertTracker`] is pure: from what was told before and the end of a run to what is news.
//! [`watch()`] feeds it with what the [`StatusPublisher`](super::StatusPublisher) publishes, and
//! [`deliver`] sends what comes of it. Between them is a queue of bounded length: a
//! receiver that is slow or gone never holds up a run, and is never a reason for one
//! to fail.
//!
//! What was told is kept in memory. After a restart the daemon tells once more what
//! is still wrong, and says nothing of what was mended meanwhile.
//!
//! The texts come from the [`View`](super::RunView), which holds no secret.

mod alerts;
mod body;
mod sender;
mod webhook;

#[cfg(test)]
mod tests;

pub use alerts::AlertTracker;
pub use body::{NotificationBatch, NotificationFormat, SIGNATURE_HEADER, signature};
pub use sender::{QUEUE, deliver, watch};
pub use webhook::{WebhookSender, WebhookUrl, WebhookUrlError};

use serde::Serialize;

use crate::reason::Reason;
use crate::text::{cut, escaped};

/// The longest name that is told, and the longest sentence, in characters.
const LONGEST_NAME: usize = 200;
const LONGEST_SENTENCE: usize = 1000;

/// The most sentences and attributes of one notification.
const MOST_SENTENCES: usize = 5;
const MOST_ATTRIBUTES: usize = 20;

/// What kind of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum NotificationKind {
    /// It does not go on without somebody, or has gone wrong.
    Failed,
    /// What was told as wrong is well again.
    Recovered,
    /// The server moved it.
    Drift,
    /// The server does not keep it as it is sent.
    NotConverging,
}

impl NotificationKind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Recovered => "Recovered",
            Self::Drift => "Drift",
            Self::NotConverging => "NotConverging",
        }
    }
}

/// One piece of news. Its texts are short, and fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// What kind.
    pub kind: NotificationKind,
    /// Of which integration; `None` for the run as a whole.
    pub integration: Option<String>,
    /// The value of its `type`, where that is known.
    #[serde(rename = "type")]
    pub platform: Option<&'static str>,
    /// The reason; for a recovery, that of the failure.
    pub reason: Option<Reason>,
    /// Why, in sentences.
    pub about: Vec<String>,
    /// The attributes that the server moved.
    pub attributes: Vec<String>,
    /// Whether they were put back.
    pub repaired: bool,
}

impl Notification {
    fn of_run(kind: NotificationKind, reason: Reason, about: &[String]) -> Self {
        Self {
            kind,
            integration: None,
            platform: None,
            reason: Some(reason),
            about: sentences(about),
            attributes: Vec::new(),
            repaired: false,
        }
    }

    /// In a line, for people.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = format!("{}: ", self.kind.word());
        line += self.integration.as_deref().unwrap_or("the run as a whole");
        if let Some(platform) = self.platform {
            line += &format!(" ({platform})");
        }
        match (self.kind, self.reason) {
            (NotificationKind::Recovered, Some(reason)) => line += &format!(", after {reason}"),
            (NotificationKind::Failed, Some(reason)) => line += &format!(", {reason}"),
            (NotificationKind::Drift | NotificationKind::NotConverging, _) | (_, None) => {}
        }
        if !self.attributes.is_empty() {
            line += &format!(": {}", self.attributes.join(", "));
        }
        if self.kind == NotificationKind::Drift {
            line += if self.repaired {
                " (put back)"
            } else {
                " (not put back)"
            };
        }
        if !self.about.is_empty() {
            line += &format!(": {}", self.about.join("; "));
        }
        line
    }
}

/// A name as it is told.
fn name(text: &str) -> String {
    cut(&escaped(text), LONGEST_NAME).into_owned()
}

/// Sentences as they are told.
fn sentences(all: &[String]) -> Vec<String> {
    let told = all.iter().take(MOST_SENTENCES);
    told.map(|text| cut(&escaped(text), LONGEST_SENTENCE).into_owned())
        .collect()
}

/// Attributes as they are told.
fn attributes(all: &[String]) -> Vec<String> {
    let told = all.iter().take(MOST_ATTRIBUTES);
    told.map(|path| name(path)).collect()
}
