//! The script of a manual set-up: which one an integration needs now, and its text.

mod error;
mod planned;
mod target;

use std::collections::HashSet;

use super::{Access, Preparation, SecretSelection, Session, Watcher, Wishes};
use crate::ledger::place::Trust;
use crate::live::RemoteId;
use crate::manifest::{Name, Suspend};
use crate::plan::{Block, Policy};
use crate::platform::{AttributePath, Platform, ScriptKind};
use crate::secret::Secret;
use crate::settings::run::RunSettings;
use crate::sync::{self, SyncError};

pub use error::{ScriptError, ScriptRefusal};
use target::ScriptTarget;

/// A script that was fetched, and what follows it.
#[derive(Debug)]
pub struct ScriptResult {
    /// The name of the integration.
    pub name: Name,
    /// Its platform.
    pub platform: &'static Platform,
    /// The script; `None` if the integration needs none now.
    pub script: Option<(ScriptKind, Secret)>,
    /// The step after it.
    pub next: AfterScript,
    /// Secrets that were not compared, if it needs no script.
    pub not_compared: Vec<AttributePath>,
    /// The reason for a secret that is not available here, if it needs no script.
    pub missing: Option<String>,
}

/// The step after a script.
#[derive(Debug)]
pub enum AfterScript {
    /// The next script.
    Script(ScriptKind),
    /// A sync.
    Sync,
    /// A sync that deletes the integration, whose file is gone.
    Removal,
    /// The removal of the file, then a sync that deletes the integration.
    FileRemoval,
    /// A deletion in Immuta: no sync deletes an integration that is not this tool's own.
    ForeignRemoval(RemoteId),
    /// A sync that replaces the integration.
    Replacement,
    /// The scripts of a creation, after a cleanup of what does not exist.
    Restart,
    /// Nothing: the integration exists, and matches its file or is not created again.
    Nothing,
    /// Nothing before the suspension ends.
    Suspended(Suspend),
    /// Nothing before the obstacle is gone.
    Blocked(Box<Block>),
}

/// Fetches the script that an integration needs now, or the one of a given kind. Nothing is
/// sent but reads and the request for the script.
///
/// # Errors
/// There is no such script, or it could not be fetched.
pub async fn script(
    settings: &RunSettings,
    name: &str,
    kind: Option<ScriptKind>,
    watcher: &dyn Watcher,
) -> Result<ScriptResult, ScriptError> {
    let opening = Session::open_with_files(settings, Trust::AnyForRoot, Access::DryRun, watcher);
    let (session, opened) = opening.await?;
    let ledger = session.store().read().await.map_err(SyncError::from)?;
    let names = HashSet::from([name]);
    let preparation = Preparation {
        lookup: SecretSelection::Of(&names),
        ..Preparation::new(Wishes::default())
    };
    let mut prepared = session.prepare(settings, opened, preparation).await?;
    // With this policy, the plan says what stands against a deletion.
    prepared.request.policy = Policy::Sync;
    let (reader, desired) = (&prepared.reader, &prepared.desired);
    let planned = sync::make_plan(reader, desired, &prepared.request, &ledger).await;
    let planned = planned.map_err(SyncError::from)?;
    let target = ScriptTarget::find(&prepared, &planned, name)?;
    let kinds = target.kinds();
    let Some(chosen) = kind.or_else(|| kinds.first().copied()) else {
        target.check_unasked(&planned)?;
        return Ok(target.needs_none(&prepared));
    };
    if kind.is_none() {
        target.check_unasked(&planned)?;
    }
    target.check(&prepared, &planned, chosen)?;
    let script = target.fetched(&prepared, chosen).await?;
    Ok(ScriptResult {
        name: name.to_owned(),
        platform: target.platform(chosen),
        script: Some((chosen, script)),
        next: target.after(&planned, chosen, &kinds),
        not_compared: Vec::new(),
        missing: None,
    })
}
