//! Every platform alike: what its table lists is loaded, sent, compared and repaired.

use std::collections::BTreeSet;

use integrationd::platform::{Attribute, PLATFORMS, PayloadShape, Platform};
use integrationd::simulator::Simulator;
use serde_json::Value;

use crate::common::{SECRETS, example, examples};
use crate::in_process::{Run, write_lines};
use crate::payload::{
    Case, every_case, fill_in, login_attribute, put, sent, stored, texts_of, value,
};
use crate::texts::Texts;

/// An example file.
struct Example {
    platform: &'static Platform,
    name: String,
    text: String,
}

/// Every example, whatever their number.
fn every_example() -> Vec<Example> {
    let entries = std::fs::read_dir(examples()).unwrap();
    let example = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = example(&name);
        let word = parsed(&text)["type"].clone();
        let platform = PLATFORMS.iter().find(|platform| word == platform.wire);
        Example {
            platform: platform.unwrap(),
            name,
            text,
        }
    };
    entries.map(example).collect()
}

/// YAML as a common parser reads it.
fn parsed(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// Payload that a file should send: everything but `sync`, with the values of references.
fn payload_of(text: &str) -> Value {
    let mut payload = parsed(text);
    payload.as_object_mut().unwrap().shift_remove("sync");
    fill(&mut payload);
    payload
}

fn fill(value: &mut Value) {
    match value {
        Value::Object(object) => object.values_mut().for_each(fill),
        Value::Array(items) => items.iter_mut().for_each(fill),
        Value::String(text) => {
            for (name, secret) in SECRETS {
                *text = text.replace(&format!("${{env:{name}}}"), secret);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn texts(name: &str, text: &str) -> Texts {
    Texts::none()
        .file(name, text)
        .secrets(SECRETS.iter().copied())
}

#[track_caller]
fn id_of(stored: &Value) -> u64 {
    stored["id"].as_str().unwrap().parse().unwrap()
}

#[test]
fn every_platform_has_an_example_without_a_mistake() {
    let examples = every_example();
    for platform in PLATFORMS {
        let is_its = |example: &Example| example.platform.wire == platform.wire;
        assert!(examples.iter().any(is_its), "{}", platform.wire);
    }
    for Example { name, text, .. } in examples {
        assert_eq!(texts(&name, &text).diagnostics(), "", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn example_is_created_with_its_exact_body_and_plan_is_empty() {
    for Example {
        platform,
        name,
        text,
    } in every_example()
    {
        let (files, simulator) = (texts(&name, &text), Simulator::default());
        let first = Run::of(&files, &simulator).sync().await;
        assert!(first.is_proved(), "{}", first.shown());
        sent(
            &simulator,
            "POST /integrations",
            &payload_of(&text),
            platform.wire,
        );
        assert_eq!(stored(&simulator)["status"], "enabled");

        simulator.clear_log();
        let second = Run::of(&files, &simulator).sync().await;
        assert!(second.is_in_sync(), "{}", second.shown());
        assert_eq!(write_lines(&simulator), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_of_an_example_carries_the_defaults_of_the_server() {
    for example in every_example() {
        let Some(comparable) = comparable_of(&example) else {
            continue;
        };
        let Example {
            platform,
            name,
            text,
        } = example;
        let is_fixed = |path: &str| platform.attribute(path).is_some_and(|a| a.is_fixed);
        for (path, changed) in comparable {
            // A change of it is no update.
            if is_fixed(&path) {
                continue;
            }
            let (files, simulator) = (texts(&name, &text), Simulator::default());
            Run::of(&files, &simulator).sync().await;
            let before = stored(&simulator);
            simulator.clear_log();

            let mut payload = parsed(&text);
            put(&mut payload, &path, changed.clone());
            let files = files.file(&name, payload.to_string());
            let ran = Run::of(&files, &simulator).sync().await;
            assert!(ran.is_proved(), "{path}: {}", ran.shown());
            let line = format!("PUT /integrations/{}", id_of(&before));
            let mut body = payload_of(&payload.to_string());
            let defaults = before["config"].as_object().unwrap();
            fill_in(&mut body["config"], defaults);
            sent(&simulator, &line, &body, &path);
        }
    }
}

/// Changeable attributes of an example, with another value for each.
fn comparable_of(example: &Example) -> Option<Vec<(String, Value)>> {
    let platform = example.platform;
    if platform.payload == PayloadShape::TypeOnly {
        return None;
    }
    let file = parsed(&example.text);
    let login = login_attribute(platform).and_then(|(login, words)| {
        let word = file["config"][login.name].as_str()?;
        words.iter().copied().find(|own| *own == word)
    });
    let case = Case {
        platform,
        auto: file["autoBootstrap"].as_bool(),
        login,
    };
    let given = |path: &str| file.pointer(&format!("/config/{path}")).cloned();
    let changed = case.comparable().into_iter().filter_map(|(path, a)| {
        let other = [1, 2].map(|number| value(a, number));
        let old = given(&path)?;
        let new = other.into_iter().find(|new| *new != old)?;
        Some((path, new))
    });
    // Only the credential distinguishes two of them: updates need an id.
    platform.pairs_with_certainty().then(|| changed.collect())
}

#[tokio::test(start_paused = true)]
async fn a_payload_with_every_attribute_passes_unchanged() {
    for case in every_case() {
        let payload = case.payload();
        let files = texts_of(case.platform, &payload);
        let context = format!("{case:?}\n{payload:#}");
        assert_eq!(files.diagnostics(), "", "{context}");
        let simulator = Simulator::default();
        let ran = Run::of(&files, &simulator).sync().await;
        assert!(ran.is_proved(), "{context}\n{}", ran.shown());
        sent(&simulator, "POST /integrations", &payload, &context);
    }
}

/// Every attribute that is documented, inferred or recalled for a type, by
/// hand: the tables are held against something that was not made from them.
const KNOWN: &[(&str, &str)] = &[
    (
        "Native S3",
        "name awsAccountId awsRegion awsLocationRole awsLocationPath awsRoleToAssume \
         authenticationType awsAccessKeyId awsSecretAccessKey port",
    ),
    (
        "Azure Synapse Analytics",
        "host database schema username password port impersonation impersonation/enabled \
         impersonation/role metadataDelimiters metadataDelimiters/hashDelimiter \
         metadataDelimiters/hashKeyDelimiter metadataDelimiters/arrayDelimiter \
         authenticationType oAuthClientConfig",
    ),
    (
        "Databricks",
        "workspaceUrl httpPath authenticationType token oAuthClientConfig \
         oAuthClientConfig/useCertificate oAuthClientConfig/clientId \
         oAuthClientConfig/clientSecret oAuthClientConfig/scope oAuthClientConfig/authorityUrl \
         catalog audit audit/enabled groupPattern groupPattern/deny port workspaceIds \
         proxyOptions proxyOptions/host proxyOptions/port proxyOptions/username \
         proxyOptions/password",
    ),
    (
        "Google BigQuery",
        "role datasetSuffix dataset location credential port",
    ),
    (
        "Redshift",
        "host database initialDatabase authenticationType username password databaseUser \
         accessKeyId secretKey sessionToken okta okta/username okta/password okta/idpHost \
         okta/appId okta/role port impersonation impersonation/enabled impersonation/role \
         connectArgs",
    ),
    (
        "Snowflake",
        "host warehouse database authenticationType username password privateKey \
         privateKey/keyName privateKey/userFilename privateKey/content privateKeyPassword role \
         oAuthClientConfig oAuthClientConfig/provider oAuthClientConfig/clientId \
         oAuthClientConfig/clientSecret oAuthClientConfig/useCertificate \
         oAuthClientConfig/authorityUrl oAuthClientConfig/scope port audit audit/enabled \
         workspaces workspaces/enabled workspaces/warehouses impersonation impersonation/enabled \
         impersonation/role lineage lineage/enabled lineage/lineageConfig \
         lineage/lineageConfig/tableFilter lineage/lineageConfig/tagFilter \
         lineage/lineageConfig/ingestBatchSize userRolePattern userRolePattern/exclude \
         connectArgs",
    ),
    ("Trino", ""),
];

#[test]
fn every_known_attribute_is_in_some_payload_and_no_other_is() {
    let known: BTreeSet<(&str, String)> = KNOWN
        .iter()
        .flat_map(|(wire, paths)| {
            paths
                .split_whitespace()
                .map(|path| (*wire, path.to_owned()))
        })
        .collect();
    let mut made = BTreeSet::new();
    for case in every_case() {
        for attribute in paths_below(case.platform.attributes, "", &case.payload()["config"]) {
            made.insert((case.platform.wire, attribute));
        }
    }
    assert_eq!(made, known);
    assert_eq!(KNOWN.len(), PLATFORMS.len());
}

/// The paths of a payload, as far as the table knows objects.
fn paths_below(attributes: &[Attribute], prefix: &str, config: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    for (key, value) in config.as_object().into_iter().flatten() {
        let path = format!("{prefix}{key}");
        let attribute = attributes.iter().find(|a| a.name == key).unwrap();
        if !attribute.children().is_empty() {
            let inner = paths_below(attribute.children(), &format!("{path}/"), value);
            paths.extend(inner);
        }
        paths.push(path);
    }
    paths
}

#[test]
fn missing_required_attribute_alone_is_reported() {
    for case in every_case() {
        let whole = case.payload();
        for attribute in case.platform.attributes {
            let mut payload = whole.clone();
            let config = payload["config"].as_object_mut().unwrap();
            let was_given = config.shift_remove(attribute.name).is_some();
            let told = texts_of(case.platform, &payload).diagnostics();
            let wanted = was_given && case.needs(attribute);
            let is_login = login_attribute(case.platform)
                .is_some_and(|(login, _)| login.name == attribute.name);
            // Without the word, the needs are those of another login.
            if !is_login || wanted {
                let names_it = told.contains(&format!("`{}`", attribute.name));
                assert_eq!(names_it, wanted, "{case:?} {}\n{told}", attribute.name);
            }
        }
    }
}
