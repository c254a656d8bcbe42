//! Holds the code to its layers: allowed imports, pure modules, the modules that may name a
//! platform, the length of a file, one type for each name, names of tests, and plain words.
//!
//! These tests read the sources as text. They do not count comments and tests as code: a test
//! may use any layer and the file system.

mod imports;
mod names;
mod prose;
mod source;
mod test_names;
mod themes;

use std::path::Path;

use source::SourceFile;

/// The layers, lowest first. Code names lower layers and its own module only.
///
/// A module is written as the path of its file below `src/`, without `.rs`; an
/// entry covers what is below it, unless a longer entry says otherwise. `*` is any one
/// part of a path.
const LAYERS: &[Layer] = &[
    // The vocabulary: no I/O, no async.
    pure(&["text", "parallel", "pause", "reason"]),
    pure(&["follow_up"]),
    pure(&[
        "diagnostic",
        "platform",
        "secret/mod",
        "secret/credential",
        "secret/json",
        "secret/missing",
        "secret/own",
        "secret/provider",
        "secret/reference",
        "secret/scrub",
    ]),
    pure(&["value"]),
    pure(&["live"]),
    pure(&["manifest"]),
    pure(&[
        "ledger/mod",
        "ledger/fingerprint",
        "ledger/history",
        "ledger/record",
        "ledger/rejection",
        "ledger/suspensions",
    ]),
    pure(&["plan"]),
    pure(&["export"]),
    // The edges: I/O, no decisions. `net` is HTTP for those that speak it, `regular` opens files,
    // `user` knows who owns one.
    // A provider of secrets is declared among the vocabulary, and reads here.
    layer(&["progress", "cancellable"]),
    layer(&["net", "regular", "user"]),
    // Calls of a tenant, whatever they are about.
    layer(&["immuta/client"]),
    layer(&[
        "immuta",
        "ledger",
        "secret",
        "secret/provider/*/reading",
        "source",
        "export/disk",
    ]),
    // The orchestration, through traits.
    layer(&["apply"]),
    layer(&["sync"]),
    layer(&["settings"]),
    layer(&["simulator"]),
    // The document is the simulator's, and what the client knows is held against it.
    pure(&["profile"]),
    layer(&["embedded"]),
    layer(&["session"]),
    // The shells.
    layer(&["report"]),
    layer(&["daemon"]),
    // What this process may use, and what it says.
    layer(&["process"]),
    layer(&["console"]),
    layer(&["client"]),
    layer(&["hook"]),
    layer(&["command_line"]),
    layer(&["cli"]),
];

/// Files outside the layers: they put the layers together.
const EXEMPT: &[&str] = &["lib", "main"];

/// Modules that name nothing of the crate but themselves. The simulator knows
/// the wire only, so that a mistake in a table of the client shows.
const SELF_CONTAINED: &[&str] = &["simulator"];

/// Words that a pure module cannot contain: async and a clock.
const IMPURE_WORDS: &[&str] = &["async fn", "tokio", "SystemTime", "Instant"];

/// Parts of the standard library that it cannot name: the file system and the environment.
const IMPURE_STD: &[&str] = &["fs", "env"];

/// The words that name a platform, in lower case.
const PLATFORM_WORDS: &[&str] = &[
    "snowflake",
    "databricks",
    "redshift",
    "synapse",
    "bigquery",
    "trino",
    "starburst",
];

/// The modules that may name a platform: the tables, and the model of the server.
const KNOW_PLATFORMS: &[&str] = &["platform", "simulator"];

/// The most files that may import each other in a circle.
const LARGEST_CIRCLE: usize = 3;

/// The longest file, in lines, without its tests.
const LONGEST_FILE: usize = 500;

struct Layer {
    modules: &'static [&'static str],
    pure: bool,
}

const fn pure(modules: &'static [&'static str]) -> Layer {
    Layer {
        modules,
        pure: true,
    }
}

const fn layer(modules: &'static [&'static str]) -> Layer {
    Layer {
        modules,
        pure: false,
    }
}

#[test]
fn every_module_belongs_to_a_layer() {
    holds_for_every_file(|file| {
        let known = is_exempt(file) || layer_of(&file.module).is_some();
        let complaint = || format!("{}: add it to LAYERS", file.path);
        (!known).then(complaint).into_iter().collect()
    });
}

#[test]
fn a_module_names_only_lower_layers_and_itself() {
    let files = sources();
    let modules: Vec<&str> = files.iter().map(|file| file.module.as_str()).collect();
    holds_for_every_file(|file| {
        let references = file.references(&modules);
        references
            .into_iter()
            .filter(|(_, other)| !is_exempt(file) && !may_name(&file.module, other))
            .map(|(line, other)| format!("{}:{line}: names {other}", file.path))
            .collect()
    });
}

#[test]
fn files_do_not_import_each_other_in_a_large_circle() {
    let files = sources();
    let circles = imports::circles(&imports::imports(&files));
    let large = circles.iter().filter(|it| it.len() > LARGEST_CIRCLE);
    let large: Vec<String> = large.map(|circle| format!("{circle:?}")).collect();
    assert!(large.is_empty(), "\n{}\n", large.join("\n"));
}

#[test]
fn type_name_is_declared_once() {
    let twice = names::declared_twice(&sources());
    assert!(
        twice.is_empty(),
        "\ngive each type a name of its own:\n{}\n",
        twice.join("\n")
    );
}

#[test]
fn pure_module_has_no_async_files_environment_or_clock() {
    holds_for_every_file(|file| {
        if !layer_of(&file.module).is_some_and(|index| LAYERS[index].pure) {
            return Vec::new();
        }
        let words = IMPURE_WORDS
            .iter()
            .flat_map(|word| file.code_lines_with(word).map(move |line| (line, *word)))
            .map(|(line, word)| format!("{}:{line}: {word}", file.path));
        let paths = file.paths_below("std::");
        let paths = paths
            .iter()
            .filter(|(_, path)| IMPURE_STD.contains(&path[0].as_str()))
            .map(|(line, path)| format!("{}:{line}: std::{}", file.path, path.join("::")));
        words.chain(paths).collect()
    });
}

#[test]
fn a_platform_is_named_nowhere_but_in_its_table() {
    holds_for_every_file(|file| {
        if KNOW_PLATFORMS.contains(&file.top()) {
            return Vec::new();
        }
        let named = |line: &str| PLATFORM_WORDS.iter().find(|word| line.contains(**word));
        let text = file.text.to_lowercase();
        let lines = text.lines().enumerate();
        lines
            .filter_map(|(index, line)| named(line).map(|word| (index + 1, word)))
            .map(|(line, word)| format!("{}:{line}: {word}", file.path))
            .collect()
    });
}

#[test]
fn a_file_is_short() {
    holds_for_every_file(|file| {
        let long = file.length() > LONGEST_FILE;
        let complaint = || format!("{}: {} lines", file.path, file.length());
        long.then(complaint).into_iter().collect()
    });
}

/// The same rules as for the pages, and a few more: see `plain`.
#[test]
fn comments_and_messages_use_plain_words() {
    holds_for_every_file(|file| prose::complaints(file, true));
}

#[test]
fn comments_of_tests_use_plain_words() {
    let files = source::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
    assert!(files.len() > 100, "{} tests were found", files.len());
    let complaints = files.iter().flat_map(|file| prose::complaints(file, false));
    let all: Vec<String> = complaints.collect();
    assert!(all.is_empty(), "\n{}\n", all.join("\n"));
}

#[test]
fn tests_have_short_names_in_plain_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = source::read_all(&root.join("src"));
    files.extend(source::read_all(&root.join("tests")));
    let count: usize = files.iter().map(|file| test_names::of(file).count()).sum();
    assert!(count > 1_000, "{count} tests were found");
    let complaints: Vec<String> = files.iter().flat_map(test_names::complaints).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// An error is printed with its causes: a cause in its own text would be there twice.
#[test]
fn an_error_does_not_repeat_its_cause() {
    holds_for_every_file(|file| {
        let mut errors = file.text.split("#[error(").skip(1);
        let mut complaints = Vec::new();
        let repeats = errors.by_ref().filter_map(|error| {
            let (text, rest) = error.split_once(")]")?;
            let variant = rest.split("#[error(").next()?;
            let cause = cause(variant)?;
            let shown = [
                format!("{{{cause}}}"),
                format!("{{{cause}:"),
                format!(".{cause})"),
            ];
            shown.iter().any(|it| text.contains(it)).then_some(text)
        });
        complaints.extend(repeats.map(|text| format!("{}: {text}", file.path)));
        complaints
    });
}

/// The name by which the text of an error names its cause, if it has one.
fn cause(variant: &str) -> Option<&str> {
    let marked = ["#[source]", "#[from]"];
    let (before, after) = marked.iter().find_map(|mark| variant.split_once(mark))?;
    if before.trim_end().ends_with('(') {
        return Some("0");
    }
    let (name, _) = after.split_once(':')?;
    Some(name.trim().trim_start_matches("pub "))
}

/// Asserts that no file gives rise to a complaint, and shows those that there are.
#[track_caller]
fn holds_for_every_file(complaints: impl Fn(&SourceFile) -> Vec<String>) {
    let files = sources();
    assert!(!files.is_empty(), "no sources were found");
    let all: Vec<String> = files.iter().flat_map(complaints).collect();
    assert!(all.is_empty(), "\n{}\n", all.join("\n"));
}

fn sources() -> Vec<SourceFile> {
    source::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

fn is_exempt(file: &SourceFile) -> bool {
    EXEMPT.contains(&file.module.as_str())
}

/// The index of a module's layer: that of the longest entry that covers it.
fn layer_of(module: &str) -> Option<usize> {
    let covers = |entry: &str| {
        let mut parts = module.split('/');
        let mut entry = entry.split('/');
        entry.all(|part| parts.next().is_some_and(|own| part == "*" || part == own))
    };
    let entries = LAYERS.iter().enumerate().flat_map(|(index, layer)| {
        layer
            .modules
            .iter()
            .map(move |entry| (entry.len(), index, entry))
    });
    let covering = entries.filter(|(_, _, entry)| covers(entry));
    covering.max().map(|(_, index, _)| index)
}

fn may_name(module: &str, other: &str) -> bool {
    let same_top = source::top(module) == source::top(other);
    if SELF_CONTAINED.contains(&source::top(module)) {
        return same_top;
    }
    match (layer_of(module), layer_of(other)) {
        (Some(own), Some(others)) => others < own || (others == own && same_top),
        // Complained of by the test of the table, or a name that is no module.
        _ => true,
    }
}
