//! The schema of the options for this tool.

use serde_json::{Map, Value as Json, json};

use super::{ANYTHING, COMPLETED, PLAIN, described};
use crate::manifest::options::{self, SyncKey};
use crate::platform::{Attribute, PayloadShape, Platform};

/// The schema of the options for this tool.
pub(super) fn sync(platform: &'static Platform) -> Json {
    let mut properties = Map::new();
    for option in SyncKey::ALL {
        if let Some(schema) = option_schema(*option, platform) {
            let schema = described(&schema, option.doc());
            properties.insert(option.key().to_owned(), schema);
        }
    }
    json!({
        "description": "Options for integrationd, never sent to Immuta.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

/// The schema of an option; `None` if the platform has no use for it.
fn option_schema(option: SyncKey, platform: &'static Platform) -> Option<Json> {
    let name = plain(options::NAME_PATTERN);
    let reason = plain(r"\S");
    Some(match option {
        SyncKey::Name => name,
        SyncKey::Id => json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, name] }),
        SyncKey::Previously => json!({ "type": "array", "items": name }),
        SyncKey::Protect => json!({ "type": "boolean" }),
        SyncKey::Suspend => {
            let properties = json!({
                "reason": described(&reason, "Reason for the suspension, shown in plans."),
                "until": described(&plain(UNTIL), UNTIL_DOC),
            });
            reasoned(&properties, &["reason"])
        }
        SyncKey::Ignore => {
            let item = json!({
                "path": described(&plain("^/."), PATH_DOC),
                "reason": described(&reason, "Reason why the difference does not count."),
            });
            json!({ "type": "array", "items": reasoned(&item, &["path", "reason"]) })
        }
        SyncKey::Extra => match platform.payload {
            PayloadShape::TypeOnly => return None,
            PayloadShape::Full | PayloadShape::ManualOnly => extra(platform.attributes),
        },
    })
}

const UNTIL_DOC: &str = "End of the suspension: a date, which counts to its end in UTC, or a time \
    with a time zone. Without it, the suspension has no end.";

const PATH_DOC: &str = "Path of the attribute, such as `/audit/enabled`. The path of an object \
    covers everything inside it.";

/// A date, or a time with a time zone.
const UNTIL: &str =
    r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9:.,]+(?:[Zz]|[+-][0-9:]+)?(?:\[.+\])?)?\s*$";

/// A string without references to secrets, of this pattern unless a variable completes it.
fn plain(pattern: &str) -> Json {
    json!({
        "allOf": [{ "$ref": PLAIN }],
        "anyOf": [{ "pattern": pattern }, { "pattern": COMPLETED }],
    })
}

/// An object with no other properties than these.
fn reasoned(properties: &Json, required: &[&str]) -> Json {
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "required": required,
    })
}

/// The schema of `sync.extra`: every attribute that the table does not have.
fn extra(attributes: &'static [Attribute]) -> Json {
    let known = attributes.iter().map(|attribute| {
        let inner = match attribute.children() {
            [] => Json::Bool(false),
            children => described(
                &extra(children),
                "Attributes inside this object that this version does not know, sent unchanged.",
            ),
        };
        (attribute.name.to_owned(), inner)
    });
    json!({
        "type": "object",
        "properties": known.collect::<Map<_, _>>(),
        "additionalProperties": { "$ref": ANYTHING },
    })
}
