//! Values in the text report: escaped, and around the place where two of them differ. A
//! value that is sent is shown to its end, however long it is: the part that a driver
//! would read behind an ellipsis must be seen. A value that is not sent is cut.

use std::fmt::Write as _;

use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use super::style::{ADD, BAD, DIM, paint};
use crate::plan::DisplayValue;
use crate::secret::MASK;
use crate::text::{cut, escaped};

/// A value that is not sent is cut if it is longer: a plan is read line by line.
const WIDTH: usize = 60;
/// Number of characters before the first difference that are kept if two long values are cut.
const LEAD: usize = 12;

/// A value on one line.
pub(super) fn shown(value: &DisplayValue) -> String {
    match value {
        DisplayValue::Absent => "(absent)".to_owned(),
        DisplayValue::Hidden => MASK.to_owned(),
        DisplayValue::Plain(json) => cut(&whole(json), WIDTH).into_owned(),
    }
}

/// A destination whose server value an update keeps, in a sentence. Two values on one line, the
/// first cut around the place where the second differs, or their lines if either has more than
/// one.
pub(super) enum Both {
    OneLine { before: String, after: String },
    Lines(Vec<(char, String)>),
}

pub(super) fn both(before: &DisplayValue, after: &DisplayValue) -> Both {
    match (before, after) {
        (DisplayValue::Plain(Json::String(old)), DisplayValue::Plain(Json::String(new)))
            if old.contains('\n') || new.contains('\n') =>
        {
            Both::Lines(line_diff(old, new))
        }
        (DisplayValue::Plain(old), DisplayValue::Plain(new)) => {
            let (old, new) = (whole(old), whole(new));
            let common = old
                .chars()
                .zip(new.chars())
                .take_while(|(a, b)| a == b)
                .count();
            Both::OneLine {
                before: cut_from(&old, common),
                after: new,
            }
        }
        (before, DisplayValue::Plain(new)) => Both::OneLine {
            before: shown(before),
            after: whole(new),
        },
        (before, after @ (DisplayValue::Absent | DisplayValue::Hidden)) => Both::OneLine {
            before: shown(before),
            after: shown(after),
        },
    }
}

/// The lines of two texts: of the old one those that go, of the new one all.
fn line_diff(old: &str, new: &str) -> Vec<(char, String)> {
    let line = |change: similar::Change<&str>| {
        let line = escaped(change.value().trim_end_matches(['\r', '\n']));
        match change.tag() {
            ChangeTag::Delete => ('-', cut(&line, WIDTH).into_owned()),
            ChangeTag::Insert => ('+', line.into_owned()),
            ChangeTag::Equal => (' ', line.into_owned()),
        }
    };
    let lines = TextDiff::from_lines(old, new);
    lines.iter_all_changes().map(line).collect()
}

/// Writes the lines of a difference.
pub(super) fn write_lines(out: &mut String, lines: &[(char, String)]) {
    for (sign, line) in lines {
        let style = match sign {
            '+' => ADD,
            '-' => BAD,
            _ => DIM,
        };
        let line = paint(style, format_args!("{sign} {line}"));
        let _ = writeln!(out, "          {line}");
    }
}

/// The text cut to the width, starting a little before the difference if that lies behind it.
fn cut_from(text: &str, difference: usize) -> String {
    if text.chars().count() <= WIDTH || difference < WIDTH - LEAD {
        return cut(text, WIDTH).into_owned();
    }
    let tail: String = text.chars().skip(difference - LEAD).collect();
    format!("…{}", cut(&tail, WIDTH))
}

/// JSON as in a file, to its end: strings in quotes, with what is unsafe escaped.
pub(super) fn whole(json: &Json) -> String {
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
    fn old_value_is_cut_around_the_difference_and_new_is_whole() {
        let old = DisplayValue::Plain(Json::from(format!("{}1", "a".repeat(90))));
        let new = DisplayValue::Plain(Json::from(format!("{}2", "a".repeat(90))));
        let Both::OneLine { before, after } = both(&old, &new) else {
            panic!("one line")
        };
        assert_eq!(before, "…aaaaaaaaaaaa1\"");
        assert_eq!(after, format!("\"{}2\"", "a".repeat(90)));
    }

    #[test]
    fn texts_of_many_lines_show_every_line_that_is_sent() {
        let old = DisplayValue::Plain(Json::from("a\nb\nc"));
        let new = DisplayValue::Plain(Json::from("a\nB\nc"));
        let Both::Lines(lines) = both(&old, &new) else {
            panic!("lines")
        };
        let lines: Vec<_> = lines.iter().map(|(c, l)| (*c, l.as_str())).collect();
        assert_eq!(lines, [(' ', "a"), ('-', "b"), ('+', "B"), (' ', "c")]);
    }

    #[test]
    fn what_must_not_be_shown_is_not() {
        assert_eq!(shown(&DisplayValue::Hidden), "(secret)");
    }
}
