//! Warnings that count as errors, as `--deny` names them.
//!
//! The severity is raised where the files are checked, and nowhere else: everything that
//! follows sees an error, and an integration that is invalid.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::nearest;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::text::escaped;

/// All warnings, in place of a code.
const WARNINGS: &str = "warnings";

/// One value of `--deny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeniedWarning {
    /// Every warning.
    All,
    /// The warning with this code. An error stays one.
    Code(Code),
}

/// A value that names no diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no diagnostic has this code{suggestion}; `integrationd validate` shows the code of each \
    warning, and `{WARNINGS}` stands for all of them"
)]
pub struct UnknownCode {
    suggestion: String,
}

impl FromStr for DeniedWarning {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == WARNINGS {
            return Ok(Self::All);
        }
        if let Some(code) = Code::from_number(text) {
            return Ok(Self::Code(code));
        }
        let suggestion = match meant(text) {
            Some(word) => format!(" (did you mean `{}`?)", escaped(word)),
            None => String::new(),
        };
        Err(UnknownCode { suggestion })
    }
}

/// The value that was probably meant: the code of a short name, or the nearest word.
fn meant(text: &str) -> Option<&'static str> {
    let slugs = Code::ALL.iter().map(|code| (code.slug(), code.number()));
    let numbers = Code::ALL.iter().map(|code| (code.number(), code.number()));
    let words: Vec<_> = slugs.chain(numbers).chain([(WARNINGS, WARNINGS)]).collect();
    let near = nearest(text, words.iter().map(|(word, _)| *word))?;
    let found = words.into_iter().find(|(word, _)| *word == near);
    found.map(|(_, value)| value)
}

/// Warnings that count as errors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeniedWarnings {
    all: bool,
    codes: BTreeSet<Code>,
}

impl FromIterator<DeniedWarning> for DeniedWarnings {
    fn from_iter<I: IntoIterator<Item = DeniedWarning>>(values: I) -> Self {
        let mut denied = Self::default();
        for value in values {
            match value {
                DeniedWarning::All => denied.all = true,
                DeniedWarning::Code(code) => drop(denied.codes.insert(code)),
            }
        }
        denied
    }
}

impl DeniedWarnings {
    /// The severity that a diagnostic of this code has.
    pub(super) fn severity(&self, code: Code) -> Severity {
        match self.denied_by(code) {
            Some(_) => Severity::Error,
            None => code.severity(),
        }
    }

    /// Makes an error of a diagnostic that is denied.
    pub(super) fn raise(&self, diagnostic: &mut Diagnostic) {
        diagnostic.severity = self.severity(diagnostic.code);
        diagnostic.denied_by = self.denied_by(diagnostic.code);
    }

    /// The flag that denies a warning. Its code goes before `warnings`.
    fn denied_by(&self, code: Code) -> Option<String> {
        let value = match code.severity() {
            Severity::Error => None,
            Severity::Warning if self.codes.contains(&code) => Some(code.number()),
            Severity::Warning => self.all.then_some(WARNINGS),
        };
        value.map(|value| format!("--deny {value}"))
    }

    /// The denied warnings that another setting does not deny, as values of `--deny`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Vec<&'static str> {
        if self.all && !other.all && other.codes.is_empty() {
            return vec![WARNINGS];
        }
        let is_lost =
            |code: &&Code| self.denied_by(**code).is_some() && other.denied_by(**code).is_none();
        let lost = Code::ALL.iter().filter(is_lost);
        lost.map(|code| code.number()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(values: &[&str]) -> DeniedWarnings {
        values.iter().map(|it| it.parse().unwrap()).collect()
    }

    fn error(text: &str) -> String {
        DeniedWarning::from_str(text).unwrap_err().to_string()
    }

    #[test]
    fn code_is_accepted_in_any_case_and_an_error_too() {
        let (upper, lower) = (denied(&["W0602"]), denied(&["w0602"]));
        assert_eq!(upper, lower);
        assert_eq!(upper.severity(Code::LiteralSecret), Severity::Error);
        assert_eq!(upper.severity(Code::EmptyFile), Severity::Warning);
        let of_error = denied(&["E0301"]);
        assert_eq!(of_error.denied_by(Code::UnknownAttribute), None);
        assert_eq!(of_error.severity(Code::UnknownAttribute), Severity::Error);
        assert_eq!(of_error.severity(Code::LiteralSecret), Severity::Warning);
    }

    #[test]
    fn unknown_code_is_an_error_with_a_suggestion() {
        assert!(error("W0620").contains("did you mean `W0602`?"));
        assert!(error("literal-secret").contains("did you mean `W0602`?"));
        assert!(error("warning").contains("did you mean `warnings`?"));
        assert!(!error("x").contains("did you mean"));
    }

    #[test]
    fn every_warning_and_no_error_is_denied_by_warnings() {
        let all = denied(&["warnings"]);
        for code in Code::ALL {
            let flag = all.denied_by(*code);
            let expected = code.number().starts_with('W').then_some("--deny warnings");
            assert_eq!(flag.as_deref(), expected, "{code}");
        }
        let both = denied(&["warnings", "W0602"]);
        assert_eq!(both.denied_by(Code::LiteralSecret).unwrap(), "--deny W0602");
    }

    #[test]
    fn denied_warnings_are_compared_by_effect() {
        let every: Vec<&str> = Code::ALL.iter().map(|code| code.number()).collect();
        let (all, every) = (denied(&["warnings"]), denied(&every));
        assert_eq!(all.without(&every), [""; 0]);
        assert_eq!(every.without(&all), [""; 0]);
        assert_eq!(all.without(&denied(&[])), ["warnings"]);
        let (two, one) = (denied(&["W0601", "W0602"]), denied(&["w0602"]));
        assert_eq!(two.without(&one), ["W0601"]);
        assert_eq!(one.without(&two), [""; 0]);
    }
}
