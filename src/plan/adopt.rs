//! Adoption of live integrations: they are recorded as owned, and nothing is written.
//!
//! An adopted integration may be deleted, so an adoption needs an operator, and never follows
//! from a file alone.

use std::collections::{BTreeMap, HashSet};

use super::against::missing;
use super::diff::Difference;
use super::history::DiffContext;
use super::owners;
use super::pairing::{Pairing, pair};
use super::recorded::{self, StateUpdate};
use super::records::{RecordedIntegration, RecordedIntegrations, label};
use super::unknown_outcome::unknown_outcome_block;
use super::{Block, Note, PlanContext};
use crate::ledger::Fingerprint;
use crate::live::{Live, LiveIntegration};
use crate::manifest::{Integration, Manifest, Name};
use crate::platform::AttributePath;
use crate::secret::Template;
use crate::value::Value;

/// Assumption about the stored secrets of an adopted integration: the server does not
/// return them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AdoptedSecrets {
    /// Nothing: they are not compared.
    #[default]
    Unknown,
    /// The server has those that the file gives now.
    Applied,
    /// The server may have others: the next sync sends those of the file.
    ToSend,
}

/// Result of the request to adopt an integration.
#[derive(Debug, Clone, PartialEq)]
pub struct Adoption {
    /// Its name.
    pub name: Name,
    /// The verdict.
    pub verdict: AdoptionResult,
}

/// Verdict of an adoption.
#[derive(Debug, Clone, PartialEq)]
pub enum AdoptionResult {
    /// To be recorded.
    Adopted(Box<StateUpdate>),
    /// It is this tool's own already.
    Owned,
    /// It is this tool's own already, and what is known of its secrets is to be recorded.
    SecretsOnly(Box<StateUpdate>),
    /// There is nothing like it: a sync would create it.
    Absent,
    /// It cannot be said which one is meant.
    Blocked(Block),
}

/// Finds the integrations of the named files, or of all. A probable match is adopted only by
/// its name.
#[must_use]
pub fn adopt(
    manifest: &Manifest,
    live: &Live,
    names: &HashSet<&str>,
    secrets: AdoptedSecrets,
    context: &PlanContext<'_>,
) -> Vec<Adoption> {
    let paired = pair(manifest, live, context.ledger);
    let recorded = RecordedIntegrations::new(context.ledger);
    let described = manifest.integrations.iter().zip(paired.pairings);
    described
        .filter(|(integration, _)| names.is_empty() || names.contains(integration.name.as_str()))
        .map(|(integration, pairing)| Adoption {
            name: integration.name.clone(),
            verdict: match found(integration, &pairing, !names.is_empty(), live, context) {
                Ok(found) => adopted(integration, found, recorded.of(found), secrets, context),
                Err(verdict) => verdict,
            },
        })
        .collect()
}

/// Adoptable integrations.
fn found<'l>(
    integration: &Integration,
    pairing: &Pairing<'l>,
    by_name: bool,
    live: &Live,
    context: &PlanContext<'_>,
) -> Result<&'l LiveIntegration, AdoptionResult> {
    if let Some(block) = unknown_outcome_block(integration, pairing, context) {
        return Err(AdoptionResult::Blocked(block));
    }
    let owned = pairing.found();
    let owned = owned.and_then(|found| owners::owned(found, live));
    let block = owned.or_else(|| owners::unknown(integration.platform, &live.owners));
    if let Some(block) = block.filter(|_| pairing.found().is_some()) {
        return Err(AdoptionResult::Blocked(block));
    }
    match pairing {
        Pairing::New => Err(AdoptionResult::Absent),
        Pairing::Replaces { found, attribute } => {
            Err(AdoptionResult::Blocked(Block::Replacement {
                name: integration.name.clone(),
                id: found.id.clone(),
                attribute,
            }))
        }
        Pairing::Blocked(block) => Err(AdoptionResult::Blocked(block.clone())),
        Pairing::Likely(found) if !by_name => Err(AdoptionResult::Blocked(Block::NeedsName {
            name: integration.name.clone(),
            id: found.id.clone(),
        })),
        Pairing::Certain(found) | Pairing::Likely(found) => Ok(found),
    }
}

fn adopted(
    integration: &Integration,
    found: &LiveIntegration,
    recorded: Option<RecordedIntegration<'_>>,
    secrets: AdoptedSecrets,
    context: &PlanContext<'_>,
) -> AdoptionResult {
    let is_own = recorded
        .is_some_and(|recorded| recorded.record.state.owned && recorded.name == integration.name);
    if is_own && secrets == AdoptedSecrets::Unknown {
        return AdoptionResult::Owned;
    }
    let mut state = match recorded {
        Some(recorded) => recorded::still_applied(integration, recorded, context),
        None => {
            let state = recorded::of_file(integration, None, context);
            let mut state = recorded::unknown_secrets(state);
            let difference = Difference::between(integration, found, DiffContext::NONE);
            let differs = |path: &AttributePath| difference.changes.iter().any(|c| c.path == *path);
            let attributes = &mut state.applied.attributes;
            attributes.retain(|path, _| !differs(path));
            state
        }
    };
    match of_secrets(integration, recorded, secrets, context) {
        Ok(known) => {
            let withheld = &mut state.applied.withheld;
            withheld.retain(|path, _| !known.contains_key(path));
            state.applied.secrets.extend(known);
        }
        Err(block) => return AdoptionResult::Blocked(block),
    }
    state.removal = recorded::removal(integration, context);
    state.owned = true;
    let update = Box::new(StateUpdate {
        name: integration.name.clone(),
        type_name: found.type_name.clone(),
        id: found.id.clone(),
        state,
        changed: recorded
            .filter(|_| is_own)
            .map(|recorded| recorded.record.at),
    });
    if is_own {
        AdoptionResult::SecretsOnly(update)
    } else {
        AdoptionResult::Adopted(update)
    }
}

/// The stored secrets of the file by their path, as they are to be recorded.
fn of_secrets(
    integration: &Integration,
    recorded: Option<RecordedIntegration<'_>>,
    secrets: AdoptedSecrets,
    context: &PlanContext<'_>,
) -> Result<BTreeMap<AttributePath, Option<Fingerprint>>, Block> {
    let label = label(integration, recorded);
    let fingerprint =
        |path: &str, template: &Template| (context.fingerprint)(label, path, template);
    let mut now = recorded::applied(integration, &fingerprint).secrets;
    match secrets {
        AdoptedSecrets::Unknown => return Ok(BTreeMap::new()),
        AdoptedSecrets::ToSend => {
            for secret in now.values_mut() {
                *secret = Some(Fingerprint::unproven());
            }
        }
        AdoptedSecrets::Applied => {
            let without = now.iter().filter(|(_, secret)| secret.is_none());
            let without = without.filter_map(|(path, _)| integration.config.at(path));
            let without: Vec<&Value> = without.collect();
            let missing = missing(context, |visit| {
                for value in without {
                    value.for_each_template(&mut |template| {
                        template.references().for_each(&mut *visit);
                    });
                }
            });
            if let Some(Note::SecretsMissing { reasons }) = missing {
                return Err(Block::MissingSecret { reasons });
            }
        }
    }
    Ok(now)
}
