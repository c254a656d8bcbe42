//! All files of a directory to a [`Manifest`].

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::check::{self, CheckContext, Checked, DocumentLocations};
use super::file::{decode, unreadable, whole_file};
use super::text::Text;
use super::tree::Stream;
use super::variables::{Variables, referred};
use super::yaml;
use super::{
    Bindings, DeniedWarnings, FileProblem, Holds, Invalid, MAX_FILE_SIZE, MOST_DIAGNOSTICS,
    MOST_FURTHER_DOCUMENTS, Manifest, Origin, SeenFile, SourceFile, cross,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::parallel;
use crate::platform::Platform;
use crate::text::escaped;

/// Result of loading a file.
#[derive(Default)]
struct Loaded {
    documents: Vec<Checked>,
    /// True if it may contain documents that could not be read.
    incomplete: bool,
    /// Mistakes of the file as a whole.
    diagnostics: Vec<Diagnostic>,
    /// The file itself, if it has no document and that is denied.
    invalid: Option<Invalid>,
    /// Its contents; known for every file that was loaded.
    seen: Option<SeenFile>,
}

/// Everything that files are checked against.
#[derive(Debug, Clone, Copy)]
pub struct FileChecks<'c> {
    /// Values of `${var:NAME}`.
    pub variables: &'c Variables,
    /// Destinations that references may have.
    pub bindings: &'c Bindings,
    /// Warnings that count as errors.
    pub denied: &'c DeniedWarnings,
    /// The known platforms.
    pub platforms: &'c [&'static Platform],
}

/// Reads all files. The order of the files has no influence on the result.
///
/// Every mistake of every file is in the result; a document with an error is
/// among the invalid ones, and the others go on.
#[must_use]
pub fn load(
    files: &[SourceFile],
    variables: &Variables,
    platforms: &[&'static Platform],
) -> Manifest {
    let checks = FileChecks {
        variables,
        bindings: &Bindings::default(),
        denied: &DeniedWarnings::default(),
        platforms,
    };
    load_checked("", files, checks)
}

/// Reads all files of a directory. A document with a reference that may not go to its
/// destination, or with a denied warning, is invalid: nothing of it is resolved, and nothing
/// is pruned.
#[must_use]
pub fn load_checked(root: &str, files: &[SourceFile], checks: FileChecks<'_>) -> Manifest {
    let FileChecks {
        variables,
        bindings,
        denied,
        platforms,
    } = checks;
    let root = escaped(root);
    let context = CheckContext {
        variables,
        platforms,
        bindings,
        denied,
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
        manifest.invalid.extend(file.invalid);
        documents.extend(file.documents);
    }
    cross::check(&mut documents, denied);
    for mut document in documents {
        manifest.incomplete |= !document.named;
        manifest.diagnostics.extend(document.take_diagnostics());
        match document.outcome {
            Ok(integration) => manifest.integrations.push(integration),
            Err(invalid) => manifest.invalid.push(invalid),
        }
    }
    sort(&mut manifest);
    // A reference that is misspelled, and a file that cannot be read, may mean one of them.
    let misspelled = |diagnostic: &Diagnostic| diagnostic.code == Code::UnknownVariable;
    if !manifest.incomplete && !manifest.diagnostics.iter().any(misspelled) {
        manifest.diagnostics.extend(unused(context, &files));
    }
    shorten(&mut manifest.diagnostics);
    manifest
}

/// Puts everything into an order that does not depend on that of the files.
fn sort(manifest: &mut Manifest) {
    manifest.integrations.sort_by(|a, b| a.name.cmp(&b.name));
    manifest
        .invalid
        .sort_by(|a, b| (&a.name, &a.origin).cmp(&(&b.name, &b.origin)));
    manifest.diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.place.line, d.place.column, d.code);
        (&a.place.file, key(a)).cmp(&(&b.place.file, key(b)))
    });
}

/// A warning for each variable that no file uses.
fn unused(context: CheckContext<'_>, files: &[&SourceFile]) -> Vec<Diagnostic> {
    let variables = context.variables;
    if variables.is_empty() {
        return Vec::new();
    }
    let texts = files
        .iter()
        .filter_map(|file| std::str::from_utf8(file.content.as_ref().ok()?).ok());
    let used: BTreeSet<&str> = texts.flat_map(referred).collect();
    let mut unused = variables.unused(&used);
    for diagnostic in &mut unused {
        context.denied.raise(diagnostic);
    }
    unused
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
            "errors and warnings not shown for these files: {more}"
        ));
    }
}

/// Manifest for too many documents. It uses none of them, because it is unknown which of
/// them are meant. It is incomplete, so that nothing counts as removed either.
fn too_many_documents(files: &[&SourceFile], limit: usize, bindings: &Bindings) -> Manifest {
    let path = files.first().map_or("", |file| file.path.as_str());
    let message = format!("these files contain more than {limit} documents in total");
    let help = "remove the files that do not belong here: until then, none of the documents is \
        used";
    Manifest {
        diagnostics: vec![whole_file(path, Code::TooComplex, &message, help)],
        incomplete: true,
        bindings: bindings.clone(),
        ..Manifest::default()
    }
}

fn load_file(context: CheckContext<'_>, file: &SourceFile) -> Loaded {
    let mut loaded = match &file.content {
        Ok(bytes) if bytes.len() as u64 > MAX_FILE_SIZE => {
            let size = bytes.len() as u64;
            let problem = FileProblem::TooLarge { size };
            frozen(context, file, unreadable(&file.path, &problem))
        }
        Ok(bytes) => match decode(&file.path, bytes) {
            Ok(text) => load_text(context, &file.path, text),
            Err(diagnostic) => frozen(context, file, *diagnostic),
        },
        Err(problem) => frozen(context, file, unreadable(&file.path, problem)),
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
        mut redactions,
    } = stream;
    let several = documents.len() > 1;
    if documents.is_empty() {
        let mut diagnostic = whole_file(
            path,
            Code::EmptyFile,
            "this file describes no integration",
            "add an integration, or remove the file; after the removal, `--policy sync` deletes \
            the integration that the file used to describe",
        );
        context.denied.raise(&mut diagnostic);
        loaded.invalid = diagnostic.is_error().then(|| invalid_file(context, path));
        loaded.diagnostics.push(diagnostic);
    }
    for document in documents {
        loaded.documents.push(check::check(
            context,
            &text,
            &mut redactions,
            document,
            several,
        ));
    }
    loaded
}

/// A file of which no document could be read: whatever it describes is frozen.
fn frozen(context: CheckContext<'_>, file: &SourceFile, diagnostic: Diagnostic) -> Loaded {
    let invalid = invalid_file(context, &file.path);
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

/// The integration of a file that is invalid as a whole.
fn invalid_file(context: CheckContext<'_>, path: &str) -> Invalid {
    let path = escaped(path).into_owned();
    Invalid {
        name: super::text::stem(&path).to_owned(),
        platform: None,
        origin: Origin {
            within: context.within(&path),
            file: path,
            line: 1,
        },
    }
}
