//! From settings to the request of a run.

use super::{Opened, UnknownNames, Wishes, check_names, source};
use crate::apply;
use crate::plan::{KnownNames, Selection};
use crate::settings::run::{GuardSettings, RunSettings};
use crate::sync::Request;

/// The request of a run with these settings, for these files.
pub(super) fn request(settings: &RunSettings, opened: &Opened, wishes: Wishes) -> Request {
    let GuardSettings {
        policy,
        limits,
        allow_replace,
        allow_removal,
        delete_credentials,
        connections,
    } = &settings.guard;
    let Wishes {
        operator,
        resend,
        trigger,
        expect,
        backing_off,
        respects_rejections,
        known_before: _,
    } = wishes;
    let revision = opened.revision.as_ref();
    Request {
        selection: settings.selection.clone(),
        on_drift: settings.on_drift,
        on_conflict: settings.on_conflict,
        apply: apply::ApplyOptions {
            parallelism: settings.parallelism,
            wait_timeout: settings.wait_timeout,
            clock: apply::Clock::SYSTEM,
            delete_credentials: *delete_credentials,
        },
        policy: *policy,
        limits: *limits,
        connections: *connections,
        allow_replace: allow_replace.clone(),
        // `check_removals` checks the names that no source of names knows.
        allow_removal: allow_removal.clone(),
        source: source::shown(settings, revision),
        revision: revision.map(|revision| revision.id.to_string()),
        operator,
        resend,
        trigger,
        expect,
        backing_off,
        respects_rejections,
        ..Request::new(jiff::Timestamp::now())
    }
}

/// Checks the names that a request gives.
///
/// # Errors
/// A name belongs to no integration, or to one that is not selected.
pub(super) fn check_request(request: &Request, opened: &Opened) -> Result<(), UnknownNames> {
    let Request {
        selection: Selection { only, exclude },
        allow_replace,
        resend,
        ..
    } = request;
    let names = [only, exclude, allow_replace, &resend.names];
    if names.iter().all(|names| names.is_empty()) {
        return Ok(());
    }
    let known = KnownNames::of(&opened.manifest, &opened.ledger);
    check_names(
        &request.selection,
        &request.allow_replace,
        &request.resend,
        &known,
    )
}
