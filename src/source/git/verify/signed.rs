//! A signature, and what it signs.

/// Beginning of a signature, and its format.
const FORMATS: [(&[u8], SignatureFormat); 2] = [
    (b"-----BEGIN SSH SIGNATURE-----", SignatureFormat::Ssh),
    (b"-----BEGIN PGP SIGNATURE-----", SignatureFormat::OpenPgp),
];

/// Beginning of the field of a commit's header that holds the signature.
const SIGNATURE_FIELD: &[u8] = b"gpgsig ";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureFormat {
    Ssh,
    OpenPgp,
}

pub(super) struct Signed {
    pub(super) signature: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

impl Signed {
    /// A commit's signature is a field of its header, with a space before every line but
    /// the first. All other bytes are signed.
    pub(super) fn of_commit(raw: &[u8]) -> Option<Self> {
        let mut signature = Vec::new();
        let mut payload = Vec::with_capacity(raw.len());
        let mut is_signature = false;
        let mut rest = raw;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end + 1);
            if line == b"\n" {
                break;
            }
            // Of two fields only the first is the signature: the other one is signed.
            if signature.is_empty() && line.starts_with(SIGNATURE_FIELD) {
                is_signature = true;
                signature.extend_from_slice(&line[SIGNATURE_FIELD.len()..]);
            } else if is_signature && line.starts_with(b" ") {
                signature.extend_from_slice(&line[1..]);
            } else {
                is_signature = false;
                payload.extend_from_slice(line);
            }
            rest = after;
        }
        payload.extend_from_slice(rest);
        let is_signed = !signature.is_empty();
        is_signed.then_some(Self { signature, payload })
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
        Some(Self {
            signature,
            payload: raw,
        })
    }

    pub(super) fn format(&self) -> Option<SignatureFormat> {
        format(&self.signature)
    }
}

fn format(text: &[u8]) -> Option<SignatureFormat> {
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
        assert_eq!(signed.format(), Some(SignatureFormat::Ssh));
        assert_eq!(signed.signature, b"-----BEGIN SSH SIGNATURE-----\nx\n");
        assert!(signed.payload.ends_with(b"quoted\n"));
        assert!(Signed::of_tag(b"object 1\n\nno signature\n".to_vec()).is_none());
    }

    #[test]
    fn every_byte_of_a_commit_but_its_signature_is_signed() {
        let raw = b"tree 1\nmergetag object 2\n gpgsig x\ngpgsig -----BEGIN SSH SIGNATURE-----\n x\n  y\n\
                    gpgsigother z\n\ngpgsig in the text\n more\0end";
        let signed = Signed::of_commit(raw).unwrap();
        assert_eq!(signed.format(), Some(SignatureFormat::Ssh));
        assert_eq!(signed.signature, b"-----BEGIN SSH SIGNATURE-----\nx\n y\n");
        assert_eq!(
            signed.payload,
            b"tree 1\nmergetag object 2\n gpgsig x\ngpgsigother z\n\ngpgsig in the text\n more\0end"
        );
        assert!(Signed::of_commit(b"tree 1\n\ngpgsig x\n").is_none());
        assert!(Signed::of_commit(b"tree 1").is_none());
    }

    #[test]
    fn second_signature_of_a_commit_is_signed() {
        let raw = b"tree 1\ngpgsig a\n b\ngpgsig c\n d\n\ntext\n";
        let signed = Signed::of_commit(raw).unwrap();
        assert_eq!(signed.signature, b"a\nb\n");
        assert_eq!(signed.payload, b"tree 1\ngpgsig c\n d\n\ntext\n");
    }
}
