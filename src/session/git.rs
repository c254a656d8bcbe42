//! The repository that the settings name.

use std::fs::File;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::{GitSettingsError, OpenError};
use super::state;
use super::tenant::{credential, read_secret};
use crate::ledger::place::Trust;
use crate::secret::own::GIT_TOKEN;
use crate::settings::git_token;
use crate::settings::run::{GitAuth, GitSettings};
use crate::source::git::{
    GitCredentials, GitOptions, GitReference, GitSource, GitUrl, SshSettings, Subdirectory,
    Verification,
};

/// The user name that goes with a token, where none is given: most servers take any.
const ANY_USER: &str = "git";

/// Sets up the repository. Nothing is fetched yet.
pub(super) fn source(
    settings: &GitSettings,
    variables: &[PathBuf],
    flag: Option<&Path>,
) -> Result<GitSource, OpenError> {
    let place = state::find(flag, Trust::Own)?;
    place.create()?;
    let digest = Sha256::digest(settings.url.as_bytes());
    let directory = place.path().join("git").join(hex::encode(&digest[..8]));
    let options = GitOptions {
        variables: variables.to_vec(),
        ..options(settings)?
    };
    Ok(GitSource::new(options, &directory)?)
}

/// Checks these settings without using them: nothing is created or fetched.
///
/// # Errors
/// A value is wrong, or a file cannot be read.
pub fn check(settings: &GitSettings) -> Result<(), OpenError> {
    GitSource::new(options(settings)?, Path::new(""))?;
    let files = [
        &settings.ssh_key,
        &settings.known_hosts,
        &settings.allowed_signers,
        &settings.revoked_keys,
    ];
    for path in files.into_iter().flatten().chain(&settings.openpgp_keys) {
        File::open(path).map_err(|source| GitSettingsError::File {
            path: path.clone(),
            source,
        })?;
    }
    Ok(())
}

fn options(settings: &GitSettings) -> Result<GitOptions, GitSettingsError> {
    let directory = given(settings.directory.as_ref()).unwrap_or_default();
    let reference = GitReference::choose(
        given(settings.commit.as_ref()),
        given(settings.tag.as_ref()),
        given(settings.branch.as_ref()),
    );
    let url = GitUrl::parse(&settings.url).map_err(wrong)?;
    Ok(GitOptions {
        reference: reference.map_err(wrong)?,
        subdirectory: Subdirectory::parse(directory).map_err(wrong)?,
        ca_files: settings.ca_files.clone(),
        credentials: credentials(settings)?,
        ssh: SshSettings {
            identity_file: settings.ssh_key.clone(),
            known_hosts_file: settings.known_hosts.clone(),
        },
        verification: settings.verify.map(|mode| Verification {
            mode,
            allowed_signers: settings.allowed_signers.clone(),
            revoked_ssh_keys: settings.revoked_keys.clone(),
            openpgp_keys: settings.openpgp_keys.clone(),
        }),
        ..GitOptions::new(url)
    })
}

fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

fn wrong(error: impl std::error::Error + Send + Sync + 'static) -> GitSettingsError {
    GitSettingsError::Value(Box::new(error))
}

fn credentials(settings: &GitSettings) -> Result<Option<GitCredentials>, GitSettingsError> {
    let env = |name: &str| std::env::var_os(name);
    let Some(source) = git_token(settings.token_file.as_ref(), &env, &credential)? else {
        return Ok(None);
    };
    let password = read_secret(&GIT_TOKEN, source)?;
    Ok(Some(match settings.auth {
        GitAuth::Basic => {
            let user = settings.user.clone();
            let user = user.unwrap_or_else(|| ANY_USER.to_owned());
            GitCredentials::Basic { user, password }
        }
        GitAuth::Bearer => GitCredentials::Bearer(password),
    }))
}
