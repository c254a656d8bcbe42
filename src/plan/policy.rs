//! How far a plan may go: which kinds of actions it takes, and how many of them.

use super::{Kind, Plan};
use crate::manifest::Name;

/// Which kinds of actions are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Create, update and delete.
    Sync,
    /// Create and update.
    #[default]
    UpsertOnly,
    /// Create.
    CreateOnly,
    /// Only look.
    Observe,
}

impl Policy {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::UpsertOnly => "upsert-only",
            Self::CreateOnly => "create-only",
            Self::Observe => "observe",
        }
    }

    /// The action as this policy takes it: perhaps not at all.
    pub(super) fn limit(self, kind: Kind) -> Kind {
        let takes = match kind {
            Kind::Create(_) => self != Self::Observe,
            Kind::Update { .. } | Kind::Replace { .. } => {
                matches!(self, Self::Sync | Self::UpsertOnly)
            }
            Kind::Delete(_) => self == Self::Sync,
            Kind::Unchanged { .. }
            | Kind::Suspended { .. }
            | Kind::Withheld { .. }
            | Kind::Blocked(_) => true,
        };
        if takes {
            return kind;
        }
        Kind::Withheld {
            policy: self,
            would: Box::new(kind),
        }
    }
}

/// How many integrations one run may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Writes of all kinds.
    pub changes: Limit,
    /// Deletions, and replacements, which begin with one.
    pub deletes: Limit,
}

/// A limit of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// At most so many.
    pub most: Option<usize>,
    /// At most this share of those that exist, in percent.
    pub percent: u8,
    /// So many are always allowed: a share of a small set says little.
    pub floor: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            changes: Limit {
                most: None,
                percent: 50,
                floor: 10,
            },
            deletes: Limit {
                most: Some(10),
                percent: 20,
                floor: 1,
            },
        }
    }
}

/// A limit that a plan goes beyond.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the plan {what} {count}{}, and the limit is {}",
    of_how_many(*.of),
    with_percent(*.allowed, *.percent)
)]
pub struct Exceeded {
    /// What the plan does, such as `deletes`.
    pub what: &'static str,
    /// How many.
    pub count: usize,
    /// Of how many; `None` for an absolute limit.
    pub of: Option<usize>,
    /// How many are allowed.
    pub allowed: usize,
    /// The share that this is.
    pub percent: Option<u8>,
    /// The flag that lifts this limit, with the value that is enough.
    pub lift: String,
    /// Those it is about.
    pub names: Vec<Name>,
}

fn of_how_many(of: Option<usize>) -> String {
    of.map(|of| format!(" of {of}")).unwrap_or_default()
}

fn with_percent(allowed: usize, percent: Option<u8>) -> String {
    match percent {
        Some(percent) => format!("{allowed} ({percent}%)"),
        None => allowed.to_string(),
    }
}

impl Limits {
    /// What of a plan goes beyond them.
    #[must_use]
    pub fn exceeded(&self, plan: &Plan) -> Vec<Exceeded> {
        let names = |is_counted: fn(&Kind) -> bool| -> Vec<Name> {
            let actions = plan.actions.iter().filter(|a| is_counted(&a.kind));
            actions.map(|a| a.name.clone()).collect()
        };
        let writes = names(Kind::is_write);
        // A create touches nothing that exists.
        let touches = names(|kind| kind.is_write() && !matches!(kind, Kind::Create(_)));
        let deletes = names(|kind| matches!(kind, Kind::Delete(_) | Kind::Replace { .. }));
        let existing = plan.managed;
        let Self {
            changes,
            deletes: removals,
        } = self;
        [
            changes.absolute("changes", "--max-changes", writes),
            changes.share("changes", "--max-change-percent", touches, existing),
            removals.absolute("deletes", "--max-deletes", deletes.clone()),
            removals.share("deletes", "--max-delete-percent", deletes, existing),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Limit {
    fn absolute(&self, what: &'static str, flag: &str, names: Vec<Name>) -> Option<Exceeded> {
        let (count, allowed) = (names.len(), self.most?);
        (count > allowed).then(|| Exceeded {
            what,
            count,
            of: None,
            allowed,
            percent: None,
            lift: format!("{flag} {count}"),
            names,
        })
    }

    fn share(
        &self,
        what: &'static str,
        flag: &str,
        names: Vec<Name>,
        existing: usize,
    ) -> Option<Exceeded> {
        let count = names.len();
        let allowed = (existing * usize::from(self.percent) / 100).max(self.floor);
        let enough = (count * 100).div_ceil(existing.max(1));
        (count > allowed).then(|| Exceeded {
            what,
            count,
            of: Some(existing),
            allowed,
            percent: Some(self.percent),
            lift: format!("{flag} {enough}"),
            names,
        })
    }
}
