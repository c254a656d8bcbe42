//! Colours and counts of the text.

use anstyle::{AnsiColor, Style};

pub(super) const ADD: Style = AnsiColor::Green.on_default();
pub(super) const CHANGE: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// The text in a style.
pub(super) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// `2 to create, 1 blocked`: what there is none of is left out.
pub(super) fn list_counts(counts: &[(usize, &str)]) -> String {
    let some = counts.iter().filter(|(n, _)| *n > 0);
    let words: Vec<String> = some.map(|(n, what)| format!("{n} {what}")).collect();
    if words.is_empty() {
        "no integrations".to_owned()
    } else {
        words.join(", ")
    }
}
