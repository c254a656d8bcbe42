//! Limits of a plan: the kinds and the number of its actions.

use super::{Operation, Plan, PlanContext};
use crate::manifest::Name;
use crate::text::count as plural;

/// Kinds of actions to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Policy {
    /// Create and update integrations, and delete those whose file was removed
    Sync,
    /// Create and update integrations
    #[default]
    UpsertOnly,
    /// Create integrations
    CreateOnly,
    /// Write nothing
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
    pub(super) fn limit(self, kind: Operation) -> Operation {
        let takes = match kind {
            Operation::Create(_) => self != Self::Observe,
            Operation::Update { .. } | Operation::Replace { .. } => {
                matches!(self, Self::Sync | Self::UpsertOnly)
            }
            Operation::Delete(_) => self == Self::Sync,
            Operation::Unchanged { .. }
            | Operation::Suspended { .. }
            | Operation::Withheld { .. }
            | Operation::Blocked(_) => true,
        };
        if takes {
            return kind;
        }
        Operation::Withheld {
            policy: self,
            would: Box::new(kind),
        }
    }
}

/// Maximum numbers of writes in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardLimits {
    /// Writes of all kinds.
    pub changes: Limit,
    /// Deletions, and replacements, which begin with one.
    pub deletes: Limit,
}

/// A limit of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// At most this many.
    pub most: Option<usize>,
    /// At most this share.
    pub share: Share,
}

/// A share of the integrations, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Set by the operator, who means it: it holds for every number, and a create
    /// counts like any other write.
    Given(u8),
    /// Not set by the operator. A first sync must not need a flag, so a create, which
    /// touches nothing that exists, does not count.
    Default {
        /// The share.
        percent: u8,
        /// This many are always allowed: a share of a few integrations says little.
        floor: usize,
    },
}

impl Limit {
    /// True if the number allows a plan that another limit refuses.
    #[must_use]
    pub fn most_is_wider(self, than: Self) -> bool {
        match (self.most, than.most) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(most), Some(than)) => most > than,
        }
    }
}

impl Share {
    /// True if it allows a plan that another share refuses.
    #[must_use]
    pub fn is_wider(self, than: Self) -> bool {
        match (self, than) {
            // The floor holds for any number, and creates no longer count; 100 refuses
            // nothing.
            (Self::Default { .. }, Self::Given(than)) => than < 100,
            (Self::Given(percent), Self::Given(than) | Self::Default { percent: than, .. }) => {
                percent > than
            }
            (
                Self::Default { percent, floor },
                Self::Default {
                    percent: than,
                    floor: than_floor,
                },
            ) => percent > than || floor > than_floor,
        }
    }

    fn percent(self) -> u8 {
        match self {
            Self::Given(percent) | Self::Default { percent, floor: _ } => percent,
        }
    }

    /// Number of integrations allowed out of `total`.
    fn allowed(self, total: usize) -> usize {
        let share = total * usize::from(self.percent()) / 100;
        match self {
            Self::Given(_) => share,
            Self::Default { percent: _, floor } => share.max(floor),
        }
    }
}

impl Default for GuardLimits {
    fn default() -> Self {
        Self {
            changes: Limit {
                most: None,
                share: Share::Default {
                    percent: 50,
                    floor: 10,
                },
            },
            deletes: Limit {
                most: Some(10),
                share: Share::Default {
                    percent: 20,
                    floor: 1,
                },
            },
        }
    }
}

/// A limit that a plan exceeds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("{}", sentence(*.what, *.count, *.of, &with_percent(*.allowed, *.percent)))]
pub struct Exceeded {
    /// The counted items.
    pub what: Counted,
    /// The number.
    pub count: usize,
    /// Of how many; `None` for an absolute limit.
    pub of: Option<usize>,
    /// The allowed number.
    pub allowed: usize,
    /// The share that this is.
    pub percent: Option<u8>,
    /// The flag that lifts this limit, with the value that is enough.
    pub lift: String,
    /// Those it is about.
    pub names: Vec<Name>,
}

/// Items that a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// Writes.
    Changes,
    /// Deletions, alone or for a replacement.
    Deletes,
    /// Integrations of the ledger that the tenant says are gone. That many at once is
    /// no decision of a person: the tenant was restored, or another one answers.
    Disappeared,
    /// Deletions, where the files describe nothing at all.
    Everything,
    /// None, where the files describe nothing at all and nothing is known to be removed.
    #[serde(rename = "everything")]
    Nothing,
}

impl Counted {
    /// The word for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Deletes => "deletes",
            Self::Disappeared => "disappeared",
            Self::Everything | Self::Nothing => "everything",
        }
    }
}

/// Sentence with the count that goes beyond a limit, and the limit.
fn sentence(what: Counted, count: usize, of: Option<usize>, limit: &str) -> String {
    match what {
        Counted::Changes | Counted::Deletes => {
            let counted = match of {
                Some(of) => format!("{count} of {}", plural(of, "integration")),
                None => plural(count, "integration"),
            };
            let verb = what.as_str();
            format!("the plan {verb} {counted}, but the limit is {limit}")
        }
        Counted::Disappeared => {
            let of = of.unwrap_or(count);
            format!(
                "the tenant no longer has {count} of the {of} integrations in the ledger, but the \
                limit is {limit}"
            )
        }
        Counted::Nothing => "the files describe no integrations, but the tenant has some: this \
            may be the wrong directory"
            .to_owned(),
        Counted::Everything => format!(
            "the files describe no integrations, perhaps by mistake, and the plan deletes every \
            integration that integrationd owns ({count} in total)"
        ),
    }
}

fn with_percent(allowed: usize, percent: Option<u8>) -> String {
    match percent {
        Some(percent) => format!("{allowed} ({percent}%)"),
        None => allowed.to_string(),
    }
}

impl GuardLimits {
    /// The limits that a plan exceeds.
    #[must_use]
    pub fn exceeded(&self, plan: &Plan) -> Vec<Exceeded> {
        let Self { changes, deletes } = self;
        let writes = plan.names_of(Operation::is_write);
        let removals = plan.names_of(Operation::is_removal);
        // An explicit percentage refers to the larger of the existing and the described
        // integrations, so that creating everything is all of it. The default is not chosen by an
        // operator with that in mind: new files must not make a deletion look small.
        let (existing, larger) = (plan.managed, plan.managed.max(plan.described));
        let (counted, total) = match changes.share {
            Share::Given(_) => (writes.clone(), larger),
            Share::Default { .. } => (plan.names_of(Operation::is_write_to_existing), existing),
        };
        let of_deletes = match deletes.share {
            Share::Given(_) => larger,
            Share::Default { .. } => existing,
        };
        [
            changes.exceeded(Counted::Changes, "--max-changes", writes),
            changes.share_exceeded(Counted::Changes, "--max-change-percent", counted, total),
            deletes.exceeded(Counted::Deletes, "--max-deletes", removals.clone()),
            deletes.share_exceeded(
                Counted::Deletes,
                "--max-delete-percent",
                removals,
                of_deletes,
            ),
            self.disappeared(plan),
            everything(plan),
            nothing(plan),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The limit on deletions, where too much of what the ledger knows has disappeared:
    /// to create it all again is as little wanted as to delete it.
    #[must_use]
    pub fn disappeared(&self, plan: &Plan) -> Option<Exceeded> {
        let names = plan.disappeared.clone();
        let (what, flag) = (Counted::Disappeared, "--max-delete-percent");
        self.deletes
            .share_exceeded(what, flag, names, plan.recorded)
    }
}

/// The deletions of an empty directory, unless each was allowed by its name.
fn everything(plan: &Plan) -> Option<Exceeded> {
    let names = plan.unnamed.clone();
    (!names.is_empty()).then(|| Exceeded {
        what: Counted::Everything,
        count: names.len(),
        of: None,
        allowed: 0,
        percent: None,
        lift: format!("--allow-removal {}", names.join(",")),
        names,
    })
}

/// An empty directory is refused even where nothing is known that it could delete.
fn nothing(plan: &Plan) -> Option<Exceeded> {
    plan.is_empty_source.then(|| Exceeded {
        what: Counted::Nothing,
        count: 0,
        of: None,
        allowed: 0,
        percent: None,
        lift: "--policy upsert-only".to_owned(),
        names: Vec::new(),
    })
}

impl Plan {
    fn names_of(&self, is_counted: fn(&Operation) -> bool) -> Vec<Name> {
        let counted = self.actions.iter().filter(|a| is_counted(&a.kind));
        counted.map(|action| action.name.clone()).collect()
    }
}

impl Operation {
    /// True if the action writes something that exists.
    fn is_write_to_existing(&self) -> bool {
        self.is_write() && !matches!(self, Self::Create(_))
    }

    /// True if the action removes something that exists, even if only to create it again.
    pub(crate) fn is_removal(&self) -> bool {
        matches!(self, Self::Delete(_) | Self::Replace { .. })
    }
}

impl Limit {
    fn exceeded(&self, what: Counted, flag: &str, names: Vec<Name>) -> Option<Exceeded> {
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

    fn share_exceeded(
        &self,
        what: Counted,
        flag: &str,
        names: Vec<Name>,
        total: usize,
    ) -> Option<Exceeded> {
        let count = names.len();
        // A plan that deletes some and creates others can write more than either are.
        let total = total.max(count);
        let allowed = self.share.allowed(total);
        let enough = (count * 100).div_ceil(total.max(1));
        (count > allowed).then(|| Exceeded {
            what,
            count,
            of: Some(total),
            allowed,
            percent: Some(self.share.percent()),
            lift: format!("{flag} {enough}"),
            names,
        })
    }
}

/// The action, as an operator's suspension changes it: it waits, even if it is blocked now.
pub(super) fn by_operator(kind: Operation, name: &str, context: &PlanContext<'_>) -> Operation {
    let is_pending = match &kind {
        Operation::Unchanged { .. } | Operation::Suspended { .. } => false,
        Operation::Create(_)
        | Operation::Update { .. }
        | Operation::Delete(_)
        | Operation::Replace { .. }
        | Operation::Withheld { .. }
        | Operation::Blocked(_) => true,
    };
    match context.suspended.of(name, context.now) {
        Some(suspend) if is_pending => kind.suspended(suspend),
        Some(_) | None => kind,
    }
}
