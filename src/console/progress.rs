//! Progress of a running apply: a line for each integration on a terminal, redrawn as it
//! proceeds, and plain lines elsewhere. Only the report shows the reasons of failures.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use anstyle::AnsiColor;
use indicatif::{ProgressBar, ProgressStyle};

use super::terminal::Terminal;
use crate::apply::{ActionFailure, Event, Observer, Outcome};
use crate::text::escaped;

/// Interval of the spinner.
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct ProgressDisplay {
    terminal: Terminal,
    /// The lines that are redrawn, by integration.
    running: Mutex<HashMap<String, ProgressBar>>,
}

impl ProgressDisplay {
    pub(crate) fn new(terminal: Terminal) -> Self {
        Self {
            terminal,
            running: Mutex::default(),
        }
    }

    /// Takes the lines away that would be redrawn.
    pub(crate) fn clear(&self) {
        if let Ok(mut running) = self.running.lock() {
            running.drain().for_each(|(_, bar)| bar.finish_and_clear());
        }
    }

    fn started(&self, name: &str, message: String) {
        let Some(bars) = self.terminal.bars() else {
            return self.terminal.err(&format!("  {message}\n"));
        };
        let style = ProgressStyle::with_template("  {spinner} {msg} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = bars.add(
            ProgressBar::new_spinner()
                .with_style(style)
                .with_message(message),
        );
        bar.enable_steady_tick(TICK);
        if let Ok(mut running) = self.running.lock() {
            running.insert(name.to_owned(), bar);
        }
    }

    /// Plain lines omit statuses: the first and the last add nothing.
    fn status(&self, name: &str, message: String) {
        if let Ok(running) = self.running.lock()
            && let Some(bar) = running.get(name)
        {
            bar.set_message(message);
        }
    }

    fn finished(&self, outcome: &Outcome) {
        if let Ok(mut running) = self.running.lock()
            && let Some(bar) = running.remove(&outcome.name)
        {
            bar.finish_and_clear();
        }
        if !matches!(outcome.result, Err(ActionFailure::NotStarted)) {
            self.terminal.err(&finished(outcome));
        }
    }
}

impl Observer for ProgressDisplay {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Started { name, verb } => {
                self.started(name, format!("{name}: {}", verb.present()));
            }
            Event::Status { name, status } => {
                let word = status.to_string();
                self.status(name, format!("{name}: {}", escaped(&word)));
            }
            Event::Finished(outcome) => self.finished(outcome),
        }
    }
}

fn finished(outcome: &Outcome) -> String {
    let Outcome {
        name,
        verb,
        id,
        result,
        took,
    } = outcome;
    let id = match id {
        Some(id) => format!(" (id {})", escaped(id.as_str())),
        None => String::new(),
    };
    let seconds = took.as_secs_f64();
    let done = verb.past();
    if result.is_ok() {
        let green = AnsiColor::Green.on_default();
        format!("  {green}✓{green:#} {name} {done}{id} in {seconds:.1} s\n")
    } else {
        let red = AnsiColor::Red.on_default();
        format!("  {red}✗{red:#} {name} not {done}{id} after {seconds:.1} s\n")
    }
}
