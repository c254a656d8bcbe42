//! One comment for a pull request: the result, a table, and a folded diff of each integration.
//!
//! It is cut to the limit of the forges and says how much it leaves out. A comment in HTML at its
//! beginning is the same in each run, so that a bot finds and replaces its own comment. Texts
//! cannot add markup, mention anyone or end the code block that they stand in.

use std::fmt::Write as _;

use super::{Document, Rendered};
use crate::report::overview::{ItemLevel, Overview, OverviewItem};
use crate::text::escaped;

/// The most that a comment has, in bytes: GitHub accepts 65,536 characters.
const LONGEST: usize = 65_000;

/// The most of it that the table, and the list of mistakes, have each.
const LONGEST_LIST: usize = 20_000;

/// The longest diff of one integration, in bytes.
const LONGEST_DIFF: usize = 12_000;

pub(super) fn render(document: &impl Document) -> Rendered {
    Rendered::of(
        document
            .overview()
            .map_or_else(String::new, |it| comment(&it)),
    )
}

/// The comment.
pub(super) fn comment(overview: &Overview<'_>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "<!-- integrationd: {} -->", marker(&overview.title));
    let _ = writeln!(
        out,
        "### {}\n\n{}",
        inline(&overview.title),
        inline(&overview.summary)
    );
    if let Some((what, help)) = overview.failure {
        let _ = writeln!(
            out,
            "\n**Error:** {}\n\n**Help:** {}",
            inline(what),
            inline(help)
        );
    }
    for remark in &overview.remarks {
        let _ = writeln!(out, "\n{}", inline(remark));
    }
    mistakes(&mut out, overview);
    table(&mut out, overview);
    details(&mut out, overview);
    out
}

fn mistakes(out: &mut String, overview: &Overview<'_>) {
    let lines = overview.diagnostics.iter().map(|diagnostic| {
        let place = &diagnostic.place;
        let (severity, code) = (diagnostic.severity.as_str(), diagnostic.code.number());
        let message = inline(&diagnostic.message);
        let at = code_span(&format!("{}:{}", place.file, place.line));
        format!("- **{severity} {code}** {at}: {message}\n")
    });
    if !overview.diagnostics.is_empty() {
        out.push('\n');
        bounded(out, lines, "mistakes");
    }
}

fn table(out: &mut String, overview: &Overview<'_>) {
    let items = overview.items.iter();
    let mut items = items
        .filter(|item| item.level != ItemLevel::Nothing)
        .peekable();
    if items.peek().is_none() {
        return;
    }
    out.push_str("\n| | integration | platform | |\n| --- | --- | --- | --- |\n");
    let rows = items.map(|item| {
        let sign = match item.level {
            ItemLevel::Error => "❌",
            ItemLevel::Notice | ItemLevel::Nothing => "",
        };
        let (name, platform) = (code_span(item.name), inline(item.platform));
        let problem = inline(&item.problem);
        let colon = if problem.is_empty() { "" } else { ": " };
        format!(
            "| {sign} | {name} | {platform} | {}{colon}{problem} |\n",
            item.verdict
        )
    });
    bounded(out, rows, "integrations");
}

/// Writes lines as far as they fit, and says how many do not.
fn bounded(out: &mut String, lines: impl Iterator<Item = String>, what: &str) {
    let most = out.len() + LONGEST_LIST;
    let mut left_out = 0;
    for line in lines {
        if left_out > 0 || out.len() + line.len() > most {
            left_out += 1;
        } else {
            out.push_str(&line);
        }
    }
    if left_out > 0 {
        let _ = writeln!(out, "\n{left_out} more {what} are not shown here.");
    }
}

/// A folded diff of each integration, as far as they fit.
fn details(out: &mut String, overview: &Overview<'_>) {
    let mut left_out = 0;
    let items = overview
        .items
        .iter()
        .filter(|item| !item.details.is_empty());
    for item in items {
        let folded = folded(item);
        if left_out > 0 || out.len() + folded.len() > LONGEST {
            left_out += 1;
        } else {
            out.push_str(&folded);
        }
    }
    if left_out > 0 {
        let _ = writeln!(
            out,
            "\nThe details of {left_out} more integrations are not shown here."
        );
    }
}

fn folded(item: &OverviewItem<'_>) -> String {
    let mut text = String::new();
    let mut left_out = 0;
    for line in item.details.lines().map(escaped) {
        if left_out > 0 || text.len() + line.len() > LONGEST_DIFF {
            left_out += 1;
        } else {
            let _ = writeln!(text, "{line}");
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "({left_out} more lines are not shown here)");
    }
    let fence = fence(&text);
    let (name, verdict) = (inline(item.name), &item.verdict);
    format!(
        "\n<details><summary>{name}: {verdict}</summary>\n\n{fence}diff\n{text}{fence}\n\n</details>\n"
    )
}

/// A fence that no line of a text ends.
fn fence(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat((longest + 1).max(3))
}

/// Text that is no markup, in one line. A forge takes the references for the characters.
fn inline(text: &str) -> String {
    let mut out = String::new();
    let text = escaped(text);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_harmless = match c {
            '.' | ',' | ';' | '?' | '(' | ')' | '/' | '\'' => true,
            // Neither the colon of an address nor that of an emoji.
            ':' => chars.peek().is_none_or(|next| *next == ' '),
            c => !c.is_ascii_punctuation(),
        };
        if is_harmless {
            out.push(c);
        } else {
            let _ = write!(out, "&#{};", u32::from(c));
        }
    }
    out
}

/// Text in the type of code, in one line of a table.
fn code_span(text: &str) -> String {
    format!("<code>{}</code>", inline(text))
}

/// The title, without what could end the comment.
fn marker(title: &str) -> String {
    let title = escaped(title);
    title.chars().filter(|c| !matches!(c, '<' | '>')).collect()
}
