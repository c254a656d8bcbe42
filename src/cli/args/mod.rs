//! The command line, declared. What a command's help says below its options is in `help`.

mod git;
mod guard;
mod listen;
mod notify;
mod references;
mod run;
mod socket;
mod webhook;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::adopt::AdoptArgs;
use super::help;
use super::hook::HookArgs;
use super::manual::{CompletionArgs, ManArgs};
use super::settings_file::SettingsArgs;
use super::simulator::SimulatorArgs;
use super::suspend::{ResumeArgs, SuspendArgs};
use crate::settings::daemon::{DaemonSettings, SettingsFile};
use crate::settings::run::{RunSettings, TenantSettings};
use listen::ListenArgs;
use notify::NotifyArgs;
use socket::SocketArgs;
use webhook::WebhookArgs;

pub(super) use guard::ConnectionsArgs;
pub(super) use references::{ReferenceArgs, VaultArgs, named_own_files};
pub(super) use run::{ConnectionArgs, FilesArgs, RunArgs, duration, variable};

/// Keeps the integrations of an Immuta tenant equal to a directory of YAML files
///
/// Each file describes one integration in the shape of the API's payload. A
/// plan shows what differs; an apply changes it, follows each change until the
/// server is done, and proves by a second plan that nothing is left.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = help::ROOT, after_long_help = help::ROOT_LONG)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub output: OutputArgs,
    /// The settings file: a key for every flag of `daemon` [default: /etc/integrationd/integrationd.yaml, if there is one]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = super::settings_file::CONFIG_VARIABLE,
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(after_help = help::SYNC, after_long_help = help::SYNC_LONG)]
    Sync(SyncArgs),
    #[command(after_help = help::DAEMON)]
    Daemon(Box<DaemonArgs>),
    #[command(after_help = help::VALIDATE, after_long_help = help::VALIDATE_LONG)]
    Validate(ValidateArgs),
    #[command(after_help = help::LIST, after_long_help = help::LIST_LONG)]
    List(ListArgs),
    #[command(after_help = help::PING, after_long_help = help::PING_LONG)]
    Ping(PingArgs),
    #[command(after_help = help::ADOPT)]
    Adopt(Box<AdoptArgs>),
    #[command(after_help = help::HISTORY)]
    History(HistoryArgs),
    #[command(after_help = help::RESOLVE)]
    Resolve(ResolveArgs),
    #[command(after_help = help::SUSPEND)]
    Suspend(SuspendArgs),
    Resume(ResumeArgs),
    #[command(after_help = help::SIMULATOR)]
    Simulator(SimulatorArgs),
    #[command(after_help = help::HOOK)]
    Hook(HookArgs),
    Settings(SettingsArgs),
    #[command(after_help = help::COMPLETION)]
    Completion(CompletionArgs),
    #[command(after_help = help::MAN)]
    Man(ManArgs),
}

impl Command {
    /// How much to log if nobody says: a service has nobody at a screen who saw it work.
    pub(super) fn log_level(&self) -> LogLevel {
        if matches!(self, Self::Daemon(_)) {
            LogLevel::Info
        } else {
            LogLevel::Warn
        }
    }

    /// How integration files may refer to secrets, for a command that reads such files.
    pub(super) fn references_mut(&mut self) -> Option<&mut ReferenceArgs> {
        match self {
            Self::Sync(args) => Some(&mut args.run.files.references),
            Self::Daemon(args) => Some(&mut args.run.files.references),
            Self::Validate(args) => Some(&mut args.files.references),
            Self::Adopt(args) => Some(&mut args.references),
            Self::List(_)
            | Self::Ping(_)
            | Self::History(_)
            | Self::Resolve(_)
            | Self::Suspend(_)
            | Self::Resume(_)
            | Self::Simulator(_)
            | Self::Hook(_)
            | Self::Settings(_)
            | Self::Completion(_)
            | Self::Man(_) => None,
        }
    }

    /// Whether the result is to be a JSON document.
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Sync(SyncArgs { output, .. })
            | Self::Validate(ValidateArgs { output, .. })
            | Self::History(HistoryArgs { output, .. })
            | Self::List(ListArgs { output, .. }) => *output == Format::Json,
            Self::Ping(_)
            | Self::Daemon(_)
            | Self::Adopt(_)
            | Self::Resolve(_)
            | Self::Hook(_)
            | Self::Settings(_)
            | Self::Suspend(_)
            | Self::Resume(_)
            | Self::Completion(_)
            | Self::Man(_)
            | Self::Simulator(_) => false,
        }
    }
}

/// How to talk to the operator.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Whether to use colours; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// How much to log on standard error [default: warn; of the daemon: info]
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        value_enum,
        env = "INTEGRATIOND_LOG_LEVEL",
        hide_env_values = true
    )]
    pub log_level: Option<LogLevel>,
    /// How to write the log: lines for people, or one JSON object a line
    #[arg(long, global = true, value_name = "FORMAT", value_enum, env = "INTEGRATIOND_LOG_FORMAT", hide_env_values = true, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// The form of the result on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs: one document with a `format_version`
    Json,
}

/// Plan and apply once; `--dry-run` stops at the plan
///
/// Reads the files and the tenant, shows the plan, asks, and carries it out. A
/// failure of one integration never stops the others. Nothing is deleted unless
/// `--policy sync` asks for it.
#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    /// Print the plan and stop; sends nothing but reads
    #[arg(long)]
    pub dry_run: bool,
    /// Apply to a simulated, empty tenant in this process; resolves no real secret
    #[arg(long, conflicts_with_all = ["url", "api_key_file"])]
    pub simulate: bool,
    /// Exit with 2, not 0, when a dry run finds changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Apply without a question; needed where nobody is at a terminal
    #[arg(long, env = "INTEGRATIOND_YES", hide_env_values = true,
          value_parser = BoolishValueParser::new())]
    pub yes: bool,
    /// Send the stored secrets of an integration again, `*` for all: the server never
    /// returns them; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub resend_secrets: Vec<String>,
    /// The form of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub output: Format,
    #[command(flatten)]
    pub run: Box<RunArgs>,
}

/// Keep the tenant in sync: the service
///
/// Reads the files, makes the tenant equal to them, and looks again when a file
/// changes, at the resync interval, and on SIGHUP. A failure is tried again, later
/// each time. SIGTERM lets the writes under way end.
#[derive(Debug, Args)]
pub(super) struct DaemonArgs {
    /// How often to look although no file changed: drift is seen then
    #[arg(long, value_name = "DURATION", env = "INTEGRATIOND_INTERVAL", hide_env_values = true,
          default_value = "10m", value_parser = duration)]
    pub interval: Duration,
    /// How long the directory must be quiet before it is read
    #[arg(long, value_name = "DURATION", env = "INTEGRATIOND_DEBOUNCE", hide_env_values = true,
          default_value = "500ms", value_parser = duration)]
    pub debounce: Duration,
    /// Read the directory this often instead of waiting for events, which network
    /// file systems do not have
    #[arg(long, value_name = "DURATION", env = "INTEGRATIOND_POLL", hide_env_values = true,
          value_parser = duration)]
    pub poll: Option<Duration>,
    #[command(flatten)]
    pub listen: ListenArgs,
    #[command(flatten)]
    pub notify: NotifyArgs,
    #[command(flatten)]
    pub webhook: WebhookArgs,
    #[command(flatten)]
    pub socket: SocketArgs,
    /// The settings file that was read; not a setting itself.
    #[arg(skip)]
    pub settings_file: SettingsFile,
    #[command(flatten)]
    pub run: Box<RunArgs>,
}

impl From<DaemonArgs> for DaemonSettings {
    fn from(args: DaemonArgs) -> Self {
        let DaemonArgs {
            interval,
            debounce,
            poll,
            listen,
            notify,
            webhook,
            socket,
            settings_file,
            run,
        } = args;
        Self {
            interval,
            debounce,
            poll,
            listen: listen.into(),
            notify: notify.into(),
            webhook: webhook.into(),
            socket: socket.into(),
            file: settings_file,
            run: (*run).into(),
        }
    }
}

/// Check the files and touch nothing: no tenant, no credentials, no network
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub files: FilesArgs,
    /// The form of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

/// Show what is live on the tenant; nothing secret
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// The form of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub output: Format,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Check the URL, the certificate, the credentials and the permission
#[derive(Debug, Args)]
pub(super) struct PingArgs {
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Which ledger, where the tenant is not asked.
#[derive(Debug, Clone, Args)]
pub(super) struct LedgerArgs {
    /// Where the ledger is kept [env: STATE_DIRECTORY, XDG_STATE_HOME, HOME]
    #[arg(
        long,
        value_name = "DIR",
        env = "INTEGRATIOND_STATE",
        hide_env_values = true
    )]
    pub state: Option<PathBuf>,
    /// The tenant, such as https://acme.hosted.immutacloud.com [env: IMMUTA_URL, IMMUTA_HOST]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

impl From<LedgerArgs> for RunSettings {
    fn from(args: LedgerArgs) -> Self {
        let LedgerArgs { state, url } = args;
        Self {
            state,
            tenant: TenantSettings {
                url,
                ..TenantSettings::default()
            },
            ..Self::default()
        }
    }
}

/// Show what was done and when; asks the tenant nothing
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// How many runs, newest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: u32,
    /// The form of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub output: Format,
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// Resolve a write whose outcome is unknown
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("verdict").required(true))]
pub(super) struct ResolveArgs {
    /// The name of the integration that is in doubt
    pub name: String,
    /// It made this integration
    #[arg(long, value_name = "ID", group = "verdict")]
    pub adopt: Option<String>,
    /// It had no effect: the next sync tries it again
    #[arg(long, group = "verdict")]
    pub retry: bool,
    /// Where the ledger is kept [env: STATE_DIRECTORY, XDG_STATE_HOME, HOME]
    #[arg(
        long,
        value_name = "DIR",
        env = "INTEGRATIOND_STATE",
        hide_env_values = true
    )]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}
