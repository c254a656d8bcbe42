//! The state of one integration, from everything that was read.

use jiff::Timestamp;

use super::{CausedChange, Description, ExplainError, ExplainedIntegration, PastAction};
use crate::export::derived_names;
use crate::ledger::history::{Deleted, History, RunAction};
use crate::ledger::{Ledger, Record};
use crate::live::{Live, LiveIntegration, RemoteId};
use crate::manifest::{Integration, Manifest, Name, Suspend, nearest};
use crate::plan::{
    Action, Block, Change, Coverage, Operation, Plan, Selection, changed_by, coverage, differences,
};
use crate::platform::by_wire;
use crate::source::git::Revision;
use crate::sync::{self, Desired, PlannedTenant, Request};
use crate::text::escaped;

/// Number of actions of the history that are kept.
const MOST_ACTIONS: usize = 5;

/// Everything that was read.
pub(super) struct Survey<'a> {
    pub(super) desired: &'a Desired,
    pub(super) request: &'a Request,
    pub(super) planned: &'a PlannedTenant,
    pub(super) history: &'a History,
    pub(super) revision: Option<Revision>,
}

/// The integration of a name.
#[derive(Default)]
struct NamedSubject<'a> {
    name: Name,
    live: Option<&'a LiveIntegration>,
    /// Its deletion, if it is named by the id that was deleted.
    deleted: Option<&'a Deleted>,
}

impl Survey<'_> {
    fn manifest(&self) -> &Manifest {
        &self.desired.manifest
    }

    fn ledger(&self) -> &Ledger {
        &self.planned.recovery.ledger
    }

    fn live(&self) -> &Live {
        &self.planned.live
    }

    /// Everything about the integration of this name or id.
    pub(super) fn explained(&self, name: &str) -> Result<ExplainedIntegration, ExplainError> {
        let coverage = coverage(self.manifest(), self.live(), self.ledger());
        let NamedSubject {
            name,
            live,
            deleted: by_id,
        } = self.subject(name, &coverage)?;
        let plan = &self.planned.plan;
        let is_selected = self.request.selection.includes(&name);
        let whole = (!is_selected).then(|| self.plan(false));
        let action = action_of(whole.as_ref().unwrap_or(plan), &name);
        let integration = self.integration(&name);
        let record = self.ledger().records.get(&name);
        let live = live
            .or_else(|| with_id(&coverage, action.and_then(|it| it.kind.id())?))
            .or_else(|| of_record(&coverage, record?));
        let past = self.past(&name, integration);
        let newest = past.iter().find(|past| past.action.succeeded);
        let deleted = by_id.or_else(|| self.deleted(&name).filter(|_| live.is_none()));
        let owners = &self.live().owners;
        let unmanaged = plan.unmanaged.iter();
        Ok(ExplainedIntegration {
            tenant: None,
            platform: action
                .and_then(|action| action.platform)
                .or_else(|| live.and_then(|live| live.platform))
                .or_else(|| by_wire(&record?.type_name)),
            description: self.description(&name),
            connection: live
                .and_then(|live| owners.of_integration(&live.id))
                .map(str::to_owned),
            record: record.cloned(),
            last_applied: newest.cloned(),
            history: past.iter().take(MOST_ACTIONS).cloned().collect(),
            changes: self.changes(action, integration, live, record),
            unmanaged: live.and_then(|live| unmanaged.clone().find(|it| it.id == live.id).cloned()),
            suspend: suspension(action, plan, &name),
            deleted: deleted.cloned(),
            deleted_by: deleted.and_then(|it| self.deletion(it)),
            is_selected,
            policy: self.request.policy,
            exceeded: self.request.limits.exceeded(plan),
            backing_off: backing_off(&self.plan(true), &name),
            unreadable: plan.unreadable.iter().map(|it| it.reason.clone()).collect(),
            failure: None,
            action: action.cloned(),
            live: live.cloned(),
            name,
        })
    }

    /// The plan for all integrations; that of a daemon waits before it repeats a rejected write.
    fn plan(&self, is_of_daemon: bool) -> Plan {
        let request = Request {
            selection: Selection::default(),
            respects_rejections: is_of_daemon,
            ..self.request.clone()
        };
        sync::plan(self.desired, self.live(), &request, &self.planned.recovery)
    }

    /// The integration of this name: in the files, in the ledger, by its id, by the name that an
    /// export would give it, or among the deleted ones.
    fn subject<'s>(
        &'s self,
        name: &str,
        coverage: &Coverage<'s, 's>,
    ) -> Result<NamedSubject<'s>, ExplainError> {
        if let Some(name) = self.known_name(name) {
            let live = coverage.described.get(name.as_str()).copied();
            return Ok(NamedSubject {
                name,
                live,
                ..NamedSubject::default()
            });
        }
        let derived = derived_names(self.manifest(), coverage, self.ledger());
        let is_meant = |found: &&&LiveIntegration| {
            let undescribed = &coverage.undescribed;
            let is_exported = undescribed.iter().any(|it| it.id == found.id);
            let has_name = derived.get(&found.id).is_some_and(|it| it == name);
            found.id.as_str() == name || (is_exported && has_name)
        };
        if let Some(found) = coverage.all.iter().find(is_meant) {
            let described = coverage.described.iter();
            let of_file = described.filter(|(_, it)| it.id == found.id);
            let of_file = of_file.map(|(name, _)| (*name).to_owned()).next();
            let records = self.ledger().records.iter();
            let mut of_record = records.filter(|(_, record)| record.id == found.id);
            let name = of_file
                .or_else(|| of_record.next().map(|(name, _)| name.clone()))
                .or_else(|| derived.get(&found.id).cloned())
                .unwrap_or_else(|| found.id.to_string());
            let live = Some(*found);
            return Ok(NamedSubject {
                name,
                live,
                ..NamedSubject::default()
            });
        }
        if let Some(past) = self.past_subject(name) {
            return Ok(past);
        }
        let files = self.manifest().file_names();
        let records = self.ledger().records.keys().map(String::as_str);
        let exported = coverage.undescribed.iter();
        let exported = exported.filter_map(|found| derived.get(&found.id));
        let names = files.chain(records).chain(exported.map(String::as_str));
        Err(ExplainError::Unknown {
            name: name.to_owned(),
            near: nearest(name, names).map(str::to_owned),
            is_incomplete: !self.live().unreadable.is_empty(),
        })
    }

    /// An integration that is no longer live: by the id in its record, or as the history has it.
    fn past_subject(&self, name: &str) -> Option<NamedSubject<'_>> {
        let mut records = self.ledger().records.iter();
        if let Some((name, _)) = records.find(|(_, record)| record.id.as_str() == name) {
            return Some(NamedSubject {
                name: name.clone(),
                ..NamedSubject::default()
            });
        }
        let mut deleted = self.history.deleted.iter();
        let deleted = deleted.find(|it| it.id.as_str() == name);
        let last_name = self.history.last_name(name)?;
        Some(NamedSubject {
            name: last_name.to_owned(),
            live: None,
            deleted,
        })
    }

    /// The name that a document or a record has now, for one that it has or had.
    fn known_name(&self, name: &str) -> Option<Name> {
        let (manifest, ledger) = (self.manifest(), self.ledger());
        let mut renamed = manifest.integrations.iter();
        let is_recorded = ledger.records.contains_key(name) || ledger.intents.contains_key(name);
        let is_planned = self.planned.plan.actions.iter().any(|it| it.name == name);
        if manifest.file_names().any(|it| it == name) {
            Some(name.to_owned())
        } else if let Some(renamed) = renamed.find(|it| it.names().any(|it| it == name)) {
            Some(renamed.name.clone())
        } else {
            (is_recorded || is_planned).then(|| name.to_owned())
        }
    }

    fn integration(&self, name: &str) -> Option<&Integration> {
        let integrations = &self.manifest().integrations;
        integrations.iter().find(|it| it.name == name)
    }

    fn deleted(&self, name: &str) -> Option<&Deleted> {
        self.history.deleted.iter().find(|it| it.name == name)
    }

    /// The write that deleted an integration.
    fn deletion(&self, deleted: &Deleted) -> Option<PastAction> {
        let is_it = |action: &&RunAction| {
            action.id.as_ref() == Some(&deleted.id) && action.at >= deleted.at
        };
        self.history.runs.iter().rev().find_map(|run| {
            let action = run.actions.iter().find(is_it)?;
            Some(PastAction {
                action: action.clone(),
                source: run.start.source.clone(),
                revision: run.start.revision.clone(),
            })
        })
    }

    fn description(&self, name: &str) -> Option<Description> {
        let manifest = self.manifest();
        let valid = self.integration(name);
        let invalid = manifest.invalid.iter().find(|it| it.name == name);
        let origin = valid
            .map(|it| &it.origin)
            .or_else(|| invalid.map(|it| &it.origin))?;
        let file = escaped(&origin.file);
        let diagnostics = manifest.diagnostics.iter();
        Some(Description {
            origin: origin.clone(),
            revision: self.revision.clone(),
            is_valid: valid.is_some(),
            protect: valid.is_some_and(|it| it.options.protect),
            ignore: valid
                .map(|it| it.options.ignore.clone())
                .unwrap_or_default(),
            diagnostics: diagnostics
                .filter(|it| it.place.file == file)
                .filter(|it| it.document.is_none_or(|line| line == origin.line))
                .cloned()
                .collect(),
        })
    }

    /// The writes of an integration under any of its names, newest first.
    fn past(&self, name: &str, integration: Option<&Integration>) -> Vec<PastAction> {
        let is_it = |action: &&RunAction| {
            let before = integration.map(|it| it.options.previously.as_slice());
            let before = before.unwrap_or_default();
            action.name == name || before.contains(&action.name)
        };
        let runs = self.history.runs.iter();
        let actions = runs.flat_map(|run| {
            let actions = run.actions.iter().rev().filter(is_it);
            actions.map(|action| PastAction {
                action: action.clone(),
                source: run.start.source.clone(),
                revision: run.start.revision.clone(),
            })
        });
        actions.collect()
    }

    /// The differences: those of the action, or those that a blocked action does not show.
    fn changes(
        &self,
        action: Option<&Action>,
        integration: Option<&Integration>,
        live: Option<&LiveIntegration>,
        record: Option<&Record>,
    ) -> Vec<CausedChange> {
        let mut changes = match action.map(|action| (action, action.kind.without_limits())) {
            Some((_, Operation::Update { changes, .. } | Operation::Replace { changes, .. })) => {
                changes.clone()
            }
            Some((_, Operation::Blocked(Block::NotConverging { values }))) => values.clone(),
            Some((_, Operation::Blocked(_))) => match (integration, live) {
                (Some(integration), Some(live)) => {
                    differences(integration, live, self.ledger()).changes
                }
                (Some(_) | None, _) => Vec::new(),
            },
            Some((
                _,
                Operation::Unchanged { .. }
                | Operation::Create(_)
                | Operation::Delete(_)
                | Operation::Withheld { .. }
                | Operation::Suspended { .. },
            ))
            | None => Vec::new(),
        };
        let record = record.or_else(|| {
            let mut records = self.ledger().records.values();
            records.find(|record| live.is_some_and(|live| live.id == record.id))
        });
        let applied = record.map(|record| &record.state.applied);
        let kept = action.map(|action| self.kept(action, integration, live));
        for change in kept.unwrap_or_default() {
            if !changes.iter().any(|it| it.path == change.path) {
                changes.push(change);
            }
        }
        let caused = changes.into_iter().map(|change| CausedChange {
            by: changed_by(&change, applied),
            change,
        });
        caused.collect()
    }

    /// The server's changes that the settings keep.
    fn kept(
        &self,
        action: &Action,
        integration: Option<&Integration>,
        live: Option<&LiveIntegration>,
    ) -> Vec<Change> {
        let notes = action.notes();
        let mut kept = notes.drift.to_vec();
        if let (Some(integration), Some(live)) = (integration, live) {
            let all = differences(integration, live, self.ledger())
                .changes
                .into_iter();
            kept.extend(all.filter(|change| notes.drift_ignored.contains(&change.path)));
        }
        kept
    }
}

fn with_id<'l>(coverage: &Coverage<'_, 'l>, id: &RemoteId) -> Option<&'l LiveIntegration> {
    coverage.all.iter().copied().find(|it| it.id == *id)
}

/// The live integration of a record. One of another type is another integration.
fn of_record<'l>(coverage: &Coverage<'_, 'l>, record: &Record) -> Option<&'l LiveIntegration> {
    with_id(coverage, &record.id).filter(|it| it.type_name == record.type_name)
}

fn action_of<'p>(plan: &'p Plan, name: &str) -> Option<&'p Action> {
    plan.actions.iter().find(|action| action.name == name)
}

/// The suspension of an action, or else the one by an operator.
fn suspension(action: Option<&Action>, plan: &Plan, name: &str) -> Option<Suspend> {
    match action.map(|action| &action.kind) {
        Some(Operation::Suspended { suspend, .. }) => Some(suspend.clone()),
        Some(_) | None => {
            let Some(own) = plan.suspensions.names.get(name) else {
                return plan.suspensions.all.clone();
            };
            Some(own.clone())
        }
    }
}

/// End of the pause after a rejected write, in the plan of a daemon.
fn backing_off(plan: &Plan, name: &str) -> Option<Timestamp> {
    let block = action_of(plan, name)?.kind.without_limits().block()?;
    let Block::BackingOff { until } = block else {
        return None;
    };
    Some(*until)
}
