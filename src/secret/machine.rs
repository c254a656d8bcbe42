//! The part of this machine that providers read.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Secret;
use super::environment::ProviderEnvironment;
use super::missing::MissingReason;
use super::provider::vault::reading::settings::VaultSettings;
use crate::progress::Progress;

/// The name of the variable in which systemd names the directory of credentials.
pub(super) const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// An address, and the result of reading it.
pub(super) type LookupResult<'a, Address> = (&'a Address, Result<Secret, MissingReason>);

/// Sources of the providers.
pub struct Providers {
    /// The environment variables.
    pub environment: ProviderEnvironment,
    /// The directories below which `file` and `sops` may read.
    pub secret_roots: Vec<PathBuf>,
    /// Files with the tool's own credentials: never read, although they may be below a root with
    /// other files.
    pub own_files: Vec<PathBuf>,
    /// Environment of the program `sops`.
    pub sops_environment: Vec<(OsString, OsString)>,
    /// Vault settings; absent if there is no Vault.
    pub vault: Option<VaultSettings>,
    /// Receives every response of the providers.
    pub progress: Progress,
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            environment: _,
            secret_roots,
            own_files,
            // It holds the keys of sops.
            sops_environment: _,
            vault,
            progress: _,
        } = self;
        f.debug_struct("Providers")
            .field("secret_roots", secret_roots)
            .field("own_files", own_files)
            .field("vault", vault)
            .finish_non_exhaustive()
    }
}
