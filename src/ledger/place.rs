//! Where the state of this installation lies: a directory with a ledger for each
//! tenant and the key of the fingerprints.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use url::Url;

use super::files::{disk_help, shown};

/// The name of the key of the fingerprints, in the state directory.
const KEY_FILE: &str = "fingerprint.key";

/// The longest part of a file's name that comes from a host; file systems allow 255 bytes.
const LONGEST_HOST: usize = 100;

/// The bit of a mode that lets everyone write.
const WORLD_WRITABLE: u32 = 0o002;

/// The bit of a mode that lets only the owner of a file remove it.
const STICKY: u32 = 0o1000;

/// The environment, as far as it says where the state lies.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Nothing says where it is.
    #[error("no state directory is given")]
    Nowhere,
    /// It could not be made.
    #[error("cannot create the state directory {}", shown(.0))]
    Create(PathBuf, #[source] io::Error),
    /// It could not be looked at.
    #[error("cannot read the state directory {}", shown(.0))]
    Read(PathBuf, #[source] io::Error),
    /// It is something else.
    #[error("{} is not a directory", shown(.0))]
    NotADirectory(PathBuf),
    /// Anyone could put a ledger in the place of ours.
    #[error("everyone may write to the state directory {}", shown(.0))]
    WorldWritable(PathBuf),
}

impl PlaceError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Nowhere => "give one with `--state`, or set HOME".to_owned(),
            Self::Create(_, source) | Self::Read(_, source) => disk_help(source)
                .unwrap_or("look at the owner and mode of the directory above it, or choose another one with `--state`")
                .to_owned(),
            Self::NotADirectory(_) => "choose another one with `--state`".to_owned(),
            Self::WorldWritable(path) => {
                format!("run `chmod o-w {}`, or choose another one with `--state`", shown(path))
            }
        }
    }
}

/// The state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDirectory(PathBuf);

impl StateDirectory {
    /// The first of: this path, `$STATE_DIRECTORY` as systemd sets it,
    /// `$XDG_STATE_HOME/integrationd`, `$HOME/.local/state/integrationd`. An empty
    /// variable counts as none.
    ///
    /// # Errors
    /// None of them is given.
    pub fn find(flag: Option<&Path>, env: Environment<'_>) -> Result<Self, PlaceError> {
        let variable = |name| env(name).filter(|value| !value.is_empty());
        let systemd = || variable("STATE_DIRECTORY").as_deref().and_then(first);
        // The XDG specification wants a relative one to be passed over.
        let xdg = || {
            let home = PathBuf::from(variable("XDG_STATE_HOME")?);
            home.is_absolute().then(|| home.join("integrationd"))
        };
        let home = || Some(Path::new(&variable("HOME")?).join(".local/state/integrationd"));
        let given = flag.map(Path::to_owned);
        let found = given.or_else(systemd).or_else(xdg).or_else(home);
        found.map(Self).ok_or(PlaceError::Nowhere)
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes sure that nobody else could put files there. It need not exist.
    ///
    /// # Errors
    /// It is no directory, or everyone may write to it.
    pub fn check(&self) -> Result<(), PlaceError> {
        let path = || self.0.clone();
        let metadata = match fs::metadata(&self.0) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(PlaceError::Read(path(), error)),
        };
        if !metadata.is_dir() {
            return Err(PlaceError::NotADirectory(path()));
        }
        if metadata.permissions().mode() & (WORLD_WRITABLE | STICKY) == WORLD_WRITABLE {
            return Err(PlaceError::WorldWritable(path()));
        }
        Ok(())
    }

    /// Makes it, for its owner alone, if it is not there; the mode of one that is stays.
    ///
    /// # Errors
    /// It cannot be made, or [`Self::check`] refuses it.
    pub fn create(&self) -> Result<(), PlaceError> {
        self.check()?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .map_err(|error| PlaceError::Create(self.0.clone(), error))
    }

    /// The ledger of a tenant, named after its host and a hash of its whole URL.
    #[must_use]
    pub fn ledger_file(&self, tenant_url: &str) -> PathBuf {
        let (host, url) = normalised(tenant_url);
        let digest = Sha256::digest(url.as_bytes());
        let hash: String = digest[..4].iter().map(|b| format!("{b:02x}")).collect();
        self.0.join(format!("{}-{hash}.db", sanitised(&host)))
    }

    /// What is suspended by a human's word, beside the ledger.
    #[must_use]
    pub fn suspensions_file(&self, tenant_url: &str) -> PathBuf {
        self.ledger_file(tenant_url)
            .with_extension("suspended.json")
    }

    /// The key of the fingerprints.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.0.join(KEY_FILE)
    }
}

/// The first path of a list.
fn first(list: &OsStr) -> Option<PathBuf> {
    let mut paths = list.as_bytes().split(|byte| *byte == b':');
    let path = paths.find(|path| !path.is_empty())?;
    Some(PathBuf::from(OsStr::from_bytes(path)))
}

/// The host of a URL, and the URL in the form in which two that mean the same are equal.
fn normalised(url: &str) -> (String, String) {
    let plain = url.trim().trim_end_matches('/');
    match Url::parse(plain) {
        Ok(url) => (
            url.host_str().unwrap_or_default().to_owned(),
            url.as_str().trim_end_matches('/').to_owned(),
        ),
        Err(_) => (plain.to_lowercase(), plain.to_lowercase()),
    }
}

fn sanitised(host: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = host.chars().map(plain).take(LONGEST_HOST).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() {
        "tenant".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
#[path = "tests/place.rs"]
mod tests;
