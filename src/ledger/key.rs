//! The key of the fingerprints: 32 random bytes, made once for an installation.
//!
//! It lies in the state directory, or comes as a systemd credential where several
//! installations share one. Only what writes makes one: a dry run without a key
//! does not compare secrets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::files::{beside, disk_help, shown, sync_directory};
use super::fingerprint::{FingerprintKey, KEY_LENGTH};

/// The bits of a mode that let others than the owner at a key.
const OTHERS: u32 = 0o077;

/// The same for a credential, which systemd may show to a group that has only its service in it.
const EVERYONE: u32 = 0o007;

/// Number of attempts to read a key that another process creates at the same time. One is
/// enough unless the key is removed in between.
const ATTEMPTS: u32 = 3;

/// The key could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be read.
    #[error("cannot read the fingerprint key {}", shown(.0))]
    Read(PathBuf, #[source] io::Error),
    /// The file could not be made.
    #[error("cannot create the fingerprint key {}", shown(.0))]
    Create(PathBuf, #[source] io::Error),
    /// The system gave no random bytes.
    #[error("cannot create a fingerprint key: the system provides no random bytes")]
    Random(#[source] getrandom::Error),
    /// It is a directory, a pipe or a device.
    #[error("the fingerprint key {} is not a regular file", shown(.0))]
    NotAFile(PathBuf),
    /// It is no key.
    #[error("the fingerprint key {} is not exactly {KEY_LENGTH} bytes long", shown(.0))]
    Length(PathBuf),
    /// Others may read it.
    #[error("other users can access the fingerprint key {}: its mode is {mode:04o}", shown(.file))]
    TooOpen {
        /// The key.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

impl KeyError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Read(_, source) | Self::Create(_, source) => disk_help(source)
                .unwrap_or("check the owner and mode of the file and its directory")
                .to_owned(),
            Self::Random(_) => "try again".to_owned(),
            Self::NotAFile(_) | Self::Length(_) => format!(
                "restore the key, or move it away: integrationd creates a new key, but does not \
                compare secrets until they are applied again. To create a key for a systemd \
                credential, run `head -c {KEY_LENGTH} /dev/urandom`"
            ),
            Self::TooOpen { file, .. } => format!("run `chmod 600 {}`", shown(file)),
        }
    }
}

/// Reads a key; `None` if there is no such file.
///
/// # Errors
/// It cannot be read, has the wrong length, or others may read it.
pub fn read(file: &Path) -> Result<Option<FingerprintKey>, KeyError> {
    read_closed_to(OTHERS, file)
}

/// Reads a key, or makes it if there is none. Processes that do so at the same
/// time get the same one.
///
/// # Errors
/// As for [`read`], or the key cannot be made.
pub fn read_or_create(file: &Path) -> Result<FingerprintKey, KeyError> {
    for _ in 0..ATTEMPTS {
        if let Some(key) = read(file)? {
            return Ok(key);
        }
        create(file)?;
    }
    let gone = io::Error::from(ErrorKind::NotFound);
    Err(KeyError::Read(file.to_owned(), gone))
}

/// Reads a key that systemd passed in, which must be there.
///
/// # Errors
/// It is not there, cannot be read, has the wrong length, or everyone may read it.
pub fn read_credential(file: &Path) -> Result<FingerprintKey, KeyError> {
    let missing = || KeyError::Read(file.to_owned(), io::Error::from(ErrorKind::NotFound));
    read_closed_to(EVERYONE, file)?.ok_or_else(missing)
}

fn read_closed_to(closed: u32, file: &Path) -> Result<Option<FingerprintKey>, KeyError> {
    let failed = |error| KeyError::Read(file.to_owned(), error);
    // Before it is opened: opening a pipe would wait for a writer.
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !metadata.is_file() {
        return Err(KeyError::NotAFile(file.to_owned()));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & closed != 0 {
        let file = file.to_owned();
        return Err(KeyError::TooOpen { file, mode });
    }
    if metadata.len() != KEY_LENGTH as u64 {
        return Err(KeyError::Length(file.to_owned()));
    }
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    File::open(file)
        .and_then(|mut open| open.read_exact(key.as_mut()))
        .map_err(failed)?;
    Ok(Some(FingerprintKey::new(*key)))
}

/// Creates a key, complete and flushed before it gets its name; keeps an existing one.
fn create(file: &Path) -> Result<(), KeyError> {
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    getrandom::fill(key.as_mut()).map_err(KeyError::Random)?;
    let draft = beside(
        file,
        &format!(".{}.{:08x}", std::process::id(), fastrand::u32(..)),
    );
    let written = write(&draft, key.as_ref()).and_then(|()| fs::hard_link(&draft, file));
    drop(fs::remove_file(&draft));
    match written {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(KeyError::Create(file.to_owned(), error))
        }
        // Whichever process created it, its name must be on disk before it is used.
        _ => sync_directory(file).map_err(|error| KeyError::Create(file.to_owned(), error)),
    }
}

fn write(draft: &Path, key: &[u8]) -> io::Result<()> {
    let mut open = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    open.write_all(key)?;
    open.sync_all()
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
