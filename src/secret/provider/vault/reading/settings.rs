//! The address of a Vault, and the login.

use std::path::PathBuf;

use crate::net::ServerUrl;
use crate::secret::credential::SecretInput;

/// Address of a server, and the login.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// Its address.
    pub url: ServerUrl,
    /// The namespace, where the server has any.
    pub namespace: Option<String>,
    /// Files with certificates, in PEM, of authorities to trust in addition to the system's.
    pub ca_files: Vec<PathBuf>,
    /// The login.
    pub login: VaultLogin,
}

/// Login method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultLogin {
    /// A token is given.
    Token(SecretInput),
    /// A role of the method `approle`.
    AppRole {
        /// Mount path of the method, such as `approle`.
        mount: String,
        /// The id of the role, which is not secret.
        role_id: String,
        /// The secret ID.
        secret_id: SecretInput,
    },
    /// A role of the method `jwt`.
    Jwt {
        /// Mount path of the method, such as `jwt`.
        mount: String,
        /// The name of the role.
        role: String,
        /// The token that proves who asks.
        jwt: SecretInput,
    },
}
