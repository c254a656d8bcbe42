//! The flag that says how the connections of the tenant become known.

use clap::{Args, ValueEnum};

use crate::sync::LookForConnections;

/// Source of the tenant's connections.
#[derive(Debug, Args)]
#[command(next_help_heading = "Guard")]
pub(super) struct ConnectionsArgs {
    /// Integrations that belong to a connection are not written: ask the tenant for its
    /// connections, or take your word that it has none
    #[arg(long, value_name = "HOW", value_enum, env = "INTEGRATIOND_CONNECTIONS",
          hide_env_values = true, default_value_t = Connections::Auto)]
    pub connections: Connections,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Connections {
    /// Ask the tenant
    Auto,
    /// There are none
    None,
}

impl ConnectionsArgs {
    /// The source of the tenant's connections.
    pub(super) fn look(&self) -> LookForConnections {
        match self.connections {
            Connections::Auto => LookForConnections::Auto,
            Connections::None => LookForConnections::None,
        }
    }
}
