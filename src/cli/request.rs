//! From arguments to what is to be done with the files.

use std::collections::{BTreeMap, BTreeSet};

use super::args::{Conflict, Drift, RunArgs};
use crate::apply;
use crate::plan::{OnConflict, OnDrift, Selection, Suspensions};
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
        connections: args.guard.connections.look(),
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
