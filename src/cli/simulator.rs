//! `simulator`: serve a simulated tenant on a loopback address.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::args::{ReferenceArgs, duration};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::{serve_simulator, simulator_with};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::simulator::{ConnectionsApi, Preset, Simulator, SimulatorOptions};

/// Serve a simulated tenant, for trials and tests
#[derive(Debug, Args)]
#[command(after_help = help::SIMULATOR)]
pub(super) struct SimulatorArgs {
    /// Loopback address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Time taken to create or edit an integration
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = duration)]
    pub settle: Duration,
    /// Response to a search for connections; a POST to /_simulator/connections adds a connection
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ConnectionsApi::Missing)]
    pub connections: ConnectionsApi,
    /// Behave like the tenant that `ping --profile` described in this file
    #[arg(long, value_name = "FILE", conflicts_with = "connections")]
    pub profile: Option<PathBuf>,
    /// Integrations that exist from the start [default: none]
    #[arg(long, value_name = "NAME", value_enum, conflicts_with_all = ["connections", "profile"])]
    pub preset: Option<Preset>,
}

impl CommandArgs for SimulatorArgs {
    const USES_SETTINGS: bool = false;

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let options = SimulatorOptions {
            settle: self.settle,
            connections: self.connections,
            ..SimulatorOptions::default()
        };
        let simulator = match (&self.profile, self.preset) {
            (Some(path), _) => simulator_with(path, options)?,
            (None, Some(preset)) => preset.simulator(options),
            (None, None) => Simulator::new(options),
        };
        serve_simulator(self.listen, simulator, context.terminal).await
    }
}
