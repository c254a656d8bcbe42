//! Sends notifications by webhook, when an integration fails, recovers, drifts, or does not
//! converge.
//!
//! [`AlertTracker`] is pure: it derives news from the earlier alerts and the end of a run. [`watch()`]
//! feeds it with the statuses that the [`StatusPublisher`](super::StatusPublisher) publishes, and [`deliver`] sends
//! the resulting messages. Between them is a queue of bounded length: a slow or unreachable
//! receiver never delays a run or makes one fail.
//!
//! The alert state is kept in memory. After a restart the daemon reports the active problems
//! once more, and does not report problems that were fixed meanwhile.
//!
//! The texts come from the [`RunView`](super::RunView), which contains no secret.

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

use crate::platform::AttributePath;
use crate::reason::Reason;
use crate::text::{cut, escaped};

/// Maximum length of a name and of a sentence, in characters.
const LONGEST_NAME: usize = 200;
const LONGEST_SENTENCE: usize = 1000;

/// The most sentences and attributes of one notification.
const MOST_SENTENCES: usize = 5;
const MOST_ATTRIBUTES: usize = 20;

/// Kind of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum NotificationKind {
    /// It cannot continue without an operator, or has failed.
    Failed,
    /// A reported failure has recovered.
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
    /// The kind.
    pub kind: NotificationKind,
    /// Of which integration; `None` for the run as a whole.
    pub integration: Option<String>,
    /// The value of its `type`, where that is known.
    #[serde(rename = "type")]
    pub platform: Option<&'static str>,
    /// The reason; for a recovery, that of the failure.
    pub reason: Option<Reason>,
    /// The details, in sentences.
    pub about: Vec<String>,
    /// The attributes that the server moved.
    pub attributes: Vec<String>,
    /// True if the changes were reverted.
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
        line += self.integration.as_deref().unwrap_or("the run");
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
                " (reverted)"
            } else {
                " (not reverted)"
            };
        }
        if !self.about.is_empty() {
            line += &format!(": {}", self.about.join("; "));
        }
        line
    }
}

/// A name, escaped and cut.
fn name(text: &str) -> String {
    cut(&escaped(text), LONGEST_NAME).into_owned()
}

/// Sentences, escaped and cut.
fn sentences(all: &[String]) -> Vec<String> {
    let told = all.iter().take(MOST_SENTENCES);
    told.map(|text| cut(&escaped(text), LONGEST_SENTENCE).into_owned())
        .collect()
}

/// Attributes, escaped and cut.
fn attributes(all: &[AttributePath]) -> Vec<String> {
    let told = all.iter().take(MOST_ATTRIBUTES);
    told.map(|path| name(path.as_str())).collect()
}
