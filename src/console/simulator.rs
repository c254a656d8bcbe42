//! A simulated tenant that is served until a signal.

use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;

use super::Terminal;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::simulator::{API_KEY, Simulator, SimulatorOptions, TenantProfile, serve};
use crate::text::chain;

/// Serves a simulated tenant at a loopback address, and says how to use it.
///
/// # Errors
/// The address cannot be used.
pub(crate) async fn serve_simulator(
    listen: SocketAddr,
    simulator: Simulator,
    terminal: Terminal,
) -> Result<Exit, CommandFailure> {
    if !listen.ip().is_loopback() {
        return Err(CommandFailure::new(
            Exit::Usage,
            format_args!(
                "the simulator cannot listen on {}, which is not a loopback address",
                listen.ip()
            ),
            "give a loopback address, such as 127.0.0.1:8080: the simulator's credentials are \
            public, and its control endpoint needs none",
        ));
    }
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        CommandFailure::new(
            Exit::Failed,
            format_args!("the simulator cannot listen on {listen}: {error}"),
            "choose another port with `--listen`; port 0 selects a free one",
        )
    })?;
    let address = listener.local_addr().unwrap_or(listen);
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

/// A tenant with the profile in this file.
///
/// # Errors
/// The file cannot be read, or is no profile.
pub(crate) fn simulator_with(
    profile: &Path,
    options: SimulatorOptions,
) -> Result<Simulator, CommandFailure> {
    let file = profile.display();
    let text = std::fs::read_to_string(profile).map_err(|error| {
        CommandFailure::new(
            Exit::Failed,
            format_args!("cannot read the profile {file}: {error}"),
            "check the path and its permissions",
        )
    })?;
    let profile = TenantProfile::read(&text).map_err(|error| {
        CommandFailure::new(
            Exit::InvalidFile,
            format_args!("cannot use the profile {file}: {}", chain(&error)),
            "give a file that this version of `integrationd ping --profile` wrote",
        )
    })?;
    Ok(profile.simulator(options))
}
