//! A command that came to no result.

use serde::Serialize;

use super::document::Document;
use super::exit::Exit;
use super::overview::Overview;
use crate::diagnostic::Diagnostic;
use crate::export::ExportRefusal;
use crate::export::disk::ExportWriteError;
use crate::follow_up::command;
use crate::immuta::ApiError;
use crate::ledger::StoreError;
use crate::plan::NotTheResult;
use crate::regular::NewFileError;
use crate::session::adopt::AdoptError;
use crate::session::explain::ExplainError;
use crate::session::export::ExportError;
use crate::session::profile::ProfileFailure;
use crate::session::resolve::ResolveError;
use crate::session::suspend::SuspendError;
use crate::session::{OpenError, UnreadableSecret};
use crate::settings::file::SettingsFileError;
use crate::sync::SyncError;
use crate::text::{chain, escaped};

/// A command that came to no result: what went wrong, the remedy, and the exit code.
#[derive(Debug, Serialize)]
pub struct CommandFailure {
    error: Explanation,
    #[serde(rename = "exit_code")]
    exit: Exit,
    /// The mistakes in a file that led to it.
    #[serde(skip)]
    mistakes: Vec<Diagnostic>,
}

#[derive(Debug, Serialize)]
struct Explanation {
    message: String,
    help: String,
}

impl Document for CommandFailure {
    /// The text for people goes to standard error.
    fn text(&self) -> String {
        String::new()
    }

    fn parts(&self) -> (&'static [(&'static str, &'static str)], &'static str) {
        (&[], "error")
    }

    fn overview(&self) -> Option<Overview<'_>> {
        Some(Overview {
            title: "integrationd".to_owned(),
            summary: "The command failed.".to_owned(),
            diagnostics: &self.mistakes,
            failure: Some((&self.error.message, &self.error.help)),
            ..Overview::new(self.exit)
        })
    }
}

impl CommandFailure {
    /// The failure, without its remedy.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.error.message
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.error.help
    }

    /// The mistakes in a file that led to it.
    #[must_use]
    pub fn mistakes(&self) -> &[Diagnostic] {
        &self.mistakes
    }

    /// A failure with this exit code. Both texts are escaped.
    #[must_use]
    pub fn new(exit: Exit, what: impl std::fmt::Display, help: impl std::fmt::Display) -> Self {
        let (what, help) = (what.to_string(), help.to_string());
        Self {
            error: Explanation {
                message: escaped(&what).into_owned(),
                help: escaped(&help).into_owned(),
            },
            exit,
            mistakes: Vec::new(),
        }
    }

    /// A failure because of mistakes in a file.
    #[must_use]
    pub fn with_mistakes(
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
}

/// The tenant could not be read, so nothing was planned and nothing written.
impl From<ApiError> for CommandFailure {
    fn from(error: ApiError) -> Self {
        let what = format!("the tenant could not be read: {}", chain(&error));
        Self::new(Exit::Failed, what, error.help())
    }
}

impl From<SyncError> for CommandFailure {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Tenant(error) => error.into(),
            SyncError::Ledger(error) => error.into(),
            SyncError::Files(_) => Self::new(Exit::Failed, chain(&error), error.help()),
        }
    }
}

impl From<NotTheResult> for CommandFailure {
    fn from(error: NotTheResult) -> Self {
        let list = command("list", &[]);
        let help = format!("run `{list}` to see the live integrations");
        Self::new(Exit::Failed, error, help)
    }
}

impl From<StoreError> for CommandFailure {
    fn from(error: StoreError) -> Self {
        Self::new(Exit::Failed, chain(&error), &error.help)
    }
}

impl From<UnreadableSecret> for CommandFailure {
    fn from(error: UnreadableSecret) -> Self {
        Self::new(Exit::InvalidSettings, chain(&error), UnreadableSecret::HELP)
    }
}

impl From<OpenError> for CommandFailure {
    fn from(error: OpenError) -> Self {
        let exit = match &error {
            OpenError::Tenant(_)
            | OpenError::Place(_)
            | OpenError::GitSettings(_)
            | OpenError::Vault(_) => Exit::InvalidSettings,
            OpenError::Git(error) if error.is_of_settings() => Exit::InvalidSettings,
            OpenError::Key(_)
            | OpenError::Ledger(_)
            | OpenError::Store(_)
            | OpenError::Suspensions(_)
            | OpenError::Git(_)
            | OpenError::Directory(_) => Exit::Failed,
            OpenError::RejectedRevision(_) => Exit::Refused,
            OpenError::Names(_) => Exit::Usage,
            OpenError::Variables(_) => Exit::InvalidFile,
        };
        let (what, help) = (chain(&error), error.help());
        match error {
            OpenError::Variables(mistakes) => Self::with_mistakes(exit, what, help, mistakes),
            OpenError::Tenant(_)
            | OpenError::Place(_)
            | OpenError::Key(_)
            | OpenError::Ledger(_)
            | OpenError::Store(_)
            | OpenError::Suspensions(_)
            | OpenError::GitSettings(_)
            | OpenError::Git(_)
            | OpenError::Directory(_)
            | OpenError::RejectedRevision(_)
            | OpenError::Names(_)
            | OpenError::Vault(_) => Self::new(exit, what, help),
        }
    }
}

impl From<SettingsFileError> for CommandFailure {
    fn from(error: SettingsFileError) -> Self {
        let (what, help) = (chain(&error), error.help());
        match error {
            SettingsFileError::Unreadable { .. } => Self::new(Exit::InvalidSettings, what, help),
            SettingsFileError::Invalid { mistakes, .. } => {
                Self::with_mistakes(Exit::InvalidSettings, what, help, mistakes)
            }
            SettingsFileError::Two { .. } => Self::new(Exit::Usage, what, help),
        }
    }
}

impl From<AdoptError> for CommandFailure {
    fn from(error: AdoptError) -> Self {
        match error {
            AdoptError::Open(error) => error.into(),
            AdoptError::Sync(error) => error.into(),
            AdoptError::NotDescribed(_) => Self::new(
                Exit::Usage,
                error,
                format_args!(
                    "run `{}` to see the names and the errors in the files",
                    command("validate", &["-o", "json"])
                ),
            ),
        }
    }
}

impl From<ResolveError> for CommandFailure {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Open(error) => error.into(),
            ResolveError::Ledger(error) => error.into(),
            ResolveError::Tenant(error) => error.into(),
            ResolveError::NotTheResult(error) => error.into(),
            ResolveError::NothingUnknown(_) => Self::new(
                Exit::Failed,
                error,
                format_args!(
                    "run `{}` to see the writes with an unknown outcome",
                    command("sync", &["--dry-run"])
                ),
            ),
        }
    }
}

impl From<NewFileError> for CommandFailure {
    fn from(error: NewFileError) -> Self {
        Self::new(Exit::Failed, chain(&error), NewFileError::HELP)
    }
}

impl From<ProfileFailure> for CommandFailure {
    fn from(error: ProfileFailure) -> Self {
        match error {
            ProfileFailure::Open(error) => error.into(),
            ProfileFailure::Tenant(error) => error.into(),
            ProfileFailure::File(error) => error.into(),
            ProfileFailure::List => {
                let help = "run `integrationd ping` to check the tenant";
                Self::new(Exit::Failed, error, help)
            }
            ProfileFailure::Form(_) => Self::new(Exit::Failed, chain(&error), NewFileError::HELP),
        }
    }
}

impl From<SuspendError> for CommandFailure {
    fn from(error: SuspendError) -> Self {
        let exit = match error {
            SuspendError::Open(error) => return error.into(),
            SuspendError::Ledger(error) => return error.into(),
            SuspendError::Over(_) | SuspendError::Unknown { .. } => Exit::Usage,
            SuspendError::NotSuspended { .. } => Exit::Failed,
        };
        Self::new(exit, &error, error.help())
    }
}

impl From<ExportError> for CommandFailure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Open(error) => error.into(),
            ExportError::Tenant(error) => error.into(),
            ExportError::Write(error) => {
                Self::new(Exit::Failed, chain(&error), ExportWriteError::HELP)
            }
            ExportError::Refused(refusal) => {
                let exit = match &refusal {
                    ExportRefusal::InvalidFiles(_) | ExportRefusal::Invalid { .. } => {
                        Exit::InvalidFile
                    }
                    ExportRefusal::UnknownName(_)
                    | ExportRefusal::NotDescribed { .. }
                    | ExportRefusal::ReferencesRefused(_) => Exit::Usage,
                    ExportRefusal::NotLive(_)
                    | ExportRefusal::Owned { .. }
                    | ExportRefusal::SeveralDocuments { .. }
                    | ExportRefusal::HasExtra(_)
                    | ExportRefusal::Changed(_)
                    | ExportRefusal::NotVerified { .. }
                    | ExportRefusal::Json { .. }
                    | ExportRefusal::Taken(_)
                    | ExportRefusal::NoName { .. }
                    | ExportRefusal::SharedReference { .. }
                    | ExportRefusal::NoReference { .. } => Exit::Failed,
                };
                Self::new(exit, &refusal, refusal.help())
            }
        }
    }
}

impl From<ExplainError> for CommandFailure {
    fn from(error: ExplainError) -> Self {
        let list = format!(
            "run `{}` to see the ids of live integrations, and `{}` to see the names in the files",
            command("list", &[]),
            command("validate", &["-o", "json"])
        );
        match error {
            ExplainError::Open(error) => error.into(),
            ExplainError::Sync(error) => error.into(),
            ExplainError::Unknown {
                ref near,
                is_incomplete,
                ..
            } => {
                let meant = match near {
                    Some(near) => format!("did you mean `{near}`? "),
                    None => String::new(),
                };
                let gap = if is_incomplete {
                    "; the tenant's list of integrations could not be read completely"
                } else {
                    ""
                };
                Self::new(Exit::Usage, &error, format!("{meant}{list}{gap}"))
            }
        }
    }
}
