//! Every diagnostic, with its example.

use std::fmt::Write as _;

use integrationd::diagnostic::{Code, Example, ExampleSetting, FileExample, render_one};
use integrationd::manifest::load_example;

use super::root;

/// The groups of codes, by their first three characters.
const GROUPS: &[(&str, &str)] = &[
    ("E01", "Reading files"),
    ("E02", "Documents"),
    ("E03", "Attributes"),
    ("E04", "References"),
    ("E05", "Several documents"),
    ("W06", "Warnings"),
];

pub(super) fn diagnostics() -> String {
    let mut out = String::new();
    for (start, title) in GROUPS {
        write!(out, "## {title}\n\n").unwrap();
        let codes = Code::ALL.iter();
        for code in codes.filter(|code| code.number().starts_with(start)) {
            describe(*code, &mut out);
        }
    }
    for code in Code::ALL {
        assert!(
            out.contains(&format!("### {code} ")),
            "{code}: add its group"
        );
    }
    out
}

fn describe(code: Code, out: &mut String) {
    let (slug, explanation) = (code.slug(), code.explanation());
    write!(out, "### {code} {slug}\n\n{explanation}\n\n").unwrap();
    match code.example() {
        Example::File(example) => {
            let FileExample {
                wrong,
                right,
                settings,
            } = example;
            let flags: Vec<String> = settings.iter().map(ExampleSetting::to_string).collect();
            if !flags.is_empty() {
                let flags = flags.join(" ");
                write!(out, "The examples are validated with `{flags}`.\n\n").unwrap();
            }
            let found = load_example(wrong, settings).diagnostics;
            let shown = render_one(&found[0], false);
            write!(
                out,
                "Wrong:\n\n```yaml\n{wrong}```\n\n```text\n{shown}```\n\n"
            )
            .unwrap();
            write!(out, "Right:\n\n```yaml\n{right}```\n\n").unwrap();
        }
        Example::Situation { wrong, right } => {
            let shown = from_snapshot(code);
            write!(
                out,
                "Wrong: {wrong}\n```text\n{shown}\n```\n\nRight: {right}\n"
            )
            .unwrap();
        }
    }
}

/// The first diagnostic with this code in the snapshot that a test of the diagnostics holds.
fn from_snapshot(code: Code) -> String {
    let path = format!("tests/data/diagnostics/{code}-{}/shown.snap", code.slug());
    let snapshot = std::fs::read_to_string(root().join(path)).unwrap();
    let shown = snapshot.splitn(3, "---\n").nth(2).unwrap();
    let mark = format!("[{code}]: ");
    let mut blocks = shown.split("\n\n");
    let found = blocks.find(|block| block.lines().next().unwrap_or_default().contains(&mark));
    found
        .unwrap_or_else(|| panic!("{code} is not in\n{shown}"))
        .trim_end()
        .to_owned()
}
