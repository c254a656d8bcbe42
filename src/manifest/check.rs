//! One document's tree to an [`Integration`], gathering every mistake.
//!
//! Nothing stops at the first mistake: a part that is wrong is left out, and
//! what depends on it is not complained about again. The result is only used
//! if no mistake was an error.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::suggest::{enumerate, nearest};
use super::text::{Span, Text, Veil, shown_key};
use super::yaml::{Document, Entry, Node, Yaml};
use super::{Integration, Invalid, Name, Options, Origin};
use crate::diagnostic::{Code, Diagnostic, Place, Severity};
use crate::platform::{Payload, Platform};
use crate::secret::Parsed;
use crate::value::Object;

/// A document with more mistakes is of another kind altogether; it also bounds
/// the work for a file that was made to be slow.
const MAX_DIAGNOSTICS: usize = 100;

/// The keys at the top of a document.
const KEYS: &[&str] = &["type", "autoBootstrap", "config", "sync"];

/// Keys that the server reports and that a pasted answer brings along.
const REPORTED_KEYS: &[&str] = &["id", "status", "validationResults", "validationTests"];

/// What a document is checked against.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) vars: &'c BTreeMap<String, String>,
    pub(super) platforms: &'c [&'static Platform],
}

/// What came of a document.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) outcome: Result<Integration, Invalid>,
    /// Whether its name is sure; a broken document may have had another.
    pub(super) named: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) places: Places,
}

impl Checked {
    pub(super) fn name(&self) -> &str {
        match &self.outcome {
            Ok(integration) => &integration.name,
            Err(invalid) => &invalid.name,
        }
    }
}

/// Places that mistakes across files refer to.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) name: Place,
    pub(super) id: Option<Place>,
    /// Attributes at the top of `config`.
    pub(super) attributes: Vec<(&'static str, Place)>,
}

/// Checks one document. `several` tells whether its file holds more.
pub(super) fn check(
    context: Context<'_>,
    text: &Text<'_>,
    veil: &mut Veil,
    document: Document,
    several: bool,
) -> Checked {
    let Document {
        root,
        span,
        whole,
        faults,
    } = document;
    let mut checker = Checker {
        context,
        text,
        veil,
        drafts: faults,
        auto: None,
    };
    let read = match &root {
        Some(root) if whole => checker.document(root, span, several),
        Some(_) | None => checker.salvage(root.as_ref(), span, several),
    };
    let Checker { drafts, veil, .. } = checker;
    veil.settle();
    let diagnostics = finish(drafts, text, veil);
    let place = |span| text.place(span, "", veil);
    let places = Places {
        name: place(read.name_span),
        id: read.id_span.map(place),
        attributes: read
            .attribute_spans
            .iter()
            .map(|(name, span)| (*name, place(*span)))
            .collect(),
    };
    let origin = Origin {
        file: text.file.clone(),
        line: text.line(span.start),
    };
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    let Read {
        name,
        named,
        platform,
        auto_bootstrap,
        config,
        options,
        ..
    } = read;
    let outcome = match platform {
        Some(platform) if !failed => Ok(Integration {
            name,
            platform,
            auto_bootstrap,
            config,
            options,
            origin,
        }),
        platform => Err(Invalid {
            name,
            platform,
            origin,
        }),
    };
    Checked {
        outcome,
        named,
        diagnostics,
        places,
    }
}

fn finish(mut drafts: Vec<Draft>, text: &Text<'_>, veil: &Veil) -> Vec<Diagnostic> {
    // Errors first: what is cut off must not decide whether the document is applied.
    drafts.sort_by_key(|draft| draft.code.severity());
    let more = drafts.len().saturating_sub(MAX_DIAGNOSTICS);
    drafts.truncate(MAX_DIAGNOSTICS);
    if let Some(last) = drafts.last_mut()
        && more > 0
    {
        last.help.push(format!(
            "and {more} more mistakes in this document, not shown"
        ));
    }
    drafts
        .into_iter()
        .map(|draft| draft.finish(text, veil))
        .collect()
}

/// What could be read of a document, whether it is right or not.
pub(super) struct Read {
    pub(super) name: Name,
    pub(super) named: bool,
    pub(super) name_span: Span,
    platform: Option<&'static Platform>,
    auto_bootstrap: Option<bool>,
    config: Object,
    options: Options,
    id_span: Option<Span>,
    attribute_spans: Vec<(&'static str, Span)>,
}

/// Walks a document. Its methods are spread over the files of this module.
pub(super) struct Checker<'c> {
    pub(super) context: Context<'c>,
    pub(super) text: &'c Text<'c>,
    pub(super) veil: &'c mut Veil,
    pub(super) drafts: Vec<Draft>,
    /// The value of `autoBootstrap`, if it is known.
    pub(super) auto: Option<bool>,
}

impl Checker<'_> {
    pub(super) fn report(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// Vouches for a scalar: it may be shown. Not for an alias, and not for a
    /// block or anything else of more than one line.
    pub(super) fn vouch(&mut self, span: Span) {
        let text = self.text.slice(span);
        if !text.contains(['\n', '\r']) && !text.starts_with(['*', '|', '>', '&', '!']) {
            self.veil.shown.push(span);
        }
    }

    fn document(&mut self, root: &Node, span: Span, several: bool) -> Read {
        let Yaml::Map(entries) = &root.value else {
            self.not_a_mapping(root);
            return self.salvage(None, span, several);
        };
        for entry in entries.iter().filter(|e| !KEYS.contains(&&*e.key)) {
            self.unknown_top_key(entry, root);
        }
        let platform = self.platform(root);
        let payload = platform.map(|platform| platform.payload);
        self.auto_bootstrap(root, payload);
        let config = self.config(root, platform);
        let sync = self.sync(root, platform);
        let (name, named, name_span) = self.name(sync.name, span, several);
        let attribute_spans =
            platform.map_or_else(Vec::new, |platform| attribute_spans(root, platform));
        Read {
            name,
            named,
            name_span,
            platform,
            auto_bootstrap: self.auto,
            config,
            options: sync.options,
            id_span: sync.id_span,
            attribute_spans,
        }
    }

    /// A document that could not be read to its end: its name and its type, for
    /// the integration that it freezes.
    fn salvage(&mut self, root: Option<&Node>, span: Span, several: bool) -> Read {
        let word = |entry: Option<&Entry>| Some(entry?.value.text()?.text.clone());
        let sync = root.and_then(|root| root.get("sync"));
        let text = self.text.slice(span);
        let written =
            word(sync.and_then(|sync| sync.value.get("name"))).or_else(|| salvage_name(text));
        let written = written.filter(|name| super::options::is_name(name));
        let wire = word(root.and_then(|root| root.get("type")));
        let platforms = self.context.platforms;
        let platform = wire.and_then(|wire| platforms.iter().copied().find(|p| p.wire == wire));
        let named = written.is_some() || (!several && !text.contains("sync"));
        Read {
            name: written.unwrap_or_else(|| self.text.stem().to_owned()),
            named,
            name_span: Span::new(span.start, span.start),
            platform,
            auto_bootstrap: None,
            config: Object::new(),
            options: Options::default(),
            id_span: None,
            attribute_spans: Vec::new(),
        }
    }

    fn not_a_mapping(&mut self, root: &Node) {
        if !matches!(root.value, Yaml::Faulty) {
            let message = format!("an integration is a mapping, found {}", root.value.kind());
            self.report(
                Draft::new(Code::NotAMapping, root.span, message)
                    .label("expected `type: …` and so on")
                    .help("one document is one integration; put several into a file with `---` between them"),
            );
        }
    }

    fn unknown_top_key(&mut self, entry: &Entry, root: &Node) {
        let key = &*entry.key;
        let platform = self.quiet_platform(root);
        let help = if platform.is_some_and(|platform| platform.attribute(key).is_some()) {
            format!("`{key}` is an attribute: move it below `config`")
        } else if REPORTED_KEYS.contains(&key) {
            format!("`{key}` is reported by the server: leave it out")
        } else if super::options::KEYS.contains(&key) {
            format!("`{key}` is an option of this tool: move it below `sync`")
        } else if let Some(near) = nearest(key, KEYS.iter().copied()) {
            format!("did you mean `{near}`?")
        } else {
            format!("the keys of a document are {}", enumerate(KEYS, "and"))
        };
        self.report(
            Draft::new(
                Code::UnknownKey,
                entry.key_span,
                format!("unknown key `{}`", shown_key(key)),
            )
            .label("no key of an integration")
            .help(help),
        );
    }

    /// The platform without a word about mistakes.
    fn quiet_platform(&self, root: &Node) -> Option<&'static Platform> {
        let wire = &root.get("type")?.value.text()?.text;
        self.context
            .platforms
            .iter()
            .copied()
            .find(|p| p.wire == *wire)
    }

    fn platform(&mut self, root: &Node) -> Option<&'static Platform> {
        let wires: Vec<&str> = self.context.platforms.iter().map(|p| p.wire).collect();
        let Some(entry) = root.get("type") else {
            let start = Span::new(root.span.start, root.span.start + 1);
            self.report(
                Draft::new(Code::MissingType, start, "this integration has no `type`")
                    .label("the document starts here")
                    .help(format!("add `type: …`, one of {}", enumerate(&wires, "or"))),
            );
            return None;
        };
        let (wire, node) = (self.option_text(entry, "type")?, &entry.value);
        let found = self
            .context
            .platforms
            .iter()
            .copied()
            .find(|p| p.wire == wire);
        if found.is_none() {
            let words = |p: &&Platform| {
                let aliases = p.aliases.iter().copied();
                let all = aliases.chain([p.wire, p.title]);
                all.map(|word| (word, p.wire)).collect::<Vec<_>>()
            };
            let words: Vec<_> = self.context.platforms.iter().flat_map(words).collect();
            let near = nearest(&wire, words.iter().map(|(word, _)| *word));
            let meant = near.and_then(|near| words.iter().find(|(word, _)| *word == near));
            let help = match meant {
                Some((_, wire)) => {
                    format!("did you mean `type: {wire}`? the name is exact in case and spaces")
                }
                None => format!("the types are {}", enumerate(&wires, "and")),
            };
            self.report(
                Draft::new(
                    Code::UnknownType,
                    node.span,
                    format!("unknown type `{wire}`"),
                )
                .label("no platform of this name")
                .help(help),
            );
        }
        found
    }

    fn auto_bootstrap(&mut self, root: &Node, payload: Option<Payload>) {
        let entry = root.get("autoBootstrap");
        if let (Some(entry), Some(Payload::TypeOnly)) = (entry, payload) {
            self.key_not_sent(entry);
            return;
        }
        let Some(entry) = entry else {
            if matches!(payload, Some(Payload::Full | Payload::ManualOnly)) {
                let start = root.get("type").map_or(root.span, |entry| entry.key_span);
                let help = if payload == Some(Payload::Full) {
                    "add `autoBootstrap: true` if Immuta sets the platform up, `autoBootstrap: false` if you do"
                } else {
                    "add `autoBootstrap: false`: this platform is always set up by hand"
                };
                self.report(
                    Draft::new(
                        Code::MissingAutoBootstrap,
                        start,
                        "this integration has no `autoBootstrap`",
                    )
                    .label("this type needs one")
                    .help(help),
                );
            }
            return;
        };
        self.auto = self.option_bool(entry, "autoBootstrap");
        if (self.auto, payload) == (Some(true), Some(Payload::ManualOnly)) {
            self.report(
                Draft::new(Code::AutoBootstrapRefused, entry.value.span, "this platform cannot be set up automatically")
                    .label("must be `false`")
                    .help("write `autoBootstrap: false`, and set the platform up with the script that Immuta offers"),
            );
        }
    }

    fn config(&mut self, root: &Node, platform: Option<&'static Platform>) -> Object {
        let Some(platform) = platform else {
            return Object::new();
        };
        match (root.get("config"), platform.payload) {
            (Some(entry), Payload::TypeOnly) => {
                self.key_not_sent(entry);
                Object::new()
            }
            (None, Payload::TypeOnly) => Object::new(),
            (Some(entry), Payload::Full | Payload::ManualOnly) => self.attributes(entry, platform),
            (None, Payload::Full | Payload::ManualOnly) => {
                let at = root.get("type").map_or(root.span, |entry| entry.key_span);
                self.report(
                    Draft::new(Code::MissingConfig, at, "this integration has no `config`")
                        .label("this type needs one")
                        .help(self.needed(platform)),
                );
                Object::new()
            }
        }
    }

    pub(super) fn key_not_sent(&mut self, entry: &Entry) {
        let key = &entry.key;
        self.report(
            Draft::new(
                Code::KeyNotSent,
                entry.key_span,
                format!("this platform has no `{key}`"),
            )
            .label("never sent")
            .help("its payload is `type` alone; remove this key"),
        );
    }

    /// A string at the top or below `sync`. Variables are replaced.
    pub(super) fn option_text(&mut self, entry: &Entry, what: &str) -> Option<String> {
        let node = &entry.value;
        let Some(scalar) = node.text() else {
            self.wrong_option(node, what, "a string");
            return None;
        };
        match self.string(node, scalar, false, what)? {
            Parsed::Plain(text) => {
                self.vouch(node.span);
                Some(text)
            }
            Parsed::Template(_) => None,
        }
    }

    pub(super) fn option_bool(&mut self, entry: &Entry, what: &str) -> Option<bool> {
        if let Yaml::Bool(value) = entry.value.value {
            self.vouch(entry.value.span);
            return Some(value);
        }
        self.wrong_option(&entry.value, what, "`true` or `false`");
        None
    }

    /// Complains about the kind of an option's value.
    pub(super) fn wrong_option(&mut self, node: &Node, what: &str, expected: &str) {
        if matches!(node.value, Yaml::Faulty) {
            return;
        }
        let kind = node.value.kind();
        self.report(
            Draft::new(
                Code::SyncOption,
                node.span,
                format!("`{what}` must be {expected}, found {kind}"),
            )
            .label(format!("expected {expected}"))
            .maybe_help(super::shape::bool_help(node, expected)),
        );
    }
}

fn attribute_spans(root: &Node, platform: &Platform) -> Vec<(&'static str, Span)> {
    let config = root.get("config").map(|entry| &entry.value);
    let of = |name: &'static str| {
        let entry = config.and_then(|config| config.get(name));
        (name, entry.map_or(root.span, |entry| entry.value.span))
    };
    super::cross::compared(platform).map(of).collect()
}

/// `name` below `sync` in text that is not YAML, if it stands there plainly.
fn salvage_name(text: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| line.trim_end() != "sync:");
    lines.next()?;
    let below = lines.take_while(|line| line.starts_with(' ') || line.trim().is_empty());
    let mut names = below.filter_map(|line| line.trim().strip_prefix("name: "));
    let name = names.next()?.split(" #").next()?.trim();
    Some(name.trim_matches(['"', '\'']).to_owned())
}
