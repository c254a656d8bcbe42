//! A git repository, instead of a directory.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::secret::own::{GIT_SSH_KEY, GIT_TOKEN};
use crate::settings::parse::{commit, ref_name, rewrite, subdirectory};
use crate::settings::run::{self, GitSettings, Rewrite};
use crate::source::git::VerifyMode;

/// Repository, and the objects that count in it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Git, in place of a directory")]
pub(crate) struct GitArgs {
    /// Git repository to read instead of a directory: https://HOST/PATH, ssh://USER@HOST/PATH,
    /// USER@HOST:PATH, or a path; files from the repository may send secrets only to hosts that
    /// `--allow-secret` allows
    #[arg(long, value_name = "URL", env = "INTEGRATIOND_GIT")]
    pub git: Option<String>,
    /// Branch to read [default: the repository's default branch]
    #[arg(long, value_name = "NAME", env = "INTEGRATIOND_GIT_BRANCH", value_parser = ref_name)]
    pub git_branch: Option<String>,
    /// Tag to read; overrides `--git-branch`
    #[arg(long, value_name = "NAME", env = "INTEGRATIOND_GIT_TAG", value_parser = ref_name)]
    pub git_tag: Option<String>,
    /// Commit to read; overrides `--git-tag` and `--git-branch`
    #[arg(long, value_name = "HASH", env = "INTEGRATIOND_GIT_COMMIT", value_parser = commit)]
    pub git_commit: Option<String>,
    /// Directory of integration files in the repository
    #[arg(long, value_name = "DIR", env = "INTEGRATIOND_GIT_DIRECTORY",
          value_parser = subdirectory)]
    pub git_directory: Option<String>,
    /// Authentication method for HTTPS: send the token as the password of a user, or as a bearer
    /// token
    #[arg(long, value_name = "HOW", value_enum, env = "INTEGRATIOND_GIT_AUTH",
          default_value_t = GitAuthChoice::Basic)]
    pub git_auth: GitAuthChoice,
    /// User name for HTTPS, with `--git-auth basic` [default: git]
    #[arg(long, value_name = "NAME", env = "INTEGRATIOND_GIT_USER")]
    pub git_user: Option<String>,
    #[arg(long, value_name = "FILE", help = GIT_TOKEN.help("File with the password or token for \
        HTTPS"))]
    pub git_token_file: Option<PathBuf>,
    /// PEM file with certificates to trust for HTTPS, in addition to the system's; may be repeated
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_GIT_CA_FILE",
        value_delimiter = ','
    )]
    pub git_ca_file: Vec<PathBuf>,
    /// File with the private key to use for SSH instead of the user's default keys
    #[arg(long, value_name = "FILE", env = GIT_SSH_KEY.file_variable())]
    pub git_ssh_key: Option<PathBuf>,
    /// Known hosts file to use for SSH instead of the user's own file
    #[arg(long, value_name = "FILE", env = "INTEGRATIOND_GIT_KNOWN_HOSTS")]
    pub git_known_hosts: Option<PathBuf>,
    /// Objects that must be signed
    #[arg(long, value_name = "WHAT", value_enum, env = "INTEGRATIOND_GIT_VERIFY",
          default_value_t = Verify::None)]
    pub git_verify: Verify,
    /// File with the SSH keys whose signatures are accepted (see ALLOWED SIGNERS in ssh-keygen(1))
    #[arg(long, value_name = "FILE", env = "INTEGRATIOND_GIT_ALLOWED_SIGNERS")]
    pub git_allowed_signers: Option<PathBuf>,
    /// File with revoked SSH keys: a list or a KRL
    #[arg(long, value_name = "FILE", env = "INTEGRATIOND_GIT_REVOKED_KEYS")]
    pub git_revoked_keys: Option<PathBuf>,
    /// File with OpenPGP keys whose signatures are accepted; may be repeated
    #[arg(
        long,
        value_name = "FILE",
        env = "INTEGRATIOND_GIT_OPENPGP_KEY",
        value_delimiter = ','
    )]
    pub git_openpgp_key: Vec<PathBuf>,
    /// Accept a revision that does not descend from the applied one: `true` for any revision, or
    /// the ID of the commit
    #[arg(long, value_name = "COMMIT", env = "INTEGRATIOND_GIT_ALLOW_REWRITE",
          default_value = "false", num_args = 0..=1, default_missing_value = "true",
          require_equals = true, value_parser = rewrite)]
    pub git_allow_rewrite: Rewrite,
}

/// Form in which a token is sent to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GitAuthChoice {
    /// With a user name, as basic authentication
    Basic,
    /// As a bearer token
    Bearer,
}

/// Objects of a revision that must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verify {
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
    /// The repository, if one is given.
    pub(crate) fn settings(self) -> Option<GitSettings> {
        let Self {
            git,
            git_branch,
            git_tag,
            git_commit,
            git_directory,
            git_auth,
            git_user,
            git_token_file,
            git_ca_file,
            git_ssh_key,
            git_known_hosts,
            git_verify,
            git_allowed_signers,
            git_revoked_keys,
            git_openpgp_key,
            git_allow_rewrite,
        } = self;
        Some(GitSettings {
            url: git?,
            branch: git_branch,
            tag: git_tag,
            commit: git_commit,
            directory: git_directory,
            auth: match git_auth {
                GitAuthChoice::Basic => run::GitAuth::Basic,
                GitAuthChoice::Bearer => run::GitAuth::Bearer,
            },
            user: git_user,
            token_file: git_token_file,
            ca_files: git_ca_file,
            ssh_key: git_ssh_key,
            known_hosts: git_known_hosts,
            verify: match git_verify {
                Verify::None => None,
                Verify::Head => Some(VerifyMode::Head),
                Verify::Tag => Some(VerifyMode::Tag),
                Verify::TagAndHead => Some(VerifyMode::TagAndHead),
            },
            allowed_signers: git_allowed_signers,
            revoked_keys: git_revoked_keys,
            openpgp_keys: git_openpgp_key,
            allow_rewrite: git_allow_rewrite,
        })
    }
}
