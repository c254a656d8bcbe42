//! Attributes that a body needs, and attributes that it no longer needs, by the conditions of a
//! table.

use serde_json::{Map, Value as Json};

use crate::ledger::Applied;
use crate::manifest::Integration;
use crate::platform::{Attribute, AttributePath, Class, Condition, Lack, Need, Platform};
use crate::value::Object;

/// Stored secrets that the platform needs with this configuration and that it does not hold,
/// unless the file or our last write says that there are none.
pub(super) fn needed_secrets(
    integration: &Integration,
    config: &Object,
    last: Option<&Applied>,
) -> Vec<AttributePath> {
    let (platform, auto_bootstrap) = (integration.platform, integration.auto_bootstrap);
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
        .filter(|a| a.lack != Some(Lack::Perhaps))
        .filter(|a| is_needed(a.need) && config.get(a.name).is_none())
        .filter(|a| !integration.without.contains(a.name))
        .filter(|a| last.is_none_or(|last| !last.withheld.contains_key(a.name)))
        .map(|a| a.name.into())
        .collect()
}

/// Attributes at the top level that belong to a different login from the one in the file, so
/// that an update drops them on purpose. `keeps` is true for an attribute that keeps the
/// server's value.
///
/// Attributes with a stored secret are dropped whenever the file names another login; others
/// only if this update replaces the server's login.
pub(super) fn replaced(
    platform: &'static Platform,
    auto_bootstrap: Option<bool>,
    file: &Object,
    live: &Map<String, Json>,
    keeps: impl Fn(&str) -> bool,
) -> Vec<&'static str> {
    let on_server = |name: &str| live.get(name).and_then(Json::as_str);
    let in_file = |name: &str| {
        file.get(name)
            .filter(|_| !keeps(name))
            .and_then(|v| v.as_text())
    };
    let afterwards = |name: &str| in_file(name).or_else(|| on_server(name));
    let is_replaced = |condition: &Condition| match condition {
        Condition::AutoBootstrap(_) => false,
        Condition::Is(..) => {
            condition.holds(platform, None, on_server)
                && !condition.holds(platform, None, afterwards)
        }
    };
    let names_another = |condition: &Condition| match *condition {
        Condition::AutoBootstrap(_) => false,
        Condition::Is(name, word) => in_file(name).is_some_and(|given| given != word),
    };
    let is_stored = |a: &Attribute| a.class_for(auto_bootstrap.unwrap_or(false)) == Class::Secret;
    let holds_stored = |a: &Attribute| is_stored(a) || a.children().iter().any(is_stored);
    platform
        .attributes
        .iter()
        .filter(|a| match a.need {
            Need::Optional | Need::Always(_) => false,
            Need::When(conditions, _) => {
                conditions.iter().any(is_replaced)
                    || (holds_stored(a) && conditions.iter().any(names_another))
            }
        })
        .map(|a| a.name)
        .collect()
}
