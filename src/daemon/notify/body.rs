//! Bodies of messages in either format, and their signature.

use std::sync::Arc;

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value as Json, json};
use sha2::Sha256;

use super::Notification;
use crate::report::format::json;
use crate::secret::Secret;
use crate::source::git::Revision;
use crate::text::{cut, escaped, escaped_json};

/// The header with the signature: `sha256=` and the HMAC-SHA-256 of the body, in hex.
pub const SIGNATURE_HEADER: &str = "x-integrationd-signature-256";

/// Maximum number of notifications in a message; the number of the others is reported.
const MOST: usize = 50;

/// The most characters of a message for Slack, which refuses some multiple of it.
const LONGEST_MESSAGE: usize = 3500;

/// The longest line of it.
const LONGEST_LINE: usize = 600;

/// The news of one run, to be sent as one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationBatch {
    /// Identical for every attempt, so that a receiver recognizes a repetition.
    pub id: String,
    /// End of the run.
    pub at: Timestamp,
    /// The tenant's URL.
    pub tenant: String,
    /// Result of the run, in a line.
    pub summary: String,
    /// The revision that the run has read, if any.
    pub revision: Option<Arc<Revision>>,
    /// The news.
    pub notifications: Vec<Notification>,
}

/// The form of the body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotificationFormat {
    /// A document for programs.
    #[default]
    Json,
    /// A message for Slack and what takes the same.
    Slack,
}

impl NotificationFormat {
    /// The body: JSON in both forms.
    #[must_use]
    pub fn body(self, batch: &NotificationBatch) -> String {
        match self {
            Self::Json => json::line(&BatchDocument::from(batch)),
            Self::Slack => escaped_json(&message(batch).to_string()).into_owned(),
        }
    }
}

#[derive(Serialize)]
struct BatchDocument<'a> {
    version: &'static str,
    id: &'a str,
    at: Timestamp,
    tenant: &'a str,
    summary: String,
    revision: Option<RevisionEntry<'a>>,
    notifications: &'a [Notification],
    left_out: usize,
}

#[derive(Serialize)]
struct RevisionEntry<'a> {
    id: String,
    author: &'a str,
    subject: &'a str,
}

impl<'a> From<&'a NotificationBatch> for BatchDocument<'a> {
    fn from(batch: &'a NotificationBatch) -> Self {
        let listed = batch.notifications.len().min(MOST);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            id: &batch.id,
            at: batch.at,
            tenant: &batch.tenant,
            summary: cut(&escaped(&batch.summary), super::LONGEST_SENTENCE).into_owned(),
            revision: batch.revision.as_deref().map(RevisionEntry::from),
            notifications: &batch.notifications[..listed],
            left_out: batch.notifications.len() - listed,
        }
    }
}

impl<'a> From<&'a Revision> for RevisionEntry<'a> {
    fn from(revision: &'a Revision) -> Self {
        Self {
            id: revision.id.to_string(),
            author: &revision.author,
            subject: &revision.subject,
        }
    }
}

/// Plain text, without formatting or links that Slack would fetch.
fn message(batch: &NotificationBatch) -> Json {
    let head = format!("{}: {}", batch.tenant, escaped(&batch.summary));
    let mut text = cut(&head, LONGEST_LINE).into_owned();
    if let Some(revision) = &batch.revision {
        text = text + "\n" + &cut(&revision.to_string(), LONGEST_LINE);
    }
    let mut length = text.chars().count();
    let mut told = 0;
    for notification in batch.notifications.iter().take(MOST) {
        let line = notification.line();
        let line = cut(&line, LONGEST_LINE);
        length += 1 + line.chars().count();
        if length > LONGEST_MESSAGE {
            break;
        }
        text = text + "\n" + &line;
        told += 1;
    }
    let left_out = batch.notifications.len() - told;
    if left_out > 0 {
        text += &format!("\nand {left_out} more (see the status page)");
    }
    json!({
        "text": for_slack(&text),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// Escapes Slack's three special characters: with `<`, a text could notify a whole channel.
fn for_slack(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The value of [`SIGNATURE_HEADER`]; `None` if there is no signing with this secret.
#[must_use]
pub fn signature(secret: &Secret, body: &[u8]) -> Option<String> {
    // A key of any length is accepted.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.update(body);
    let digits = hex::encode(mac.finalize().into_bytes());
    Some(format!("sha256={digits}"))
}
