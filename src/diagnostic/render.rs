//! Diagnostics as text, in the look of rustc.
//!
//! The first line of each is `file:line:column: error[E0301]: message`, so that
//! editors and `grep` find their way; the excerpt and the help follow.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use super::{Diagnostic, Location, MASK, Severity};

/// Two places of one file that are this near stand in one excerpt.
const NEAR: usize = 12;

/// All diagnostics and a summary; empty if there are none.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&render_one(diagnostic, colour));
        text.push('\n');
    }
    if let Some(summary) = summary(diagnostics) {
        text.push_str(&summary);
        text.push('\n');
    }
    text
}

/// One diagnostic, without a summary.
#[must_use]
pub fn render_one(diagnostic: &Diagnostic, colour: bool) -> String {
    let mut text = String::new();
    push_headline(&mut text, diagnostic, colour);
    let body = body(diagnostic);
    if body.is_empty() {
        return text;
    }
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let rendered = renderer
        .decor_style(DecorStyle::Ascii)
        .render(&[Group::with_level(level(diagnostic.severity)).elements(body)]);
    // Blank source lines come out with trailing spaces.
    for line in rendered.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// "3 errors and 1 warning in 2 files"; nothing if there is nothing.
#[must_use]
pub fn summary(diagnostics: &[Diagnostic]) -> Option<String> {
    let count = |severity| {
        diagnostics
            .iter()
            .filter(|d| d.severity == severity)
            .count()
    };
    let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning")]
        .into_iter()
        .map(|(severity, noun)| (count(severity), noun))
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| plural(count, noun))
        .collect();
    let files: BTreeSet<&str> = diagnostics.iter().map(|d| d.place.file.as_str()).collect();
    (!parts.is_empty())
        .then(|| format!("{} in {}", parts.join(" and "), plural(files.len(), "file")))
}

fn plural(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    }
}

fn push_headline(text: &mut String, diagnostic: &Diagnostic, colour: bool) {
    let Diagnostic {
        code,
        severity,
        denied_by: _,
        message,
        place,
        document: _,
        related: _,
        help: _,
    } = diagnostic;
    let (word, bold) = if colour {
        let word = match severity {
            Severity::Error => AnsiColor::BrightRed,
            Severity::Warning => AnsiColor::Yellow,
        };
        (word.on_default().bold(), Style::new().bold())
    } else {
        (Style::new(), Style::new())
    };
    text.push_str(&place.file);
    if place.excerpt.is_some() {
        // Writing to a string cannot fail.
        let _ = write!(text, ":{}:{}", place.line, place.column);
    }
    let severity = severity.as_str();
    let _ = writeln!(
        text,
        ": {word}{severity}[{code}]{word:#}{bold}: {message}{bold:#}"
    );
}

/// Everything below the headline.
fn body(diagnostic: &Diagnostic) -> Vec<Element<'_>> {
    let mut elements: Vec<Element<'_>> = Vec::new();
    let mut elsewhere: Vec<&Location> = Vec::new();
    if diagnostic.place.excerpt.is_some() {
        let mut here = vec![&diagnostic.place];
        for place in &diagnostic.related {
            if fits(place, &here) {
                here.push(place);
            } else {
                elsewhere.push(place);
            }
        }
        elements.extend(snippet(&here, false).map(Element::from));
    } else {
        elsewhere.extend(&diagnostic.related);
    }
    for place in elsewhere {
        match snippet(&[place], true) {
            Some(snippet) => elements.push(snippet.into()),
            None => elements.push(
                Level::NOTE
                    .message(format!("{}: {}", place.file, place.label))
                    .into(),
            ),
        }
    }
    let note = diagnostic.denied_by.as_ref();
    elements.extend(note.map(|flag| Level::NOTE.message(format!("denied by `{flag}`")).into()));
    elements.extend(
        diagnostic
            .help
            .iter()
            .map(|help| Level::HELP.message(help.as_str()).into()),
    );
    elements
}

type SourceSnippet<'a> = Snippet<'a, annotate_snippets::Annotation<'a>>;

/// True if a place can be part of the excerpt of others: it is near, and a line that both show
/// was cut in the same way.
fn fits(place: &Location, here: &[&Location]) -> bool {
    here.iter().all(|other| {
        let same_text = || {
            let text = |place: &Location| place.excerpt.as_ref().map(|e| e.text.clone());
            text(place) == text(other)
        };
        place.file == other.file
            && place.line.abs_diff(other.line) <= NEAR
            && (place.line != other.line || same_text())
    })
}

/// The lines of places that fit together, the first of which is meant; lines
/// between them are not shown.
fn snippet<'a>(here: &[&'a Location], with_path: bool) -> Option<SourceSnippet<'a>> {
    let path = here.first()?.file.as_str();
    let kinds =
        std::iter::once(AnnotationKind::Primary).chain(std::iter::repeat(AnnotationKind::Context));
    let mut places: Vec<(&Location, AnnotationKind)> = here.iter().copied().zip(kinds).collect();
    places.sort_by_key(|(place, _)| place.line);
    let first = places.first()?.0.line;

    let mut source = String::new();
    let mut line = first;
    let mut line_start = 0;
    let mut annotations = Vec::new();
    for (index, (place, kind)) in places.into_iter().enumerate() {
        let excerpt = place.excerpt.as_ref()?;
        if index == 0 || place.line > line {
            while line < place.line {
                source.push('\n');
                line += 1;
                if line < place.line {
                    source.push(MASK);
                }
            }
            line_start = source.len();
            source.push_str(&excerpt.text);
        }
        let annotation = kind.span(line_start + excerpt.start..line_start + excerpt.end);
        annotations.push(if place.label.is_empty() {
            annotation
        } else {
            annotation.label(place.label.as_str())
        });
    }
    let snippet = Snippet::source(source)
        .line_start(first)
        .fold(true)
        .annotations(annotations);
    Some(if with_path {
        snippet.path(path)
    } else {
        snippet
    })
}
