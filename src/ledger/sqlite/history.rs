//! Runs and their actions as rows, and back.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};

use super::error::LedgerError;
use super::rows::RowContext;
use crate::ledger::history::{
    Deleted, History, KEPT_RUNS, Run, RunAction, RunEnd, RunId, RunStart,
};
use crate::live::RemoteId;

/// Begins a run, and removes the oldest if there are too many.
pub(super) fn begin_run(connection: &Connection, start: &RunStart) -> rusqlite::Result<RunId> {
    let RunStart {
        begun,
        source,
        revision,
    } = start;
    connection.execute(
        "INSERT INTO runs (begun, source, revision) VALUES (?1, ?2, ?3)",
        (begun.to_string(), source, revision),
    )?;
    let id = connection.last_insert_rowid();
    connection.execute(
        "DELETE FROM runs WHERE id <= ?1",
        [id - i64::from(KEPT_RUNS)],
    )?;
    Ok(RunId(id))
}

/// Adds an action to a run.
pub(super) fn add_action(
    connection: &Connection,
    run: RunId,
    action: &RunAction,
) -> rusqlite::Result<()> {
    let RunAction {
        name,
        verb,
        id,
        succeeded,
        what,
        at,
    } = action;
    connection.execute(
        "INSERT INTO actions (run, name, verb, remote_id, succeeded, what, at)
         VALUES (:run, :name, :verb, :id, :succeeded, :what, :at)",
        named_params! {
            ":run": run.0, ":name": name, ":verb": verb,
            ":id": id.as_ref().map(RemoteId::as_str),
            ":succeeded": succeeded, ":what": what, ":at": at.to_string(),
        },
    )?;
    Ok(())
}

/// Ends a run.
pub(super) fn end_run(connection: &Connection, run: RunId, end: &RunEnd) -> rusqlite::Result<()> {
    let RunEnd { ended, outcome } = end;
    connection.execute(
        "UPDATE runs SET ended = ?2, outcome = ?3 WHERE id = ?1",
        (run.0, ended.to_string(), outcome),
    )?;
    Ok(())
}

/// Reads the latest runs, and all deletions.
pub(super) fn read(
    connection: &Connection,
    file: &Path,
    most: u32,
) -> Result<History, LedgerError> {
    Ok(History {
        runs: runs(connection, file, most)?,
        deleted: deleted(connection, file)?,
    })
}

fn deleted(connection: &Connection, file: &Path) -> Result<Vec<Deleted>, LedgerError> {
    let rows = super::rows::all(
        connection,
        "SELECT * FROM deleted ORDER BY id DESC",
        RawDeleted::of,
    );
    let rows = rows.map_err(LedgerError::sqlite("read", file))?;
    rows.into_iter().map(|raw| raw.parsed(file)).collect()
}

fn runs(connection: &Connection, file: &Path, most: u32) -> Result<Vec<Run>, LedgerError> {
    let failed = || LedgerError::sqlite("read", file);
    let runs = query(
        connection,
        "SELECT * FROM runs ORDER BY id DESC LIMIT ?1",
        i64::from(most),
        RawRun::of,
    );
    let runs = runs.map_err(failed())?.into_iter().map(|raw| {
        let actions = query(
            connection,
            "SELECT * FROM actions WHERE run = ?1 ORDER BY id",
            raw.id,
            RawAction::of,
        );
        let actions = actions.map_err(failed())?.into_iter();
        let actions = actions.map(|raw| raw.parsed(file));
        raw.parsed(file, actions.collect::<Result<_, _>>()?)
    });
    runs.collect()
}

fn query<T>(
    connection: &Connection,
    sql: &str,
    parameter: i64,
    of: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map([parameter], of)?.collect()
}

/// A row of `runs` as text.
struct RawRun {
    id: i64,
    begun: String,
    ended: Option<String>,
    revision: Option<String>,
    source: String,
    outcome: Option<String>,
}

impl RawRun {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            begun: row.get("begun")?,
            ended: row.get("ended")?,
            revision: row.get("revision")?,
            source: row.get("source")?,
            outcome: row.get("outcome")?,
        })
    }

    fn parsed(self, file: &Path, actions: Vec<RunAction>) -> Result<Run, LedgerError> {
        let place = RowContext {
            file,
            table: "runs",
            name: &self.id.to_string(),
        };
        let ended = self.ended.map(|text| place.time("ended", &text));
        let start = RunStart {
            begun: place.time("begun", &self.begun)?,
            source: self.source,
            revision: self.revision,
        };
        let end = ended.transpose()?.map(|ended| RunEnd {
            ended,
            outcome: self.outcome.unwrap_or_default(),
        });
        Ok(Run {
            id: RunId(self.id),
            start,
            end,
            actions,
        })
    }
}

/// A row of `deleted` as text.
struct RawDeleted {
    name: String,
    type_name: String,
    id: String,
    config: String,
    at: String,
}

impl RawDeleted {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get("name")?,
            type_name: row.get("type")?,
            id: row.get("remote_id")?,
            config: row.get("config")?,
            at: row.get("at")?,
        })
    }

    fn parsed(self, file: &Path) -> Result<Deleted, LedgerError> {
        let place = RowContext {
            file,
            table: "deleted",
            name: &self.name,
        };
        Ok(Deleted {
            config: place.json("config", &self.config)?,
            at: place.time("at", &self.at)?,
            type_name: self.type_name,
            id: RemoteId::new(self.id),
            name: self.name,
        })
    }
}

/// A row of `actions` as text.
struct RawAction {
    action: RunAction,
    at: String,
}

impl RawAction {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let id: Option<String> = row.get("remote_id")?;
        Ok(Self {
            action: RunAction {
                name: row.get("name")?,
                verb: row.get("verb")?,
                id: id.map(RemoteId::new),
                succeeded: row.get("succeeded")?,
                what: row.get("what")?,
                at: Timestamp::UNIX_EPOCH,
            },
            at: row.get("at")?,
        })
    }

    fn parsed(self, file: &Path) -> Result<RunAction, LedgerError> {
        let place = RowContext {
            file,
            table: "actions",
            name: &self.action.name,
        };
        let at = place.time("at", &self.at)?;
        Ok(RunAction { at, ..self.action })
    }
}
