//! From live integrations to the texts of files. Pure: the disk is not read.

use std::collections::{BTreeMap, BTreeSet};

use super::document;
use super::names;
use super::text::{write_comment, write_entries};
use super::{
    ExportDraft, ExportDrafts, ExportOptions, ExportRefusal, ExportSkip, ExportSkipReason, Omission,
};
use crate::ledger::Ledger;
use crate::live::{Live, LiveIntegration, OwnedWrite, RemoteId};
use crate::manifest::{Integration, Manifest, Name, SyncOptions, is_name, sync_text, text_scalar};
use crate::plan::{Coverage, identity_of};
use crate::platform::{AttributePath, CONFIG, Field, PayloadShape, Platform, TYPE};
use crate::text::{count, cut};

/// The ending of a file name.
const ENDING: &str = ".yaml";

/// Number of attributes that a comment names.
const MOST_NAMED: usize = 20;

/// The longest name of an attribute in a comment, in characters.
const LONGEST_NAMED: usize = 100;

/// Makes the files of what `coverage` shows as undescribed, and those that are written anew.
///
/// # Errors
/// Something stands in the way of an export: nothing is to be written.
pub fn draft(
    manifest: &Manifest,
    live: &Live,
    coverage: &Coverage<'_, '_>,
    ledger: &Ledger,
    options: &ExportOptions,
    tenant: &str,
) -> Result<ExportDrafts, ExportRefusal> {
    check_files(manifest)?;
    let names = derived_names(manifest, coverage, ledger);
    let identities = identities(&coverage.all);
    let overwritten = overwritten(manifest, coverage, &options.overwrite)?;
    let mut drafts = ExportDrafts::default();
    let undescribed = coverage.undescribed.iter().map(|found| (*found, None));
    let rewritten = overwritten
        .into_iter()
        .map(|(file, found)| (found, Some(file)));
    for (found, existing) in undescribed.chain(rewritten) {
        let platform = match exportable(found, live) {
            Ok(platform) => platform,
            Err(reason) => {
                drafts.skipped.push(ExportSkip {
                    id: found.id.clone(),
                    type_name: found.type_name.clone(),
                    identity: shown_identity(found),
                    reason,
                    is_requested: existing.is_some(),
                });
                continue;
            }
        };
        let subject = Subject {
            platform,
            found,
            existing,
            name: match existing {
                Some(file) => file.name.clone(),
                None => names.get(&found.id).cloned().unwrap_or_default(),
            },
            applied: applied(ledger, &found.id),
            is_owner_unknown: live
                .owners
                .objection(platform, OwnedWrite::Removal)
                .is_some(),
            is_shared: identities.get(&identity(found)).copied() > Some(1),
        };
        if existing.is_none() {
            subject.check_name(manifest, ledger)?;
        }
        drafts.files.push(subject.draft(options, tenant)?);
    }
    drafts.files.sort_by(|a, b| a.name.cmp(&b.name));
    drafts.skipped.sort_by(|a, b| a.id.cmp(&b.id));
    check_references(&drafts, manifest)?;
    Ok(drafts)
}

/// The name that an export gives each live integration of a known type, by id.
#[must_use]
pub fn derived_names(
    manifest: &Manifest,
    coverage: &Coverage<'_, '_>,
    ledger: &Ledger,
) -> BTreeMap<RemoteId, Name> {
    names::names(&coverage.all, |name, id| {
        is_taken(manifest, ledger, name, id)
    })
}

/// A file with a mistake may describe what no valid file does.
fn check_files(manifest: &Manifest) -> Result<(), ExportRefusal> {
    let invalid = manifest.invalid.first();
    let place = invalid.map(|invalid| format!("{} is invalid", invalid.origin.file));
    let unread = || "a file cannot be read".to_owned();
    match place.or_else(|| manifest.incomplete.then(unread)) {
        Some(place) => Err(ExportRefusal::InvalidFiles(place)),
        None => Ok(()),
    }
}

/// True if a name belongs to something else: a file of another path, or the record of
/// another integration.
fn is_taken(manifest: &Manifest, ledger: &Ledger, name: &str, id: &RemoteId) -> bool {
    let own_path = format!("{name}{ENDING}");
    let is_of_file = |file: &Integration| {
        let is_own = file.name == name && file.origin.within == own_path;
        !is_own && file.names().any(|other| other == name)
    };
    let record = ledger.records.get(name);
    manifest.integrations.iter().any(is_of_file) || record.is_some_and(|record| record.id != *id)
}

/// The attributes of an integration whose secrets are recorded as applied.
fn applied<'a>(ledger: &'a Ledger, id: &RemoteId) -> BTreeSet<&'a AttributePath> {
    let mut records = ledger.records.values();
    let record = records.find(|record| record.id == *id);
    let secrets = record.map(|record| record.state.applied.secrets.keys());
    secrets.into_iter().flatten().collect()
}

/// The type and the identity, which distinguish integrations.
type IdentityKey<'l> = (&'l str, Option<String>);

fn identity(found: &LiveIntegration) -> IdentityKey<'_> {
    let key = found
        .platform
        .and_then(|platform| identity_of(platform, found));
    (found.type_name.as_str(), key)
}

/// Number of integrations with each identity.
fn identities<'l>(all: &[&'l LiveIntegration]) -> BTreeMap<IdentityKey<'l>, usize> {
    let mut identities = BTreeMap::new();
    for found in all {
        *identities.entry(identity(found)).or_default() += 1;
    }
    identities
}

/// The files that are written anew, each with its integration.
fn overwritten<'a, 'l>(
    manifest: &'a Manifest,
    coverage: &Coverage<'a, 'l>,
    names: &BTreeSet<Name>,
) -> Result<Vec<(&'a Integration, &'l LiveIntegration)>, ExportRefusal> {
    let mut overwritten = Vec::new();
    for name in names {
        let mut files = manifest.integrations.iter();
        let Some(file) = files.find(|file| file.name == *name) else {
            return Err(ExportRefusal::UnknownName(name.clone()));
        };
        let Some(found) = coverage.described.get(name.as_str()) else {
            return Err(ExportRefusal::NotLive(name.clone()));
        };
        let in_file = manifest.integrations.iter();
        let in_file = in_file.filter(|other| other.origin.file == file.origin.file);
        if in_file.count() > 1 {
            return Err(ExportRefusal::SeveralDocuments {
                name: name.clone(),
                file: file.origin.file.clone(),
            });
        }
        if is_json(&file.origin.within) {
            let file = file.origin.file.clone();
            return Err(ExportRefusal::Json { file });
        }
        if !file.options.extra.is_empty() {
            return Err(ExportRefusal::HasExtra(name.clone()));
        }
        overwritten.push((file, *found));
    }
    Ok(overwritten)
}

/// True for the file name of a JSON text: it cannot have the comments of an export.
fn is_json(within: &str) -> bool {
    let ending = within.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
}

/// The platform of an integration that can have a file.
fn exportable(found: &LiveIntegration, live: &Live) -> Result<&'static Platform, ExportSkipReason> {
    if let Some(key) = live.owners.of_integration(&found.id) {
        return Err(ExportSkipReason::Connection(key.to_owned()));
    }
    let platform = found.platform.ok_or(ExportSkipReason::UnknownType)?;
    match platform.payload {
        PayloadShape::Full if found.auto_bootstrap.is_none() => Err(ExportSkipReason::NoSetUp),
        PayloadShape::Full | PayloadShape::ManualOnly | PayloadShape::TypeOnly => Ok(platform),
    }
}

fn shown_identity(found: &LiveIntegration) -> Option<String> {
    let attribute = found.platform?.pairing_attribute()?;
    Some(found.config.0.get(attribute)?.as_str()?.to_owned())
}

/// Two values must not come from one place by accident.
fn check_references(drafts: &ExportDrafts, manifest: &Manifest) -> Result<(), ExportRefusal> {
    let rewritten: BTreeSet<&str> = drafts
        .files
        .iter()
        .map(|draft| draft.name.as_str())
        .collect();
    let mut holders: BTreeMap<String, String> = BTreeMap::new();
    for file in &manifest.integrations {
        if !rewritten.contains(file.name.as_str()) {
            file.for_each_template(&mut |template| {
                for reference in template.references() {
                    holders.insert(reference.to_string(), file.origin.file.clone());
                }
            });
        }
    }
    for given in drafts.files.iter().flat_map(|draft| &draft.to_provide) {
        let second = format!("`{}` of {}", given.attribute, given.integration);
        if let Some(first) = holders.insert(given.reference.clone(), second.clone()) {
            return Err(ExportRefusal::SharedReference {
                reference: given.reference.clone(),
                first,
                second,
            });
        }
    }
    Ok(())
}

/// A live integration that gets a file.
struct Subject<'a> {
    platform: &'static Platform,
    found: &'a LiveIntegration,
    /// The file that is written anew.
    existing: Option<&'a Integration>,
    name: Name,
    /// The attributes whose secrets were applied before.
    applied: BTreeSet<&'a AttributePath>,
    /// True if its connection could not be read.
    is_owner_unknown: bool,
    /// True if another integration has the same identity.
    is_shared: bool,
}

impl Subject<'_> {
    /// The names of other files and integrations are not used again.
    fn check_name(&self, manifest: &Manifest, ledger: &Ledger) -> Result<(), ExportRefusal> {
        let id = &self.found.id;
        if is_name(&self.name) && !is_taken(manifest, ledger, &self.name, id) {
            return Ok(());
        }
        Err(ExportRefusal::NoName {
            id: id.clone(),
            name: self.name.clone(),
        })
    }

    fn draft(self, options: &ExportOptions, tenant: &str) -> Result<ExportDraft, ExportRefusal> {
        let config = document::config(document::LiveAttributes {
            platform: self.platform,
            found: self.found,
            name: &self.name,
            existing: self.existing,
            applied: &self.applied,
            template: &options.template,
            with_defaults: options.with_defaults,
        });
        if let Some(attribute) = config.without_reference.into_iter().next() {
            let name = self.name;
            return Err(ExportRefusal::NoReference { name, attribute });
        }
        let file = match self.existing {
            Some(existing) => existing.origin.within.clone(),
            None => format!("{}{ENDING}", self.name),
        };
        let mut text = String::new();
        let id = self.found.id.as_str();
        write_comment(&mut text, &format!("Integration {id} of {tenant}."));
        write_omissions(&mut text, &config.omitted);
        if !config.may_hold.is_empty() {
            let paths = config.may_hold.iter().map(AttributePath::as_str);
            let comment = format!(
                "The server never shows {}. Add a reference for each value in use: an update \
                removes missing values.",
                listed(paths)
            );
            write_comment(&mut text, &comment);
        }
        for (key, field) in self.platform.fields(self.found.auto_bootstrap, ()) {
            match field {
                Field::Type(wire) => {
                    let wire = text_scalar(wire).unwrap_or_default();
                    text.push_str(&format!("{TYPE}: {wire}\n"));
                }
                Field::AutoBootstrap(value) => text.push_str(&format!("{key}: {value}\n")),
                Field::Config(()) => {
                    text.push_str(&format!("{CONFIG}:\n"));
                    write_entries(&mut text, &config.entries, 1);
                }
            }
        }
        text.push_str(&self.options());
        Ok(ExportDraft {
            file,
            id: self.found.id.clone(),
            type_name: self.platform.wire,
            identity: shown_identity(self.found),
            may_belong_to_connection: self.is_owner_unknown,
            overwrites: self.existing.is_some(),
            lost_variables: Vec::new(),
            to_provide: config.to_provide,
            may_hold: config.may_hold,
            not_in_file: config.omitted,
            text,
            name: self.name,
        })
    }

    /// The key `sync`: a pin where nothing else pairs, and what an existing file says.
    fn options(&self) -> String {
        let mut options = self
            .existing
            .map_or_else(SyncOptions::default, |file| file.options.clone());
        if !self.platform.pairs_with_certainty() || self.is_shared {
            options.id = Some(self.found.id.clone());
        }
        let has_another_name = |file: &&Integration| {
            let name = file.origin.within.rsplit('/').next();
            let stem = name.and_then(|name| name.rsplit_once('.'));
            stem.is_none_or(|(stem, _)| stem != file.name)
        };
        let says_name = self.existing.filter(has_another_name);
        sync_text(says_name.map(|file| file.name.as_str()), &options)
    }
}

/// Comments about what is not in a file.
fn write_omissions(text: &mut String, omitted: &[Omission]) {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for omission in omitted {
        let paths = by_reason.entry(omission.reason()).or_default();
        paths.push(omission.path().as_str());
    }
    for (reason, paths) in by_reason {
        let comment = format!(
            "Not in this file: {} ({reason}).",
            listed(paths.into_iter())
        );
        write_comment(text, &comment);
    }
}

/// Paths of attributes, the first few of them.
fn listed<'p>(paths: impl Iterator<Item = &'p str>) -> String {
    let all: Vec<&str> = paths.collect();
    let shown = all.iter().take(MOST_NAMED);
    let mut shown: Vec<String> = shown
        .map(|path| cut(path, LONGEST_NAMED).into_owned())
        .collect();
    let hidden = all.len().saturating_sub(MOST_NAMED);
    if hidden > 0 {
        shown.push(count(hidden, "more attribute"));
    }
    shown.join(", ")
}
