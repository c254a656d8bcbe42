//! Reasons why a necessary action cannot be carried out, and their remedies.

use super::change::{Change, DisplayValue};
use super::evidence::{Contested, UnknownOutcome};
use super::undeletable::allow_removal;
pub use super::undeletable::{Freeze, Undeletable};
use super::wording::list;
use crate::follow_up::command;
use crate::live::{IntegrationStatus, RemoteId};
use crate::manifest::{Name, Unbound};
use crate::platform::AttributePath;
use crate::reason::{Outlook, Reason};

/// Reason why an action cannot be carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Block {
    /// Its document has an error.
    #[error("the file has errors")]
    InvalidFile,
    /// Its file no longer holds a document.
    #[error("{file} no longer contains a document: it may have been truncated while it was saved")]
    EmptyFile {
        /// The name of the integration.
        name: Name,
        /// The file.
        file: String,
    },
    /// It belongs to a connection.
    #[error("integration {id} belongs to connection {key}, so integrationd never writes to it")]
    OwnedByConnection {
        /// The live integration.
        id: RemoteId,
        /// The key of the connection.
        key: String,
    },
    /// It is unknown whether the integration belongs to a connection.
    #[error("the integration may belong to a connection: {reason}")]
    OwnersUnknown {
        /// The read that is missing.
        reason: String,
        /// True if the next read may show it.
        passes: bool,
    },
    /// The server is at work on it.
    #[error("integration {id} is busy: its status is `{status}`")]
    Busy {
        /// The live integration.
        id: RemoteId,
        /// Its status.
        status: IntegrationStatus,
    },
    /// Someone disabled it by force.
    #[error("integration {id} was force-disabled without a clean-up on the platform")]
    Disabled {
        /// The live integration.
        id: RemoteId,
    },
    /// More than one live integration could be meant.
    #[error("several live integrations match: {}", list(ids))]
    AmbiguousLive {
        /// Those that could be.
        ids: Vec<RemoteId>,
    },
    /// More than one file could describe the same live integration.
    #[error("the integration cannot be distinguished from {}", list(others))]
    AmbiguousFiles {
        /// The names of the others.
        others: Vec<Name>,
    },
    /// `sync.id` names nothing.
    #[error("`sync.id` is {id}, but no integration has that id")]
    PinMissing {
        /// The pin.
        id: RemoteId,
    },
    /// `sync.id` names an integration of another type.
    #[error("`sync.id` is {id}, but integration {id} has type `{found}`")]
    PinType {
        /// The pin.
        id: RemoteId,
        /// The type on the server.
        found: String,
    },
    /// `sync.id` names an integration with another identity.
    #[error(
        "`sync.id` is {id}, but the {attribute} of integration {id} is {found}, and the file has \
        {wanted}"
    )]
    PinIdentity {
        /// The pin.
        id: RemoteId,
        /// The attribute that identifies it.
        attribute: &'static str,
        /// Its value on the server.
        found: String,
        /// Its value in the file.
        wanted: String,
    },
    /// It differs, and it is not certain that this is the one.
    #[error("integration {id} is only a probable match, and {}", difference(paths))]
    NeedsPin {
        /// The live integration.
        id: RemoteId,
        /// The differing attributes; empty if only its creation failed.
        paths: Vec<AttributePath>,
    },
    /// It is not certain that this is the one, and no operator named it for the adoption.
    #[error("integration {id} is only a probable match, and such a match is adopted only by name")]
    NeedsName {
        /// The name in the files.
        name: Name,
        /// The live integration.
        id: RemoteId,
    },
    /// Its creation failed, and this platform has nothing to update.
    #[error(
        "the creation of integration {id} failed, and integrations of this type cannot be \
        updated"
    )]
    NeverUpdated {
        /// The live integration.
        id: RemoteId,
    },
    /// The server's list could not be read whole.
    #[error("the integration may already exist: {reason}")]
    UnknownScope {
        /// The unreadable part.
        reason: String,
    },
    /// A write was interrupted, and its outcome is unknown.
    #[error("{outcome}")]
    UnknownOutcome {
        /// The name of the integration.
        name: Name,
        /// The reason why it is unknown.
        outcome: UnknownOutcome,
    },
    /// The file and the server both moved, and the policy is to stop.
    #[error(
        "the file and the server have both changed {} since the last apply",
        list(paths)
    )]
    Conflict {
        /// The attributes.
        paths: Vec<AttributePath>,
    },
    /// It would be deleted, perhaps to be created again.
    #[error(transparent)]
    NotDeleted(#[from] Undeletable),
    /// The server did not keep what it was sent, and nothing has moved since.
    #[error(
        "the integration does not converge: the server does not keep {}",
        kept_else(values)
    )]
    NotConverging {
        /// The attributes, with what is sent and what comes back.
        values: Vec<Change>,
    },
    /// Someone else keeps reverting it.
    #[error("someone else keeps changing {}", repaired(attributes))]
    Contested {
        /// The name of the integration.
        name: Name,
        /// The attributes, with the times of their repairs.
        attributes: Vec<Contested>,
    },
    /// The record names another integration than the file now describes.
    #[error(
        "the file was applied to integration {id} with a different {attribute}, so the change \
        requires a replacement"
    )]
    Replacement {
        /// The name of the integration.
        name: Name,
        /// The integration that was made from this file.
        id: RemoteId,
        /// The attribute that identifies it.
        attribute: &'static str,
    },
    /// The record names another integration than the one that the file now describes.
    #[error(
        "the file was applied to integration {id} with a different {attribute}, but now describes \
        integration {other}"
    )]
    Moved {
        /// The name of the integration.
        name: Name,
        /// The integration that was made from this file.
        id: RemoteId,
        /// The attribute that distinguishes the two.
        attribute: &'static str,
        /// The integration that it describes now.
        other: RemoteId,
        /// The name under which that one is recorded.
        recorded: Option<Name>,
    },
    /// An update replaces the whole configuration and would drop stored secrets.
    #[error("an update {}", dropped(paths, possible))]
    SecretNotGiven {
        /// The attributes of secrets that the server has.
        paths: Vec<AttributePath>,
        /// The attributes of secrets that the server may have.
        possible: Vec<AttributePath>,
    },
    /// An update would change a value that is left to the server and that it does not show.
    #[error(
        "an update would change {}: the server's value cannot be sent back, because it is masked \
        or contains a secret",
        list(paths)
    )]
    ValueHidden {
        /// The attributes.
        paths: Vec<AttributePath>,
    },
    /// A reference may not go where the request leads, with what the server has.
    #[error("with the server's current values, {0}")]
    Unbound(Unbound),
    /// It failed a moment ago.
    #[error("the last write failed; the next attempt is at {until:.0}")]
    BackingOff {
        /// The time.
        until: jiff::Timestamp,
    },
    /// A secret that the body needs is not available.
    #[error("{}", reasons.join("; "))]
    MissingSecret {
        /// The missing secrets, each with its reference.
        reasons: Vec<String>,
    },
}

fn help_of_ambiguous(ids: &[RemoteId]) -> String {
    let example = ids.first().map_or("", RemoteId::as_str);
    format!("select one with `sync: {{id: \"{example}\"}}` in the file")
}

const HELP_OF_HIDDEN: &str = "set a different value in Immuta, or apply the file's value with \
    `--on-drift apply` and without `sync.ignore`";

impl Block {
    /// The reason.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::InvalidFile => Reason::InvalidFile,
            Self::EmptyFile { .. } => Reason::EmptyFile,
            Self::OwnedByConnection { .. } => Reason::OwnedByConnection,
            Self::OwnersUnknown { .. } => Reason::OwnersUnknown,
            Self::Busy { .. } => Reason::Busy,
            Self::Disabled { .. } => Reason::Disabled,
            Self::AmbiguousLive { .. } => Reason::AmbiguousLive,
            Self::AmbiguousFiles { .. } => Reason::AmbiguousFiles,
            Self::PinMissing { .. } => Reason::PinMissing,
            Self::PinType { .. } => Reason::PinType,
            Self::PinIdentity { .. } => Reason::PinIdentity,
            Self::NeedsPin { .. } | Self::NeedsName { .. } => Reason::NeedsPin,
            Self::NeverUpdated { .. } => Reason::NeverUpdated,
            Self::UnknownScope { .. } => Reason::UnknownScope,
            Self::UnknownOutcome { .. } => Reason::InDoubt,
            Self::Conflict { .. } => Reason::Conflict,
            Self::NotDeleted(undeletable) => undeletable.reason(),
            Self::NotConverging { .. } => Reason::NotConverging,
            Self::Contested { .. } => Reason::Contested,
            Self::Replacement { .. } => Reason::Replacement,
            Self::Moved { .. } => Reason::Moved,
            Self::SecretNotGiven { .. } => Reason::SecretNotGiven,
            Self::ValueHidden { .. } => Reason::ValueHidden,
            Self::Unbound(_) => Reason::UnboundReference,
            Self::BackingOff { .. } => Reason::BackingOff,
            Self::MissingSecret { .. } => Reason::MissingSecret,
        }
    }

    /// True if it may end by itself.
    #[must_use]
    pub fn passes(&self) -> bool {
        if let Self::UnknownOutcome { outcome, .. } = self {
            return !matches!(outcome, UnknownOutcome::Tie { .. });
        }
        if let Self::OwnersUnknown { passes, .. } = self {
            return *passes;
        }
        match self.reason().outlook() {
            Outlook::Passes | Outlook::Quiet => true,
            Outlook::Lasts | Outlook::Chosen => false,
        }
    }

    /// The remedy.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::InvalidFile => "fix the errors in the file; until then, integrationd does not write to the live integration".into(),
            Self::EmptyFile { name, .. } => allow_removal(name),
            Self::OwnedByConnection { key, .. } => format!(
                "remove the file, and make the change in connection {key} in Immuta"
            ),
            Self::OwnersUnknown { .. } => {
                "try again when the connections can be read; if the tenant has none, use `--connections none`".into()
            }
            Self::Busy { .. } => "wait until the server has finished, then try again".into(),
            Self::Disabled { .. } => {
                "enable or delete the integration in Immuta's settings, then try again".into()
            }
            Self::AmbiguousLive { ids } => help_of_ambiguous(ids),
            Self::AmbiguousFiles { .. } => {
                "create the integrations one at a time, and set `sync.id` in each file once its integration exists".into()
            }
            Self::PinMissing { .. } => {
                "correct `sync.id`, or remove it to create the integration".into()
            }
            Self::PinType { .. } | Self::PinIdentity { .. } => {
                "correct `sync.id`, or remove it".into()
            }
            Self::NeedsPin { id, .. } => help_of_probable(&format!("confirm it with `sync: {{id: \"{id}\"}}` in the file")),
            Self::NeedsName { name, .. } => help_of_probable(&format!("run `{}`", command("adopt", &[name]))),
            Self::NeverUpdated { id } => {
                format!("delete integration {id} in Immuta, then try again")
            }
            Self::UnknownScope { .. } => {
                "try again, or report the problem to Immuta: nothing is created while the tenant's list cannot be read completely".into()
            }
            Self::UnknownOutcome { name, outcome: UnknownOutcome::Tie { .. } } => format!(
                "check these integrations in Immuta, then run `{}` with `--adopt ID` or `--retry`",
                command("resolve", &[name])
            ),
            Self::UnknownOutcome { .. } => "try again in a minute".into(),
            Self::Conflict { .. } => {
                "compare both values, then change the file, or apply it with `--on-conflict apply`".into()
            }
            Self::Replacement { name, attribute, .. } => format!(
                "change {attribute} back; or allow integrationd to delete and recreate the integration with `--allow-replace {name}`; or give the new integration a different name"
            ),
            Self::Moved { name, attribute, other, recorded, .. } => {
                moved(name, attribute, other, recorded.as_deref())
            }
            Self::NotDeleted(undeletable) => undeletable.help(),
            Self::NotConverging { values } => help_of_not_converging(values),
            Self::Contested { name, .. } => help_of_contested(name),
            Self::ValueHidden { .. } => HELP_OF_HIDDEN.into(),
            Self::SecretNotGiven { paths, possible } => help_of_dropped(paths, possible),
            Self::Unbound(unbound) => not_bound(unbound),
            Self::BackingOff { .. } => {
                "change the file or the secret to retry immediately, or run `systemctl reload integrationd` to retry everything".into()
            }
            Self::MissingSecret { .. } => "provide the secret, then try again".into(),
        }
    }
}

/// The remedy for a probable match.
fn help_of_probable(confirm: &str) -> String {
    format!("if the match is correct, {confirm}")
}

/// The ways out for a reference that may not go where the server leads.
fn not_bound(unbound: &Unbound) -> String {
    let allowed = &unbound.allowed;
    match &unbound.path {
        Some(path) => format!("correct {path} in Immuta, or set it in the file; {allowed}"),
        None => allowed.clone(),
    }
}

/// The remedy for a file that describes another integration than the one made from it.
fn moved(name: &str, attribute: &str, other: &RemoteId, recorded: Option<&str>) -> String {
    match recorded {
        Some(recorded) => format!(
            "if {recorded} was renamed to {name}, declare the rename with `sync: {{previously: \
            [{recorded}]}}`; or change {attribute} back"
        ),
        None => format!(
            "rename {name} to manage integration {other} under the new name; or change \
            {attribute} back"
        ),
    }
}

/// Sent and returned values, as far as they may be shown.
fn kept_else(values: &[Change]) -> String {
    let shown = |shown: &DisplayValue| match shown {
        DisplayValue::Absent => "nothing".to_owned(),
        DisplayValue::Plain(json) => json.to_string(),
        DisplayValue::Hidden => "a hidden value".to_owned(),
    };
    let one = |change: &Change| {
        let Change {
            path,
            before,
            after,
            ..
        } = change;
        format!("{path} (sent {}, found {})", shown(after), shown(before))
    };
    list(&values.iter().map(one).collect::<Vec<_>>())
}

fn help_of_not_converging(values: &[Change]) -> String {
    let path = values.first().map_or("", |change| change.path.as_str());
    format!(
        "set the value in the file to the one that the server returns, or ignore the attribute \
        with `sync: {{ignore: [{{path: /{path}, reason: ...}}]}}`; integrationd retries only if \
        the file or the server changes"
    )
}

fn help_of_contested(name: &str) -> String {
    let sync = command("sync", &["--only", name]);
    format!(
        "find out who or what changes the value, such as another installation of integrationd; \
        then run `systemctl reload integrationd` or `{sync}` to repair \
        the integration and reset the count; until then, integrationd writes to it only if its \
        file or a secret changes"
    )
}

/// The effect of an update on stored secrets.
fn dropped(certain: &[AttributePath], possible: &[AttributePath]) -> String {
    let stored = "stored secrets that are not in the file";
    match (certain, possible) {
        (certain, []) => format!("would drop {stored}: {}", list(certain)),
        ([], possible) => format!("may drop {stored}: {}", list(possible)),
        (certain, possible) => format!(
            "would drop {stored}: {}; and may drop {}",
            list(certain),
            list(possible)
        ),
    }
}

fn help_of_dropped(certain: &[AttributePath], possible: &[AttributePath]) -> String {
    let reference = "add each secret to the file as a reference";
    let Some(path) = possible.first() else {
        return format!("{reference}; to drop a stored secret, write `null` as its value");
    };
    let key = path.keys().last().unwrap_or_default();
    let none = if certain.is_empty() {
        "if the integration has no such secret"
    } else {
        "if the integration has no such secret, or to drop it"
    };
    format!("{reference}, such as `{key}: ${{env:NAME}}`; {none}, write `{key}: null`")
}

/// Each attribute with the times of its repairs.
fn repaired(attributes: &[Contested]) -> String {
    let one = |Contested { path, times }: &Contested| {
        let times: Vec<String> = times.iter().map(|at| format!("{at:.0}")).collect();
        format!(
            "{path}, which was repaired {} times within one day: at {}",
            times.len(),
            list(&times)
        )
    };
    let attributes: Vec<String> = attributes.iter().map(one).collect();
    attributes.join("; ")
}

/// Purpose of an update: after a failed creation there may be no difference.
fn difference(paths: &[AttributePath]) -> String {
    if paths.is_empty() {
        "its creation failed".to_owned()
    } else {
        format!("it differs in {}", list(paths))
    }
}
