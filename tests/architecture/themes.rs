//! The themes of the tests: none imports from another one.

use std::collections::BTreeSet;
use std::path::Path;

use super::source::{SourceFile, read_all, top};

/// Directories below `tests/` that are not part of the integration tests, and this
/// theme, whose texts name modules of the crate.
const OTHERS: [&str; 3] = ["bench", "fuzz", "architecture"];

fn files() -> Vec<SourceFile> {
    let mut files = read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
    files.retain(|file| !OTHERS.contains(&top(&file.module)));
    files
}

#[test]
fn themes_import_helpers_from_support_alone() {
    let files = files();
    let helpers = files
        .iter()
        .filter_map(|file| file.module.strip_prefix("support/"));
    let helpers: BTreeSet<&str> = helpers.collect();
    assert!(helpers.len() > 20, "{helpers:?}");
    for file in &files {
        let own = top(&file.module);
        for line in file.text.lines() {
            let Some((_, path)) = line.split_once("crate::") else {
                continue;
            };
            let name = path.split(|c: char| !super::source::is_inner(c)).next();
            let name = name.unwrap_or_default();
            let is_allowed = name == own || name == "support" || helpers.contains(name);
            assert!(is_allowed, "{}: {line}", file.module);
        }
    }
}

#[test]
fn helpers_of_the_tests_have_no_tests() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let has_test = text.contains("#[test]") || text.contains("#[tokio::test");
        assert!(!has_test, "{}", path.display());
    }
}
