//! Text from a server, without the secrets of the run.
//!
//! Everywhere else sensitivity is a type. Text from outside is the one place that needs a
//! search. The secrets are not encoded in every form in which a server may repeat them. Instead
//! the text is decoded ([`views`]) and compared without case and without white space
//! ([`index`]): the work is linear in the text, whatever the number of secrets.
//!
//! There are two searches. In prose ([`Scrubber::scrub`]) a secret of four characters counts,
//! and so does a piece of a longer one. A value ([`Scrubber::is_in`]) is compared, and hiding
//! it reveals that it is a secret: there only a whole secret of eight characters counts, or a
//! long piece of one. A port `8443` stays visible if a password is `8443`.

mod index;
mod source;
mod views;

use std::ops::Range;

use crate::secret::Secret;
use crate::text::cut;
use index::{PieceIndex, SearchedText};
use views::DecodedText;

pub(crate) use source::wipe;

/// Stands in place of a secret.
pub const MASK: &str = "(secret)";

/// The longest text that is shown, in bytes. Callers show some thousand characters
/// of it. The rest is cut off, so that a server cannot make the search expensive.
const LONGEST: usize = 64 * 1024;

/// Neighbouring parts of a long value share so many bytes, so that a secret at the
/// border is whole in one of them, or a long piece of it is.
const OVERLAP: usize = 4 * 1024;

/// Replaces every secret in a text, however the text says it.
#[must_use]
pub fn scrub<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    Scrubber::new(secrets).scrub(text)
}

/// Secrets, prepared for the search in many texts.
pub struct Scrubber {
    index: PieceIndex,
}

impl Scrubber {
    /// Prepares the search for these secrets.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        Self {
            index: PieceIndex::new(secrets.into_iter().map(Secret::expose)),
        }
    }

    /// The text with [`MASK`] in place of every secret, and of every piece of one.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        if self.index.is_empty() {
            return text.to_owned();
        }
        let text = shortened(text);
        let mut found = Vec::new();
        views::for_each(&text, &mut |view: &DecodedText<'_>| {
            self.index
                .find(view, SearchedText::InProse, &mut |range| found.push(range));
            false
        });
        masked(&text, found)
    }

    /// True if a value has too few bytes to hold a secret that counts in a value.
    #[must_use]
    pub fn is_too_short(value: &str) -> bool {
        value.len() < index::SHORTEST_IN_VALUE
    }

    /// True if a value holds a secret.
    #[must_use]
    pub fn is_in(&self, value: &str) -> bool {
        if self.index.is_empty() || Self::is_too_short(value) {
            return false;
        }
        parts(value).any(|part| {
            views::for_each(part, &mut |view: &DecodedText<'_>| {
                let mut is_found = false;
                self.index
                    .find(view, SearchedText::InValue, &mut |_| is_found = true);
                is_found
            })
        })
    }
}

/// A text that is short enough for the search.
fn shortened(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    // The mark shows the search that a secret may have been cut off before it.
    cut(text, LONGEST / 4)
}

/// A long value in parts that overlap.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let start = from?;
        let end = value.floor_char_boundary(start + LONGEST);
        from = (end < value.len()).then(|| value.floor_char_boundary(end - OVERLAP));
        Some(&value[start..end])
    })
}

/// The text with [`MASK`] in place of these ranges, which may overlap.
fn masked(text: &str, mut ranges: Vec<Range<usize>>) -> String {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    let mut is_masked = false;
    for range in ranges {
        // A range inside the previous one adds nothing, and an adjacent one adds no mask.
        if !is_masked || range.start > done {
            clean.push_str(text.get(done..range.start).unwrap_or_default());
            clean.push_str(MASK);
        }
        is_masked = true;
        done = done.max(range.end);
    }
    clean.push_str(text.get(done..).unwrap_or_default());
    clean
}

#[cfg(test)]
mod tests;
