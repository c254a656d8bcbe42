//! Long lines, folded for a terminal.
//!
//! A line goes on below itself, a little further in, so that an indented list
//! stays one. It is cut at spaces alone: what has none, such as a URL, stays
//! whole to be copied. Colours take no room.

use unicode_width::UnicodeWidthChar;

/// Additional indentation of a continuation line.
const HANG: usize = 4;
/// Below this many columns a folded line would be a ladder of words.
const NARROWEST: usize = 40;

/// The text with every line folded to this many columns.
pub(crate) fn wrap(text: &str, columns: usize) -> String {
    wrap_with(text, columns, HANG)
}

/// The same for paragraphs: a line goes on right below itself.
pub(crate) fn wrap_prose(text: &str, columns: usize) -> String {
    wrap_with(text, columns, 0)
}

fn wrap_with(text: &str, columns: usize, hang: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.split_inclusive('\n') {
        wrap_line(&mut out, line, columns.max(NARROWEST), hang);
    }
    out
}

fn wrap_line(out: &mut String, line: &str, columns: usize, further: usize) {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let (margin, rest) = line.split_at(indent);
    out.push_str(margin);
    let hang = (indent + further).min(columns / 2);
    let mut column = indent;
    let mut gap = 0;
    for (index, word) in rest.split(' ').enumerate() {
        if index > 0 {
            gap += 1;
        }
        if word.is_empty() {
            continue;
        }
        let width = width(word);
        if index > 0 && column + gap + width > columns && column > hang {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', hang));
            column = hang + width;
        } else {
            out.extend(std::iter::repeat_n(' ', gap));
            column += gap + width;
        }
        gap = 0;
        out.push_str(word);
    }
    out.extend(std::iter::repeat_n(' ', gap));
}

/// The columns that a word takes: escape sequences take none.
fn width(word: &str) -> usize {
    let mut columns = 0;
    let mut in_sequence = false;
    for c in word.chars() {
        match c {
            '\u{1b}' => in_sequence = true,
            _ if in_sequence => in_sequence = !c.is_ascii_alphabetic(),
            _ => columns += c.width().unwrap_or(0),
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_goes_on_further_in() {
        let line = "   help: the quick brown fox jumps over the lazy dog\n";
        assert_eq!(
            wrap(line, 40),
            "   help: the quick brown fox jumps over\n       the lazy dog\n"
        );
    }

    #[test]
    fn prose_goes_on_right_below_itself() {
        let text = "the quick brown fox jumps over the lazy dog\n\n  the quick brown fox jumps over the lazy dog\n";
        assert_eq!(
            wrap_prose(text, 40),
            "the quick brown fox jumps over the lazy\ndog\n\n  the quick brown fox jumps over the\n  lazy dog\n"
        );
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        for text in ["", "a\n", "  a   b  =  c\n\n  d", "a question? "] {
            assert_eq!(wrap(text, 40), text);
        }
    }

    #[test]
    fn a_word_that_is_too_long_stays_whole() {
        let url = "x".repeat(90);
        let line = format!("see {url} there");
        assert_eq!(wrap(&line, 40), format!("see {url}\n    there"));
    }

    #[test]
    fn colours_take_no_room() {
        let line = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m 789 1234 6789 1234 6789 1234 6789";
        assert_eq!(wrap(line, 40), line);
    }
}
