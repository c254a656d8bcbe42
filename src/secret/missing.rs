//! Reasons why a reference has no value.

use std::fmt;
use std::sync::Arc;

use super::Scrubber;
use crate::text::{cut, escaped};

/// So many names are listed in a reason.
const LISTED: usize = 12;

/// The longest name that is listed, in characters.
const LONGEST_NAME: usize = 64;

/// Reason why a reference has no value. Every text includes the remedy; none repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MissingReason {
    /// No such variable.
    #[error("the environment variable is not set: set it in integrationd's environment")]
    NotSet,
    /// A variable of the tool itself.
    #[error("this variable is reserved for integrationd itself: use another one")]
    OwnVariable,
    /// The credential that holds the tool's own key.
    #[error("this credential is reserved for integrationd itself: use another one")]
    OwnCredential,
    /// The file that holds the tool's own key.
    #[error("this file is reserved for integrationd itself: use another one")]
    OwnFile,
    /// A copy of an own credential.
    #[error(
        "its value is one of integrationd's own credentials: give the integration its own \
        credential"
    )]
    OwnValue,
    /// A part of an own credential.
    #[error(
        "together with the adjacent text, its value is one of integrationd's own credentials: give \
        the integration its own credential"
    )]
    PartOfOwnValue,
    /// Nothing in it.
    #[error("the secret is empty: give it a value")]
    Empty,
    /// Not text.
    #[error("the secret is not valid UTF-8: store it as text")]
    NotUtf8,
    /// No root was declared.
    #[error("no directory for secrets is configured: give one with `--secret-root`")]
    NoRoot,
    /// Not below a root.
    #[error("the path is outside the directories for secrets: move the file into one of them")]
    Outside,
    /// No such file.
    #[error("the file does not exist: create it, or correct the reference")]
    NoFile,
    /// A directory, a device, a pipe.
    #[error("the path is not a regular file: store the secret in a regular file")]
    NotAFile,
    /// Larger than any secret.
    #[error("the file has more than {limit} bytes: store only the secret in it")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The operating system said no.
    #[error("the file cannot be read ({0}): allow integrationd's user to read it")]
    Unreadable(std::io::ErrorKind),
    /// systemd passed nothing in.
    #[error("systemd passed no credentials: add `LoadCredential=` to the unit")]
    NoCredentials,
    /// Not among what systemd passed in.
    #[error("systemd passed no credential with this name: add it with `LoadCredential=`")]
    NoCredential,
    /// A path in place of a name.
    #[error("a credential is referenced by name, not by path: use the name in `LoadCredential=`")]
    NotAName,
    /// A file or a secret that has no such place in it.
    #[error("`{place}` was not found{}: correct the reference", among(.names))]
    NoPlace {
        /// The place.
        place: String,
        /// The names that there are.
        names: Vec<String>,
    },
    /// A value of another kind.
    #[error("the value is {0}, but a secret must be a string: put the value in quotes")]
    NotAString(&'static str),
    /// A problem that only one provider has.
    #[error("{0}")]
    Provider(ProviderProblem),
    /// It was not to be resolved.
    #[error("the reference was not resolved")]
    NotResolved,
}

impl MissingReason {
    /// In a few words, before the reason.
    pub(super) fn verdict(&self) -> &'static str {
        match self {
            Self::OwnVariable
            | Self::OwnCredential
            | Self::OwnFile
            | Self::OwnValue
            | Self::PartOfOwnValue => "is not allowed",
            Self::NotSet
            | Self::Empty
            | Self::NotUtf8
            | Self::NoRoot
            | Self::Outside
            | Self::NoFile
            | Self::NotAFile
            | Self::TooLarge { .. }
            | Self::Unreadable(_)
            | Self::NoCredentials
            | Self::NoCredential
            | Self::NotAName
            | Self::NoPlace { .. }
            | Self::NotAString(_)
            | Self::Provider(_)
            | Self::NotResolved => "has no value",
        }
    }

    /// The same reason, without these secrets in the words of programs and servers.
    pub(super) fn scrubbed(self, scrubber: &Scrubber) -> Self {
        match self {
            Self::Provider(ProviderProblem(problem)) => {
                Self::Provider(ProviderProblem(problem.scrubbed(scrubber)))
            }
            Self::NotSet
            | Self::OwnVariable
            | Self::OwnCredential
            | Self::OwnFile
            | Self::OwnValue
            | Self::PartOfOwnValue
            | Self::Empty
            | Self::NotUtf8
            | Self::NoRoot
            | Self::Outside
            | Self::NoFile
            | Self::NotAFile
            | Self::TooLarge { .. }
            | Self::Unreadable(_)
            | Self::NoCredentials
            | Self::NoCredential
            | Self::NotAName
            | Self::NoPlace { .. }
            | Self::NotAString(_)
            | Self::NotResolved => self,
        }
    }
}

/// A problem of one provider, in the provider's own words.
pub(super) trait Problem: fmt::Debug + fmt::Display + Send + Sync {
    /// The same problem, without these secrets in the words of programs and servers.
    fn scrubbed(&self, scrubber: &Scrubber) -> Arc<dyn Problem>;
}

/// A problem of one provider. Two are the same if they say the same.
#[derive(Debug, Clone)]
pub struct ProviderProblem(Arc<dyn Problem>);

impl fmt::Display for ProviderProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl PartialEq for ProviderProblem {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for ProviderProblem {}

impl<P: Problem + 'static> From<P> for MissingReason {
    fn from(problem: P) -> Self {
        Self::Provider(ProviderProblem(Arc::new(problem)))
    }
}

/// The names that could have been meant. They come from outside.
fn among(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let shown = names.iter().take(LISTED);
    let shown: Vec<_> = shown
        .map(|name| escaped(&cut(name, LONGEST_NAME)).into_owned())
        .collect();
    let more = if names.len() > LISTED {
        " and more"
    } else {
        ""
    };
    format!(" (available: {}{more})", shown.join(", "))
}
