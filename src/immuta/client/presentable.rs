//! Text from the server as it may be shown.

use crate::text::{cut, escaped};

/// The longest text that is shown, in characters: about twenty-five lines of a
/// terminal. The documented messages have fewer than 250 (API.md section 6).
const LONGEST: usize = 2000;

/// The text escaped and cut, after the secrets were scrubbed.
pub(super) fn presentable(text: &str) -> String {
    // Cut before, so that little is escaped of a text of megabytes.
    let text = cut(text.trim(), LONGEST);
    cut(&escaped(&text), LONGEST).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_fool_a_terminal_are_escaped() {
        assert_eq!(
            presentable("a\u{1b}[31m\u{202e}b\u{200b}\u{9b}\n é"),
            "a\\u{1b}[31m\\u{202e}b\\u{200b}\\u{9b}\\n é"
        );
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let shown = presentable(&"é".repeat(LONGEST + 1));
        assert_eq!(shown.chars().count(), LONGEST);
        assert!(shown.ends_with("é…"));
        assert!(!presentable(&"é".repeat(LONGEST)).ends_with('…'));
    }
}
