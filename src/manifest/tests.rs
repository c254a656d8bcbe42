//! Loaded files and their diagnostics, with platforms that are invented for these tests.

use proptest::prelude::*;

use super::fake::PLATFORMS;
use super::*;
use crate::diagnostic::{Code, render};
use crate::value::Value;

const GOOD: &str = "\
type: Fake Cloud
autoBootstrap: true
config:
  host: a.example.com
  warehouse: W
  username: u
  password: ${env:P}
";

fn file(path: &str, content: &str) -> SourceFile {
    SourceFile {
        path: path.to_owned(),
        content: Ok(content.as_bytes().to_vec()),
    }
}

fn load_all(files: &[SourceFile]) -> Manifest {
    let host = ("HOST".to_owned(), "v.example.com".to_owned());
    let content = |file: &SourceFile| file.content.clone().unwrap_or_default();
    let is_used = |file: &SourceFile| String::from_utf8_lossy(&content(file)).contains("${var:");
    let variables: Variables = files
        .iter()
        .any(is_used)
        .then_some(host)
        .into_iter()
        .collect();
    load(files, &variables, PLATFORMS)
}

fn load_one(content: &str) -> Manifest {
    load_all(&[file("dir/one.yaml", content)])
}

/// The only integration of a text without a mistake.
#[track_caller]
fn good(content: &str) -> Integration {
    let mut manifest = load_one(content);
    assert_eq!(render(&manifest.diagnostics, false), "");
    assert!(!manifest.incomplete);
    manifest.integrations.pop().unwrap()
}

/// The codes of what is said about a text.
fn codes(content: &str) -> Vec<Code> {
    load_one(content)
        .diagnostics
        .iter()
        .map(|d| d.code)
        .collect()
}

/// `GOOD` with more lines below `config`.
fn with(lines: &str) -> String {
    format!("{GOOD}{lines}")
}

#[test]
fn a_payload_becomes_an_integration() {
    let integration = good(&with(
        "  port: 8443\n  audit: {enabled: false, level: high}\n  groups: [a, b]\n",
    ));
    assert_eq!(
        (integration.name.as_str(), integration.auto_bootstrap),
        ("one", Some(true))
    );
    assert_eq!(integration.origin.to_string(), "dir/one.yaml:1");
    insta::assert_debug_snapshot!(integration.config);
}

#[test]
fn options_are_read() {
    let integration = good(&with(
        "sync:
  name: other
  id: 12
  previously: [old, older]
  protect: true
  suspend: {reason: holiday, until: 2026-12-01}
  ignore: [{path: /audit/enabled, reason: set in the UI}]
  extra: {new: {list: [1, x, null]}}
",
    ));
    assert_eq!(integration.name, "other");
    insta::assert_debug_snapshot!(integration.options);
}

#[test]
fn json_is_read_like_yaml() {
    let json = "{\n\t\"type\": \"Bare\",\n\t\"sync\": {\n\t\t\"name\": \"x\"\n\t}\n}\n";
    let manifest = load_all(&[file("a.json", json)]);
    assert_eq!(render(&manifest.diagnostics, false), "");
    assert_eq!(manifest.integrations[0].name, "x");
}

#[test]
fn a_byte_order_mark_does_not_move_columns() {
    let manifest = load_one("\u{feff}type: Nope\r\n");
    assert_eq!(
        (
            manifest.diagnostics[0].place.line,
            manifest.diagnostics[0].place.column
        ),
        (1, 7)
    );
}

#[test]
fn variables_are_plain_and_allowed_anywhere() {
    let integration = good(&GOOD.replace("a.example.com", "${var:HOST}"));
    assert_eq!(
        integration.config.get("host"),
        Some(&Value::Text("v.example.com".into()))
    );
}

#[test]
fn a_one_time_attribute_takes_references_only_when_it_is_one() {
    let auto = GOOD.replace("username: u", "username: ${env:U}");
    assert_eq!(codes(&auto), []);
    let manual = auto.replace("autoBootstrap: true", "autoBootstrap: false");
    assert_eq!(codes(&manual), [Code::ReferenceNotAllowed]);
}

#[test]
fn a_one_time_attribute_without_a_reference_can_be_shown() {
    assert_eq!(
        good(GOOD).config.get("username"),
        Some(&Value::Text("u".into()))
    );
}

#[test]
fn an_opaque_attribute_is_secret_all_through() {
    let integration = good(&with("  options: {a: [x, 1, true], b: '${env:B}'}\n"));
    assert!(!format!("{:?}", integration.config).contains("\"x\""));
    let mut templates = 0;
    integration
        .config
        .get("options")
        .unwrap()
        .for_each_template(&mut |_| templates += 1);
    assert_eq!(templates, 2);
}

#[test]
fn what_a_condition_does_not_demand_can_be_left_out() {
    let key = GOOD.replace("  password: ${env:P}\n", "  authenticationType: key\n");
    assert_eq!(codes(&key), []);
    let manual = GOOD.replace("true", "false").replace("  username: u\n", "");
    assert_eq!(codes(&manual), []);
    assert_eq!(
        codes(&GOOD.replace("  username: u\n", "")),
        [Code::LikelyMissing]
    );
    assert_eq!(
        codes(&with("  audit: {level: low}\n")),
        [Code::MissingAttribute]
    );
}

#[test]
fn a_misspelt_attribute_is_not_missing_too() {
    assert_eq!(
        codes(&GOOD.replace("warehouse", "warehosue")),
        [Code::UnknownAttribute]
    );
    assert_eq!(
        codes(&GOOD.replace("autoBootstrap", "auto_bootstrap")),
        [Code::UnknownKey]
    );
}

#[test]
fn evidence_decides_what_a_rule_is() {
    let region = |value| codes(&with(&format!("  region: {value}\n")));
    assert_eq!(region("nowhere"), [Code::Format]);
    assert_eq!(region("eu-1"), []);
    assert_eq!(
        codes(&GOOD.replace("a.example.com", "a/b")),
        [Code::UnlikelyFormat]
    );
    assert_eq!(
        codes(&with("  audit: {enabled: true, level: loud}\n")),
        [Code::UnlikelyWord]
    );
    assert_eq!(
        codes(&with("  authenticationType: loud\n")),
        [Code::UnknownWord]
    );
}

#[test]
fn all_mistakes_of_all_files_are_gathered() {
    let manifest = load_all(&[
        file("b.yaml", "type: Bare\nx: 1\ny: 2\n"),
        file(
            "a.yaml",
            "type: Bare\n---\ntype: [\n---\ntype: Bare\nsync: {name: fine}\n",
        ),
    ]);
    let found: Vec<_> = manifest
        .diagnostics
        .iter()
        .map(|d| (d.place.file.as_str(), d.code))
        .collect();
    assert_eq!(
        found,
        [
            ("a.yaml", Code::NameNeeded),
            ("a.yaml", Code::Syntax),
            ("b.yaml", Code::UnknownKey),
            ("b.yaml", Code::UnknownKey)
        ]
    );
    assert_eq!(manifest.integrations.len(), 1);
    assert_eq!(manifest.invalid.len(), 3);
}

#[test]
fn the_name_and_type_of_a_broken_document_are_found() {
    let manifest = load_one("type: Lake\nsync:\n  name: mine\nconfig: [\n");
    assert_eq!(
        (
            manifest.invalid[0].name.as_str(),
            manifest.invalid[0].platform.map(|p| p.wire)
        ),
        ("mine", Some("Lake"))
    );
    let manifest = load_one("type: Lake\nconfig: 'x\nsync:\n  name: \"mine\" # and yours\n");
    assert_eq!(manifest.invalid[0].name, "mine");
}

#[test]
fn what_could_not_be_read_makes_the_manifest_incomplete() {
    assert!(load_one("a: [\n").incomplete);
    assert!(load_one("type: Bare\n---\ntype: Bare\nsync: {name: x}\n").incomplete);
    assert!(
        load_all(&[SourceFile {
            path: "x.yaml".into(),
            content: Err(FileProblem::NotAFile)
        }])
        .incomplete
    );
    assert!(!load_one("type: Bare\nnope: 1\n").incomplete);
    let many = "---\ntype: Bare\nsync: {name: x}\n".repeat(1100);
    assert!(load_one(&many).incomplete);
}

#[test]
fn a_clash_names_all_and_applies_none() {
    let same = |n: usize| file(&format!("{n}.yaml"), "type: Bare\nsync: {name: same}\n");
    let manifest = load_all(&(0..9).map(same).collect::<Vec<_>>());
    assert_eq!(
        (manifest.integrations.len(), manifest.invalid.len()),
        (0, 9)
    );
    assert_eq!(
        manifest.diagnostics[0].message,
        "9 documents have the name `same`"
    );
    assert_eq!(manifest.diagnostics[0].related.len(), 3);
}

#[test]
fn different_ids_distinguish_equal_identities() {
    let pinned = |path: &str, id: &str| {
        file(
            path,
            &with(&format!("sync: {{id: {id}}}\n")).replace("W\n", &format!("W{id}\n")),
        )
    };
    let clashes = |files: &[SourceFile]| -> Vec<Code> {
        load_all(files).diagnostics.iter().map(|d| d.code).collect()
    };
    assert_eq!(clashes(&[pinned("a.yaml", "1"), pinned("b.yaml", "2")]), []);
    let same = clashes(&[pinned("a.yaml", "1"), pinned("b.yaml", "1")]);
    assert_eq!(same, [Code::LikelyNotUnique, Code::SameId].repeat(2));
    let loose = file(
        "b.yaml",
        &GOOD
            .replace("a.example.com", "A.EXAMPLE.com.")
            .replace("W\n", "V\n"),
    );
    assert_eq!(
        clashes(&[pinned("a.yaml", "1"), loose]),
        [Code::SameIdentity; 2]
    );
}

#[test]
fn the_name_of_a_file_that_cannot_be_read_is_escaped() {
    let file = SourceFile {
        path: "dir/a\u{1b}[2Jb.yaml".to_owned(),
        content: Err(FileProblem::NotAFile),
    };
    assert_eq!(load_all(&[file]).invalid[0].name, "a\\u{1b}[2Jb");
}

#[test]
fn what_a_document_with_a_mistake_describes_is_left_to_it() {
    let copy = file("copy.yaml", GOOD);
    let mistaken = with("  pasword: x\n");
    let cut_short = format!("{GOOD}  groups: [x\n");
    for broken in [&mistaken, &cut_short] {
        let manifest = load_all(&[file("broken.yaml", broken), copy.clone()]);
        let copied = manifest
            .diagnostics
            .iter()
            .filter(|d| d.place.file == "copy.yaml");
        let codes: Vec<_> = copied.map(|d| d.code).collect();
        assert_eq!(codes, [Code::SameIdentity], "{broken}");
        assert_eq!(manifest.integrations, [], "{broken}");
    }
}

#[test]
fn one_identity_on_two_platforms_is_no_clash() {
    let manifest = load_all(&[
        file(
            "a.yaml",
            "type: Lake\nautoBootstrap: false\nconfig: {name: x, path: p}\n",
        ),
        file("b.yaml", &GOOD.replace("a.example.com", "x")),
    ]);
    assert_eq!(manifest.integrations.len(), 2);
}

#[test]
fn the_order_of_the_files_has_no_influence() {
    let mut files: Vec<_> = (0..300)
        .map(|n| {
            let content = match n % 5 {
                0 => "type: Bare\nx: 1\n".to_owned(),
                1 => "a: [".to_owned(),
                2 => GOOD.to_owned(),
                _ => format!("type: Bare\nsync: {{name: n{}}}\n", n % 7),
            };
            file(&format!("f{n}.yaml"), &content)
        })
        .collect();
    let show = |manifest: Manifest| format!("{manifest:?}");
    let forward = show(load_all(&files));
    files.reverse();
    assert_eq!(forward, show(load_all(&files)));
}

#[test]
fn a_document_with_very_many_mistakes_is_cut_short() {
    let text: String = (0..5000).map(|n| format!("k{n}: x\n")).collect();
    let manifest = load_one(&format!("type: Bare\n{text}"));
    assert_eq!(manifest.diagnostics.len(), 100);
    let rendered = render(&manifest.diagnostics, false);
    assert!(rendered.contains("errors and warnings not shown for this document: 4900"));
}

#[test]
fn two_marks_far_apart_in_one_line_are_shown_apart() {
    let text = format!("{{type: Bare, x: 1, {} x: 2}}\n", "y: [], ".repeat(900));
    let manifest = load_one(&text);
    let again = manifest
        .diagnostics
        .iter()
        .filter(|d| d.code == Code::DuplicateKey);
    assert!(again.count() > 90);
    assert!(render(&manifest.diagnostics, false).contains("first occurrence"));
}

#[test]
fn a_value_that_swallowed_other_lines_is_not_repeated() {
    for text in [
        "type: >-\n  config: hunter2\n",
        "type: Fake\n  hunter2\n",
        "type:\n  password:hunter2\n",
        "x: &x |\n  hunter2\ntype: *x\n",
    ] {
        let rendered = render(&load_one(text).diagnostics, false);
        assert!(
            rendered.contains("unknown type `…`") && !rendered.contains("hunter2"),
            "{rendered}"
        );
    }
}

/// Lines of which broken and whole documents can be made.
fn line() -> impl Strategy<Value = String> {
    let indent = prop::sample::select(vec!["", "  ", "    ", "- ", "\t"]);
    let key = prop::sample::select(vec![
        "type: ",
        "config:",
        "sync:",
        "password: ",
        "host: ",
        "extra: ",
        "nope: ",
        "options: ",
        "name: ",
        "port: ",
        "audit: ",
        "\"q\": ",
        "- ",
        "---",
        "# ",
        "<<: ",
        "? ",
        "",
    ]);
    let value = prop::sample::select(vec![
        "Fake Cloud",
        "HUNTER2 x",
        "'HUNTER2 x",
        "\"HUNTER2 x\"",
        "|",
        ">-",
        "{a: HUNTER2 x",
        "[HUNTER2 x, 1]",
        "${HUNTER2 x}",
        "${env:HUNTER2 x",
        "*a",
        "&a HUNTER2 x",
        "!t HUNTER2 x",
        "@HUNTER2 x",
        "443",
        "\\HUNTER2 x",
        "HUNTER2 x # HUNTER2 x",
        "",
    ]);
    (indent, key, value).prop_map(|(indent, key, value)| format!("{indent}{key}{value}\n"))
}

#[test]
fn a_word_over_several_lines_or_from_elsewhere_is_not_repeated() {
    let folded = [
        "type: >-\n  config:hunter2 x\n",
        "type:\n  Bare\n  hunter2\n",
    ];
    let word = GOOD.to_owned() + "  authenticationType: >-\n    hunter2\n";
    let alias = GOOD.replace("${env:P}", "&p hunter2") + "  authenticationType: *p\n";
    for text in folded.into_iter().chain([word.as_str(), alias.as_str()]) {
        let shown = render(&load_one(text).diagnostics, false);
        assert!(
            shown.contains("error") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}

/// The places in which a value is known to be harmless.
fn can_be_shown(line: &str) -> bool {
    ["type: ", "host: ", "name: ", "port: "]
        .iter()
        .any(|key| line.contains(key))
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let file = SourceFile { path: "x.yaml".into(), content: Ok(bytes) };
        let manifest = load_all(&[file]);
        prop_assert_eq!(render(&manifest.diagnostics, true).is_empty(), manifest.diagnostics.is_empty());
    }

    #[test]
    fn arbitrary_punctuation_never_panics(text in "[-a:{}\\[\\],&*!|>'\"%@`#?~<. \t\r\n\u{e9}\u{85}$]{0,60}") {
        let manifest = load_one(&text);
        prop_assert_eq!(render(&manifest.diagnostics, false).is_empty(), manifest.diagnostics.is_empty());
    }

    #[test]
    fn no_excerpt_of_arbitrary_lines_shows_a_secret(lines in prop::collection::vec(line(), 0..12)) {
        let harmful: Vec<String> = lines.into_iter().filter(|line| !(line.contains("HUNTER2") && can_be_shown(line))).collect();
        let manifest = load_one(&harmful.concat());
        let rendered = render(&manifest.diagnostics, false);
        prop_assert!(!rendered.contains("HUNTER2"), "{}\n{rendered}", harmful.concat());
    }
}
