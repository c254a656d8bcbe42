//! All files of a directory to a [`Manifest`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::builder::DiagnosticBuilder;
use super::characters;
use super::check::{self, CheckContext, Checked, DocumentLocations};
use super::text::{Redactions, Span, Text};
use super::tree::Stream;
use super::yaml;
use super::{
    Bindings, FileProblem, Holds, Invalid, MAX_FILE_SIZE, MOST_DIAGNOSTICS, MOST_FURTHER_DOCUMENTS,
    Manifest, Origin, SeenFile, SourceFile, cross,
};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::parallel;
use crate::platform::Platform;
use crate::text::escaped;

/// What came of a file.
#[derive(Default)]
struct Loaded {
    documents: Vec<Checked>,
    /// Whether it may hold documents that could not be read.
    incomplete: bool,
    /// Mistakes of the file as a whole.
    diagnostics: Vec<Diagnostic>,
    /// Its contents; known for every file that was loaded.
    seen: Option<SeenFile>,
}

/// Reads all files. The order of the files has no influence on the result.
///
/// Every mistake of every file is in the result; a document with an error is
/// among the invalid ones, and the others go on.
#[must_use]
pub fn load(
    files: &[SourceFile],
    vars: &BTreeMap<String, String>,
    platforms: &[&'static Platform],
) -> Manifest {
    load_bound("", files, vars, &Bindings::default(), platforms)
}

/// Reads all files of a directory, where a reference may only go where it is bound
/// to: a document with another one is invalid, so that nothing of it is resolved and
/// nothing pruned.
#[must_use]
pub fn load_bound(
    root: &str,
    files: &[SourceFile],
    vars: &BTreeMap<String, String>,
    bindings: &Bindings,
    platforms: &[&'static Platform],
) -> Manifest {
    let root = escaped(root);
    let context = CheckContext {
        vars,
        platforms,
        bindings,
        root: &root,
    };
    let mut files: Vec<&SourceFile> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let limit = files.len() + MOST_FURTHER_DOCUMENTS;
    let count = AtomicUsize::new(0);
    let loaded = parallel::map(&files, |file| {
        // The limit is already exceeded: the other files need not be loaded.
        if count.load(Ordering::Relaxed) > limit {
            return Loaded::default();
        }
        let loaded = load_file(context, file);
        count.fetch_add(loaded.documents.len(), Ordering::Relaxed);
        loaded
    });
    if count.into_inner() > limit {
        return too_many_documents(&files, limit, bindings);
    }

    let mut manifest = Manifest {
        bindings: bindings.clone(),
        ..Manifest::default()
    };
    let mut documents = Vec::new();
    for file in loaded {
        manifest.diagnostics.extend(file.diagnostics);
        manifest.incomplete |= file.incomplete;
        manifest.files.extend(file.seen);
        documents.extend(file.documents);
    }
    cross::check(&mut documents);
    for document in documents {
        manifest.incomplete |= !document.named;
        manifest.diagnostics.extend(document.diagnostics);
        match document.outcome {
            Ok(integration) => manifest.integrations.push(integration),
            Err(invalid) => manifest.invalid.push(invalid),
        }
    }
    manifest.integrations.sort_by(|a, b| a.name.cmp(&b.name));
    manifest
        .invalid
        .sort_by(|a, b| (&a.name, &a.origin).cmp(&(&b.name, &b.origin)));
    manifest.diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.place.line, d.place.column, d.code);
        (&a.place.file, key(a)).cmp(&(&b.place.file, key(b)))
    });
    shorten(&mut manifest.diagnostics);
    manifest
}

/// Keeps the first mistakes, errors before warnings, and says how many there are more.
fn shorten(diagnostics: &mut Vec<Diagnostic>) {
    let more = diagnostics.len().saturating_sub(MOST_DIAGNOSTICS);
    if more == 0 {
        return;
    }
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let mut errors_left = MOST_DIAGNOSTICS.min(errors);
    let mut warnings_left = MOST_DIAGNOSTICS - errors_left;
    diagnostics.retain(|diagnostic| {
        let left = if diagnostic.is_error() {
            &mut errors_left
        } else {
            &mut warnings_left
        };
        let is_kept = *left > 0;
        *left = left.saturating_sub(1);
        is_kept
    });
    if let Some(last) = diagnostics.last_mut() {
        last.help.push(format!(
            "and {more} more mistakes in these files, not shown"
        ));
    }
}

/// Manifest for too many documents. It uses none of them, because it is unknown which of
/// them are meant. It is incomplete, so that nothing counts as removed either.
fn too_many_documents(files: &[&SourceFile], limit: usize, bindings: &Bindings) -> Manifest {
    let path = files.first().map_or("", |file| file.path.as_str());
    let message = format!("these files hold more than {limit} documents together");
    let help = "none of them is used: see which files do not belong here";
    Manifest {
        diagnostics: vec![whole_file(path, Code::TooComplex, &message, help)],
        incomplete: true,
        bindings: bindings.clone(),
        ..Manifest::default()
    }
}

fn load_file(context: CheckContext<'_>, file: &SourceFile) -> Loaded {
    let mut loaded = match &file.content {
        Ok(bytes) if bytes.len() as u64 > MAX_FILE_SIZE => problem(
            context,
            file,
            &FileProblem::TooLarge {
                size: bytes.len() as u64,
            },
        ),
        Ok(bytes) => match decode(&file.path, bytes) {
            Ok(text) => load_text(context, &file.path, text),
            Err(diagnostic) => frozen(context, file, *diagnostic),
        },
        Err(found) => problem(context, file, found),
    };
    loaded.seen = Some(seen(context, file, &loaded));
    loaded
}

/// Summary of a file's contents.
fn seen(context: CheckContext<'_>, file: &SourceFile, loaded: &Loaded) -> SeenFile {
    let path = escaped(&file.path).into_owned();
    SeenFile {
        within: context.within(&path),
        file: path,
        holds: if loaded.documents.is_empty() {
            Holds::NoDocument
        } else {
            let mut documents = loaded.documents.iter();
            let says_names = documents.any(|document| document.says_name);
            Holds::Documents { says_names }
        },
    }
}

fn load_text(context: CheckContext<'_>, path: &str, source: &str) -> Loaded {
    let text = Text::new(path, source);
    let stream = yaml::parse(source);
    let mut loaded = Loaded {
        incomplete: !stream.is_whole(),
        ..Loaded::default()
    };
    let Stream {
        documents,
        mut veil,
    } = stream;
    let several = documents.len() > 1;
    if documents.is_empty() {
        loaded.diagnostics.push(whole_file(
            path,
            Code::EmptyFile,
            "this file describes nothing",
            "add an integration; if it described one, deleting the file lets `--policy sync` delete that integration, too",
        ));
    }
    for document in documents {
        loaded
            .documents
            .push(check::check(context, &text, &mut veil, document, several));
    }
    loaded
}

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
        "it looks like UTF-16: save it as UTF-8"
    } else {
        "save it as UTF-8"
    };
    if valid == 0 {
        return whole_file(path, Code::NotUtf8, "this file is not UTF-8", help);
    }
    DiagnosticBuilder::new(
        Code::NotUtf8,
        Span::new(valid, valid),
        "this file is not UTF-8",
    )
    .label("the first wrong byte follows this")
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

/// A file that could not be read.
fn problem(context: CheckContext<'_>, file: &SourceFile, problem: &FileProblem) -> Loaded {
    let (code, message, help) = match problem {
        FileProblem::Unreadable { reason } => (
            Code::Unreadable,
            format!("this file cannot be read: {reason}"),
            "give the user that integrationd runs as the right to read it",
        ),
        FileProblem::UnreadableDirectory { reason } => (
            Code::Unreadable,
            format!("this directory cannot be read: {reason}"),
            "give the user that integrationd runs as the right to list it",
        ),
        FileProblem::NotAFile => (
            Code::NotAFile,
            "this is neither a file nor a directory".to_owned(),
            "remove it, or give it another name",
        ),
        FileProblem::LeavesDirectory => (
            Code::BadLink,
            "this link leads out of the directory".to_owned(),
            "put the file itself here, so that it is reviewed with the others",
        ),
        FileProblem::Dangling => (
            Code::BadLink,
            "this link leads nowhere".to_owned(),
            "remove the link, or restore what it points to",
        ),
        FileProblem::LinkLoop => (
            Code::BadLink,
            "this link leads in a circle".to_owned(),
            "remove the link",
        ),
        FileProblem::Link => (
            Code::BadLink,
            "this is a link, and in a repository none is followed".to_owned(),
            "put the file itself here, so that it is reviewed with the others",
        ),
        FileProblem::Submodule => (
            Code::NotAFile,
            "this is a submodule, and what is in it is not read".to_owned(),
            "move the files into this repository, or name a subdirectory without submodules",
        ),
        FileProblem::NameNotUtf8 => (
            Code::NotUtf8,
            "the name of this file is not UTF-8".to_owned(),
            "rename it",
        ),
        FileProblem::TooLarge { size } => (
            Code::TooLarge,
            format!("this file is too large: {size} bytes, at most {MAX_FILE_SIZE} are read"),
            "split it; one integration in each file is easiest to review",
        ),
    };
    let diagnostic = whole_file(&file.path, code, &message, help);
    frozen(context, file, diagnostic)
}

fn whole_file(path: &str, code: Code, message: &str, help: &str) -> Diagnostic {
    Diagnostic {
        code,
        severity: code.severity(),
        message: escaped(message).into_owned(),
        place: Location::file(path),
        related: Vec::new(),
        help: vec![help.to_owned()],
    }
}

/// A file of which no document could be read: whatever it describes is frozen.
fn frozen(context: CheckContext<'_>, file: &SourceFile, diagnostic: Diagnostic) -> Loaded {
    let path = escaped(&file.path).into_owned();
    let invalid = Invalid {
        name: super::text::stem(&path).to_owned(),
        platform: None,
        origin: Origin {
            within: context.within(&path),
            file: path,
            line: 1,
        },
    };
    let places = DocumentLocations {
        name: diagnostic.place.clone(),
        id: None,
        attributes: Vec::new(),
    };
    Loaded {
        documents: vec![Checked {
            outcome: Err(invalid),
            named: false,
            says_name: false,
            diagnostics: vec![diagnostic],
            places,
            claim: None,
        }],
        incomplete: true,
        ..Loaded::default()
    }
}
