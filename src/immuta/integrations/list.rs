//! From the answer to `GET /integrations` to what is live. Pure.

use std::collections::HashMap;

use serde::Deserializer as _;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde_json::error::Category;

use super::wire::{PlatformLookup, UnreadableElement, read_element};
use crate::immuta::client::{
    AnswerError, Bounded, Budget, MOST_VALUES, not_json, too_many_values, without_mark,
};
use crate::live::{Live, LiveIntegration, Owners, RemoteId, Scope, Unreadable, UnreadableParts};

/// Elements of a list of integrations: twice the largest tenant that is measured.
pub(super) const MOST_INTEGRATIONS: usize = 200_000;

/// Values of a list of so many integrations, which takes some 130 bytes for each value.
/// They may have more than a hundred each on the average; a few may have far more.
pub(super) const fn most_values_of_list(integrations: usize) -> usize {
    500_000 + 150 * integrations
}

/// Reads the answer to `GET /integrations`.
///
/// A broken element with a known `type` makes that platform unknown; without a
/// readable `type`, everything. A broken element with an unknown `type` cannot
/// be any of ours and is passed over. Of two elements with one id, neither is believed.
pub(super) fn read_list(body: &[u8], lookup: PlatformLookup) -> Result<Live, AnswerError> {
    let body = without_mark(body);
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut exceeded = None;
    let elements = Elements {
        lookup,
        exceeded: &mut exceeded,
    };
    let read = json.deserialize_seq(elements);
    if let Some(mistake) = exceeded {
        return Err(mistake);
    }
    let mut listed = read
        .and_then(|listed| json.end().map(|()| listed))
        .map_err(|error| match error.classify() {
            Category::Data => AnswerError::Not("a list of integrations"),
            Category::Io | Category::Syntax | Category::Eof => not_json(body, &error),
        })?;
    reject_duplicates(&mut listed);
    Ok(Live {
        integrations: listed.integrations,
        unreadable: listed.unreadable.into_reasons(),
        owners: Owners::default(),
    })
}

/// The elements of a list so far.
#[derive(Default)]
struct Listed {
    integrations: Vec<LiveIntegration>,
    unreadable: UnreadableParts,
}

/// Reads the elements of a list one by one: the JSON of ten thousand of them at
/// once would take several times the memory of what is kept.
///
/// A list that is too long or too large is not read to its end, and nothing of it
/// is used: half a list would make the other half absent.
struct Elements<'e> {
    lookup: PlatformLookup,
    /// Receives the limit that ended the reading.
    exceeded: &'e mut Option<AnswerError>,
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = Listed;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of integrations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Listed, A::Error> {
        let mut listed = Listed::default();
        let mut read = 0;
        let mut index = 0;
        loop {
            let most = most_values_of_list(index);
            let mut budget = Budget::of(MOST_VALUES.min(most - read));
            let room = budget.left();
            let Some(element) = elements.next_element_seed(Bounded(&mut budget))? else {
                return Ok(listed);
            };
            read += room - budget.left();
            let exceeded = if index == MOST_INTEGRATIONS {
                Some(too_many_integrations())
            } else if read == most {
                Some(too_many_values(most))
            } else {
                None
            };
            if exceeded.is_some() {
                *self.exceeded = exceeded;
                return Err(A::Error::custom("too much"));
            }
            match read_element(element, &budget, self.lookup) {
                Ok(integration) => listed.integrations.push(integration),
                Err(broken) => listed
                    .unreadable
                    .extend(unknown_part(&broken, index, self.lookup)),
            }
            index += 1;
        }
    }
}

fn too_many_integrations() -> AnswerError {
    AnswerError::TooMuch {
        limit: MOST_INTEGRATIONS,
        unit: "integrations",
    }
}

/// The part of the tenant that a broken element makes unknown, if any.
fn unknown_part(
    broken: &UnreadableElement,
    index: usize,
    lookup: PlatformLookup,
) -> Option<Unreadable> {
    let scope = match &broken.type_name {
        None => Scope::Everything,
        Some(name) => {
            let Some(platform) = lookup(name) else {
                tracing::debug!(
                    element = index + 1,
                    reason = %broken.mistake,
                    "skipped an integration of a type that this version does not know"
                );
                return None;
            };
            Scope::Platform(platform)
        }
    };
    let reason = format!("element {} of the list: {}", index + 1, broken.mistake);
    Some(Unreadable { scope, reason })
}

/// Takes every integration out whose id is not its own.
fn reject_duplicates(listed: &mut Listed) {
    let mut seen: HashMap<RemoteId, usize> = HashMap::new();
    for integration in &listed.integrations {
        *seen.entry(integration.id.clone()).or_default() += 1;
    }
    let unreadable = &mut listed.unreadable;
    listed.integrations.retain(|integration| {
        let alone = seen.get(&integration.id) == Some(&1);
        if let (false, Some(platform)) = (alone, integration.platform) {
            unreadable.extend([Unreadable {
                scope: Scope::Platform(platform),
                reason: "two elements of the list have the same id".to_owned(),
            }]);
        }
        alone
    });
}
