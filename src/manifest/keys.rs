//! A file that is one mapping, such as settings or variables: the YAML and the diagnostics of
//! integration files, for keys that the caller knows.
//!
//! Nothing in it is meant to be secret: the reader of an entry marks its value as shown.

use super::builder::DiagnosticBuilder;
use super::file::decode;
use super::text::{Redactions, Span, Text};
use super::tree::{Node, Stream, Yaml, YamlDocument, YamlEntry};
use super::yaml;
use crate::diagnostic::{Code, Diagnostic};

/// Reads the entries of a file.
pub(super) trait EntryReader {
    /// Reads an entry.
    fn entry(&mut self, file: &mut MappingFile<'_>, entry: &YamlEntry);

    /// Is called after the last entry of a file without a mistake: only then is it known what
    /// an excerpt may show.
    fn finish(&mut self, file: &MappingFile<'_>);
}

/// A file while its entries are read.
pub(super) struct MappingFile<'a> {
    pub(super) text: &'a Text<'a>,
    pub(super) redactions: &'a mut Redactions,
    drafts: Vec<DiagnosticBuilder>,
}

/// Reads a file that is one mapping, entry by entry, and returns false for one that holds
/// nothing. `contents` is a plural noun for messages, such as "settings".
///
/// # Errors
/// Every mistake, if there is one.
pub(super) fn read_mapping(
    path: &str,
    bytes: &[u8],
    contents: &str,
    reader: &mut impl EntryReader,
) -> Result<bool, Vec<Diagnostic>> {
    let source = decode(path, bytes).map_err(|diagnostic| vec![*diagnostic])?;
    let text = Text::new(path, source);
    let Stream {
        mut documents,
        mut redactions,
    } = yaml::parse(source);
    let mut file = MappingFile {
        text: &text,
        redactions: &mut redactions,
        drafts: Vec::new(),
    };
    let rest = documents.split_off(documents.len().min(1));
    let mut is_mapping = false;
    for document in documents {
        is_mapping |= file.document(document, contents, reader);
    }
    for document in rest {
        let message = "this is a second document";
        let draft =
            DiagnosticBuilder::new(Code::NotAMapping, document.span, message).label("starts here");
        file.report(draft.help(format!(
            "remove the `---`: the {contents} must be in a single document"
        )));
    }
    file.redactions.settle();
    if file.drafts.is_empty() {
        reader.finish(&file);
        return Ok(is_mapping);
    }
    let drafts = file.drafts.into_iter();
    Err(drafts
        .map(|draft| draft.finish(&text, &redactions))
        .collect())
}

impl MappingFile<'_> {
    /// Reads a document, and returns false for one that holds nothing.
    fn document(
        &mut self,
        document: YamlDocument,
        contents: &str,
        reader: &mut impl EntryReader,
    ) -> bool {
        self.drafts.extend(document.faults);
        match document.root.map(|root| (root.span, root.value)) {
            None | Some((_, Yaml::Null | Yaml::Faulty)) => return false,
            Some((_, Yaml::Map(entries))) => {
                entries.iter().for_each(|entry| reader.entry(self, entry));
            }
            Some((span, other)) => {
                let message = format!("{contents} must be a mapping, found {}", other.kind());
                let draft =
                    DiagnosticBuilder::new(Code::NotAMapping, span, message).label("not a mapping");
                self.report(draft.help("write one `key: value` on each line"));
            }
        }
        true
    }

    /// Reports a mistake.
    pub(super) fn report(&mut self, draft: DiagnosticBuilder) {
        self.drafts.push(draft);
    }

    /// Reports a mistake at a value.
    pub(super) fn complain(&mut self, code: Code, span: Span, message: String) {
        self.report(DiagnosticBuilder::new(code, span, message).label("here"));
    }

    /// Marks a value as one that may be shown, unless it runs over several lines.
    pub(super) fn show(&mut self, node: &Node) {
        if !self.text.slice(node.span).contains(['\n', '\r']) {
            self.redactions.shown.push(node.span);
        }
    }
}
