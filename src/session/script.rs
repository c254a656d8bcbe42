//! The script of a manual set-up: which one an integration needs now, and its text.

use std::collections::HashSet;

use super::{Access, OpenError, Preparation, Prepared, SecretSelection, Session, Watcher, Wishes};
use crate::immuta::{ApiError, HttpTransport, RequestBody, encode};
use crate::ledger::Ledger;
use crate::ledger::place::Trust;
use crate::live::{Live, RemoteId};
use crate::manifest::{Integration, Manifest, Name, Unbound};
use crate::plan::{
    self, Block, Plan, ScriptSituation, script_body, script_kinds, script_situation,
};
use crate::platform::{Platform, ScriptKind};
use crate::secret::Secret;
use crate::settings::run::RunSettings;
use crate::sync::{self, SyncError};

/// A script that was fetched, and what follows it.
#[derive(Debug)]
pub struct ScriptResult {
    /// The name of the integration.
    pub name: Name,
    /// Its platform.
    pub platform: &'static Platform,
    /// The script; `None` if the integration needs none now.
    pub script: Option<(ScriptKind, Secret)>,
    /// The kinds of scripts that are run after it.
    pub next: Vec<ScriptKind>,
    /// The situation of the integration; `None` if the plan has an obstacle and a kind was given.
    pub situation: Option<ScriptSituation>,
}

/// A script that could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The settings, the files or the ledger.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The tenant could not be read.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The request for the script failed.
    #[error("cannot fetch the script")]
    Fetch(#[source] ApiError),
    /// No file has the name, and no recorded integration.
    #[error("no valid file describes {name}, and no recorded integration has this name")]
    Unknown {
        /// The name.
        name: Name,
        /// The most similar name in the files.
        near: Option<Name>,
    },
    /// Immuta sets the integration up itself.
    #[error("{0} is set up automatically, so it has no scripts")]
    Automatic(Name),
    /// The platform has no scripts.
    #[error("{0} has no scripts")]
    NoScripts(&'static str),
    /// The platform has others.
    #[error("{platform} has no {kind} script")]
    NoSuchScript {
        /// The platform.
        platform: &'static str,
        /// The kind.
        kind: ScriptKind,
        /// The kinds that exist.
        kinds: &'static [ScriptKind],
    },
    /// The script is about an integration that does not exist.
    #[error("{name} does not exist in the tenant, so it has no {kind} script")]
    NotLive {
        /// The name.
        name: Name,
        /// The kind.
        kind: ScriptKind,
    },
    /// The script is made from a file.
    #[error("no valid file describes {name}, so there is no {kind} script")]
    NotDescribed {
        /// The name.
        name: Name,
        /// The kind.
        kind: ScriptKind,
    },
    /// The plan for the integration has an obstacle, so the script is not certain.
    #[error("{name} is blocked: {block}")]
    Blocked {
        /// The name.
        name: Name,
        /// The obstacle.
        block: Box<Block>,
    },
    /// A file that cannot be read may describe the integration.
    #[error("no valid file describes {0}, but a file with errors may describe it")]
    Uncertain(Name),
    /// The directory may be the wrong one.
    #[error("no script was chosen for {0}, because the files describe no integrations")]
    NoFiles(Name),
    /// A secret has no value.
    #[error("cannot resolve a secret of {name}: {reason}")]
    MissingSecret {
        /// The name.
        name: Name,
        /// The reason.
        reason: String,
    },
    /// A secret may not go to the host of the integration.
    #[error("{0}")]
    Unbound(Unbound),
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
    let prepared = session.prepare(settings, opened, preparation).await?;
    let (plan, live) = planned(&prepared, &ledger).await?;
    let target = target(&prepared, &plan, &live, name, kind)?;
    let platform = target.platform;
    if platform.scripts.kinds.is_empty() {
        return Err(ScriptError::NoScripts(platform.title));
    }
    let situation = target.situation;
    let kinds = situation.map_or_else(Vec::new, |situation| script_kinds(platform, situation));
    let chosen = kind.or_else(|| kinds.first().copied());
    let mut result = ScriptResult {
        name: name.to_owned(),
        platform,
        script: None,
        next: Vec::new(),
        situation,
    };
    let Some(chosen) = chosen else {
        return Ok(result);
    };
    let position = kinds.iter().position(|kind| *kind == chosen);
    let after = position.and_then(|position| kinds.get(position + 1..));
    result.next = after.unwrap_or_default().to_vec();
    let script = fetched(&prepared, &target, name, chosen).await?;
    result.script = Some((chosen, script));
    Ok(result)
}

/// Reads the tenant and plans.
async fn planned(
    prepared: &Prepared<HttpTransport>,
    ledger: &Ledger,
) -> Result<(Plan, Live), SyncError> {
    let (request, desired) = (&prepared.request, &prepared.desired);
    let live = sync::read_tenant(&prepared.reader, request, ledger).await?;
    let recovery = plan::recover(ledger, &live, request.apply.clock.now());
    Ok((sync::plan(desired, &live, request, &recovery), live))
}

/// The integration that the script is about.
struct ScriptTarget<'p> {
    platform: &'static Platform,
    integration: Option<&'p Integration>,
    id: Option<RemoteId>,
    situation: Option<ScriptSituation>,
}

/// Finds the integration by its file, or, where the file is gone, by its record.
fn target<'p>(
    prepared: &'p Prepared<HttpTransport>,
    plan: &Plan,
    live: &Live,
    name: &str,
    kind: Option<ScriptKind>,
) -> Result<ScriptTarget<'p>, ScriptError> {
    let manifest = &prepared.desired.manifest;
    let integration = manifest.find(name);
    let action = plan.actions.iter().find(|action| action.name == name);
    let forgotten = plan
        .unmanaged
        .iter()
        .find(|it| it.recorded.as_deref() == Some(name));
    let of = |id: &RemoteId| live.integrations.iter().find(|it| it.id == *id);
    let id = action.and_then(|action| action.kind.id());
    let found = id.or(forgotten.map(|it| &it.id)).and_then(of);
    let is_automatic = match integration {
        Some(integration) => integration.auto_bootstrap == Some(true),
        None => found.is_some_and(|it| it.auto_bootstrap == Some(true)),
    };
    if is_automatic {
        return Err(ScriptError::Automatic(name.to_owned()));
    }
    let situation = match (action, forgotten) {
        (Some(action), _) => match script_situation(action) {
            Ok(situation) => Some(situation),
            Err(_) if kind.is_some() => None,
            Err(block) => {
                return Err(ScriptError::Blocked {
                    name: name.to_owned(),
                    block: Box::new(block.clone()),
                });
            }
        },
        (None, Some(_)) if kind.is_none() => {
            check_gone(name, manifest)?;
            Some(ScriptSituation::Gone)
        }
        (None, Some(_)) => Some(ScriptSituation::Gone),
        (None, None) => None,
    };
    let platform = integration.map(|it| it.platform);
    let platform = platform.or_else(|| found.and_then(|it| it.platform));
    let Some(platform) = platform else {
        return Err(ScriptError::Unknown {
            name: name.to_owned(),
            near: manifest.nearest_name(name),
        });
    };
    Ok(ScriptTarget {
        platform,
        integration,
        id: found.map(|it| it.id.clone()),
        situation,
    })
}

/// A file with errors may describe the integration under its name: then nothing is gone.
fn check_gone(name: &str, manifest: &Manifest) -> Result<(), ScriptError> {
    if manifest.integrations.is_empty() && manifest.invalid.is_empty() {
        return Err(ScriptError::NoFiles(name.to_owned()));
    }
    if !manifest.incomplete && manifest.invalid.is_empty() {
        return Ok(());
    }
    Err(ScriptError::Uncertain(name.to_owned()))
}

/// Asks the server for the script.
async fn fetched(
    prepared: &Prepared<HttpTransport>,
    target: &ScriptTarget<'_>,
    name: &str,
    kind: ScriptKind,
) -> Result<Secret, ScriptError> {
    let kinds = target.platform.scripts.kinds;
    if !kinds.contains(&kind) {
        return Err(ScriptError::NoSuchScript {
            platform: target.platform.title,
            kind,
            kinds,
        });
    }
    let id = match (&target.id, kind.names_integration()) {
        (Some(id), true) => Some(id),
        (None, true) => {
            return Err(ScriptError::NotLive {
                name: name.to_owned(),
                kind,
            });
        }
        (_, false) => None,
    };
    let body = match kind {
        ScriptKind::Delete => None,
        ScriptKind::InitialCreate
        | ScriptKind::Create
        | ScriptKind::Edit
        | ScriptKind::Cleanup
        | ScriptKind::PostCleanup => Some(body(prepared, target, name, kind)?),
    };
    let script = prepared.reader.script(kind, id, body.as_ref());
    script.await.map_err(ScriptError::Fetch)
}

/// The body that a create of the file would send.
fn body(
    prepared: &Prepared<HttpTransport>,
    target: &ScriptTarget<'_>,
    name: &str,
    kind: ScriptKind,
) -> Result<RequestBody, ScriptError> {
    let Some(integration) = target.integration else {
        return Err(ScriptError::NotDescribed {
            name: name.to_owned(),
            kind,
        });
    };
    let (body, desired) = (script_body(integration), &prepared.desired);
    body.admit(&desired.manifest.bindings)
        .map_err(ScriptError::Unbound)?;
    let resolve = |reference: &_| desired.secrets.get(reference);
    let encoded = encode(body.platform, body.auto_bootstrap, &body.config, resolve);
    encoded.map_err(|missing| ScriptError::MissingSecret {
        name: name.to_owned(),
        reason: missing.to_string(),
    })
}
