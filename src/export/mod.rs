//! Files for what is live: day one of a tenant that was configured by hand.
//!
//! [`draft`] makes the text of a file for each live integration that no file describes,
//! with a reference wherever the server does not show a value. It is pure. [`disk`] writes
//! the files, all or none, and [`proof`] says in which of them a plan would change
//! something. [`update`] accepts drift: live values go into the text of a file that exists.

pub mod disk;
mod document;
mod drafts;
mod names;
pub mod proof;
mod template;
mod text;
pub mod update;
mod value;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Serialize;

pub use drafts::{derived_names, draft};
pub use template::{ReferenceTemplate, ReferenceTemplateError};

use crate::follow_up::command;
use crate::live::RemoteId;
use crate::manifest::{LostVariable, Name};
use crate::platform::{AUTO_BOOTSTRAP, AttributePath};
use crate::text::escaped;

/// Wishes for an export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// True if defaults of the server are written, too.
    pub with_defaults: bool,
    /// The form of references.
    pub template: ReferenceTemplate,
    /// Integrations whose files are written anew.
    pub overwrite: BTreeSet<Name>,
}

/// A secret, or a credential that the server does not keep, that a file refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToProvide {
    /// The name of the integration.
    pub integration: Name,
    /// The path of the attribute.
    pub attribute: AttributePath,
    /// The reference.
    pub reference: String,
    /// The documentation of the attribute.
    pub purpose: &'static str,
}

/// An attribute that a file does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Omission {
    /// This version does not know it.
    Unknown {
        /// Its path.
        path: AttributePath,
    },
    /// The server shows a mask in its place.
    Hidden {
        /// Its path.
        path: AttributePath,
    },
    /// Its inside is not documented, and counts as secret.
    Opaque {
        /// Its path.
        path: AttributePath,
    },
    /// It is required, and the server does not show it.
    NotShown {
        /// Its path.
        path: AttributePath,
    },
    /// The server shows a value that no file can have there.
    Shape {
        /// Its path.
        path: AttributePath,
    },
}

impl Omission {
    /// The attribute.
    #[must_use]
    pub fn path(&self) -> &AttributePath {
        match self {
            Self::Unknown { path }
            | Self::Hidden { path }
            | Self::Opaque { path }
            | Self::NotShown { path }
            | Self::Shape { path } => path,
        }
    }

    /// The reason, which completes "not in this file, because".
    fn reason(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown to this version of integrationd",
            Self::Hidden { .. } => "the server hides the value",
            Self::Opaque { .. } => {
                "the structure is not documented: add the attribute by hand if it is in use"
            }
            Self::NotShown { .. } => "required, but the server does not show the value: add it",
            Self::Shape { .. } => "the server shows a value that is not allowed in a file",
        }
    }
}

/// A file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportDraft {
    /// The name of the integration.
    pub name: Name,
    /// The path of the file below the directory.
    pub file: String,
    /// The id of the live integration.
    pub id: RemoteId,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// Its identity, where that is known.
    #[serde(skip)]
    pub identity: Option<String>,
    /// True if the integration may belong to a connection that could not be read.
    pub may_belong_to_connection: bool,
    /// True if the file exists and is written anew.
    pub overwrites: bool,
    /// References to variables in the file before, which the new one does not have.
    pub lost_variables: Vec<LostVariable>,
    /// Values that the file refers to.
    pub to_provide: Vec<ToProvide>,
    /// Stored secrets that the server may have, and never shows.
    pub may_hold: Vec<AttributePath>,
    /// Attributes that the server shows and the file does not have, and required ones that
    /// the server does not show.
    pub not_in_file: Vec<Omission>,
    /// The text of the file.
    pub text: String,
}

/// A live integration without a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportSkip {
    /// Its id.
    pub id: RemoteId,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its identity, where that is known.
    pub identity: Option<String>,
    /// The reason.
    pub reason: ExportSkipReason,
    /// True if its file was to be written anew.
    #[serde(skip)]
    pub is_requested: bool,
}

impl ExportSkip {
    /// True if the integration could have a file, or its file was to be written anew.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.is_requested || self.reason.is_failure()
    }
}

/// Reason not to write a file for a live integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportSkipReason {
    /// It belongs to the connection with this key.
    Connection(String),
    /// This version does not know its type.
    UnknownType,
    /// The server does not show `autoBootstrap`, which cannot be guessed.
    NoSetUp,
    /// `validate` would reject the file, with these mistakes.
    Invalid(String),
}

impl ExportSkipReason {
    /// True if the integration could have a file, and has none.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Connection(_) | Self::UnknownType => false,
            Self::NoSetUp | Self::Invalid(_) => true,
        }
    }
}

/// The reason as the end of a line.
impl std::fmt::Display for ExportSkipReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connection(key) => write!(f, "it belongs to connection {}", escaped(key)),
            Self::UnknownType => f.write_str("this version of integrationd does not know its type"),
            Self::NoSetUp => write!(f, "the server does not show `{AUTO_BOOTSTRAP}`"),
            Self::Invalid(mistakes) => {
                write!(f, "its file would be invalid: {}", escaped(mistakes))
            }
        }
    }
}

/// Everything that an export would write, and not.
#[derive(Debug, Clone, Default)]
pub struct ExportDrafts {
    /// The files, by name.
    pub files: Vec<ExportDraft>,
    /// The live integrations without one, by id.
    pub skipped: Vec<ExportSkip>,
}

/// Reason to write nothing at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportRefusal {
    /// A file that cannot be read may describe an integration.
    #[error("{0}: it may describe a live integration, so nothing is exported")]
    InvalidFiles(String),
    /// `--overwrite` names no file.
    #[error("no file describes {0}, so there is nothing to overwrite")]
    UnknownName(Name),
    /// `--overwrite` names a file whose integration is not known.
    #[error("no live integration is known for {0}, so its file cannot be rewritten")]
    NotLive(Name),
    /// `--update` names no file.
    #[error("no valid file describes {name}, so there is nothing to update")]
    NotDescribed {
        /// The name.
        name: Name,
        /// The most similar name in the files.
        near: Option<Name>,
    },
    /// `--update` names a file whose integration is not written.
    #[error("integration {id} of {name} belongs to connection {}", escaped(key))]
    Owned {
        /// The name.
        name: Name,
        /// The integration.
        id: RemoteId,
        /// The key of the connection.
        key: String,
    },
    /// The file changed while it was being updated.
    #[error("{0} changed during the update")]
    Changed(String),
    /// `--update` names a file with a mistake.
    #[error("{file} is invalid, so it cannot be updated for {name}")]
    Invalid {
        /// The name.
        name: Name,
        /// The file.
        file: String,
    },
    /// The edited text does not mean what it is to mean.
    #[error("the file of {name} cannot be updated: {why}")]
    NotVerified {
        /// The name.
        name: Name,
        /// The attributes that speak against the edited text.
        why: String,
    },
    /// Others would be lost.
    #[error("{file} describes several integrations, so it cannot be rewritten for {name} alone")]
    SeveralDocuments {
        /// The name.
        name: Name,
        /// The file.
        file: String,
    },
    /// An export writes YAML.
    #[error("{file} is a JSON file, and an export writes YAML")]
    Json {
        /// The file.
        file: String,
    },
    /// Values would be lost.
    #[error("the file of {0} has `sync.extra`, which an export cannot write")]
    HasExtra(Name),
    /// The file exists.
    #[error("{0} already exists")]
    Taken(String),
    /// Every possible name is in use.
    #[error("no free name was found for integration {id}: even {name} is taken")]
    NoName {
        /// The integration.
        id: RemoteId,
        /// The last name that was tried.
        name: Name,
    },
    /// Two values would come from one place.
    #[error("{first} and {second} would share the reference {reference}")]
    SharedReference {
        /// The reference.
        reference: String,
        /// An attribute.
        first: String,
        /// Another one.
        second: String,
    },
    /// `validate` rejects the references in every file that has some.
    #[error("the references that the files would have are refused: {0}")]
    ReferencesRefused(String),
    /// An attribute for which the template makes no reference.
    #[error("the template does not produce a valid reference for `{attribute}` of {name}")]
    NoReference {
        /// The integration.
        name: Name,
        /// The attribute.
        attribute: AttributePath,
    },
}

impl ExportRefusal {
    /// Help text.
    #[must_use]
    pub fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::NotDescribed {
                near: Some(near), ..
            } => return format!("did you mean `{near}`?").into(),
            Self::InvalidFiles(_) => "fix the files, or export into an empty directory",
            Self::UnknownName(_) => {
                let validate = command("validate", &["-o", "json"]);
                return format!("run `{validate}` to see the names in the files").into();
            }
            Self::NotDescribed { near: None, .. } => {
                let validate = command("validate", &["-o", "json"]);
                return format!("run `{validate}` to see the names and the errors in the files")
                    .into();
            }
            Self::Invalid { .. } => "fix the file, and run the command again",
            Self::Json { .. } => {
                "rename the file so that it ends in .yaml, or use `--update` to change only the \
                 values that differ"
            }
            Self::Owned { .. } => {
                "remove the file: integrationd never writes to the integration of a connection"
            }
            Self::Changed(_) => "nothing was written: run the command again",
            Self::NotLive(_) => {
                let sync = command("sync", &["--dry-run"]);
                return format!("run `{sync}` to see how the file is interpreted").into();
            }
            Self::SeveralDocuments { .. } => "first move each integration to a separate file",
            Self::HasExtra(_) | Self::NotVerified { .. } => "edit the file by hand",
            Self::Taken(_) => {
                "move the file away, or export into another directory; to rewrite the file that \
                 describes integration NAME, use `--overwrite NAME`"
            }
            Self::NoName { .. } => "rename the file that has this name",
            Self::ReferencesRefused(_) => {
                "nothing was written: choose a different form with `--secret-reference`, or allow \
                 these references with `--allow-secret`"
            }
            Self::SharedReference { .. } | Self::NoReference { .. } => {
                "choose a different form with `--secret-reference`"
            }
        };
        help.into()
    }
}
