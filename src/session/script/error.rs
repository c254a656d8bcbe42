//! Reasons for which no script is fetched.

use crate::immuta::ApiError;
use crate::manifest::{Name, Suspend, Unbound};
use crate::plan::{Block, PreconditionFailure};
use crate::platform::ScriptKind;
use crate::session::OpenError;
use crate::sync::SyncError;

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
    /// Immuta carries out this part of a replacement itself.
    #[error(
        "Immuta {} the resources of {name} itself, so there is no {kind} script",
        if kind.is_of_removal() { "removes" } else { "creates" }
    )]
    AutomaticPart {
        /// The name.
        name: Name,
        /// The kind.
        kind: ScriptKind,
    },
    /// The platform has no scripts.
    #[error("{platform} has no scripts")]
    NoScripts {
        /// The name.
        name: Name,
        /// The platform.
        platform: &'static str,
        /// True if it has a configuration snippet.
        has_snippet: bool,
    },
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
        /// True if its creation failed.
        creation_failed: bool,
    },
    /// The script would not lead to what a sync does.
    #[error(transparent)]
    Refused(#[from] ScriptRefusal),
    /// It is no longer as it was in the plan.
    #[error("{name} has changed since it was compared with its file")]
    Changed {
        /// The name.
        name: Name,
        /// The difference; `None` if it is gone.
        #[source]
        difference: Option<PreconditionFailure>,
    },
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

/// A script that would not lead to what a sync does.
#[derive(Debug, thiserror::Error)]
pub enum ScriptRefusal {
    /// The plan for the integration has an obstacle, so the script is not certain.
    #[error("{name} is blocked: {block}")]
    Blocked {
        /// The name.
        name: Name,
        /// The obstacle.
        block: Box<Block>,
        /// True if a file describes it.
        is_described: bool,
        /// True if the script of a deletion can be had by naming its kind.
        offers_delete: bool,
    },
    /// It is deleted and created again, which should not begin by mistake.
    #[error("{name} cannot be edited, only deleted and created again")]
    Replacement {
        /// The name.
        name: Name,
        /// The kinds of the scripts that the replacement needs, in order.
        kinds: Vec<ScriptKind>,
    },
    /// Its writes are suspended, and it would be deleted.
    #[error("{name} is suspended, so it will not be deleted: {suspend}")]
    Suspended {
        /// The name.
        name: Name,
        /// The suspension.
        suspend: Suspend,
    },
    /// It is not this tool's to delete.
    #[error("{0} will not be deleted: integrationd neither created nor adopted it")]
    NotOwned(Name),
    /// Its creation failed: the scripts of a deletion and of an edit are for the others.
    #[error("the creation of {name} failed, so it has no {kind} script")]
    CreationFailed {
        /// The name.
        name: Name,
        /// The kind.
        kind: ScriptKind,
        /// True if a file describes it.
        is_described: bool,
    },
    /// Its resources are in use.
    #[error("{name} was created successfully, so it has no {kind} script")]
    InUse {
        /// The name.
        name: Name,
        /// The kind.
        kind: ScriptKind,
    },
    /// The directory may be the wrong one.
    #[error("no script was chosen for {0}, because the files describe no integrations")]
    NoFiles(Name),
}
