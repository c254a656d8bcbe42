//! Words around the configuration snippet of a cluster.

use super::exit::Exit;
use super::failure::CommandFailure;
use crate::follow_up::command;
use crate::session::snippet::{SnippetError, SnippetResult};
use crate::text::chain;

/// The question before a new key is made.
pub const QUESTION: &str = "Create a new API key? Only `yes` is accepted: ";

/// The consequence of a new key, whether or not it is asked for.
pub const WARNING: &str = "the old API key stops working immediately";

/// Help for the consequence.
pub const WARNING_HELP: &str =
    "shut the cluster down first: it has no access until it is configured with the new key";

/// The place of the snippet.
#[must_use]
pub fn next_step(result: &SnippetResult) -> String {
    let file = result.file;
    let key = if result.is_new {
        "a new API key was created, and the old one no longer works: "
    } else {
        ""
    };
    format!("{key}put the snippet into {file} of the cluster, then restart the cluster\n")
}

impl From<SnippetError> for CommandFailure {
    fn from(error: SnippetError) -> Self {
        let failed = |help: &str| Self::new(Exit::Failed, chain(&error), help);
        match error {
            SnippetError::Read(error) => error.into(),
            SnippetError::Key(error) => error.into(),
            SnippetError::NotDescribed {
                near: Some(ref near),
                ..
            } => failed(&format!("did you mean `{near}`?")),
            SnippetError::NotDescribed { near: None, .. } => {
                let validate = command("validate", &["-o", "json"]);
                failed(&format!("run `{validate}` to see the names in the files"))
            }
            SnippetError::InvalidFile(_) => Self::new(
                Exit::InvalidFile,
                &error,
                "fix the errors in the file, then try again",
            ),
            SnippetError::NoSnippet(_) => {
                failed("run `integrationd script` to get the script of a manual setup")
            }
            SnippetError::NotLive(_) => {
                let sync = command("sync", &[]);
                failed(&format!("first run `{sync}` to create the integration"))
            }
            SnippetError::Blocked { ref block, .. } => failed(&block.help()),
            SnippetError::NoKey(_) => failed(
                "use an API key with the permission APPLICATION_ADMIN, or copy the snippet from Immuta's app settings",
            ),
            SnippetError::NotApproved => Self::new(
                Exit::Refused,
                &error,
                "run the command on a terminal and answer `yes`, or add `--yes`",
            ),
            SnippetError::Suspended(ref name) => failed(&format!(
                "end the suspension first: remove it from the file, or run `{}`",
                command("resume", &[name])
            )),
            SnippetError::Owned { .. } => failed(
                "in Immuta, create a key for this connection; if the tenant has no connections, use `--connections none`",
            ),
            SnippetError::Unknown(_) => failed(
                "run the command without `--regenerate` in a minute, and compare the key with the one in the cluster",
            ),
        }
    }
}
