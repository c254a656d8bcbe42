//! Settings of a run: which files, which tenant, and how far a plan may go.
//!
//! Values alone. Commands make them from their flags, the session reads them, and a
//! reload compares them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::vault::VaultFlags;
use crate::apply;
use crate::immuta::Nesting;
use crate::manifest::{Binding, DeniedWarnings, Name, Variables};
use crate::plan::{GuardLimits, OnConflict, OnDrift, Policy, Selection};
use crate::source::git::{CommitId, VerifyMode};
use crate::sync::LookForConnections;

/// Everything that a run needs to know, whichever command begins it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSettings {
    /// The integration files.
    pub files: FileSettings,
    /// The repository that holds the files, instead of a directory.
    pub git: Option<GitSettings>,
    /// The part of the files that is meant.
    pub selection: Selection,
    /// Number of writes that may be under way at once.
    pub parallelism: usize,
    /// Time for which a write is followed until its status settles.
    pub wait_timeout: Duration,
    /// The state directory; by the environment if absent.
    pub state: Option<PathBuf>,
    /// Reaction to drift.
    pub on_drift: OnDrift,
    /// Reaction to a value that both the file and the server changed.
    pub on_conflict: OnConflict,
    /// The limits of a plan.
    pub guard: GuardSettings,
    /// The tenant.
    pub tenant: TenantSettings,
    /// The login at Vault.
    pub vault: VaultFlags,
}

impl Default for RunSettings {
    /// The defaults of the command line.
    fn default() -> Self {
        let apply::ApplyOptions {
            parallelism,
            wait_timeout,
            ..
        } = apply::ApplyOptions::default();
        Self {
            files: FileSettings::default(),
            git: None,
            selection: Selection::default(),
            parallelism,
            wait_timeout,
            state: None,
            on_drift: OnDrift::default(),
            on_conflict: OnConflict::default(),
            guard: GuardSettings::default(),
            tenant: TenantSettings::default(),
            vault: VaultFlags::default(),
        }
    }
}

/// The integration files, and what may stand in them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileSettings {
    /// The directory, or a single file.
    pub dir: PathBuf,
    /// Values of `${var:NAME}` that the settings file declares.
    pub declared_variables: Variables,
    /// Files with such values, which replace those of the settings file.
    pub variable_files: Vec<PathBuf>,
    /// Such values that replace all others.
    pub variables: Variables,
    /// Warnings that count as errors.
    pub denied: DeniedWarnings,
    /// Destinations to which secrets may go. Empty: all, unless the files come from git.
    pub allow_secret: Vec<Binding>,
    /// Directories that `file` and `sops` references may read. Empty: that of the files.
    pub secret_roots: Vec<PathBuf>,
    /// Files with own credentials that any setting names: no reference may read them.
    pub own_files: Vec<PathBuf>,
}

/// The tenant, and how it is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantSettings {
    /// The URL; by the environment if absent.
    pub url: Option<String>,
    /// A file with the API key; by the environment if absent.
    pub api_key_file: Option<PathBuf>,
    /// The form in which the key is sent.
    pub auth: Auth,
    /// Certificates to trust besides the system's.
    pub ca_files: Vec<PathBuf>,
}

/// The form in which the API key is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Auth {
    /// As it is.
    #[default]
    Key,
    /// Exchanged for a bearer token.
    Token,
}

/// The limits of a plan, and exceptions from them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GuardSettings {
    /// The kinds of actions that are taken.
    pub policy: Policy,
    /// Numbers and shares of integrations that may be written.
    pub limits: GuardLimits,
    /// Integrations that may be deleted and created again.
    pub allow_replace: BTreeSet<Name>,
    /// Integrations that may be deleted although their file still exists.
    pub allow_removal: BTreeSet<Name>,
    /// Place of the credentials in the body of a delete.
    pub delete_credentials: Nesting,
    /// Source of the tenant's connections.
    pub connections: LookForConnections,
}

/// A git repository with integration files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSettings {
    /// Its address.
    pub url: String,
    /// The branch, if not the default one.
    pub branch: Option<String>,
    /// The tag, before the branch.
    pub tag: Option<String>,
    /// The commit, before tag and branch.
    pub commit: Option<String>,
    /// The directory of the files in it.
    pub directory: Option<String>,
    /// The form in which https sends the token.
    pub auth: GitAuth,
    /// The user name for https.
    pub user: Option<String>,
    /// A file with the password or token for https.
    pub token_file: Option<PathBuf>,
    /// Certificates to trust for https besides the system's.
    pub ca_files: Vec<PathBuf>,
    /// The private key for ssh.
    pub ssh_key: Option<PathBuf>,
    /// The known hosts for ssh, and no others.
    pub known_hosts: Option<PathBuf>,
    /// The parts of a revision that must be signed.
    pub verify: Option<VerifyMode>,
    /// SSH keys whose signatures count.
    pub allowed_signers: Option<PathBuf>,
    /// SSH keys that no longer count.
    pub revoked_keys: Option<PathBuf>,
    /// OpenPGP keys whose signatures count.
    pub openpgp_keys: Vec<PathBuf>,
    /// Revisions that are applied although they do not descend from the applied one.
    pub allow_rewrite: Rewrite,
}

/// The form in which https sends the token for a git server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitAuth {
    /// As the password of a user.
    Basic,
    /// As a bearer token.
    Bearer,
}

/// Revisions that are applied although history was rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewrite {
    /// None.
    Nothing,
    /// All.
    Anything,
    /// This commit.
    Commit(CommitId),
}

impl GitSettings {
    /// True if this revision may be applied although history was rewritten.
    #[must_use]
    pub fn may_rewrite(&self, revision: &CommitId) -> bool {
        match &self.allow_rewrite {
            Rewrite::Nothing => false,
            Rewrite::Anything => true,
            Rewrite::Commit(commit) => revision == commit,
        }
    }
}
