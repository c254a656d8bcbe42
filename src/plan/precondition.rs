//! What must still be so just before a write.
//!
//! Time passes between the plan and the write: somebody reads the plan, other
//! integrations come first. A write whose precondition no longer holds is not
//! sent, because it would not do what was shown.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::pairing::{Key, found_key};
use crate::live::{Live, LiveIntegration, Phase, RemoteId, Status};
use crate::manifest::Integration;
use crate::platform::{Attribute, Platform};

/// A list of the tenant's integrations, indexed by what pairs them with files.
#[derive(Debug)]
pub struct Listed {
    live: Live,
    by_key: HashMap<Key, Vec<usize>>,
}

impl Listed {
    /// Indexes a list.
    #[must_use]
    pub fn new(live: Live) -> Self {
        let mut by_key: HashMap<Key, Vec<usize>> = HashMap::new();
        for (position, found) in live.integrations.iter().enumerate() {
            if let Some(platform) = found
                .platform
                .filter(|_| found.status.phase() != Phase::Absent)
            {
                by_key
                    .entry((platform.wire, found_key(platform, found)))
                    .or_default()
                    .push(position);
            }
        }
        Self { live, by_key }
    }

    /// Whether it shows this id.
    #[must_use]
    pub fn has(&self, id: &RemoteId) -> bool {
        self.live.integrations.iter().any(|found| found.id == *id)
    }

    fn with_key(&self, key: &Key) -> impl Iterator<Item = &LiveIntegration> {
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

    /// Whether the list showed this id when the plan was made.
    #[must_use]
    pub fn had(&self, id: &RemoteId) -> bool {
        self.listed.contains(id)
    }

    /// The ids that the list showed when the plan was made.
    pub fn listed(&self) -> impl Iterator<Item = &RemoteId> {
        self.listed.iter()
    }

    /// Integrations that were not there when the plan was made and could be
    /// this one, or one whose identity cannot be read. A create is safe while
    /// there are none; after an answer that was lost, exactly one is the one.
    ///
    /// # Errors
    /// Why the list cannot tell.
    pub fn newcomers<'l>(&self, listed: &'l Listed) -> Result<Vec<&'l LiveIntegration>, String> {
        if let Some(hole) = listed.live.hole(self.platform) {
            return Err(hole.reason.clone());
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

/// For an update: the live integration is as it was when the plan was made.
#[derive(Clone, PartialEq)]
pub struct StatePrecondition {
    type_name: String,
    auto_bootstrap: Option<bool>,
    config: Map<String, Json>,
}

impl std::fmt::Debug for StatePrecondition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatePrecondition({})", self.type_name)
    }
}

/// Why an update must not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The server is at work on it, or it must not be touched.
    #[error("its status is now `{0}`")]
    Status(Status),
    /// It is another integration now.
    #[error("its type is now `{0}`")]
    Type(String),
    /// Someone changed it.
    #[error("these attributes were changed meanwhile: {}", .0.join(", "))]
    Attributes(Vec<String>),
}

impl StatePrecondition {
    pub(super) fn of(live: &LiveIntegration) -> Self {
        let attributes = live.platform.map_or(&[][..], |p| p.attributes);
        Self {
            type_name: live.type_name.clone(),
            auto_bootstrap: live.auto_bootstrap,
            config: comparable(attributes, &live.config.0),
        }
    }

    /// Whether it still holds.
    ///
    /// # Errors
    /// What is different now.
    pub fn check(&self, now: &LiveIntegration) -> Result<(), Broken> {
        let now_state = Self::of(now);
        if now_state.type_name != self.type_name {
            return Err(Broken::Type(now_state.type_name));
        }
        if now.status.phase() != Phase::Settled {
            return Err(Broken::Status(now.status.clone()));
        }
        let mut paths = Vec::new();
        if now_state.auto_bootstrap != self.auto_bootstrap {
            paths.push("autoBootstrap".to_owned());
        }
        differing("", &self.config, &now_state.config, &mut paths);
        if paths.is_empty() {
            Ok(())
        } else {
            Err(Broken::Attributes(paths))
        }
    }
}

/// The configuration without what is secret or null.
fn comparable(attributes: &'static [Attribute], config: &Map<String, Json>) -> Map<String, Json> {
    config
        .iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(key, value)| {
            let attribute = attributes.iter().find(|a| a.name == key);
            if attribute.is_some_and(Attribute::is_sensitive) {
                return None;
            }
            let comparable = value.as_object().map_or_else(
                || value.clone(),
                |inner| {
                    Json::Object(comparable(
                        attribute.map_or(&[], Attribute::children),
                        inner,
                    ))
                },
            );
            Some((key.clone(), comparable))
        })
        .collect()
}

/// Gathers the paths at which two configurations differ.
fn differing(
    prefix: &str,
    then: &Map<String, Json>,
    now: &Map<String, Json>,
    paths: &mut Vec<String>,
) {
    let keys: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    for key in keys {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}/{key}")
        };
        match (then.get(key), now.get(key)) {
            (Some(Json::Object(then)), Some(Json::Object(now))) => {
                differing(&path, then, now, paths);
            }
            (then, now) if then == now => {}
            _ => paths.push(path),
        }
    }
}
