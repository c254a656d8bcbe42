//! Records and intents as rows, and back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, Row, named_params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::LedgerError;
use super::{IntendedWrite, Intent, Ledger, Record};
use crate::live::RemoteId;

const CREATE: &str = "create";
const UPDATE: &str = "update";

/// Reads everything that a [`Ledger`] holds, as of one moment.
pub(super) fn read(connection: &Connection, file: &Path) -> Result<Ledger, LedgerError> {
    let failed = || LedgerError::sqlite("read", file);
    // Both tables as of one moment, although another process may write.
    let moment = connection.unchecked_transaction().map_err(failed())?;
    let records = all(&moment, "SELECT * FROM records", RawRecord::of).map_err(failed())?;
    let intents = all(&moment, "SELECT * FROM intents", RawIntent::of).map_err(failed())?;
    moment.finish().map_err(failed())?;
    let records = records.into_iter().map(|raw| raw.parsed(file));
    let intents = intents.into_iter().map(|raw| raw.parsed(file));
    Ok(Ledger {
        records: records.collect::<Result<BTreeMap<_, _>, _>>()?,
        intents: intents.collect::<Result<BTreeMap<_, _>, _>>()?,
    })
}

/// All rows of a query.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    of: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map((), of)?.collect()
}

/// Adds an intent, unless there is one of this name; whether it did.
pub(super) fn insert_intent(
    connection: &Connection,
    name: &str,
    intent: &Intent,
) -> rusqlite::Result<bool> {
    let Intent {
        type_name,
        identity,
        write,
        applied,
        at,
    } = intent;
    let (kind, id, listed) = match write {
        IntendedWrite::Create { listed } => (CREATE, None, Some(json(listed)?)),
        IntendedWrite::Update { id } => (UPDATE, Some(id.as_str()), None),
    };
    let added = connection.execute(
        "INSERT INTO intents (name, type, identity, kind, remote_id, listed, applied, at)
         VALUES (:name, :type, :identity, :kind, :id, :listed, :applied, :at)
         ON CONFLICT (name) DO NOTHING",
        named_params! {
            ":name": name, ":type": type_name, ":identity": identity, ":kind": kind,
            ":id": id, ":listed": listed, ":applied": json(applied)?, ":at": at.to_string(),
        },
    )?;
    Ok(added > 0)
}

/// Adds a record, in the place of one of this name.
pub(super) fn insert_record(
    connection: &Connection,
    name: &str,
    record: &Record,
) -> rusqlite::Result<()> {
    let Record {
        type_name,
        identity,
        id,
        applied,
        at,
    } = record;
    connection.execute(
        "INSERT OR REPLACE INTO records (name, type, identity, remote_id, applied, at)
         VALUES (:name, :type, :identity, :id, :applied, :at)",
        named_params! {
            ":name": name, ":type": type_name, ":identity": identity,
            ":id": id.as_str(), ":applied": json(applied)?, ":at": at.to_string(),
        },
    )?;
    Ok(())
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A row of `records` as text.
struct RawRecord {
    name: String,
    type_name: String,
    identity: Option<String>,
    id: String,
    applied: String,
    at: String,
}

impl RawRecord {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get("name")?,
            type_name: row.get("type")?,
            identity: row.get("identity")?,
            id: row.get("remote_id")?,
            applied: row.get("applied")?,
            at: row.get("at")?,
        })
    }

    fn parsed(self, file: &Path) -> Result<(String, Record), LedgerError> {
        let place = Place {
            file,
            table: "records",
            name: &self.name,
        };
        let record = Record {
            applied: place.json("applied", &self.applied)?,
            at: place.time("at", &self.at)?,
            type_name: self.type_name,
            identity: self.identity,
            id: RemoteId::new(self.id),
        };
        Ok((self.name, record))
    }
}

/// A row of `intents` as text.
struct RawIntent {
    name: String,
    type_name: String,
    identity: Option<String>,
    kind: String,
    id: Option<String>,
    listed: Option<String>,
    applied: String,
    at: String,
}

impl RawIntent {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get("name")?,
            type_name: row.get("type")?,
            identity: row.get("identity")?,
            kind: row.get("kind")?,
            id: row.get("remote_id")?,
            listed: row.get("listed")?,
            applied: row.get("applied")?,
            at: row.get("at")?,
        })
    }

    fn parsed(self, file: &Path) -> Result<(String, Intent), LedgerError> {
        let place = Place {
            file,
            table: "intents",
            name: &self.name,
        };
        let write = match (self.kind.as_str(), self.id, self.listed) {
            (CREATE, None, Some(listed)) => IntendedWrite::Create {
                listed: place.json::<BTreeSet<RemoteId>>("listed", &listed)?,
            },
            (UPDATE, Some(id), None) => IntendedWrite::Update {
                id: RemoteId::new(id),
            },
            (kind, _, _) => {
                return Err(place.unreadable("kind")(format!("`{kind}` is not known")));
            }
        };
        let intent = Intent {
            write,
            applied: place.json("applied", &self.applied)?,
            at: place.time("at", &self.at)?,
            type_name: self.type_name,
            identity: self.identity,
        };
        Ok((self.name, intent))
    }
}

/// Where a value that may be unreadable stands.
pub(super) struct Place<'a> {
    /// The ledger.
    pub(super) file: &'a Path,
    /// The table.
    pub(super) table: &'static str,
    /// The row.
    pub(super) name: &'a str,
}

impl Place<'_> {
    fn json<T: DeserializeOwned>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, LedgerError> {
        serde_json::from_str(text).map_err(self.unreadable(column))
    }

    /// A point in time.
    pub(super) fn time(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<jiff::Timestamp, LedgerError> {
        text.parse().map_err(self.unreadable::<jiff::Error>(column))
    }

    fn unreadable<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        &self,
        column: &'static str,
    ) -> impl FnOnce(E) -> LedgerError {
        let (file, table, name) = (self.file.to_owned(), self.table, self.name.to_owned());
        move |source| LedgerError::Row {
            file,
            table,
            name,
            column,
            source: source.into(),
        }
    }
}
