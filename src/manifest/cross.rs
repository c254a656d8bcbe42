//! Mistakes that show only when all documents are seen together.
//!
//! Each is reported at every document involved, with the others as related places, so that an
//! author of one file learns of the other. None of them is applied: the intended one is
//! unknown.

use std::collections::BTreeMap;

use super::check::{Checked, Claim};
use super::{DeniedWarnings, Integration, Invalid};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::platform::{Evidence, Identity, Platform, Rule};
use crate::value::Value;

/// So many of the other documents are shown with each. A thousand copies of one
/// file must not show a million places.
const MAX_OTHERS: usize = 3;

/// The attributes at the top of `config` that are compared across files.
pub(super) fn compared(platform: &Platform) -> impl Iterator<Item = &'static str> {
    let identity = match platform.identity {
        Identity::Host(name) | Identity::Name(name) => Some(name),
        Identity::Hint(_) | Identity::Nothing => None,
    };
    let unique = platform.rules.iter().map(|Rule::Unique(name, _)| *name);
    identity.into_iter().chain(unique)
}

/// A mistake of several documents: which, where in each, and what to say.
struct Clash {
    code: Code,
    /// Documents by their index, with the place that clashes.
    members: Vec<(usize, Location)>,
    message: String,
    label: &'static str,
    help: String,
}

/// Adds the mistakes across documents, and takes those with an error out.
pub(super) fn check(documents: &mut [Checked], denied: &DeniedWarnings) {
    let mut clashes = same_names(documents);
    clashes.extend(same_ids(documents));
    clashes.extend(same_identities(documents));
    clashes.extend(not_unique(documents));
    for clash in clashes {
        let hidden = clash.members.len().saturating_sub(MAX_OTHERS + 1);
        for (index, place) in &clash.members {
            let others = clash.members.iter().filter(|(other, _)| other != index);
            let mut diagnostic = Diagnostic {
                code: clash.code,
                severity: clash.code.severity(),
                denied_by: None,
                message: clash.message.clone(),
                place: place.labelled(clash.label),
                document: None,
                related: others
                    .take(MAX_OTHERS)
                    .map(|(_, place)| place.labelled("another document"))
                    .collect(),
                help: std::iter::once(clash.help.clone())
                    .chain((hidden > 0).then(|| format!("documents not shown: {hidden}")))
                    .collect(),
            };
            let Some(document) = documents.get_mut(*index) else {
                continue;
            };
            denied.raise(&mut diagnostic);
            if diagnostic.is_error() {
                invalidate(document);
            }
            document.diagnostics.push(diagnostic);
        }
    }
}

fn invalidate(document: &mut Checked) {
    if let Ok(integration) = &document.outcome {
        document.outcome = Err(Invalid {
            name: integration.name.clone(),
            platform: Some(integration.platform),
            origin: integration.origin.clone(),
        });
    }
}

/// Documents with an equal key, in groups of two and more.
fn groups<K: Ord>(keys: impl Iterator<Item = (K, usize)>) -> impl Iterator<Item = (K, Vec<usize>)> {
    let mut groups: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (key, index) in keys {
        groups.entry(key).or_default().push(index);
    }
    groups.into_iter().filter(|(_, members)| members.len() > 1)
}

/// The documents without an error of their own.
fn valid(documents: &[Checked]) -> impl Iterator<Item = (usize, &Integration)> {
    let documents = documents.iter().enumerate();
    documents.filter_map(|(index, document)| Some((index, document.outcome.as_ref().ok()?)))
}

/// Claims of the documents, including those with errors of their own.
fn claims(documents: &[Checked]) -> impl Iterator<Item = (usize, &Claim)> {
    let documents = documents.iter().enumerate();
    documents.filter_map(|(index, document)| Some((index, document.claim.as_ref()?)))
}

/// True if a clash would stop any document: documents with a mistake are stopped already.
fn is_any_valid(documents: &[Checked], members: &[usize]) -> bool {
    members
        .iter()
        .any(|index| documents[*index].outcome.is_ok())
}

fn same_names(documents: &[Checked]) -> Vec<Clash> {
    let named = documents.iter().enumerate().filter(|(_, d)| d.named);
    groups(named.map(|(index, document)| (document.name().to_owned(), index)))
        .map(|(name, members)| Clash {
            code: Code::SameName,
            members: members
                .iter()
                .map(|index| (*index, documents[*index].places.name.clone()))
                .collect(),
            message: format!("{} documents have the name `{name}`", count(&members)),
            label: "one of them",
            help: "give each document its own name with `sync.name`, or rename a file".to_owned(),
        })
        .collect()
}

fn same_ids(documents: &[Checked]) -> Vec<Clash> {
    let keys = claims(documents)
        .filter_map(|(index, claim)| Some(((claim.platform.wire, claim.id.clone()?), index)));
    groups(keys)
        .filter(|(_, members)| is_any_valid(documents, members))
        .map(|((_, id), members)| Clash {
            code: Code::SameId,
            members: members
                .iter()
                .filter_map(|index| Some((*index, documents[*index].places.id.clone()?)))
                .collect(),
            message: format!(
                "{} documents are pinned to the live integration {id}",
                count(&members)
            ),
            label: "one of them",
            help: "keep one document for each live integration: remove the others, or correct \
                their `sync.id`"
                .to_owned(),
        })
        .collect()
}

fn same_identities(documents: &[Checked]) -> Vec<Clash> {
    let keys = claims(documents).filter_map(|(index, claim)| match claim.platform.identity {
        Identity::Host(name) | Identity::Name(name) => {
            Some(((claim.platform.wire, name, claim.key.clone()?), index))
        }
        Identity::Hint(_) | Identity::Nothing => None,
    });
    let pinned = |index: &usize| {
        let claim = documents[*index].claim.as_ref();
        claim.is_some_and(|claim| claim.id.is_some())
    };
    groups(keys)
        .filter(|(_, members)| is_any_valid(documents, members))
        .filter(|(_, members)| !members.iter().all(pinned))
        .map(|((_, name, _), members)| Clash {
            code: Code::SameIdentity,
            members: attribute_places(documents, &members, name),
            message: format!(
                "{} documents describe the same integration: they have the same `{name}`",
                count(&members)
            ),
            label: "one of them",
            help:
                "remove one document; if both integrations exist on the server, distinguish them \
                by `sync.id` in each document"
                    .to_owned(),
        })
        .collect()
}

fn not_unique(documents: &[Checked]) -> Vec<Clash> {
    let rules = |(index, integration): (usize, &Integration)| {
        let platform = integration.platform;
        let values: Vec<_> = platform
            .rules
            .iter()
            .filter_map(|Rule::Unique(name, evidence)| {
                let code = match evidence {
                    Evidence::Documented => Code::NotUnique,
                    Evidence::SecondHand | Evidence::Inferred => Code::LikelyNotUnique,
                    Evidence::Recalled | Evidence::Unknown => return None,
                };
                let value = integration.config.at(name).and_then(comparable)?;
                Some(((platform.wire, *name, code, value), index))
            })
            .collect();
        values
    };
    groups(valid(documents).flat_map(rules))
        .map(|((_, name, code, _), members)| Clash {
            code,
            members: attribute_places(documents, &members, name),
            message: format!("{} documents have the same `{name}`", count(&members)),
            label: "one of them",
            help: format!("change one value: two integrations of this type cannot share `{name}`"),
        })
        .collect()
}

/// Their number, in a word if that is short.
fn count(members: &[usize]) -> String {
    match members.len() {
        2 => "two".to_owned(),
        more => more.to_string(),
    }
}

/// A value that can be compared: secrets cannot.
fn comparable(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null
        | Value::Bool(_)
        | Value::Secret(_)
        | Value::Hidden(_)
        | Value::List(_)
        | Value::Object(_) => None,
    }
}

fn attribute_places(
    documents: &[Checked],
    members: &[usize],
    name: &str,
) -> Vec<(usize, Location)> {
    let place = |index: usize| {
        let places = &documents[index].places;
        let found = places.attributes.iter().find(|(own, _)| *own == name);
        found.map_or(&places.name, |(_, place)| place).clone()
    };
    members
        .iter()
        .map(|index| (*index, place(*index)))
        .collect()
}
