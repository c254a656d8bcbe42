//! SARIF 2.1.0, for code scanning.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Document, Rendered};
use crate::diagnostic::{Code, Diagnostic, Location, Severity};
use crate::report::overview::Overview;
use crate::text::escaped_json;

pub(super) fn render(document: &impl Document) -> Rendered {
    let overview = document.overview();
    let log = overview.map_or(Json::Null, |it| log(&it));
    Rendered::of(escaped_json(&format!("{log:#}\n")).into_owned())
}

fn log(overview: &Overview<'_>) -> Json {
    let codes: BTreeMap<&str, Code> = overview
        .diagnostics
        .iter()
        .map(|diagnostic| (diagnostic.code.number(), diagnostic.code))
        .collect();
    let index = |code: &str| codes.keys().position(|known| *known == code);
    let rules: Vec<Json> = codes
        .iter()
        .map(|(id, code)| json!({ "id": id, "name": code.slug(), "shortDescription": { "text": code.explanation() } }))
        .collect();
    let results = overview.diagnostics.iter();
    let results: Vec<Json> = results
        .map(|it| result(it, index(it.code.number())))
        .collect();
    let notifications: Vec<Json> = overview
        .failure
        .iter()
        .map(|(what, help)| {
            json!({ "level": "error", "message": { "text": format!("{what}\nhelp: {help}") } })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "integrationd",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": overview.failure.is_none(),
                "exitCode": overview.exit as u8,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn result(diagnostic: &Diagnostic, rule: Option<usize>) -> Json {
    let mut text = diagnostic.message.clone();
    for help in &diagnostic.help {
        text.push_str("\nhelp: ");
        text.push_str(help);
    }
    let related = diagnostic.related.iter().enumerate().map(|(id, place)| {
        let mut location = location(place);
        location["id"] = json!(id);
        location["message"] = json!({ "text": place.label });
        location
    });
    json!({
        "ruleId": diagnostic.code.number(),
        "ruleIndex": rule,
        "level": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "message": { "text": text },
        "locations": [location(&diagnostic.place)],
        "relatedLocations": related.collect::<Vec<_>>(),
    })
}

fn location(place: &Location) -> Json {
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": super::uri(&place.file) },
        "region": { "startLine": place.line, "startColumn": place.column },
    } })
}
