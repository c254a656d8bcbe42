//! `adopt`: takes live integrations over without writing to the tenant.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::args::{
    ConnectionArgs, ConnectionsArgs, FilesArgs, ReferenceArgs, StateArgs, VariableArgs, VaultArgs,
};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::diagnostic;
use crate::ledger::Observations;
use crate::ledger::place::Trust;
use crate::manifest::Manifest;
use crate::plan::{AdoptedSecrets, AdoptionResult};
use crate::report::adoption::AdoptionDocument;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, render};
use crate::session::{Access, Preparation, SecretSelection, Session, Watcher, Wishes};
use crate::settings::run::{GuardSettings, RunSettings};
use crate::source::git::Revision;

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
    /// All integrations that match a file unambiguously
    #[arg(long, group = "which")]
    pub all: bool,
    /// Directory of integration files
    #[arg(long, value_name = "DIR", default_value = "integrations.d")]
    pub dir: PathBuf,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Assumption about stored secrets, which the server never returns; without it, secrets are
    /// not compared
    #[arg(long, value_enum)]
    pub secrets: Option<Assumed>,
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
    /// The server may have other secrets: send those of the file with the next sync
    Send,
}

impl CommandArgs for AdoptArgs {
    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        Some(&mut self.references)
    }

    async fn run(
        self,
        CommandContext { terminal, .. }: CommandContext<'_>,
    ) -> Result<Exit, CommandFailure> {
        run(self, terminal).await
    }
}

impl From<AdoptArgs> for RunSettings {
    fn from(args: AdoptArgs) -> Self {
        let AdoptArgs {
            name: _,
            all: _,
            dir,
            variables,
            references,
            vault,
            secrets: _,
            place,
            connection,
            connections,
        } = args;
        let files = FilesArgs {
            dir,
            variables,
            references,
        };
        Self {
            files: files.into(),
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

/// Shows the mistakes in the files.
struct Screen(Terminal);

impl Watcher for Screen {
    fn no_files(&self, place: &str) {
        self.0.no_files(place);
    }

    fn files(&self, _: Option<&Revision>, manifest: &Manifest) {
        let diagnostics = diagnostic::render(&manifest.diagnostics, true);
        self.0.err_unfolded(&diagnostics);
    }
}

async fn run(args: AdoptArgs, terminal: Terminal) -> Result<Exit, CommandFailure> {
    let (names, is_all, assumed) = (args.name.clone(), args.all, args.secrets);
    let settings = RunSettings::from(args);
    let screen = Screen(terminal);
    let opening = Session::open_with_files(&settings, Trust::AnyForRoot, Access::Write, &screen);
    let (session, opened) = opening.await?;
    check_names(&names, opened.manifest())?;
    let named: HashSet<&str> = names.iter().map(String::as_str).collect();
    let preparation = Preparation {
        lookup: match assumed {
            Some(Assumed::Assume) => SecretSelection::Of(&named),
            None | Some(Assumed::Send) => SecretSelection::Nothing,
        },
        ..Preparation::new(Wishes::default())
    };
    let prepared = session.prepare(&settings, opened, preparation).await?;
    let secrets = match assumed {
        None => AdoptedSecrets::Unknown,
        Some(Assumed::Assume) => AdoptedSecrets::Applied,
        Some(Assumed::Send) => AdoptedSecrets::ToSend,
    };
    let adoptions = prepared.adopt(&named, secrets).await?;
    let at = Timestamp::now();
    let update = adoptions
        .iter()
        .filter_map(|adoption| match &adoption.verdict {
            AdoptionResult::Adopted(update) | AdoptionResult::SecretsOnly(update) => {
                Some(update.record(at))
            }
            AdoptionResult::Owned | AdoptionResult::Absent | AdoptionResult::Blocked(_) => None,
        });
    let seen = Observations {
        records: update.collect(),
        gone: Vec::new(),
    };
    session.store().note(&seen).await?;
    let document = AdoptionDocument::new(&adoptions, !is_all, secrets);
    terminal.result(&render(OutputFormat::Text, &document));
    Ok(document.exit())
}

fn check_names(names: &[String], manifest: &Manifest) -> Result<(), CommandFailure> {
    let valid: BTreeSet<&str> = manifest
        .integrations
        .iter()
        .map(|i| i.name.as_str())
        .collect();
    match names.iter().find(|name| !valid.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(CommandFailure::new(
            Exit::Usage,
            format_args!("no valid file describes {name}"),
            "run `integrationd validate` to see the names and the errors in the files",
        )),
    }
}
