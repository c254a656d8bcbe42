//! Commands that the running daemon carries out: both ends of the hand-over.
//!
//! The client sends the flags that were given for the command, on its line or in the
//! environment. The daemon completes them with its own settings, as the settings file completes a
//! command line, and runs the same command in its own session.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use jiff::Timestamp;

use super::args::{ConnectionArgs, FilesArgs, GitArgs, HandOver, NotifiedDaemonArgs, VaultArgs};
use super::command::CommandContext;
use crate::client::{self, RequestError, Unreachable};
use crate::command_line::handed::{EffectiveFlags, arguments, check_source};
use crate::command_line::{Line, Program};
use crate::console::Terminal;
use crate::daemon::control::handed::OTHER_FILES;
use crate::daemon::control::request::{ClientView, DaemonCommand, HandedCommand, HandedRecords};
use crate::ledger::Record;
use crate::manifest::Name;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::OutputFormat;
use crate::session::{state, tenant};
use crate::settings::run::{RunSettings, TenantSettings};
use crate::text::chain;

/// The daemon that holds the ledger which a command needs for itself.
pub(super) struct LedgerHolder {
    socket: Option<PathBuf>,
    view: ClientView,
}

impl LedgerHolder {
    /// The daemon that accepts commands; `None` if the command has to be run here.
    pub(super) async fn find(wish: &HandOver<'_>, settings_file: Option<PathBuf>) -> Option<Self> {
        let settings = TenantSettings {
            url: wish.url.map(str::to_owned),
            ..TenantSettings::default()
        };
        // The command itself reports a wrong setting.
        let tenant = tenant::url(&settings).ok()?;
        let socket = wish.daemon.socket.clone();
        let is_held = !wish.daemon.standalone && state::is_held(wish.state, &tenant);
        if !is_held || !client::accepts_commands(socket.as_deref()).await {
            return None;
        }
        let view = ClientView {
            ledger: state::identity(wish.state, &tenant)?,
            tenant,
            settings_file,
        };
        Some(Self { socket, view })
    }

    /// Has the daemon carry out the command of this line.
    ///
    /// # Errors
    /// The daemon did not carry it out.
    pub(super) async fn carry_out(
        self,
        line: &Line,
        program: Program,
        terminal: &Terminal,
    ) -> Result<Exit, CommandFailure> {
        let command = DaemonCommand::Run(HandedCommand {
            arguments: arguments(line, program, source_flags())?,
            view: self.view,
            can_ask: terminal.can_ask(),
            has_colour: terminal.err_has_colour(),
        });
        terminal.err("The daemon carries out this command, because it holds the ledger.\n");
        Ok(client::hand_over(self.socket.as_deref(), command, terminal).await?)
    }

    /// Has the daemon record integrations that files in this directory describe. Without any, the
    /// daemon only says that it would.
    ///
    /// # Errors
    /// The daemon refuses.
    pub(super) async fn record(
        &self,
        directory: &Path,
        read_at: Timestamp,
        records: Vec<(Name, Record)>,
        terminal: &Terminal,
    ) -> Result<(), CommandFailure> {
        let command = DaemonCommand::Record(HandedRecords {
            view: self.view.clone(),
            directory: std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()),
            read_at,
            records,
        });
        let exit = client::hand_over(self.socket.as_deref(), command, terminal).await?;
        if exit != OTHER_FILES {
            return Ok(());
        }
        let directory = directory.display();
        Err(CommandFailure::new(
            exit,
            format_args!(
                "the daemon, which holds the ledger, does not read the files in {directory}, so \
                 it cannot own their integrations yet"
            ),
            "export into the daemon's directory, or stop the daemon first; if the daemon reads a \
             repository, export without `--adopt`, and run `integrationd adopt` when its files \
             describe the integrations",
        ))
    }
}

/// Notifies the daemon that holds the ledger of a suspension that has begun or ended. The
/// suspension holds without it, and from the daemon's next run on.
pub(super) async fn notify_of_suspensions(
    daemon: &NotifiedDaemonArgs,
    settings: &RunSettings,
    terminal: &Terminal,
) {
    let tenant = tenant::url(&settings.tenant);
    let is_held = tenant.is_ok_and(|tenant| state::is_held(settings.state.as_deref(), &tenant));
    if daemon.standalone || !is_held {
        return;
    }
    let socket = daemon.socket.as_deref();
    match client::request(socket, DaemonCommand::SuspensionsChanged).await {
        // The holder is a command, or a daemon without a socket.
        Ok(_)
        | Err(RequestError::Disabled | RequestError::Unreachable(Unreachable::NotThere(_))) => {}
        Err(error) => {
            let error = chain(&error);
            terminal.err(&format!("The daemon was not notified: {error}.\n"));
        }
    }
}

/// Carries out a command of a client in the session of the daemon, which the context holds.
pub(super) async fn carry_out(
    arguments: Vec<String>,
    flags: &EffectiveFlags,
    context: CommandContext<'_>,
) -> Exit {
    let line = match Line::of_client(context.program, arguments, flags) {
        Ok(line) => line,
        Err(error) => {
            let terminal = context.terminal;
            return terminal.command_failure(&error.into(), OutputFormat::Text);
        }
    };
    match check_source(&line, flags, source_flags()) {
        Ok(()) => (context.run_handed)(line, context).await,
        Err(failure) => context.terminal.command_failure(&failure, format_of(&line)),
    }
}

/// The form of the result of a command.
fn format_of(line: &Line) -> OutputFormat {
    let matches = line.matches.subcommand().map(|(_, matches)| matches);
    let format = matches.and_then(|it| it.try_get_one::<OutputFormat>("output").ok().flatten());
    format.copied().unwrap_or(OutputFormat::Text)
}

/// The flags that name the files, the tenant and credentials.
fn source_flags() -> impl Iterator<Item = String> {
    let groups = [
        FilesArgs::augment_args,
        GitArgs::augment_args,
        ConnectionArgs::augment_args,
        VaultArgs::augment_args,
    ];
    groups.into_iter().flat_map(|augment| {
        let command = augment(Command::new("flags"));
        let ids = command.get_arguments().map(|arg| arg.get_id().to_string());
        ids.collect::<Vec<_>>()
    })
}
