//! A file as it was found: its text, or the mistake that it is as a whole.

use super::builder::DiagnosticBuilder;
use super::characters;
use super::text::{Redactions, Span, Text};
use super::{FileProblem, MAX_FILE_SIZE};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::text::escaped;

/// The text of a file without its byte order mark.
pub(super) fn decode<'b>(path: &str, bytes: &'b [u8]) -> Result<&'b str, Box<Diagnostic>> {
    let source = std::str::from_utf8(bytes)
        .map_err(|error| Box::new(not_utf8(path, bytes, error.valid_up_to())))?;
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    // Nearly every file is ASCII, where this is a fraction of the work below.
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n');
    if bytes.iter().all(is_plain) {
        return Ok(source);
    }
    let Some((at, c, problem)) = characters::forbidden(source) else {
        return Ok(source);
    };
    let span = Span::new(at, at + c.len_utf8());
    let draft = characters::error(span, c, &problem);
    Err(Box::new(
        draft.finish(&Text::new(path, source), &unparsed(source)),
    ))
}

fn not_utf8(path: &str, bytes: &[u8], valid: usize) -> Diagnostic {
    let source = bytes
        .get(..valid)
        .and_then(|valid| std::str::from_utf8(valid).ok())
        .unwrap_or("");
    let help = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        "save the file as UTF-8: it is probably UTF-16"
    } else {
        "save the file as UTF-8"
    };
    if valid == 0 {
        return whole_file(path, Code::NotUtf8, "this file is not UTF-8", help);
    }
    DiagnosticBuilder::new(
        Code::NotUtf8,
        Span::new(valid, valid),
        "this file is not UTF-8",
    )
    .label("the first invalid byte is here")
    .help(help)
    .finish(&Text::new(path, source), &unparsed(source))
}

/// Nothing of the text is known.
fn unparsed(source: &str) -> Redactions {
    Redactions {
        unparsed: vec![Span::new(0, source.len() + 1)],
        ..Redactions::default()
    }
}

/// The mistake that a file which cannot be read is.
pub(super) fn unreadable(path: &str, problem: &FileProblem) -> Diagnostic {
    let (code, message, help) = match problem {
        FileProblem::Unreadable { reason } => (
            Code::Unreadable,
            format!("this file cannot be read: {reason}"),
            "allow the user that runs integrationd to read the file",
        ),
        FileProblem::UnreadableDirectory { reason } => (
            Code::Unreadable,
            format!("this directory cannot be read: {reason}"),
            "allow the user that runs integrationd to list the directory",
        ),
        FileProblem::NotAFile => (
            Code::NotAFile,
            "this is neither a file nor a directory".to_owned(),
            "remove this entry, or give it a different name",
        ),
        FileProblem::LeavesDirectory => (
            Code::BadLink,
            "this link points outside the directory".to_owned(),
            "replace the link with the file itself, so that the file is reviewed with the others",
        ),
        FileProblem::Dangling => (
            Code::BadLink,
            "this link is broken".to_owned(),
            "remove the link, or restore its target",
        ),
        FileProblem::LinkLoop => (
            Code::BadLink,
            "this link forms a cycle".to_owned(),
            "remove the link",
        ),
        FileProblem::Link => (
            Code::BadLink,
            "this is a link, and links in a repository are not followed".to_owned(),
            "replace the link with the file itself, so that the file is reviewed with the others",
        ),
        FileProblem::Submodule => (
            Code::NotAFile,
            "this is a submodule, and submodules are not read".to_owned(),
            "move the files into this repository, or choose a subdirectory without submodules",
        ),
        FileProblem::NameNotUtf8 => (
            Code::NotUtf8,
            "the name of this file is not UTF-8".to_owned(),
            "rename the file",
        ),
        FileProblem::TooLarge { size } => (
            Code::TooLarge,
            format!("this file is too large: {size} bytes (at most {MAX_FILE_SIZE})"),
            "split the file: files with one integration are easiest to review",
        ),
    };
    whole_file(path, code, &message, help)
}

/// A mistake of a file as a whole.
pub(super) fn whole_file(path: &str, code: Code, message: &str, help: &str) -> Diagnostic {
    Diagnostic {
        code,
        severity: code.severity(),
        denied_by: None,
        message: escaped(message).into_owned(),
        place: Location::file(path),
        document: None,
        related: Vec::new(),
        help: vec![help.to_owned()],
    }
}
