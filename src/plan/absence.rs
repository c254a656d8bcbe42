//! Documents that are missing although they may not have been removed.
//!
//! In a directory, only a missing file proves a removal: one that still exists and lacks its
//! document may have been cut short by a save, a full disk or a copy. A commit is complete, so
//! that everything missing from it was removed.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::evidence::Absence;
use super::records::RecordedIntegration;
use super::{Action, Block, Operation, PlanContext};
use crate::ledger::taken_name;
use crate::manifest::{Holds, Manifest, Name, Origin, SeenFile};
use crate::platform::by_wire;

/// The kind of source that the files come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A commit of a repository.
    Commit,
    /// A directory, or a single file.
    Directory,
}

/// The files that exist, by what they could have described.
pub(super) struct Absences<'a> {
    by_path: HashMap<&'a str, &'a SeenFile>,
    by_stem: HashMap<&'a str, &'a SeenFile>,
    /// Files without a document of which nothing is recorded.
    blank: Vec<&'a SeenFile>,
    /// A file that can have had documents of any name.
    naming: Option<&'a SeenFile>,
    has_empty: bool,
    kind: SourceKind,
    allowed: &'a BTreeSet<Name>,
}

/// Recorded integrations whose files no longer have a document.
#[derive(Default)]
pub(super) struct Emptied {
    /// Actions of those that are selected.
    pub frozen: Vec<Action>,
    /// Number of the others.
    pub unselected: usize,
}

impl<'a> Absences<'a> {
    pub(super) fn new(manifest: &'a Manifest, context: &PlanContext<'a>) -> Self {
        let files = || manifest.files.iter();
        let records = context.ledger.records.iter();
        let known: HashSet<&str> = records
            .flat_map(|(name, record)| [stem_of(name), record.state.file.as_deref().unwrap_or("")])
            .collect();
        let is_known =
            |file: &&SeenFile| known.contains(&*file.within) || known.contains(file.stem());
        // Those without a document last: of several with one stem they count.
        let mut by_stem: Vec<&SeenFile> = files().collect();
        by_stem.sort_by_key(|file| !file.holds.has_documents());
        Self {
            by_path: files().map(|file| (&*file.within, file)).collect(),
            by_stem: by_stem
                .into_iter()
                .map(|file| (file.stem(), file))
                .collect(),
            blank: files()
                .filter(|file| !file.holds.has_documents() && !is_known(file))
                .collect(),
            naming: files().find(|file| match file.holds {
                Holds::Documents { says_names } => says_names,
                Holds::NoDocument => !is_known(file),
            }),
            has_empty: files().any(|file| !file.holds.has_documents()),
            kind: context.source,
            allowed: context.allow_removal,
        }
    }

    /// Reason why the missing document of a record is not a removal; `shown` is the name
    /// of the integration in the plan.
    pub(super) fn of(&self, recorded: RecordedIntegration<'_>, shown: &str) -> Option<Absence> {
        if self.kind == SourceKind::Commit || self.allowed.contains(shown) {
            return None;
        }
        let recorded_file = recorded.record.state.file.as_deref();
        let own = recorded_file.and_then(|file| self.by_path.get(file));
        let named = self.by_stem.get(stem_of(recorded.name));
        let mut candidates = own.into_iter().chain(named);
        if let Some(empty) = candidates.find(|file| !file.holds.has_documents()) {
            let file = empty.file.clone();
            return Some(Absence::EmptyFile { file });
        }
        if let Some(file) = own.or(named.filter(|_| recorded_file.is_none())) {
            let file = file.file.clone();
            return Some(Absence::FileExists { file });
        }
        if let Some(naming) = self.naming.filter(|_| recorded_file.is_none()) {
            let file = naming.file.clone();
            return Some(Absence::FileUnknown { file });
        }
        // A file that existed together with its document is not its renamed file.
        let beside = &recorded.record.state.removal.beside;
        let mut blank = self.blank.iter();
        let new = blank.find(|file| !beside.contains(&*file.within))?;
        let file = new.file.clone();
        Some(Absence::BlankFile { file })
    }

    /// Actions for all records of files without a document. `is_described` is true for a
    /// record that a document describes.
    pub(super) fn emptied(
        &self,
        context: &PlanContext<'_>,
        names: &HashSet<&str>,
        is_described: impl Fn(RecordedIntegration<'_>) -> bool,
    ) -> Emptied {
        let mut emptied = Emptied::default();
        if !self.has_empty {
            return emptied;
        }
        let records = context.ledger.records.iter();
        for recorded in records.map(|(name, record)| RecordedIntegration { name, record }) {
            if is_described(recorded) {
                continue;
            }
            let name = recorded.unused_name(names);
            let Some(Absence::EmptyFile { file }) = self.of(recorded, &name) else {
                continue;
            };
            let is_selected = context.selection.includes(&name)
                && !context
                    .selection
                    .excludes(&[recorded.name, stem_of(recorded.name)]);
            if is_selected {
                emptied.frozen.push(self.frozen(recorded, name, file));
            } else {
                emptied.unselected += 1;
            }
        }
        emptied
    }

    fn frozen(&self, recorded: RecordedIntegration<'_>, name: Name, file: String) -> Action {
        let within = recorded.record.state.file.clone().unwrap_or_default();
        Action {
            platform: by_wire(&recorded.record.type_name),
            origin: Some(Origin {
                file: file.clone(),
                line: 1,
                within,
            }),
            kind: Operation::Blocked(Block::EmptyFile {
                name: name.clone(),
                file,
            }),
            name,
            notes: Vec::new(),
        }
    }
}

/// The name that it had as long as nothing else took it.
fn stem_of(name: &str) -> &str {
    taken_name(name).unwrap_or(name)
}
