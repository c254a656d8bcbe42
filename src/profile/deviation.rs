//! Differences between a profile and `docs/API.md`, with their consequences for integrationd.

use crate::live::IntegrationStatus;
use crate::platform::{AUTO_BOOTSTRAP, CONFIG, PayloadShape, Platform, Shape, by_wire};
use crate::simulator::{
    JsonKind, ProfiledAttribute, ProfiledConnections, ProfiledDefaults, ProfiledType, SecretForm,
    TenantProfile,
};

use super::reads::words;
use super::{DETAIL, STATUS, VALIDATION};

/// A difference between a tenant and the documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// The difference.
    pub what: String,
    /// True if integrationd does not work as documented because of it.
    pub matters: bool,
    /// The consequence.
    pub effect: &'static str,
}

impl Deviation {
    fn matters(what: impl Into<String>, effect: &'static str) -> Self {
        Self {
            what: what.into(),
            matters: true,
            effect,
        }
    }

    fn harmless(what: impl Into<String>, effect: &'static str) -> Self {
        Self {
            what: what.into(),
            matters: false,
            effect,
        }
    }
}

/// Everything in which this tenant is not as documented.
#[must_use]
pub fn deviations(profile: &TenantProfile) -> Vec<Deviation> {
    let mut found = Vec::new();
    of_the_tenant(profile, &mut found);
    for (name, one) in &profile.types {
        of_type(name, one, &mut found);
    }
    found
}

fn of_the_tenant(profile: &TenantProfile, found: &mut Vec<Deviation>) {
    let is_id = |kind: &JsonKind| matches!(kind, JsonKind::Number | JsonKind::String);
    if !profile.ids.iter().all(is_id) {
        found.push(Deviation::matters(
            "an `id` is neither a number nor a string",
            "an integration with such an id cannot be read, so no integration of its type is created or deleted",
        ));
    }
    match profile.connections {
        ProfiledConnections::Missing | ProfiledConnections::Listed => {}
        ProfiledConnections::Hidden => found.push(Deviation::matters(
            "the API key is not allowed to read connections",
            "integrationd does not know which integrations belong to a connection",
        )),
        ProfiledConnections::Unreadable => found.push(Deviation::matters(
            "the response to the search for connections is unusable",
            "existing integrations are not changed, unless `--connections none` is given",
        )),
    }
    match profile.defaults {
        ProfiledDefaults::FilledIn | ProfiledDefaults::Unknown => {}
        ProfiledDefaults::NotFilledIn => found.push(Deviation::harmless(
            "the server does not fill in default values",
            "a plan uses the documented defaults",
        )),
    }
    for (operation, forms) in &profile.unusable_responses {
        for form in forms {
            let what = format!(
                "the response to `{operation}` is {}",
                words(operation, *form)
            );
            found.push(Deviation::matters(what, effect_of_failure(operation)));
        }
    }
    for (operation, codes) in &profile.responses {
        let effect = effect_of_failure(operation);
        for code in codes.iter().filter(|code| **code != 200) {
            let what = format!("the response to `{operation}` has status {code}");
            found.push(Deviation::matters(what, effect));
        }
    }
}

fn effect_of_failure(operation: &str) -> &'static str {
    match operation {
        DETAIL => "updates and deletions fail because they read the integration first",
        STATUS => "the end of a write may go unnoticed",
        _ => "the tenant cannot be read",
    }
}

fn of_type(name: &str, one: &ProfiledType, found: &mut Vec<Deviation>) {
    let Some(platform) = by_wire(name) else {
        found.push(Deviation::harmless(
            format!("the type `{name}` is unknown"),
            "no file can describe such an integration, and integrationd never changes it",
        ));
        return;
    };
    for status in &one.statuses {
        if matches!(
            IntegrationStatus::from_wire(status),
            IntegrationStatus::Unknown(_)
        ) {
            found.push(Deviation::matters(
                format!("the status `{status}` of {name} is unknown"),
                "an integration is not changed while it has this status",
            ));
        }
    }
    of_members(name, platform, one, found);
    for (path, attribute) in &one.attributes {
        of_attribute(
            &format!("`{path}` of {name}"),
            platform,
            path,
            attribute,
            found,
        );
    }
}

/// The documented members that the list does not show.
fn of_members(
    name: &str,
    platform: &'static Platform,
    one: &ProfiledType,
    found: &mut Vec<Deviation>,
) {
    let is_missing = |member: &str| !one.attributes.get(member).is_some_and(|it| it.list);
    let missing = |member: &str| format!("`{member}` of {name} is missing from the list");
    if platform.payload != PayloadShape::TypeOnly {
        if is_missing(CONFIG) {
            let effect = "a plan shows every attribute as a difference";
            found.push(Deviation::matters(missing(CONFIG), effect));
        }
        if is_missing(AUTO_BOOTSTRAP) {
            let effect = "a plan does not compare it";
            found.push(Deviation::matters(missing(AUTO_BOOTSTRAP), effect));
        }
    }
    if is_missing(VALIDATION) {
        let effect = "failed validation tests are not shown";
        found.push(Deviation::harmless(missing(VALIDATION), effect));
    }
}

fn of_attribute(
    place: &str,
    platform: &'static Platform,
    path: &str,
    attribute: &ProfiledAttribute,
    found: &mut Vec<Deviation>,
) {
    let is_in_config = path.starts_with(&format!("{CONFIG}/"));
    if !attribute.known {
        found.push(of_unknown_attribute(place, is_in_config, attribute.changes));
        return;
    }
    // The key of a cluster is read for its snippet alone.
    let is_key = |key: &str| path.rsplit_once('/').is_some_and(|(_, name)| name == key);
    if platform.snippet.as_ref().is_some_and(|it| is_key(it.key)) {
        return;
    }
    let documented = kind_of(platform, path);
    let is_other = |kind: &&JsonKind| {
        **kind != JsonKind::Null && documented.is_some_and(|documented| documented != **kind)
    };
    if attribute.secret.contains(&SecretForm::OtherMask) {
        found.push(Deviation::harmless(
            format!("{place} is returned as an undocumented mask"),
            "integrationd recognizes the mask and does not send it back",
        ));
    }
    if attribute.secret.contains(&SecretForm::Shown) {
        found.push(Deviation::matters(
            format!("{place} is a stored secret, but the server returns it"),
            "everyone with access to integrations can read the secret; integrationd does not \
            show it",
        ));
    }
    if attribute.kinds.iter().any(|kind| is_other(&kind)) {
        let effect = if is_in_config {
            "a plan may show a difference that does not exist"
        } else {
            "the integration cannot be read, so no integration of its type is created or deleted"
        };
        let what = format!("the JSON type of {place} differs from the documented one");
        found.push(Deviation::matters(what, effect));
    }
    if is_in_config && !attribute.list {
        found.push(Deviation::matters(
            format!("{place} is returned for a single integration, but not in the list"),
            "a plan uses the list and may show a difference that does not exist",
        ));
    }
    if is_in_config && attribute.detail == Some(false) {
        found.push(Deviation::matters(
            format!("{place} is returned in the list, but not for a single integration"),
            "an update reads the single integration and may reset the attribute",
        ));
    }
    if is_in_config && attribute.changes {
        found.push(Deviation::matters(
            format!("{place} changes between two reads"),
            "every plan may show a change: add the attribute to `sync.ignore`",
        ));
    }
}

fn of_unknown_attribute(place: &str, is_in_config: bool, changes: bool) -> Deviation {
    let changes = if changes {
        " and changes between two reads"
    } else {
        ""
    };
    let effect = if is_in_config {
        "plans do not compare the attribute, and updates send it back unchanged"
    } else {
        "integrationd does not read the attribute"
    };
    let what = format!("{place} is unknown{changes}");
    Deviation::harmless(what, effect)
}

/// The documented kind of an attribute.
fn kind_of(platform: &'static Platform, path: &str) -> Option<JsonKind> {
    if path == AUTO_BOOTSTRAP {
        return Some(JsonKind::Boolean);
    }
    if path == CONFIG {
        return Some(JsonKind::Object);
    }
    let inner = path.strip_prefix(CONFIG)?.strip_prefix('/')?;
    match platform.attribute(inner)?.shape {
        Shape::Text(_) | Shape::Enum(..) => Some(JsonKind::String),
        Shape::Bool => Some(JsonKind::Boolean),
        Shape::Integer { .. } => Some(JsonKind::Number),
        Shape::Object(_) => Some(JsonKind::Object),
        Shape::TextList => Some(JsonKind::Array),
        Shape::Opaque => None,
    }
}
