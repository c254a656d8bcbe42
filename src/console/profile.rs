//! The profile of a tenant: its document, and the text about it.

use std::path::{Path, PathBuf};

use super::Terminal;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::profile::{INCOMPLETE, written};
use crate::session::profile::profile;
use crate::settings::run::TenantSettings;

/// The terminal of a command that may write a profile. The text of the command goes to standard
/// output, or to standard error if the profile goes to standard output.
pub(crate) struct ProfileConsole {
    terminal: Terminal,
    file: Option<PathBuf>,
}

impl ProfileConsole {
    /// A profile for this file; `-` is standard output.
    pub(crate) fn new(terminal: Terminal, file: Option<PathBuf>) -> Self {
        Self { terminal, file }
    }

    fn is_standard_output(&self) -> bool {
        self.file.as_deref() == Some(Path::new("-"))
    }

    /// Writes text about the tenant.
    pub(crate) fn write(&self, text: &str) {
        if self.is_standard_output() {
            self.terminal.err(text);
        } else {
            self.terminal.out(text);
        }
    }

    /// Makes the profile, if one was asked for, and says what is missing from it.
    ///
    /// # Errors
    /// There is no profile.
    pub(crate) async fn profile(&self, settings: &TenantSettings) -> Result<Exit, CommandFailure> {
        let Some(path) = &self.file else {
            return Ok(Exit::Success);
        };
        let file = Some(path.as_path()).filter(|_| !self.is_standard_output());
        let profiled = profile(settings, file).await?;
        if file.is_none() {
            self.terminal.out_unfolded(&profiled.document);
        }
        self.write(&written(&profiled.profile, file));
        let mut exit = Exit::Success;
        for failed in profiled.reads.failed() {
            if failed.are_all {
                exit = Exit::Failed;
                self.terminal.failure(&failed.what, INCOMPLETE);
            } else {
                self.terminal.warning(&failed.what, INCOMPLETE);
            }
        }
        Ok(exit)
    }
}
