//! `hook`: a push to a repository on this machine asks the daemon for a run.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::args::{ReferenceArgs, duration};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::hook::{self, Ask, Install};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::settings::daemon::DEFAULT_SOCKET;

/// Trigger a run of the daemon on each push to a local repository
#[derive(Debug, Args)]
#[command(after_help = help::HOOK)]
pub(super) struct HookArgs {
    #[command(subcommand)]
    command: HookCommand,
}

#[derive(Debug, Subcommand)]
enum HookCommand {
    /// Install the `post-receive` hook of a bare repository, or remove it
    Install(InstallArgs),
    /// Trigger a run of the daemon and show its result; the hook runs this command
    Run(AskArgs),
}

#[derive(Debug, Args)]
struct InstallArgs {
    /// Path of the bare repository
    #[arg(value_name = "REPO")]
    repository: PathBuf,
    /// Remove the hook instead of installing it
    #[arg(long)]
    uninstall: bool,
    #[command(flatten)]
    ask: AskArgs,
}

#[derive(Debug, Args)]
struct AskArgs {
    /// Socket of the daemon
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    socket: PathBuf,
    /// Trigger a run only for pushes to this branch [default: all branches]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Time to wait for the end of the run, which continues after the timeout
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

    async fn run(
        self,
        CommandContext { terminal, .. }: CommandContext<'_>,
    ) -> Result<Exit, CommandFailure> {
        match self.command {
            HookCommand::Install(args) => hook::install(&args.into(), &terminal),
            HookCommand::Run(args) => Ok(hook::ask(&args.into(), &terminal).await),
        }
    }
}
