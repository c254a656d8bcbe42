//! References to secrets, and the login at Vault.

use std::path::PathBuf;

use clap::Args;

use super::run::FILES;
use crate::manifest::{Binding, Variables};
use crate::secret::vault;
use crate::settings::vault::VaultFlags;

/// Login at the Vault of `VAULT_ADDR`.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Vault, for ${vault:…} [env: VAULT_ADDR, VAULT_NAMESPACE, VAULT_CACERT]"
)]
pub(crate) struct VaultArgs {
    #[arg(long, value_name = "FILE", help = vault::TOKEN.help("File with a Vault token"))]
    pub vault_token_file: Option<PathBuf>,
    /// Role ID of the AppRole to log in with [env: INTEGRATIOND_VAULT_ROLE_ID]
    #[arg(long, value_name = "ID")]
    pub vault_role_id: Option<String>,
    #[arg(long, value_name = "FILE", help = vault::SECRET_ID.help("File with the secret ID of the \
        AppRole"))]
    pub vault_secret_id_file: Option<PathBuf>,
    /// Role for a login with a JWT [env: INTEGRATIOND_VAULT_JWT_ROLE]
    #[arg(long, value_name = "NAME")]
    pub vault_jwt_role: Option<String>,
    #[arg(long, value_name = "FILE", help = vault::JWT.help("File with the JWT for the Vault login"))]
    pub vault_jwt_file: Option<PathBuf>,
    /// Mount path of the auth method, if not `approle` or `jwt` [env:
    /// INTEGRATIOND_VAULT_AUTH_MOUNT]
    #[arg(long, value_name = "PATH")]
    pub vault_auth_mount: Option<String>,
}

/// Roots of references, and destinations of secrets.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReferenceArgs {
    /// Allow a secret reference in integrations of this type and host; all other references are
    /// then rejected; `*` matches any text, as in `vault:kv/data/team/*=*@*.example.com`; may be
    /// repeated
    #[arg(long, value_name = "REFERENCE[=TYPE[@HOST]]", help_heading = FILES,
          env = "INTEGRATIOND_ALLOW_SECRET", value_delimiter = ',')]
    pub allow_secret: Vec<Binding>,
    /// Directory from which `${file:PATH}` and `${sops:FILE#/KEY}` may read [default: the directory
    /// of the integration files]; may be repeated
    #[arg(long, value_name = "DIR", help_heading = FILES, env = "INTEGRATIOND_SECRET_ROOT",
          value_delimiter = ',')]
    pub secret_root: Vec<PathBuf>,
    /// Files with integrationd's own credentials, named by flags or the settings file; not a setting.
    #[arg(skip)]
    pub own_files: Vec<PathBuf>,
    /// Variables that the settings file declares.
    #[arg(skip)]
    pub declared_variables: Variables,
}

impl From<VaultArgs> for VaultFlags {
    fn from(args: VaultArgs) -> Self {
        let VaultArgs {
            vault_token_file,
            vault_role_id,
            vault_secret_id_file,
            vault_jwt_role,
            vault_jwt_file,
            vault_auth_mount,
        } = args;
        Self {
            token_file: vault_token_file,
            role_id: vault_role_id,
            secret_id_file: vault_secret_id_file,
            jwt_role: vault_jwt_role,
            jwt_file: vault_jwt_file,
            auth_mount: vault_auth_mount,
        }
    }
}
