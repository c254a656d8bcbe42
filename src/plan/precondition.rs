//! Conditions that must still hold just before a write.
//!
//! Time passes between the plan and the write: an operator reads the plan, other integrations
//! come first. A write whose precondition no longer holds is not sent, because it would not do
//! what was shown.
//!
//! The comparison covers the inputs of the plan: the type, `autoBootstrap`, a settled status,
//! the identity, and the attributes that the file gives, that were last applied, or that the
//! plan shows. It does not cover anything else, known or not: that may change with every read,
//! and the list may show less of it than the integration itself. An update keeps its value just
//! before the write, and the bindings are checked for that body.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::compare::default_json;
use super::diff::Difference;
use super::history::{AUTO_BOOTSTRAP, DiffContext, OnDrift};
use super::pairing::{PairingKey, found_key};
use super::{Body, Change};
use crate::ledger::Applied;
use crate::live::{IntegrationStatus, Live, LiveIntegration, RemoteId, StatusPhase};
use crate::manifest::Integration;
use crate::platform::{
    Attribute, AttributePath, Class, CredentialTarget, Platform, every_attribute, find_attribute,
    value_at, walk,
};
use crate::secret::Template;
use crate::value::{Object, Value};

/// A list of the tenant's integrations, indexed by what pairs them with files.
#[derive(Debug)]
pub struct Listed {
    live: Live,
    by_key: HashMap<PairingKey, Vec<usize>>,
}

impl Listed {
    /// Indexes a list.
    #[must_use]
    pub fn new(live: Live) -> Self {
        let mut by_key: HashMap<PairingKey, Vec<usize>> = HashMap::new();
        for (position, found) in live.integrations.iter().enumerate() {
            if let Some(platform) = found
                .platform
                .filter(|_| found.status.phase() != StatusPhase::Absent)
            {
                by_key
                    .entry((platform.wire, found_key(platform, found)))
                    .or_default()
                    .push(position);
            }
        }
        Self { live, by_key }
    }

    /// True if the list shows this id.
    #[must_use]
    pub fn has(&self, id: &RemoteId) -> bool {
        self.live.integrations.iter().any(|found| found.id == *id)
    }

    fn with_key(&self, key: &PairingKey) -> impl Iterator<Item = &LiveIntegration> {
        self.by_key
            .get(key)
            .into_iter()
            .flatten()
            .filter_map(|at| self.live.integrations.get(*at))
    }
}

/// For a create: no integration has appeared that could be this one.
#[derive(Debug, Clone)]
pub struct AbsencePrecondition {
    platform: &'static Platform,
    key: Option<String>,
    /// The ids that the list showed when the plan was made: none of them is this one.
    listed: Arc<HashSet<RemoteId>>,
}

impl AbsencePrecondition {
    pub(super) fn new(integration: &Integration, listed: Arc<HashSet<RemoteId>>) -> Self {
        Self {
            platform: integration.platform,
            key: integration.pairing_key(),
            listed,
        }
    }

    /// True if integrations of its platform can be updated.
    #[must_use]
    pub fn can_be_updated(&self) -> bool {
        self.platform.can_be_updated()
    }

    /// True if the list showed this id when the plan was made.
    #[must_use]
    pub fn had(&self, id: &RemoteId) -> bool {
        self.listed.contains(id)
    }

    /// The ids that the list showed when the plan was made.
    pub fn listed(&self) -> impl Iterator<Item = &RemoteId> {
        self.listed.iter()
    }

    /// Integrations that did not exist when the plan was made and could be
    /// this one, or one whose identity cannot be read. A create is safe while there are none; after a lost response, a single one is the result.
    ///
    /// # Errors
    /// The reason why the list does not show it.
    pub fn newcomers<'l>(&self, listed: &'l Listed) -> Result<Vec<&'l LiveIntegration>, String> {
        if let Some(unreadable) = listed.live.unreadable_for(self.platform) {
            return Err(unreadable.reason.clone());
        }
        let unidentified = self.key.as_ref().map(|_| (self.platform.wire, None));
        Ok([Some((self.platform.wire, self.key.clone())), unidentified]
            .iter()
            .flatten()
            .flat_map(|key| listed.with_key(key))
            .filter(|found| !self.listed.contains(&found.id))
            .collect())
    }
}

/// For a write of what exists: the live integration is as it was when the plan was made.
#[derive(Clone, PartialEq)]
pub struct StatePrecondition {
    type_name: String,
    auto_bootstrap: Option<bool>,
    /// The paths of the attributes that are compared, besides the identity.
    used: BTreeSet<AttributePath>,
    /// Those attributes, as they were.
    config: Compared,
    /// The texts that `config` shows only in part.
    masked_texts: BTreeMap<AttributePath, Template>,
}

type Compared = BTreeMap<AttributePath, Json>;

impl std::fmt::Debug for StatePrecondition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatePrecondition({})", self.type_name)
    }
}

/// Reason not to send a write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreconditionFailure {
    /// The server is at work on it, or it must not be touched.
    #[error("the status is now `{0}`")]
    Status(IntegrationStatus),
    /// It is another integration now.
    #[error("the type is now `{0}`")]
    Type(String),
    /// Someone changed it.
    #[error("the server changed {}", .0.join(", "))]
    Attributes(Vec<AttributePath>),
    /// It has got stored secrets that the update would drop.
    #[error("the update may now drop these stored secrets: {}", .0.join(", "))]
    SecretsLost(Vec<AttributePath>),
}

impl StatePrecondition {
    /// For a deletion: it must still be what was last applied.
    pub(super) fn of_removal(live: &LiveIntegration, last: &Applied) -> Self {
        Self::with(live, last.attributes.keys().cloned().collect())
    }

    /// For a replacement: what the file gives takes part, too.
    pub(super) fn of_replacement(
        live: &LiveIntegration,
        integration: &Integration,
        last: &Applied,
    ) -> Self {
        let mut used = given(integration);
        used.extend(last.attributes.keys().cloned());
        Self::with(live, used)
    }

    fn with(live: &LiveIntegration, used: BTreeSet<AttributePath>) -> Self {
        Self {
            type_name: live.type_name.clone(),
            auto_bootstrap: live.auto_bootstrap,
            config: compared(live, &used),
            masked_texts: masked_texts(live, &used),
            used,
        }
    }

    /// The attributes of the live side that are compared, with their values.
    pub(super) fn compared(&self) -> &BTreeMap<AttributePath, Json> {
        &self.config
    }

    /// Checks that the precondition still holds.
    ///
    /// # Errors
    /// The difference.
    pub fn check(&self, now: &LiveIntegration) -> Result<(), PreconditionFailure> {
        if now.type_name != self.type_name {
            return Err(PreconditionFailure::Type(now.type_name.clone()));
        }
        if now.status.phase() != StatusPhase::Settled {
            return Err(PreconditionFailure::Status(now.status.clone()));
        }
        let mut paths = Vec::new();
        if now.auto_bootstrap != self.auto_bootstrap {
            paths.push(AUTO_BOOTSTRAP.into());
        }
        paths.extend(differing(&self.config, &compared(now, &self.used)));
        let now = masked_texts(now, &self.used);
        let both = self.masked_texts.keys().chain(now.keys());
        let differs = |path: &&AttributePath| self.masked_texts.get(*path) != now.get(*path);
        let differing: BTreeSet<&AttributePath> = both.filter(differs).collect();
        let others = differing.into_iter().filter(|path| !paths.contains(path));
        paths.extend(others.cloned().collect::<Vec<_>>());
        if paths.is_empty() {
            Ok(())
        } else {
            Err(PreconditionFailure::Attributes(paths))
        }
    }
}

/// Basis of a planned update, besides the body that was shown.
#[derive(Debug, Clone)]
pub struct UpdatePrecondition {
    state: StatePrecondition,
    integration: Integration,
    /// The state that was last applied.
    last: Option<Applied>,
    on_drift: OnDrift,
    /// Attributes that keep a drifted value of the server.
    kept: Vec<AttributePath>,
}

impl UpdatePrecondition {
    pub(super) fn new(
        integration: &Integration,
        live: &LiveIntegration,
        difference: &Difference,
        history: DiffContext<'_>,
    ) -> Self {
        let mut used = given(integration);
        used.extend(
            history
                .last
                .into_iter()
                .flat_map(|it| it.attributes.keys().cloned()),
        );
        let ignore = &integration.options.ignore;
        used.retain(|path| !ignore.iter().any(|it| it.path.covers(path.keys())));
        // Shown, so that another value must not be sent or taken out unseen.
        let path = |change: &Change| change.path.clone();
        used.extend(difference.changes.iter().map(path));
        used.extend(destinations(live));
        Self {
            state: StatePrecondition::with(live, used),
            integration: integration.clone(),
            last: history.last.cloned(),
            on_drift: history.on_drift,
            kept: difference.drift.iter().map(path).collect(),
        }
    }

    /// The precondition of the live side.
    pub(super) fn state(&self) -> &StatePrecondition {
        &self.state
    }

    /// A body without the unknown attributes that it only carries on.
    pub(super) fn without_carried(&self, body: &Body) -> Body {
        let Integration {
            platform,
            config,
            options,
            ..
        } = &self.integration;
        let given = [Some(config), Some(&options.extra)];
        Body {
            config: known_or_given(platform.attributes, &body.config, given),
            ..body.clone()
        }
    }

    /// Checks that the precondition still holds.
    ///
    /// # Errors
    /// The difference that breaks it.
    pub fn check(&self, now: &LiveIntegration) -> Result<(), PreconditionFailure> {
        self.state.check(now)
    }

    /// The body of the update, with what it carries as it is now. It changes what was
    /// shown, and nothing else.
    ///
    /// # Errors
    /// The precondition no longer holds, or the update would drop a stored secret.
    pub fn body(&self, now: &LiveIntegration) -> Result<Body, PreconditionFailure> {
        self.check(now)?;
        let history = DiffContext {
            last: self.last.as_ref(),
            on_drift: self.on_drift,
            kept_texts: &self.kept,
            ..DiffContext::NONE
        };
        let difference = Difference::between(&self.integration, now, history);
        let mut lost = difference.secrets_lost;
        lost.extend(difference.may_drop);
        lost.extend(difference.hidden);
        if lost.is_empty() {
            Ok(difference.body)
        } else {
            Err(PreconditionFailure::SecretsLost(lost))
        }
    }
}

/// The attributes of an object that are known, or that one of these gives.
fn known_or_given(
    attributes: &'static [Attribute],
    object: &Object,
    given: [Option<&Object>; 2],
) -> Object {
    let members = object.iter().filter_map(|(key, value)| {
        let of_given = given.map(|it| it.and_then(|it| it.get(key)));
        match (find_attribute(attributes, key), value) {
            (Some(attribute), Value::Object(inner)) => {
                let given = of_given.map(|it| it.and_then(Value::as_object));
                let inner = known_or_given(attribute.children(), inner, given);
                Some((key.to_owned(), Value::Object(inner)))
            }
            (None, _) if of_given.iter().all(Option::is_none) => None,
            (Some(_) | None, _) => Some((key.to_owned(), value.clone())),
        }
    });
    members.collect()
}

/// The known attributes that a file gives.
fn given(integration: &Integration) -> BTreeSet<AttributePath> {
    every_attribute(integration.platform.attributes)
        .filter(|(path, _)| value_at(&integration.config, path.keys()).is_some())
        .map(|(path, _)| path.to_path())
        .collect()
}

/// The attributes of a live integration that can lead somewhere: a plan shows them.
fn destinations(live: &LiveIntegration) -> impl Iterator<Item = AttributePath> {
    every_attribute(live.platform.map_or(&[][..], |p| p.attributes))
        .filter(|(_, attribute)| attribute.target != CredentialTarget::Nowhere)
        .filter(|(path, _)| value_at(&live.config.0, path.keys()).is_some_and(|it| !it.is_null()))
        .map(|(path, _)| path.to_path())
}

/// The attributes of a live integration that are compared, if these are used. A value
/// that the server fills in anyway counts as absent.
fn compared(live: &LiveIntegration, used: &BTreeSet<AttributePath>) -> Compared {
    let auto = live.auto_bootstrap.unwrap_or(false);
    let mut compared = Compared::new();
    for it in walk(
        live.platform.map_or(&[][..], |p| p.attributes),
        &live.config.0,
    ) {
        let Some(attribute) = it.attribute.filter(|_| !it.value.is_null()) else {
            continue;
        };
        let path = it.path.to_path();
        let counts = match attribute.class_for(auto) {
            Class::Identity => true,
            Class::Mutable | Class::Immutable => !attribute.is_sensitive() && used.contains(&path),
            Class::Secret | Class::OneTime | Class::ServerSet => false,
        };
        if counts && default_json(attribute).as_ref() != Some(it.value) {
            compared.insert(path, it.value.clone());
        }
    }
    compared
}

/// The texts that a live integration shows only in part, if these attributes are used.
fn masked_texts(
    live: &LiveIntegration,
    used: &BTreeSet<AttributePath>,
) -> BTreeMap<AttributePath, Template> {
    let texts = live.masked_texts.iter();
    let texts = texts.filter(|(path, _)| used.contains(*path));
    texts
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect()
}

/// The paths at which two configurations differ. Of an object that only one of them has,
/// the path is that of the object.
fn differing(then: &Compared, now: &Compared) -> BTreeSet<AttributePath> {
    let has = |side: &Compared, object: &AttributePath| {
        side.keys().any(|path| object.covers(path.keys()))
    };
    then.keys()
        .chain(now.keys())
        .filter(|path| then.get(*path) != now.get(*path))
        .map(|path| {
            let mut around = path.around();
            let object = around.find(|object| has(then, object) != has(now, object));
            object.unwrap_or_else(|| path.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn difference_is_named_by_the_outermost_missing_object() {
        let of = |attributes: &[(&str, i32)]| -> Compared {
            let pairs = attributes.iter();
            pairs
                .map(|(path, it)| ((*path).into(), json!(it)))
                .collect()
        };
        let then = of(&[
            ("audit/enabled", 1),
            ("host", 1),
            ("o/inner/x", 1),
            ("o/y", 1),
        ]);
        let now = of(&[("host", 2), ("o/inner/x", 2), ("o/z", 1), ("port", 1)]);
        let paths: Vec<AttributePath> = differing(&then, &now).into_iter().collect();
        assert_eq!(paths, ["audit", "host", "o/inner/x", "o/y", "o/z", "port"]);
    }
}
