//! Why Vault gave nothing, and what helps.

use std::sync::Arc;

use crate::secret::Scrubber;
use crate::secret::missing::Problem;

/// Why there is no answer, or none with a secret in it. Of an answer only the
/// list `errors` is repeated, which the server makes to be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::secret) enum VaultProblem {
    /// Nothing is known of a server.
    #[error("no Vault server is given: set VAULT_ADDR, and how to log in")]
    NoServer,
    /// A setting that cannot be used.
    #[error("the connection to Vault cannot be set up: {0}")]
    Setup(String),
    /// Something that the operator gives, and that is not there.
    #[error("{what} for Vault cannot be used: {why}")]
    Unusable {
        /// What it should be.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// What cannot be one.
    #[error("{what} for Vault is empty, or has a character in it that none has: give it alone")]
    NotOne {
        /// What it should be.
        what: &'static str,
    },
    /// No whole answer.
    #[error("Vault did not answer {operation}: {cause}: check VAULT_ADDR and the way there")]
    Unreachable {
        /// The method and the path.
        operation: String,
        /// What happened on the way.
        cause: String,
    },
    /// The login was refused.
    #[error(
        "Vault refused the login at {operation}{server_message}: check the role and its {what}"
    )]
    Login {
        /// The method and the path.
        operation: String,
        /// What was shown.
        what: &'static str,
        /// What the server said.
        server_message: String,
    },
    /// No permission.
    #[error(
        "Vault denies {operation}{server_message}: give the login a policy with `read` on this path; a token that has expired is denied, too"
    )]
    Denied {
        /// The method and the path.
        operation: String,
        /// What the server said.
        server_message: String,
    },
    /// Nothing there.
    #[error(
        "Vault has nothing at {operation}{server_message}: check the path, which has `data` behind the mount, and the namespace"
    )]
    NotFound {
        /// The method and the path.
        operation: String,
        /// What the server said.
        server_message: String,
    },
    /// There was something.
    #[error("Vault has {operation} no more, its latest version was {how}: {remedy}")]
    Gone {
        /// The method and the path.
        operation: String,
        /// Whether it can be brought back.
        how: &'static str,
        /// How.
        remedy: &'static str,
    },
    /// Nobody has unsealed it, or it is in maintenance.
    #[error(
        "Vault cannot answer {operation} now{server_message}: see whether it is sealed (`vault status`)"
    )]
    Unavailable {
        /// The method and the path.
        operation: String,
        /// What the server said.
        server_message: String,
    },
    /// A standby that sends elsewhere.
    #[error(
        "Vault answered {operation} with a redirect, which is not followed with credentials: let VAULT_ADDR name the active server"
    )]
    Redirect {
        /// The method and the path.
        operation: String,
    },
    /// Anything else that is not an answer.
    #[error("Vault answered {operation} with {code}{server_message}: its log may tell why")]
    Refused {
        /// The method and the path.
        operation: String,
        /// The code.
        code: u16,
        /// What the server said.
        server_message: String,
    },
    /// An answer of another engine, or of another server.
    #[error(
        "what answered {operation} is no KV engine of version 2: see `vault secrets list -detailed`, and whether VAULT_ADDR is right"
    )]
    NotKv2 {
        /// The method and the path.
        operation: String,
    },
}

impl VaultProblem {
    /// The same problem, without these secrets in what the server said.
    pub(super) fn without(mut self, scrubber: &Scrubber) -> Self {
        match &mut self {
            Self::Login { server_message, .. }
            | Self::Denied { server_message, .. }
            | Self::NotFound { server_message, .. }
            | Self::Unavailable { server_message, .. }
            | Self::Refused { server_message, .. } => {
                *server_message = scrubber.scrub(server_message);
            }
            Self::NoServer
            | Self::Setup(_)
            | Self::Unusable { .. }
            | Self::NotOne { .. }
            | Self::Unreachable { .. }
            | Self::Gone { .. }
            | Self::Redirect { .. }
            | Self::NotKv2 { .. } => {}
        }
        self
    }
}

impl Problem for VaultProblem {
    fn scrubbed(&self, scrubber: &Scrubber) -> Arc<dyn Problem> {
        Arc::new(self.clone().without(scrubber))
    }
}
