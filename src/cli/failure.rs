//! A command that came to no result.

use super::terminal::Terminal;
use crate::diagnostic::{Diagnostic, render};
use crate::immuta::ApiError;
use crate::report::exit::Exit;
use crate::report::json;
use crate::source::SourceError;
use crate::sync::SyncError;
use crate::text::{chain, escaped};

/// What went wrong, what helps, and how the process ends.
pub(super) struct Failure {
    what: String,
    help: String,
    exit: Exit,
    /// The mistakes in a file that led to it.
    mistakes: Vec<Diagnostic>,
}

impl Failure {
    /// What went wrong, without what helps.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// How the process ends for it.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// What helps.
    pub(super) fn help(&self) -> &str {
        &self.help
    }

    /// The mistakes in a file that led to it.
    pub(super) fn mistakes(&self) -> &[Diagnostic] {
        &self.mistakes
    }

    pub(super) fn new(
        exit: Exit,
        what: impl std::fmt::Display,
        help: impl std::fmt::Display,
    ) -> Self {
        let (what, help) = (what.to_string(), help.to_string());
        Self {
            what: escaped(&what).into_owned(),
            help: escaped(&help).into_owned(),
            exit,
            mistakes: Vec::new(),
        }
    }

    /// The same, with the mistakes of a file.
    pub(super) fn with_mistakes(
        exit: Exit,
        what: impl std::fmt::Display,
        help: impl std::fmt::Display,
        mistakes: Vec<Diagnostic>,
    ) -> Self {
        Self {
            mistakes,
            ..Self::new(exit, what, help)
        }
    }

    /// Tells it: to people on standard error, and where a document was asked
    /// for, with one on standard output.
    pub(super) fn tell(self, terminal: Terminal, as_json: bool) -> Exit {
        let Self {
            what,
            help,
            exit,
            mistakes,
        } = self;
        terminal.err_unfolded(&render(&mistakes, true));
        terminal.failure(&what, &help);
        if as_json {
            let document = json::failure(&what, &help, exit);
            terminal.out_unfolded(&json::printed(&document));
        }
        exit
    }
}

/// The tenant could not be read, so nothing was planned and nothing written.
impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let what = format!("the tenant could not be read: {}", chain(&error));
        Self::new(Exit::Failed, what, error.help())
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Tenant(error) => error.into(),
            SyncError::Ledger(error) => error.into(),
            SyncError::Files(_) => Self::new(Exit::Failed, chain(&error), error.help()),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::new(Exit::Failed, chain(&error), error.help())
    }
}
