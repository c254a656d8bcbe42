//! Push to apply: clients that may trigger a run.
//!
//! A forge sends a webhook; a hook of a repository on this machine, or a person, connects to a
//! socket and receives the result. Neither carries data: they only trigger a run, and the
//! worker reads the source itself. So a replayed or forged push causes one more run and nothing
//! else.

mod events;
mod judge;
pub mod message;
pub mod socket;
mod webhook;

pub use events::RunEvents;
pub use judge::{WebhookVerdict, judge};
pub use webhook::{ShortSecret, WebhookHandler, limits};
