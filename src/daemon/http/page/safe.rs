//! Text from files, git and servers, as it may stand in a page.

use std::fmt::Write as _;

use maud::{Escaper, Render};

use crate::text::escaped;

/// The text with what steers browsers or the direction of reading escaped.
pub(super) fn safe(text: &str) -> Safe<'_> {
    Safe(text)
}

/// See [`safe`].
pub(super) struct Safe<'a>(&'a str);

impl Render for Safe<'_> {
    fn render_to(&self, buffer: &mut String) {
        // Writing to a string does not fail.
        let _ = Escaper::new(buffer).write_str(&escaped(self.0));
    }
}
