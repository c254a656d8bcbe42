//! The differences between a plan and the plan that was approved, as far as the document of the
//! approved plan shows them.
//!
//! They are for people: whether a plan is the approved one is decided by its digest alone, so a
//! document that was changed on the way cannot have anything applied.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::exit::Exit;
use super::failure::CommandFailure;
use super::run::write_entries;
use crate::plan::{Plan, PlanDigest};
use crate::regular;

/// The largest document that is read, in bytes. A daemon reads it for a client.
const LARGEST: u64 = 64 << 20;

const HELP: &str = "give the output of `integrationd sync --dry-run -o json` for the approved plan";

/// A plan that was approved, as the document of its dry run shows it.
#[derive(Debug)]
pub struct ApprovedPlan {
    /// The actions that write, by the name of their integration.
    writes: BTreeMap<String, WriteEntry>,
}

/// An action that writes, as documents show it.
#[derive(Debug, PartialEq, Deserialize)]
struct WriteEntry {
    name: String,
    action: String,
    #[serde(default)]
    id: Json,
    #[serde(default)]
    body: Json,
    #[serde(default)]
    credentials: Json,
    #[serde(default)]
    changes: Vec<ChangeEntry>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct ChangeEntry {
    path: String,
    before: Json,
}

#[derive(Deserialize)]
struct ApprovedDocument {
    plan_digest: String,
    plan: ApprovedActions,
}

#[derive(Deserialize)]
struct ApprovedActions {
    actions: Vec<Json>,
}

/// A difference between the plan and the approved plan.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct PlanDifference {
    /// The integration.
    pub integration: String,
    /// The approved action; absent if none was approved.
    pub approved: Option<String>,
    /// The planned action; absent if none is planned.
    pub planned: Option<String>,
    /// The attributes in which two actions of one kind differ. None are named if they differ only
    /// in live values that the plan does not change.
    pub paths: Vec<String>,
}

impl ApprovedPlan {
    /// Reads the document of the plan with this digest.
    ///
    /// # Errors
    /// The file cannot be read, or it is not the document of that plan.
    pub fn read(path: &Path, expected: PlanDigest) -> Result<Self, CommandFailure> {
        let failure = |why: &dyn std::fmt::Display| {
            let what = format!("cannot read the approved plan in {}: {why}", path.display());
            CommandFailure::new(Exit::Usage, what, HELP)
        };
        let file = regular::open(path).map_err(|error| failure(&error))?;
        let file = file.ok_or_else(|| failure(&"it is not a file"))?;
        let mut text = Vec::new();
        let read = file.take(LARGEST + 1).read_to_end(&mut text);
        read.map_err(|error| failure(&error))?;
        if text.len() as u64 > LARGEST {
            return Err(failure(&"the file is too large"));
        }
        let document: ApprovedDocument =
            serde_json::from_slice(&text).map_err(|error| failure(&error))?;
        if document.plan_digest.parse() != Ok(expected) {
            let what = format!("it has the digest {}", document.plan_digest);
            return Err(failure(&what));
        }
        Ok(Self {
            writes: writes(document.plan.actions),
        })
    }

    /// The differences of a plan from this one, by the name of their integration.
    #[must_use]
    pub fn differences(&self, plan: &Plan) -> Vec<PlanDifference> {
        let planned = writes(write_entries(plan));
        let names: BTreeSet<&String> = self.writes.keys().chain(planned.keys()).collect();
        let pairs = names
            .into_iter()
            .map(|name| (name, self.writes.get(name), planned.get(name)));
        pairs
            .filter(|(_, approved, planned)| approved != planned)
            .map(|(name, approved, planned)| PlanDifference {
                integration: name.clone(),
                approved: approved.map(|it| it.action.clone()),
                planned: planned.map(|it| it.action.clone()),
                paths: match (approved, planned) {
                    (Some(approved), Some(planned)) if approved.action == planned.action => {
                        approved.differing(planned)
                    }
                    (_, _) => Vec::new(),
                },
            })
            .collect()
    }
}

/// The actions among these that write; what has another shape is none.
fn writes(actions: Vec<Json>) -> BTreeMap<String, WriteEntry> {
    let entries = actions
        .into_iter()
        .filter_map(|action| serde_json::from_value::<WriteEntry>(action).ok());
    entries
        .filter(|it| ["create", "update", "replace", "delete"].contains(&it.action.as_str()))
        .map(|it| (it.name.clone(), it))
        .collect()
}

impl WriteEntry {
    /// The attributes in which two actions differ.
    fn differing(&self, other: &Self) -> Vec<String> {
        let (ours, theirs) = (self.leaves(), other.leaves());
        let paths: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let differing = paths
            .into_iter()
            .filter(|path| ours.get(*path) != theirs.get(*path));
        let names = differing.map(|path| path.trim_start_matches(BEFORE).to_owned());
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Everything that can differ, by its path.
    fn leaves(&self) -> BTreeMap<String, &Json> {
        let mut leaves = BTreeMap::new();
        leaves.insert("id".to_owned(), &self.id);
        for (key, value) in self.body.as_object().into_iter().flatten() {
            let path = if key == "config" { "" } else { key };
            gather(path, value, &mut leaves);
        }
        gather("", &self.credentials, &mut leaves);
        for ChangeEntry { path, before } in &self.changes {
            leaves.insert(format!("{BEFORE}{path}"), before);
        }
        leaves
    }
}

/// Distinguishes the live value of an attribute from the one that is sent.
const BEFORE: char = '\0';

fn gather<'a>(path: &str, value: &'a Json, leaves: &mut BTreeMap<String, &'a Json>) {
    match value.as_object() {
        Some(members) if !members.contains_key("secret") => {
            for (key, value) in members {
                let separator = if path.is_empty() { "" } else { "/" };
                gather(&format!("{path}{separator}{key}"), value, leaves);
            }
        }
        Some(_) | None => {
            leaves.insert(path.to_owned(), value);
        }
    }
}
