//! `${vault:mount/data/path#field}`: a field of a secret in Vault or OpenBao, from
//! a KV engine of version 2.
//!
//! One login for a run and one read for a path, however many references name
//! them. A token that was made by a login is revoked at the end, so that frequent
//! runs leave no crowd of tokens behind.

mod answer;
mod client;
mod problem;

pub use problem::VaultProblem;

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures::StreamExt;

use super::address::VaultAddress;
use super::json::{Document, secret};
use super::resolve::Found;
use super::{MissingReason, Providers, Reference, Secret};
use crate::net::ServerUrl;
use client::{Client, Session};

/// Reads at once: enough to hide the way there, and no load on a server that
/// everybody shares.
const MOST_READS: usize = 8;

/// How to reach a server, and how to log in.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// Where it is.
    pub url: ServerUrl,
    /// The namespace, where the server has any.
    pub namespace: Option<String>,
    /// Files with certificates, in PEM, of authorities to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// How to log in.
    pub login: VaultLogin,
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultLogin {
    /// A token is given.
    Token(Held),
    /// A role of the method `approle`.
    AppRole {
        /// Where the method is mounted, such as `approle`.
        mount: String,
        /// The id of the role, which is not secret.
        role_id: String,
        /// The secret id.
        secret_id: Held,
    },
    /// A role of the method `jwt`.
    Jwt {
        /// Where the method is mounted, such as `jwt`.
        mount: String,
        /// The name of the role.
        role: String,
        /// The token that proves who asks.
        jwt: Held,
    },
}

/// Something secret that an operator gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// The value.
    Value(Secret),
    /// A file that holds it, read at each login: it may be renewed.
    File(PathBuf),
}

/// Looks these up, each path once.
pub(super) async fn read(references: &[&Reference], providers: &Providers) -> Vec<Found> {
    if references.is_empty() {
        return Vec::new();
    }
    match open(providers).await {
        Ok(session) => {
            let found = read_all(references, &session).await;
            session.close().await;
            found
        }
        Err(problem) => {
            let missing = |reference: &&Reference| {
                (
                    (*reference).clone(),
                    Err(MissingReason::Vault(problem.clone())),
                )
            };
            references.iter().map(missing).collect()
        }
    }
}

async fn open(providers: &Providers) -> Result<Session, VaultProblem> {
    let settings = providers.vault.as_ref().ok_or(VaultProblem::NoServer)?;
    Client::new(settings, &providers.progress)?
        .log_in(&settings.login)
        .await
}

async fn read_all(references: &[&Reference], session: &Session) -> Vec<Found> {
    let mut paths: BTreeMap<&str, Vec<(&str, &Reference)>> = BTreeMap::new();
    for reference in references {
        if let Some(VaultAddress { path, field }) = VaultAddress::parse(&reference.argument) {
            paths.entry(path).or_default().push((field, reference));
        }
    }
    let reads = paths.into_iter().map(|(path, wanted)| async move {
        let answer = session.secret_at(path).await;
        let value = |field: &str| field_of(answer.as_ref().map_err(Clone::clone)?, field);
        let found = wanted.into_iter();
        found
            .map(|(field, reference)| (reference.clone(), value(field)))
            .collect::<Vec<Found>>()
    });
    let reads = futures::stream::iter(reads).buffer_unordered(MOST_READS);
    reads.concat().await
}

/// The field of an answer that is known to hold fields.
fn field_of(answer: &Document, field: &str) -> Result<Secret, MissingReason> {
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
