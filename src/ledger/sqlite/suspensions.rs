//! Suspensions, in a file next to the ledger.
//!
//! They need no lock: an operator suspends writes while the daemon holds the ledger, and every
//! run reads them at its beginning.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Gid, Uid, fchown};
use rustix::process::getuid;
use tempfile::NamedTempFile;

use crate::ledger::place::suspensions_path;
use crate::ledger::{StoreError, Suspensions};
use crate::text::escaped;

/// Reads the suspensions. A file that cannot be read is an error: it may say that nothing
/// is to be written.
pub(super) fn read(ledger: &Path) -> Result<Suspensions, StoreError> {
    let file = suspensions_path(ledger);
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError {
        operation: "read the suspensions in",
        object: format!("`{}`", shown(&file)),
        source,
        help: "fix the file, or remove it to end all suspensions".to_owned(),
    };
    match std::fs::read(&file) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(error.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Suspensions::default()),
        Err(error) => Err(failed(error.into())),
    }
}

/// Replaces the suspensions, whole or not at all. The file is for its owner alone.
pub(super) fn write(ledger: &Path, suspensions: &Suspensions) -> Result<(), StoreError> {
    let file = suspensions_path(ledger);
    let directory = file.parent().unwrap_or(Path::new("."));
    replace(&file, directory, suspensions).map_err(|error| StoreError {
        operation: "write the suspensions to",
        object: format!("`{}`", shown(&file)),
        source: error.into(),
        help: "check the permissions of the state directory".to_owned(),
    })
}

fn replace(file: &Path, directory: &Path, suspensions: &Suspensions) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(suspensions)?;
    let mut draft = NamedTempFile::new_in(directory)?;
    draft.write_all(&text)?;
    draft.as_file().sync_all()?;
    give_to_owner(draft.as_file(), directory)?;
    draft.persist(file)?;
    Ok(())
}

/// Gives a file that root has written to the owner of the directory: the daemon has to
/// read it.
fn give_to_owner(file: &File, directory: &Path) -> io::Result<()> {
    let owner = directory.metadata()?;
    if owner.uid() == getuid().as_raw() {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
    Ok(fchown(file, Some(user), Some(group))?)
}

fn shown(file: &Path) -> String {
    escaped(&file.display().to_string()).into_owned()
}
