use serde_json::{Value as Json, json};

use super::*;
use crate::platform::{Attribute, PLATFORMS, Shape};

fn edited(source: &str, path: &str, to: impl Into<Option<Json>>) -> Result<String, EditError> {
    let edit_of = Edit {
        path: AttributePath::from(path),
        to: to.into(),
    };
    edit(source, 0, &edit_of)
}

#[track_caller]
fn becomes(source: &str, path: &str, to: impl Into<Option<Json>>, expected: &str) {
    assert_eq!(
        edited(source, path, to).as_deref(),
        Ok(expected),
        "{source}"
    );
}

#[track_caller]
fn fails(source: &str, path: &str, to: impl Into<Option<Json>>, expected: EditError) {
    assert_eq!(edited(source, path, to), Err(expected), "{source}");
}

const LAKE: &str = "# The lake.\ntype: Lake  # of the sales\nautoBootstrap: false\n\
    config:\n    # The host.\n    workspaceUrl: 'lake.example.com'   # the host alone\n    \
    httpPath: \"/one\"\n    workspaceIds: [1, \"2\"] # both\n    audit: {enabled: true}\n\
    sync:\n    name: lake\n";

#[test]
fn value_keeps_its_quotes_and_its_comment() {
    let expected = LAKE.replace("'lake.example.com'", "'it''s.example.com'");
    becomes(LAKE, "workspaceUrl", json!("it's.example.com"), &expected);
    let expected = LAKE.replace("\"/one\"", "\"/\\\"two\\\"\"");
    becomes(LAKE, "httpPath", json!("/\"two\""), &expected);
    let expected = LAKE.replace("enabled: true", "enabled: false");
    becomes(LAKE, "audit/enabled", json!(false), &expected);
    let expected = LAKE.replace("autoBootstrap: false", "autoBootstrap: true");
    becomes(LAKE, "autoBootstrap", json!(true), &expected);
}

#[test]
fn text_in_the_form_of_a_reference_is_escaped() {
    let expected = LAKE.replace("\"/one\"", "\"/$${env:HOME}\"");
    becomes(LAKE, "httpPath", json!("/${env:HOME}"), &expected);
}

#[test]
fn list_keeps_the_items_that_stay() {
    let expected = LAKE.replace("[1, \"2\"] # both", "[1, \"2\", \"3\"] # both");
    becomes(LAKE, "workspaceIds", json!(["1", "2", "3"]), &expected);
    let expected = LAKE.replace("[1, \"2\"] # both", "[1] # both");
    becomes(LAKE, "workspaceIds", json!(["1"]), &expected);
    let block =
        "config:\n  workspaceIds:\n  - '1'  # first\n  - '2'\n  - '3'  # last\n  httpPath: /one\n";
    let expected = block.replace("  - '2'\n", "  - '4'\n");
    becomes(block, "workspaceIds", json!(["1", "4", "3"]), &expected);
    let expected = block.replace("  - '2'\n", "");
    becomes(block, "workspaceIds", json!(["1", "3"]), &expected);
    let expected = block.replace("  - '3'  # last\n", "  - '3'  # last\n  - '4'\n");
    becomes(
        block,
        "workspaceIds",
        json!(["1", "2", "3", "4"]),
        &expected,
    );
}

#[test]
fn attribute_that_the_file_lacks_is_an_error() {
    fails(LAKE, "catalog", json!("immuta"), EditError::Missing);
    fails(LAKE, "groupPattern/deny", None, EditError::Missing);
}

#[test]
fn removed_attribute_takes_its_line() {
    let expected = LAKE.replace("    httpPath: \"/one\"\n", "");
    becomes(LAKE, "httpPath", None, &expected);
    // The comment above could be about it.
    fails(LAKE, "workspaceUrl", None, EditError::Comment);
}

#[test]
fn only_value_of_a_mapping_needs_the_mapping_removed() {
    fails(LAKE, "audit/enabled", None, EditError::OnlyValue);
    let expected = LAKE.replace("    audit: {enabled: true}\n", "");
    becomes(LAKE, "audit", None, &expected);
    let block = "config:\n  audit:  # all\n    enabled: true  # of it\n  httpPath: /one\n";
    fails(block, "audit/enabled", None, EditError::OnlyValue);
    becomes(block, "audit", None, "config:\n  httpPath: /one\n");
    let comment = block.replace("    enabled", "    # Why.\n    enabled");
    fails(&comment, "audit", None, EditError::Comment);
    let variable = block.replace("true", "${var:AUDIT}");
    fails(&variable, "audit/enabled", None, EditError::Reference);
    fails(&variable, "audit", None, EditError::Reference);
    let merged = "base: &base {level: 1}\nconfig:\n  audit:\n    <<: *base\n    enabled: true\n";
    fails(merged, "audit/enabled", None, EditError::Alias);
}

#[test]
fn text_with_other_ends_of_lines_keeps_them() {
    let windows = LAKE.replace('\n', "\r\n");
    becomes(
        &windows,
        "httpPath",
        json!("/two"),
        &windows.replace("/one", "/two"),
    );
    let expected = windows.replace("[1, \"2\"]", "[1]");
    becomes(&windows, "workspaceIds", json!(["1"]), &expected);
    let marked = format!("\u{feff}{}", LAKE.trim_end());
    becomes(
        &marked,
        "httpPath",
        json!("/two"),
        &marked.replace("/one", "/two"),
    );
}

#[test]
fn block_of_lines_stays_a_block() {
    let source = "config:\n  httpPath: |\n    one\n    two\n  catalog: immuta\n";
    let expected = source.replace("    one\n    two\n", "    three\n    four\n");
    becomes(source, "httpPath", json!("three\nfour\n"), &expected);
    let folded = "config:\n  httpPath: >-  # why\n    one\n    two\n  catalog: immuta\n";
    let expected = "config:\n  httpPath: >-  # why\n    three\n  catalog: immuta\n";
    becomes(folded, "httpPath", json!("three"), expected);
}

#[test]
fn edit_that_would_change_something_else_is_refused() {
    let shared = "config:\n  httpPath: &path /one\n  catalog: *path\n";
    fails(shared, "httpPath", json!("/two"), EditError::Shared);
    fails(shared, "catalog", json!("/two"), EditError::Alias);
    let merged = "base: &base {httpPath: /one}\nconfig:\n  <<: *base\n  catalog: immuta\n";
    let refused = edited(merged, "httpPath", json!("/two"));
    assert!(refused.is_err(), "{refused:?}");
    let variable = "config:\n  httpPath: ${var:PATH}\n";
    fails(variable, "httpPath", json!("/two"), EditError::Reference);
    let part = "config:\n  httpPath: /${var:PATH}/one\n";
    fails(part, "httpPath", json!("/two"), EditError::Reference);
}

#[test]
fn only_the_document_that_is_meant_changes() {
    let source = format!("{LAKE}---\n{LAKE}");
    let edit_of = Edit {
        path: AttributePath::from("httpPath"),
        to: Some(json!("/two")),
    };
    let expected = format!("{LAKE}---\n{}", LAKE.replace("/one", "/two"));
    assert_eq!(edit(&source, 1, &edit_of), Ok(expected));
    assert_eq!(document_at(&source, 2), Some(0));
}

/// A value that an attribute could have, and another one.
fn other(attribute: &Attribute) -> Option<Json> {
    Some(match attribute.shape {
        Shape::Text(_) | Shape::Enum(..) => json!("another: #1"),
        Shape::Bool => json!(false),
        Shape::Integer { .. } => json!(4711),
        Shape::TextList => json!(["a", "b c", "7"]),
        Shape::Object(_) | Shape::Opaque => return None,
    })
}

fn each(attributes: &'static [Attribute], around: &str, found: &mut Vec<(String, Json)>) {
    for attribute in attributes {
        let path = format!("{around}{}", attribute.name);
        if let Some(value) = other(attribute) {
            found.push((path.clone(), value));
        }
        each(attribute.children(), &format!("{path}/"), found);
    }
}

/// Sets every attribute of every example, and removes every one: only lines of that
/// attribute differ, and comments stay. `edit` itself compares all other values.
#[test]
fn every_edit_of_every_example_changes_its_own_lines_alone() {
    let mut edits = 0;
    for entry in std::fs::read_dir("integrations.d").unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let wire = source.lines().find_map(|line| line.strip_prefix("type: "));
        let wire = wire.unwrap().split("  ").next().unwrap().trim();
        let platform = PLATFORMS
            .iter()
            .copied()
            .find(|one| one.wire == wire)
            .unwrap();
        let mut values = Vec::new();
        each(platform.attributes, "", &mut values);
        for (path, value) in values {
            for to in [Some(value), None] {
                let is_set = to.is_some();
                let edit_of = Edit {
                    path: AttributePath::from(path.as_str()),
                    to,
                };
                let new = match edit(&source, 0, &edit_of) {
                    Ok(new) => new,
                    Err(EditError::Missing) => continue,
                    Err(error) => {
                        let is_expected = !is_set || error == EditError::Reference;
                        assert!(is_expected, "{wire} {path}: {error}");
                        continue;
                    }
                };
                edits += usize::from(new != source);
                let diff = similar::TextDiff::from_lines(source.as_str(), new.as_str());
                let changed: Vec<_> = diff
                    .iter_all_changes()
                    .filter(|change| change.tag() != similar::ChangeTag::Equal)
                    .collect();
                let most = if is_set { 6 } else { 3 };
                assert!(changed.len() <= most, "{wire} {path}: {new}");
                let comments = |text: &str| text.matches(" # ").count();
                let lost = comments(&source).saturating_sub(comments(&new));
                assert!(!is_set || lost == 0, "{wire} {path}: {new}");
            }
        }
    }
    assert!(edits > 70, "{edits} edits");
}
