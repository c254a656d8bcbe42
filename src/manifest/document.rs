//! The top of a document: its keys, its type and what hangs on that.

use super::SyncOptions;
use super::builder::DiagnosticBuilder;
use super::check::{Checker, Read};
use super::options::{self, SYNC};
use super::suggest::{enumerate, meant_platform, nearest};
use super::text::{Span, shown_key};
use super::tree::{Node, Yaml, YamlEntry};
use crate::diagnostic::Code;
use crate::platform::{AUTO_BOOTSTRAP, CONFIG, PayloadShape, Platform, TYPE};
use crate::value::{Object, Value};
use options::SyncName;

/// The keys at the top of a document.
const KEYS: &[&str] = &[TYPE, AUTO_BOOTSTRAP, CONFIG, SYNC];

/// Keys that the server reports and that a pasted answer brings along.
const REPORTED_KEYS: &[&str] = &["id", "status", "validationResults", "validationTests"];

impl Checker<'_> {
    pub(super) fn document(&mut self, root: &Node, span: Span, several: bool) -> Read {
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
        let says_name = matches!(sync.name, SyncName::Given(..));
        let (name, named, name_span) = self.name(sync.name, span, several);
        let attribute_spans =
            platform.map_or_else(Vec::new, |platform| attribute_spans(root, platform));
        Read {
            name,
            named,
            says_name,
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
    pub(super) fn salvage(&mut self, root: Option<&Node>, span: Span, several: bool) -> Read {
        let word = |entry: Option<&YamlEntry>| Some(entry?.value.text()?.text.clone());
        let sync = root.and_then(|root| root.get(SYNC));
        let text = self.text.slice(span);
        let written =
            word(sync.and_then(|sync| sync.value.get("name"))).or_else(|| salvage_name(text));
        let written = written.filter(|name| options::is_name(name));
        let wire = word(root.and_then(|root| root.get(TYPE)));
        let platforms = self.context.platforms;
        let platform = wire.and_then(|wire| platforms.iter().copied().find(|p| p.wire == wire));
        let says_name = written.is_some();
        let named = says_name || (!several && !text.contains(SYNC));
        Read {
            name: written.unwrap_or_else(|| self.text.stem().to_owned()),
            named,
            says_name,
            name_span: Span::new(span.start, span.start),
            platform,
            auto_bootstrap: None,
            config: root
                .zip(platform)
                .map(|(root, platform)| identity(root, platform))
                .unwrap_or_default(),
            options: SyncOptions::default(),
            id_span: None,
            attribute_spans: root
                .zip(platform)
                .map(|(root, platform)| attribute_spans(root, platform))
                .unwrap_or_default(),
        }
    }

    fn not_a_mapping(&mut self, root: &Node) {
        if !matches!(root.value, Yaml::Faulty) {
            let message = format!(
                "an integration must be a mapping, found {}",
                root.value.kind()
            );
            self.report(
                DiagnosticBuilder::new(Code::NotAMapping, root.span, message)
                    .label("expected a mapping such as `type: …`")
                    .help(
                        "write one document for each integration; separate several documents in \
                        a file with `---`",
                    ),
            );
        }
    }

    fn unknown_top_key(&mut self, entry: &YamlEntry, root: &Node) {
        let key = &*entry.key;
        let platform = self.quiet_platform(root);
        let help = if platform.is_some_and(|platform| platform.attribute(key).is_some()) {
            format!("`{key}` is an attribute: move it below `config`")
        } else if REPORTED_KEYS.contains(&key) {
            format!("remove `{key}`: the server reports it, and a file cannot set it")
        } else if options::KEYS.contains(&key) {
            format!("`{key}` is an option of integrationd: move it below `sync`")
        } else if let Some(near) = nearest(key, KEYS.iter().copied()) {
            self.suggested.push(near.to_owned());
            format!("did you mean `{near}`?")
        } else {
            format!(
                "a document can have only the keys {}",
                enumerate(KEYS, "and")
            )
        };
        self.report(
            DiagnosticBuilder::new(
                Code::UnknownKey,
                entry.key_span,
                format!("unknown key `{}`", shown_key(key)),
            )
            .label("not a key of an integration")
            .help(help),
        );
    }

    /// The platform without a word about mistakes.
    fn quiet_platform(&self, root: &Node) -> Option<&'static Platform> {
        let wire = &root.get(TYPE)?.value.text()?.text;
        self.context
            .platforms
            .iter()
            .copied()
            .find(|p| p.wire == *wire)
    }

    fn platform(&mut self, root: &Node) -> Option<&'static Platform> {
        let wires: Vec<&str> = self.context.platforms.iter().map(|p| p.wire).collect();
        let Some(entry) = root.get(TYPE) else {
            if self.is_misspelt("type") {
                return None;
            }
            let start = self.text.word(root.span.start);
            self.report(
                DiagnosticBuilder::new(Code::MissingType, start, "this integration has no `type`")
                    .label("the document starts here")
                    .help(format!(
                        "add `type: …` with one of {}",
                        enumerate(&wires, "or")
                    )),
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
            let meant = meant_platform(self.context.platforms, &wire);
            let help = match meant {
                Some(platform) => {
                    let wire = platform.wire;
                    format!("did you mean `type: {wire}`? Case and spaces matter")
                }
                None => format!("the types are {}", enumerate(&wires, "and")),
            };
            self.report(
                DiagnosticBuilder::new(
                    Code::UnknownType,
                    node.span,
                    format!("unknown type `{}`", self.shown(node.span, &wire)),
                )
                .label("no platform has this name")
                .help(help),
            );
        }
        found
    }

    fn auto_bootstrap(&mut self, root: &Node, payload: Option<PayloadShape>) {
        let entry = root.get(AUTO_BOOTSTRAP);
        if let (Some(entry), Some(PayloadShape::TypeOnly)) = (entry, payload) {
            self.key_not_sent(entry);
            return;
        }
        let Some(entry) = entry else {
            let misspelt = self.is_misspelt(AUTO_BOOTSTRAP);
            if matches!(payload, Some(PayloadShape::Full | PayloadShape::ManualOnly)) && !misspelt {
                let start = root.get(TYPE).map_or(root.span, |entry| entry.key_span);
                let help = if payload == Some(PayloadShape::Full) {
                    "add `autoBootstrap: true` if Immuta sets up the platform, or `autoBootstrap: \
                    false` if you do"
                } else {
                    "add `autoBootstrap: false`: this platform is always set up manually"
                };
                self.report(
                    DiagnosticBuilder::new(
                        Code::MissingAutoBootstrap,
                        start,
                        "this integration has no `autoBootstrap`",
                    )
                    .label("required for this type")
                    .help(help),
                );
            }
            return;
        };
        self.auto = self.option_bool(entry, AUTO_BOOTSTRAP);
        if (self.auto, payload) == (Some(true), Some(PayloadShape::ManualOnly)) {
            self.report(
                DiagnosticBuilder::new(
                    Code::AutoBootstrapRefused,
                    entry.value.span,
                    "this platform cannot be set up automatically",
                )
                .label("must be `false`")
                .help(
                    "write `autoBootstrap: false`, and set up the platform with the script \
                        that Immuta provides",
                ),
            );
        }
    }

    fn config(&mut self, root: &Node, platform: Option<&'static Platform>) -> Object {
        let Some(platform) = platform else {
            return Object::new();
        };
        match (root.get(CONFIG), platform.payload) {
            (Some(entry), PayloadShape::TypeOnly) => {
                self.key_not_sent(entry);
                Object::new()
            }
            (None, PayloadShape::TypeOnly) => Object::new(),
            (None, _) if self.is_misspelt("config") => Object::new(),
            (Some(entry), PayloadShape::Full | PayloadShape::ManualOnly) => {
                self.attributes(entry, platform)
            }
            (None, PayloadShape::Full | PayloadShape::ManualOnly) => {
                let at = root.get(TYPE).map_or(root.span, |entry| entry.key_span);
                self.report(
                    DiagnosticBuilder::new(
                        Code::MissingConfig,
                        at,
                        "this integration has no `config`",
                    )
                    .label("required for this type")
                    .help(self.needed(platform)),
                );
                Object::new()
            }
        }
    }

    pub(super) fn key_not_sent(&mut self, entry: &YamlEntry) {
        let key = &entry.key;
        self.report(
            DiagnosticBuilder::new(
                Code::KeyNotSent,
                entry.key_span,
                format!("this platform has no `{key}`"),
            )
            .label("never sent")
            .help("remove this key: the payload of this platform contains only `type`"),
        );
    }
}

fn attribute_spans(root: &Node, platform: &Platform) -> Vec<(&'static str, Span)> {
    let config = root.get(CONFIG).map(|entry| &entry.value);
    let of = |name: &'static str| {
        let entry = config.and_then(|config| config.get(name));
        (name, entry.map_or(root.span, |entry| entry.value.span))
    };
    super::cross::compared(platform).map(of).collect()
}

/// Readable attributes of a `config` that identify the integration.
fn identity(root: &Node, platform: &Platform) -> Object {
    let read = || {
        let name = platform.pairing_attribute()?;
        let scalar = root.get(CONFIG)?.value.get(name)?.value.text()?;
        Some((name.to_owned(), Value::Text(scalar.text.clone())))
    };
    read().into_iter().collect()
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
