//! `adopt`: takes live integrations over without writing to the tenant.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{
    CheckArgs, ConnectionArgs, ConnectionsArgs, FilesArgs, GitArgs, HandOver, HandOverArgs,
    ReferenceArgs, StateArgs, VaultArgs,
};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::ledger::place::Trust;
use crate::plan::AdoptedSecrets;
use crate::report::adoption::AdoptionDocument;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::session::adopt::adopt;
use crate::settings::run::{GuardSettings, RunSettings};

/// Record live integrations as owned, without writing to the tenant
///
/// Integrations that integrationd did not create are updated from their files but never
/// deleted. An adopted integration is treated as if integrationd had created it.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true), after_help = help::ADOPT)]
pub(super) struct AdoptArgs {
    /// Names of the integrations, as in their files
    #[arg(group = "which")]
    pub name: Vec<String>,
    /// Adopt all integrations that match a file unambiguously
    #[arg(long, group = "which")]
    pub all: bool,
    /// Assumption about stored secrets, which the server never returns; without this flag, secrets
    /// are not compared
    #[arg(long, value_enum)]
    pub secrets: Option<Assumed>,
    #[command(flatten)]
    pub daemon: HandOverArgs,
    #[command(flatten)]
    pub files: NamedFilesArgs,
}

/// The files, the ledger and the tenant of a command whose argument is a name.
#[derive(Debug, Args)]
pub(super) struct NamedFilesArgs {
    /// Directory of integration files
    #[arg(long, value_name = "DIR", default_value = "integrations.d")]
    pub dir: PathBuf,
    #[command(flatten)]
    pub git: GitArgs,
    #[command(flatten)]
    pub checks: CheckArgs,
    #[command(flatten)]
    pub references: ReferenceArgs,
    #[command(flatten)]
    pub vault: VaultArgs,
    #[command(flatten)]
    pub place: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub connections: ConnectionsArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Assumed {
    /// The server has the secrets of the file: record their fingerprints as applied
    Assume,
    /// The server may have other secrets: send the secrets of the file with the next sync
    Send,
}

impl CommandArgs for AdoptArgs {
    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.files.references)
    }

    fn hand_over(&self) -> Option<HandOver<'_>> {
        Some(HandOver {
            daemon: &self.daemon,
            state: self.files.place.state.as_deref(),
            url: self.files.connection.url.as_deref(),
            handles_stop: false,
        })
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let (names, is_named) = (self.name.clone(), !self.all);
        let secrets = match self.secrets {
            None => AdoptedSecrets::Unknown,
            Some(Assumed::Assume) => AdoptedSecrets::Applied,
            Some(Assumed::Send) => AdoptedSecrets::ToSend,
        };
        let (settings, entry) = (
            context.settings(self.files),
            context.entry(Trust::AnyForRoot),
        );
        let watcher = context.terminal.clone().with_diagnostics();
        let adoptions = adopt(&settings, entry, &names, secrets, &watcher).await?;
        let document = AdoptionDocument::new(&adoptions, is_named, secrets);
        let rendered = render(OutputFormat::Text, &document);
        context.terminal.result(&rendered);
        Ok(document.exit())
    }
}

impl From<NamedFilesArgs> for RunSettings {
    fn from(args: NamedFilesArgs) -> Self {
        let NamedFilesArgs {
            dir,
            git,
            checks,
            references,
            vault,
            place,
            connection,
            connections,
        } = args;
        let files = FilesArgs {
            dir,
            checks,
            references,
        };
        Self {
            files: files.into(),
            git: git.settings(),
            state: place.state,
            guard: GuardSettings {
                connections: connections.connections,
                ..GuardSettings::default()
            },
            tenant: connection.into(),
            vault: vault.into(),
            ..Self::default()
        }
    }
}
