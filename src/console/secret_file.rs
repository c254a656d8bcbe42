//! A secret that is the result of a command: on standard output, or in a new file.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Terminal;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::secret::Secret;
use crate::text::chain;

/// A file that could not be written. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretFileError {
    /// There is such a file: it is never overwritten.
    #[error("{} already exists", .0.display())]
    Exists(PathBuf),
    /// The file could not be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl From<SecretFileError> for CommandFailure {
    fn from(error: SecretFileError) -> Self {
        let help = "give the path of a new file in a writable directory";
        Self::new(Exit::Failed, chain(&error), help)
    }
}

/// The place of a secret. A file is made before the secret is asked for, and is gone again
/// unless the secret was written.
pub(crate) struct SecretOutput {
    terminal: Terminal,
    file: Option<(File, PathBuf)>,
}

impl SecretOutput {
    /// Makes a new file that only its owner may read; `-` is standard output.
    pub(crate) fn create(terminal: Terminal, out: &Path) -> Result<Self, SecretFileError> {
        if out == Path::new("-") {
            return Ok(Self {
                terminal,
                file: None,
            });
        }
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(out);
        let file = opened.map_err(|source| {
            let path = out.to_owned();
            if source.kind() == ErrorKind::AlreadyExists {
                SecretFileError::Exists(path)
            } else {
                SecretFileError::Write { path, source }
            }
        })?;
        Ok(Self {
            terminal,
            file: Some((file, out.to_owned())),
        })
    }

    /// Writes the secret.
    pub(crate) fn write(mut self, secret: &Secret) -> Result<(), SecretFileError> {
        let Some((mut file, path)) = self.file.take() else {
            self.terminal.secret(secret);
            return Ok(());
        };
        let written = file.write_all(secret.expose().as_bytes());
        written.and_then(|()| file.sync_all()).map_err(|source| {
            // Half a secret is none. The error that is reported is the first.
            let _ = std::fs::remove_file(&path);
            SecretFileError::Write { path, source }
        })
    }
}

impl Drop for SecretOutput {
    fn drop(&mut self) {
        if let Some((_, path)) = self.file.take() {
            // It is empty, and nothing more can be done about it.
            let _ = std::fs::remove_file(path);
        }
    }
}
