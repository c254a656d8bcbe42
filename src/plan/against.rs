//! Everything that the decisions about one file need to know.

use std::collections::HashSet;
use std::sync::Arc;

use super::absence::{Absences, Emptied};
use super::pairing::Claims;
use super::recorded;
use super::records::RecordedIntegrations;
use super::unknown_outcome::repeated;
use super::{AbsencePrecondition, Block, Body, Creation, Freeze, Note, PlanContext};
use crate::live::{Live, RemoteId};
use crate::manifest::{Bindings, Integration};
use crate::secret::Reference;

/// Everything that a file is compared with.
pub(super) struct Against<'a> {
    pub live: &'a Live,
    /// The ids that the list showed.
    pub listed: &'a Arc<HashSet<RemoteId>>,
    /// Records, by id.
    pub recorded: RecordedIntegrations<'a>,
    /// Integrations that files claim.
    pub claims: &'a Claims<'a>,
    /// Reason for not deleting anything.
    pub freeze: Option<Freeze>,
    /// Allowed destinations of references.
    pub bindings: &'a Bindings,
    /// The names that files have now.
    pub files: HashSet<&'a str>,
    /// Reasons not to take a missing document for a removal, from the files that exist.
    pub absences: Absences<'a>,
    pub context: &'a PlanContext<'a>,
}

impl Against<'_> {
    /// Actions for the records of files without a document.
    pub(super) fn emptied(&self) -> Emptied {
        self.absences
            .emptied(self.context, &self.files, |recorded| {
                self.files.contains(recorded.name) || self.claims.is_claimed(&recorded.record.id)
            })
    }
}

/// Everything needed to create an integration.
pub(super) fn creation(
    integration: &Integration,
    against: &Against<'_>,
) -> Result<Creation, Block> {
    if let Some(unreadable) = against.live.unreadable_for(integration.platform) {
        let reason = unreadable.reason.clone();
        return Err(Block::UnknownScope { reason });
    }
    let body = Body::for_create(integration);
    Ok(Creation {
        repeats: repeated(integration, against.context)
            .cloned()
            .map(Box::new),
        state: recorded::of_create(integration, &body, against.context),
        body,
        precondition: AbsencePrecondition::new(integration, Arc::clone(against.listed)),
    })
}

/// Reasons why secrets are not available, each of them once.
pub(super) fn missing<'a>(
    context: &PlanContext<'_>,
    for_each: impl FnOnce(&mut dyn FnMut(&'a Reference)),
) -> Option<Note> {
    let mut reasons = Vec::new();
    for_each(&mut |reference| {
        if let Some(reason) = (context.missing_secret)(reference)
            && !reasons.contains(&reason)
        {
            reasons.push(reason);
        }
    });
    (!reasons.is_empty()).then_some(Note::SecretsMissing { reasons })
}
