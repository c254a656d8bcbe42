//! Reasons why a session or its files could not be opened. Nothing was written.

use std::io;
use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Location};
use crate::immuta::{ApiKeyError, HttpSetupError, TenantUrlError};
use crate::ledger::key::KeyError;
use crate::ledger::place::PlaceError;
use crate::ledger::{LedgerError, StoreError};
use crate::settings::SettingsError;
use crate::settings::vault::VaultSettingsError;
use crate::source::SourceError;
use crate::source::git::GitError;

use super::names::UnknownNames;
use super::rejected_revision::RejectedRevision;

/// A step of opening that failed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings of the tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The state directory.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The key of the fingerprints.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Records in the ledger.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The suspensions, without which it is unknown what must not be written.
    #[error(transparent)]
    Suspensions(StoreError),
    /// The settings of the repository.
    #[error(transparent)]
    GitSettings(#[from] GitSettingsError),
    /// The repository.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] SourceError),
    /// Mistakes in a file with variables. No file is used then: its values are unknown.
    #[error("cannot read the variables: {}", first(.0))]
    Variables(Vec<Diagnostic>),
    /// A revision that must not be applied.
    #[error(transparent)]
    RejectedRevision(Box<RejectedRevision>),
    /// Names that nothing has.
    #[error(transparent)]
    Names(#[from] UnknownNames),
    /// The settings of Vault.
    #[error(transparent)]
    Vault(#[from] VaultSettingsError),
}

/// The first of these mistakes, and the number of the others.
fn first(mistakes: &[Diagnostic]) -> String {
    let Some((first, others)) = mistakes.split_first() else {
        return String::new();
    };
    let Location {
        file,
        line,
        excerpt,
        ..
    } = &first.place;
    let more = match others.len() {
        0 => String::new(),
        count => format!(" (and {count} more)"),
    };
    let place = match excerpt {
        Some(_) => format!("{file}:{line}"),
        None => file.clone(),
    };
    format!("{place}: {}{more}", first.message)
}

impl OpenError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Tenant(error) => error.help().to_owned(),
            Self::Place(error) => error.help(),
            Self::Key(error) => error.help(),
            Self::Ledger(error) => error.help().to_owned(),
            Self::Store(error) | Self::Suspensions(error) => error.help.clone(),
            Self::GitSettings(error) => error.help().to_owned(),
            Self::Git(error) => error.remedy().to_owned(),
            Self::Directory(error) => error.help().to_owned(),
            Self::Variables(mistakes) => {
                let help = mistakes.first().and_then(|first| first.help.first());
                help.map_or_else(|| "fix the file, then try again".to_owned(), Clone::clone)
            }
            Self::RejectedRevision(rejected) => rejected.help(),
            Self::Names(names) => names.help(),
            Self::Vault(error) => error.help().to_owned(),
        }
    }
}

/// The tenant cannot be reached with these settings.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The URL is none.
    #[error("the tenant's URL is invalid")]
    Url(#[from] TenantUrlError),
    /// The file with the key cannot be read.
    #[error(transparent)]
    KeyFile(#[from] UnreadableSecret),
    /// The key is none.
    #[error("the API key is invalid")]
    Key(#[from] ApiKeyError),
    /// The certificates cannot be used.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
}

impl TenantError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Settings(error) => error.help(),
            Self::Url(_) => {
                "give the URL from the browser, such as https://acme.hosted.immutacloud.com"
            }
            Self::KeyFile(_) => UnreadableSecret::HELP,
            Self::Key(_) => "create an API key in Immuta (profile page, tab API Keys)",
            Self::Http(_) => "check the certificates that `--ca-file` names",
        }
    }

    /// True if the setting is absent, and may be given elsewhere.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match self {
            Self::Settings(error) => error.is_absence(),
            Self::Url(_) | Self::KeyFile(_) | Self::Key(_) | Self::Http(_) => false,
        }
    }
}

/// A file with an own credential that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {what} from {}", .path.display())]
pub struct UnreadableSecret {
    /// The words for the credential.
    pub what: &'static str,
    /// The file.
    pub path: PathBuf,
    /// The cause.
    pub source: io::Error,
}

impl UnreadableSecret {
    /// The remedy.
    pub const HELP: &str = "check the path and its permissions";
}

/// The repository cannot be set up with these settings.
#[derive(Debug, thiserror::Error)]
pub enum GitSettingsError {
    /// The token is given twice, or is no text.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// An address, reference or directory is none.
    #[error(transparent)]
    Value(Box<dyn std::error::Error + Send + Sync>),
    /// The file with the token cannot be read.
    #[error(transparent)]
    TokenFile(#[from] UnreadableSecret),
    /// Another file cannot be read.
    #[error("cannot read {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl GitSettingsError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Settings(error) => error.help(),
            Self::Value(_) => {
                "run `integrationd sync --help` to see the valid values of `--git` and \
                related flags"
            }
            Self::TokenFile(_) | Self::File { .. } => UnreadableSecret::HELP,
        }
    }
}
