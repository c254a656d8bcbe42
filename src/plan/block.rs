//! Why something that would have to be done cannot be, and what to do about it.

use super::change::{Change, DisplayValue};
use super::evidence::{Contested, UnknownOutcome};
use super::undeletable::allow_removal;
pub use super::undeletable::{Freeze, Undeletable};
use super::wording::list;
use crate::live::{IntegrationStatus, RemoteId};
use crate::manifest::{Name, Unbound};
use crate::reason::{Outlook, Reason};

/// Why an action cannot be carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Block {
    /// Its document has an error.
    #[error("its file is invalid")]
    InvalidFile,
    /// Its file no longer holds a document.
    #[error("{file} no longer holds a document: it may have been cut short while it was saved")]
    EmptyFile {
        /// The name of the integration.
        name: Name,
        /// The file.
        file: String,
    },
    /// It belongs to a connection.
    #[error("integration {id} belongs to connection {key}, and is never written")]
    OwnedByConnection {
        /// The live integration.
        id: RemoteId,
        /// The key of the connection.
        key: String,
    },
    /// It is unknown whether the integration belongs to a connection.
    #[error("it may belong to a connection: {reason}")]
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
    #[error("integration {id} was disabled by force, without a clean-up on the platform")]
    Disabled {
        /// The live integration.
        id: RemoteId,
    },
    /// More than one live integration could be meant.
    #[error("more than one live integration could be meant: {}", list(ids))]
    AmbiguousLive {
        /// Those that could be.
        ids: Vec<RemoteId>,
    },
    /// More than one file could describe the same live integration.
    #[error("nothing tells it apart from {}", list(others))]
    AmbiguousFiles {
        /// The names of the others.
        others: Vec<Name>,
    },
    /// `sync.id` names nothing.
    #[error("`sync.id` is {id}, and there is no integration with that id")]
    PinMissing {
        /// The pin.
        id: RemoteId,
    },
    /// `sync.id` names an integration of another type.
    #[error("`sync.id` is {id}, and that integration is of type `{found}`")]
    PinType {
        /// The pin.
        id: RemoteId,
        /// The type on the server.
        found: String,
    },
    /// `sync.id` names an integration with another identity.
    #[error("`sync.id` is {id}, and the {attribute} of that integration is {found}, not {wanted}")]
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
    #[error(
        "integration {id} is probably meant, but nothing proves it, and {}",
        difference(paths)
    )]
    NeedsPin {
        /// The live integration.
        id: RemoteId,
        /// Where it differs; nowhere if only its creation failed.
        paths: Vec<String>,
    },
    /// Its creation failed, and this platform has nothing to update.
    #[error("the creation of integration {id} failed, and this platform cannot be updated")]
    NeverUpdated {
        /// The live integration.
        id: RemoteId,
    },
    /// The server's list could not be read whole.
    #[error("it may already exist: {reason}")]
    UnknownScope {
        /// What could not be read.
        reason: String,
    },
    /// A write was cut short, and nobody can tell how it ended.
    #[error("{outcome}")]
    UnknownOutcome {
        /// The name of the integration.
        name: Name,
        /// Why nobody can tell.
        outcome: UnknownOutcome,
    },
    /// The file and the server both moved, and the policy is to stop.
    #[error(
        "the file and the server both changed {} since the last apply",
        list(paths)
    )]
    Conflict {
        /// The attributes.
        paths: Vec<String>,
    },
    /// It would be deleted, perhaps to be created again.
    #[error(transparent)]
    NotDeleted(#[from] Undeletable),
    /// The server did not keep what it was sent, and nothing has moved since.
    #[error("it does not converge: the server does not keep {}", kept_else(values))]
    NotConverging {
        /// The attributes, with what is sent and what comes back.
        values: Vec<Change>,
    },
    /// Somebody else keeps setting it back.
    #[error("somebody else keeps changing {}", repaired(attributes))]
    Contested {
        /// The name of the integration.
        name: Name,
        /// The attributes, with the times of their repairs.
        attributes: Vec<Contested>,
    },
    /// The record names another integration than the file now describes.
    #[error("it was integration {id} with another {attribute}: this would be a replacement")]
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
        "it was integration {id} with another {attribute}, and now it describes integration {other}"
    )]
    Moved {
        /// The name of the integration.
        name: Name,
        /// The integration that was made from this file.
        id: RemoteId,
        /// The attribute that tells the two apart.
        attribute: &'static str,
        /// The integration that it describes now.
        other: RemoteId,
        /// The name under which that one is recorded.
        recorded: Option<Name>,
    },
    /// An update replaces the whole configuration and would drop stored secrets.
    #[error(
        "an update would drop the stored {}, which the file does not give",
        list(paths)
    )]
    SecretNotGiven {
        /// The attributes.
        paths: Vec<String>,
    },
    /// An update would change a value that is left to the server and that it does not show.
    #[error(
        "an update would change {}, which is left to the server: its value there is a mask, or holds a secret",
        list(paths)
    )]
    ValueHidden {
        /// The attributes.
        paths: Vec<String>,
    },
    /// A reference may not go where the request leads, with what the server has.
    #[error("{0}, as the server has it")]
    Unbound(Unbound),
    /// It failed a moment ago.
    #[error("its last write failed; it is tried again at {until:.0}")]
    BackingOff {
        /// When.
        until: jiff::Timestamp,
    },
    /// A secret that the body needs is not available.
    #[error("{}", reasons.join("; "))]
    MissingSecret {
        /// What is missing, each with its reference.
        reasons: Vec<String>,
    },
}

fn help_of_ambiguous(ids: &[RemoteId]) -> String {
    let example = ids.first().map_or("", RemoteId::as_str);
    format!("say which one with `sync: {{id: \"{example}\"}}` in the file")
}

const HELP_OF_HIDDEN: &str = "set another value in Immuta; or let the file's value win, with `--on-drift apply` and without `sync.ignore`";

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
            Self::NeedsPin { .. } => Reason::NeedsPin,
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

    /// True if it may end without anybody doing anything.
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

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::InvalidFile => "fix its errors; until then the live integration is not touched".into(),
            Self::EmptyFile { name, .. } => allow_removal(name),
            Self::OwnedByConnection { key, .. } => format!(
                "remove the file, and change the settings of connection {key} in Immuta"
            ),
            Self::OwnersUnknown { .. } => {
                "run this again once the connections can be read; if the tenant has none, say so with `--connections none`".into()
            }
            Self::Busy { .. } => "wait until the server is done, then run this again".into(),
            Self::Disabled { .. } => {
                "enable or delete it in Immuta's settings, then run this again".into()
            }
            Self::AmbiguousLive { ids } => help_of_ambiguous(ids),
            Self::AmbiguousFiles { .. } => {
                "create them one at a time, and give each its `sync.id` once it exists".into()
            }
            Self::PinMissing { .. } => {
                "correct `sync.id`, or remove it to let the integration be created".into()
            }
            Self::PinType { .. } | Self::PinIdentity { .. } => {
                "correct `sync.id`, or remove it".into()
            }
            Self::NeedsPin { id, .. } => {
                format!("if it is the one, say so with `sync: {{id: \"{id}\"}}` in the file")
            }
            Self::NeverUpdated { id } => {
                format!("delete integration {id} in Immuta, then run this again")
            }
            Self::UnknownScope { .. } => {
                "nothing is created from a list that cannot be read whole: try again, or report it to Immuta".into()
            }
            Self::UnknownOutcome { name, outcome: UnknownOutcome::Tie { .. } } => format!(
                "look at them in Immuta, then run `integrationd resolve {name} --adopt ID` or `--retry`"
            ),
            Self::UnknownOutcome { .. } => "run this again in a minute".into(),
            Self::Conflict { .. } => {
                "look at both, then change the file, or let it win with `--on-conflict apply`".into()
            }
            Self::Replacement { name, attribute, .. } => format!(
                "change {attribute} back; or let it be deleted and created again with `--allow-replace {name}`; or give the new one another name"
            ),
            Self::Moved { name, attribute, other, recorded, .. } => {
                moved(name, attribute, other, recorded.as_deref())
            }
            Self::NotDeleted(undeletable) => undeletable.help(),
            Self::NotConverging { values } => help_of_not_converging(values),
            Self::Contested { name, .. } => help_of_contested(name),
            Self::ValueHidden { .. } => HELP_OF_HIDDEN.into(),
            Self::SecretNotGiven { .. } => {
                "give it in the file, as a reference; if there is none, give the rest of its object".into()
            }
            Self::Unbound(unbound) => not_bound(unbound),
            Self::BackingOff { .. } => {
                "another file or secret is tried at once; `systemctl reload integrationd` tries everything".into()
            }
            Self::MissingSecret { .. } => "provide it and run this again".into(),
        }
    }
}

/// The ways out for a reference that may not go where the server leads.
fn not_bound(unbound: &Unbound) -> String {
    let allowed = &unbound.allowed;
    match &unbound.path {
        Some(path) => format!("correct {path} in Immuta, or give it in the file; {allowed}"),
        None => allowed.clone(),
    }
}

/// The remedy for a file that describes another integration than the one made from it.
fn moved(name: &str, attribute: &str, other: &RemoteId, recorded: Option<&str>) -> String {
    match recorded {
        Some(recorded) => format!(
            "if {name} is now what {recorded} was, say so with `sync: {{previously: [{recorded}]}}`; or change {attribute} back"
        ),
        None => format!(
            "give the file another name than {name}, and it manages integration {other}; or change {attribute} back"
        ),
    }
}

/// What is sent and what comes back, as far as it may be shown.
fn kept_else(values: &[Change]) -> String {
    let shown = |shown: &DisplayValue| match shown {
        DisplayValue::Absent => "nothing".to_owned(),
        DisplayValue::Plain(json) => json.to_string(),
        DisplayValue::Hidden => "a value that is not shown".to_owned(),
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
    let path = values.first().map_or("", |change| &change.path);
    format!(
        "it is left alone until its file or the server changes: write the value as the server keeps it, or ignore it with `sync: {{ignore: [{{path: /{path}, reason: ...}}]}}`"
    )
}

fn help_of_contested(name: &str) -> String {
    format!(
        "find out who does, such as another installation on this tenant; it is left alone until its file describes something else, a secret of it changes, or an operator runs `systemctl reload integrationd` or `integrationd sync --only {name}`, which repairs it and counts anew"
    )
}

/// Each attribute with the times of its repairs.
fn repaired(attributes: &[Contested]) -> String {
    let one = |Contested { path, times }: &Contested| {
        let times: Vec<String> = times.iter().map(|at| format!("{at:.0}")).collect();
        format!(
            "{path}, which was repaired {} times within a day: at {}",
            times.len(),
            list(&times)
        )
    };
    let attributes: Vec<String> = attributes.iter().map(one).collect();
    attributes.join("; ")
}

/// What an update would be for: a creation that failed can be without a difference.
fn difference(paths: &[String]) -> String {
    if paths.is_empty() {
        "its creation failed".to_owned()
    } else {
        format!("it differs in {}", list(paths))
    }
}
