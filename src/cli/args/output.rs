//! Flags for colours and for the log.

use clap::Args;

use crate::console::{Color, LogFormat, LogLevel, OutputSettings};

/// Colours and the log.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Use of colours in the output; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Log level on standard error [default: warn; for the daemon: info]
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        value_enum,
        env = "INTEGRATIOND_LOG_LEVEL"
    )]
    pub log_level: Option<LogLevel>,
    /// Log format: lines for people, or one JSON object per line
    #[arg(long, global = true, value_name = "FORMAT", value_enum, env = "INTEGRATIOND_LOG_FORMAT",
          default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

impl From<&OutputArgs> for OutputSettings {
    fn from(args: &OutputArgs) -> Self {
        let OutputArgs {
            color,
            log_level,
            log_format,
        } = args;
        Self {
            color: *color,
            log_level: *log_level,
            log_format: *log_format,
        }
    }
}
