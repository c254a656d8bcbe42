//! Where the tenant is and who asks: flag, then environment, then default.
//!
//! Pure: flags and the environment are handed in. Two sources for one setting at
//! the same rank are an error that names both, since either could be meant. A
//! secret comes from the environment, a file or a systemd credential, never from
//! the command line.

pub mod daemon;
mod given;
pub mod listen;
pub mod notify;
pub mod run;
pub mod tls;
pub mod vault;
pub mod webhook;

use std::ffi::OsString;
use std::path::PathBuf;

pub use given::is_given;

use crate::secret::{GIT_TOKEN_CREDENTIAL, OWN_CREDENTIAL, Secret};

/// What the command line says about the connection.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--url`.
    pub url: Option<String>,
    /// `--api-key-file`.
    pub api_key_file: Option<PathBuf>,
}

/// Where the API key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In the environment.
    Value(Secret),
    /// In a file.
    File(PathBuf),
}

/// A setting that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No URL.
    #[error("no tenant is given")]
    NoUrl,
    /// No key.
    #[error("no API key is given")]
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

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoUrl => {
                "set IMMUTA_URL or `--url`, such as https://acme.hosted.immutacloud.com; or try it without a tenant: `sync --simulate`"
            }
            Self::NoKey => {
                "set IMMUTA_API_KEY or IMMUTA_API_KEY_FILE; a key is made on the profile page of Immuta, tab API Keys"
            }
            Self::Twice { .. } => "unset one of them",
            Self::NotText { .. } => "set it to plain text",
        }
    }
}

/// The environment, as far as settings read it.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Where a credential lies that systemd passed in, if it did.
pub type Credential<'a> = &'a dyn Fn(&str) -> Option<PathBuf>;

/// The name of the systemd credential that holds the key.
pub const KEY_CREDENTIAL: &str = OWN_CREDENTIAL;

const URL: &str = "IMMUTA_URL";
const HOST: &str = "IMMUTA_HOST";
const KEY: &str = "IMMUTA_API_KEY";
const TOKEN: &str = "IMMUTA_API_TOKEN";
const KEY_FILE: &str = "IMMUTA_API_KEY_FILE";

const API_KEY: Names = Names {
    value: KEY,
    file: KEY_FILE,
    credential: KEY_CREDENTIAL,
};

const GIT_TOKEN: Names = Names {
    value: "INTEGRATIOND_GIT_TOKEN",
    file: "INTEGRATIOND_GIT_TOKEN_FILE",
    credential: GIT_TOKEN_CREDENTIAL,
};

/// The URL of the tenant. `IMMUTA_HOST` may leave out the scheme.
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

/// Where the API key is. A systemd credential counts like a file that is named
/// by the environment.
///
/// # Errors
/// None is given, or two are.
pub fn api_key(
    flags: &Flags,
    env: Environment<'_>,
    credential: Credential<'_>,
) -> Result<KeySource, SettingsError> {
    if let Some(file) = &flags.api_key_file {
        return Ok(KeySource::File(file.clone()));
    }
    let value = |name| {
        Ok::<_, SettingsError>(text(env, name)?.map(|v| (name, KeySource::Value(Secret::new(v)))))
    };
    let given = [
        value(KEY)?,
        value(TOKEN)?,
        text(env, KEY_FILE)?.map(|path| (KEY_FILE, KeySource::File(path.into()))),
        credential(KEY_CREDENTIAL).map(|path| (KEY_CREDENTIAL, KeySource::File(path))),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (None, _) => Err(SettingsError::NoKey),
        (Some((_, source)), None) => Ok(source),
        (Some((first, _)), Some((second, _))) => Err(SettingsError::Twice { first, second }),
    }
}

/// Where the token for a git server is, if there is one.
///
/// # Errors
/// Two are given.
pub fn git_token(
    flag: Option<&PathBuf>,
    env: Environment<'_>,
    credential: Credential<'_>,
) -> Result<Option<KeySource>, SettingsError> {
    secret(&GIT_TOKEN, flag, env, credential)
}

/// What names a secret, beside its flag.
struct Names {
    /// The variable with its value.
    value: &'static str,
    /// The variable with the path of its file.
    file: &'static str,
    /// The systemd credential.
    credential: &'static str,
}

/// Where a secret is that need not be given. A systemd credential counts like a file
/// that is named by the environment.
fn secret(
    names: &Names,
    flag: Option<&PathBuf>,
    env: Environment<'_>,
    credential: Credential<'_>,
) -> Result<Option<KeySource>, SettingsError> {
    if let Some(file) = flag {
        return Ok(Some(KeySource::File(file.clone())));
    }
    let value = text(env, names.value)?;
    let value = value.map(|value| (names.value, KeySource::Value(Secret::new(value))));
    let file = text(env, names.file)?.map(|path| (names.file, KeySource::File(path.into())));
    let credential = credential(names.credential);
    let credential = credential.map(|path| (names.credential, KeySource::File(path)));
    let mut given = [value, file, credential].into_iter().flatten();
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some((_, source)), None) => Ok(Some(source)),
        (Some((first, _)), Some((second, _))) => Err(SettingsError::Twice { first, second }),
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
        assert_eq!(found, Ok(KeySource::File("/run/c/immuta-api-key".into())));
    }

    #[test]
    fn two_tokens_for_git_are_an_error_and_a_flag_beats_them() {
        let set = env(&[("INTEGRATIOND_GIT_TOKEN_FILE", "t")]);
        let twice = SettingsError::Twice {
            first: GIT_TOKEN.file,
            second: GIT_TOKEN_CREDENTIAL,
        };
        assert_eq!(git_token(None, &set, &passed_in), Err(twice));
        let flag = git_token(Some(&"flag".into()), &set, &passed_in);
        assert_eq!(flag, Ok(Some(KeySource::File("flag".into()))));
    }
}
