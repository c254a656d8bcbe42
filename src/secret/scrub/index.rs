//! The secrets of a run as tables of their pieces.
//!
//! Everything is compared in a canonical form: in lower case, without white space, control
//! characters and `+`, which stands for a space in a form. So a secret is found in any case,
//! and with line breaks anywhere.
//!
//! A piece is [`PIECE`] bytes, which are one number, so that a step through a text is one test
//! of a filter. The tables hold secrets: they are wiped.

use std::ops::Range;

use zeroize::Zeroizing;

use super::source::{SecretPart, for_each_part};
use super::views::DecodedText;
use crate::text::is_unsafe;

/// The bytes of a piece: exactly one `u64`.
const PIECE: usize = 8;

/// The shortest secret that is searched for in prose, in bytes: a shorter one would be found in
/// half the words, and its absence would reveal it.
const SHORTEST: usize = 4;

/// The shortest one that is searched for in a text that was decoded from base64, base32 or
/// hexadecimal digits. Wrongly decoded words are random bytes.
const SHORTEST_ENCODED: usize = 6;

/// The shortest one that is searched for in a value: see the module above.
pub(super) const SHORTEST_IN_VALUE: usize = 8;

/// Secrets up to this length are searched for as a whole: those that fit into a `u128` with
/// their length. Of longer ones every piece is known.
const LONGEST_WHOLE: usize = 15;

/// So much of a secret counts in prose if it may be words: `the password`. A piece
/// that no words have, with letters and digits for example, counts alone.
const WORDS: usize = 12;

/// So much of a document counts: every key file has the same words.
const WORDS_OF_DOCUMENT: usize = 32;

/// So much of a secret counts in a value: the name of a host may begin like a secret.
const LONG: usize = 16;

/// Marks of a text that was cut: by [`crate::text::cut`], or by a server.
const CUTS: [&[u8]; 2] = ["…".as_bytes(), b"..."];

/// The kind of text that is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SearchedText {
    /// A message for people.
    InProse,
    /// A value, or a name.
    InValue,
}

/// See the module.
#[derive(Default)]
pub(super) struct PieceIndex {
    /// Pieces that no words have.
    strong: Pieces,
    /// Pieces that may be words.
    weak: Pieces,
    /// Pieces of documents.
    faint: Pieces,
    /// Short secrets, each with its length.
    whole: Wholes,
    /// The beginnings of secrets, each with its length.
    beginnings: Zeroizing<Vec<u128>>,
}

impl PieceIndex {
    pub(super) fn new<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let secrets: Vec<&str> = secrets.collect();
        let mut index = Self::default();
        index.make_room(&secrets);
        for secret in secrets {
            for_each_part(secret, &mut |part| match part {
                SecretPart::Value(text) => index.add(text),
                SecretPart::Document(text) => index.add_document(text),
            });
        }
        index.strong.finish();
        index.weak.finish();
        index.faint.finish();
        index.whole.finish();
        sort(&mut index.beginnings);
        index
    }

    /// Reserves all memory at once: growing would keep pieces of secrets in freed memory.
    fn make_room(&mut self, secrets: &[&str]) {
        let (mut parts, mut bytes, mut of_documents) = (0, 0, 0);
        for secret in secrets {
            for_each_part(secret, &mut |part| match part {
                SecretPart::Value(text) => {
                    parts += 1;
                    bytes += text.len();
                }
                SecretPart::Document(text) => of_documents += text.len(),
            });
        }
        self.strong.sorted.reserve_exact(bytes);
        self.weak.sorted.reserve_exact(bytes);
        self.faint.sorted.reserve_exact(of_documents);
        self.whole.sorted.reserve_exact(parts);
        self.beginnings
            .reserve_exact(parts * (LONGEST_WHOLE - SHORTEST));
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self {
            strong,
            weak,
            faint,
            whole,
            beginnings: _,
        } = self;
        [strong, weak, faint].iter().all(|p| p.sorted.is_empty()) && whole.sorted.is_empty()
    }

    fn add(&mut self, text: &str) {
        let secret = Canonical::of(text.as_bytes());
        let bytes = &secret.bytes;
        if (SHORTEST..=LONGEST_WHOLE).contains(&bytes.len()) {
            self.whole.add(bytes);
        }
        for length in SHORTEST..bytes.len().min(LONGEST_WHOLE) {
            self.beginnings.push(with_length(&bytes[..length]));
        }
        for (at, piece) in bytes.windows(PIECE).enumerate() {
            let from = |index: usize| secret.from.get(index).map_or(0, |at| *at as usize);
            let written = text.as_bytes().get(from(at)..=from(at + PIECE - 1));
            if may_be_words(written.unwrap_or(piece)) {
                self.weak.sorted.push(number(piece));
            } else {
                self.strong.sorted.push(number(piece));
            }
        }
    }

    fn add_document(&mut self, text: &str) {
        let document = Canonical::of(text.as_bytes());
        let pieces = document.bytes.windows(PIECE).map(number);
        self.faint.sorted.extend(pieces);
    }

    /// Calls `found` with the range of the original text of everything that is found.
    pub(super) fn find(
        &self,
        view: &DecodedText<'_>,
        finding: SearchedText,
        found: &mut dyn FnMut(Range<usize>),
    ) {
        let text = Canonical::of(view.bytes());
        let mut found_in_view = |range: Range<usize>| {
            if let (Some(first), Some(last)) =
                (text.from.get(range.start), text.from.get(range.end - 1))
            {
                found(view.original(*first as usize..*last as usize + 1));
            }
        };
        let bytes = &text.bytes;
        let (words, of_document) = match finding {
            SearchedText::InProse => (WORDS, WORDS_OF_DOCUMENT),
            SearchedText::InValue => (LONG, WORDS_OF_DOCUMENT),
        };
        let mut run = Run::new(words, finding == SearchedText::InProse);
        let mut of_documents = Run::new(of_document, false);
        let mut window = 0_u128;
        for (at, byte) in bytes.iter().enumerate() {
            window = window << 8 | u128::from(*byte);
            let piece = u64::try_from(window & u128::from(u64::MAX)).unwrap_or_default();
            if at + 1 >= PIECE {
                let is_strong = self.strong.has(piece);
                let is_piece = is_strong || self.weak.has(piece);
                run.step(at, is_piece, is_strong, &mut found_in_view);
                of_documents.step(at, self.faint.has(piece), false, &mut found_in_view);
            }
            for length in self.whole.ending_in(window, at + 1) {
                let range = at + 1 - length..at + 1;
                if counts(length, view, finding) && (length >= PIECE || text.is_together(&range)) {
                    found_in_view(range);
                }
            }
        }
        run.end(&mut found_in_view);
        of_documents.end(&mut found_in_view);
        if finding == SearchedText::InProse {
            self.cut_off(view, &text, &mut found_in_view);
        }
    }

    /// The beginning of a secret at a mark that says that the text was cut there.
    fn cut_off(
        &self,
        view: &DecodedText<'_>,
        text: &Canonical,
        found: &mut dyn FnMut(Range<usize>),
    ) {
        let bytes = view.bytes();
        let is_cut = |at: usize| CUTS.iter().any(|cut| bytes[at..].starts_with(cut));
        for at in (0..bytes.len()).filter(|at| is_cut(*at)) {
            let end = text.from.partition_point(|from| (*from as usize) < at);
            let longest = end.min(LONGEST_WHOLE);
            let is_beginning = |length: &usize| {
                let key = with_length(&text.bytes[end - length..end]);
                self.beginnings.binary_search(&key).is_ok()
            };
            if let Some(length) = (SHORTEST..=longest).rev().find(is_beginning) {
                found(end - length..end);
            }
        }
    }
}

/// True if a short secret of this length counts in the place of the finding.
fn counts(length: usize, view: &DecodedText<'_>, finding: SearchedText) -> bool {
    let shortest = match finding {
        SearchedText::InProse if view.is_encoded() => SHORTEST_ENCODED,
        SearchedText::InProse => SHORTEST,
        SearchedText::InValue => SHORTEST_IN_VALUE,
    };
    length >= shortest
}

/// Pieces one behind the other.
struct Run {
    least: usize,
    /// True if a strong piece counts alone.
    trusts_strong: bool,
    /// The first and the last position, and whether there is a strong piece in it.
    current: Option<(usize, usize, bool)>,
}

impl Run {
    fn new(least: usize, trusts_strong: bool) -> Self {
        Self {
            least,
            trusts_strong,
            current: None,
        }
    }

    fn step(
        &mut self,
        at: usize,
        is_piece: bool,
        is_strong: bool,
        found: &mut dyn FnMut(Range<usize>),
    ) {
        match (&mut self.current, is_piece) {
            (Some((_, last, has_strong)), true) => {
                *last = at;
                *has_strong |= is_strong;
            }
            (None, true) => self.current = Some((at + 1 - PIECE, at, is_strong)),
            (Some(_), false) => self.end(found),
            (None, false) => {}
        }
    }

    fn end(&mut self, found: &mut dyn FnMut(Range<usize>)) {
        if let Some((first, last, has_strong)) = self.current.take()
            && (last + 1 - first >= self.least || (has_strong && self.trusts_strong))
        {
            found(first..last + 1);
        }
    }
}

/// Numbers, and a filter that most others do not pass.
#[derive(Default)]
struct Pieces {
    sorted: Zeroizing<Vec<u64>>,
    filter: Filter,
}

impl Pieces {
    fn finish(&mut self) {
        sort(&mut self.sorted);
        self.filter = Filter::of(self.sorted.iter().copied());
    }

    fn has(&self, piece: u64) -> bool {
        self.filter.lets(piece) && self.sorted.binary_search(&piece).is_ok()
    }
}

/// Short secrets with their lengths, and a filter by their last bytes.
#[derive(Default)]
struct Wholes {
    sorted: Zeroizing<Vec<u128>>,
    filter: Filter,
    /// Existing lengths.
    lengths: Vec<usize>,
}

impl Wholes {
    fn add(&mut self, bytes: &[u8]) {
        self.sorted.push(with_length(bytes));
        if !self.lengths.contains(&bytes.len()) {
            self.lengths.push(bytes.len());
        }
    }

    fn finish(&mut self) {
        sort(&mut self.sorted);
        self.filter = Filter::of(self.sorted.iter().map(|whole| tail(*whole)));
    }

    /// The lengths of the secrets that end where a text has these last bytes.
    fn ending_in(&self, window: u128, known: usize) -> impl Iterator<Item = usize> {
        let lengths: &[usize] = if self.filter.lets(tail(window)) {
            &self.lengths
        } else {
            &[]
        };
        lengths.iter().copied().filter(move |length| {
            let key = tagged(window & (u128::MAX >> (128 - 8 * length)), *length);
            *length <= known && self.sorted.binary_search(&key).is_ok()
        })
    }
}

/// The last bytes of a short secret: as many as the shortest has.
fn tail(window: u128) -> u64 {
    u64::try_from(window & u128::from(u32::MAX)).unwrap_or_default()
}

/// A set of numbers that never denies one of its own, and seldom lets another pass.
#[derive(Default)]
struct Filter {
    bits: Vec<u64>,
    shift: u32,
}

/// An odd number with its bits spread evenly: the high bits of a product depend on
/// all bits of a factor.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Filter {
    fn of(numbers: impl ExactSizeIterator<Item = u64>) -> Self {
        if numbers.len() == 0 {
            return Self::default();
        }
        // Sixteen bits for each: one in sixteen others passes.
        let size = (numbers.len() * 16).next_power_of_two().max(64);
        let mut filter = Self {
            bits: vec![0; size / 64],
            shift: 64 - size.trailing_zeros(),
        };
        for number in numbers {
            let (word, bit) = filter.place(number);
            filter.bits[word] |= bit;
        }
        filter
    }

    fn place(&self, number: u64) -> (usize, u64) {
        let hash = number.wrapping_mul(SPREAD) >> self.shift;
        (
            usize::try_from(hash / 64).unwrap_or_default(),
            1 << (hash % 64),
        )
    }

    fn lets(&self, number: u64) -> bool {
        if self.bits.is_empty() {
            return false;
        }
        let (word, bit) = self.place(number);
        self.bits[word] & bit != 0
    }
}

fn sort<T: Ord>(numbers: &mut Vec<T>) {
    numbers.sort_unstable();
    numbers.dedup();
}

fn number(piece: &[u8]) -> u64 {
    piece
        .iter()
        .fold(0, |all, byte| all << 8 | u64::from(*byte))
}

fn with_length(bytes: &[u8]) -> u128 {
    let value = bytes
        .iter()
        .fold(0, |all, byte| all << 8 | u128::from(*byte));
    tagged(value, bytes.len())
}

fn tagged(value: u128, length: usize) -> u128 {
    value | (length as u128) << 120
}

/// True if this may be a part of words, a date or a path, rather than of a secret:
/// letters of one case, or digits alone, with the separators of words.
fn may_be_words(written: &[u8]) -> bool {
    let between = |byte: &u8| b" \n\t\r-_./:,;@=&?\"'".contains(byte);
    let mut letters = written.iter().filter(|byte| !between(byte)).peekable();
    if letters.clone().all(u8::is_ascii_digit) {
        return true;
    }
    // A word may begin with a capital.
    let first = letters.next_if(|byte| byte.is_ascii_uppercase());
    let rest = || letters.clone();
    rest().all(u8::is_ascii_lowercase) || (first.is_some() && rest().all(u8::is_ascii_uppercase))
}

/// Bytes in canonical form, each with its place.
struct Canonical {
    bytes: Zeroizing<Vec<u8>>,
    from: Vec<u32>,
}

impl Canonical {
    fn of(text: &[u8]) -> Self {
        let mut canonical = Self {
            bytes: Zeroizing::new(Vec::with_capacity(text.len())),
            from: Vec::with_capacity(text.len()),
        };
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            if byte.is_ascii() {
                if *byte > b' ' && *byte != b'+' && *byte != 0x7f {
                    canonical.push(byte.to_ascii_lowercase(), at);
                }
                at += 1;
            } else {
                at += canonical.push_wide(text, at);
            }
        }
        canonical
    }

    fn push(&mut self, byte: u8, at: usize) {
        self.bytes.push(byte);
        self.from.push(u32::try_from(at).unwrap_or(u32::MAX));
    }

    /// Takes a character that is not ASCII, or a byte that belongs to none; how many
    /// bytes it has.
    fn push_wide(&mut self, text: &[u8], at: usize) -> usize {
        let end = text.len().min(at + 4);
        let chunk = text[at..end].utf8_chunks().next();
        let Some(c) = chunk.and_then(|chunk| chunk.valid().chars().next()) else {
            self.push(text[at], at);
            return 1;
        };
        if !c.is_whitespace() && !is_unsafe(c) {
            let mut buffer = [0; 4];
            for lower in c.to_lowercase() {
                for byte in lower.encode_utf8(&mut buffer).bytes() {
                    self.push(byte, at);
                }
            }
        }
        c.len_utf8()
    }

    /// True if nothing was left out within this range.
    fn is_together(&self, range: &Range<usize>) -> bool {
        let places = &self.from[range.clone()];
        places.windows(2).all(|pair| pair[1] - pair[0] <= 1)
    }
}
