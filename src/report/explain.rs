//! The meaning of a diagnostic.

use std::fmt::Write as _;

use serde::Serialize;

use super::document::Document;
use super::exit::Exit;
use super::failure::CommandFailure;
use super::style::{BAD, BOLD, CHANGE};
use crate::diagnostic::{Code, Diagnostic, Example, FileExample, Severity, render_one};
use crate::manifest::{load_example, nearest};

/// The document of `explain` for the code of a diagnostic.
#[derive(Serialize)]
pub struct Explanation {
    code: Code,
    slug: &'static str,
    severity: Severity,
    explanation: &'static str,
    /// Flags that the example needs.
    flags: Vec<String>,
    wrong: &'static str,
    /// The first diagnostic of the wrong example, if that is a file.
    diagnostic: Option<Diagnostic>,
    right: &'static str,
    exit_code: Exit,
}

impl Explanation {
    /// Explains a code.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let (flags, wrong, diagnostic, right) = match code.example() {
            Example::File(FileExample {
                wrong,
                right,
                settings,
            }) => {
                let flags = settings.iter().map(ToString::to_string).collect();
                let found = load_example(wrong, settings).diagnostics;
                (flags, wrong, found.into_iter().next(), right)
            }
            Example::Situation { wrong, right } => (Vec::new(), wrong, None, right),
        };
        Self {
            code,
            slug: code.slug(),
            severity: code.severity(),
            explanation: code.explanation(),
            flags,
            wrong,
            diagnostic,
            right,
            exit_code: Exit::Success,
        }
    }

    fn title(&self) -> String {
        let style = match self.severity {
            Severity::Error => BAD,
            Severity::Warning => CHANGE,
        };
        let (code, slug, severity) = (self.code, self.slug, self.severity.as_str());
        format!("{BOLD}{code} {slug}{BOLD:#} ({style}{severity}{style:#})")
    }
}

/// The failure for a code that no diagnostic has: the codes that begin with it, or the nearest.
#[must_use]
pub fn unknown_code(number: &str) -> CommandFailure {
    let number = number.to_ascii_uppercase();
    let numbers = || Code::ALL.iter().map(|code| code.number());
    let mut meant: Vec<&str> = numbers().filter(|it| it.starts_with(&number)).collect();
    if meant.is_empty() {
        meant.extend(nearest(&number, numbers()));
    }
    let meant = match meant.split_last() {
        None => String::new(),
        Some((only, [])) => format!("did you mean {only}? "),
        Some((last, others)) => format!("did you mean {} or {last}? ", others.join(", ")),
    };
    CommandFailure::new(
        Exit::Usage,
        format_args!("no diagnostic has the code {number}"),
        format_args!("{meant}see docs/diagnostics.md for all codes"),
    )
}

impl Document for Explanation {
    fn prose(&self) -> String {
        let mut out = format!("{}\n\n{}\n", self.title(), self.explanation);
        if !self.flags.is_empty() {
            out.push_str("\nThe examples are validated with:\n\n");
            push_indented(&mut out, &self.flags.join("\n"), INDENT);
        }
        if self.diagnostic.is_none() {
            push_section(&mut out, "Wrong:", self.wrong, "");
            push_section(&mut out, "Right:", self.right, "");
        }
        out
    }

    fn text(&self) -> String {
        let Some(diagnostic) = &self.diagnostic else {
            return String::new();
        };
        let mut out = String::new();
        push_section(&mut out, "Wrong:", self.wrong, INDENT);
        out.push('\n');
        push_indented(&mut out, &render_one(diagnostic, true), INDENT);
        push_section(&mut out, "Right:", self.right, INDENT);
        out
    }
}

/// Sets an example off from the sentences.
const INDENT: &str = "    ";

fn push_section(out: &mut String, title: &str, text: &str, indent: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "\n{BOLD}{title}{BOLD:#}\n");
    push_indented(out, text, indent);
}

fn push_indented(out: &mut String, text: &str, indent: &str) {
    for line in text.lines() {
        if !line.is_empty() {
            out.push_str(indent);
            out.push_str(line);
        }
        out.push('\n');
    }
}
