//! State directory of this installation: a directory with a ledger for each tenant and the
//! fingerprint key.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use url::Url;

use super::files::{beside, disk_help, shown};
use crate::user;

/// The name of the key of the fingerprints, in the state directory.
const KEY_FILE: &str = "fingerprint.key";

/// The longest part of a file's name that comes from a host; file systems allow 255 bytes.
const LONGEST_HOST: usize = 100;

/// The bits of a mode that let others than the owner write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The bit of a mode that lets only the owner of a file remove it, as in `/tmp`.
const STICKY: u32 = 0o1000;

/// Suffixes of the files that SQLite keeps next to a ledger. SQLite takes such a file for
/// a part of the ledger.
const LEDGER_SUFFIXES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Looks up a variable of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Owners whose state is used, besides the current user and root. The ledger decides what
/// a run deletes, so that no other user may put one there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// No other owner.
    Own,
    /// Any user's, for root: an operator inspects the state of a service, which has a user of its
    /// own, and suspends its writes.
    AnyForRoot,
}

impl Trust {
    fn holds_for(self, owner: u32) -> bool {
        let for_root = self == Self::AnyForRoot && user::own() == 0;
        user::is_own_or_root(owner) || for_root
    }
}

/// The state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Nothing says where it is.
    #[error("no state directory is given")]
    Nowhere,
    /// It could not be made.
    #[error("cannot create the state directory {}", shown(.0))]
    Create(PathBuf, #[source] io::Error),
    /// The directory, or a file in it, could not be examined.
    #[error("cannot read the state file {}", shown(.0))]
    Read(PathBuf, #[source] io::Error),
    /// It is something else.
    #[error("cannot use {} as the state directory: it is not a directory", shown(.0))]
    NotADirectory(PathBuf),
    /// Others could put a ledger in the place of ours.
    #[error(
        "other users can write to the state directory {}: its mode is {mode:04o}",
        shown(path)
    )]
    OpenDirectory {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Others could change what is recorded.
    #[error(
        "other users can write to the state file {}: its mode is {mode:04o}",
        shown(path)
    )]
    OpenFile {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Another user could change what is recorded.
    #[error(
        "the state file {} belongs to {owner}, but integrationd runs as {own}",
        shown(path)
    )]
    OtherOwner {
        /// The directory or file.
        path: PathBuf,
        /// To whom it belongs, by name and number.
        owner: Box<str>,
        /// The user that integrationd runs as.
        own: Box<str>,
        /// The state directory.
        directory: PathBuf,
    },
}

impl PlaceError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Nowhere => "give a state directory with `--state`, or set HOME".to_owned(),
            Self::Create(_, source) | Self::Read(_, source) => disk_help(source)
                .unwrap_or(
                    "check the owner and mode of the parent directory, or choose another \
                    state directory with `--state`",
                )
                .to_owned(),
            Self::NotADirectory(_) => "choose another directory with `--state`".to_owned(),
            // Without its bits, `/tmp` would be of no use to other users.
            Self::OpenDirectory { path, mode } if mode & STICKY != 0 => format!(
                "choose a separate directory with `--state`, such as {}",
                shown(&path.join("integrationd"))
            ),
            Self::OpenDirectory { path, mode: _ } | Self::OpenFile { path, mode: _ } => format!(
                "make sure that no one has tampered with the contents, then run `chmod go-w {}`; \
                or choose another directory with `--state`",
                shown(path)
            ),
            Self::OtherOwner { directory, .. } => format!(
                "run integrationd as the owner; or, if you trust the contents, run `chown -R {} \
                {}`; or choose another directory with `--state`",
                user::own(),
                shown(directory)
            ),
        }
    }
}

/// The state directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDirectory {
    path: PathBuf,
    trust: Trust,
}

impl StateDirectory {
    /// The first of: this path, `$STATE_DIRECTORY` as systemd sets it,
    /// `$XDG_STATE_HOME/integrationd`, `$HOME/.local/state/integrationd`. An empty
    /// variable counts as none.
    ///
    /// # Errors
    /// None of them is given.
    pub fn find(
        flag: Option<&Path>,
        env: Environment<'_>,
        trust: Trust,
    ) -> Result<Self, PlaceError> {
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
        let path = found.ok_or(PlaceError::Nowhere)?;
        Ok(Self { path, trust })
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that no other user could put files there. The directory need not exist.
    ///
    /// # Errors
    /// It is no directory, others may write to it, or it is another user's.
    pub fn check(&self) -> Result<(), PlaceError> {
        let path = &self.path;
        let Some(metadata) = look(path)? else {
            return Ok(());
        };
        if !metadata.is_dir() {
            return Err(PlaceError::NotADirectory(path.clone()));
        }
        let mode = mode_of(&metadata);
        if mode & WRITABLE_BY_OTHERS != 0 {
            let path = path.clone();
            return Err(PlaceError::OpenDirectory { path, mode });
        }
        self.check_owner(path, &metadata)
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
            .create(&self.path)
            .map_err(|error| PlaceError::Create(self.path.clone(), error))
    }

    /// The ledger of a tenant, named after its host and a hash of its whole URL. It
    /// need not exist.
    ///
    /// # Errors
    /// Others may write to it, or it is another user's.
    pub fn ledger_file(&self, tenant_url: &str) -> Result<PathBuf, PlaceError> {
        let file = self.path.join(ledger_name(tenant_url));
        self.check_file(&file)?;
        for suffix in LEDGER_SUFFIXES {
            self.check_file(&beside(&file, suffix))?;
        }
        self.check_file(&suspensions_path(&file))?;
        Ok(file)
    }

    /// The key of the fingerprints. It need not exist.
    ///
    /// # Errors
    /// It is another user's; whether it is open to others is seen when it is read.
    pub fn key_file(&self) -> Result<PathBuf, PlaceError> {
        self.check()?;
        let file = self.path.join(KEY_FILE);
        if let Some(metadata) = look(&file)? {
            self.check_owner(&file, &metadata)?;
        }
        Ok(file)
    }

    fn check_file(&self, file: &Path) -> Result<(), PlaceError> {
        self.check()?;
        let Some(metadata) = look(file)? else {
            return Ok(());
        };
        let mode = mode_of(&metadata);
        if mode & WRITABLE_BY_OTHERS != 0 {
            let path = file.to_owned();
            return Err(PlaceError::OpenFile { path, mode });
        }
        self.check_owner(file, &metadata)
    }

    fn check_owner(&self, path: &Path, metadata: &Metadata) -> Result<(), PlaceError> {
        if self.trust.holds_for(metadata.uid()) {
            return Ok(());
        }
        Err(PlaceError::OtherOwner {
            path: path.to_owned(),
            owner: user::shown(metadata.uid()),
            own: user::shown(user::own()),
            directory: self.path.clone(),
        })
    }
}

/// Metadata of the target of a path; `None` if there is nothing.
fn look(path: &Path) -> Result<Option<Metadata>, PlaceError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PlaceError::Read(path.to_owned(), error)),
    }
}

fn mode_of(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

fn ledger_name(tenant_url: &str) -> String {
    let (host, url) = normalised(tenant_url);
    let digest = Sha256::digest(url.as_bytes());
    let hash = hex::encode(&digest[..4]);
    format!("{}-{hash}.db", sanitised(&host))
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

/// The file with the suspensions that operators have set. It need not exist.
pub(super) fn suspensions_path(ledger: &Path) -> PathBuf {
    ledger.with_extension("suspended.json")
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
