//! Where secrets come from, as the command line says it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{DaemonArgs, RunArgs};
use super::failure::Failure;
use super::source::bindings;
use crate::manifest::{Binding, Manifest};
use crate::report::exit::Exit;
use crate::secret::{Providers, Reference, SecretSource};
use crate::settings::vault::{VaultFlags, VaultSettingsError, vault};
use crate::text::chain;

/// How to log in at the Vault of `VAULT_ADDR`.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Vault, for ${vault:…} [env: VAULT_ADDR, VAULT_NAMESPACE, VAULT_CACERT]"
)]
pub(super) struct VaultArgs {
    /// A file with a token [env: VAULT_TOKEN, VAULT_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    pub vault_token_file: Option<PathBuf>,
    /// The id of an AppRole to log in with [env: INTEGRATIOND_VAULT_ROLE_ID]
    #[arg(long, value_name = "ID")]
    pub vault_role_id: Option<String>,
    /// A file with its secret id [env: INTEGRATIOND_VAULT_SECRET_ID_FILE]
    #[arg(long, value_name = "FILE")]
    pub vault_secret_id_file: Option<PathBuf>,
    /// A role to log in to with a JWT [env: INTEGRATIOND_VAULT_JWT_ROLE]
    #[arg(long, value_name = "NAME")]
    pub vault_jwt_role: Option<String>,
    /// A file with that JWT [env: INTEGRATIOND_VAULT_JWT_FILE]
    #[arg(long, value_name = "FILE")]
    pub vault_jwt_file: Option<PathBuf>,
    /// Where the login is mounted, if not at `approle` or `jwt` [env: INTEGRATIOND_VAULT_AUTH_MOUNT]
    #[arg(long, value_name = "PATH")]
    pub vault_auth_mount: Option<String>,
}

/// Where a command that reads a directory looks its secrets up.
#[derive(Debug, Args)]
pub(super) struct LookupArgs {
    /// Lets a reference go to integrations of a type at a host, and every other reference nowhere;
    /// may be repeated
    #[arg(
        long,
        value_name = "REFERENCE[=TYPE[@HOST]]",
        env = "INTEGRATIOND_ALLOW_SECRET",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub allow_secret: Vec<Binding>,
    /// Where `${file:PATH}` and `${sops:FILE#/KEY}` may read; the directory of the files if not given; may be repeated
    #[arg(
        long,
        value_name = "DIR",
        env = "INTEGRATIOND_SECRET_ROOT",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub secret_root: Vec<PathBuf>,
    #[command(flatten)]
    pub vault: VaultArgs,
}

impl VaultArgs {
    /// The files that it logs in with.
    fn own_files(&self) -> impl Iterator<Item = PathBuf> {
        let VaultFlags {
            token_file,
            secret_id_file,
            jwt_file,
            role_id: _,
            jwt_role: _,
            auth_mount: _,
        } = VaultFlags::from(self);
        [token_file, secret_id_file, jwt_file].into_iter().flatten()
    }
}

impl From<&VaultArgs> for VaultFlags {
    fn from(args: &VaultArgs) -> Self {
        let VaultArgs {
            vault_token_file,
            vault_role_id,
            vault_secret_id_file,
            vault_jwt_role,
            vault_jwt_file,
            vault_auth_mount,
        } = args;
        Self {
            token_file: vault_token_file.clone(),
            role_id: vault_role_id.clone(),
            secret_id_file: vault_secret_id_file.clone(),
            jwt_role: vault_jwt_role.clone(),
            jwt_file: vault_jwt_file.clone(),
            auth_mount: vault_auth_mount.clone(),
        }
    }
}

impl DaemonArgs {
    /// Files that no integration file may read, besides those of every run.
    pub(super) fn own_files(&self) -> Vec<PathBuf> {
        let listened = self.listen.own_files().chain(self.push.own_files());
        listened.chain(self.notify.own_files()).collect()
    }
}

/// The directories that may hold secrets: for a single file, the directory that contains
/// it.
pub(super) fn roots(dir: &Path, declared: &[PathBuf]) -> Vec<PathBuf> {
    if !declared.is_empty() {
        return declared.to_vec();
    }
    let parent = dir.parent().filter(|_| dir.is_file());
    vec![parent.unwrap_or(dir).to_path_buf()]
}

/// The sources of secrets on this machine, with the own files that the settings name.
pub(super) fn of_this_machine(args: &RunArgs) -> Providers {
    let mut providers = Providers::of_process(roots(&args.files.dir, &args.secret_root));
    let own = &mut providers.own_files;
    own.extend(args.connection.api_key_file.clone());
    own.extend(args.git.own_files());
    own.extend(args.vault.own_files());
    providers
}

/// The references that are looked up: those of the files, which were checked
/// against the bindings, and those that the ledger keeps for deletions. The files
/// of these were checked, too, but perhaps before there were any bindings.
pub(super) fn bound<'a>(
    args: &RunArgs,
    manifest: &'a Manifest,
    of_deletions: &'a [Reference],
) -> Vec<&'a Reference> {
    let bindings = bindings(args);
    let kept = of_deletions
        .iter()
        .filter(|reference| bindings.name(reference));
    manifest.references().into_iter().chain(kept).collect()
}

/// Providers for the references of a run.
pub(super) fn providers(args: &RunArgs, references: &[&Reference]) -> Result<Providers, Failure> {
    with_vault(of_this_machine(args), &args.vault, references)
}

/// Providers for the references of files in a directory; `own` is a file that
/// integrationd itself logs in with.
pub(super) fn lookup(
    args: &LookupArgs,
    dir: &Path,
    own: Option<PathBuf>,
    references: &[&Reference],
) -> Result<Providers, Failure> {
    let mut providers = Providers::of_process(roots(dir, &args.secret_root));
    providers.own_files.extend(own);
    providers.own_files.extend(args.vault.own_files());
    with_vault(providers, &args.vault, references)
}

/// Settings for Vault count only where something asks for it.
fn with_vault(
    mut providers: Providers,
    args: &VaultArgs,
    references: &[&Reference],
) -> Result<Providers, Failure> {
    if references
        .iter()
        .any(|reference| reference.source == SecretSource::Vault)
    {
        providers.vault = vault(&VaultFlags::from(args), &|name: &str| {
            std::env::var_os(name)
        })?;
    }
    Ok(providers)
}

impl From<VaultSettingsError> for Failure {
    fn from(error: VaultSettingsError) -> Self {
        Self::new(Exit::InvalidSettings, chain(&error), error.help())
    }
}
