//! `history`: what was done and when, from the ledger alone.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde_json::{Value as Json, json};

use super::args::{Format, LedgerArgs, ReferenceArgs};
use super::command::{CommandArgs, Context};
use super::help;
use super::terminal::Terminal;
use crate::ledger::history::{Deleted, History, Run, RunAction};
use crate::ledger::place::Trust;
use crate::live::RemoteId;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::json::{FORMAT_VERSION, printed};
use crate::session::{Access, Session};
use crate::text::escaped;

const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// Show what was done and when; asks the tenant nothing
#[derive(Debug, Args)]
#[command(after_help = help::HISTORY)]
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

impl CommandArgs for HistoryArgs {
    fn format(&self) -> Format {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, Context { terminal, .. }: Context<'_>) -> Result<Exit, Failure> {
        run(self, terminal).await
    }
}

async fn run(args: HistoryArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let settings = args.ledger.into();
    let session = Session::open(&settings, Trust::AnyForRoot, Access::Read)?;
    let history = session.store().history(args.limit).await?;
    match args.output {
        Format::Text => terminal.out(&text(&history)),
        Format::Json => terminal.out_unfolded(&printed(&json(session.tenant(), &history))),
    }
    Ok(Exit::Success)
}

fn text(history: &History) -> String {
    if history.runs.is_empty() {
        return "Nothing was written yet.\n".to_owned();
    }
    let mut out = String::new();
    for run in &history.runs {
        let outcome = run.end.as_ref().map_or("cut off", |end| &end.outcome);
        let source = escaped(&run.start.source);
        let begun = run.start.begun.strftime("%Y-%m-%d %H:%M:%SZ");
        let _ = writeln!(out, "{begun}  {outcome}  {DIM}{source}{DIM:#}");
        for action in &run.actions {
            line(&mut out, action);
        }
        let _ = writeln!(out);
    }
    out
}

fn line(out: &mut String, action: &RunAction) {
    let (sign, style) = if action.succeeded {
        ('✓', GOOD)
    } else {
        ('✗', BAD)
    };
    let id = action.id.as_ref().map_or(String::new(), |id| {
        format!(" (id {})", escaped(id.as_str()))
    });
    let (name, verb, what) = (&action.name, &action.verb, escaped(&action.what));
    let _ = writeln!(out, "  {style}{sign}{style:#} {verb} {name}{id}: {what}");
}

fn json(tenant: &str, history: &History) -> Json {
    json!({
        "format_version": FORMAT_VERSION,
        "tenant": tenant,
        "runs": history.runs.iter().map(run_json).collect::<Vec<_>>(),
        "deleted": history.deleted.iter().map(deleted_json).collect::<Vec<_>>(),
    })
}

fn run_json(run: &Run) -> Json {
    json!({
        "begun": run.start.begun.to_string(),
        "ended": run.end.as_ref().map(|end| end.ended.to_string()),
        "source": run.start.source,
        "revision": run.start.revision,
        "outcome": run.end.as_ref().map(|end| &end.outcome),
        "actions": run.actions.iter().map(action_json).collect::<Vec<_>>(),
    })
}

fn action_json(action: &RunAction) -> Json {
    json!({
        "name": action.name,
        "action": action.verb,
        "id": action.id.as_ref().map(RemoteId::as_str),
        "succeeded": action.succeeded,
        "what": action.what,
        "at": action.at.to_string(),
    })
}

fn deleted_json(deleted: &Deleted) -> Json {
    let Deleted {
        name,
        type_name,
        id,
        config,
        at,
    } = deleted;
    json!({
        "name": name,
        "type": type_name,
        "id": id.as_str(),
        "config": config,
        "at": at.to_string(),
    })
}
