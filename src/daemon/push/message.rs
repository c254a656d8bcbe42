//! Messages at the socket: one JSON object a line, the `type` first.
//!
//! At the socket for triggers, a connection is a request: the client sends nothing, and the
//! daemon reads nothing. The response ends with `end` or `refused`:
//!
//! ```text
//! {"type":"text","text":"Plan: 1 to update.\n"}
//! {"type":"end","exit_code":0,"summary":"1 applied, 0 failed"}
//! ```
//!
//! At the control socket, the response to `status` ends with `result`, and the response to a
//! command that the daemon carries out with `end`; either may be `refused`. A command writes
//! `screen` messages, with `alive` in the pauses, and a `question` is answered with a line of the client (see
//! [`Answer`](super::super::control::request::Answer)).

use serde::{Deserialize, Serialize};

/// A line of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// Output of the daemon about the run.
    Text {
        /// Whole lines.
        text: String,
    },
    /// The run has ended.
    End {
        /// As `integrationd sync` would have exited.
        exit_code: u8,
        /// In a line.
        summary: String,
    },
    /// Output of a command that the daemon carries out for the client.
    Screen {
        /// The place of the text.
        place: ScreenPlace,
        /// The text, with colours.
        text: String,
    },
    /// A question for the person at the client.
    Question {
        /// In words.
        text: String,
    },
    /// The daemon is alive, and the command of the client has not ended.
    Alive,
    /// Result of a request at the control socket.
    Result {
        /// As the command is to exit.
        exit_code: u8,
        /// The result for people.
        text: String,
        /// The result for programs: one JSON document.
        json: String,
    },
    /// There is no answer.
    Refused {
        /// The reason.
        why: String,
    },
}

/// The stream for a part of the output, and whether its lines are folded there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScreenPlace {
    /// Standard output: paragraphs, which are folded.
    Prose,
    /// Standard output: lines, which are folded.
    Output,
    /// Standard output, as it is.
    UnfoldedOutput,
    /// Standard error: lines, which are folded.
    Error,
    /// Standard error, as it is.
    UnfoldedError,
    /// The summary of the job that the client runs in.
    JobSummary,
}

impl Message {
    /// The line, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        // Of text and numbers alone a document can always be made.
        let line = serde_json::to_string(self).unwrap_or_default();
        line + "\n"
    }

    /// The message in a line, if it is one of ours.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_and_is_read_as_it_was_meant() {
        for message in [
            Message::Text {
                text: "a\n\"b\"\n".to_owned(),
            },
            Message::End {
                exit_code: 65,
                summary: "x".to_owned(),
            },
            Message::Screen {
                place: ScreenPlace::UnfoldedError,
                text: "error\n".to_owned(),
            },
            Message::Question {
                text: "Apply? ".to_owned(),
            },
            Message::Result {
                exit_code: 0,
                text: "State: Ready\n".to_owned(),
                json: "{}\n".to_owned(),
            },
            Message::Refused { why: String::new() },
        ] {
            let line = message.line();
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert_eq!(Message::parse(&line), Some(message));
        }
        assert_eq!(Message::parse("{\"type\":\"other\"}"), None);
        assert_eq!(Message::parse(""), None);
    }
}
