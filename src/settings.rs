//! Settings of the tenant and its credentials: flag, then environment, then default.
//!
//! Pure: flags and the environment are arguments. Two sources for one setting at the same rank
//! are an error that names both, since either could be meant. A secret comes from the
//! environment, a file or a systemd credential, never from the command line.

pub mod daemon;
pub mod file;
mod given;
pub mod listen;
pub mod notify;
pub(crate) mod parse;
pub mod run;
pub mod tls;
pub mod vault;
pub mod webhook;

use std::path::PathBuf;

pub use given::is_given;

pub use crate::ledger::place::Environment;

use crate::secret::own::{API_KEY, GIT_TOKEN};
use crate::secret::{OwnCredential, Secret, SecretInput};

/// Flags about the connection.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--url`.
    pub url: Option<String>,
    /// `--api-key-file`.
    pub api_key_file: Option<PathBuf>,
}

/// A setting that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No URL.
    #[error("no tenant is configured")]
    NoUrl,
    /// No key.
    #[error("no API key is configured")]
    NoKey,
    /// Two sources.
    #[error("`{first}` and `{second}` are both set")]
    Twice {
        /// One of them.
        first: &'static str,
        /// The other one.
        second: &'static str,
    },
    /// A value that is not text.
    #[error("`{name}` is not valid UTF-8")]
    NotText {
        /// The variable.
        name: &'static str,
    },
}

impl SettingsError {
    /// True if nothing gives the setting.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match self {
            Self::NoUrl | Self::NoKey => true,
            Self::Twice { .. } | Self::NotText { .. } => false,
        }
    }

    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoUrl => {
                "set IMMUTA_URL or `--url` to the tenant's URL, such as \
                https://acme.hosted.immutacloud.com; to try integrationd without a tenant, run \
                `integrationd sync --simulate`"
            }
            Self::NoKey => {
                "set IMMUTA_API_KEY or IMMUTA_API_KEY_FILE; create a key in Immuta (profile page, \
                tab API Keys)"
            }
            Self::Twice { .. } => "unset one of them",
            Self::NotText { .. } => "set it to UTF-8 text",
        }
    }
}

/// Path of a credential that systemd passed in, if there is one.
pub type Credential<'a> = &'a dyn Fn(&str) -> Option<PathBuf>;

const URL: &str = "IMMUTA_URL";
const HOST: &str = "IMMUTA_HOST";

/// The URL of the tenant. `IMMUTA_HOST` may omit the scheme.
///
/// # Errors
/// None is given, or two are.
pub fn url(flags: &Flags, env: Environment<'_>) -> Result<String, SettingsError> {
    if let Some(url) = &flags.url {
        return Ok(url.clone());
    }
    match (text(env, URL)?, text(env, HOST)?) {
        (Some(_), Some(_)) => Err(SettingsError::Twice {
            first: URL,
            second: HOST,
        }),
        (Some(url), None) => Ok(url),
        (None, Some(host)) if host.contains("://") => Ok(host),
        (None, Some(host)) => Ok(format!("https://{host}")),
        (None, None) => Err(SettingsError::NoUrl),
    }
}

/// Source of the API key. A systemd credential counts like a file that is named
/// by the environment.
///
/// # Errors
/// None is given, or two are.
pub fn api_key(
    flags: &Flags,
    env: Environment<'_>,
    credential: Credential<'_>,
) -> Result<SecretInput, SettingsError> {
    let flag = flags.api_key_file.as_ref();
    secret(&API_KEY, flag, env, credential)?.ok_or(SettingsError::NoKey)
}

/// Source of the token for a git server, if there is one.
///
/// # Errors
/// Two are given.
pub fn git_token(
    flag: Option<&PathBuf>,
    env: Environment<'_>,
    credential: Credential<'_>,
) -> Result<Option<SecretInput>, SettingsError> {
    secret(&GIT_TOKEN, flag, env, credential)
}

/// Source of an optional secret. A systemd credential counts like a file that is named by the
/// environment.
fn secret(
    own: &OwnCredential,
    flag: Option<&PathBuf>,
    env: Environment<'_>,
    credential: Credential<'_>,
) -> Result<Option<SecretInput>, SettingsError> {
    Ok(named_secret(own, flag, env, credential)?.map(|(_, source)| source))
}

/// The same, with the name under which the secret is given.
fn named_secret(
    own: &OwnCredential,
    flag: Option<&PathBuf>,
    env: Environment<'_>,
    credential: Credential<'_>,
) -> Result<Option<(&'static str, SecretInput)>, SettingsError> {
    if let Some(file) = flag {
        let name = own.file.unwrap_or_default();
        return Ok(Some((name, SecretInput::File(file.clone()))));
    }
    let mut given = Vec::new();
    for name in own.values {
        let value = text(env, name)?;
        given.extend(value.map(|value| (*name, SecretInput::Value(Secret::new(value)))));
    }
    if let Some(name) = own.file {
        let path = text(env, name)?;
        given.extend(path.map(|path| (name, SecretInput::File(path.into()))));
    }
    if let Some(name) = own.credential {
        given.extend(credential(name).map(|path| (name, SecretInput::File(path))));
    }
    match given.as_slice() {
        [(first, _), (second, _), ..] => Err(SettingsError::Twice { first, second }),
        _ => Ok(given.pop()),
    }
}

/// A variable that is set and not empty.
fn text(env: Environment<'_>, name: &'static str) -> Result<Option<String>, SettingsError> {
    let Some(value) = env(name).filter(|v| !v.is_empty()) else {
        return Ok(None);
    };
    value
        .into_string()
        .map(Some)
        .map_err(|_| SettingsError::NotText { name })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use std::path::Path;

    use super::*;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| OsString::from(v))
        }
    }

    /// Every credential, as systemd would.
    #[expect(clippy::unnecessary_wraps, reason = "others pass in nothing")]
    fn passed_in(name: &str) -> Option<PathBuf> {
        Some(Path::new("/run/c").join(name))
    }

    #[test]
    fn a_flag_beats_the_environment() {
        let flags = Flags {
            url: Some("https://flag".into()),
            ..Flags::default()
        };
        assert_eq!(
            url(&flags, &env(&[("IMMUTA_URL", "https://env")])),
            Ok("https://flag".into())
        );
    }

    #[test]
    fn a_host_without_a_scheme_means_https() {
        let found = url(&Flags::default(), &env(&[("IMMUTA_HOST", "acme.example")]));
        assert_eq!(found, Ok("https://acme.example".into()));
    }

    #[test]
    fn two_sources_of_one_rank_are_an_error_that_names_both() {
        let found = url(
            &Flags::default(),
            &env(&[("IMMUTA_URL", "a"), ("IMMUTA_HOST", "b")]),
        );
        assert_eq!(
            found,
            Err(SettingsError::Twice {
                first: "IMMUTA_URL",
                second: "IMMUTA_HOST"
            })
        );
        let found = api_key(
            &Flags::default(),
            &env(&[("IMMUTA_API_KEY", "a"), ("IMMUTA_API_KEY_FILE", "b")]),
            &|_| None,
        );
        let twice = SettingsError::Twice {
            first: "IMMUTA_API_KEY",
            second: "IMMUTA_API_KEY_FILE",
        };
        assert_eq!(found, Err(twice));
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        assert_eq!(
            url(&Flags::default(), &env(&[("IMMUTA_URL", "")])),
            Err(SettingsError::NoUrl)
        );
    }

    #[test]
    fn a_systemd_credential_is_a_source_of_the_key() {
        let found = api_key(&Flags::default(), &env(&[]), &passed_in);
        assert_eq!(found, Ok(SecretInput::File("/run/c/immuta-api-key".into())));
    }

    #[test]
    fn two_tokens_for_git_are_an_error_and_a_flag_beats_them() {
        let set = env(&[("INTEGRATIOND_GIT_TOKEN_FILE", "t")]);
        let twice = SettingsError::Twice {
            first: "INTEGRATIOND_GIT_TOKEN_FILE",
            second: "integrationd-git-token",
        };
        assert_eq!(git_token(None, &set, &passed_in), Err(twice));
        let flag = git_token(Some(&"flag".into()), &set, &passed_in);
        assert_eq!(flag, Ok(Some(SecretInput::File("flag".into()))));
    }
}
