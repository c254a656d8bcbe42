//! The log in systemd's journal, in its native protocol.
//!
//! Where standard error is the journal, each event is an entry with its level and
//! with fields: `journalctl -u integrationd INTEGRATION=warehouse-prod`. The message
//! repeats what is particular to it: `journalctl` shows nothing else by default.
//! Protocol: <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::os::unix::net::UnixDatagram;

use rustix::fs::fstat;
use serde_json::{Map, Value as Json};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::fields::Fields;
use super::terminal::Terminal;

/// Socket of the journal.
const SOCKET: &str = "/run/systemd/journal/socket";

/// Fields of every entry, which its message need not repeat.
const EVERYWHERE: &[&str] = &["tenant", "run_id", "trigger", "revision"];

/// Sends every event to the journal.
pub(crate) struct Journal {
    socket: UnixDatagram,
    terminal: Terminal,
}

impl Journal {
    /// If standard error goes there, as systemd says it in `JOURNAL_STREAM`.
    pub(crate) fn of_process(terminal: Terminal) -> Option<Self> {
        let stderr = fstat(io::stderr()).ok()?;
        let named = std::env::var_os("JOURNAL_STREAM")?;
        let is_ours = named == OsString::from(format!("{}:{}", stderr.st_dev, stderr.st_ino));
        let socket = is_ours.then(UnixDatagram::unbound)?.ok()?;
        Some(Self { socket, terminal })
    }

    /// Sends an entry. One that is too long for the socket, or finds no listener, goes to standard
    /// error, with its level as the journal reads it there.
    fn send(&self, level: Level, fields: &Map<String, Json>, spans: &Map<String, Json>) {
        let message = message(fields, spans);
        let entry = entry(level, &message, spans.iter().chain(fields));
        if self.socket.send_to(&entry, SOCKET).is_err() {
            let priority = priority(level);
            self.terminal
                .err_unfolded(&format!("<{priority}>{message}\n"));
        }
    }
}

impl<S> Layer<S> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut spans = Map::new();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(Scope::from_root)
        {
            if let Some(Fields(own)) = span.extensions().get() {
                spans.extend(own.clone());
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.send(*event.metadata().level(), &fields.0, &spans);
    }
}

/// The levels of syslog.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// For people: what happened, and what is particular to it.
fn message(fields: &Map<String, Json>, spans: &Map<String, Json>) -> String {
    let mut text = fields.get("message").map(text).unwrap_or_default();
    let particular = fields.iter().chain(spans);
    for (name, value) in particular {
        if name != "message" && !EVERYWHERE.contains(&name.as_str()) {
            // It fails only where the text cannot grow.
            let _ = write!(text, " {name}={value}");
        }
    }
    text
}

/// An entry for the journal.
fn entry<'f>(
    level: Level,
    message: &str,
    fields: impl Iterator<Item = (&'f String, &'f Json)>,
) -> Vec<u8> {
    let mut entry = Vec::new();
    put(&mut entry, "MESSAGE", message);
    put(&mut entry, "PRIORITY", &priority(level).to_string());
    put(&mut entry, "SYSLOG_IDENTIFIER", env!("CARGO_PKG_NAME"));
    for (name, value) in fields.filter(|(name, _)| *name != "message") {
        put(&mut entry, &field_name(name), &text(value));
    }
    entry
}

/// Each value with its length, since a value may have several lines.
fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    entry.push(b'\n');
    entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

/// The journal takes capital letters, digits and underscores.
fn field_name(name: &str) -> String {
    let upper = name.chars().map(|c| c.to_ascii_uppercase());
    upper
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

/// A text without its quotes; anything else as JSON.
fn text(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: &Json) -> Map<String, Json> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn the_message_repeats_what_is_particular_to_it() {
        let fields = map(&json!({"message": "action failed", "error": "422: no", "attempt": 2}));
        let spans = map(&json!({"tenant": "T", "run_id": "1", "integration": "lake"}));
        assert_eq!(
            message(&fields, &spans),
            "action failed error=\"422: no\" attempt=2 integration=\"lake\""
        );
    }

    #[test]
    fn an_entry_has_a_level_and_every_field_with_its_length() {
        let fields = map(&json!({
            "message": "m", "http.request.method": "GET", "help": "two\nlines"
        }));
        let entry = entry(Level::WARN, "m", fields.iter());
        let field = |name: &str, value: &str| {
            let mut bytes = format!("{name}\n").into_bytes();
            bytes.extend((value.len() as u64).to_le_bytes());
            bytes.extend(format!("{value}\n").into_bytes());
            bytes
        };
        let expected = [
            field("MESSAGE", "m"),
            field("PRIORITY", "4"),
            field("SYSLOG_IDENTIFIER", "integrationd"),
            field("HTTP_REQUEST_METHOD", "GET"),
            field("HELP", "two\nlines"),
        ];
        assert_eq!(entry, expected.concat());
    }
}
