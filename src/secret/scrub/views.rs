//! A text as it is, and as it reads once it is decoded.
//!
//! A server may return a value escaped for JSON, HTML, a URL or a log, or encoded in base64,
//! base32 or hexadecimal digits, also in nested forms. Each decoding is a [`DecodedText`] that knows
//! for each byte where in the text it comes from.
//!
//! The start of an encoded value is unknown, so every alignment is decoded; the wrong ones are
//! noise. Only readable text is decoded further, and that [`DEEPEST`] times: the work is a
//! multiple of the length of the text.

use std::ops::Range;

use zeroize::Zeroizing;

/// So many decodings follow each other: base64 of base64 of JSON has three.
const DEEPEST: usize = 3;

/// A text, or what it is decoded to.
pub(super) struct DecodedText<'a> {
    bytes: Bytes<'a>,
    is_encoded: bool,
    depth: usize,
}

/// Decoded texts may hold secrets: they are wiped.
enum Bytes<'a> {
    Original(&'a str),
    Decoded(Decoded),
}

#[derive(Default)]
struct Decoded {
    bytes: Zeroizing<Vec<u8>>,
    /// Place of each byte in the original text: start and end.
    places: Vec<(u32, u32)>,
}

impl Decoded {
    /// Decoded text is never longer: growing would keep pieces in freed memory.
    fn with_room_for(length: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(length)),
            places: Vec::with_capacity(length),
        }
    }

    fn push(&mut self, byte: u8, place: (u32, u32)) {
        self.bytes.push(byte);
        self.places.push(place);
    }

    fn push_char(&mut self, c: char, place: (u32, u32)) {
        let mut buffer = [0; 4];
        for byte in c.encode_utf8(&mut buffer).bytes() {
            self.push(byte, place);
        }
    }
}

impl DecodedText<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Original(text) => text.as_bytes(),
            Bytes::Decoded(decoded) => &decoded.bytes,
        }
    }

    /// True if the view was decoded from digits of some kind, so that it may be noise.
    pub(super) fn is_encoded(&self) -> bool {
        self.is_encoded
    }

    /// Range of these bytes, at least one, in the original text.
    pub(super) fn original(&self, range: Range<usize>) -> Range<usize> {
        let (from, to) = self.place(range.start, range.end);
        from as usize..to as usize
    }

    /// The same, in whole characters.
    fn place(&self, start: usize, end: usize) -> (u32, u32) {
        match &self.bytes {
            Bytes::Original(text) => {
                let from = text.floor_char_boundary(start);
                let to = text.ceil_char_boundary(end);
                let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
                (number(from), number(to))
            }
            Bytes::Decoded(decoded) => {
                let first = decoded.places.get(start).map_or(0, |place| place.0);
                let last = decoded.places.get(end - 1).map_or(first, |place| place.1);
                (first, last)
            }
        }
    }

    fn decoded(&self, decoded: Decoded, is_encoded: bool) -> DecodedText<'static> {
        DecodedText {
            bytes: Bytes::Decoded(decoded),
            is_encoded: is_encoded || self.is_encoded,
            depth: self.depth + 1,
        }
    }

    /// True if people could read the view.
    fn is_text(&self) -> bool {
        let is_readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r' | 0x80..);
        std::str::from_utf8(self.bytes()).is_ok() && self.bytes().iter().all(is_readable)
    }
}

/// Calls `visit` with a text and everything that it is decoded to, until that says
/// that it has seen enough. Returns whether it has.
pub(super) fn for_each(text: &str, visit: &mut dyn FnMut(&DecodedText<'_>) -> bool) -> bool {
    let original = DecodedText {
        bytes: Bytes::Original(text),
        is_encoded: false,
        depth: 0,
    };
    visit_all(&original, visit)
}

fn visit_all(view: &DecodedText<'_>, visit: &mut dyn FnMut(&DecodedText<'_>) -> bool) -> bool {
    if visit(view) {
        return true;
    }
    if view.depth == DEEPEST {
        return false;
    }
    for marks in escapes_of(view) {
        if let Some(unescaped) = unescaped(view, marks)
            && visit_all(&view.decoded(unescaped, false), visit)
        {
            return true;
        }
    }
    ALPHABETS
        .iter()
        .any(|alphabet| visit_encoded(view, alphabet, visit))
}

// Escapes.

/// Bytes that begin an escape: in a URL, in JSON or a log, and in HTML.
const MARKS: [u8; 3] = [b'%', b'\\', b'&'];

/// The escapes by which a view is read, as their marks. All together, since one can be
/// inside another one. Also each kind alone in the text itself: in one that was escaped
/// for HTML, `\n` may be two characters of a secret.
fn escapes_of(view: &DecodedText<'_>) -> impl Iterator<Item = &'static [u8]> + use<> {
    let bytes = view.bytes();
    let is_there = |mark: &&u8| bytes.contains(mark);
    let is_mixed = MARKS.iter().filter(is_there).count() > 1;
    let alone: &'static [u8] = if is_mixed && view.depth == 0 {
        &MARKS
    } else {
        &[]
    };
    std::iter::once(MARKS.as_slice()).chain(alone.chunks(1))
}

/// The text without the escapes that begin with these marks; `None` if there are none.
fn unescaped(view: &DecodedText<'_>, marks: &[u8]) -> Option<Decoded> {
    let bytes = view.bytes();
    if !bytes.iter().any(|byte| marks.contains(byte)) {
        return None;
    }
    let mut decoded = Decoded::with_room_for(bytes.len());
    let mut at = 0;
    let mut is_changed = false;
    while at < bytes.len() {
        let rest = &bytes[at..];
        match escape(rest).filter(|_| marks.contains(&rest[0])) {
            Some((piece, length)) => {
                let place = view.place(at, at + length);
                match piece {
                    Piece::Byte(byte) => decoded.push(byte, place),
                    Piece::Char(c) => decoded.push_char(c, place),
                }
                is_changed = true;
                at += length;
            }
            None => {
                decoded.push(rest[0], view.place(at, at + 1));
                at += 1;
            }
        }
    }
    is_changed.then_some(decoded)
}

enum Piece {
    Byte(u8),
    Char(char),
}

/// The escape that a text begins with, and its length.
fn escape(text: &[u8]) -> Option<(Piece, usize)> {
    match text {
        [b'%', high, low, ..] => {
            let byte = digit(*high, 16)? * 16 + digit(*low, 16)?;
            Some((Piece::Byte(u8::try_from(byte).ok()?), 3))
        }
        [b'\\', rest @ ..] => behind_backslash(rest).map(|(piece, length)| (piece, length + 1)),
        [b'&', rest @ ..] => entity(rest).map(|(c, length)| (Piece::Char(c), length + 1)),
        _ => None,
    }
}

/// As in JSON, in Rust and in C.
fn behind_backslash(text: &[u8]) -> Option<(Piece, usize)> {
    let byte = |byte: u8| Some((Piece::Byte(byte), 1));
    match text {
        [c @ (b'"' | b'\'' | b'\\' | b'/'), ..] => byte(*c),
        [b'n', ..] => byte(b'\n'),
        [b'r', ..] => byte(b'\r'),
        [b't', ..] => byte(b'\t'),
        [b'0', ..] => byte(0),
        [b'x', high, low, ..] => {
            let value = digit(*high, 16)? * 16 + digit(*low, 16)?;
            Some((Piece::Byte(u8::try_from(value).ok()?), 3))
        }
        [b'u', b'{', rest @ ..] => {
            let (value, length) = value(rest, 16)?;
            let is_closed = rest.get(length) == Some(&b'}');
            let c = char::from_u32(value).filter(|_| is_closed)?;
            Some((Piece::Char(c), length + 3))
        }
        [b'u', rest @ ..] => unit(rest),
        _ => None,
    }
}

/// The four digits of a UTF-16 unit, and of the second one of a pair.
fn unit(text: &[u8]) -> Option<(Piece, usize)> {
    let first = four(text)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return Some((Piece::Char(c), 5));
    }
    let second = four(text.get(4..)?.strip_prefix(b"\\u")?)?;
    let c = char::decode_utf16([first, second]).next()?.ok()?;
    Some((Piece::Char(c), 11))
}

fn four(text: &[u8]) -> Option<u16> {
    let digits = text.get(..4)?.iter();
    let mut values = digits.map(|byte| digit(*byte, 16));
    let value = values.try_fold(0, |all, digit| Some(all * 16 + digit?))?;
    u16::try_from(value).ok()
}

/// The names that programs use for what HTML has a meaning for.
const ENTITIES: &[(&[u8], char)] = &[
    (b"amp;", '&'),
    (b"lt;", '<'),
    (b"gt;", '>'),
    (b"quot;", '"'),
    (b"apos;", '\''),
    (b"nbsp;", ' '),
    (b"plus;", '+'),
];

/// Decodes the entity whose `&` stands before this text: its character, and its length in
/// the text.
fn entity(text: &[u8]) -> Option<(char, usize)> {
    if let Some((name, c)) = ENTITIES.iter().find(|(name, _)| text.starts_with(name)) {
        return Some((*c, name.len()));
    }
    let (radix, prefix) = match text {
        [b'#', b'x' | b'X', ..] => (16, 2),
        [b'#', ..] => (10, 1),
        _ => return None,
    };
    let (value, length) = value(&text[prefix..], radix)?;
    let end = prefix + length;
    let semicolon = usize::from(text.get(end) == Some(&b';'));
    Some((char::from_u32(value)?, end + semicolon))
}

/// A number at the beginning of a text, and how many digits it has.
fn value(text: &[u8], radix: u32) -> Option<(u32, usize)> {
    let digits = text.iter().map_while(|byte| digit(*byte, radix)).take(8);
    let (mut value, mut length) = (0_u32, 0);
    for digit in digits {
        value = value.checked_mul(radix)?.checked_add(digit)?;
        length += 1;
    }
    (length > 0).then_some((value, length))
}

fn digit(byte: u8, radix: u32) -> Option<u32> {
    char::from(byte).to_digit(radix)
}

// Alphabets.

/// An encoding of bytes in characters.
struct Alphabet {
    /// Number of bits of a character.
    bits: u32,
    value: fn(u8) -> Option<u8>,
    /// True for a byte that may stand between two characters.
    is_between: fn(u8) -> bool,
    /// Minimum number of characters to decode: shorter texts reveal little.
    least: usize,
    /// After so many characters the bits begin at a byte again.
    period: usize,
}

const ALPHABETS: &[Alphabet] = &[
    Alphabet {
        bits: 6,
        value: base64,
        is_between: |_| false,
        least: 8,
        period: 4,
    },
    Alphabet {
        bits: 5,
        value: base32,
        is_between: |_| false,
        least: 10,
        period: 8,
    },
    Alphabet {
        bits: 4,
        value: hexadecimal,
        is_between: |byte| matches!(byte, b':' | b'-' | b' '),
        least: 12,
        period: 2,
    },
];

/// The standard alphabet, and that for URLs.
fn base64(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn base32(byte: u8) -> Option<u8> {
    match byte.to_ascii_uppercase() {
        upper @ b'A'..=b'Z' => Some(upper - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

fn hexadecimal(byte: u8) -> Option<u8> {
    digit(byte, 16).and_then(|value| u8::try_from(value).ok())
}

/// Visits what every run of characters of an alphabet is decoded to.
fn visit_encoded(
    view: &DecodedText<'_>,
    alphabet: &Alphabet,
    visit: &mut dyn FnMut(&DecodedText<'_>) -> bool,
) -> bool {
    let bytes = view.bytes();
    let mut start = 0;
    while start < bytes.len() {
        let rest = &bytes[start..];
        let is_member =
            |byte: &u8| (alphabet.value)(*byte).is_some() || (alphabet.is_between)(*byte);
        let length = rest.iter().take_while(|byte| is_member(byte)).count();
        let run = start..start + length;
        if length >= alphabet.least && visit_run(view, run, alphabet, visit) {
            return true;
        }
        start += length + 1;
    }
    false
}

fn visit_run(
    view: &DecodedText<'_>,
    run: Range<usize>,
    alphabet: &Alphabet,
    visit: &mut dyn FnMut(&DecodedText<'_>) -> bool,
) -> bool {
    let bytes = view.bytes();
    let is_digit = |at: &usize| (alphabet.value)(bytes[*at]).is_some();
    let digits = run.clone().filter(is_digit).count();
    if digits < alphabet.least {
        return false;
    }
    (0..alphabet.period).any(|skipped| {
        let decoded = decode(view, run.clone(), alphabet, skipped);
        let decoded = view.decoded(decoded, true);
        if let Some(wide) = utf16(&decoded) {
            let wide = decoded.decoded(wide, true);
            return visit_all(&wide, visit);
        }
        if decoded.is_text() {
            visit_all(&decoded, visit)
        } else {
            visit(&decoded)
        }
    })
}

/// Decodes a run without its first characters, as far as its bits make bytes.
fn decode(
    view: &DecodedText<'_>,
    run: Range<usize>,
    alphabet: &Alphabet,
    skipped: usize,
) -> Decoded {
    let bytes = view.bytes();
    let mut decoded = Decoded::with_room_for(run.len());
    let (mut bits, mut count) = (0_u32, 0);
    let mut first = run.start;
    let digits = run.filter_map(|at| Some((at, (alphabet.value)(bytes[at])?)));
    for (at, value) in digits.skip(skipped) {
        if count == 0 {
            first = at;
        }
        bits = bits << alphabet.bits | u32::from(value);
        count += alphabet.bits;
        if count >= 8 {
            count -= 8;
            let byte = u8::try_from(bits >> count & 0xff).unwrap_or_default();
            decoded.push(byte, view.place(first, at + 1));
            // The bits that are left belong to the next byte, too.
            first = at;
        }
    }
    decoded
}

/// The text in UTF-16, if every second byte of most characters is zero.
fn utf16(view: &DecodedText<'_>) -> Option<Decoded> {
    let bytes = view.bytes();
    let zeros_at = |odd: usize| {
        bytes
            .iter()
            .skip(odd)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (even, odd) = (zeros_at(0), zeros_at(1));
    let is_little = odd >= even;
    if even.max(odd) * 3 < bytes.len() {
        return None;
    }
    let pairs = bytes.chunks_exact(2);
    let units = pairs.map(|pair| {
        let pair = [pair[0], pair[1]];
        if is_little {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        }
    });
    // A unit of two bytes becomes at most three.
    let mut decoded = Decoded::with_room_for(bytes.len() * 2);
    let mut at = 0;
    for unit in char::decode_utf16(units) {
        let c = unit.unwrap_or(char::REPLACEMENT_CHARACTER);
        let length = 2 * c.len_utf16();
        decoded.push_char(c, view.place(at, (at + length).min(bytes.len())));
        at += length;
    }
    Some(decoded)
}
