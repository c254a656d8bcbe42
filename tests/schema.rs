//! The JSON Schema of integration files gives the verdict of `validate`.
//!
//! An independent validator reads the schema, and an independent parser the files. What
//! the schema rejects, `validate` rejects. What `validate` rejects, the schema rejects
//! unless a document alone, as JSON, cannot show it.

use std::path::Path;

use integrationd::diagnostic::{Code, Diagnostic};
use integrationd::manifest::{SourceFile, Variables, load, schema};
use integrationd::platform::{Attribute, PLATFORMS};
use integrationd::source::read_directory;
use jsonschema::Validator;
use serde_json::{Value as Json, json};

use crate::common::{Integrationd, examples};

/// Mistakes that the schema cannot state. E01, the syntax of YAML and files, and E05,
/// several documents, are not listed.
const UNSTATED: &[(Code, &str)] = &[
    (Code::NameNeeded, "several documents in a file"),
    (Code::InvalidName, "the name of a file"),
    (Code::Mask, "the forms of masks"),
    (Code::MalformedReference, "the address of a provider"),
    (Code::UnknownVariable, "variables of the settings"),
    (Code::UnboundReference, "bindings of the settings"),
    (Code::OwnCredential, "credentials of the settings"),
];

fn validator() -> Validator {
    let schema = schema(PLATFORMS);
    let meta = jsonschema::meta::validate(&schema);
    assert!(meta.is_ok(), "{meta:?}");
    jsonschema::validator_for(&schema).unwrap()
}

/// The errors that `validate` reports for a file.
fn errors(text: &str) -> Vec<Diagnostic> {
    let file = SourceFile {
        path: "file.yaml".to_owned(),
        content: Ok(text.as_bytes().to_vec()),
    };
    let vars = Variables::from_iter([("REGION".to_owned(), "us-east-1".to_owned())]);
    let manifest = load(&[file], &vars, PLATFORMS);
    let all = manifest.diagnostics.into_iter();
    all.filter(|d| d.code.number().starts_with('E')).collect()
}

fn is_unstated(code: Code) -> bool {
    let number = code.number();
    let listed = UNSTATED.iter().any(|(unstated, _)| *unstated == code);
    listed || number.starts_with("E01") || number.starts_with("E05")
}

/// Compares the verdicts on a file of these documents.
#[track_caller]
fn compare(validator: &Validator, text: &str, documents: &[Json]) {
    let errors = errors(text);
    let rejected = documents
        .iter()
        .find_map(|document| validator.validate(document).err());
    let rejected = rejected.map(|error| format!("{} at {}", error, error.instance_path()));
    if let Some(why) = &rejected {
        assert!(
            !errors.is_empty(),
            "only the schema rejects this: {why}\n{text}"
        );
    }
    // The schema does not know what a variable is.
    let stated = errors.iter().find(|error| !is_unstated(error.code));
    if let Some(error) = stated.filter(|_| !text.contains("${var:")) {
        let (code, message) = (error.code, &error.message);
        assert!(
            rejected.is_some(),
            "only `validate` rejects this: {code} {message}\n{text}"
        );
    }
}

/// The properties without a description, as pointers. Conditions describe nothing.
fn undescribed(schema: &Json, at: &str, found: &mut Vec<String>) {
    let Json::Object(object) = schema else {
        if let Json::Array(items) = schema {
            for (index, item) in items.iter().enumerate() {
                undescribed(item, &format!("{at}/{index}"), found);
            }
        }
        return;
    };
    for (key, value) in object {
        let at = format!("{at}/{key}");
        if let ("properties", Json::Object(properties)) = (key.as_str(), value) {
            for (name, property) in properties {
                let at = format!("{at}/{name}");
                let description = property["description"].as_str().unwrap_or_default();
                let is_allowed = *property != Json::Bool(false);
                if is_allowed && description.trim().is_empty() {
                    found.push(at.clone());
                }
                undescribed(property, &at, found);
            }
        } else if !["if", "then", "else", "not"].contains(&key.as_str()) {
            undescribed(value, &at, found);
        }
    }
}

#[test]
fn every_property_has_a_description() {
    let mut found = Vec::new();
    undescribed(&schema(PLATFORMS), "", &mut found);
    assert_eq!(found, [""; 0]);
}

#[test]
fn examples_match_the_schema() {
    let validator = validator();
    let mut count = 0;
    for file in read_directory(&examples()).unwrap().files {
        let text = String::from_utf8(file.content.unwrap()).unwrap();
        for document in serde_yaml::from_multiple::<Json>(&text).unwrap() {
            let result = validator.validate(&document);
            assert!(result.is_ok(), "{}: {result:?}", file.path);
            count += 1;
        }
    }
    assert!(count >= PLATFORMS.len(), "{count} examples");
}

#[test]
fn broken_files_of_every_diagnostic_get_one_verdict() {
    let validator = validator();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/diagnostics");
    let mut rejected = 0;
    for code in Code::ALL {
        let directory = root.join(format!("{code}-{}", code.slug()));
        let Ok(found) = read_directory(&directory) else {
            continue;
        };
        for file in found.files {
            let Some(text) = file
                .content
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
            else {
                continue;
            };
            // What an independent parser cannot read is a mistake of syntax.
            if let Ok(documents) = serde_yaml::from_multiple::<Json>(&text) {
                compare(&validator, &text, &documents);
                rejected += usize::from(!documents.iter().all(|d| validator.is_valid(d)));
            }
        }
    }
    assert!(rejected > 20, "{rejected} files are rejected by the schema");
}

/// The documents that the examples turn into with one value changed.
fn mutations() -> Vec<Json> {
    let mut all = Vec::new();
    for file in read_directory(&examples()).unwrap().files {
        let text = String::from_utf8(file.content.unwrap()).unwrap();
        for document in serde_yaml::from_multiple::<Json>(&text).unwrap() {
            let wire = document["type"].as_str().unwrap();
            let platform = PLATFORMS
                .iter()
                .find(|platform| platform.wire == wire)
                .unwrap();
            let mut paths: Vec<String> = ["", "/type", "/autoBootstrap", "/config", "/sync"]
                .map(str::to_owned)
                .to_vec();
            paths.extend(known("/config", platform.attributes));
            let options = [
                "name",
                "id",
                "previously",
                "protect",
                "suspend",
                "ignore",
                "extra",
                "other",
            ];
            paths.extend(options.map(|key| format!("/sync/{key}")));
            paths.extend(
                [
                    "/other",
                    "/config/other",
                    "/sync/extra/other",
                    "/sync/extra/host",
                ]
                .map(str::to_owned),
            );
            all.extend(paths.iter().flat_map(|path| changed(&document, path)));
        }
    }
    all
}

/// The paths of all attributes below a place.
fn known(prefix: &str, attributes: &[Attribute]) -> Vec<String> {
    let paths = attributes.iter().flat_map(|attribute| {
        let path = format!("{prefix}/{}", attribute.name);
        let inner = known(&path, attribute.children());
        std::iter::once(path).chain(inner)
    });
    paths.collect()
}

/// A document without the value at a path, and with other values there.
fn changed(document: &Json, path: &str) -> Vec<Json> {
    let values = [
        Json::Null,
        json!(true),
        json!(false),
        json!(7),
        json!(70_000),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("word"),
        json!("_word"),
        json!("ab cd/é"),
        json!("accessKey"),
        json!("userPassword"),
        json!("oAuthM2M"),
        json!("${env:NAME}"),
        json!("${var:REGION}"),
        json!("a$${env:B} $ {"),
        json!("${env:NAME"),
        json!("${nothing:NAME}"),
        json!([]),
        json!(["word", "${env:NAME}"]),
        json!([1]),
        json!({}),
        json!({ "other": 1 }),
        json!({ "reason": "why", "until": "2026-12-01" }),
        json!({ "reason": " " }),
        json!([{ "path": "/port", "reason": "why" }]),
        json!([{ "path": "port", "reason": "why" }]),
    ];
    let mut all: Vec<Json> = values
        .into_iter()
        .filter_map(|value| with(document, path, Some(value)))
        .collect();
    all.extend(with(document, path, None));
    all
}

/// A document with another value at a path, or with none.
fn with(document: &Json, path: &str, value: Option<Json>) -> Option<Json> {
    let mut document = document.clone();
    let Some((parent, key)) = path.rsplit_once('/') else {
        return value;
    };
    let mut place = &mut document;
    for key in parent.split('/').skip(1) {
        place = place
            .as_object_mut()?
            .entry(key)
            .or_insert_with(|| json!({}));
    }
    let place = place.as_object_mut()?;
    match value {
        Some(value) => place.insert(key.to_owned(), value),
        None => place.shift_remove(key),
    };
    Some(document)
}

#[test]
fn every_change_of_an_example_gets_one_verdict() {
    let validator = validator();
    let mutations = mutations();
    assert!(mutations.len() > 3_000, "{}", mutations.len());
    for document in mutations {
        // JSON is YAML.
        let text = format!("{document:#}\n");
        compare(&validator, &text, &[document]);
    }
}

#[test]
fn schema_of_a_type_is_found_in_any_case() {
    let out = Integrationd::new(["schema", "NATIVE s3"])
        .run()
        .exits_with(0);
    let schema: Json = serde_json::from_str(&out.stdout).unwrap();
    assert_eq!(schema["properties"]["type"]["enum"], json!(["Native S3"]));
    let out = Integrationd::new(["schema", "S3"]).run().exits_with(64);
    assert!(
        out.stderr.contains("did you mean `Native S3`?"),
        "{}",
        out.stderr
    );
}

#[test]
fn first_line_of_every_example_leads_to_the_schema() {
    let entries = std::fs::read_dir(examples()).unwrap();
    let paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(paths.len() >= 7, "{paths:?}");
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().next().unwrap();
        let schema = line
            .strip_prefix("# yaml-language-server: $schema=")
            .unwrap();
        let schema = std::fs::read_to_string(examples().join(schema)).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        assert_eq!(
            schema["$schema"], "https://json-schema.org/draft/2020-12/schema",
            "{path:?}"
        );
    }
}
