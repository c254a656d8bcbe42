//! Commands that the running daemon carries out: both ends of the hand-over.
//!
//! The client sends the flags that were given for the command, on its line or in the
//! environment. The daemon completes them with its own settings, as the settings file completes a
//! command line, and runs the same command in its own session.

use std::path::PathBuf;

use clap::{Args, Command};

use super::args::{ConnectionArgs, FilesArgs, GitArgs, HandOver, VaultArgs};
use super::command::CommandContext;
use crate::client;
use crate::command_line::handed::{EffectiveFlags, arguments, check_source};
use crate::command_line::{Line, Program};
use crate::console::Terminal;
use crate::daemon::control::request::{DaemonCommand, HandedCommand, HandedRecords};
use crate::ledger::Record;
use crate::manifest::Name;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::OutputFormat;
use crate::session::{state, tenant};
use crate::settings::run::TenantSettings;

/// The daemon that holds the ledger which a command needs for itself.
pub(super) struct LedgerHolder {
    socket: Option<PathBuf>,
    tenant: String,
}

impl LedgerHolder {
    /// The daemon that accepts commands; `None` if the command has to be run here.
    pub(super) async fn find(wish: &HandOver<'_>) -> Option<Self> {
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
        Some(Self { socket, tenant })
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
            arguments: arguments(line, program)?,
            tenant: self.tenant,
            can_ask: terminal.can_ask(),
            has_colour: terminal.err_has_colour(),
        });
        terminal.err("The daemon carries out this command: it holds the ledger.\n");
        Ok(client::hand_over(self.socket.as_deref(), command, terminal).await?)
    }

    /// Has the daemon record adopted integrations.
    ///
    /// # Errors
    /// The daemon did not record them.
    pub(super) async fn record(
        self,
        records: Vec<(Name, Record)>,
        terminal: &Terminal,
    ) -> Result<(), CommandFailure> {
        let command = DaemonCommand::Record(HandedRecords {
            tenant: self.tenant,
            records,
        });
        let exit = client::hand_over(self.socket.as_deref(), command, terminal).await?;
        if exit == Exit::Success {
            return Ok(());
        }
        Err(CommandFailure::new(
            Exit::Failed,
            "the files were written, but the integrations were not recorded as owned",
            "run `integrationd adopt` with their names",
        ))
    }
}

/// Carries out a command of a client in the session of the daemon, which the context holds.
pub(super) async fn carry_out(
    arguments: Vec<String>,
    flags: &EffectiveFlags,
    context: CommandContext<'_>,
) -> Exit {
    match line(arguments, flags, &context) {
        Ok(line) => (context.run_handed)(line, context).await,
        Err(failure) => context
            .terminal
            .command_failure(&failure, OutputFormat::Text),
    }
}

/// The command line of a client, completed with the flags of the daemon.
fn line(
    arguments: Vec<String>,
    flags: &EffectiveFlags,
    context: &CommandContext<'_>,
) -> Result<Line, CommandFailure> {
    if let Some(held) = &context.held
        && held.tenant != held.session.tenant()
    {
        let (own, theirs) = (held.session.tenant(), &held.tenant);
        return Err(CommandFailure::new(
            Exit::Failed,
            format_args!("the daemon manages {own}, not {theirs}"),
            "give the socket of the daemon of this tenant with `--socket`",
        ));
    }
    let line = Line::of_client(context.program, arguments, flags)?;
    check_source(&line, flags, source_flags())?;
    Ok(line)
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
