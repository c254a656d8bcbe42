//! Reports of GitLab: the counts that a merge request shows for a plan, and the code quality of
//! files.

use std::collections::HashMap;

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{Document, Rendered};
use crate::diagnostic::{Diagnostic, Severity};
use crate::text::escaped_json;

pub(super) fn render(document: &impl Document) -> Rendered {
    let overview = document.overview();
    let report = match overview.as_ref().map(|it| (it.writes, it.diagnostics)) {
        Some((Some(writes), _)) => json!(writes),
        Some((None, diagnostics)) => code_quality(diagnostics),
        None => json!([]),
    };
    Rendered::of(escaped_json(&format!("{report:#}\n")).into_owned())
}

/// An issue for each mistake. Two equal mistakes of one file have two fingerprints.
fn code_quality(diagnostics: &[Diagnostic]) -> Json {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let issues = diagnostics.iter().map(|diagnostic| {
        let (code, message) = (diagnostic.code.number(), &diagnostic.message);
        let path = super::relative(&diagnostic.place.file);
        let same = seen
            .entry(format!("{code}\0{path}\0{message}"))
            .or_default();
        *same += 1;
        let fingerprint = Sha256::digest(format!("{code}\0{path}\0{message}\0{same}"));
        json!({
            "description": format!("{code}: {message}"),
            "check_name": code,
            "fingerprint": hex::encode(fingerprint),
            "severity": match diagnostic.severity {
                Severity::Error => "critical",
                Severity::Warning => "minor",
            },
            "location": { "path": path, "lines": { "begin": diagnostic.place.line } },
        })
    });
    Json::Array(issues.collect())
}
