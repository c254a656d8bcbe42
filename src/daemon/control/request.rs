//! A request: one line, which the client sends first.
//!
//! ```text
//! {"protocol":1,"version":"0.1.0","command":"status"}
//! ```
//!
//! A request contains no credential, and no path for the daemon to read.

use serde::{Deserialize, Serialize};

/// Version of the protocol; it changes only if both sides have to change.
const PROTOCOL: u32 = 1;

/// The longest request, in bytes.
pub const LARGEST_REQUEST: usize = 64 * 1024;

/// The program's version, for messages.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A command for the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DaemonCommand {
    /// Report the status.
    Status,
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
struct Envelope {
    protocol: u32,
    version: &'static str,
    command: DaemonCommand,
}

/// A request that the daemon does not carry out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// It has another form.
    #[error("the request is not valid")]
    Form,
    /// It is of another protocol.
    #[error(
        "the daemon (version {VERSION}) has protocol {PROTOCOL}, the client (version {version}) \
         has protocol {protocol}: use the same version for both"
    )]
    Protocol {
        /// The client's protocol.
        protocol: u32,
        /// The client's version.
        version: String,
    },
    /// Another version may know the command or its arguments.
    #[error(
        "the daemon (version {VERSION}) does not know this request of the client (version \
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
    pub fn line(self) -> String {
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
        serde_json::from_value(command).map_err(|_| InvalidRequest::Command { version })
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
    fn request_of_another_version_is_named_as_such() {
        let of = |line: &str| DaemonCommand::parse(line.as_bytes()).unwrap_err();
        let newer = of(r#"{"protocol":2,"version":"9.0.0","command":"status"}"#);
        assert_eq!(
            newer.to_string(),
            format!(
                "the daemon (version {VERSION}) has protocol 1, the client (version 9.0.0) has \
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
