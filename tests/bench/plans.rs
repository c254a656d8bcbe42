//! The tables of plans and creations.

use std::time::Duration;

use comfy_table::Table;

use super::client::{Created, Planned, Stages};
use super::table::{mebibytes, median, milliseconds, table};
use super::tenant::Requests;

/// One round of a size.
pub(crate) struct Round {
    /// The command, from its start to its end.
    pub(crate) command: Duration,
    /// The pipeline in a process of its own.
    pub(crate) planned: Planned,
    /// The baseline.
    pub(crate) baseline: Duration,
}

/// Text of a line about the rounds of a size.
type Line = fn(&[Round]) -> String;

/// Plans with nothing to do: a column for each size.
pub(crate) fn plans(sizes: &[(usize, Vec<Round>)]) -> Table {
    let header = sizes.iter().map(|(size, _)| format!("{size} files"));
    let mut table = table(std::iter::once(String::new()).chain(header));
    for (title, value) in LINES {
        let cells = sizes.iter().map(|(_, rounds)| value(rounds));
        table.add_row(std::iter::once((*title).to_owned()).chain(cells));
    }
    table
}

/// The lines of the table, each with what it says of a size.
const LINES: &[(&str, Line)] = &[
    ("command", |rounds| milliseconds(command(rounds))),
    ("pipeline", |rounds| milliseconds(pipeline(rounds))),
    ("  read", |rounds| share(rounds, |stages| stages.read)),
    ("  load and check", |rounds| {
        share(rounds, |stages| stages.load)
    }),
    ("  resolve", |rounds| share(rounds, |stages| stages.resolve)),
    ("  fetch", |rounds| share(rounds, |stages| stages.fetch)),
    ("  plan", |rounds| share(rounds, |stages| stages.plan)),
    ("  report", |rounds| share(rounds, |stages| stages.report)),
    ("baseline", |rounds| milliseconds(baseline(rounds))),
    ("command / baseline", |rounds| {
        let ratio = command(rounds).as_secs_f64() / baseline(rounds).as_secs_f64();
        format!("{ratio:.1}")
    }),
    ("peak memory", |rounds| {
        mebibytes(rounds.iter().map(|round| round.planned.peak_kib).max())
    }),
    ("requests", |_| "1".to_owned()),
];

fn command(rounds: &[Round]) -> Duration {
    median(rounds.iter().map(|round| round.command))
}

fn pipeline(rounds: &[Round]) -> Duration {
    median(rounds.iter().map(|round| round.planned.stages.total()))
}

fn baseline(rounds: &[Round]) -> Duration {
    median(rounds.iter().map(|round| round.baseline))
}

/// The time of a stage, and its share of the pipeline.
fn share(rounds: &[Round], stage: fn(&Stages) -> Duration) -> String {
    let took = median(rounds.iter().map(|round| stage(&round.planned.stages)));
    let share = took.as_secs_f64() / pipeline(rounds).as_secs_f64() * 100.0;
    format!("{} ({share:.0} %)", milliseconds(took))
}

/// A creation of all.
pub(crate) fn creations(size: usize, created: &Created, requests: &Requests) -> Table {
    let mut table = table(["files", "time", "peak memory", "requests"]);
    let requests = requests
        .iter()
        .map(|(request, times)| format!("{times} {request}"));
    table.add_row([
        size.to_string(),
        milliseconds(created.took),
        mebibytes(Some(created.peak_kib)),
        requests.collect::<Vec<_>>().join(", "),
    ]);
    table
}

impl Stages {
    fn total(&self) -> Duration {
        let Self {
            read,
            load,
            resolve,
            fetch,
            plan,
            report,
        } = self;
        *read + *load + *resolve + *fetch + *plan + *report
    }
}
