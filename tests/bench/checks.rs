//! Conditions that must hold whenever it is quiet.

use std::collections::BTreeSet;
use std::path::Path;

use integrationd::platform::by_wire;
use serde_json::Value;

use crate::branch::Files;

/// The existing integrations, by type and identity.
fn live(state: &[Value]) -> Vec<(String, String)> {
    let live = state.iter().filter(|one| one["status"] != "deleted");
    let identity = |one: &Value| {
        let type_name = one["type"].as_str().unwrap();
        let attribute = by_wire(type_name).unwrap().pairing_attribute().unwrap();
        let identity = one["config"][attribute].as_str().unwrap();
        (type_name.to_owned(), identity.to_owned())
    };
    live.map(identity).collect()
}

/// Those that are there more than once.
pub(crate) fn twice(state: &[Value]) -> BTreeSet<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut live = live(state);
    live.retain(|identity| !seen.insert(identity.clone()));
    live.into_iter().collect()
}

/// Fails unless the tenant has what the files say, no more and no less.
pub(crate) fn is_equal(state: &[Value], files: &Files) {
    let live = live(state);
    let numbers = live.iter().map(|(_, identity)| number(identity));
    let ports = state.iter().map(|one| one["config"]["port"].as_u64());
    let ports = ports.map(|port| port.and_then(|port| port.try_into().ok()));
    let found: BTreeSet<(usize, Option<u16>)> = numbers.zip(ports).collect();
    let wanted = files.iter().map(|(number, port)| (*number, Some(*port)));
    let wanted: BTreeSet<_> = wanted.collect();
    let too_much: Vec<_> = found.difference(&wanted).collect();
    let missing: Vec<_> = wanted.difference(&found).collect();
    assert!(
        too_much.is_empty() && missing.is_empty() && live.len() == files.len(),
        "the tenant has {too_much:?}, and lacks {missing:?}"
    );
}

/// The number of the file that an identity is from.
fn number(identity: &str) -> usize {
    let digits = identity.split(|c: char| !c.is_ascii_digit());
    let number = digits.filter(|digits| digits.len() == 5);
    number
        .filter_map(|digits| digits.parse().ok())
        .next()
        .unwrap()
}

/// The size of everything in a directory, in KiB.
pub(crate) fn size_kib(directory: &Path) -> u64 {
    fn bytes(directory: &Path) -> u64 {
        // What is there may go at any moment.
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let sizes = entries.map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => bytes(&entry.path()),
            found => found.map_or(0, |found| found.len()),
        });
        sizes.sum()
    }
    bytes(directory).div_ceil(1024)
}
