//! How values look in the text report: cut where they are long, escaped, and
//! around the place where two of them differ.

use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use crate::plan::Shown;
use crate::text::{cut, escaped};

/// A value longer than this is cut: a plan is read line by line.
const WIDTH: usize = 60;
/// How many characters before the first difference are kept when two long values are cut.
const LEAD: usize = 12;

/// What stands for a value that must not be shown.
pub(super) const SECRET: &str = "(secret)";

/// A value on one line.
pub(super) fn shown(value: &Shown) -> String {
    match value {
        Shown::Absent => "(absent)".to_owned(),
        Shown::Hidden => SECRET.to_owned(),
        Shown::Plain(json) => cut(&plain(json), WIDTH).into_owned(),
    }
}

/// Two values on one line, cut around their first difference, or the lines of
/// a difference if either has more than one.
pub(super) enum Both {
    OneLine { before: String, after: String },
    Lines(Vec<(char, String)>),
}

pub(super) fn both(before: &Shown, after: &Shown) -> Both {
    match (before, after) {
        (Shown::Plain(Json::String(old)), Shown::Plain(Json::String(new)))
            if old.contains('\n') || new.contains('\n') =>
        {
            Both::Lines(line_diff(old, new))
        }
        (Shown::Plain(old), Shown::Plain(new)) => {
            let (old, new) = (plain(old), plain(new));
            let common = old
                .chars()
                .zip(new.chars())
                .take_while(|(a, b)| a == b)
                .count();
            Both::OneLine {
                before: cut_from(&old, common),
                after: cut_from(&new, common),
            }
        }
        (before, after) => Both::OneLine {
            before: shown(before),
            after: shown(after),
        },
    }
}

/// The changed lines of two texts.
fn line_diff(old: &str, new: &str) -> Vec<(char, String)> {
    TextDiff::from_lines(old, new)
        .iter_all_changes()
        .filter_map(|change| {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => return None,
            };
            let line = change.value().trim_end_matches(['\r', '\n']);
            Some((sign, cut(&escaped(line), WIDTH).into_owned()))
        })
        .collect()
}

/// The text cut to the width, starting a little before the difference if that lies behind it.
fn cut_from(text: &str, difference: usize) -> String {
    if text.chars().count() <= WIDTH || difference < WIDTH - LEAD {
        return cut(text, WIDTH).into_owned();
    }
    let tail: String = text.chars().skip(difference - LEAD).collect();
    format!("…{}", cut(&tail, WIDTH))
}

/// JSON as in a file: strings in quotes, with what is unsafe escaped.
fn plain(json: &Json) -> String {
    match json {
        Json::String(text) => format!("\"{}\"", escaped(text)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            escaped(&json.to_string()).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_long_values_are_cut_around_their_first_difference() {
        let old = Shown::Plain(Json::from(format!("{}1", "a".repeat(90))));
        let new = Shown::Plain(Json::from(format!("{}2", "a".repeat(90))));
        let Both::OneLine { before, after } = both(&old, &new) else {
            panic!("one line")
        };
        assert_eq!(before, "…aaaaaaaaaaaa1\"");
        assert_eq!(after, "…aaaaaaaaaaaa2\"");
    }

    #[test]
    fn texts_of_many_lines_show_the_lines_that_differ() {
        let old = Shown::Plain(Json::from("a\nb\nc"));
        let new = Shown::Plain(Json::from("a\nB\nc"));
        let Both::Lines(lines) = both(&old, &new) else {
            panic!("lines")
        };
        assert_eq!(lines, [('-', "b".to_owned()), ('+', "B".to_owned())]);
    }

    #[test]
    fn what_must_not_be_shown_is_not() {
        assert_eq!(shown(&Shown::Hidden), "(secret)");
    }
}
