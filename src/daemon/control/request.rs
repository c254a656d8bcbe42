//! A request: one line, which the client sends first.
//!
//! ```text
//! {"protocol":1,"version":"0.1.0","command":"status"}
//! {"protocol":1,"version":"0.1.0","command":{"run":{"arguments":["sync","--yes"],…}}}
//! ```
//!
//! A request contains no credential. The daemon carries a command out with its own files and
//! credentials; flags that name other files are refused.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::follow_up::SelectingFlags;
use crate::ledger::{Ledger, Record};
use crate::manifest::Name;

/// Version of the protocol; it changes only if both sides have to change.
const PROTOCOL: u32 = 1;

/// The longest request, in bytes: the records of ten thousand
/// integrations are shorter.
pub const LARGEST_REQUEST: usize = 16 * 1024 * 1024;

/// The program's version, for messages.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A command for the daemon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DaemonCommand {
    /// Report the status.
    Status,
    /// Start a run, because a suspension has begun or ended.
    SuspensionsChanged,
    /// Carry out a command line.
    Run(HandedCommand),
    /// Record adopted integrations.
    Record(HandedRecords),
}

/// A command line that the daemon carries out for a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedCommand {
    /// The command, and the flags that were given for it.
    pub arguments: Vec<String>,
    /// The client's view.
    pub view: ClientView,
    /// The flags for commands in the texts that the client shows.
    #[serde(default)]
    pub selecting: SelectingFlags,
    /// True if a person can be asked.
    pub can_ask: bool,
    /// True if standard error shows colours.
    pub has_colour: bool,
}

/// Integrations that a client has adopted with a dry run's view of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedRecords {
    /// The client's view.
    pub view: ClientView,
    /// The directory of the files that describe them, as an absolute path.
    pub directory: PathBuf,
    /// Time at which the client read the ledger.
    pub read_at: Timestamp,
    /// The records. Without any, the request asks only whether they would be accepted.
    pub records: Vec<(Name, Record)>,
}

/// The ledger and the settings, as a client finds them: those of the daemon must be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientView {
    /// The tenant's URL.
    pub tenant: String,
    /// Device and inode of the ledger.
    pub ledger: (u64, u64),
    /// The settings file that the client has read, unless it sets nothing, as an absolute path.
    pub settings_file: Option<PathBuf>,
}

impl HandedRecords {
    /// The reason to refuse the records, if the ledger has changed since the client has read it.
    #[must_use]
    pub fn refusal(&self, ledger: &Ledger) -> Option<String> {
        self.records.iter().find_map(|(name, record)| {
            let mut same = ledger.records.iter();
            let is_new = same.any(|(own, other)| {
                (own == name || other.id == record.id) && other.at > self.read_at
            });
            let is_changed = is_new || ledger.intents.contains_key(name);
            is_changed.then(|| format!("the ledger has changed: `{name}` was not recorded"))
        })
    }
}

/// Later lines of a client: the answers to questions, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// True for yes.
    pub approves: bool,
}

/// Everything but the command: the part that every version can read.
#[derive(Deserialize)]
struct Preamble {
    protocol: u32,
    #[serde(default)]
    version: String,
    command: serde_json::Value,
}

/// The whole request.
#[derive(Serialize)]
struct Envelope<'a> {
    protocol: u32,
    version: &'static str,
    command: &'a DaemonCommand,
}

/// A request that the daemon does not carry out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// It has another form.
    #[error("the request is not valid")]
    Form,
    /// It is of another protocol.
    #[error(
        "the daemon (version {VERSION}) uses protocol {PROTOCOL}, but the client (version \
         {version}) uses protocol {protocol}: use the same version for both"
    )]
    Protocol {
        /// The client's protocol.
        protocol: u32,
        /// The client's version.
        version: String,
    },
    /// A command is carried out for a client of the same version only.
    #[error(
        "the daemon has version {VERSION}, but the client has version {version}: use the same \
         version for both, or restart the daemon after an upgrade"
    )]
    Version {
        /// The client's version.
        version: String,
    },
    /// Another version may know the command or its arguments.
    #[error(
        "the daemon (version {VERSION}) does not know this request from the client (version \
         {version}): use the same version for both"
    )]
    Command {
        /// The client's version.
        version: String,
    },
}

impl DaemonCommand {
    /// The request, as a line.
    #[must_use]
    pub fn line(&self) -> String {
        let envelope = Envelope {
            protocol: PROTOCOL,
            version: VERSION,
            command: self,
        };
        // Of text and numbers alone a document can always be made.
        serde_json::to_string(&envelope).unwrap_or_default() + "\n"
    }

    /// The command in a line.
    ///
    /// # Errors
    /// The line is no request, or one of another version.
    pub fn parse(line: &[u8]) -> Result<Self, InvalidRequest> {
        let preamble = serde_json::from_slice(line).map_err(|_| InvalidRequest::Form)?;
        let Preamble {
            protocol,
            version,
            command,
        } = preamble;
        if protocol != PROTOCOL {
            return Err(InvalidRequest::Protocol { protocol, version });
        }
        match serde_json::from_value(command) {
            // Another version may understand the flags in another way.
            Ok(Self::Run(_) | Self::Record(_)) if version != VERSION => {
                Err(InvalidRequest::Version { version })
            }
            Ok(command) => Ok(command),
            Err(_) => Err(InvalidRequest::Command { version }),
        }
    }
}

impl Answer {
    /// The answer, as a line.
    #[must_use]
    pub fn line(self) -> String {
        serde_json::to_string(&self).unwrap_or_default() + "\n"
    }

    /// The answer in a line; `None` if it is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_one_line_and_is_read_as_written() {
        let line = DaemonCommand::Status.line();
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let read = DaemonCommand::parse(line.trim_end().as_bytes());
        assert_eq!(read, Ok(DaemonCommand::Status));
    }

    #[test]
    fn command_line_is_carried_out_for_the_same_version_only() {
        let command = DaemonCommand::Run(HandedCommand {
            arguments: vec!["sync".to_owned(), "--only=lake".to_owned()],
            view: ClientView {
                tenant: "https://acme.example.com".to_owned(),
                ledger: (1, 2),
                settings_file: None,
            },
            selecting: SelectingFlags::default(),
            can_ask: true,
            has_colour: false,
        });
        let line = command.line();
        assert_eq!(DaemonCommand::parse(line.as_bytes()), Ok(command));
        let own = format!("\"version\":\"{VERSION}\"");
        let other = line.replace(&own, "\"version\":\"9.0.0\"");
        let version = "9.0.0".to_owned();
        let refused = Err(InvalidRequest::Version { version });
        assert_eq!(DaemonCommand::parse(other.as_bytes()), refused);
        let more = line.replace("\"can_ask\"", "\"as_root\":true,\"can_ask\"");
        let refused = DaemonCommand::parse(more.as_bytes());
        assert!(matches!(refused, Err(InvalidRequest::Command { .. })));
        let answer = Answer { approves: true };
        assert_eq!(Answer::parse(&answer.line()), Some(answer));
        assert_eq!(Answer::parse("yes"), None);
    }

    #[test]
    fn request_of_another_version_is_named_as_such() {
        let of = |line: &str| DaemonCommand::parse(line.as_bytes()).unwrap_err();
        let newer = of(r#"{"protocol":2,"version":"9.0.0","command":"status"}"#);
        assert_eq!(
            newer.to_string(),
            format!(
                "the daemon (version {VERSION}) uses protocol 1, but the client (version 9.0.0) uses \
                 protocol 2: use the same version for both"
            )
        );
        let version = "9.0.0".to_owned();
        let unknown = InvalidRequest::Command { version };
        for command in [r#""dance""#, r#"{"status":{"all":true}}"#, "7"] {
            let line = format!(r#"{{"protocol":1,"version":"9.0.0","command":{command}}}"#);
            assert_eq!(of(&line), unknown, "{line}");
        }
        for line in ["", "{}", "GET / HTTP/1.1", "[1]"] {
            assert_eq!(of(line), InvalidRequest::Form, "{line}");
        }
    }
}
