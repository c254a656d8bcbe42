//! An attribute that is in no table: what could be meant, and the way through.

use super::builder::DiagnosticBuilder;
use super::check::Checker;
use super::suggest::nearest;
use super::text::shown_key;
use super::tree::YamlEntry;
use crate::diagnostic::Code;
use crate::platform::{Attribute, ObjectPath, Platform, TablePath, every_attribute};

impl Checker<'_> {
    /// Reports an attribute that the platform does not have, with what could be meant.
    pub(super) fn unknown_attribute(
        &mut self,
        entry: &YamlEntry,
        siblings: &'static [Attribute],
        platform: &'static Platform,
        around: ObjectPath,
    ) {
        let key = &*entry.key;
        let names = siblings.iter().map(|a| a.name);
        let mut draft = DiagnosticBuilder::new(
            Code::UnknownAttribute,
            entry.key_span,
            format!("unknown attribute `{}`", shown_key(key)),
        )
        .label(format!("not an attribute of {}", platform.title));
        if let Some(near) = nearest(key, names) {
            self.suggested_attributes.push(around.join(near).to_path());
            draft = draft.help(format!("did you mean `{near}`?"));
        } else if let Some(home) = elsewhere(platform, key) {
            draft = draft.help(format!("use `{home}`"));
        } else if ["type", "autoBootstrap", "sync"].contains(&key) {
            draft = draft.help(format!("move `{key}` to the top level of the document"));
        }
        draft = draft.help(format!(
            "if a newer server supports this attribute, send it unchecked with `sync: {{extra: \
                {}}}`",
            nested(around, shown_key(key))
        ));
        self.report(draft);
    }
}

/// The path of an attribute of this name anywhere in a table.
fn elsewhere(platform: &Platform, name: &str) -> Option<TablePath<'static>> {
    let mut every = every_attribute(platform.attributes);
    every.find_map(|(path, attribute)| (attribute.name == name).then_some(path))
}

/// `{audit: {new: …}}` for the key `new` in the object `audit`.
fn nested(around: ObjectPath, key: &str) -> String {
    let inside = format!("{{{key}: …}}");
    let outer = around.keys().rev();
    outer.fold(inside, |inside, outer| format!("{{{outer}: {inside}}}"))
}
