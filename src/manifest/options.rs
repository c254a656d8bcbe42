//! The reserved key `sync`: options for the tool, never sent.

use super::builder::DiagnosticBuilder;
use super::check::Checker;
use super::suggest::{enumerate, nearest};
use super::text::{Span, shown_key};
use super::tree::{Node, Yaml, YamlEntry};
use super::{Ignore, Name, Suspend, SyncOptions, UntilError};
use crate::diagnostic::Code;
use crate::live::RemoteId;
use crate::platform::{
    Attribute, AttributePath, ObjectPath, PayloadShape, Platform, find_attribute, first_key,
};
use crate::value::{Object, Value};

/// The reserved key.
pub(super) const SYNC: &str = "sync";

/// Declares the options of the reserved key: variant, key and documentation.
macro_rules! options {
    ($($name:ident $key:literal $doc:literal)*) => {
        /// An option of the reserved key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum SyncKey {
            $(#[doc = $doc] $name,)*
        }

        impl SyncKey {
            /// The options, in the order of the documentation.
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its key.
            pub(super) const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// Its effect, in one line.
            pub(super) const fn doc(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }
            }

            /// The option with this key.
            pub(super) fn of(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|option| option.key() == key)
            }
        }

        /// The keys of the options.
        pub(super) const KEYS: &[&str] = &[$($key,)*];
    };
}

options! {
    Name "name"
        "Name of the integration; defaults to the name of the file."
    Id "id"
        "Id of the live integration that this file describes; needed only if nothing else \
            identifies the integration."
    Previously "previously"
        "Former names of the integration."
    Protect "protect"
        "`true` if the integration may be updated, but never deleted or replaced."
    Suspend "suspend"
        "Suspends writes to the integration, with a reason and an optional end."
    Ignore "ignore"
        "Attributes whose differences are ignored, each with a reason."
    Extra "extra"
        "Attributes that this version does not know, sent unchanged."
}

/// [`is_name`] as a regular expression.
pub(super) const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$";

/// The longest name: it becomes a file name and a metric label.
pub(crate) const NAME_LENGTH: usize = 128;

/// Format of a name, in words.
const NAME_FORM: &str = "a name starts with a letter or digit and continues with letters, digits, \
    `.`, `_` and `-`; it has at most 128 characters";

/// True if a text can be the name of an integration.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= NAME_LENGTH
        && text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Content of `sync`.
#[derive(Default)]
pub(super) struct Sync {
    pub(super) name: SyncName,
    pub(super) id_span: Option<Span>,
    pub(super) options: SyncOptions,
}

/// Its content about the name.
#[derive(Default)]
pub(super) enum SyncName {
    #[default]
    Absent,
    /// Reported already.
    Wrong,
    Given(Name, Span),
}

impl Checker<'_> {
    pub(super) fn sync(&mut self, root: &Node, platform: Option<&'static Platform>) -> Sync {
        let mut sync = Sync::default();
        let Some(entry) = root.get(SYNC) else {
            return sync;
        };
        let Yaml::Map(entries) = &entry.value.value else {
            self.wrong_option(&entry.value, SYNC, "a mapping of options");
            sync.name = SyncName::Wrong;
            return sync;
        };
        for entry in entries.iter() {
            let options = &mut sync.options;
            match SyncKey::of(&entry.key) {
                Some(SyncKey::Name) => sync.name = self.sync_name(entry),
                Some(SyncKey::Id) => {
                    options.id = self.sync_id(entry);
                    sync.id_span = Some(entry.value.span);
                }
                Some(SyncKey::Previously) => options.previously = self.previously(entry),
                Some(SyncKey::Protect) => {
                    options.protect = self.option_bool(entry, "sync.protect").unwrap_or_default();
                }
                Some(SyncKey::Suspend) => options.suspend = self.suspend(entry),
                Some(SyncKey::Ignore) => options.ignore = self.ignore(entry, platform),
                Some(SyncKey::Extra) => options.extra = self.extra(entry, platform),
                None => self.unknown_option(entry, SYNC, KEYS),
            }
        }
        sync
    }

    /// The name of the document, whether it is sure, and where it stands.
    pub(super) fn name(
        &mut self,
        given: SyncName,
        document: Span,
        several: bool,
    ) -> (Name, bool, Span) {
        let start = self.text.word(document.start);
        let stem = self.text.stem().to_owned();
        match given {
            SyncName::Given(name, span) => (name, true, span),
            SyncName::Wrong => (stem, false, start),
            SyncName::Absent if several => {
                self.report(
                    DiagnosticBuilder::new(
                        Code::NameNeeded,
                        start,
                        "a document in a file with several documents needs a name",
                    )
                    .label("no `sync.name`")
                    .help("add `sync: {name: …}`, or move the document to a separate file"),
                );
                (stem, false, start)
            }
            SyncName::Absent => {
                if !is_name(&stem) {
                    self.report(
                        DiagnosticBuilder::new(
                            Code::InvalidName,
                            start,
                            "the name of this file cannot be the name of an integration",
                        )
                        .label("this document is named after its file")
                        .help("add `sync: {name: …}`, or rename the file")
                        .help(NAME_FORM),
                    );
                }
                (stem, true, start)
            }
        }
    }

    fn unknown_option(&mut self, entry: &YamlEntry, parent: &str, known: &[&str]) {
        let help = nearest(&entry.key, known.iter().copied()).map_or_else(
            || format!("the keys of `{parent}` are {}", enumerate(known, "and")),
            |near| format!("did you mean `{near}`?"),
        );
        self.report(
            DiagnosticBuilder::new(
                Code::UnknownKey,
                entry.key_span,
                format!("unknown key `{}` in `{parent}`", shown_key(&entry.key)),
            )
            .label("no such option")
            .help(help),
        );
    }

    fn sync_name(&mut self, entry: &YamlEntry) -> SyncName {
        let Some(name) = self.option_text(entry, "sync.name") else {
            return SyncName::Wrong;
        };
        if is_name(&name) {
            return SyncName::Given(name, entry.value.span);
        }
        self.report(
            DiagnosticBuilder::new(
                Code::InvalidName,
                entry.value.span,
                "this is not a valid integration name",
            )
            .label("not a valid name")
            .help(NAME_FORM),
        );
        SyncName::Wrong
    }

    fn sync_id(&mut self, entry: &YamlEntry) -> Option<RemoteId> {
        let node = &entry.value;
        let id = match &node.value {
            Yaml::Number(number) if number.is_u64() => {
                self.mark_public(node.span);
                number.to_string()
            }
            Yaml::Text(_) => self.option_text(entry, "sync.id")?,
            Yaml::Null
            | Yaml::Bool(_)
            | Yaml::Number(_)
            | Yaml::List(_)
            | Yaml::Map(_)
            | Yaml::Faulty => {
                self.mark_scalar_public(node);
                self.wrong_option(node, "sync.id", "the id of an integration");
                return None;
            }
        };
        // It becomes a part of a path.
        if is_name(&id) {
            return Some(RemoteId::new(id));
        }
        self.report(
            DiagnosticBuilder::new(
                Code::SyncOption,
                node.span,
                "`sync.id` is not a valid integration id",
            )
            .label("expected an id as the server reports it, such as `12`"),
        );
        None
    }

    /// The items of a list option; one complaint if it is no list.
    fn items<'n>(&mut self, entry: &'n YamlEntry, what: &str, expected: &str) -> &'n [Node] {
        if let Yaml::List(items) = &entry.value.value {
            return items;
        }
        self.wrong_option(&entry.value, what, expected);
        &[]
    }

    fn previously(&mut self, entry: &YamlEntry) -> Vec<Name> {
        let mut names = Vec::new();
        for item in self.items(entry, "sync.previously", "a list of names") {
            let item = YamlEntry {
                value: item.clone(),
                ..entry.clone()
            };
            match self.sync_name_of(&item) {
                Some(name) if !names.contains(&name) => names.push(name),
                Some(_) | None => {}
            }
        }
        names
    }

    fn sync_name_of(&mut self, entry: &YamlEntry) -> Option<Name> {
        let name = self.option_text(entry, "sync.previously")?;
        if is_name(&name) {
            return Some(name);
        }
        self.report(
            DiagnosticBuilder::new(
                Code::InvalidName,
                entry.value.span,
                "this former name is not a valid integration name",
            )
            .label("not a valid name")
            .help(NAME_FORM),
        );
        None
    }

    /// The mapping below an option, with its required `reason`, and no other
    /// keys than these.
    fn reasoned<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        key_span: Span,
        keys: &[&str],
    ) -> Option<(&'n Node, String)> {
        let Yaml::Map(entries) = &node.value else {
            self.wrong_option(
                node,
                what,
                &format!("a mapping with {}", enumerate(keys, "and")),
            );
            return None;
        };
        for entry in entries.iter().filter(|e| !keys.contains(&&*e.key)) {
            self.unknown_option(entry, what, keys);
        }
        let reason = match node.get("reason") {
            Some(entry) => {
                let reason = self.option_text(entry, &format!("{what}.reason"))?;
                (!reason.trim().is_empty())
                    .then_some((reason, entry.value.span))
                    .ok_or(entry.value.span)
            }
            None => Err(key_span),
        };
        match reason {
            Ok((reason, _)) => Some((node, reason)),
            Err(span) => {
                self.report(
                    DiagnosticBuilder::new(
                        Code::SyncOption,
                        span,
                        format!("`{what}` needs a reason"),
                    )
                    .label("no `reason` given")
                    .help("add `reason: …` for later readers"),
                );
                None
            }
        }
    }

    fn suspend(&mut self, entry: &YamlEntry) -> Option<Suspend> {
        let what = "sync.suspend";
        let (node, reason) =
            self.reasoned(&entry.value, what, entry.key_span, &["reason", "until"])?;
        let Some(until) = node.get("until") else {
            return Some(Suspend {
                reason,
                until: None,
            });
        };
        let text = self.option_text(until, "sync.suspend.until")?;
        match text.parse() {
            Ok(end) => Some(Suspend {
                reason,
                until: Some(end),
            }),
            Err(error) => {
                let error: UntilError = error;
                let what = "`sync.suspend.until` is neither a date nor a time with a time zone";
                let draft = DiagnosticBuilder::new(Code::SyncOption, until.value.span, what);
                self.report(draft.label(error.to_string()));
                None
            }
        }
    }

    fn ignore(&mut self, entry: &YamlEntry, platform: Option<&'static Platform>) -> Vec<Ignore> {
        let what = "sync.ignore";
        let mut all = Vec::new();
        for item in self.items(entry, what, "a list") {
            let Some((node, reason)) = self.reasoned(item, what, item.span, &["path", "reason"])
            else {
                continue;
            };
            let Some(path) = node.get("path") else {
                self.report(
                    DiagnosticBuilder::new(Code::SyncOption, item.span, "`sync.ignore` needs a path")
                        .label("no `path` given")
                        .help("add the path of an attribute below `config`, such as `path: /audit/enabled`"),
                );
                continue;
            };
            let Some(text) = self.option_text(path, "sync.ignore.path") else {
                continue;
            };
            if let Some(path) = self.ignored_path(&text, path.value.span, platform) {
                all.push(Ignore { path, reason });
            }
        }
        all
    }

    fn ignored_path(
        &mut self,
        text: &str,
        span: Span,
        platform: Option<&'static Platform>,
    ) -> Option<AttributePath> {
        let Some(path) = text.strip_prefix('/').filter(|path| !path.is_empty()) else {
            self.report(
                DiagnosticBuilder::new(
                    Code::SyncOption,
                    span,
                    "a path in `sync.ignore` starts with `/`",
                )
                .label("expected a path below `config`, such as `/audit/enabled`"),
            );
            return None;
        };
        if platform.is_some_and(|platform| platform.attribute(path).is_none()) {
            let names =
                platform.map_or_else(Vec::new, |p| p.attributes.iter().map(|a| a.name).collect());
            let (first, _) = first_key(path);
            let near = nearest(first, names.iter().copied());
            self.report(
                DiagnosticBuilder::new(
                    Code::UnknownPath,
                    span,
                    "this is not the path of a known attribute",
                )
                .label("ignores no known attribute")
                .maybe_help(near.map(|near| format!("did you mean `/{near}`?"))),
            );
        }
        Some(path.into())
    }

    fn extra(&mut self, entry: &YamlEntry, platform: Option<&'static Platform>) -> Object {
        let Yaml::Map(entries) = &entry.value.value else {
            self.wrong_option(&entry.value, "sync.extra", "a mapping of attributes");
            return Object::new();
        };
        if platform.is_some_and(|p| p.payload == PayloadShape::TypeOnly) {
            self.key_not_sent(entry);
            return Object::new();
        }
        self.extra_level(
            entries,
            platform.map_or(&[], |p| p.attributes),
            ObjectPath::TOP,
        )
    }

    /// Unknown attributes, at the top or inside of objects that are known.
    fn extra_level(
        &mut self,
        entries: &[YamlEntry],
        known: &'static [Attribute],
        around: ObjectPath,
    ) -> Object {
        let mut extra = Object::new();
        for entry in entries {
            let key = &*entry.key;
            let path = around.join(key);
            let attribute = find_attribute(known, key);
            let value = match (attribute, &entry.value.value) {
                (Some(attribute), Yaml::Map(inner)) if !attribute.children().is_empty() => {
                    let around = around.object(attribute.name);
                    let inner = self.extra_level(inner, attribute.children(), around);
                    Value::Object(inner)
                }
                (Some(_), _) => {
                    self.report(
                        DiagnosticBuilder::new(
                            Code::ExtraKnown,
                            entry.key_span,
                            format!("`sync.extra` contains the known attribute `{path}`"),
                        )
                        .label("not for `sync.extra`")
                        .help(format!("move `{path}` below `config`")),
                    );
                    continue;
                }
                (None, _) => self.free(&entry.value, &"sync.extra"),
            };
            extra.insert(key, value);
        }
        extra
    }
}
