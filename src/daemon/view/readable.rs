//! The status for people, as `integrationd status` prints it.

use std::fmt::{Display, Write as _};

use jiff::Timestamp;

use super::{FileMistake, Row, RunView, State};
use crate::daemon::{ClientCommand, DaemonStatus, RejectedSettings};
use crate::report::suspended;
use crate::text::{count, escaped};

/// Makes the text. It has no colours, and a line for each fact.
#[must_use]
pub fn readable(status: &DaemonStatus, now: Timestamp) -> String {
    let mut out = String::new();
    fact(&mut out, "State", state(status));
    let last = status.last.as_ref();
    if let Some(outcome) = last {
        fact(&mut out, "Result", &outcome.summary);
        if let Some(help) = &outcome.help {
            fact(&mut out, "Help", help);
        }
    }
    if let Some(view) = &status.view {
        fact(&mut out, "Tenant", &view.tenant);
        fact(&mut out, "Source", &view.source);
    }
    if let Some(revision) = last.and_then(|outcome| outcome.revision.as_ref()) {
        // It names itself.
        line(&mut out, &revision.to_string());
    }
    fact(&mut out, "Last run", moment(status.at, "none yet"));
    fact(
        &mut out,
        "Last success",
        moment(status.succeeded, "none yet"),
    );
    fact(&mut out, "Next run", next(status, now));
    if let Some(command) = &status.command {
        let ClientCommand { name, since } = command;
        let since = moment(Some(*since), "");
        fact(
            &mut out,
            "Command",
            format!("{name} for a client, since {since}"),
        );
    }
    fact(&mut out, "Runs", status.runs);
    fact(&mut out, "Version", env!("CARGO_PKG_VERSION"));
    if let Some(rejected) = &status.rejected_settings {
        settings(&mut out, rejected);
    }
    if let Some(view) = &status.view {
        seen(&mut out, view);
    }
    out
}

fn state(status: &DaemonStatus) -> String {
    let word = status.phase.word();
    match status.phase.reason() {
        Some(reason) => format!("{word} ({reason}): {}", reason.meaning()),
        None => word.to_owned(),
    }
}

fn next(status: &DaemonStatus, now: Timestamp) -> String {
    match status.next {
        Some(next) if next <= now => "due".to_owned(),
        next => moment(next, "after the run under way"),
    }
}

/// A time to the second.
fn moment(time: Option<Timestamp>, none: &str) -> String {
    let shown = time.map(|time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
    shown.unwrap_or_else(|| none.to_owned())
}

fn fact(out: &mut String, name: &str, value: impl Display) {
    line(out, &format!("{name}: {value}"));
}

/// A line: text of files and servers cannot begin another one.
fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _infallible = writeln!(out, "{}", escaped(text));
}

fn settings(out: &mut String, rejected: &RejectedSettings) {
    let RejectedSettings {
        at,
        why,
        help,
        mistakes,
    } = rejected;
    out.push('\n');
    let at = moment(Some(*at), "");
    line(out, &format!("New settings were rejected at {at}: {why}"));
    line(out, &format!("  help: {help}"));
    for mistake in mistakes {
        line(out, &format!("  {}", of_mistake(mistake)));
    }
}

fn of_mistake(mistake: &FileMistake) -> String {
    let FileMistake {
        code,
        severity,
        place,
        message,
        help: _,
    } = mistake;
    format!("{place}: {severity}[{code}]: {message}")
}

/// State that the last run read.
fn seen(out: &mut String, view: &RunView) {
    out.push('\n');
    let counts = State::ALL.map(|state| (view.in_state(state), state.word()));
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let counts: Vec<String> = counts.map(|(n, word)| format!("{n} {word}")).collect();
    let of = if counts.is_empty() {
        "none".to_owned()
    } else {
        counts.join(", ")
    };
    fact(out, "Integrations", of);
    for state in State::ALL {
        let Some(title) = title(state) else { continue };
        let rows: Vec<&Row> = view.rows.iter().filter(|row| row.state == state).collect();
        if !rows.is_empty() {
            let _infallible = write!(out, "\n{title}:\n");
        }
        for row in rows {
            integration(out, row);
        }
    }
    if let Some(suspensions) = suspended::line(&view.suspensions) {
        let _infallible = write!(out, "\nSuspended by operators: {suspensions}\n");
    }
    if !view.mistakes.is_empty() {
        out.push_str("\nMistakes in files:\n");
    }
    for mistake in &view.mistakes {
        line(out, &format!("  {}", of_mistake(mistake)));
    }
    if !view.unreadable.is_empty() {
        out.push_str("\nThe tenant's list of integrations could not be read completely:\n");
    }
    for reason in &view.unreadable {
        line(out, &format!("  {reason}"));
    }
    if !view.unmanaged.is_empty() {
        let number = count(view.unmanaged.len(), "integration");
        let _infallible = write!(out, "\nUnmanaged: {number}\n");
    }
}

/// Heading of the integrations in a state that are listed.
fn title(state: State) -> Option<&'static str> {
    match state {
        State::Stalled => Some("Integrations that need attention"),
        State::Reconciling => Some("Pending"),
        State::Suspended => Some("Suspended"),
        State::Ready => None,
    }
}

fn integration(out: &mut String, row: &Row) {
    let mut head = format!("  {}", row.name);
    if let Some(reason) = row.reason {
        head += &format!(" ({reason})");
    }
    line(out, &head);
    for about in &row.about {
        line(out, &format!("    {about}"));
    }
}
