//! Taking live integrations over: recorded as this tool's own, nothing is written.
//!
//! What was adopted may be deleted, so that it takes a human's word, and never
//! follows from a file alone.

use std::collections::HashSet;

use super::diff::Difference;
use super::doubt::in_doubt;
use super::history::History;
use super::memory::{self, Noted, Past, Pasts};
use super::owners;
use super::pairing::{Pairing, pair};
use super::{Block, Context};
use crate::live::{Live, LiveIntegration};
use crate::manifest::{Integration, Manifest, Name};

/// What came of the wish to take an integration over.
#[derive(Debug, Clone, PartialEq)]
pub struct Adoption {
    /// Its name.
    pub name: Name,
    /// How it went.
    pub verdict: Verdict,
}

/// How an adoption goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// To be recorded.
    Adopted(Box<Noted>),
    /// It is this tool's own already.
    Owned,
    /// There is nothing like it: a sync would create it.
    Absent,
    /// It cannot be said which one is meant.
    Blocked(Block),
}

/// Looks up what the named files mean, or all. What is only likely is taken over
/// only by its name.
#[must_use]
pub fn adopt(
    manifest: &Manifest,
    live: &Live,
    names: &HashSet<&str>,
    context: &Context<'_>,
) -> Vec<Adoption> {
    let paired = pair(manifest, live, context.ledger);
    let pasts = Pasts::new(context.ledger);
    let described = manifest.integrations.iter().zip(paired.pairings);
    described
        .filter(|(integration, _)| names.is_empty() || names.contains(integration.name.as_str()))
        .map(|(integration, pairing)| Adoption {
            name: integration.name.clone(),
            verdict: match found(integration, &pairing, !names.is_empty(), live, context) {
                Ok(found) => adopted(integration, found, pasts.of(found), context),
                Err(verdict) => verdict,
            },
        })
        .collect()
}

/// What can be taken over.
fn found<'l>(
    integration: &Integration,
    pairing: &Pairing<'l>,
    by_name: bool,
    live: &Live,
    context: &Context<'_>,
) -> Result<&'l LiveIntegration, Verdict> {
    if let Some(block) = in_doubt(integration, pairing, context) {
        return Err(Verdict::Blocked(block));
    }
    let owned = pairing.found();
    let owned = owned.and_then(|found| owners::owned(found, live));
    let block = owned.or_else(|| owners::unknown(integration.platform, &live.owners));
    if let Some(block) = block.filter(|_| pairing.found().is_some()) {
        return Err(Verdict::Blocked(block));
    }
    match pairing {
        Pairing::New => Err(Verdict::Absent),
        Pairing::Replaces { found, attribute } => Err(Verdict::Blocked(Block::Replacement {
            name: integration.name.clone(),
            id: found.id.clone(),
            attribute,
        })),
        Pairing::Blocked(block) => Err(Verdict::Blocked(block.clone())),
        Pairing::Likely(found) if !by_name => Err(Verdict::Blocked(Block::NeedsPin {
            id: found.id.clone(),
            paths: Vec::new(),
        })),
        Pairing::Certain(found) | Pairing::Likely(found) => Ok(found),
    }
}

fn adopted(
    integration: &Integration,
    found: &LiveIntegration,
    past: Option<Past<'_>>,
    context: &Context<'_>,
) -> Verdict {
    if past.is_some_and(|past| past.record.memory.owned && past.name == integration.name) {
        return Verdict::Owned;
    }
    let mut memory = match past {
        Some(past) => memory::still_applied(integration, past),
        None => {
            let memory = memory::of_update(integration, None, context);
            let mut memory = memory::unknown_secrets(memory);
            let difference = Difference::between(integration, found, History::NONE);
            let differs = |path: &str| difference.changes.iter().any(|c| c.path == path);
            let attributes = &mut memory.applied.attributes;
            attributes.retain(|path, _| !differs(path));
            memory
        }
    };
    memory.removal = memory::removal(integration);
    memory.owned = true;
    Verdict::Adopted(Box::new(Noted {
        name: integration.name.clone(),
        type_name: found.type_name.clone(),
        id: found.id.clone(),
        memory,
        changed: None,
    }))
}
