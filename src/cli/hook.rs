//! `hook`: a push to a repository on this machine asks the daemon for a run.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::args::{ReferenceArgs, duration};
use super::command::{CommandArgs, Context};
use super::help;
use crate::hook::{self, Ask, Install};
use crate::report::exit::Exit;
use crate::report::failure::Failure;

/// Where the daemon's systemd unit has the socket.
const SOCKET: &str = "/run/integrationd/integrationd.sock";

/// Let a push to a repository here ask the daemon for a run
#[derive(Debug, Args)]
#[command(after_help = help::HOOK)]
pub(super) struct HookArgs {
    #[command(subcommand)]
    command: HookCommand,
}

#[derive(Debug, Subcommand)]
enum HookCommand {
    /// Write the `post-receive` hook of a bare repository, or take it away
    Install(InstallArgs),
    /// Ask the daemon for a run and show what comes of it; the hook calls this
    Run(AskArgs),
}

#[derive(Debug, Args)]
struct InstallArgs {
    /// The bare repository
    #[arg(value_name = "REPO")]
    repository: PathBuf,
    /// Take the hook away again
    #[arg(long)]
    uninstall: bool,
    #[command(flatten)]
    ask: AskArgs,
}

#[derive(Debug, Args)]
struct AskArgs {
    /// The socket of the daemon
    #[arg(long, value_name = "PATH", default_value = SOCKET)]
    socket: PathBuf,
    /// The branch whose pushes count; all if none is given
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// How long to wait for the end of the run, which goes on without
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
}

impl From<AskArgs> for Ask {
    fn from(args: AskArgs) -> Self {
        let AskArgs {
            socket,
            branch,
            timeout,
        } = args;
        Self {
            socket,
            branch,
            timeout,
        }
    }
}

impl From<InstallArgs> for Install {
    fn from(args: InstallArgs) -> Self {
        let InstallArgs {
            repository,
            uninstall,
            ask,
        } = args;
        Self {
            repository,
            uninstall,
            ask: ask.into(),
        }
    }
}

impl CommandArgs for HookArgs {
    const USES_SETTINGS: bool = false;

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, Context { terminal, .. }: Context<'_>) -> Result<Exit, Failure> {
        match self.command {
            HookCommand::Install(args) => hook::install(&args.into(), terminal),
            HookCommand::Run(args) => Ok(hook::ask(&args.into(), terminal).await),
        }
    }
}
