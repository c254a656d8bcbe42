//! Push to apply: who may ask the daemon to look now, and how.
//!
//! A forge sends a webhook; a hook of a repository on this machine, or a person,
//! asks at a socket and is told what comes of it. Neither carries data: what they
//! say triggers a run, and the worker reads the source itself. So a replay, or a
//! push that somebody made up, is one look more and nothing else.

mod events;
mod judge;
pub mod message;
pub mod socket;
mod webhook;

pub use events::RunEvents;
pub use judge::{WebhookVerdict, judge};
pub use webhook::{ShortSecret, WebhookHandler, limits};
