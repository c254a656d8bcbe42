//! From arguments to what is to be done with the files.

use std::collections::{BTreeMap, BTreeSet};

use super::args::{Conflict, Drift, RunArgs};
use super::failure::Failure;
use crate::apply;
use crate::ledger::Ledger;
use crate::manifest::Manifest;
use crate::plan::{OnConflict, OnDrift, Selection, Suspensions};
use crate::report::exit::Exit;
use crate::sync::Request;

/// Everything but the files themselves.
pub(super) fn request(args: &RunArgs) -> Request {
    let names = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    Request {
        selection: Selection {
            only: names(&args.only),
            exclude: names(&args.exclude),
        },
        now: jiff::Timestamp::now(),
        on_drift: match args.on_drift {
            Drift::Apply => OnDrift::Apply,
            Drift::Report => OnDrift::Report,
            Drift::Ignore => OnDrift::Ignore,
        },
        on_conflict: match args.on_conflict {
            Conflict::Apply => OnConflict::Apply,
            Conflict::Stop => OnConflict::Stop,
        },
        apply: apply::Options {
            parallelism: args.parallelism,
            wait_timeout: args.wait_timeout,
            clock: apply::Clock::SYSTEM,
            delete_credentials: args.guard.nesting(),
        },
        policy: args.guard.policy(),
        limits: args.guard.limits(),
        allow_replace: names(&args.guard.allow_replace),
        // Not checked below: what was removed has no name any more.
        allow_removal: names(&args.guard.allow_removal),
        source: args.files.dir.display().to_string(),
        suspended: Suspensions::default(),
        resting: BTreeMap::new(),
        heeds_refusals: false,
        revision: None,
    }
}

/// Names that were given on the command line must be those of something.
pub(super) fn check_names(
    request: &Request,
    manifest: &Manifest,
    ledger: &Ledger,
) -> Result<(), Failure> {
    let mut unknown = request.selection.unknown_names(manifest, ledger);
    let known: BTreeSet<&str> = manifest.names().collect();
    let replaced = request.allow_replace.iter();
    unknown.extend(replaced.filter(|n| !known.contains(n.as_str())).cloned());
    if unknown.is_empty() {
        return Ok(());
    }
    Err(no_such_names(&unknown, manifest))
}

/// The most names that a message lists.
const LISTED: usize = 12;

fn no_such_names(unknown: &[String], manifest: &Manifest) -> Failure {
    let what = format!("no integration is named {}", unknown.join(" or "));
    let valid = manifest.integrations.iter().map(|i| i.name.as_str());
    let invalid = manifest.invalid.iter().map(|i| i.name.as_str());
    let known: BTreeSet<&str> = valid.chain(invalid).collect();
    if known.len() > LISTED {
        let help = "`integrationd validate -o json` lists the names";
        return Failure::new(Exit::Usage, what, help);
    }
    let known: Vec<&str> = known.into_iter().collect();
    let help = format!("the files describe {}", known.join(", "));
    Failure::new(Exit::Usage, what, help)
}
