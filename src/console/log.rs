//! The log, on standard error.
//!
//! Text for people, and JSON for programs: one flat object on each line, in which the fields of
//! the spans around an event (tenant, run, integration) are added to its own. Where standard
//! error is systemd's journal, text for people goes there as entries with fields. Other crates
//! log only problems.

use std::fmt;
use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::Value as Json;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::{LookupSpan, Scope};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use super::fields::Fields;
use super::journal::Journal;
use super::panic;
use super::terminal::Terminal;
use super::{Color, LogFormat, LogLevel, OutputSettings};

/// The log of this process. Its level may change while it runs.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    default: LogLevel,
    format: LogFormat,
    color: Color,
}

impl Log {
    /// Starts it.
    pub(crate) fn start(output: &OutputSettings, default: LogLevel, terminal: &Terminal) -> Self {
        panic::report_as(output.log_format);
        let (filter, handle) = reload::Layer::new(filter(output, default));
        let lines = lines(output.log_format, terminal);
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .init();
        Self {
            filter: handle,
            default,
            format: output.log_format,
            color: output.color,
        }
    }

    /// The setting that a reload cannot change, if the new settings change one.
    pub(crate) fn fixed(&self, output: &OutputSettings) -> Option<&'static str> {
        let OutputSettings {
            color,
            log_level: _,
            log_format,
        } = output;
        let differs = [
            ("`log-format`", *log_format != self.format),
            ("`color`", *color != self.color),
        ];
        let found = differs.into_iter().find(|(_, differs)| *differs);
        found.map(|(what, _)| what)
    }

    /// Takes up the level.
    pub(crate) fn take(&self, output: &OutputSettings) {
        if let Err(error) = self.filter.reload(filter(output, self.default)) {
            tracing::error!(%error, "cannot change the log level; keeping the current one");
        }
    }
}

fn filter(output: &OutputSettings, default: LogLevel) -> EnvFilter {
    let level = match output.log_level.unwrap_or(default) {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    EnvFilter::new(format!("warn,integrationd={level}"))
}

/// Writes each event, in the form that was asked for.
fn lines<S>(format: LogFormat, terminal: &Terminal) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if let LogFormat::Text = format
        && let Some(journal) = Journal::of_process(terminal.clone())
    {
        return Box::new(journal);
    }
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(terminal.err_has_colour())
        .with_writer({
            let terminal = terminal.clone();
            move || Line(terminal.clone())
        });
    match format {
        // A person sees when it happens.
        LogFormat::Text if terminal.bars().is_some() => {
            Box::new(lines.with_target(false).without_time())
        }
        LogFormat::Text => Box::new(lines.with_target(false)),
        LogFormat::Json => Box::new(lines.json().event_format(Flat)),
    }
}

/// Takes whole lines.
struct Line(Terminal);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.err_unfolded(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One flat JSON object for each event.
struct Flat;

impl<S> FormatEvent<S, JsonFields> for Flat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        let metadata = event.metadata();
        fields.put("timestamp", Timestamp::now().to_string());
        fields.put("level", metadata.level().to_string());
        fields.put("target", metadata.target());
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            let text = extensions.get::<FormattedFields<JsonFields>>();
            let parsed = text.and_then(|text| serde_json::from_str(text).ok());
            if let Some(Json::Object(own)) = parsed {
                fields.0.extend(own);
            }
        }
        event.record(&mut fields);
        writeln!(writer, "{}", Json::Object(fields.0))
    }
}
