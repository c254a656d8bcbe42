//! Reads secrets from Vault or OpenBao.
//!
//! One login for a run and one read for a path, however many references name them. A token that
//! was created by a login is revoked at the end, so that frequent runs do not accumulate
//! tokens.

mod answer;
mod client;
mod problem;
pub(in crate::secret) mod settings;

use std::collections::BTreeMap;

use futures::StreamExt;

use super::VaultAddress;
use crate::secret::json::{SecretJson, secret};
use crate::secret::machine::{LookupResult, Providers};
use crate::secret::{MissingReason, Secret};
use client::{VaultClient, VaultSession};
use problem::VaultProblem;

/// Concurrent reads: enough to hide the latency, and no load on a shared server.
const MOST_READS: usize = 8;

/// Reads these addresses, each path once.
pub(in crate::secret) async fn read<'a>(
    wanted: Vec<&'a VaultAddress>,
    providers: &Providers,
) -> Vec<LookupResult<'a, VaultAddress>> {
    if wanted.is_empty() {
        return Vec::new();
    }
    match open(providers).await {
        Ok(session) => {
            let found = read_all(wanted, &session).await;
            session.close().await;
            found
        }
        Err(problem) => {
            let missing = |address| (address, Err(MissingReason::from(problem.clone())));
            wanted.into_iter().map(missing).collect()
        }
    }
}

async fn open(providers: &Providers) -> Result<VaultSession, VaultProblem> {
    let settings = providers.vault.as_ref().ok_or(VaultProblem::NoServer)?;
    VaultClient::new(settings, &providers.progress)?
        .log_in(&settings.login)
        .await
}

async fn read_all<'a>(
    wanted: Vec<&'a VaultAddress>,
    session: &VaultSession,
) -> Vec<LookupResult<'a, VaultAddress>> {
    let mut paths: BTreeMap<&str, Vec<&'a VaultAddress>> = BTreeMap::new();
    for address in wanted {
        paths.entry(&address.path).or_default().push(address);
    }
    let reads = paths.into_iter().map(|(path, wanted)| async move {
        let answer = session.secret_at(path).await;
        let value = |field: &str| field_of(answer.as_ref().map_err(Clone::clone)?, field);
        let found = wanted.into_iter();
        found
            .map(|address| (address, value(&address.field)))
            .collect::<Vec<_>>()
    });
    let reads = futures::stream::iter(reads).buffer_unordered(MOST_READS);
    reads.concat().await
}

/// The field of an answer that is known to hold fields.
fn field_of(answer: &SecretJson, field: &str) -> Result<Secret, MissingReason> {
    let fields = answer
        .at(answer::FIELDS)
        .and_then(|fields| fields.as_object());
    match fields.and_then(|fields| fields.get(field)) {
        Some(value) => secret(value),
        None => Err(MissingReason::NoPlace {
            place: field.to_owned(),
            names: fields
                .into_iter()
                .flat_map(|fields| fields.keys().cloned())
                .collect(),
        }),
    }
}
