//! One document's tree to an [`Integration`], gathering every mistake.
//!
//! Nothing stops at the first mistake: a part that is wrong is left out, and
//! what depends on it is not complained about again. The result is only used
//! if no mistake was an error.

use std::collections::BTreeSet;

use super::builder::DiagnosticBuilder;
use super::text::{Redactions, Span, Text, shown_word};
use super::tree::{Node, Yaml, YamlDocument, YamlEntry};
use super::variables::{FillBudget, MOST_FILLED_IN, Variables};
use super::{
    Bindings, DeniedWarnings, Integration, Invalid, Name, Origin, SyncOptions, pairing_key,
};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::live::RemoteId;
use crate::platform::{AttributePath, Platform};
use crate::secret::{Parsed, Reference};
use crate::value::Object;

/// A document with more mistakes is of another kind altogether; it also bounds
/// the work for a file that was made to be slow.
const MAX_DIAGNOSTICS: usize = 100;

/// Context of the check of a document.
#[derive(Clone, Copy)]
pub(super) struct CheckContext<'c> {
    pub(super) variables: &'c Variables,
    pub(super) platforms: &'c [&'static Platform],
    pub(super) bindings: &'c Bindings,
    pub(super) denied: &'c DeniedWarnings,
    /// The directory, as the paths of files begin with it.
    pub(super) root: &'c str,
}

impl CheckContext<'_> {
    /// The path of a file below the directory.
    pub(super) fn within(&self, path: &str) -> String {
        let inside = path.strip_prefix(self.root).unwrap_or(path);
        match inside.trim_start_matches('/') {
            // The directory is the file itself.
            "" => path.rsplit('/').next().unwrap_or(path).to_owned(),
            inside => inside.to_owned(),
        }
    }
}

/// Result of the check of a document.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) outcome: Result<Integration, Invalid>,
    /// True if its name is certain; a broken document may have had another.
    pub(super) named: bool,
    /// True if the document has `sync.name`.
    pub(super) says_name: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) places: DocumentLocations,
    pub(super) claim: Option<Claim>,
}

/// Live integration that a document means, as far as it can be read: even a document with a
/// mistake claims one, and no other may touch it.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) platform: &'static Platform,
    pub(super) key: Option<String>,
    pub(super) id: Option<RemoteId>,
}

impl Checked {
    pub(super) fn name(&self) -> &str {
        match &self.outcome {
            Ok(integration) => &integration.name,
            Err(invalid) => &invalid.name,
        }
    }

    /// Its mistakes, with the line at which the document begins.
    pub(super) fn take_diagnostics(&mut self) -> Vec<Diagnostic> {
        let origin = match &self.outcome {
            Ok(integration) => &integration.origin,
            Err(invalid) => &invalid.origin,
        };
        let mut diagnostics = std::mem::take(&mut self.diagnostics);
        for diagnostic in &mut diagnostics {
            diagnostic.document = Some(origin.line);
        }
        diagnostics
    }
}

/// Places that mistakes across files refer to.
#[derive(Debug)]
pub(super) struct DocumentLocations {
    pub(super) name: Location,
    pub(super) id: Option<Location>,
    /// Attributes at the top of `config`.
    pub(super) attributes: Vec<(&'static str, Location)>,
}

/// Checks one document. `several` is true if its file contains more.
pub(super) fn check(
    context: CheckContext<'_>,
    text: &Text<'_>,
    redactions: &mut Redactions,
    document: YamlDocument,
    several: bool,
) -> Checked {
    let YamlDocument {
        root,
        span,
        whole,
        faults,
    } = document;
    let mut checker = Checker {
        context,
        text,
        redactions,
        drafts: faults,
        auto: None,
        suggested: Vec::new(),
        suggested_attributes: Vec::new(),
        references: Vec::new(),
        without: BTreeSet::new(),
    };
    let root = root.map(|root| checker.filled(root, span));
    let read = match &root {
        Some(root) if whole => checker.document(root, span, several),
        Some(_) | None => checker.salvage(root.as_ref(), span, several),
    };
    checker.bindings(&read);
    let Checker {
        drafts,
        redactions,
        without,
        ..
    } = checker;
    redactions.settle();
    let diagnostics = finish(drafts, text, redactions, context.denied);
    let places = places(&read, text, redactions);
    let origin = Origin {
        file: text.file.clone(),
        line: text.line(span.start),
        within: context.within(&text.file),
    };
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    Checked {
        named: read.named,
        says_name: read.says_name,
        claim: read.claim(),
        outcome: read.outcome(origin, failed, without),
        diagnostics,
        places,
    }
}

fn places(read: &Read, text: &Text<'_>, redactions: &Redactions) -> DocumentLocations {
    let place = |span| text.place(span, "", redactions);
    let attributes = read.attribute_spans.iter();
    DocumentLocations {
        name: place(read.name_span),
        id: read.id_span.map(place),
        attributes: attributes
            .map(|(name, span)| (*name, place(*span)))
            .collect(),
    }
}

fn finish(
    mut drafts: Vec<DiagnosticBuilder>,
    text: &Text<'_>,
    redactions: &Redactions,
    denied: &DeniedWarnings,
) -> Vec<Diagnostic> {
    // Errors first: what is cut off must not decide whether the document is applied.
    drafts.sort_by_key(|draft| denied.severity(draft.code));
    let more = drafts.len().saturating_sub(MAX_DIAGNOSTICS);
    drafts.truncate(MAX_DIAGNOSTICS);
    if let Some(last) = drafts.last_mut()
        && more > 0
    {
        last.help.push(format!(
            "errors and warnings not shown for this document: {more}"
        ));
    }
    let finished = drafts.into_iter().map(|draft| {
        let mut diagnostic = draft.finish(text, redactions);
        denied.raise(&mut diagnostic);
        diagnostic
    });
    finished.collect()
}

/// Readable parts of a document, valid or not.
pub(super) struct Read {
    pub(super) name: Name,
    pub(super) named: bool,
    pub(super) says_name: bool,
    pub(super) name_span: Span,
    pub(super) platform: Option<&'static Platform>,
    pub(super) auto_bootstrap: Option<bool>,
    pub(super) config: Object,
    pub(super) options: SyncOptions,
    pub(super) id_span: Option<Span>,
    pub(super) attribute_spans: Vec<(&'static str, Span)>,
}

impl Read {
    fn claim(&self) -> Option<Claim> {
        let platform = self.platform?;
        Some(Claim {
            platform,
            key: pairing_key(platform, &self.config),
            id: self.options.id.clone(),
        })
    }

    fn outcome(
        self,
        origin: Origin,
        failed: bool,
        without: BTreeSet<AttributePath>,
    ) -> Result<Integration, Invalid> {
        let Self {
            name,
            platform,
            auto_bootstrap,
            config,
            options,
            ..
        } = self;
        match platform {
            Some(platform) if !failed => Ok(Integration {
                name,
                platform,
                auto_bootstrap,
                config,
                without,
                options,
                origin,
            }),
            platform => Err(Invalid {
                name,
                platform,
                origin,
            }),
        }
    }
}

/// Walks a document. Its methods are spread over the files of this module.
pub(super) struct Checker<'c> {
    pub(super) context: CheckContext<'c>,
    pub(super) text: &'c Text<'c>,
    pub(super) redactions: &'c mut Redactions,
    pub(super) drafts: Vec<DiagnosticBuilder>,
    /// The value of `autoBootstrap`, if it is known.
    pub(super) auto: Option<bool>,
    /// Keys that are probably meant by an unknown one, and so are not missing.
    pub(super) suggested: Vec<String>,
    /// Attributes that are probably meant by an unknown one, and so are not missing.
    pub(super) suggested_attributes: Vec<AttributePath>,
    /// References of the document, if there are bindings.
    pub(super) references: Vec<(Span, Reference)>,
    /// Stored secrets that are null in the document.
    pub(super) without: BTreeSet<AttributePath>,
}

impl Checker<'_> {
    /// The document with its variables filled in, as far as they are a whole value and no
    /// text.
    fn filled(&mut self, root: Node, document: Span) -> Node {
        let variables = self.context.variables;
        if variables.is_empty() {
            return root;
        }
        let mut budget = FillBudget::new();
        let filled = variables.filled(&root, &mut budget);
        if budget.is_exceeded {
            let message =
                format!("variables add more than {MOST_FILLED_IN} values to this document");
            let draft =
                DiagnosticBuilder::new(Code::TooComplex, self.text.word(document.start), message);
            self.report(
                draft
                    .label("the document starts here")
                    .help("use fewer references to variables that contain long lists"),
            );
        }
        filled
    }

    pub(super) fn report(&mut self, draft: DiagnosticBuilder) {
        self.drafts.push(draft);
    }

    /// True if an unknown key was probably meant to be this one.
    pub(super) fn is_misspelt(&self, key: &str) -> bool {
        self.suggested.iter().any(|suggested| suggested == key)
    }

    /// Vouches for a scalar: it may be shown. Not for an alias, and not for a
    /// block or anything else of more than one line.
    pub(super) fn mark_public(&mut self, span: Span) {
        if self.is_plain_to_see(span) {
            self.redactions.shown.push(span);
        }
    }

    /// True if a scalar follows its key, or its dash, in one line. A value in a line of its own may
    /// be a key and a value without the space between them.
    fn is_plain_to_see(&self, span: Span) -> bool {
        let text = self.text.slice(span);
        if !self.text.follows_on_its_line(span.start) {
            return false;
        }
        !text.contains(['\n', '\r']) && !text.starts_with(['*', '|', '>', '&', '!'])
    }

    /// A harmless value as a message may repeat it: not if it runs over several
    /// lines, since it may have swallowed what was meant for another key.
    pub(super) fn shown<'v>(&self, span: Span, value: &'v str) -> &'v str {
        if self.is_plain_to_see(span) {
            shown_word(value)
        } else {
            "…"
        }
    }

    /// A string at the top or below `sync`. Variables are replaced.
    pub(super) fn option_text(&mut self, entry: &YamlEntry, what: &str) -> Option<String> {
        let node = &entry.value;
        let Some(scalar) = node.text() else {
            self.mark_scalar_public(node);
            self.wrong_option(node, what, "a string");
            return None;
        };
        match self.string(node, scalar, false, &what)? {
            Parsed::Plain(text) => {
                self.mark_public(node.span);
                Some(text)
            }
            Parsed::Template(_) => None,
        }
    }

    pub(super) fn option_bool(&mut self, entry: &YamlEntry, what: &str) -> Option<bool> {
        if let Yaml::Bool(value) = entry.value.value {
            self.mark_public(entry.value.span);
            return Some(value);
        }
        self.mark_scalar_public(&entry.value);
        self.wrong_option(&entry.value, what, "`true` or `false`");
        None
    }

    /// Vouches for a scalar of the wrong kind in a harmless place. A reference in
    /// it was not read, so it may be misspelt.
    pub(super) fn mark_scalar_public(&mut self, node: &Node) {
        let misspelt = node.text().is_some_and(|scalar| scalar.text.contains("${"));
        if node.is_scalar() && !misspelt {
            self.mark_public(node.span);
        }
    }

    /// Complains about the kind of an option's value.
    pub(super) fn wrong_option(&mut self, node: &Node, what: &str, expected: &str) {
        if self.is_reported(node) {
            return;
        }
        let kind = node.value.kind();
        self.report(
            DiagnosticBuilder::new(
                Code::SyncOption,
                node.span,
                format!("`{what}` must be {expected}, found {kind}"),
            )
            .label(format!("expected {expected}"))
            .maybe_help(super::shape::bool_help(node, expected)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::DeniedWarning;

    #[test]
    fn denied_warning_after_many_others_is_kept() {
        let draft = |code| DiagnosticBuilder::new(code, Span::new(0, 1), "a message");
        let others = (0..MAX_DIAGNOSTICS).map(|_| draft(Code::UnknownPath));
        let drafts = others.chain([draft(Code::LiteralSecret)]).collect();
        let denied = [DeniedWarning::Code(Code::LiteralSecret)];
        let text = Text::new("a.yaml", "a: b\n");
        let denied = DeniedWarnings::from_iter(denied);
        let finished = finish(drafts, &text, &Redactions::default(), &denied);
        assert_eq!(finished.len(), MAX_DIAGNOSTICS);
        let errors = finished.iter().filter(|it| it.is_error());
        let errors: Vec<Code> = errors.map(|it| it.code).collect();
        assert_eq!(errors, [Code::LiteralSecret]);
    }
}
