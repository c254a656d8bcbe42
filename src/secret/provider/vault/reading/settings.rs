//! The address of a Vault, and the login.

use std::path::PathBuf;

use crate::net::ServerUrl;
use crate::secret::credential::SecretInput;

/// How to reach a server, and how to log in.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// Where it is.
    pub url: ServerUrl,
    /// The namespace, where the server has any.
    pub namespace: Option<String>,
    /// Files with certificates, in PEM, of authorities to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// How to log in.
    pub login: VaultLogin,
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultLogin {
    /// A token is given.
    Token(SecretInput),
    /// A role of the method `approle`.
    AppRole {
        /// Where the method is mounted, such as `approle`.
        mount: String,
        /// The id of the role, which is not secret.
        role_id: String,
        /// The secret id.
        secret_id: SecretInput,
    },
    /// A role of the method `jwt`.
    Jwt {
        /// Where the method is mounted, such as `jwt`.
        mount: String,
        /// The name of the role.
        role: String,
        /// The token that proves who asks.
        jwt: SecretInput,
    },
}
