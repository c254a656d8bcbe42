//! Records and intents as rows, and back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::LedgerError;
use super::rejections;
use crate::ledger::{IntendedWrite, Intent, KnownConnections, Ledger, Record, RecordedState};
use crate::live::RemoteId;

const CREATE: &str = "create";
const UPDATE: &str = "update";
const DELETE: &str = "delete";

/// Reads everything that a [`Ledger`] holds, as of one moment.
pub(super) fn read(connection: &Connection, file: &Path) -> Result<Ledger, LedgerError> {
    let failed = || LedgerError::sqlite("read", file);
    // Both tables as of one moment, although another process may write.
    let moment = connection.unchecked_transaction().map_err(failed())?;
    let records = all(&moment, "SELECT * FROM records", RawRecord::of).map_err(failed())?;
    let intents = all(&moment, "SELECT * FROM intents", RawIntent::of).map_err(failed())?;
    let rejections = rejections::read(&moment, file)?;
    let carried_out = revision(&moment).map_err(failed())?;
    let connections = meta(&moment, "connections").map_err(failed())?;
    moment.finish().map_err(failed())?;
    let records = records.into_iter().map(|raw| raw.parsed(file));
    let intents = intents.into_iter().map(|raw| raw.parsed(file));
    Ok(Ledger {
        records: records.collect::<Result<BTreeMap<_, _>, _>>()?,
        intents: intents.collect::<Result<BTreeMap<_, _>, _>>()?,
        rejections,
        carried_out,
        connections: known_connections(connections.as_deref(), file)?,
    })
}

/// The tenant's last answer about its connections.
fn known_connections(
    text: Option<&str>,
    file: &Path,
) -> Result<Option<KnownConnections>, LedgerError> {
    let place = RowContext {
        file,
        table: "meta",
        name: "connections",
    };
    text.map(|text| place.json("value", text)).transpose()
}

/// Sets it.
pub(super) fn set_known_connections(
    connection: &Connection,
    answer: Option<KnownConnections>,
) -> rusqlite::Result<()> {
    let Some(answer) = answer else {
        connection.execute("DELETE FROM meta WHERE key = 'connections'", ())?;
        return Ok(());
    };
    connection.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('connections', ?1)",
        [json(&answer)?],
    )?;
    Ok(())
}

fn meta(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    let value = "SELECT value FROM meta WHERE key = ?1";
    connection
        .query_row(value, [key], |row| row.get(0))
        .optional()
}

/// The revision that was last carried out.
fn revision(connection: &Connection) -> rusqlite::Result<Option<String>> {
    meta(connection, "revision")
}

/// Sets it.
pub(super) fn set_revision(connection: &Connection, revision: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('revision', ?1)",
        [revision],
    )?;
    Ok(())
}

/// All rows of a query.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    of: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map((), of)?.collect()
}

/// Adds an intent, unless there is one of this name that would be lost
/// ([`Intent::is_again`]); whether it did.
pub(super) fn insert_intent(
    connection: &Connection,
    name: &str,
    intent: &Intent,
) -> rusqlite::Result<bool> {
    let Intent {
        type_name,
        write,
        state,
        at,
    } = intent;
    let (kind, listed, before) = match write {
        IntendedWrite::Create { listed } => (CREATE, Some(json(listed)?), None),
        IntendedWrite::Update { .. } => (UPDATE, None, None),
        IntendedWrite::Delete { before, .. } => (DELETE, None, Some(json(before)?)),
    };
    let id = write.id().map(RemoteId::as_str);
    let columns = RawRecordedState::from(state)?;
    let added = connection.execute(
        "INSERT INTO intents (name, type, identity, kind, remote_id, listed, before,
                              owned, applied, removal, rewritten, repairs, revision, file, at)
         VALUES (:name, :type, :identity, :kind, :id, :listed, :before,
                 :owned, :applied, :removal, :rewritten, :repairs, :revision, :file, :at)
         ON CONFLICT (name) DO UPDATE
             SET owned = excluded.owned, applied = excluded.applied, removal = excluded.removal,
                 rewritten = excluded.rewritten, repairs = excluded.repairs,
                 revision = excluded.revision, file = excluded.file, at = excluded.at
             WHERE kind = :create AND excluded.kind = :create AND listed = excluded.listed
                   AND type = excluded.type AND identity IS excluded.identity",
        named_params! {
            ":create": CREATE,
            ":name": name, ":type": type_name, ":identity": columns.identity, ":kind": kind,
            ":id": id, ":listed": listed, ":before": before, ":owned": columns.owned,
            ":applied": columns.applied, ":removal": columns.removal,
            ":rewritten": columns.rewritten, ":repairs": columns.repairs,
            ":revision": columns.revision, ":file": columns.file, ":at": at.to_string(),
        },
    )?;
    Ok(added > 0)
}

/// Removes the intent of this name.
pub(super) fn delete_intent(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection
        .execute("DELETE FROM intents WHERE name = ?1", [name])
        .map(drop)
}

/// Adds a record, in the place of one of this integration. What had its name before
/// is kept under one that no file can have.
pub(super) fn insert_record(
    connection: &Connection,
    name: &str,
    record: &Record,
) -> rusqlite::Result<()> {
    let Record {
        type_name,
        id,
        state,
        at,
    } = record;
    let columns = RawRecordedState::from(state)?;
    park(connection, name, id)?;
    connection.execute(
        "INSERT OR REPLACE INTO records (name, type, identity, remote_id, owned, applied,
                                         removal, rewritten, repairs, revision, file, at)
         VALUES (:name, :type, :identity, :id, :owned, :applied,
                 :removal, :rewritten, :repairs, :revision, :file, :at)",
        named_params! {
            ":name": name, ":type": type_name, ":identity": columns.identity,
            ":id": id.as_str(), ":owned": columns.owned, ":applied": columns.applied,
            ":removal": columns.removal, ":rewritten": columns.rewritten,
            ":repairs": columns.repairs, ":revision": columns.revision, ":file": columns.file,
            ":at": at.to_string(),
        },
    )?;
    Ok(())
}

/// As `Ledger::record_as` does it.
fn park(connection: &Connection, name: &str, newcomer: &RemoteId) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE records
         SET name = name || '#' || remote_id,
             applied = json_set(applied, '$.bound_to', coalesce(applied ->> 'bound_to', name))
         WHERE name = ?1 AND remote_id <> ?2",
        [name, newcomer.as_str()],
    )?;
    Ok(())
}

/// Keeps what a delete that is intended has seen of its integration, and removes
/// its intent and record.
pub(super) fn forget(connection: &Connection, name: &str, id: &RemoteId) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO deleted (name, type, identity, remote_id, config, at)
         SELECT name, type, identity, remote_id, before, at FROM intents
         WHERE name = ?1 AND kind = 'delete'",
        [name],
    )?;
    forget_record(connection, id)?;
    connection.execute("DELETE FROM intents WHERE name = ?1", [name])?;
    Ok(())
}

/// Removes what is recorded of an integration.
pub(super) fn forget_record(connection: &Connection, id: &RemoteId) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM records WHERE remote_id = ?1", [id.as_str()])?;
    Ok(())
}

/// A value that has a structure, as text.
pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Recorded state of a file, as columns.
struct RawRecordedState {
    identity: Option<String>,
    owned: bool,
    applied: String,
    removal: String,
    rewritten: String,
    repairs: String,
    revision: Option<String>,
    file: Option<String>,
}

impl RawRecordedState {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            identity: row.get("identity")?,
            owned: row.get("owned")?,
            applied: row.get("applied")?,
            removal: row.get("removal")?,
            rewritten: row.get("rewritten")?,
            repairs: row.get("repairs")?,
            revision: row.get("revision")?,
            file: row.get("file")?,
        })
    }

    fn from(state: &RecordedState) -> rusqlite::Result<Self> {
        let RecordedState {
            identity,
            owned,
            applied,
            removal,
            rewritten,
            repairs,
            revision,
            file,
        } = state;
        Ok(Self {
            identity: identity.clone(),
            owned: *owned,
            applied: json(applied)?,
            removal: json(removal)?,
            rewritten: json(rewritten)?,
            repairs: json(repairs)?,
            revision: revision.clone(),
            file: file.clone(),
        })
    }

    fn parsed(self, place: &RowContext<'_>) -> Result<RecordedState, LedgerError> {
        Ok(RecordedState {
            applied: place.json("applied", &self.applied)?,
            removal: place.json("removal", &self.removal)?,
            rewritten: place.json("rewritten", &self.rewritten)?,
            repairs: place.json("repairs", &self.repairs)?,
            identity: self.identity,
            owned: self.owned,
            revision: self.revision,
            file: self.file,
        })
    }
}

/// A row of `records` as text.
struct RawRecord {
    name: String,
    type_name: String,
    id: String,
    state: RawRecordedState,
    at: String,
}

impl RawRecord {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get("name")?,
            type_name: row.get("type")?,
            id: row.get("remote_id")?,
            state: RawRecordedState::of(row)?,
            at: row.get("at")?,
        })
    }

    fn parsed(self, file: &Path) -> Result<(String, Record), LedgerError> {
        let place = RowContext {
            file,
            table: "records",
            name: &self.name,
        };
        let record = Record {
            state: self.state.parsed(&place)?,
            at: place.time("at", &self.at)?,
            type_name: self.type_name,
            id: RemoteId::new(self.id),
        };
        Ok((self.name, record))
    }
}

/// A row of `intents` as text.
struct RawIntent {
    name: String,
    type_name: String,
    kind: String,
    id: Option<String>,
    listed: Option<String>,
    before: Option<String>,
    state: RawRecordedState,
    at: String,
}

impl RawIntent {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get("name")?,
            type_name: row.get("type")?,
            kind: row.get("kind")?,
            id: row.get("remote_id")?,
            listed: row.get("listed")?,
            before: row.get("before")?,
            state: RawRecordedState::of(row)?,
            at: row.get("at")?,
        })
    }

    fn parsed(self, file: &Path) -> Result<(String, Intent), LedgerError> {
        let place = RowContext {
            file,
            table: "intents",
            name: &self.name,
        };
        let id = self.id.map(RemoteId::new);
        let write = match (self.kind.as_str(), id, self.listed, self.before) {
            (CREATE, None, Some(listed), None) => IntendedWrite::Create {
                listed: place.json::<BTreeSet<RemoteId>>("listed", &listed)?,
            },
            (UPDATE, Some(id), None, None) => IntendedWrite::Update { id },
            (DELETE, Some(id), None, Some(before)) => IntendedWrite::Delete {
                before: place.json("before", &before)?,
                id,
            },
            (kind, _, _, _) => {
                return Err(place.unreadable("kind")(format!("unknown kind `{kind}`")));
            }
        };
        let intent = Intent {
            write,
            state: self.state.parsed(&place)?,
            at: place.time("at", &self.at)?,
            type_name: self.type_name,
        };
        Ok((self.name, intent))
    }
}

/// Location of a value that may be unreadable.
pub(super) struct RowContext<'a> {
    /// The ledger.
    pub(super) file: &'a Path,
    /// The table.
    pub(super) table: &'static str,
    /// The row.
    pub(super) name: &'a str,
}

impl RowContext<'_> {
    /// A value that has a structure.
    pub(super) fn json<T: DeserializeOwned>(
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
