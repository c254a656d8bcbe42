//! From arguments to what is to be done with the files.

use std::collections::{BTreeMap, BTreeSet};

use super::args::{Conflict, Drift, RunArgs, SyncArgs};
use crate::apply;
use crate::ledger::Suspensions;
use crate::plan::{OnConflict, OnDrift, Operator, Resend, Selection};
use crate::sync::Request;

/// Stands for all integrations in `--resend-secrets`: no integration has this name.
const ALL: &str = "*";

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
        // Not checked below: a removed integration no longer has a name.
        allow_removal: names(&args.guard.allow_removal),
        source: args.files.dir.display().to_string(),
        suspended: Suspensions::default(),
        resting: BTreeMap::new(),
        heeds_refusals: false,
        operator: Operator::Absent,
        resend: Resend::default(),
        revision: None,
    }
}

/// Applies an operator's wishes for one `sync`: to send secrets again, and to repair even
/// contested integrations. The latter takes a terminal, or a name.
pub(super) fn ask(request: &mut Request, args: &SyncArgs, is_at_terminal: bool) {
    let (all, named): (Vec<&String>, Vec<&String>) = args
        .resend_secrets
        .iter()
        .partition(|name| name.as_str() == ALL);
    request.resend = Resend {
        all: !all.is_empty(),
        names: named.into_iter().cloned().collect(),
    };
    request.operator = if is_at_terminal {
        Operator::Present
    } else {
        Operator::Names(args.run.only.iter().cloned().collect())
    };
}
