//! Where secrets come from, as the command line says it.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args};

use super::args::RunArgs;
use super::failure::Failure;
use super::source::bindings;
use crate::manifest::{Binding, Bindings, Flat, Manifest};
use crate::report::exit::Exit;
use crate::secret::{Providers, Reference, SecretSource, own_settings};
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

/// Where references may read, and where secrets may go.
#[derive(Debug, Clone, Args)]
pub(super) struct ReferenceArgs {
    /// Lets a reference go to integrations of a type at a host, and every other reference nowhere;
    /// `*` is any text, as in `vault:kv/data/team/*=*@*.example.com`; may be repeated
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
    /// Files with own credentials that flags or the settings file name; not a setting itself.
    #[arg(skip)]
    pub own_files: Vec<PathBuf>,
}

impl ReferenceArgs {
    /// The sources of secrets on this machine, for integration files in a directory.
    pub(super) fn providers(&self, dir: &Path) -> Providers {
        let mut providers = Providers::of_process(roots(dir, &self.secret_root));
        providers.own_files.extend(self.own_files.iter().cloned());
        providers
    }

    /// The bindings, which also refuse every file with an own credential.
    pub(super) fn bindings(&self, dir: &Path) -> Bindings {
        let bindings: Bindings = self.allow_secret.iter().cloned().collect();
        let machine = self.providers(dir);
        bindings.keeping(move |reference| machine.is_own_file(reference))
    }
}

/// The files with own credentials that the flags of a command name, and those that the
/// settings file names for any command.
pub(super) fn named_own_files(command: &ArgMatches, settings: &Flat) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for setting in own_settings() {
        let id = setting.replace('-', "_");
        // A command without this flag is asked in vain.
        let flag = command.try_get_raw(&id).ok().flatten();
        files.extend(flag.into_iter().flatten().map(PathBuf::from));
        files.extend(
            settings
                .get(setting)
                .into_iter()
                .flatten()
                .map(PathBuf::from),
        );
    }
    files
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

/// The directories that may hold secrets: for a single file, the directory that contains
/// it.
pub(super) fn roots(dir: &Path, declared: &[PathBuf]) -> Vec<PathBuf> {
    if !declared.is_empty() {
        return declared.to_vec();
    }
    let parent = dir.parent().filter(|_| dir.is_file());
    vec![parent.unwrap_or(dir).to_path_buf()]
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

/// Providers for the references of integration files in a directory.
pub(super) fn providers(
    args: &ReferenceArgs,
    vault: &VaultArgs,
    dir: &Path,
    references: &[&Reference],
) -> Result<Providers, Failure> {
    with_vault(args.providers(dir), vault, references)
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
