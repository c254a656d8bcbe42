//! Receiver of the daemon's notifications. The URL is a secret: anyone who has it can write
//! there.

use std::path::PathBuf;

use super::{Credential, Environment, SettingsError, secret};
use crate::secret::own::{NOTIFY_SECRET, NOTIFY_URL};
use crate::secret::{OwnCredential, SecretInput};

/// Flags of the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotifyFlags {
    /// `--notify-url-file`.
    pub url_file: Option<PathBuf>,
    /// `--notify-secret-file`.
    pub secret_file: Option<PathBuf>,
    /// `--notify-format`.
    pub format: NotifyFormat,
}

/// The body of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotifyFormat {
    /// A JSON document.
    #[default]
    Json,
    /// A message for Slack.
    Slack,
}

/// The receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// Source of the URL.
    pub url: SecretInput,
    /// Source of the signing secret.
    pub secret: Option<SecretInput>,
}

/// A setting for notifications that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// An error that every setting can have.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Nothing to sign.
    #[error("a secret for signing notifications is given, but no URL to send them to")]
    NoUrl,
}

impl NotifyError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Settings(error) => error.help(),
            Self::NoUrl => "give `--notify-url-file`, or remove the secret",
        }
    }
}

/// The settings; `None` without a receiver.
///
/// # Errors
/// Something is missing, or given twice.
pub fn notify(
    flags: &NotifyFlags,
    env: Environment<'_>,
    credential: Credential<'_>,
) -> Result<Option<Notify>, NotifyError> {
    let NotifyFlags {
        url_file,
        secret_file,
        format: _,
    } = flags;
    let find =
        |own: &OwnCredential, flag: &Option<PathBuf>| secret(own, flag.as_ref(), env, credential);
    match (
        find(&NOTIFY_URL, url_file)?,
        find(&NOTIFY_SECRET, secret_file)?,
    ) {
        (Some(url), secret) => Ok(Some(Notify { url, secret })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(NotifyError::NoUrl),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn found(flags: &NotifyFlags, set: &[&str]) -> Result<Option<Notify>, NotifyError> {
        let env = |name: &str| set.contains(&name).then(|| OsString::from("x"));
        let credential = |name: &str| set.contains(&name).then(|| PathBuf::from(name));
        notify(flags, &env, &credential)
    }

    #[test]
    fn nothing_given_sends_nothing_and_a_secret_alone_is_an_error() {
        let nothing = NotifyFlags::default();
        assert_eq!(found(&nothing, &[]), Ok(None));
        let alone = found(&nothing, &["INTEGRATIOND_NOTIFY_SECRET"]);
        assert_eq!(alone, Err(NotifyError::NoUrl));
    }

    #[test]
    fn url_comes_from_one_of_flag_variable_and_credential() {
        let flags = NotifyFlags {
            url_file: Some("url".into()),
            ..NotifyFlags::default()
        };
        let url = |found: Result<Option<Notify>, NotifyError>| found.unwrap().unwrap().url;
        let flag = found(&flags, &["INTEGRATIOND_NOTIFY_URL"]);
        assert_eq!(url(flag), SecretInput::File("url".into()));
        let credential = found(&NotifyFlags::default(), &["integrationd-notify-url"]);
        assert_eq!(
            url(credential),
            SecretInput::File("integrationd-notify-url".into())
        );
        let both = ["integrationd-notify-url", "INTEGRATIOND_NOTIFY_URL_FILE"];
        let twice = found(&NotifyFlags::default(), &both);
        assert!(matches!(
            twice,
            Err(NotifyError::Settings(SettingsError::Twice { .. }))
        ));
    }
}
