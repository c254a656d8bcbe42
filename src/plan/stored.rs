//! Stored secrets that an update would drop without anyone knowing.
//!
//! An update replaces the whole configuration. A server that omits secrets from its responses may
//! store one that the file does not mention; the signs of the platform's table show where. Only the
//! record of our own last write excludes it: that write replaced the whole configuration, too.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Body;
use super::compare::to_json;
use crate::ledger::{Applied, Withheld};
use crate::live::LiveIntegration;
use crate::manifest::Integration;
use crate::platform::{
    Attribute, AttributePath, Class, TablePath, VisibleSign, every_attribute, value_at,
};
use crate::secret::MASK;

/// The stored secrets that the server may have and that this body would drop unseen. `last` is
/// the recorded state of the last apply.
///
/// A secret is dropped unseen if the body keeps a sign of it, without the secret.
pub(super) fn may_drop(
    integration: &Integration,
    body: &Body,
    live: &LiveIntegration,
    last: Option<&Applied>,
) -> Vec<AttributePath> {
    let shown = |path: TablePath<'static>| {
        let value = value_at(&live.config.0, path.keys());
        value.filter(|value| !value.is_null()).cloned()
    };
    let may_drop = |(path, secret): &(TablePath<'static>, &'static Attribute)| {
        // A value that the server shows, masked or not, needs no sign.
        if shown(*path).is_some() || integration.has_none_at(*path) {
            return false;
        }
        let key = path.to_path();
        // The plan shows the removal of a secret that was in the file.
        if last.is_some_and(|last| last.secrets.contains_key(&key)) {
            return false;
        }
        let sent = signs_in(body, *path, secret);
        let withheld = last.and_then(|last| last.withheld.get(&key));
        let signs = body.platform.stored_signs(*path, secret, &shown);
        let mut kept = signs
            .iter()
            .filter_map(|live| Some((live, sent.iter().find(|sent| sent.path == live.path)?)));
        kept.any(|(live, sent)| !is_excluded(withheld, live, sent))
    };
    not_sent(body)
        .filter(may_drop)
        .map(|(path, _)| path.to_path())
        .collect()
}

/// True if our last write excludes the secret of a sign: it sent the sign without the secret, and
/// the sign is still the same, or the update changes it.
fn is_excluded(withheld: Option<&Withheld>, live: &VisibleSign, sent: &VisibleSign) -> bool {
    let Some(withheld) = withheld else {
        return false;
    };
    withheld.get(&live.path) == Some(&live.value) || sent.value != live.value
}

/// The stored secrets that a write with this body leaves out although it sends signs of them: after
/// the write, the server has none of them.
pub(super) fn withheld(body: &Body) -> BTreeMap<AttributePath, Withheld> {
    let signs = |(path, secret): (TablePath<'static>, &'static Attribute)| {
        let signs = signs_in(body, path, secret).into_iter();
        let signs: Withheld = signs.map(|it| (it.path, it.value)).collect();
        (!signs.is_empty()).then(|| (path.to_path(), signs))
    };
    not_sent(body).filter_map(signs).collect()
}

/// The stored secrets with signs that a body does not send.
fn not_sent(body: &Body) -> impl Iterator<Item = (TablePath<'static>, &'static Attribute)> {
    let auto = body.auto_bootstrap.unwrap_or(false);
    every_attribute(body.platform.attributes)
        .filter(|(_, attribute)| !attribute.stored_with.is_empty())
        .filter(move |(_, attribute)| attribute.class_for(auto) == Class::Secret)
        .filter(|(path, _)| value_at(&body.config, path.keys()).is_none())
}

/// The signs of a secret that a body sends.
fn signs_in(body: &Body, path: TablePath<'static>, secret: &Attribute) -> Vec<VisibleSign> {
    let value_of = |path: TablePath<'static>| {
        let value = value_at(&body.config, path.keys())?;
        // A value that may not be shown is a value nevertheless.
        let value = to_json(value).unwrap_or_else(|| Json::from(MASK));
        (!value.is_null()).then_some(value)
    };
    body.platform.stored_signs(path, secret, &value_of)
}
