//! Workflow commands of GitHub Actions: an annotation for each mistake and each integration, at
//! its file and line; the comment is the summary of the job.
//!
//! Texts cannot begin a line, so that none can issue a command of its own.

use std::fmt::Write as _;

use super::{Document, Rendered, markdown};
use crate::diagnostic::Severity;
use crate::report::overview::{ItemLevel, Overview};
use crate::text::escaped;

pub(super) fn render(document: &impl Document) -> Rendered {
    let Some(overview) = document.overview() else {
        return Rendered::of(String::new());
    };
    Rendered {
        summary: markdown::comment(&overview),
        ..Rendered::of(annotations(&overview))
    }
}

fn annotations(overview: &Overview<'_>) -> String {
    let mut out = String::new();
    for diagnostic in overview.diagnostics {
        let command = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = &diagnostic.place;
        let at = format!(
            "file={},line={},col={},title={}",
            property(&super::relative(&place.file)),
            place.line,
            place.column,
            property(diagnostic.code.number()),
        );
        let mut message = diagnostic.message.clone();
        for help in &diagnostic.help {
            let _ = write!(message, "\nhelp: {help}");
        }
        let _ = writeln!(out, "::{command} {at}::{}", data(&message));
    }
    // The mistakes of a check say everything about its integrations.
    let items = overview.items.iter().filter(|_| overview.writes.is_some());
    for item in items {
        let command = match item.level {
            ItemLevel::Error => "error",
            ItemLevel::Notice => "notice",
            ItemLevel::Nothing => continue,
        };
        let title = property(&format!("{}: {}", item.name, item.verdict));
        let at = item.place.map_or(String::new(), |(file, line)| {
            format!("file={},line={line},", property(&super::relative(file)))
        });
        let message = if item.problem.is_empty() {
            item.details.trim_end()
        } else {
            &item.problem
        };
        let _ = writeln!(out, "::{command} {at}title={title}::{}", data(message));
    }
    if let Some((what, help)) = overview.failure {
        let message = data(&format!("{what}\nhelp: {help}"));
        let _ = writeln!(out, "::error title=integrationd::{message}");
    }
    let _ = writeln!(out, "{}", line(&overview.summary));
    out
}

/// The message of a command.
fn data(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(escaped).collect();
    lines.join("\n").replace('%', "%25").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A line that is no command, not even of the older kind.
fn line(text: &str) -> String {
    let text = escaped(text);
    let defused = text.trim_start().replace("##[", "## [");
    defused.trim_start_matches(':').to_owned()
}
