//! The terminal and the log: everything that this process says while it runs.
//!
//! All of it goes through [`Terminal`], so that no line is lost under another: results
//! to standard output, and the log, the progress and what goes wrong to standard error.

mod export;
mod fields;
mod journal;
mod log;
pub(crate) mod panic;
mod profile;
mod progress;
mod runtime;
mod secret_file;
mod simulator;
mod sync;
mod terminal;
mod wrap;

use clap::ValueEnum;

pub(crate) use export::ExportConsole;
pub(crate) use log::Log;
pub(crate) use profile::ProfileConsole;
pub(crate) use progress::ProgressDisplay;
pub(crate) use runtime::in_runtime;
pub(crate) use secret_file::SecretOutput;
pub(crate) use simulator::{serve_simulator, simulator_with};
pub(crate) use sync::{SyncCommand, sync};
pub(crate) use terminal::Terminal;

/// Colours and the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputSettings {
    /// Use of colours.
    pub color: Color,
    /// Log level, if one is given.
    pub log_level: Option<LogLevel>,
    /// Log format.
    pub log_format: LogFormat,
}

/// Use of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// Log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}
