//! A run: its files, its tenant, and how far it may go.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::git::GitArgs;
use super::guard::GuardArgs;
use super::ledger::StateArgs;
use super::references::{ReferenceArgs, VaultArgs};
use crate::manifest::DeniedWarning;
use crate::plan::{OnConflict, OnDrift, Selection};
use crate::secret::own::API_KEY;
use crate::settings::parse::{duration, parallelism, variable};
use crate::settings::run::{Auth, FileSettings, RunSettings, TenantSettings};

/// Heading of positional arguments: clap's own.
const ARGUMENTS: Option<&str> = None;
/// Heading of the flags about files.
pub(crate) const FILES: &str = "Files";
/// Heading of the flags about a run.
const RUN: &str = "Run";

#[derive(Debug, Args)]
pub(crate) struct FilesArgs {
    /// Directory of integration files
    #[arg(value_name = "DIR", default_value = "integrations.d", help_heading = ARGUMENTS)]
    pub dir: PathBuf,
    #[command(flatten)]
    pub checks: CheckArgs,
    #[command(flatten)]
    pub references: ReferenceArgs,
}

/// Values of variables, and warnings that count as errors.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// String value of `${var:NAME}`; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable, help_heading = FILES)]
    pub var: Vec<(String, String)>,
    /// YAML file of variables, whose values keep their types; if the integration files come from a
    /// repository, a relative path refers to a file in that repository; may be
    /// repeated
    #[arg(long, value_name = "FILE", help_heading = FILES, env = "INTEGRATIOND_VAR_FILE",
          value_delimiter = ',')]
    pub var_file: Vec<PathBuf>,
    /// Treat this warning as an error: a code such as W0602, or `warnings` for all warnings; may
    /// be repeated
    #[arg(long, value_name = "CODE", help_heading = FILES, env = "INTEGRATIOND_DENY",
          value_delimiter = ',')]
    pub deny: Vec<DeniedWarning>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Tenant")]
pub(crate) struct ConnectionArgs {
    /// URL of the tenant, such as https://acme.hosted.immutacloud.com [env: IMMUTA_URL,
    /// IMMUTA_HOST]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    #[arg(long, value_name = "FILE", help = API_KEY.help("File with the API key"))]
    pub api_key_file: Option<PathBuf>,
    /// Authentication method: send the API key as it is, or exchange it for a bearer token
    #[arg(long, value_name = "HOW", value_enum, env = "INTEGRATIOND_AUTH",
          default_value_t = Auth::Key)]
    pub auth: Auth,
    /// PEM file with certificates to trust in addition to the system's; may be repeated
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_CA_FILE",
        value_delimiter = ','
    )]
    pub ca_file: Vec<PathBuf>,
}

/// Flags of a run of the pipeline, by any command.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub files: FilesArgs,
    #[command(flatten)]
    pub git: GitArgs,
    /// Process only this integration; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = RUN)]
    pub only: Vec<String>,
    /// Exclude this integration; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = RUN)]
    pub exclude: Vec<String>,
    /// Maximum number of concurrent writes
    #[arg(long, value_name = "N", help_heading = RUN, env = "INTEGRATIOND_PARALLELISM",
          default_value_t = 4, value_parser = parallelism)]
    pub parallelism: usize,
    /// Time to wait for the server to finish a write
    #[arg(long, value_name = "DURATION", help_heading = RUN, env = "INTEGRATIOND_WAIT_TIMEOUT",
          default_value = "10m", value_parser = duration)]
    pub wait_timeout: Duration,
    #[command(flatten)]
    pub place: StateArgs,
    /// Action for a value that was changed on the server since the last apply (drift)
    #[arg(long, value_name = "ACTION", value_enum, help_heading = RUN,
          env = "INTEGRATIOND_ON_DRIFT", default_value_t = OnDrift::Apply)]
    pub on_drift: OnDrift,
    /// Action for a value that was changed both in the file and on the server (conflict)
    #[arg(long, value_name = "ACTION", value_enum, help_heading = RUN,
          env = "INTEGRATIOND_ON_CONFLICT", default_value_t = OnConflict::Apply)]
    pub on_conflict: OnConflict,
    #[command(flatten)]
    pub guard: GuardArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub vault: VaultArgs,
}

impl From<FilesArgs> for FileSettings {
    fn from(args: FilesArgs) -> Self {
        let FilesArgs {
            dir,
            checks:
                CheckArgs {
                    var,
                    var_file,
                    deny,
                },
            references:
                ReferenceArgs {
                    allow_secret,
                    secret_root,
                    own_files,
                    declared_variables,
                },
        } = args;
        Self {
            dir,
            declared_variables,
            variable_files: var_file,
            variables: var.into_iter().collect(),
            denied: deny.into_iter().collect(),
            allow_secret,
            secret_roots: secret_root,
            own_files,
        }
    }
}

impl From<ConnectionArgs> for TenantSettings {
    fn from(args: ConnectionArgs) -> Self {
        let ConnectionArgs {
            url,
            api_key_file,
            auth,
            ca_file,
        } = args;
        Self {
            url,
            api_key_file,
            auth,
            ca_files: ca_file,
        }
    }
}

impl From<RunArgs> for RunSettings {
    fn from(args: RunArgs) -> Self {
        let RunArgs {
            files,
            git,
            only,
            exclude,
            parallelism,
            wait_timeout,
            place,
            on_drift,
            on_conflict,
            guard,
            connection,
            vault,
        } = args;
        Self {
            files: files.into(),
            git: git.settings(),
            selection: Selection {
                only: only.into_iter().collect(),
                exclude: exclude.into_iter().collect(),
            },
            parallelism,
            wait_timeout,
            state: place.state,
            on_drift,
            on_conflict,
            guard: guard.into(),
            tenant: connection.into(),
            vault: vault.into(),
        }
    }
}
