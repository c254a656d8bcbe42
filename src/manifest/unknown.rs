//! An attribute that is in no table: what could be meant, and the way through.

use super::builder::DiagnosticBuilder;
use super::check::Checker;
use super::suggest::nearest;
use super::text::shown_key;
use super::tree::YamlEntry;
use crate::diagnostic::Code;
use crate::platform::{Attribute, Platform};

impl Checker<'_> {
    /// Reports an attribute that the platform does not have, with what could be meant.
    pub(super) fn unknown_attribute(
        &mut self,
        entry: &YamlEntry,
        siblings: &'static [Attribute],
        platform: &'static Platform,
        prefix: &str,
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
            self.suggested.push(format!("config/{prefix}{near}"));
            draft = draft.help(format!("did you mean `{near}`?"));
        } else if let Some(home) = elsewhere(platform.attributes, key, "") {
            draft = draft.help(format!("use `{home}`"));
        } else if ["type", "autoBootstrap", "sync"].contains(&key) {
            draft = draft.help(format!("move `{key}` to the top level of the document"));
        }
        draft = draft.help(format!(
            "if a newer server supports it, send it unchecked with `sync: {{extra: {}}}`",
            nested(prefix, shown_key(key))
        ));
        self.report(draft);
    }
}

/// The path of an attribute of this name anywhere in a table.
fn elsewhere(attributes: &'static [Attribute], name: &str, prefix: &str) -> Option<String> {
    attributes.iter().find_map(|attribute| {
        let path = format!("{prefix}{}", attribute.name);
        if attribute.name == name {
            Some(path)
        } else {
            elsewhere(attribute.children(), name, &format!("{path}/"))
        }
    })
}

/// `{audit: {new: …}}` for the key `new` below the prefix `audit/`.
fn nested(prefix: &str, key: &str) -> String {
    let inside = format!("{{{key}: …}}");
    prefix
        .split_terminator('/')
        .rev()
        .fold(inside, |inside, outer| format!("{{{outer}: {inside}}}"))
}
