//! A signature, and what it signs.

/// How a signature begins, and what made it.
const FORMATS: [(&[u8], Format); 2] = [
    (b"-----BEGIN SSH SIGNATURE-----", Format::Ssh),
    (b"-----BEGIN PGP SIGNATURE-----", Format::OpenPgp),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Ssh,
    OpenPgp,
}

pub(super) struct Signed {
    pub(super) signature: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

impl Signed {
    pub(super) fn new(signature: Vec<u8>, payload: Vec<u8>) -> Self {
        Self { signature, payload }
    }

    /// A tag's signature stands at the end of its text: from the last line that
    /// begins one, as git has it.
    pub(super) fn of_tag(mut raw: Vec<u8>) -> Option<Self> {
        let mut start = 0;
        let mut found = None;
        for line in raw.split_inclusive(|byte| *byte == b'\n') {
            if format(line).is_some() {
                found = Some(start);
            }
            start += line.len();
        }
        let signature = raw.split_off(found?);
        Some(Self::new(signature, raw))
    }

    pub(super) fn format(&self) -> Option<Format> {
        format(&self.signature)
    }
}

fn format(text: &[u8]) -> Option<Format> {
    let mut formats = FORMATS.iter();
    formats
        .find(|(start, _)| text.starts_with(start))
        .map(|(_, format)| *format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_a_tag_is_the_last_one_that_begins_a_line() {
        let raw = b"object 1\n\ntext -----BEGIN SSH SIGNATURE-----\n\
                    -----BEGIN PGP SIGNATURE-----\nquoted\n-----BEGIN SSH SIGNATURE-----\nx\n";
        let signed = Signed::of_tag(raw.to_vec()).unwrap();
        assert_eq!(signed.format(), Some(Format::Ssh));
        assert_eq!(signed.signature, b"-----BEGIN SSH SIGNATURE-----\nx\n");
        assert!(signed.payload.ends_with(b"quoted\n"));
        assert!(Signed::of_tag(b"object 1\n\nno signature\n".to_vec()).is_none());
    }
}
