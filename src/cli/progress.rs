//! What a running apply tells: a line for each integration on a terminal,
//! redrawn as it goes, and plain lines elsewhere.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use anstyle::AnsiColor;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::terminal::Terminal;
use crate::apply::{Event, Observer, Outcome};
use crate::text::escaped;

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(100);

pub(super) struct Progress {
    terminal: Terminal,
    /// Absent where lines cannot be redrawn.
    bars: Option<(MultiProgress, Mutex<HashMap<String, ProgressBar>>)>,
}

impl Progress {
    pub(super) fn new(terminal: Terminal) -> Self {
        let bars = terminal
            .can_redraw()
            .then(|| (MultiProgress::new(), Mutex::default()));
        Self { terminal, bars }
    }

    /// A line that stays.
    fn line(&self, text: &str) {
        match &self.bars {
            Some((bars, _)) => bars.suspend(|| self.terminal.err(text)),
            None => self.terminal.err(text),
        }
    }

    fn started(&self, name: &str, message: String) {
        let Some((bars, running)) = &self.bars else {
            return self.line(&format!("  {message}\n"));
        };
        let style = ProgressStyle::with_template("  {spinner:.cyan} {msg} {elapsed:.dim}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = bars.add(
            ProgressBar::new_spinner()
                .with_style(style)
                .with_message(message),
        );
        bar.enable_steady_tick(TICK);
        if let Ok(mut running) = running.lock() {
            running.insert(name.to_owned(), bar);
        }
    }

    /// Plain lines leave statuses out: the first and the last say nothing new.
    fn status(&self, name: &str, message: String) {
        let Some((_, running)) = &self.bars else {
            return;
        };
        if let Ok(running) = running.lock()
            && let Some(bar) = running.get(name)
        {
            bar.set_message(message);
        }
    }

    fn finished(&self, outcome: &Outcome) {
        if let Some((_, running)) = &self.bars
            && let Ok(mut running) = running.lock()
            && let Some(bar) = running.remove(&outcome.name)
        {
            bar.finish_and_clear();
        }
        self.line(&finished(outcome));
    }
}

impl Observer for Progress {
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
    let seconds = outcome.took.as_secs_f64();
    let id = outcome
        .id
        .as_ref()
        .map(|id| format!(" (id {id})"))
        .unwrap_or_default();
    let name = &outcome.name;
    match &outcome.result {
        Ok(_) => {
            let green = AnsiColor::Green.on_default();
            format!(
                "  {green}✓{green:#} {name} {}{id} in {seconds:.1} s\n",
                outcome.verb.past()
            )
        }
        Err(failure) => {
            let red = AnsiColor::Red.on_default();
            let what = failure.to_string();
            format!("  {red}✗{red:#} {name}{id}: {}\n", escaped(&what))
        }
    }
}
