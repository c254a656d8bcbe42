//! The result of a command for pipelines and forges: what the formats of other tools are made
//! from. It knows none of these formats, and none of its texts is escaped yet.

use super::exit::Exit;
use crate::diagnostic::Diagnostic;

/// The result of a command, without the form in which it is written.
#[derive(Debug)]
pub struct Overview<'a> {
    /// The subject, such as `Plan for https://acme.example.com`. The same subject has the same
    /// title in each run.
    pub title: String,
    /// The result in a sentence.
    pub summary: String,
    /// The mistakes in the files.
    pub diagnostics: &'a [Diagnostic],
    /// The integrations that are worth a line, by name.
    pub items: Vec<OverviewItem<'a>>,
    /// Further facts, a sentence each.
    pub remarks: Vec<String>,
    /// Numbers of writes, of a plan.
    pub writes: Option<WriteCounts>,
    /// The reason why the command came to no result, and the remedy.
    pub failure: Option<(&'a str, &'a str)>,
    /// The exit code.
    pub exit: Exit,
}

impl Overview<'_> {
    /// Without anything to say.
    #[must_use]
    pub fn new(exit: Exit) -> Self {
        Self {
            title: String::new(),
            summary: String::new(),
            diagnostics: &[],
            items: Vec::new(),
            remarks: Vec::new(),
            writes: None,
            failure: None,
            exit,
        }
    }
}

/// One integration.
#[derive(Debug)]
pub struct OverviewItem<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its platform, for people; empty if it is unknown.
    pub platform: &'a str,
    /// Its state or action, such as `update` or `blocked`.
    pub verdict: String,
    /// The importance of the verdict.
    pub level: ItemLevel,
    /// The file that describes it, and the line.
    pub place: Option<(&'a str, usize)>,
    /// The problem, in a sentence; empty if there is none.
    pub problem: String,
    /// The details, on lines of their own: a sign in the first column marks a difference.
    pub details: String,
}

/// The importance of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemLevel {
    /// Something is wrong with it.
    Error,
    /// A change, or something to know.
    Notice,
    /// It is as it should be: only a format that counts every integration names it.
    Nothing,
}

/// Numbers of writes. A replacement is a deletion and a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct WriteCounts {
    /// Integrations to be created.
    pub create: usize,
    /// Integrations to be updated.
    pub update: usize,
    /// Integrations to be deleted.
    pub delete: usize,
}

/// Lines of text with a sign of its own for each difference, as `diff` has them: the sign stands
/// in the first column.
#[must_use]
pub fn signed_lines(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let inner = line.trim_start();
        let is_signed = ["+ ", "- ", "~ "]
            .iter()
            .any(|sign| inner.starts_with(sign));
        let line = if is_signed {
            // Forges colour this sign, but not the one of the text.
            inner.replacen("~ ", "! ", usize::from(inner.starts_with('~')))
        } else {
            format!("  {}", line.trim_start_matches("    "))
        };
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}
