//! The prose of a source file: its comments, and the strings of its code.

use super::source::SourceFile;
use crate::plain;

/// A comment of several lines, or a string.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Prose {
    /// The line of its beginning.
    line: usize,
    kind: Kind,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Doc,
    Comment,
    Text,
}

/// Texts with a word that is not plain, and the reason for it.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// The complaints about the comments of a file, and about its strings if people read them.
pub(crate) fn complaints(file: &SourceFile, has_readers: bool) -> Vec<String> {
    let all = read(&file.text);
    let tests = file.length();
    let mut found = Vec::new();
    for prose in all {
        if EXCEPTIONS.iter().any(|(text, _)| prose.text.contains(text)) {
            continue;
        }
        let is_read = has_readers && prose.line <= tests;
        if prose.kind == Kind::Text && !is_read {
            continue;
        }
        let clause = plain::clause(&prose.text).filter(|_| prose.kind == Kind::Doc);
        if let Some(word) = clause.or_else(|| plain::not_plain_in_code(&prose.text)) {
            found.push(format!(
                "{}:{}: `{word}`: {}",
                file.path, prose.line, prose.text
            ));
        }
    }
    found
}

/// All comments and strings, in order. Lines of one comment are joined.
fn read(source: &str) -> Vec<Prose> {
    let mut found: Vec<Prose> = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(start) = rest.find(['/', '"', '\'']) {
        line += rest[..start].matches('\n').count();
        let (is_raw, before) = raw(&rest[..start]);
        let here = &rest[start..];
        let length = if here.starts_with("//") {
            let end = here.find('\n').unwrap_or(here.len());
            comment(&here[..end], line, &mut found);
            end
        } else if let Some(inside) = here.strip_prefix('"') {
            let close = format!("\"{before}");
            let end = if is_raw {
                inside.find(&close).unwrap_or(inside.len())
            } else {
                end_of_string(inside)
            };
            found.push(Prose {
                line,
                kind: Kind::Text,
                text: joined(&inside[..end]),
            });
            (1 + end + close.len()).min(here.len())
        } else {
            character(here)
        };
        line += here[..length].matches('\n').count();
        rest = &here[length..];
    }
    found
}

/// True if a quotation mark after this code opens a raw string, and its hash signs.
fn raw(before: &str) -> (bool, &str) {
    let code = before.trim_end_matches('#');
    let is_raw = code.ends_with('r') || code.ends_with("br");
    (is_raw, &before[code.len()..])
}

/// The end of a string, before its closing quotation mark.
fn end_of_string(inside: &str) -> usize {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            '"' if !escaped => return at,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    inside.len()
}

/// The text of a string, with lines that go on joined.
fn joined(inside: &str) -> String {
    let mut lines = inside.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

/// Length of a character such as `'"'`; of a lifetime or a division, its sign alone.
fn character(here: &str) -> usize {
    let escaped = usize::from(here.starts_with("'\\"));
    let mut inside = here.char_indices().skip(1 + escaped);
    let is_quote = here.starts_with('\'') && inside.next().is_some();
    match inside.next() {
        Some((end, '\'')) if is_quote => end + 1,
        _ => 1 + escaped,
    }
}

fn comment(text: &str, line: usize, found: &mut Vec<Prose>) {
    let (kind, text) = match text
        .strip_prefix("///")
        .or_else(|| text.strip_prefix("//!"))
    {
        Some(text) => (Kind::Doc, text),
        None => (Kind::Comment, &text[2..]),
    };
    match found.last_mut() {
        Some(last)
            if last.kind == kind && last.line + last.text.matches('\n').count() + 1 == line =>
        {
            last.text += "\n";
            last.text += text.trim();
        }
        _ => found.push(Prose {
            line,
            kind,
            text: text.trim().to_owned(),
        }),
    }
}

#[test]
fn comments_and_strings_are_read_with_their_lines() {
    let source = "/// One\n/// two.\nfn a<'a>() -> char {\n    // Three.\n    let b = \"four \\\n    \
                  five \\\" six\"; let c = ['\"', '\\''];\n    let d = r#\"a \"seven\"\"#; 1 / 2\n}\n";
    let found = read(source);
    let prose = |line, kind, text: &str| Prose {
        line,
        kind,
        text: text.to_owned(),
    };
    assert_eq!(
        found,
        [
            prose(1, Kind::Doc, "One\ntwo."),
            prose(4, Kind::Comment, "Three."),
            prose(5, Kind::Text, "four five \\\" six"),
            prose(7, Kind::Text, "a \"seven\""),
        ]
    );
}

#[test]
fn prose_that_is_not_plain_is_complained_about() {
    let file = SourceFile::of_text("a", "/// Whether it is.\nfn a() {\n    b(\"is told\")\n}\n");
    let found = complaints(&file, true);
    assert_eq!(
        found,
        [
            "src/a.rs:1: `whether`: Whether it is.",
            "src/a.rs:3: `told`: is told",
        ]
    );
    assert_eq!(complaints(&file, false).len(), 1);
}
