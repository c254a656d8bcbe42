//! One name for one type.

use std::collections::BTreeMap;

use super::source::{SourceFile, is_inner};

/// Keywords that declare a type or a trait.
const KEYWORDS: &[&str] = &["struct", "enum", "union", "trait", "type"];

/// Names of types that are declared more than once, each with its places. Types of one file
/// that nothing else can name do not count.
pub(crate) fn declared_twice(files: &[SourceFile]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        for (index, line) in file.code().lines().enumerate() {
            if let Some(name) = declared_type(line) {
                let place = format!("{}:{}", file.path, index + 1);
                places.entry(name.to_owned()).or_default().push(place);
            }
        }
    }
    let twice = places.iter().filter(|(_, places)| places.len() > 1);
    twice
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect()
}

/// The name of the type that a line declares for other modules.
fn declared_type(line: &str) -> Option<&str> {
    let declaration = line.trim_start().strip_prefix("pub")?;
    let declaration = match declaration.strip_prefix('(') {
        Some(restricted) => restricted.split_once(')')?.1,
        None => declaration,
    };
    let declaration = declaration.trim_start();
    let declaration = declaration.strip_prefix("unsafe ").unwrap_or(declaration);
    let (keyword, rest) = declaration.split_once(' ')?;
    let name = rest.split(|c| !is_inner(c)).next()?;
    KEYWORDS.contains(&keyword).then_some(name)
}

#[test]
fn type_declared_in_two_files_is_found_with_both_places() {
    let first =
        "pub struct Plan;\nstruct Own;\n#[cfg(test)]\nmod tests {\n    pub struct Plan;\n}\n";
    let second = "struct Own;\nimpl Iterator for Own {\n    type Item = u8;\n}\n\
                  pub(in crate::daemon) enum Plan {\n    Own,\n}\npub(super) type Item<'a> = &'a u8;\n";
    let files = [
        SourceFile::of_text("a/mod", first),
        SourceFile::of_text("b", second),
    ];
    assert_eq!(declared_twice(&files), ["Plan: src/a/mod.rs:1, src/b.rs:5"]);
}

#[test]
fn declaration_of_each_kind_is_read() {
    let declared = [
        ("pub struct A<T> {", "A"),
        ("    pub(super) enum B {", "B"),
        ("pub(crate) trait C: Send {", "C"),
        ("pub unsafe trait D {}", "D"),
        ("pub type E<'a> = &'a str;", "E"),
        ("pub struct F(u8);", "F"),
    ];
    for (line, name) in declared {
        assert_eq!(declared_type(line), Some(name));
    }
    for line in [
        "pub fn a() {}",
        "struct A;",
        "pub use b::B;",
        "publish struct A",
        "pub A: B,",
    ] {
        assert_eq!(declared_type(line), None);
    }
}
