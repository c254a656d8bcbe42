//! The result of `export --update`.

use std::fmt::Write as _;

use serde::Serialize;

use super::document::Document;
use super::exit::Exit;
use super::style::{ADD, BAD, BOLD, CHANGE, paint};
use crate::export::update::FileUpdate;
use crate::session::update::UpdateResult;
use crate::text::{count, escaped};

/// The document of `export --update`.
#[derive(Serialize)]
pub struct UpdateDocument<'a> {
    tenant: &'a str,
    directory: &'a str,
    dry_run: bool,
    updates: &'a [FileUpdate],
    exit_code: Exit,
}

impl<'a> UpdateDocument<'a> {
    /// Of an update of files in this directory.
    #[must_use]
    pub fn new(result: &'a UpdateResult, directory: &'a str, dry_run: bool) -> Self {
        let updates = result.updates.as_slice();
        let is_whole = updates.iter().all(|update| update.not_updated.is_empty());
        Self {
            tenant: &result.tenant,
            directory,
            dry_run,
            updates,
            exit_code: if is_whole {
                Exit::Success
            } else {
                Exit::Failed
            },
        }
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit_code
    }
}

/// A difference with a colour for each line that comes or goes.
fn painted(diff: &str) -> String {
    let mut out = String::new();
    for line in diff.lines() {
        let line = escaped(line);
        let _ = match line.as_bytes().first() {
            _ if line.starts_with("---") || line.starts_with("+++") => {
                writeln!(out, "{}", paint(BOLD, line))
            }
            Some(b'+') => writeln!(out, "{}", paint(ADD, line)),
            Some(b'-') => writeln!(out, "{}", paint(BAD, line)),
            _ => writeln!(out, "{line}"),
        };
    }
    out
}

impl Document for UpdateDocument<'_> {
    fn table(&self) -> String {
        let diffs = self.updates.iter().map(|update| painted(&update.diff));
        diffs.collect()
    }

    fn text(&self) -> String {
        let mut out = String::new();
        for update in self.updates {
            let name = &update.name;
            if update.updated.is_empty() && update.not_updated.is_empty() {
                let _ = writeln!(out, "{name}: the server changed nothing.");
            }
            for kept in &update.not_updated {
                let path = escaped(kept.path.as_str());
                let line = format!("{name}: `{path}` was not updated: {}.", kept.reason);
                let _ = writeln!(out, "{}", paint(CHANGE, line));
            }
        }
        let files = self.updates.iter().filter(|it| !it.updated.is_empty());
        let files: std::collections::BTreeSet<&str> = files.map(|it| it.file.as_str()).collect();
        let files = count(files.len(), "file");
        let verb = if self.dry_run {
            "Would update"
        } else {
            "Updated"
        };
        let _ = writeln!(out, "{verb} {files}.");
        out
    }
}
