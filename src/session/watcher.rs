//! The findings of a session on its way in, to be shown or kept.

use crate::manifest::Manifest;
use crate::plan::KnownNames;
use crate::source::git::Revision;
use crate::source::{Snapshot, SourceError};

/// Receives what is found on the way in.
pub trait Watcher: Sync {
    /// A directory was read, or could not be.
    fn directory(&self, _read: &Result<Snapshot, SourceError>) {}

    /// The source has no integration file.
    fn no_files(&self, place: &str);

    /// The files were read.
    fn files(&self, _revision: Option<&Revision>, _manifest: &Manifest) {}

    /// Names of integrations became known. They are collected only on demand.
    fn names(&self, _known: &dyn Fn() -> KnownNames) {}
}
