//! A git repository instead of a directory, as the command line says it.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sha2::{Digest, Sha256};

use super::connect::{self, ConnectError, read_secret};
use super::failure::Failure;
use crate::ledger::place::{StateDirectory, Trust};
use crate::report::exit::Exit;
use crate::settings::git_token;
use crate::source::git::{
    CommitId, Credentials, GitError, GitOptions, GitSource, GitUrl, RefName, Reference,
    ReferenceError, SshSettings, Subdirectory, Verification, VerifyMode,
};
use crate::text::chain;

/// Whose name stands beside a token, where none is given: most servers take any.
const ANY_USER: &str = "git";

/// Which repository, and what of it counts.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Git, instead of a directory")]
pub(super) struct GitArgs {
    /// The repository: https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, or a path; a
    /// secret may then only go where `--allow-secret` lets it
    #[arg(
        long,
        value_name = "URL",
        env = "INTEGRATIOND_GIT",
        hide_env_values = true
    )]
    pub git: Option<String>,
    /// The branch, if not the default one
    #[arg(
        long,
        value_name = "NAME",
        env = "INTEGRATIOND_GIT_BRANCH",
        hide_env_values = true,
        value_parser = ref_name
    )]
    pub git_branch: Option<String>,
    /// A tag, before the branch
    #[arg(
        long,
        value_name = "NAME",
        env = "INTEGRATIOND_GIT_TAG",
        hide_env_values = true,
        value_parser = ref_name
    )]
    pub git_tag: Option<String>,
    /// A commit, before tag and branch
    #[arg(
        long,
        value_name = "HASH",
        env = "INTEGRATIOND_GIT_COMMIT",
        hide_env_values = true,
        value_parser = commit
    )]
    pub git_commit: Option<String>,
    /// Where in it the files are
    #[arg(
        long,
        value_name = "DIR",
        env = "INTEGRATIOND_GIT_DIRECTORY",
        hide_env_values = true,
        value_parser = subdirectory
    )]
    pub git_directory: Option<String>,
    /// How https is asked with the token: as the password of a user, or by itself
    #[arg(long, value_enum, env = "INTEGRATIOND_GIT_AUTH", hide_env_values = true,
          default_value_t = GitAuth::Basic)]
    pub git_auth: GitAuth,
    /// The user name for https, with `--git-auth basic` [default: git]
    #[arg(
        long,
        value_name = "NAME",
        env = "INTEGRATIOND_GIT_USER",
        hide_env_values = true
    )]
    pub git_user: Option<String>,
    /// A file with the password or token for https
    /// [env: INTEGRATIOND_GIT_TOKEN, INTEGRATIOND_GIT_TOKEN_FILE] [credential: integrationd-git-token]
    #[arg(long, value_name = "FILE")]
    pub git_token_file: Option<PathBuf>,
    /// A PEM file with certificates to trust for https besides the system's; may be repeated
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_GIT_CA_FILE",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub git_ca_file: Vec<PathBuf>,
    /// The private key for ssh, if not one that ssh finds by itself
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_GIT_SSH_KEY",
        hide_env_values = true
    )]
    pub git_ssh_key: Option<PathBuf>,
    /// The known hosts for ssh, and no others
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_GIT_KNOWN_HOSTS",
        hide_env_values = true
    )]
    pub git_known_hosts: Option<PathBuf>,
    /// What must be signed
    #[arg(long, value_enum, env = "INTEGRATIOND_GIT_VERIFY", hide_env_values = true,
          default_value_t = Verify::None)]
    pub git_verify: Verify,
    /// SSH keys whose signatures count, as in ALLOWED SIGNERS of ssh-keygen(1)
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_GIT_ALLOWED_SIGNERS",
        hide_env_values = true
    )]
    pub git_allowed_signers: Option<PathBuf>,
    /// SSH keys that count no more: a list, or a KRL
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_GIT_REVOKED_KEYS",
        hide_env_values = true
    )]
    pub git_revoked_keys: Option<PathBuf>,
    /// OpenPGP keys whose signatures count; may be repeated
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_GIT_OPENPGP_KEY",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub git_openpgp_key: Vec<PathBuf>,
    /// Take a revision that does not descend from the applied one: `true`, or the commit
    #[arg(long, value_name = "COMMIT", env = "INTEGRATIOND_GIT_ALLOW_REWRITE",
          hide_env_values = true, default_value = "false", num_args = 0..=1,
          default_missing_value = "true", require_equals = true, value_parser = rewrite)]
    pub git_allow_rewrite: Rewrite,
}

fn ref_name(text: &str) -> Result<String, ReferenceError> {
    fit(text, RefName::parse)
}

fn commit(text: &str) -> Result<String, ReferenceError> {
    fit(text, CommitId::parse)
}

fn subdirectory(text: &str) -> Result<String, ReferenceError> {
    fit(text, Subdirectory::parse)
}

/// The text, if it can be read as what it is meant for. An empty one gives nothing.
fn fit<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, ReferenceError>,
) -> Result<String, ReferenceError> {
    if !text.is_empty() {
        parse(text)?;
    }
    Ok(text.to_owned())
}

/// What may be taken although history was rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rewrite {
    Nothing,
    Anything,
    Commit(CommitId),
}

fn rewrite(text: &str) -> Result<Rewrite, String> {
    match text {
        "" | "false" => Ok(Rewrite::Nothing),
        "true" => Ok(Rewrite::Anything),
        commit => {
            let commit = CommitId::parse(commit).map(Rewrite::Commit);
            commit.map_err(|_| {
                "give `true`, `false`, or the full id of a commit: 40 hexadecimal digits".to_owned()
            })
        }
    }
}

/// How a token is shown to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GitAuth {
    /// With a user name, in basic authentication
    Basic,
    /// As a bearer token
    Bearer,
}

/// What of a revision must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Verify {
    /// Nothing
    None,
    /// The commit
    Head,
    /// The tag
    Tag,
    /// Both
    TagAndHead,
}

impl GitArgs {
    /// Whether this revision may be taken although history was rewritten.
    pub(super) fn may_rewrite(&self, revision: &CommitId) -> bool {
        match &self.git_allow_rewrite {
            Rewrite::Nothing => false,
            Rewrite::Anything => true,
            Rewrite::Commit(commit) => revision == commit,
        }
    }

    /// The repository, if one is given. Nothing is fetched yet.
    pub(super) fn source(&self, state: Option<&Path>) -> Result<Option<GitSource>, Failure> {
        let Some(url) = &self.git else {
            return Ok(None);
        };
        let place = StateDirectory::find(state, &|name: &str| std::env::var_os(name), Trust::Own)?;
        place.create()?;
        let digest = Sha256::digest(url.as_bytes());
        let hash: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
        let directory = place.path().join("git").join(hash);
        Ok(Some(GitSource::new(self.options(url)?, &directory)?))
    }

    /// Whether the repository, if one is given, could be set up. Nothing is made.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let Some(url) = &self.git else {
            return Ok(());
        };
        GitSource::new(self.options(url)?, Path::new(""))?;
        let Self {
            git_ssh_key,
            git_known_hosts,
            git_allowed_signers,
            git_revoked_keys,
            git_openpgp_key,
            ..
        } = self;
        let files = [
            git_ssh_key,
            git_known_hosts,
            git_allowed_signers,
            git_revoked_keys,
        ];
        let files = files.into_iter().flatten().chain(git_openpgp_key);
        for path in files {
            File::open(path).map_err(|error| {
                let what = format!("{} cannot be read: {error}", path.display());
                Failure::new(
                    Exit::InvalidSettings,
                    what,
                    "check the path and who may read it",
                )
            })?;
        }
        Ok(())
    }

    fn options(&self, url: &str) -> Result<GitOptions, Failure> {
        let wrong = |what: &dyn std::error::Error| {
            let help = "`integrationd sync --help` tells what `--git` and its flags take";
            Failure::new(Exit::InvalidSettings, chain(what), help)
        };
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let directory = given(&self.git_directory).unwrap_or_default();
        let reference = Reference::choose(
            given(&self.git_commit).as_deref(),
            given(&self.git_tag).as_deref(),
            given(&self.git_branch).as_deref(),
        );
        let url = GitUrl::parse(url).map_err(|error| wrong(&error))?;
        Ok(GitOptions {
            reference: reference.map_err(|error| wrong(&error))?,
            subdirectory: Subdirectory::parse(&directory).map_err(|error| wrong(&error))?,
            ca_files: self.git_ca_file.clone(),
            credentials: self.credentials()?,
            ssh: SshSettings {
                identity_file: self.git_ssh_key.clone(),
                known_hosts_file: self.git_known_hosts.clone(),
            },
            verification: self.verification(),
            ..GitOptions::new(url)
        })
    }

    fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        let env = |name: &str| std::env::var_os(name);
        let file = self.git_token_file.as_ref();
        let found = git_token(file, &env, &connect::credential).map_err(ConnectError::from)?;
        let Some(source) = found else {
            return Ok(None);
        };
        let password = read_secret(source).map_err(|(path, error)| {
            Failure::new(
                Exit::InvalidSettings,
                format_args!(
                    "the git token cannot be read from {}: {error}",
                    path.display()
                ),
                "check the path and who may read it",
            )
        })?;
        Ok(Some(match self.git_auth {
            GitAuth::Basic => {
                let user = self.git_user.clone().unwrap_or_else(|| ANY_USER.to_owned());
                Credentials::Basic { user, password }
            }
            GitAuth::Bearer => Credentials::Bearer(password),
        }))
    }

    fn verification(&self) -> Option<Verification> {
        let mode = match self.git_verify {
            Verify::None => return None,
            Verify::Head => VerifyMode::Head,
            Verify::Tag => VerifyMode::Tag,
            Verify::TagAndHead => VerifyMode::TagAndHead,
        };
        Some(Verification {
            mode,
            allowed_signers: self.git_allowed_signers.clone(),
            revoked_ssh_keys: self.git_revoked_keys.clone(),
            openpgp_keys: self.git_openpgp_key.clone(),
        })
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        let exit = if error.is_of_settings() {
            Exit::InvalidSettings
        } else {
            Exit::Failed
        };
        Self::new(exit, chain(&error), error.remedy())
    }
}
