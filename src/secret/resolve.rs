//! From references to values.
//!
//! All references are resolved together, before anything is planned. One that
//! has no value is a [`Missing`], kept beside the others: it blocks only what
//! needs it. A value is never empty, never cast, and never guessed.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::{Reference, Secret, SecretSource, cred, env, file};

/// Looks up an environment variable.
pub type Environment = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Where the providers look.
pub struct Providers {
    /// The environment variables.
    pub environment: Environment,
    /// The directories below which `file` may read.
    pub secret_roots: Vec<PathBuf>,
    /// Files that hold the tool's own API key: never read, though they may lie
    /// below a root beside the others.
    pub own_files: Vec<PathBuf>,
}

impl Providers {
    /// The environment of this process, and these directories. What the environment
    /// names as the tool's own is not read.
    #[must_use]
    pub fn of_process(secret_roots: Vec<PathBuf>) -> Self {
        Self::new(Box::new(|name| std::env::var_os(name)), secret_roots)
    }

    fn new(environment: Environment, secret_roots: Vec<PathBuf>) -> Self {
        Self {
            own_files: env::own_files(&environment)
                .chain(cred::own_file(&environment))
                .collect(),
            environment,
            secret_roots,
        }
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            environment: _,
            secret_roots,
            own_files,
        } = self;
        f.debug_struct("Providers")
            .field("secret_roots", secret_roots)
            .field("own_files", own_files)
            .finish_non_exhaustive()
    }
}

/// A reference that has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reference} has no value: {reason}")]
pub struct Missing {
    /// The reference.
    pub reference: Reference,
    /// Why, and what helps.
    pub reason: MissingReason,
}

/// Why a reference has no value. Every text says what helps; none repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MissingReason {
    /// No such variable.
    #[error("the environment variable is not set: set it for integrationd")]
    NotSet,
    /// A variable of the tool itself.
    #[error("this variable belongs to integrationd itself: use another one")]
    OwnVariable,
    /// The credential that holds the tool's own key.
    #[error("this credential belongs to integrationd itself: use another one")]
    OwnCredential,
    /// The file that holds the tool's own key.
    #[error("this file belongs to integrationd itself: use another one")]
    OwnFile,
    /// Nothing in it.
    #[error("it is empty: give it a value")]
    Empty,
    /// Not text.
    #[error("it is not UTF-8 text: store text")]
    NotUtf8,
    /// No root was declared.
    #[error("no directory for secrets is declared: give one with --secret-root")]
    NoRoot,
    /// Not below a root.
    #[error("the path leads out of the directories for secrets: put the file below one of them")]
    Outside,
    /// No such file.
    #[error("there is no such file: create it, or correct the reference")]
    NoFile,
    /// A directory, a device, a pipe.
    #[error("it is not a regular file: put the value into one")]
    NotAFile,
    /// Larger than any secret.
    #[error("the file has more than {limit} bytes: a secret is smaller")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The operating system said no.
    #[error("the file cannot be read ({0}): let integrationd's user read it")]
    Unreadable(std::io::ErrorKind),
    /// systemd passed nothing in.
    #[error("systemd passed no credentials in: add LoadCredential= to the unit")]
    NoCredentials,
    /// Not among what systemd passed in.
    #[error("systemd passed no credential of this name in: add it with LoadCredential=")]
    NoCredential,
    /// A path in place of a name.
    #[error("a credential has a name, not a path: write it as LoadCredential= has it")]
    NotAName,
    /// Nobody asked for it to be resolved.
    #[error("it was not looked up")]
    NotResolved,
}

/// The values of references.
#[derive(Debug, Default)]
pub struct Secrets(HashMap<Reference, Result<Secret, MissingReason>>);

impl Secrets {
    /// Every value that was found.
    pub fn values(&self) -> impl Iterator<Item = &Secret> {
        self.0.values().filter_map(|value| value.as_ref().ok())
    }

    /// The value of a reference.
    ///
    /// # Errors
    /// If it has none, or was never looked up.
    pub fn get(&self, reference: &Reference) -> Result<&Secret, Missing> {
        let reason = match self.0.get(reference) {
            Some(Ok(secret)) => return Ok(secret),
            Some(Err(reason)) => reason.clone(),
            None => MissingReason::NotResolved,
        };
        Err(Missing {
            reference: reference.clone(),
            reason,
        })
    }

    /// Harmless values, one for each reference, for a run that resolves nothing real.
    #[must_use]
    pub fn placeholders<'a>(references: impl IntoIterator<Item = &'a Reference>) -> Self {
        let value = |reference: &Reference| {
            let source = reference.source.as_str();
            Secret::new(format!("simulated-{source}-{}", reference.argument))
        };
        references
            .into_iter()
            .map(|reference| (reference.clone(), Ok(value(reference))))
            .collect()
    }
}

impl FromIterator<(Reference, Result<Secret, MissingReason>)> for Secrets {
    fn from_iter<I>(pairs: I) -> Self
    where
        I: IntoIterator<Item = (Reference, Result<Secret, MissingReason>)>,
    {
        Self(pairs.into_iter().collect())
    }
}

/// Looks every reference up, each once.
#[must_use]
pub fn resolve<'a>(
    references: impl IntoIterator<Item = &'a Reference>,
    providers: &Providers,
) -> Secrets {
    let mut secrets = HashMap::new();
    for reference in references {
        if !secrets.contains_key(reference) {
            secrets.insert(reference.clone(), read(reference, providers));
        }
    }
    Secrets(secrets)
}

fn read(reference: &Reference, providers: &Providers) -> Result<Secret, MissingReason> {
    let Providers {
        environment,
        secret_roots,
        own_files,
    } = providers;
    match reference.source {
        SecretSource::Env => env::read(&reference.argument, environment),
        SecretSource::File => file::read(&reference.argument, secret_roots, own_files),
        SecretSource::Cred => cred::read(&reference.argument, environment),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn reference(source: SecretSource, argument: &str) -> Reference {
        Reference {
            source,
            argument: argument.into(),
        }
    }

    #[test]
    fn a_value_is_found_and_a_missing_one_tells_what_helps_beside_it() {
        let providers = Providers {
            environment: Box::new(|name| (name == "A").then(|| "hunter2".into())),
            secret_roots: Vec::new(),
            own_files: Vec::new(),
        };
        let a = reference(SecretSource::Env, "A");
        let b = reference(SecretSource::Env, "B");
        let c = reference(SecretSource::Cred, "c");
        let secrets = resolve([&a, &b, &c], &providers);
        assert_eq!(secrets.get(&a), Ok(&Secret::new("hunter2".into())));
        let text = |reference| secrets.get(reference).unwrap_err().to_string();
        assert_eq!(
            text(&b),
            "${env:B} has no value: the environment variable is not set: set it for integrationd"
        );
        assert!(text(&c).contains("LoadCredential="));
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }

    #[test]
    fn the_environment_tells_which_files_are_the_tools_own() {
        let environment: Environment = Box::new(|name| match name {
            "IMMUTA_API_KEY_FILE" => Some("/run/keys/a".into()),
            "CREDENTIALS_DIRECTORY" => Some("/run/c".into()),
            _ => None,
        });
        let providers = Providers::new(environment, Vec::new());
        let own: Vec<_> = providers.own_files.iter().map(|p| p.to_str()).collect();
        assert_eq!(own, [Some("/run/keys/a"), Some("/run/c/immuta-api-key")]);
    }

    #[test]
    fn what_was_never_looked_up_is_missing() {
        let error = Secrets::default()
            .get(&reference(SecretSource::File, "x"))
            .unwrap_err();
        assert_eq!(error.reason, MissingReason::NotResolved);
    }

    #[test]
    fn a_reference_is_looked_up_once() {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let providers = Providers {
            environment: Box::new(move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                None
            }),
            secret_roots: Vec::new(),
            own_files: Vec::new(),
        };
        let a = reference(SecretSource::Env, "A");
        let _ = resolve([&a, &a, &a], &providers);
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn placeholders_are_distinct_and_need_no_provider() {
        let all = [
            reference(SecretSource::Env, "A"),
            reference(SecretSource::File, "A"),
            reference(SecretSource::Env, "B"),
        ];
        let secrets = Secrets::placeholders(&all);
        let mut values: Vec<_> = all
            .iter()
            .map(|reference| secrets.get(reference).unwrap().expose().to_owned())
            .collect();
        values.sort();
        values.dedup();
        assert_eq!(values.len(), 3);
    }
}
