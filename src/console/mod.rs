//! The terminal and the log: everything that this process says while it runs.
//!
//! All of it goes through [`Terminal`], so that no line is lost under another: results
//! to standard output, and the log, the progress and what goes wrong to standard error.

mod fields;
mod journal;
mod log;
pub(crate) mod panic;
mod progress;
mod terminal;
mod wrap;

use clap::ValueEnum;

pub(crate) use log::Log;
pub(crate) use progress::ProgressDisplay;
pub(crate) use terminal::Terminal;

/// Colours and the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputSettings {
    /// When to use colours.
    pub color: Color,
    /// How much to log, if somebody says.
    pub log_level: Option<LogLevel>,
    /// How to write the log.
    pub log_format: LogFormat,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// How much to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How to write the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}
