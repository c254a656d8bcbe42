//! The connections of the tenant: one search a run, and a question for each connection.
//!
//! An answer that there is no such API is remembered for a day, in which only a run that
//! would remove something asks again.
//!
//! The answers are read here and judged in [`Owners`]: a failed read is never an
//! absence of connections.

use futures::{StreamExt, TryFutureExt};

use super::tenant::QUESTIONS;
use super::{LookForConnections, Request};
use crate::immuta::{ApiError, ReadApi};
use crate::ledger::{KnownConnections, Ledger, LedgerStore, StoreError};
use crate::live::{Backing, Connection, Connections, Owners, OwnersSource};
use crate::text::{chain, escaped};

/// Finds out which integrations belong to connections.
pub(super) async fn read<R: ReadApi>(api: &R, request: &Request, ledger: &Ledger) -> Owners {
    let now = request.apply.clock.now();
    let known = ledger.connections;
    let is_spared = known.is_some_and(|known| known.spares_the_question(now));
    match request.connections {
        LookForConnections::None => Owners::none(OwnersSource::NotAsked),
        LookForConnections::Auto if is_spared => Owners::none(OwnersSource::Remembered),
        LookForConnections::Auto => ask(api, known).await,
    }
}

/// Finds them out for a write that rests on a fresh answer, whatever is remembered.
pub async fn fresh<R: ReadApi>(api: &R, request: &Request, ledger: &Ledger) -> Owners {
    match request.connections {
        LookForConnections::None => Owners::none(OwnersSource::NotAsked),
        LookForConnections::Auto => ask(api, ledger.connections).await,
    }
}

/// Asks the tenant, whatever is remembered of it.
pub(super) async fn ask<R: ReadApi>(api: &R, known: Option<KnownConnections>) -> Owners {
    let owners = of_tenant(api).await;
    let had_some = known == Some(KnownConnections::Some);
    let was_missing = matches!(known, Some(KnownConnections::Missing(_)));
    match owners.source() {
        // A sign-in page or a lost permission is no end of connections.
        OwnersSource::Missing | OwnersSource::Hidden if had_some => {
            return Owners::unread(
                "the tenant had connections, but now reports none or denies access to them",
            );
        }
        // Each is logged once, and not by every run.
        OwnersSource::Missing if !was_missing => tracing::info!("this tenant has no connections"),
        OwnersSource::Hidden if known != Some(KnownConnections::Hidden) => {
            tracing::warn!(
                "the API key is not allowed to read the tenant's connections: integrations that may \
                belong to a connection are not deleted; if the tenant has no connections, use \
                `--connections none`"
            );
        }
        OwnersSource::NotAsked
        | OwnersSource::Remembered
        | OwnersSource::Listed
        | OwnersSource::Missing
        | OwnersSource::Hidden
        | OwnersSource::Unread => {}
    }
    owners
}

/// The owners, as the tenant reports them.
pub async fn of_tenant<R: ReadApi>(api: &R) -> Owners {
    match api.connections().await {
        Ok(Connections::Listed(listed)) => Owners::of(details(api, listed).await),
        Ok(Connections::Missing) => Owners::none(OwnersSource::Missing),
        Ok(Connections::Hidden) => Owners::none(OwnersSource::Hidden),
        Err(error) => Owners::unread(&reason(&error)),
    }
}

async fn details<R: ReadApi>(
    api: &R,
    mut listed: Vec<Connection>,
) -> Vec<(Connection, Result<Backing, String>)> {
    // A search that also shows what is below a connection names it more than once.
    listed.sort_by(|a, b| a.key.cmp(&b.key));
    listed.dedup_by(|later, first| {
        let is_same = later.key == first.key;
        if is_same && first.technology.is_none() {
            first.technology = later.technology.take();
        }
        is_same
    });
    let questions = listed.into_iter().map(|connection| async move {
        let answer = api.backing(&connection.key).map_err(|error| reason(&error));
        let answer = answer.await;
        (connection, answer)
    });
    futures::stream::iter(questions)
        .buffered(QUESTIONS)
        .collect()
        .await
}

fn reason(error: &ApiError) -> String {
    escaped(&chain(error)).into_owned()
}

/// Writes down what the tenant answered, where that changes what is known.
pub(super) async fn remember(
    store: &dyn LedgerStore,
    known: Option<KnownConnections>,
    owners: &Owners,
    now: jiff::Timestamp,
) -> Result<(), StoreError> {
    let answer = match owners.source() {
        OwnersSource::NotAsked | OwnersSource::Remembered | OwnersSource::Unread => return Ok(()),
        OwnersSource::Listed => owners.has_any().then_some(KnownConnections::Some),
        OwnersSource::Missing => Some(KnownConnections::Missing(now)),
        OwnersSource::Hidden => Some(KnownConnections::Hidden),
    };
    if answer == known {
        return Ok(());
    }
    store.set_connections(answer).await
}
