//! What a body needs, and what it needs no more, by the conditions of a table.

use serde_json::{Map, Value as Json};

use crate::platform::{Class, Condition, Need, Platform};
use crate::value::Object;

/// Stored secrets that the platform needs with this configuration and that it does not hold.
pub(super) fn needed_secrets(
    platform: &'static Platform,
    auto_bootstrap: Option<bool>,
    config: &Object,
) -> Vec<String> {
    let holds = |condition: &Condition| {
        condition.holds(platform, auto_bootstrap, |name| config.get(name)?.as_text())
    };
    let is_needed = |need: Need| match need {
        Need::Optional => false,
        Need::Always(_) => true,
        Need::When(conditions, _) => conditions.iter().all(holds),
    };
    platform
        .attributes
        .iter()
        .filter(|a| a.class_for(auto_bootstrap.unwrap_or(false)) == Class::Secret)
        .filter(|a| is_needed(a.need) && config.get(a.name).is_none())
        .map(|a| a.name.to_owned())
        .collect()
}

/// The attributes at the top that were needed because of a word on the server,
/// such as that of a login, and that are not needed with the file's word.
/// `keeps` tells where the word of the server stays.
pub(super) fn superseded(
    platform: &'static Platform,
    file: &Object,
    live: &Map<String, Json>,
    keeps: impl Fn(&str) -> bool,
) -> Vec<&'static str> {
    let on_server = |name: &str| live.get(name).and_then(Json::as_str);
    let afterwards = |name: &str| match file.get(name) {
        Some(value) if !keeps(name) => value.as_text(),
        Some(_) | None => on_server(name),
    };
    let is_replaced = |condition: &Condition| match condition {
        Condition::AutoBootstrap(_) => false,
        Condition::Is(..) => {
            condition.holds(platform, None, on_server)
                && !condition.holds(platform, None, afterwards)
        }
    };
    platform
        .attributes
        .iter()
        .filter(|a| match a.need {
            Need::When(conditions, _) => conditions.iter().any(is_replaced),
            Need::Optional | Need::Always(_) => false,
        })
        .map(|a| a.name)
        .collect()
}
