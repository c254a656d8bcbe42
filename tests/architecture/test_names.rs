//! Names of tests: short, and in plain words.

use super::source::{SourceFile, is_inner};
use crate::plain;

/// Most characters of a name.
const LONGEST: usize = 60;

/// Beginnings of the attribute that makes a function a test.
const ATTRIBUTES: &[&str] = &["#[test]", "#[tokio::test]", "#[tokio::test("];

/// The names of the tests of a file, each with its line.
pub(crate) fn of(file: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let mut is_test = false;
    file.text
        .lines()
        .enumerate()
        .filter_map(move |(index, line)| {
            let line = line.trim_start();
            is_test |= ATTRIBUTES.iter().any(|it| line.starts_with(it));
            let name = declared(line).filter(|_| is_test)?;
            is_test = false;
            Some((index + 1, name))
        })
}

/// The name of the function that a line declares.
fn declared(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(|c| !is_inner(c)).next()
}

/// The complaints about the names of the tests of a file.
pub(crate) fn complaints(file: &SourceFile) -> Vec<String> {
    let mut found = Vec::new();
    for (line, name) in of(file) {
        let length = name.chars().count();
        if length > LONGEST {
            let path = &file.path;
            found.push(format!("{path}:{line}: {length} characters: {name}"));
        }
        if let Some(word) = plain::not_plain_in_test_name(name) {
            found.push(format!("{}:{line}: `{word}`: {name}", file.path));
        }
    }
    found
}

#[test]
fn long_name_and_each_banned_word_are_complained_about() {
    let long = "a".repeat(LONGEST + 1);
    let source = format!(
        "fn helper_is_told() {{}}\n#[test]\nfn rotated_secret_is_sent_once() {{}}\n#[test]\n\
         #[ignore = \"slow\"]\nfn {long}() {{}}\n#[tokio::test(start_paused = true)]\n\
         async fn a_failure_is_told_once() {{}}\n#[tokio::test]\nasync fn it_looks() {{}}\n"
    );
    let file = SourceFile::of_text("a", &source);
    assert_eq!(of(&file).count(), 4);
    assert_eq!(
        complaints(&file),
        [
            format!("src/a.rs:6: 61 characters: {long}"),
            "src/a.rs:8: `told`: a_failure_is_told_once".to_owned(),
            "src/a.rs:10: `looks`: it_looks".to_owned(),
        ]
    );
}
