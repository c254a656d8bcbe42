//! The form in which an own credential of integrationd is declared.

/// One own credential, and every place where it may be given.
///
/// `values`, `file` and `credential` are what integrationd reads itself. The `foreign`
/// variables belong to programs that it starts, or that people use beside it. No
/// reference leads to any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnCredential {
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
    /// A credential that can be given nowhere, for what a declaration leaves out.
    pub const NONE: Self = Self {
        flag: None,
        values: &[],
        file: None,
        credential: None,
        foreign_values: &[],
        foreign_files: &[],
        places: &[],
    };

    /// Every variable that holds it.
    pub(super) fn value_variables(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.values.iter().chain(self.foreign_values).copied()
    }

    /// Every variable that names a file with it.
    pub(super) fn file_variables(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.file
            .into_iter()
            .chain(self.foreign_files.iter().copied())
    }
}
