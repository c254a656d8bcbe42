//! Reasons why Vault returned nothing, and their remedies.

use std::sync::Arc;

use crate::secret::Scrubber;
use crate::secret::missing::Problem;

/// Reason why there is no response, or none with a secret in it. Of a response, only the list
/// `errors` is repeated, which the server makes for display.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::secret) enum VaultProblem {
    /// Nothing is known of a server.
    #[error("no Vault server is configured: set VAULT_ADDR, and configure a login")]
    NoServer,
    /// A setting that cannot be used.
    #[error("cannot set up the connection to Vault: {0}")]
    Setup(String),
    /// Something that the operator gives, and that is not there.
    #[error("cannot use {what} for Vault: {why}")]
    Unusable {
        /// The expected value.
        what: &'static str,
        /// The reason.
        why: String,
    },
    /// An invalid value.
    #[error(
        "{what} for Vault is empty or contains an invalid character: provide only the value itself"
    )]
    NotOne {
        /// The expected value.
        what: &'static str,
    },
    /// No whole answer.
    #[error("Vault did not respond to {operation}: {cause}: check VAULT_ADDR and the network")]
    Unreachable {
        /// The method and the path.
        operation: String,
        /// The cause of the transport failure.
        cause: String,
    },
    /// The login was refused.
    #[error(
        "Vault rejected the login at {operation}{server_message}: check the role and its {what}"
    )]
    Login {
        /// The method and the path.
        operation: String,
        /// The rejected credential.
        what: &'static str,
        /// The server's message.
        server_message: String,
    },
    /// No permission.
    #[error(
        "Vault denied {operation}{server_message}: check that the token has not expired and that its policy \
        grants `read` on this path"
    )]
    Denied {
        /// The method and the path.
        operation: String,
        /// The server's message.
        server_message: String,
    },
    /// Nothing there.
    #[error(
        "Vault found nothing for {operation}{server_message}: check the namespace and the path, which must \
        have `data` after the mount"
    )]
    NotFound {
        /// The method and the path.
        operation: String,
        /// The server's message.
        server_message: String,
    },
    /// There was something.
    #[error("Vault found the secret for {operation}, but its latest version was {how}: {remedy}")]
    Gone {
        /// The method and the path.
        operation: String,
        /// State of the latest version.
        how: &'static str,
        /// The remedy.
        remedy: &'static str,
    },
    /// It is sealed, or in maintenance.
    #[error(
        "Vault cannot process {operation} at the moment{server_message}: check whether Vault is sealed \
        (`vault status`)"
    )]
    Unavailable {
        /// The method and the path.
        operation: String,
        /// The server's message.
        server_message: String,
    },
    /// A standby that sends elsewhere.
    #[error(
        "Vault redirects {operation}, but integrationd does not follow redirects with \
        credentials: set VAULT_ADDR to the active server"
    )]
    Redirect {
        /// The method and the path.
        operation: String,
    },
    /// Anything else that is not an answer.
    #[error("Vault responded to {operation} with status {code}{server_message}: check Vault's log")]
    Refused {
        /// The method and the path.
        operation: String,
        /// The code.
        code: u16,
        /// The server's message.
        server_message: String,
    },
    /// An answer of another engine, or of another server.
    #[error(
        "the response to {operation} is not from a KV version 2 engine: check VAULT_ADDR and the \
        output of `vault secrets list -detailed`"
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
