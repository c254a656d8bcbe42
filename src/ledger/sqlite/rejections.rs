//! Refusals as rows, and back.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, named_params};

use super::error::LedgerError;
use super::rows::{RowContext, all, json};
use crate::ledger::RejectedWrite;

/// Every refusal, by the name of its integration.
pub(super) fn read(
    connection: &Connection,
    file: &Path,
) -> Result<BTreeMap<String, RejectedWrite>, LedgerError> {
    let rows = all(connection, "SELECT * FROM refusals", |row| {
        Ok((
            row.get::<_, String>("name")?,
            row.get::<_, String>("inputs")?,
            row.get("times")?,
            row.get::<_, String>("at")?,
        ))
    });
    let rows = rows.map_err(LedgerError::sqlite("read", file))?.into_iter();
    let rejections = rows.map(|(name, inputs, times, at)| {
        let place = RowContext {
            file,
            table: "refusals",
            name: &name,
        };
        let rejected = RejectedWrite {
            inputs: place.json("inputs", &inputs)?,
            times,
            at: place.time("at", &at)?,
        };
        Ok((name, rejected))
    });
    rejections.collect()
}

/// Adds one, in the place of an earlier one.
pub(super) fn insert(
    connection: &Connection,
    name: &str,
    rejected: &RejectedWrite,
) -> rusqlite::Result<()> {
    let RejectedWrite { inputs, times, at } = rejected;
    connection.execute(
        "INSERT OR REPLACE INTO refusals (name, inputs, times, at)
         VALUES (:name, :inputs, :times, :at)",
        named_params! {
            ":name": name, ":inputs": json(inputs)?, ":times": times, ":at": at.to_string(),
        },
    )?;
    Ok(())
}

/// Removes one.
pub(super) fn delete(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection
        .execute("DELETE FROM refusals WHERE name = ?1", [name])
        .map(drop)
}
