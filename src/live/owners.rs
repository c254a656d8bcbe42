//! The connections that integrations belong to (API.md section 10).
//!
//! A connection takes the place of an integration, and the list shows the integration
//! behind it like any other. Such an integration is read and never written. Where the
//! owners could not be read, every integration that may have one counts as owned.

use std::collections::BTreeMap;

use super::{RemoteId, Scope};
use crate::platform::{PLATFORMS, Platform};

/// A connection as the search shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its key, which is also its display name.
    pub key: String,
    /// The technology that it is for, if the search says so.
    pub technology: Option<String>,
}

/// The answer to the search for connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connections {
    /// All of them.
    Listed(Vec<Connection>),
    /// This tenant has no connections API.
    Missing,
    /// The API key has no permission.
    Hidden,
}

/// The details of a connection, as far as they are of use here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backing {
    /// The integration behind it, if the answer names one.
    pub integration: Option<RemoteId>,
    /// Its technology, if the answer names one.
    pub technology: Option<String>,
}

/// The way in which the owners became known, or did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnersSource {
    /// The operator says that there are none.
    #[default]
    NotAsked,
    /// The tenant said within a day that it has no connections API.
    Remembered,
    /// The tenant has listed them.
    Listed,
    /// The tenant has no connections API.
    Missing,
    /// The API key has no permission.
    Hidden,
    /// The read failed.
    Unread,
}

/// A kind of write, as far as owners make a difference to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnedWrite {
    /// A create.
    Create,
    /// An update.
    Update,
    /// A deletion, alone or for a replacement.
    Removal,
}

/// The owners of integrations, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    source: OwnersSource,
    has_any: bool,
    by_id: BTreeMap<RemoteId, String>,
    unknown: Vec<UnknownOwners>,
}

/// Integrations that may belong to a connection, which is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UnknownOwners {
    scope: Scope,
    reason: String,
}

impl Owners {
    /// No integration belongs to a connection.
    #[must_use]
    pub fn none(source: OwnersSource) -> Self {
        Self {
            source,
            ..Self::default()
        }
    }

    /// The owners could not be read at all.
    #[must_use]
    pub fn unread(reason: &str) -> Self {
        let reason = format!("the tenant's connections could not be read: {reason}");
        let scope = Scope::Everything;
        Self {
            source: OwnersSource::Unread,
            unknown: vec![UnknownOwners { scope, reason }],
            ..Self::default()
        }
    }

    /// The owners by the details of each connection, or why those could not be read.
    #[must_use]
    pub fn of(connections: Vec<(Connection, Result<Backing, String>)>) -> Self {
        let mut owners = Self {
            source: OwnersSource::Listed,
            has_any: !connections.is_empty(),
            ..Self::default()
        };
        for (connection, details) in connections {
            let key = connection.key;
            let (technology, reason) = match details {
                Ok(Backing {
                    integration: Some(id),
                    ..
                }) => {
                    owners.by_id.entry(id).or_insert(key);
                    continue;
                }
                Ok(Backing { technology, .. }) => (
                    technology.or(connection.technology),
                    format!("connection {key} does not name its integration"),
                ),
                Err(error) => (
                    connection.technology,
                    format!("connection {key} could not be read: {error}"),
                ),
            };
            let scopes = match &technology {
                None => vec![Scope::Everything],
                Some(technology) => of_technology(technology),
            };
            let unknown = scopes.into_iter().map(|scope| UnknownOwners {
                scope,
                reason: reason.clone(),
            });
            owners.unknown.extend(unknown);
        }
        owners
    }

    /// The way in which they became known.
    #[must_use]
    pub fn source(&self) -> OwnersSource {
        self.source
    }

    /// True if the tenant has a connection.
    #[must_use]
    pub fn has_any(&self) -> bool {
        self.has_any
    }

    /// The key of the connection that an integration belongs to.
    #[must_use]
    pub fn of_integration(&self, id: &RemoteId) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }

    /// Reasons why the owners are not all known.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        let hidden = (self.source == OwnersSource::Hidden).then_some(HIDDEN);
        let unknown = self.unknown.iter().map(|unknown| unknown.reason.as_str());
        hidden.into_iter().chain(unknown)
    }

    /// Reason not to send a write although no connection is known to own its integration.
    /// A create could duplicate only an integration that a connection can own.
    #[must_use]
    pub fn objection(&self, platform: &Platform, write: OwnedWrite) -> Option<&str> {
        let can_be_owned = platform.connection_technology.is_some();
        if self.source == OwnersSource::Hidden && can_be_owned && write == OwnedWrite::Removal {
            return Some(HIDDEN);
        }
        let covering = self
            .unknown
            .iter()
            .find(|unknown| unknown.scope.covers(platform))?;
        (write != OwnedWrite::Create || can_be_owned).then_some(covering.reason.as_str())
    }
}

const HIDDEN: &str = "the API key is not allowed to read the tenant's connections";

/// The platforms whose integrations can be behind a connection of this technology; none
/// for a technology that exists as a connection alone.
fn of_technology(technology: &str) -> Vec<Scope> {
    let is_it = |platform: &&&Platform| {
        let mut names = platform
            .connection_technology
            .into_iter()
            .chain([platform.wire, platform.title])
            .chain(platform.aliases.iter().copied());
        names.any(|name| name.eq_ignore_ascii_case(technology))
    };
    let platforms = PLATFORMS.iter().filter(is_it);
    platforms
        .map(|platform| Scope::Platform(platform))
        .collect()
}
