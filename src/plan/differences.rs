//! The differences of one file from its live integration, and their causes, whatever a plan
//! would do about them.

use super::change::Change;
use super::diff::Difference;
use super::history::DiffContext;
use super::records::RecordedIntegrations;
use crate::ledger::{Applied, Ledger};
use crate::live::LiveIntegration;
use crate::manifest::Integration;

/// The differences of a file from its live integration.
#[derive(Debug)]
pub struct Differences<'a> {
    /// The differences, with the cause of each as a plan shows it.
    pub changes: Vec<Change>,
    /// The last applied values; `None` if the integration is not recorded.
    pub applied: Option<&'a Applied>,
}

/// Compares a file with the live integration that it means, and with the last applied values.
/// No secret is compared.
#[must_use]
pub fn differences<'a>(
    integration: &Integration,
    found: &LiveIntegration,
    ledger: &'a Ledger,
) -> Differences<'a> {
    let recorded = RecordedIntegrations::new(ledger).of(found);
    let applied = recorded.map(|recorded| &recorded.record.state.applied);
    let context = DiffContext {
        last: applied,
        ..DiffContext::NONE
    };
    Differences {
        changes: Difference::between(integration, found, context).changes,
        applied,
    }
}
