//! Records and intents: recorded state as a value, which the planner reads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Fingerprint, RejectedWrite};
use crate::live::RemoteId;
use crate::manifest::{Name, Suspend};
use crate::platform::AttributePath;

/// Recorded state of all integrations, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// Created or adopted integrations, by name.
    pub records: BTreeMap<Name, Record>,
    /// Writes with an unknown outcome, by name.
    pub intents: BTreeMap<Name, Intent>,
    /// Writes that the server refused and that were not made since, by name.
    pub rejections: BTreeMap<Name, RejectedWrite>,
    /// The revision that was last carried out: the next one has to descend from it.
    pub carried_out: Option<String>,
    /// The tenant's last answer about its connections, as far as the next run needs it.
    pub connections: Option<KnownConnections>,
}

/// An answer about connections that outlasts the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownConnections {
    /// The tenant has no connections API, at this time.
    Missing(Timestamp),
    /// The API key has no permission.
    Hidden,
    /// There are some: an answer that there is no such API is then a failed read.
    Some,
}

/// Period for which an answer counts that there is no connections API. A tenant that gets
/// the API waits a day at most, and the other tenants are not asked on every run.
const MISSING_COUNTS: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

impl KnownConnections {
    /// True if the tenant need not be asked now. A time in the future comes from a clock
    /// that was set back.
    #[must_use]
    pub fn spares_the_question(self, now: Timestamp) -> bool {
        match self {
            Self::Missing(at) => {
                let age = now.duration_since(at);
                !age.is_negative() && age < MISSING_COUNTS
            }
            Self::Hidden | Self::Some => false,
        }
    }
}

impl Ledger {
    /// Records an integration under this name, and under no other. What had the
    /// name before is kept under one that no file can have.
    pub fn record_as(&mut self, name: &str, record: &Record) {
        self.forget(&record.id);
        if let Some(mut other) = self.records.insert(name.to_owned(), record.clone()) {
            other.state.applied.bound_to.get_or_insert(name.to_owned());
            self.records.insert(parked_name(name, &other.id), other);
        }
    }

    /// Forgets what is recorded of an integration.
    pub fn forget(&mut self, id: &RemoteId) {
        self.records.retain(|_, record| record.id != *id);
    }

    /// The ids of everything that is recorded, and of every write with an unknown outcome, with the
    /// type of the integration.
    pub fn known_ids(&self) -> impl Iterator<Item = (&RemoteId, &str)> {
        let recorded = self
            .records
            .values()
            .map(|record| (&record.id, record.type_name.as_str()));
        let intended = self
            .intents
            .values()
            .filter_map(|intent| Some((intent.write.id()?, intent.type_name.as_str())));
        let known: BTreeMap<_, _> = recorded.chain(intended).collect();
        known.into_iter()
    }
}

/// Name for a record whose name is in use again: no name of a file contains `#`.
#[must_use]
pub fn parked_name(name: &str, id: &RemoteId) -> Name {
    format!("{name}#{id}")
}

/// The name that was taken from a record, if one was.
#[must_use]
pub fn taken_name(name: &str) -> Option<&str> {
    Some(name.split_once('#')?.0)
}

/// An integration that is described by a file, or was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The value of `type`.
    pub type_name: String,
    /// Its id on the server.
    pub id: RemoteId,
    /// Recorded state of its file.
    #[serde(rename = "memory")]
    pub state: RecordedState,
    /// Time of the last write, or else of the adoption or the first observation.
    pub at: Timestamp,
}

/// Recorded state of a file and its application.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedState {
    /// Identity that pairs it with a live integration, in the form for comparison.
    pub identity: Option<String>,
    /// True if this tool created or adopted it: only then is it ever deleted.
    pub owned: bool,
    /// The last applied values.
    pub applied: Applied,
    /// Conditions of its removal.
    pub removal: Removal,
    /// Values that the server did not keep as they were sent, by path.
    pub rewritten: BTreeMap<AttributePath, Rewritten>,
    /// Repairs of values that someone else had changed.
    #[serde(default)]
    pub repairs: Repairs,
    /// The revision of the files, if they have one.
    pub revision: Option<String>,
    /// The file that it was last read from, below the directory of the files; unknown
    /// for what an earlier version recorded.
    pub file: Option<String>,
}

/// The signs of a secret that was not sent, with their values: one that changes later may have come
/// with the secret.
pub type Withheld = BTreeMap<AttributePath, Json>;

/// Values of a body, as far as they may be recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// Harmless attributes of the file by their path, such as `audit/enabled`.
    pub attributes: BTreeMap<AttributePath, Json>,
    /// Fingerprints of the stored secrets of the file by their path; `None` for one that existed
    /// already, so that its equality is unknown.
    pub secrets: BTreeMap<AttributePath, Option<Fingerprint>>,
    /// Stored secrets that our last write did not send although it sent signs of them: the server
    /// has none of them. Empty if the last write is unknown or not ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub withheld: BTreeMap<AttributePath, Withheld>,
    /// True if there were texts below `sync.extra`, each of which may be a secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extra_secrets: bool,
    /// The name that every fingerprint here is bound to: the one that the integration
    /// had when it was first recorded. Absent: the name of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<Name>,
}

impl Applied {
    /// Recorded state of a failed creation: it was sent, so an attribute that is then removed from
    /// its file is removed from the server, and all its secrets are resent.
    #[must_use]
    pub fn unproven(mut self) -> Self {
        let secrets = self.secrets.values_mut();
        secrets.for_each(|it| *it = Some(Fingerprint::unproven()));
        self
    }

    /// Applied values if the outcome decides between these and earlier ones: a value of the earlier
    /// ones that is no longer in the file is changed, or removed.
    #[must_use]
    pub fn or(self, earlier: &Self) -> Self {
        let mut secrets = earlier.secrets.clone();
        secrets.extend(self.secrets);
        let mut withheld = self.withheld;
        withheld.retain(|path, _| !secrets.contains_key(path));
        let either = Self {
            attributes: earlier.attributes.clone(),
            secrets,
            withheld,
            extra_secrets: self.extra_secrets || earlier.extra_secrets,
            bound_to: self.bound_to,
        };
        either.unproven()
    }
}

/// Conditions of the removal of an integration: its file cannot give them after it is removed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// `sync.protect`: not at all.
    pub protect: bool,
    /// `sync.suspend`: not now.
    pub suspend: Option<Suspend>,
    /// The credentials of the set-up by their path, which a deletion may need: a
    /// text as a file has it, with references where secrets stand, or another
    /// scalar. `null` for one with a literal secret, which is not kept.
    pub credentials: BTreeMap<AttributePath, Json>,
    /// Files without a document that existed together with its own: none of them is the file that
    /// is about to describe it under another path.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub beside: BTreeSet<String>,
}

/// A value that the server did not keep.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rewritten {
    /// The value that was sent; `None` for an attribute that was omitted on purpose.
    pub sent: Option<Json>,
    /// The value that was returned; `None` for none.
    pub found: Option<Json>,
    /// Both together, where they must not be kept in clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered: Option<Fingerprint>,
    /// The number of writes in a row after which the server had this value. Older
    /// ledgers do not count: theirs was one.
    #[serde(default = "one")]
    pub tries: u32,
}

fn one() -> u32 {
    1
}

impl Rewritten {
    /// True if the same values were sent and the same values came back.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let Self {
            sent,
            found,
            covered,
            tries: _,
        } = self;
        *sent == other.sent && *found == other.found && *covered == other.covered
    }
}

/// Repairs of drift, as far back as they count, and whether someone else still reverts the
/// values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repairs {
    /// The file and its secrets as they were last sent: other inputs begin anew. Absent
    /// where a secret or the key was missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Fingerprint>,
    /// Times of the repairs of each attribute, by path, oldest first.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub times: BTreeMap<AttributePath, Vec<Timestamp>>,
    /// Start of the contested state: since then the integration is no longer repaired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contested: Option<Timestamp>,
}

/// Observations of integrations that are not written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observations {
    /// Existing integrations.
    pub records: Vec<(Name, Record)>,
    /// Integrations that no longer exist on the server.
    pub gone: Vec<RemoteId>,
}

/// A write that is about to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The value of `type`.
    pub type_name: String,
    /// Kind of the write.
    pub write: IntendedWrite,
    /// State to record if it succeeds.
    #[serde(rename = "memory")]
    pub state: RecordedState,
    /// Start of the write.
    pub at: Timestamp,
}

impl Intent {
    /// True if this is a repeated create: evidence about it is evidence about the earlier one, too.
    #[must_use]
    pub fn is_again(&self, before: &Self) -> bool {
        matches!(self.write, IntendedWrite::Create { .. })
            && self.write == before.write
            && self.type_name == before.type_name
            && self.state.identity == before.state.identity
    }
}

/// The kind of a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntendedWrite {
    /// A `POST`, with the ids of its type that existed before it.
    Create {
        /// They cannot be what it creates.
        listed: BTreeSet<RemoteId>,
    },
    /// A `PUT` to this id.
    Update {
        /// The id.
        id: RemoteId,
    },
    /// A `DELETE` of this id.
    Delete {
        /// The id.
        id: RemoteId,
        /// Its harmless values: the last that will be seen of it.
        before: Json,
    },
}

impl IntendedWrite {
    /// The integration that it is about; a create is about none yet.
    #[must_use]
    pub fn id(&self) -> Option<&RemoteId> {
        match self {
            Self::Create { .. } => None,
            Self::Update { id } | Self::Delete { id, .. } => Some(id),
        }
    }
}
