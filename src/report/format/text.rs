//! Documents for people.

use super::{Document, Rendered};

pub(super) fn render(document: &impl Document) -> Rendered {
    Rendered {
        prose: document.prose(),
        kept: document.table(),
        folded: document.text(),
        summary: String::new(),
    }
}
