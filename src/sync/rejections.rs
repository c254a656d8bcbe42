//! Records rejected writes, so that a daemon does not repeat them in a hurry.

use std::collections::BTreeMap;

use super::{Desired, Request};
use crate::apply::Outcome;
use crate::ledger::{LedgerStore, RejectedWrite, StoreError};
use crate::manifest::Name;
use crate::plan::{self, Operation, Plan};
use crate::text::chain;

/// An integration that matches its file is no longer rejected.
pub(super) async fn forget_accepted(
    store: &dyn LedgerStore,
    known: &BTreeMap<Name, RejectedWrite>,
    plan: &Plan,
) {
    let unchanged = plan.actions.iter().filter(|action| {
        matches!(action.kind, Operation::Unchanged { .. }) && known.contains_key(&action.name)
    });
    for action in unchanged {
        log_error(store.accept(&action.name).await);
    }
}

/// Records the results of the writes. A run does not fail for it: the write would only be sent
/// again too soon.
pub(super) async fn record(
    store: &dyn LedgerStore,
    known: &BTreeMap<Name, RejectedWrite>,
    desired: &Desired,
    request: &Request,
    outcomes: &[Outcome],
) {
    for outcome in outcomes {
        let name = outcome.name.as_str();
        match &outcome.result {
            Ok(_) if known.contains_key(name) => log_error(store.accept(name).await),
            Err(failure) if failure.is_rejection() => {
                let mut integrations = desired.manifest.integrations.iter();
                let integration = integrations.find(|integration| integration.name == name);
                let fingerprint = &|name: &str, path: &str, template: &_| {
                    desired.fingerprint(name, path, template)
                };
                if let Some(inputs) = plan::inputs(name, integration, fingerprint) {
                    let now = request.apply.clock.now();
                    log_error(store.reject(name, &inputs, now).await);
                }
            }
            Ok(_) | Err(_) => {}
        }
    }
}

fn log_error(written: Result<(), StoreError>) {
    if let Err(error) = written {
        tracing::warn!(
            error = chain(&error),
            "cannot update the record of rejected writes"
        );
    }
}
