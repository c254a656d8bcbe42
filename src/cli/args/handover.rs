//! The daemon that carries out a command while it holds the ledger.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::BoolishValueParser;

use crate::command_line::holder::{LedgerHolder, notify_of_suspensions};
use crate::console::Terminal;
use crate::session::Access;
use crate::settings::run::RunSettings;

/// Heading of these flags.
const DAEMON: &str = "Daemon";

/// The daemon on this machine.
#[derive(Debug, Clone, Args)]
pub(crate) struct HandOverArgs {
    /// Socket of the daemon; if the daemon holds the ledger, the daemon carries out the command
    /// [default: /run/integrationd/integrationd.sock]
    #[arg(long, value_name = "PATH", env = "INTEGRATIOND_SOCKET", help_heading = DAEMON)]
    pub socket: Option<PathBuf>,
    /// Fail if a daemon holds the ledger, instead of letting the daemon carry out the command
    #[arg(long, env = "INTEGRATIOND_STANDALONE", help_heading = DAEMON,
          value_parser = BoolishValueParser::new())]
    pub standalone: bool,
}

/// The daemon that a command notifies of a suspension.
#[derive(Debug, Clone, Args)]
pub(crate) struct NotifiedDaemonArgs {
    /// Socket of the daemon, which starts a run at once if it holds the ledger
    /// [default: /run/integrationd/integrationd.sock]
    #[arg(long, value_name = "PATH", env = "INTEGRATIOND_SOCKET", help_heading = DAEMON)]
    pub socket: Option<PathBuf>,
    /// Fail if a daemon holds the ledger
    #[arg(long, env = "INTEGRATIOND_STANDALONE", help_heading = DAEMON,
          value_parser = BoolishValueParser::new())]
    pub standalone: bool,
}

impl NotifiedDaemonArgs {
    /// The access to the ledger.
    pub(crate) fn access(&self) -> Access {
        if self.standalone {
            Access::Write
        } else {
            Access::Suspend
        }
    }

    /// Notifies the daemon, if it holds the ledger, of a suspension that has begun or ended.
    pub(crate) async fn notify(&self, settings: &RunSettings, terminal: &Terminal) {
        if !self.standalone {
            notify_of_suspensions(self.socket.as_deref(), settings, terminal).await;
        }
    }
}

/// A command that needs the ledger for itself.
pub(crate) struct HandOver<'a> {
    /// The daemon.
    pub daemon: &'a HandOverArgs,
    /// The state directory, if a flag names it.
    pub state: Option<&'a Path>,
    /// The URL of the tenant, if a flag names it.
    pub url: Option<&'a str>,
    /// True if it handles a stop itself; any other command ends where it waits.
    pub handles_stop: bool,
}

impl HandOver<'_> {
    /// The daemon that carries the command out; `None` if it has to be run here.
    pub(crate) async fn holder(&self, settings_file: Option<PathBuf>) -> Option<LedgerHolder> {
        let HandOverArgs { socket, standalone } = self.daemon;
        if *standalone {
            return None;
        }
        LedgerHolder::find(socket.clone(), self.state, self.url, settings_file).await
    }
}
