//! Variables: plain values that the operator declares, for `${var:NAME}`.
//!
//! A reference that is a whole value takes the type of the variable; inside of a longer
//! string it takes the text. A value is data: no reference in it is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Number;

use super::builder::DiagnosticBuilder;
use super::file::{unreadable, whole_file};
use super::keys::{EntryReader, MappingFile, read_mapping};
use super::text::Span;
use super::tree::{Node, Yaml, YamlEntry, YamlString};
use super::{FileProblem, MAX_FILE_SIZE, SourceFile};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::secret::escaped_literal;

/// The beginning of a reference to a variable.
const REFERENCE: &str = "${var:";

/// The most values that variables may add to a document: a list is added wherever a
/// reference to it stands.
pub(super) const MOST_FILLED_IN: usize = 50_000;

/// The values that variables may still add to a document.
pub(super) struct FillBudget {
    left: usize,
    /// True if a value had to be left out.
    pub(super) is_exceeded: bool,
}

impl FillBudget {
    pub(super) fn new() -> Self {
        Self {
            left: MOST_FILLED_IN,
            is_exceeded: false,
        }
    }

    fn take(&mut self, values: usize) -> bool {
        let left = self.left.checked_sub(values);
        self.left = left.unwrap_or_default();
        self.is_exceeded |= left.is_none();
        left.is_some()
    }
}

/// Variables by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variables(BTreeMap<String, Variable>);

/// A declared variable.
#[derive(Debug, Clone, PartialEq)]
struct Variable {
    value: VariableValue,
    /// Position of its declaration.
    declared: Location,
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq)]
enum VariableValue {
    Scalar(VariableScalar),
    List(Vec<VariableScalar>),
}

/// A value of one piece.
#[derive(Debug, Clone, PartialEq)]
enum VariableScalar {
    Text(String),
    Bool(bool),
    /// The number, and how it is written.
    Number(Number, String),
}

impl Variables {
    /// Adds variables. One that exists already is replaced.
    pub fn extend(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// Reads files of variables. A later file replaces what an earlier one declares.
    ///
    /// # Errors
    /// Every mistake in one of them. None is used then: what is missing could be a value that
    /// replaces another one.
    pub fn read(files: &[SourceFile]) -> Result<Self, Vec<Diagnostic>> {
        let mut variables = Self::default();
        let mut mistakes = Vec::new();
        for file in files {
            match read_file(file) {
                Ok(declared) => variables.extend(declared),
                Err(found) => mistakes.extend(found),
            }
        }
        if mistakes.is_empty() {
            Ok(variables)
        } else {
            Err(mistakes)
        }
    }

    /// The names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The text of a variable; `None` for one that is not declared or is a list.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match &self.0.get(name)?.value {
            VariableValue::Scalar(scalar) => Some(scalar.text()),
            VariableValue::List(_) => None,
        }
    }

    /// True if a variable is a list.
    pub(super) fn is_list(&self, name: &str) -> bool {
        let variable = self.0.get(name).map(|variable| &variable.value);
        matches!(variable, Some(VariableValue::List(_)))
    }

    /// The remedy for a variable whose type is not the expected one.
    pub(super) fn type_help(&self, text: &str) -> Option<String> {
        let name = whole_reference(text)?;
        let Location {
            file,
            line,
            excerpt,
            ..
        } = &self.0.get(name)?.declared;
        Some(match excerpt {
            Some(_) => format!("change the value of `{name}` in {file}:{line}"),
            None => format!(
                "`{file}` declares only strings; use a `--var-file` to give `{name}` a different \
                    type"
            ),
        })
    }

    /// Each variable as `NAME: value`, for people.
    pub fn shown(&self) -> impl Iterator<Item = String> {
        let shown = |value: &VariableValue| match value {
            VariableValue::Scalar(scalar) => scalar.text().to_owned(),
            VariableValue::List(items) => {
                let items: Vec<&str> = items.iter().map(VariableScalar::text).collect();
                format!("[{}]", items.join(", "))
            }
        };
        let all = self.0.iter();
        all.map(move |(name, variable)| format!("{name}: {}", shown(&variable.value)))
    }

    /// True if none is declared.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A tree with the values of the variables that are a whole value and no text. Texts
    /// stay references: they are read with the strings that they are a part of.
    pub(super) fn filled(&self, node: &Node, budget: &mut FillBudget) -> Node {
        let value = match &node.value {
            Yaml::Text(scalar) => match self.whole(&scalar.text) {
                Some(value) => value.yaml(node, budget),
                None => return node.clone(),
            },
            Yaml::List(items) => {
                Yaml::List(items.iter().map(|item| self.filled(item, budget)).collect())
            }
            Yaml::Map(entries) => {
                let filled = entries.iter().map(|entry| YamlEntry {
                    value: self.filled(&entry.value, budget),
                    ..entry.clone()
                });
                Yaml::Map(filled.collect())
            }
            Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Faulty => return node.clone(),
        };
        Node::new(node.span, value)
    }

    /// The value of the variable that a string is, unless that is a text.
    fn whole(&self, text: &str) -> Option<&VariableValue> {
        let name = whole_reference(text)?;
        let value = &self.0.get(name)?.value;
        let is_text = matches!(value, VariableValue::Scalar(VariableScalar::Text(_)));
        (!is_text).then_some(value)
    }

    /// A warning for each variable that no file uses.
    pub(super) fn unused(&self, used: &BTreeSet<&str>) -> Vec<Diagnostic> {
        let unused = self
            .0
            .iter()
            .filter(|(name, _)| !used.contains(name.as_str()));
        let warning = |(name, variable): (&String, &Variable)| {
            let code = Code::UnusedVariable;
            Diagnostic {
                code,
                severity: code.severity(),
                denied_by: None,
                message: format!("no file uses the variable `{}`", crate::text::escaped(name)),
                place: variable.declared.clone(),
                document: None,
                related: Vec::new(),
                help: vec![format!(
                    "remove the variable, or refer to it: `${{var:{}}}`",
                    crate::text::escaped(name)
                )],
            }
        };
        unused.map(warning).collect()
    }
}

/// Reads the entries that declare variables.
#[derive(Default)]
pub(super) struct VariableReader {
    read: Vec<(String, VariableValue, Span)>,
    /// The variables, once the whole file is read.
    pub(super) variables: Variables,
}

impl EntryReader for VariableReader {
    fn entry(&mut self, file: &mut MappingFile<'_>, entry: &YamlEntry) {
        if entry.key.is_empty() || entry.key.contains('}') {
            let message = "this is not a valid variable name";
            let draft = DiagnosticBuilder::new(Code::InvalidName, entry.key_span, message);
            return file.report(draft.label("a variable name must not be empty or contain `}`"));
        }
        if let Some(value) = value(file, &entry.value) {
            let name = entry.key.to_string();
            self.read.push((name, value, entry.key_span));
        }
    }

    fn finish(&mut self, file: &MappingFile<'_>) {
        for (name, value, span) in self.read.drain(..) {
            let declared = file.text.place(span, "declared here", file.redactions);
            self.variables.0.insert(name, Variable { value, declared });
        }
    }
}

/// The variable of a string that consists only of a reference to it.
pub(super) fn whole_reference(text: &str) -> Option<&str> {
    let name = text.strip_prefix(REFERENCE)?.strip_suffix('}')?;
    (!name.contains('}')).then_some(name)
}

/// Texts, as `--var` declares them; the last one of a name counts.
impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(texts: I) -> Self {
        let declared = Location::file("--var");
        let variable = |(name, text)| {
            let value = VariableValue::Scalar(VariableScalar::Text(text));
            let declared = declared.clone();
            (name, Variable { value, declared })
        };
        Self(texts.into_iter().map(variable).collect())
    }
}

/// True if a text may refer to a variable.
pub(super) fn is_reference_in(text: &str) -> bool {
    let mut starts = text.match_indices(REFERENCE);
    starts.any(|(at, _)| !text.get(..at).unwrap_or("").ends_with('$'))
}

/// The names of variables that a text refers to.
pub(super) fn referred(text: &str) -> impl Iterator<Item = &str> {
    let rests = text.split(REFERENCE).skip(1);
    rests.filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// The mistake that a file of variables which cannot be read is.
fn unreadable_variables(path: &str, problem: &FileProblem) -> Diagnostic {
    let give = "give the path of an existing, readable YAML file of variables";
    let (code, message, help) = match problem {
        FileProblem::Unreadable { reason } => (
            Code::Unreadable,
            format!("this file of variables cannot be read: {reason}"),
            give,
        ),
        FileProblem::NotAFile => (
            Code::NotAFile,
            "this is neither a file of variables nor a pipe".to_owned(),
            give,
        ),
        FileProblem::TooLarge { size } => (
            Code::TooLarge,
            format!("this file of variables is too large: {size} bytes (at most {MAX_FILE_SIZE})"),
            "keep only the variables that the integration files use",
        ),
        FileProblem::UnreadableDirectory { .. }
        | FileProblem::LeavesDirectory
        | FileProblem::Dangling
        | FileProblem::LinkLoop
        | FileProblem::Link
        | FileProblem::Submodule
        | FileProblem::NameNotUtf8 => return unreadable(path, problem),
    };
    whole_file(path, code, &message, help)
}

fn read_file(file: &SourceFile) -> Result<Variables, Vec<Diagnostic>> {
    let bytes = file
        .content
        .as_ref()
        .map_err(|problem| vec![unreadable_variables(&file.path, problem)])?;
    let mut reader = VariableReader::default();
    if read_mapping(&file.path, bytes, "variables", &mut reader)? {
        return Ok(reader.variables);
    }
    // What a save that was cut short leaves behind must not bring back the values that this
    // file replaces.
    let message = "this file declares no variables";
    let help = "check whether the file was truncated while it was saved; to declare no variables, \
        write `{}`";
    Err(vec![whole_file(
        &file.path,
        Code::NotAMapping,
        message,
        help,
    )])
}

fn value(file: &mut MappingFile<'_>, node: &Node) -> Option<VariableValue> {
    let value = match &node.value {
        Yaml::Faulty => return None,
        Yaml::List(items) => {
            let items = items
                .iter()
                .map(|item| scalar(file, item, "an item of a variable"));
            let items: Option<Vec<_>> = items.collect();
            VariableValue::List(items?)
        }
        Yaml::Null | Yaml::Bool(_) | Yaml::Number(_) | Yaml::Text(_) | Yaml::Map(_) => {
            VariableValue::Scalar(scalar(file, node, "a variable")?)
        }
    };
    file.show(node);
    Some(value)
}

fn scalar(file: &mut MappingFile<'_>, node: &Node, what: &str) -> Option<VariableScalar> {
    match &node.value {
        Yaml::Bool(value) => Some(VariableScalar::Bool(*value)),
        Yaml::Number(number) => Some(VariableScalar::Number(number.clone(), number.to_string())),
        Yaml::Text(text) if text.numeric => {
            file.show(node);
            let message = "this looks like a number but is read as a string".to_owned();
            let draft = DiagnosticBuilder::new(Code::WrongShape, node.span, message);
            file.report(draft.label("here").help("put the value in quotes"));
            None
        }
        Yaml::Text(text) => Some(VariableScalar::Text(text.text.clone())),
        Yaml::Faulty => None,
        Yaml::Null | Yaml::List(_) | Yaml::Map(_) => {
            let kind = node.value.kind();
            let message = format!("{what} cannot be {kind}");
            let draft = DiagnosticBuilder::new(Code::WrongShape, node.span, message);
            file.report(draft.label("expected a string, a number, a boolean, or a list of these"));
            None
        }
    }
}

impl VariableValue {
    fn yaml(&self, node: &Node, budget: &mut FillBudget) -> Yaml {
        match self {
            Self::Scalar(scalar) => scalar.yaml(),
            Self::List(items) if budget.take(items.len()) => Yaml::List(
                items
                    .iter()
                    .map(|item| Node::leaf(node.span, item.yaml()))
                    .collect(),
            ),
            Self::List(_) => Yaml::Faulty,
        }
    }
}

impl VariableScalar {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(_, text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
        }
    }

    fn yaml(&self) -> Yaml {
        match self {
            Self::Bool(value) => Yaml::Bool(*value),
            Self::Number(number, _) => Yaml::Number(number.clone()),
            Self::Text(text) => Yaml::Text(Rc::new(YamlString {
                text: escaped_literal(text),
                plain: false,
                numeric: false,
            })),
        }
    }
}
