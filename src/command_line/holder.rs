//! The daemon that holds the ledger which a command needs.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::handed::arguments;
use super::{Line, Program};
use crate::client::{self, RequestError, Unreachable};
use crate::console::Terminal;
use crate::daemon::control::handed::OTHER_FILES;
use crate::daemon::control::request::{ClientView, DaemonCommand, HandedCommand, HandedRecords};
use crate::follow_up::SelectingFlags;
use crate::ledger::Record;
use crate::manifest::Name;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::{state, tenant};
use crate::settings::run::{RunSettings, TenantSettings};
use crate::text::chain;

/// The daemon that holds the ledger which a command needs for itself.
pub(crate) struct LedgerHolder {
    socket: Option<PathBuf>,
    view: ClientView,
}

impl LedgerHolder {
    /// The daemon that accepts commands; `None` if the command has to be run here.
    pub(crate) async fn find(
        socket: Option<PathBuf>,
        state: Option<&Path>,
        url: Option<&str>,
        settings_file: Option<PathBuf>,
    ) -> Option<Self> {
        let settings = TenantSettings {
            url: url.map(str::to_owned),
            ..TenantSettings::default()
        };
        // The command itself reports a wrong setting.
        let tenant = tenant::url(&settings).ok()?;
        let is_held = state::is_held(state, &tenant);
        if !is_held || !client::accepts_commands(socket.as_deref()).await {
            return None;
        }
        let view = ClientView {
            ledger: state::identity(state, &tenant)?,
            tenant,
            settings_file,
        };
        Some(Self { socket, view })
    }

    /// Has the daemon carry out the command of this line.
    ///
    /// # Errors
    /// The daemon did not carry it out.
    pub(crate) async fn carry_out(
        self,
        line: &Line,
        program: Program,
        source_flags: impl Iterator<Item = String>,
        terminal: &Terminal,
    ) -> Result<Exit, CommandFailure> {
        let command = DaemonCommand::Run(HandedCommand {
            arguments: arguments(line, program, source_flags)?,
            view: self.view,
            selecting: SelectingFlags::current(),
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
    pub(crate) async fn record(
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
pub(crate) async fn notify_of_suspensions(
    socket: Option<&Path>,
    settings: &RunSettings,
    terminal: &Terminal,
) {
    let tenant = tenant::url(&settings.tenant);
    let is_held = tenant.is_ok_and(|tenant| state::is_held(settings.state.as_deref(), &tenant));
    if !is_held {
        return;
    }
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
