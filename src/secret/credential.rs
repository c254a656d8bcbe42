//! The form in which an own credential of integrationd is declared, and in which it is given.

use std::path::PathBuf;

use super::Secret;

/// One own credential, and every place where it may be given.
///
/// `values`, `file` and `credential` are read by integrationd itself. The `foreign` variables
/// belong to programs that it starts, or that people use together with it. No reference leads
/// to any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnCredential {
    /// The words for it in messages and in the documentation.
    pub what: &'static str,
    /// The setting that names a file with it, as a flag without its dashes.
    pub flag: Option<&'static str>,
    /// Variables with the value.
    pub values: &'static [&'static str],
    /// The variable that names a file with it.
    pub file: Option<&'static str>,
    /// The systemd credential.
    pub credential: Option<&'static str>,
    /// Variables with the value that integrationd does not read.
    pub foreign_values: &'static [&'static str],
    /// Variables that name a file with it, and that integrationd does not read.
    pub foreign_files: &'static [&'static str],
    /// Default places of its file: a variable, and a path below the variable's value.
    pub places: &'static [(&'static str, &'static str)],
}

impl OwnCredential {
    /// A credential with this name and no source, as the default for a declaration.
    pub(super) const fn named(what: &'static str) -> Self {
        Self {
            what,
            flag: None,
            values: &[],
            file: None,
            credential: None,
            foreign_values: &[],
            foreign_files: &[],
            places: &[],
        }
    }

    /// The variable that names a file with it; empty if there is none.
    #[must_use]
    pub const fn file_variable(&self) -> &'static str {
        match self.file {
            Some(name) => name,
            None => "",
        }
    }

    /// The help of its flag: this text, and where else the credential may be given.
    #[must_use]
    pub fn help(&self, text: &str) -> String {
        let variables: Vec<&str> = self.values.iter().copied().chain(self.file).collect();
        let mut help = text.to_owned();
        if !variables.is_empty() {
            help += &format!(" [env: {}]", variables.join(", "));
        }
        if let Some(name) = self.credential {
            help += &format!(" [credential: {name}]");
        }
        help
    }

    /// Every variable that holds it.
    pub fn value_variables(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.values.iter().chain(self.foreign_values).copied()
    }

    /// Every variable that names a file with it.
    pub fn file_variables(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.file
            .into_iter()
            .chain(self.foreign_files.iter().copied())
    }
}

/// An own credential, as an operator gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretInput {
    /// The value.
    Value(Secret),
    /// A file that holds it. It is read whenever it is needed: it may be renewed.
    File(PathBuf),
}
