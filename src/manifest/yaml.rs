//! Text to spanned trees. The only file that names the YAML crate.
//!
//! It reads the crate's events instead of deserialising: only events show the notation of a
//! scalar, the positions of two equal keys, and the next document after a broken one. JSON is
//! read in the same way, as a subset of YAML.
//!
//! Anchors, aliases and merge keys are supported, since they keep long files short. An alias
//! shares its target, so nothing is copied; the expanded size of the tree is counted and
//! limited.

use std::collections::HashMap;
use std::rc::Rc;

pub(super) use serde_yaml::granit_parser::ErrorKind;
use serde_yaml::granit_parser::{self as granit, Event, Parser, ScalarStyle, StrInput, Tag};

use super::builder::DiagnosticBuilder;
use super::characters;
use super::mapping::{YamlKey, finish_map, read_key};
use super::scalar::{Plain, resolve};
use super::syntax;
use super::tag::{bad_tag, is_string_tag, tag_fits};
use super::text::{Redactions, Span, is_identifier};
use super::tree::{Node, Stream, Yaml, YamlDocument, YamlEntry, YamlString};
use crate::diagnostic::Code;

/// Nested collections, aliases followed. Payloads nest four deep; recursion over
/// the tree must not exhaust a thread's stack.
const MAX_DEPTH: usize = 32;

/// Nodes of one file: a thousand times what an integration takes.
const MAX_NODES: usize = 50_000;

/// Maximum expansion of the aliases of one file, in nodes; a long string counts for several. It
/// bounds the memory of every walk over the tree.
const MAX_EXPANSION: usize = 50_000;

/// Documents of one file. Each costs a walk over what is known of the file.
const MAX_DOCUMENTS: usize = 1_000;

/// Reads a file.
pub(super) fn parse(source: &str) -> Stream {
    let options = granit::options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
    };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(source, options),
        source,
        composer: Composer::default(),
        start: 0,
        end: 0,
        documents: Vec::new(),
    };
    reader.read();
    let mut redactions = reader.composer.redactions;
    redactions.settle();
    Stream {
        documents: reader.documents,
        redactions,
    }
}

/// Drives the parser from document to document.
struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    source: &'a str,
    composer: Composer,
    /// Start of the current document.
    start: usize,
    /// End of the last event.
    end: usize,
    documents: Vec<YamlDocument>,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(event) = self.parser.next_event() {
            let fault = match event {
                Ok((event, span)) => {
                    let span = bytes(&span, self.source);
                    self.step(event, span)
                }
                Err(error) => {
                    let at = error.marker().byte_offset().unwrap_or(self.end);
                    Err(Fatal::Document(syntax::fault(
                        error.kind(),
                        at,
                        self.source,
                    )))
                }
            };
            let Err(fatal) = fault else { continue };
            let (fault, go_on) = match fatal {
                Fatal::Document(fault) => (fault, true),
                Fatal::File(fault) => (fault, false),
            };
            self.composer.faults.push(fault);
            let more = go_on && matches!(self.parser.proceed_next_document(), Ok(true));
            self.abandon(more);
            if !more {
                break;
            }
        }
    }

    fn step(&mut self, event: Event<'_>, span: (Span, Option<Span>)) -> Result<(), Fatal> {
        let (span, tag_span) = span;
        if let Event::Scalar(text, ..) = &event {
            let fault = characters::escaped(text, self.source, span);
            self.composer.faults.extend(fault);
        }
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the composer handles all other events"
        )]
        match event {
            Event::DocumentStart(..) => {
                self.start = span.start;
                self.limit_documents(span)?;
            }
            Event::DocumentEnd => self.close(span.start.max(self.end)),
            Event::StreamStart | Event::StreamEnd => {}
            event => self.composer.event(event, span, tag_span)?,
        }
        self.end = self.end.max(span.end);
        Ok(())
    }

    fn limit_documents(&self, span: Span) -> Result<(), Fatal> {
        if self.documents.len() < MAX_DOCUMENTS {
            return Ok(());
        }
        let message = format!("this file contains more than {MAX_DOCUMENTS} documents");
        Err(Fatal::File(
            DiagnosticBuilder::new(Code::TooComplex, span, message)
                .label("the limit is reached here")
                .help("split the file: files with one integration are easiest to review"),
        ))
    }

    /// A document that was read to its end.
    fn close(&mut self, end: usize) {
        let (root, faults) = self.composer.take();
        let empty = root.as_ref().is_none_or(|node| {
            matches!(node.value, Yaml::Null) && node.span.start == node.span.end
        });
        if !empty || !faults.is_empty() {
            let start = root.as_ref().map_or(self.start, |node| node.span.start);
            self.documents.push(YamlDocument {
                root,
                span: Span::new(start, end),
                whole: true,
                faults,
            });
        }
    }

    /// A document that was not. Whatever follows its last event is unknown text.
    fn abandon(&mut self, more: bool) {
        let next = if more { self.next_start() } else { None };
        let end = next.unwrap_or(self.source.len());
        let unparsed = Span::new(self.end.min(end), end);
        let (root, faults) = self.composer.give_up();
        let start = root.as_ref().map_or(self.start, |node| node.span.start);
        self.composer.redactions.unparsed.push(unparsed);
        self.documents.push(YamlDocument {
            root,
            span: Span::new(start, end),
            whole: false,
            faults,
        });
    }

    fn next_start(&mut self) -> Option<usize> {
        let (event, span) = self.parser.peek()?.ok()?;
        matches!(event, Event::DocumentStart(..)).then_some(())?;
        span.start.byte_offset()
    }
}

/// The bytes of an event, and of its tag.
fn bytes(span: &granit::Span, source: &str) -> (Span, Option<Span>) {
    let convert = |span: &granit::Span| {
        let range = span.byte_range().unwrap_or(0..0);
        Span::new(range.start.min(source.len()), range.end.min(source.len()))
    };
    (convert(span), span.tag_span().as_ref().map(convert))
}

/// A mistake after which a document, or the file, cannot be read on.
enum Fatal {
    Document(DiagnosticBuilder),
    File(DiagnosticBuilder),
}

/// A collection that is not closed yet.
struct Frame {
    start: Span,
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Map {
        entries: Vec<YamlEntry>,
        merges: Vec<Node>,
        key: Option<YamlKey>,
    },
}

/// Builds the tree of a document from events.
#[derive(Default)]
struct Composer {
    stack: Vec<Frame>,
    root: Option<Node>,
    /// Finished anchors; `None` while the anchored collection is open.
    anchors: HashMap<usize, Option<Node>>,
    faults: Vec<DiagnosticBuilder>,
    redactions: Redactions,
    nodes: usize,
    expansion: usize,
}

impl Composer {
    fn take(&mut self) -> (Option<Node>, Vec<DiagnosticBuilder>) {
        self.stack.clear();
        self.anchors.clear();
        (self.root.take(), std::mem::take(&mut self.faults))
    }

    /// Closes what is open, so that the name in a broken document can be found.
    fn give_up(&mut self) -> (Option<Node>, Vec<DiagnosticBuilder>) {
        let reported = self.faults.len();
        while let Some(frame) = self.stack.pop() {
            let end = frame.start;
            self.close(frame, end);
        }
        self.faults.truncate(reported);
        self.take()
    }

    fn event(&mut self, event: Event<'_>, span: Span, tag_span: Option<Span>) -> Result<(), Fatal> {
        self.redactions.hidden.extend(tag_span);
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the parser may add events that are not nodes"
        )]
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(span)?;
                let node = self.scalar(&text, style, tag.as_deref(), span, tag_span);
                if anchor != 0 {
                    self.anchors.insert(anchor, Some(node.clone()));
                }
                self.place(node);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", span, tag_span);
                self.open(span, anchor, Kind::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", span, tag_span);
                let (entries, merges) = (Vec::new(), Vec::new());
                self.open(
                    span,
                    anchor,
                    Kind::Map {
                        entries,
                        merges,
                        key: None,
                    },
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(frame) = self.stack.pop() {
                    self.close(frame, span);
                }
            }
            Event::Alias(anchor) => {
                self.redactions.hidden.push(span);
                self.alias(anchor, span)?;
            }
            Event::UnresolvedAlias(_) => {
                self.redactions.hidden.push(span);
                self.faults.push(
                    DiagnosticBuilder::new(Code::Alias, span, "this alias has no anchor")
                        .label("no anchor with this name precedes the alias")
                        .help("define the anchor with `&name` earlier in the same document"),
                );
                self.place(Node::leaf(span, Yaml::Faulty));
            }
            Event::Anchor(..) => self.redactions.hidden.push(span),
            _ => {}
        }
        Ok(())
    }

    fn count(&mut self, span: Span) -> Result<(), Fatal> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Fatal::File(
                DiagnosticBuilder::new(
                    Code::TooComplex,
                    span,
                    format!("this file contains more than {MAX_NODES} values"),
                )
                .label("the limit is reached here")
                .help("split the file: files with one integration are easiest to review"),
            ));
        }
        Ok(())
    }

    fn open(&mut self, start: Span, anchor: usize, kind: Kind) -> Result<(), Fatal> {
        self.count(start)?;
        self.limit_depth(start, 1)?;
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        self.stack.push(Frame {
            start,
            anchor,
            kind,
        });
        Ok(())
    }

    fn limit_depth(&self, span: Span, more: usize) -> Result<(), Fatal> {
        if self.stack.len() + more <= MAX_DEPTH {
            return Ok(());
        }
        Err(Fatal::Document(
            DiagnosticBuilder::new(
                Code::TooComplex,
                span,
                format!("this document is nested deeper than {MAX_DEPTH} levels"),
            )
            .label("one level too many")
            .help("reduce the nesting: a payload has at most four levels"),
        ))
    }

    fn close(&mut self, frame: Frame, end: Span) {
        let span = Span::new(frame.start.start, end.end.max(frame.start.end));
        let value = match frame.kind {
            Kind::List(items) => Yaml::List(items.into()),
            Kind::Map {
                entries,
                merges,
                key: _,
            } => Yaml::Map(finish_map(&mut self.faults, entries, &merges)),
        };
        let node = Node::new(span, value);
        if frame.anchor != 0 {
            self.anchors.insert(frame.anchor, Some(node.clone()));
        }
        self.place(node);
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node) {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut frame.kind {
            Kind::List(items) => items.push(node),
            Kind::Map {
                entries,
                merges,
                key,
            } => match key.take() {
                None => *key = Some(read_key(&node, &mut self.faults)),
                Some(YamlKey::Text(key, key_span)) => entries.push(YamlEntry {
                    key,
                    key_span,
                    value: node,
                }),
                Some(YamlKey::Merge) => merges.push(node),
                Some(YamlKey::Faulty) => {}
            },
        }
    }

    fn in_key_position(&self) -> bool {
        self.stack.last().is_some_and(|frame| match &frame.kind {
            Kind::Map { key, .. } => key.is_none(),
            Kind::List(_) => false,
        })
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
        tag_span: Option<Span>,
    ) -> Node {
        if self.in_key_position() && (is_identifier(text) || text == "<<") {
            self.redactions.shown.push(span);
        } else {
            self.redactions.hidden.push(span);
        }
        let plain = style == ScalarStyle::Plain && tag.is_none_or(|tag| !is_string_tag(tag));
        let meaning = if plain {
            resolve(text)
        } else {
            Plain::Text { numeric: false }
        };
        if let Some(tag) = tag
            && !tag_fits(tag, &meaning)
        {
            self.faults.push(bad_tag(tag_span.unwrap_or(span)));
            return Node::leaf(span, Yaml::Faulty);
        }
        let value = match meaning {
            Plain::Null => Yaml::Null,
            Plain::Bool(value) => Yaml::Bool(value),
            Plain::Number(number) => Yaml::Number(number),
            Plain::Text { numeric } => Yaml::Text(Rc::new(YamlString {
                text: text.to_owned(),
                plain,
                numeric,
            })),
            Plain::Unrepresentable => {
                self.faults.push(
                    DiagnosticBuilder::new(
                        Code::NumberRange,
                        span,
                        "this number cannot be represented exactly",
                    )
                    .label("more than 64 bits, or not finite")
                    .help("if the number is an identifier, put it in quotes"),
                );
                Yaml::Faulty
            }
        };
        Node::leaf(span, value)
    }

    fn check_tag(&mut self, tag: Option<&Tag>, own: &str, span: Span, tag_span: Option<Span>) {
        if tag.is_some_and(|tag| tag.core_suffix() != Some(own)) {
            self.faults.push(bad_tag(tag_span.unwrap_or(span)));
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Fatal> {
        let target = self.anchors.get(&anchor).cloned().flatten();
        let Some(target) = target else {
            self.faults.push(
                DiagnosticBuilder::new(Code::Alias, span, "this alias is inside its own anchor")
                    .label("the value would contain itself")
                    .help("replace the alias with the value"),
            );
            self.place(Node::leaf(span, Yaml::Faulty));
            return Ok(());
        };
        self.limit_depth(span, target.depth)?;
        self.expansion = self.expansion.saturating_add(target.cost);
        if self.expansion > MAX_EXPANSION {
            return Err(Fatal::File(
                DiagnosticBuilder::new(
                    Code::TooComplex,
                    span,
                    format!("the aliases of this file expand to more than {MAX_EXPANSION} values"),
                )
                .label("the limit is reached here")
                .help("replace aliases with their values, or split the file"),
            ));
        }
        self.place(Node { span, ..target });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::Text;
    use super::*;
    use crate::diagnostic::{Severity, render};

    /// The tree in one line, with tags for strings that look like other scalars.
    fn show(node: &Node) -> String {
        match &node.value {
            Yaml::Null => "null".into(),
            Yaml::Bool(value) => value.to_string(),
            Yaml::Number(number) => number.to_string(),
            Yaml::Text(scalar) => format!("{:?}", scalar.text),
            Yaml::List(items) => {
                let items: Vec<_> = items.iter().map(show).collect();
                format!("[{}]", items.join(", "))
            }
            Yaml::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|e| format!("{}: {}", e.key, show(&e.value)))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
            Yaml::Faulty => "?".into(),
        }
    }

    fn trees(source: &str) -> String {
        let stream = parse(source);
        let show = |document: &YamlDocument| document.root.as_ref().map_or("-".into(), show);
        stream
            .documents
            .iter()
            .map(show)
            .collect::<Vec<_>>()
            .join(" | ")
    }

    /// The rendered faults of a text.
    fn faults(source: &str) -> String {
        let text = Text::new("f.yaml", source);
        let stream = parse(source);
        let faults = stream.documents.into_iter().flat_map(|d| d.faults);
        let diagnostics: Vec<_> = faults
            .map(|f| f.finish(&text, &stream.redactions))
            .collect();
        assert!(diagnostics.iter().all(|d| d.severity == Severity::Error));
        render(&diagnostics, false)
    }

    fn headlines(source: &str) -> Vec<String> {
        let rendered = faults(source);
        rendered
            .lines()
            .filter(|l| l.starts_with("f.yaml"))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn scalars_keep_their_kind() {
        assert_eq!(
            trees("a: no\nb: true\nc: 12\nd: 012\ne: '12'\nf:\ng: [x, {y: ~}]\nh: |\n  k\n"),
            r#"{a: "no", b: true, c: 12, d: "012", e: "12", f: null, g: ["x", {y: null}], h: "k\n"}"#
        );
    }

    #[test]
    fn json_with_tabs_is_read() {
        assert_eq!(
            trees("{\n\t\"a\":\"\\ud83d\\ude00\\/\",\n\t\"b\":\t[\n\t\t1,\n\t\ttrue\n\t]\n}\n"),
            "{a: \"😀/\", b: [1, true]}"
        );
    }

    #[test]
    fn crlf_and_several_documents_are_read_and_empty_ones_skipped() {
        assert_eq!(
            trees("---\r\n# x\r\n---\r\na: 1\r\n---\r\n---\r\nb: 2\r\n...\r\n"),
            "{a: 1} | {b: 2}"
        );
        assert_eq!(trees(""), "");
        assert_eq!(trees("# only a comment\n"), "");
        assert_eq!(trees("null\n"), "null");
    }

    #[test]
    fn aliases_and_merge_keys_are_followed() {
        assert_eq!(
            trees("base: &b {x: 1, y: 2}\nown:\n  <<: *b\n  y: 3\nsame: *b\n"),
            "{base: {x: 1, y: 2}, own: {y: 3, x: 1}, same: {x: 1, y: 2}}"
        );
        assert_eq!(
            trees("a: {<<: [{x: 1}, {x: 2, y: 2}]}\n\"<<\": 5"),
            "{a: {x: 1, y: 2}, <<: 5}"
        );
    }

    #[test]
    fn a_broken_document_does_not_stop_the_next() {
        assert_eq!(trees("a: 'x\n---\nb: 1\n"), "{} | {b: 1}");
        assert_eq!(trees("a: 1\nb: [1\n---\nc: 1\n"), "{a: 1, b: []} | {c: 1}");
    }

    #[test]
    fn billion_laughs_are_cut_short() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..10 {
            let previous = format!("*a{}, ", n - 1).repeat(10);
            text.push_str(&format!("a{n}: &a{n} [{previous}]\n"));
        }
        assert_eq!(
            headlines(&text),
            [
                "f.yaml:5:25: error[E0115]: the aliases of this file expand to more than 50000 values"
            ]
        );
    }

    #[test]
    fn a_quadratic_blow_up_is_cut_short() {
        let text = format!(
            "a: &a {}\nb: [{}]\n",
            "x".repeat(100_000),
            "*a, ".repeat(100_000)
        );
        let headlines = headlines(&text);
        assert!(
            headlines.len() == 1 && headlines[0].contains("E0115"),
            "{headlines:?}"
        );
    }

    #[test]
    fn a_chain_of_aliases_counts_as_depth() {
        let mut text = String::from("a0: &a0 [x]\n");
        for n in 1..40 {
            text.push_str(&format!("a{n}: &a{n} [*a{}]\n", n - 1));
        }
        let headlines = headlines(&text);
        assert!(
            headlines[0].contains("nested deeper than 32"),
            "{headlines:?}"
        );
    }

    #[test]
    fn deep_nesting_is_refused_in_every_style() {
        for open in ["[", "- ", "{a: ", "? "] {
            let headlines = headlines(&open.repeat(10_000));
            assert!(
                headlines.len() == 1 && headlines[0].contains("E0115"),
                "{open}: {headlines:?}"
            );
        }
    }

    #[test]
    fn many_values_are_refused() {
        let headlines = headlines(&"- x\n".repeat(MAX_NODES + 10));
        assert!(
            headlines.len() == 1 && headlines[0].contains("E0115"),
            "{headlines:?}"
        );
    }

    #[test]
    fn all_equal_keys_are_found_with_both_places() {
        insta::assert_snapshot!(faults(
            "a: 1\nb:\n  c: hunter2\n  d: 2\n  c: swordfish\na: 3\n"
        ));
    }

    #[test]
    fn mistakes_in_the_structure_are_located() {
        insta::assert_snapshot!(faults(
            "1: x\n? [a]\n: y\nc: !secret hunter2\nd: *nowhere\ne: &e [*e]\nf: {<<: 5}\ng: 99999999999999999999\nh: !!int x\ni: .inf\n"
        ));
    }

    #[test]
    fn syntax_errors_are_reworded_and_masked() {
        let broken = [
            "a: 1\npassword: \"hunter2\nrole: swordfish\n",
            "a: [hunter2, swordfish\nb: 1\n",
            "a: {b: 1, c: [1, 2}\n",
            "host: a: hunter2\n",
            "a:\n  b: 1\n c: hunter2\n",
            "a:\n\tb: hunter2\n",
            "a: 1\n\thunter2: 1\n",
            "a: \"\\hunter2\"\n",
            "a: \"x\" hunter2\n",
            "a: 1\nhunter two\n",
            "a: 1\n- hunter2\n",
            "]\n",
            "a: @hunter2\n",
            "%FOO\na: hunter2\n",
        ];
        let rendered: Vec<_> = broken.iter().map(|text| faults(text)).collect();
        let rendered = rendered.join("\n");
        for secret in ["hunter2", "swordfish", "hunter two"] {
            let shown = rendered.replace("hunter2: 1", "").contains(secret);
            assert!(!shown, "{rendered}");
        }
        insta::assert_snapshot!(rendered);
    }
}
