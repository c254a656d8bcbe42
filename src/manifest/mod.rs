//! Integration files: from text to what each integration wants to be.
//!
//! `yaml` turns text into a spanned tree, `check` turns the tree into an
//! [`Integration`]. Both are pure. Every mistake of every file is gathered as a
//! diagnostic; a document with an error becomes an [`Invalid`], never a partial
//! integration, and the other documents go on.

mod binding;
mod bound;
mod builder;
mod characters;
mod check;
mod cross;
mod denied;
mod destination;
mod document;
mod edit;
mod example;
#[cfg(test)]
mod fake;
mod file;
mod flat;
mod keys;
mod load;
mod mapping;
mod needs;
mod options;
mod quote;
mod reference;
mod scalar;
mod schema;
mod secret_text;
mod shape;
mod suggest;
mod syntax;
mod tag;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod unknown;
mod until;
mod variables;
mod write;
mod yaml;

use std::collections::BTreeSet;

pub use binding::{Binding, BindingError, Bindings, OwnCredentials, Unbound};
pub use denied::{DeniedWarning, DeniedWarnings, UnknownCode};
pub use destination::{Destination, named_destinations, seeming_hosts};
pub use edit::{
    Edit, EditError, KeptVariables, LossReason, LostVariable, document_at, edit, keep_variables,
    without_secrets,
};
pub use example::load_example;
pub use flat::{Accept, DeclaredSettings, Flat, RejectedValue, VARIABLES, flat};
pub use load::{FileChecks, load, load_checked};
pub(crate) use options::{NAME_LENGTH, is_name};
pub(crate) use quote::{quoted, reference_scalar, text_scalar};
pub use schema::schema;
pub(crate) use suggest::{meant_platform, nearest};
pub use until::{Until, UntilError};
pub use variables::Variables;
pub use write::{document, sync_text, yaml_text};

use crate::diagnostic::Diagnostic;
use crate::live::RemoteId;
use crate::platform::{AttributePath, Platform, TablePath};
use crate::secret::{Reference, Template};
use crate::value::Object;

/// The largest file that is read, in bytes: a thousand times an integration. It
/// bounds the memory that one file can take, and is checked before reading.
pub const MAX_FILE_SIZE: u64 = 1 << 20;

/// The most files: twice the largest directory that is measured.
pub const MOST_FILES: usize = 200_000;

/// The most documents beyond one for each file. A file can hold a thousand small ones,
/// and a push can bring that file under hundreds of names.
pub const MOST_FURTHER_DOCUMENTS: usize = 20_000;

/// Maximum number of mistakes shown for a run. More are not read, and each takes a dozen
/// lines.
const MOST_DIAGNOSTICS: usize = 500;

/// A file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, as shown to people.
    pub path: String,
    /// Its content, or the reason why that is unknown.
    pub content: Result<Vec<u8>, FileProblem>,
}

/// Reason why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileProblem {
    /// It exists, and reading failed.
    Unreadable {
        /// The reason, in the words of the operating system.
        reason: String,
    },
    /// A directory that exists and cannot be listed.
    UnreadableDirectory {
        /// The reason, in the words of the operating system.
        reason: String,
    },
    /// A device, a socket or a pipe.
    NotAFile,
    /// A link to a place outside of the directory.
    LeavesDirectory,
    /// A link to nothing.
    Dangling,
    /// A link that leads to itself, or to a directory that it lies in.
    LinkLoop,
    /// A link in a repository, where none is followed.
    Link,
    /// A place where a repository names another repository, which is not read.
    Submodule,
    /// A name that is not text.
    NameNotUtf8,
    /// Larger than [`MAX_FILE_SIZE`].
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
}

/// A file that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFile {
    /// Its path, as shown to people.
    pub file: String,
    /// Its path below the directory.
    pub within: String,
    /// Its contents.
    pub holds: Holds,
}

impl SeenFile {
    /// The name of an integration that does not give itself one in it.
    #[must_use]
    pub fn stem(&self) -> &str {
        text::stem(&self.within)
    }
}

/// Contents of a file, as far as they matter when a document is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Nothing, or spaces, comments and markers: the result of an interrupted save.
    NoDocument,
    /// Documents, perhaps broken ones.
    Documents {
        /// True if a document has `sync.name`, as each has if there are several.
        says_names: bool,
    },
}

impl Holds {
    /// True if the file holds a document.
    #[must_use]
    pub fn has_documents(self) -> bool {
        matches!(self, Self::Documents { .. })
    }
}

/// Content of all files of a directory.
#[derive(Debug, Default)]
pub struct Manifest {
    /// Documents without an error, sorted by name.
    pub integrations: Vec<Integration>,
    /// Documents with one: frozen, not touched.
    pub invalid: Vec<Invalid>,
    /// Every file that exists, with or without a document, by path.
    pub files: Vec<SeenFile>,
    /// All mistakes and warnings, in the order of files and lines.
    pub diagnostics: Vec<Diagnostic>,
    /// Something could not be read far enough to know its name: an integration
    /// that no document names may still be described, so none counts as removed.
    pub incomplete: bool,
    /// Bindings that the files were checked against. They also hold for everything that
    /// is sent for the files, so that they are kept together.
    pub bindings: Bindings,
}

/// The most files without a document that each record keeps. More would make the ledger
/// grow with their square; one that is not kept blocks a removal until it is allowed.
const MOST_EMPTY_FILES: usize = 20;

impl Manifest {
    /// Every reference to a secret in the documents without an error.
    #[must_use]
    pub fn references(&self) -> Vec<&Reference> {
        let mut references = Vec::new();
        for integration in &self.integrations {
            integration.for_each_template(&mut |template| references.extend(template.references()));
        }
        references
    }
}

impl Manifest {
    /// The files without a document, below the directory: as many as each record keeps.
    #[must_use]
    pub fn empty_files(&self) -> BTreeSet<String> {
        let empty = self.files.iter().filter(|file| !file.holds.has_documents());
        let paths = empty.map(|file| file.within.to_string());
        paths.take(MOST_EMPTY_FILES).collect()
    }

    /// The document in order that has this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Integration> {
        self.integrations.iter().find(|it| it.name == name)
    }

    /// The most similar name of a document in order, for "did you mean".
    #[must_use]
    pub fn nearest_name(&self, name: &str) -> Option<Name> {
        let names = self.integrations.iter().map(|it| it.name.as_str());
        nearest(name, names).map(str::to_owned)
    }

    /// Every name that a document has now.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        let valid = self.integrations.iter().map(|i| i.name.as_str());
        valid.chain(self.invalid.iter().map(|i| i.name.as_str()))
    }

    /// Every name that a document has, or had before.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let valid = self.integrations.iter().flat_map(Integration::names);
        valid.chain(self.invalid.iter().map(|invalid| invalid.name.as_str()))
    }
}

/// The name of an integration: `sync.name`, or the stem of its file.
pub type Name = String;

/// One document that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// Its name, unique among the files.
    pub name: Name,
    /// Its platform.
    pub platform: &'static Platform,
    /// Absent where the platform has none.
    pub auto_bootstrap: Option<bool>,
    /// `config` as the file gives it; empty where the platform has none.
    pub config: Object,
    /// Stored secrets that are null in the file: the integration has none of them.
    pub without: BTreeSet<AttributePath>,
    /// The reserved key `sync`.
    pub options: SyncOptions,
    /// Its position.
    pub origin: Origin,
}

impl Integration {
    /// Its name, and those that it had before.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name)
            .chain(&self.options.previously)
            .map(String::as_str)
    }

    /// Key that pairs it with a live integration, in the form for comparison.
    #[must_use]
    pub fn pairing_key(&self) -> Option<String> {
        pairing_key(self.platform, &self.config)
    }

    /// True if the file says that the integration has no secret at this path.
    #[must_use]
    pub fn has_none_at(&self, path: TablePath<'_>) -> bool {
        let is_it = |none: &AttributePath| none.keys().eq(path.keys());
        self.without.iter().any(is_it)
    }

    /// Calls `visit` with everything that holds or names a secret, `sync.extra` included.
    pub fn for_each_template<'a>(&'a self, visit: &mut impl FnMut(&'a Template)) {
        for (_, value) in self.config.iter().chain(self.options.extra.iter()) {
            value.for_each_template(visit);
        }
    }
}

fn pairing_key(platform: &Platform, config: &Object) -> Option<String> {
    let attribute = platform.pairing_attribute();
    platform.pairing_key(attribute.and_then(|name| config.get(name)?.as_text()))
}

/// A document that is not in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// `sync.name` if it could be read, else the stem of the file.
    pub name: Name,
    /// Its platform, if it could be read.
    pub platform: Option<&'static Platform>,
    /// Its position.
    pub origin: Origin,
}

/// Start of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file, as shown to people.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The path of the file below the directory: the same wherever the directory is.
    pub within: String,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The reserved key `sync`: options for this tool, never sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncOptions {
    /// Pins the file to a live integration.
    pub id: Option<RemoteId>,
    /// Names that it had before.
    pub previously: Vec<Name>,
    /// May be updated, never deleted or replaced.
    pub protect: bool,
    /// Suspension of its writes.
    pub suspend: Option<Suspend>,
    /// Differences that do not count.
    pub ignore: Vec<Ignore>,
    /// Merged into `config` and sent as it is; counts as secret.
    pub extra: Object,
}

/// Reason and end of the suspension of an integration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Suspend {
    /// The reason.
    pub reason: String,
    /// The end; without one, it never ends.
    pub until: Option<Until>,
}

/// `vendor migration (until the end of 2026-12-01 UTC)`.
impl std::fmt::Display for Suspend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)?;
        match self.until {
            Some(until) => write!(f, " (until {until})"),
            None => Ok(()),
        }
    }
}

impl Suspend {
    /// True if the suspension counts at this moment.
    #[must_use]
    pub fn counts_at(&self, now: jiff::Timestamp) -> bool {
        self.until.is_none_or(|until| now < until.end())
    }
}

/// A difference that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// The attribute, or the object that contains the attributes.
    pub path: AttributePath,
    /// The reason.
    pub reason: String,
}
