//! Every diagnostic, as it is shown: a directory of broken files for each code,
//! with the text that comes out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use integrationd::diagnostic::{Code, Example, ExampleSetting, render};
use integrationd::manifest::{
    Bindings, DeniedWarning, DeniedWarnings, FileChecks, FileProblem, MAX_FILE_SIZE, Manifest,
    SourceFile, Variables, load, load_checked, load_example,
};
use integrationd::platform::{
    Attribute, Evidence, Identity, PLATFORMS, PayloadShape, Platform, Rule, Scripts, Shape,
};
use integrationd::source::read_directory;
use integrationd::text::is_unsafe;

/// Says the one thing that no real platform says yet.
const LIKELY: Platform = Platform {
    wire: "Likely",
    title: "The Likely",
    aliases: &[],
    payload: PayloadShape::Full,
    identity: Identity::Nothing,
    deleted_with_credentials: false,
    connection_technology: None,
    scripts: Scripts::NONE,
    snippet: None,
    attributes: &[Attribute::new("path", Shape::TEXT, "Its path.")],
    rules: &[Rule::Unique("path", Evidence::Inferred)],
};

/// The values that the files keep secret.
const SECRETS: &[&str] = &["hunter", "HUNTER2", "12345678\n"];

/// The most lines of an example: two documents of the largest kind.
const MOST_LINES: usize = 24;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/diagnostics")
}

fn directory(code: Code) -> PathBuf {
    root().join(format!("{code}-{}", code.slug()))
}

/// Bindings with which one mistake can be shown.
fn bindings(code: Code) -> Bindings {
    let texts: &[&str] = if code == Code::UnboundReference {
        &[
            "vault:kv/data/lake#*=Databricks@*.azuredatabricks.net",
            "env:LAKE_*=*@*.example.net",
        ]
    } else {
        &[]
    };
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A variable for the files that use one, or are to use one.
fn variables(code: Code) -> Variables {
    let codes = [Code::UnknownVariable, Code::UnusedVariable];
    let declared = ("REGION".to_owned(), "us-east-1".to_owned());
    codes
        .contains(&code)
        .then_some(declared)
        .into_iter()
        .collect()
}

fn load_files(code: Code) -> Manifest {
    load_denied(code, &DeniedWarnings::default())
}

fn load_denied(code: Code, denied: &DeniedWarnings) -> Manifest {
    let platforms: Vec<&'static Platform> = PLATFORMS.iter().copied().chain([&LIKELY]).collect();
    let checks = FileChecks {
        variables: &variables(code),
        bindings: &bindings(code),
        denied,
        platforms: &platforms,
    };
    load_checked("", &files(code), checks)
}

/// The files of a code, with paths below their directory; those that cannot lie
/// in a repository are made up.
fn files(code: Code) -> Vec<SourceFile> {
    if let Some((path, problem)) = made_up(code) {
        return vec![SourceFile {
            path: path.to_owned(),
            content: Err(problem),
        }];
    }
    let directory = directory(code);
    let mut files = read_directory(&directory).unwrap().files;
    let prefix = format!("{}/", directory.display());
    for file in &mut files {
        file.path = file.path.replace(&prefix, "");
    }
    files
}

fn made_up(code: Code) -> Option<(&'static str, FileProblem)> {
    let reason = "Permission denied (os error 13)".to_owned();
    let size = MAX_FILE_SIZE + 1;
    let all = [
        (
            Code::Unreadable,
            "private.yaml",
            FileProblem::Unreadable { reason },
        ),
        (Code::NotAFile, "pipe.yaml", FileProblem::NotAFile),
        (Code::TooLarge, "large.yaml", FileProblem::TooLarge { size }),
    ];
    let mut all = all.into_iter();
    all.find(|(own, ..)| *own == code)
        .map(|(_, path, problem)| (path, problem))
}

#[test]
fn every_code_is_rendered_as_expected() {
    for code in Code::ALL {
        let manifest = load_files(*code);
        let found = manifest.diagnostics.iter().any(|d| d.code == *code);
        assert!(found, "{code} does not occur in its own files");
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(directory(*code));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("shown", render(&manifest.diagnostics, false)));
    }
}

#[test]
fn every_warning_can_be_denied() {
    let is_warning = |code: &&Code| code.number().starts_with('W');
    for code in Code::ALL.iter().filter(is_warning) {
        let flag = DeniedWarning::Code(*code);
        let manifest = load_denied(*code, &DeniedWarnings::from_iter([flag]));
        let found = manifest.diagnostics.iter().filter(|d| d.code == *code);
        assert!(found.clone().count() > 0, "{code}");
        let expected = format!("--deny {code}");
        for diagnostic in found {
            assert!(diagnostic.is_error(), "{code}");
            assert_eq!(diagnostic.denied_by.as_ref(), Some(&expected));
            let is_there = |file: &str| file == diagnostic.place.file;
            let mut valid = manifest.integrations.iter();
            assert!(!valid.any(|it| is_there(&it.origin.file)), "{code}");
            let mut invalid = manifest.invalid.iter();
            let is_of_file = *code != Code::UnusedVariable;
            assert_eq!(
                invalid.any(|it| is_there(&it.origin.file)),
                is_of_file,
                "{code}"
            );
        }
    }
}

#[test]
fn every_directory_belongs_to_a_code() {
    let known: Vec<_> = Code::ALL.iter().map(|code| directory(*code)).collect();
    for entry in std::fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        assert!(known.contains(&path), "{}", path.display());
    }
}

#[test]
fn no_diagnostic_shows_a_secret() {
    for code in Code::ALL {
        let manifest = load_files(*code);
        let json = serde_json::to_string(&manifest.diagnostics).unwrap();
        let debug = format!("{manifest:?}");
        for text in [render(&manifest.diagnostics, true), json, debug] {
            for secret in SECRETS {
                assert!(!text.contains(secret), "{code} shows {secret}: {text}");
            }
        }
    }
}

#[test]
fn an_error_freezes_its_document_and_a_warning_does_not() {
    for code in Code::ALL {
        let manifest = load_files(*code);
        let errors = manifest
            .diagnostics
            .iter()
            .any(|d| d.code.number().starts_with('E'));
        assert_eq!(errors, !manifest.invalid.is_empty(), "{code}");
    }
}

#[test]
fn the_examples_are_without_a_mistake() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations.d");
    let snapshot = read_directory(&directory).unwrap();
    let manifest = load(&snapshot.files, &Variables::default(), PLATFORMS);
    assert_eq!(render(&manifest.diagnostics, false), "");
    assert_eq!(manifest.integrations.len(), snapshot.files.len());
}

/// The wrong and the right text of the example of a code, if they are files.
fn example(code: Code) -> Option<(Manifest, Manifest)> {
    match code.example() {
        Example::File(example) => Some((
            load_example(example.wrong, example.settings),
            load_example(example.right, example.settings),
        )),
        Example::Situation { .. } => None,
    }
}

#[test]
fn wrong_example_has_its_mistake_and_no_other() {
    for code in Code::ALL {
        let Some((wrong, _)) = example(*code) else {
            continue;
        };
        let found: BTreeSet<Code> = wrong.diagnostics.iter().map(|d| d.code).collect();
        let text = render(&wrong.diagnostics, false);
        assert_eq!(found, BTreeSet::from([*code]), "{code}\n{text}");
    }
}

#[test]
fn right_example_has_no_mistake() {
    for code in Code::ALL {
        let Some((_, right)) = example(*code) else {
            continue;
        };
        assert_eq!(render(&right.diagnostics, false), "", "{code}");
        assert!(!right.integrations.is_empty(), "{code}");
    }
}

/// Without them, the wrong or the right example would have another mistake or none.
#[test]
fn example_needs_all_its_settings() {
    let mut count = 0;
    for code in Code::ALL {
        let Example::File(example) = code.example() else {
            continue;
        };
        if example.settings.is_empty() {
            continue;
        }
        let wrong = render(&load_example(example.wrong, &[]).diagnostics, false);
        let right = render(&load_example(example.right, &[]).diagnostics, false);
        let (whole, _) = self::example(*code).unwrap();
        let is_needed = wrong != render(&whole.diagnostics, false) || !right.is_empty();
        assert!(is_needed, "{code}");
        let flags: Vec<String> = example
            .settings
            .iter()
            .map(ExampleSetting::to_string)
            .collect();
        assert!(flags.iter().all(|flag| flag.starts_with("--")), "{flags:?}");
        count += 1;
    }
    assert!(count > 2, "{count} examples have settings");
}

#[test]
fn examples_are_short_and_nothing_in_them_is_hidden() {
    for code in Code::ALL {
        let (wrong, right) = match code.example() {
            Example::File(example) => (example.wrong, example.right),
            Example::Situation { wrong, right } => (wrong, right),
        };
        assert_ne!(wrong, right, "{code}");
        for text in [wrong, right] {
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{code}");
            assert!(text.lines().count() <= MOST_LINES, "{code}: {text}");
            let is_layout = |c: char| c == '\n' || (c == '\t' && *code == Code::Tab);
            let hidden = text.chars().find(|c| is_unsafe(*c) && !is_layout(*c));
            assert_eq!(hidden, None, "{code}");
        }
    }
}

/// Every file below a directory belongs to a code: the macro includes the others.
#[test]
fn every_example_belongs_to_a_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnostic/examples");
    let mut files = 0;
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let number = path.file_name().unwrap().to_str().unwrap();
        let is_known = Code::ALL.iter().any(|code| code.number() == number);
        assert!(is_known, "{}", path.display());
        files += std::fs::read_dir(&path).unwrap().count();
    }
    assert_eq!(files, 2 * Code::ALL.len());
}
