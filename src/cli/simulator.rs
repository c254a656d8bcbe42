//! `simulator`: serve a simulated tenant on a loopback address.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::args::{ReferenceArgs, duration};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::simulator::{API_KEY, ConnectionsApi, Simulator, SimulatorOptions, serve};

/// Serve a simulated tenant, for trials and tests
#[derive(Debug, Args)]
#[command(after_help = help::SIMULATOR)]
pub(super) struct SimulatorArgs {
    /// Loopback address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Duration of creating and editing an integration
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = duration)]
    pub settle: Duration,
    /// Response to a search for connections, which are added at the control endpoint
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ConnectionsApi::Missing)]
    pub connections: ConnectionsApi,
}

impl CommandArgs for SimulatorArgs {
    const USES_SETTINGS: bool = false;

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(
        self,
        CommandContext { terminal, .. }: CommandContext<'_>,
    ) -> Result<Exit, CommandFailure> {
        run(self, terminal).await
    }
}

async fn run(args: SimulatorArgs, terminal: Terminal) -> Result<Exit, CommandFailure> {
    if !args.listen.ip().is_loopback() {
        return Err(CommandFailure::new(
            Exit::Usage,
            format_args!(
                "the simulator cannot listen on {}, which is not a loopback address",
                args.listen.ip()
            ),
            "give a loopback address, such as 127.0.0.1:8080: the simulator's credentials are \
            public, and its control endpoint needs none",
        ));
    }
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        CommandFailure::new(
            Exit::Failed,
            format_args!("the simulator cannot listen on {}: {error}", args.listen),
            "choose another port with `--listen`; port 0 selects a free one",
        )
    })?;
    let address = listener.local_addr().unwrap_or(args.listen);
    let simulator = Simulator::new(SimulatorOptions {
        settle: args.settle,
        connections: args.connections,
        ..SimulatorOptions::default()
    });
    terminal.out(&format!(
        "Simulated tenant on http://{address}\n\n  \
         export IMMUTA_URL=http://{address} IMMUTA_API_KEY={API_KEY}\n\n\
         Control: http://{address}/_simulator/  (log, state, faults, drift, connections, options, reset)\n"
    ));
    let stopped = async {
        // Without a handler for the signal the process ends by it, which is as good.
        let _ = tokio::signal::ctrl_c().await;
    };
    serve(listener, simulator, stopped).await;
    Ok(Exit::Success)
}
