//! Values as people write them, on the command line and in the settings file.

use std::net::SocketAddr;
use std::time::Duration;

use super::run::Rewrite;
use crate::source::git::{CommitId, GitReferenceError, RefName, Subdirectory};

/// An address, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    Nowhere,
    Address(SocketAddr),
}

impl At {
    /// The address, if there is one.
    pub(crate) fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Nowhere => None,
            Self::Address(address) => Some(address),
        }
    }
}

/// An address, or `none`.
pub(crate) fn address(text: &str) -> Result<At, String> {
    if text == "none" {
        return Ok(At::Nowhere);
    }
    let address = text.parse().map(At::Address);
    address.map_err(|_| "give an address with a port, such as 127.0.0.1:9464, or `none`".to_owned())
}

/// Writes under way at once beyond this would be load on the tenant, not speed.
const MOST_PARALLEL: usize = 64;

/// A number of concurrent writes.
pub(crate) fn parallelism(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=MOST_PARALLEL).contains(&n) => Ok(n),
        Ok(_) | Err(_) => Err(format!("give a number from 1 to {MOST_PARALLEL}")),
    }
}

/// A duration as people write it: `90s`, `10m`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|d| Duration::try_from(d).ok())
        .filter(|d| !d.is_zero())
        .ok_or_else(|| "give a duration such as 90s, 10m or 1h30m".to_owned())
}

/// The name of a variable, and its value.
pub(crate) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("give NAME=VALUE".to_owned()),
    }
}

/// A percentage, with or without its sign.
pub(crate) fn percent(text: &str) -> Result<u8, String> {
    match text.trim_end_matches('%').parse() {
        Ok(n) if n <= 100 => Ok(n),
        Ok(_) | Err(_) => Err("give a number from 0 to 100".to_owned()),
    }
}

/// The name of a branch or a tag.
pub(crate) fn ref_name(text: &str) -> Result<String, GitReferenceError> {
    fit(text, RefName::parse)
}

/// The id of a commit.
pub(crate) fn commit(text: &str) -> Result<String, GitReferenceError> {
    fit(text, CommitId::parse)
}

/// A directory in a repository.
pub(crate) fn subdirectory(text: &str) -> Result<String, GitReferenceError> {
    fit(text, Subdirectory::parse)
}

/// The text, if it can be read as what it is meant for. An empty one gives nothing.
fn fit<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, GitReferenceError>,
) -> Result<String, GitReferenceError> {
    if !text.is_empty() {
        parse(text)?;
    }
    Ok(text.to_owned())
}

/// The revisions that are accepted although they do not descend from the applied one.
pub(crate) fn rewrite(text: &str) -> Result<Rewrite, String> {
    match text {
        "" | "false" => Ok(Rewrite::Nothing),
        "true" => Ok(Rewrite::Anything),
        commit => {
            let commit = CommitId::parse(commit).map(Rewrite::Commit);
            commit.map_err(|_| {
                "give `true`, `false`, or a full commit ID (40 hexadecimal digits)".to_owned()
            })
        }
    }
}
