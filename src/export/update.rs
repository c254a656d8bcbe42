//! Accepts drift: the live values of attributes that the server changed, in the text of the
//! file that describes them. Pure.
//!
//! Invariant: no value of an attribute that may hold a secret gets into the file, and the
//! shown difference has none either.

use serde::Serialize;
use serde_json::Value as Json;
use similar::TextDiff;

use super::value::typed;
use crate::ledger::Ledger;
use crate::live::{LiveIntegration, RemoteId, holds_secret, is_mask};
use crate::manifest::{Edit, EditError, Integration, Name, edit, without_secrets};
use crate::plan::{Change, ChangeKind, Differences, DisplayValue, differences};
use crate::platform::{AUTO_BOOTSTRAP, Attribute, AttributePath, CONFIG, Evidence, Need};
use crate::value::Value;

/// Lines around each change of the shown difference.
const CONTEXT: usize = 3;

/// An attribute that gets its live value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpdatedAttribute {
    /// The attribute.
    pub path: AttributePath,
    /// The value in the file.
    pub before: DisplayValue,
    /// The live value.
    pub after: DisplayValue,
}

/// An attribute that differs and keeps the value in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotUpdated {
    /// The attribute.
    pub path: AttributePath,
    /// The reason.
    pub reason: String,
}

/// New text of the file of one integration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileUpdate {
    /// The name of the integration.
    pub name: Name,
    /// The path of the file below the directory.
    pub file: String,
    /// The file, as shown to people.
    #[serde(skip)]
    pub shown: String,
    /// The id of the live integration.
    pub id: RemoteId,
    /// The attributes with a new value.
    pub updated: Vec<UpdatedAttribute>,
    /// The attributes that differ and could not be written.
    pub not_updated: Vec<NotUpdated>,
    /// The difference of the file, with secrets masked; empty without one.
    pub diff: String,
    /// The text of the whole file.
    #[serde(skip)]
    pub text: String,
}

/// Writes the live values of attributes that the server changed into the text of a file.
/// `document` is the position of the document in it, if that is known.
#[must_use]
pub fn accept_drift(
    integration: &Integration,
    found: &LiveIntegration,
    ledger: &Ledger,
    source: &str,
    document: Option<usize>,
) -> FileUpdate {
    let mut update = FileUpdate {
        name: integration.name.clone(),
        file: integration.origin.within.clone(),
        shown: integration.origin.file.clone(),
        id: found.id.clone(),
        updated: Vec::new(),
        not_updated: Vec::new(),
        diff: String::new(),
        text: source.to_owned(),
    };
    let known = differences(integration, found, ledger);
    for one in drifted(integration, found, &known) {
        let written = one.to.and_then(|to| {
            let document = document.ok_or("the file cannot be read")?;
            match edit(&update.text, document, &to_edit(&one.path, to)) {
                Err(EditError::OnlyValue) => {
                    without_parent(integration, &update.text, document, &one.path)
                }
                edited => edited.map_err(|error| error.to_string()),
            }
        });
        match written {
            Ok(text) => {
                update.text = text;
                update.updated.push(UpdatedAttribute {
                    path: one.path,
                    before: one.before,
                    after: one.after,
                });
            }
            Err(reason) => update.not_updated.push(NotUpdated {
                path: one.path,
                reason,
            }),
        }
    }
    update.diff = diff(source, &update.text, &update.shown);
    update
}

fn to_edit(path: &AttributePath, to: Option<Json>) -> Edit {
    Edit {
        path: path.clone(),
        to,
    }
}

/// Removes the object around an attribute that is alone in it, unless the object is required.
fn without_parent(
    integration: &Integration,
    text: &str,
    document: usize,
    path: &AttributePath,
) -> Result<String, String> {
    let Some(object) = path.around().last() else {
        return Err(format!(
            "`{path}` is the only attribute in `{CONFIG}`: edit the file by hand"
        ));
    };
    if is_required(integration, &object) {
        return Err(format!(
            "`{path}` is the only attribute in `{object}`, which is required: edit the file by hand"
        ));
    }
    match edit(text, document, &to_edit(&object, None)) {
        Err(EditError::OnlyValue) => without_parent(integration, text, document, &object),
        edited => edited.map_err(|error| error.to_string()),
    }
}

/// True if a file of this integration would be invalid without an attribute.
fn is_required(integration: &Integration, path: &AttributePath) -> bool {
    let platform = integration.platform;
    let word = |name: &str| integration.config.get(name).and_then(Value::as_text);
    let need = platform.attribute(path).map(|attribute| attribute.need);
    match need {
        Some(Need::Always(evidence)) => evidence == Evidence::Documented,
        Some(Need::When(conditions, evidence)) => {
            let auto = integration.auto_bootstrap;
            let mut conditions = conditions.iter();
            evidence == Evidence::Documented
                && conditions.all(|it| it.holds(platform, auto, |name| word(name)))
        }
        Some(Need::Optional) | None => false,
    }
}

/// An attribute whose live value is to be in the file.
struct Wanted {
    path: AttributePath,
    before: DisplayValue,
    after: DisplayValue,
    /// The value to write, `None` to remove it, or the reason why neither is possible.
    to: Result<Option<Json>, String>,
}

/// The attributes that the server changed. Without a record: all that differ.
fn drifted(
    integration: &Integration,
    found: &LiveIntegration,
    known: &Differences<'_>,
) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for change in &known.changes {
        let attribute = integration.platform.attribute(&change.path);
        // The last applied value of an unknown attribute is not recorded.
        let is_unknown = attribute.is_none() && change.path != *AUTO_BOOTSTRAP;
        let has_secret = has_secret(integration, found, &change.path);
        let is_conflict = match change.kind {
            ChangeKind::Drift => false,
            ChangeKind::Conflict => true,
            // The cause of a difference in a secret is not known here.
            ChangeKind::Change if known.applied.is_none() || is_unknown || has_secret => false,
            ChangeKind::Change | ChangeKind::Rotation | ChangeKind::Resend => continue,
        };
        if attribute.is_some_and(Attribute::is_sensitive) {
            continue;
        }
        let to = if is_unknown {
            Err(
                "this version does not know the attribute: edit `sync.extra` by hand if the \
                server changed it"
                    .to_owned(),
            )
        } else if is_conflict {
            Err("the file has also changed since it was last applied".to_owned())
        } else if has_secret {
            Err("the value contains a secret: edit the file by hand".to_owned())
        } else {
            live_value(change, attribute, found)
        };
        wanted.push(Wanted {
            path: change.path.clone(),
            before: change.after.clone(),
            after: change.before.clone(),
            to,
        });
    }
    wanted
}

/// True for a text with parameters of which one side contains a secret.
fn has_secret(integration: &Integration, found: &LiveIntegration, path: &AttributePath) -> bool {
    let in_file = || matches!(integration.config.at(path), Some(Value::Secret(_)));
    found.masked_texts.contains_key(path)
        || (integration.platform.has_parameters(path) && in_file())
}

/// The live value of a difference, in the type of the table.
fn live_value(
    change: &Change,
    attribute: Option<&'static Attribute>,
    found: &LiveIntegration,
) -> Result<Option<Json>, String> {
    let live = match &change.before {
        DisplayValue::Absent => return Ok(None),
        DisplayValue::Hidden => return Err("the server's value must not be shown".to_owned()),
        DisplayValue::Plain(live) => live,
    };
    if change.path == *AUTO_BOOTSTRAP {
        return Ok(found.auto_bootstrap.map(Json::from));
    }
    if holds_secret(live) || is_mask(live) {
        return Err("the server hides the value".to_owned());
    }
    let typed = attribute.and_then(|attribute| typed(attribute, live));
    typed
        .map(Some)
        .ok_or_else(|| "the server shows a value that is not allowed in a file".to_owned())
}

/// The difference of two texts, with secrets masked.
fn diff(before: &str, after: &str, shown: &str) -> String {
    if before == after {
        return String::new();
    }
    let (Some(before), Some(after)) = (without_secrets(before), without_secrets(after)) else {
        return String::new();
    };
    let diff = TextDiff::from_lines(&before, &after);
    let mut unified = diff.unified_diff();
    unified
        .context_radius(CONTEXT)
        .missing_newline_hint(false)
        .header(shown, shown)
        .to_string()
}
