//! The README names tests that exist.

use std::path::Path;

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every `theme::test` that the README names in backticks.
fn named() -> Vec<(String, String)> {
    let readme = text("README.md");
    let quoted = readme.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|word| word.split_once("::"))
        .map(|(theme, test)| (theme.to_owned(), test.to_owned()))
        .collect()
}

/// The source of a theme: a file, or a directory of them.
fn source(theme: &str) -> String {
    let directory = format!("tests/{theme}/mod.rs");
    let is_directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(&directory)
        .exists();
    text(&if is_directory {
        directory
    } else {
        format!("tests/{theme}.rs")
    })
}

#[test]
fn every_promise_names_tests_that_exist() {
    let named = named();
    assert!(named.len() > 15, "the README names {} tests", named.len());
    for (theme, test) in named {
        let is_there = source(&theme).contains(&format!("fn {test}("));
        assert!(
            is_there,
            "the README names {theme}::{test}, which is not there"
        );
    }
}

#[test]
fn every_promise_is_held_by_a_test() {
    let readme = text("README.md");
    let (_, promises) = readme.split_once("## What it promises").unwrap();
    let (promises, _) = promises.split_once("\n## ").unwrap();
    let promises: Vec<&str> = promises.split("\n").collect();
    let is_promise = |line: &&str| line.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let starts: Vec<usize> = (0..promises.len())
        .filter(|n| is_promise(&promises[*n]))
        .collect();
    assert_eq!(starts.len(), 7);
    for (nth, start) in starts.iter().enumerate() {
        let end = starts.get(nth + 1).copied().unwrap_or(promises.len());
        let is_held = promises[*start..end]
            .iter()
            .any(|line| line.starts_with("   - `"));
        assert!(is_held, "{}", promises[*start]);
    }
}
