//! From references to values.
//!
//! All references are resolved together, before anything is planned. One that
//! has no value is a [`Missing`], kept beside the others: it blocks only what
//! needs it. A value is never empty, never cast, and never guessed.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::PathBuf;

use super::address::SopsAddress;
use super::environment::Environment;
use super::vault::VaultSettings;
use super::{
    Missing, MissingReason, Reference, Scrubber, Secret, SecretSource, cred, env, file, own_values,
    sops, vault,
};
use crate::progress::Progress;

/// A reference that was looked up, and what came of it.
pub(super) type Found = (Reference, Result<Secret, MissingReason>);

/// Where the providers look.
pub struct Providers {
    /// The environment variables.
    pub environment: Environment,
    /// The directories below which `file` and `sops` may read.
    pub secret_roots: Vec<PathBuf>,
    /// Files that hold what the tool itself logs in with: never read, though
    /// they may lie below a root beside the others.
    pub own_files: Vec<PathBuf>,
    /// What the program `sops` is given of the environment.
    pub sops_environment: Vec<(OsString, OsString)>,
    /// Where Vault is; absent if there is none.
    pub vault: Option<VaultSettings>,
    /// Is told of every answer of theirs.
    pub progress: Progress,
}

impl Providers {
    /// The environment of this process, and these directories. What the environment
    /// names as the tool's own is not read.
    #[must_use]
    pub fn of_process(secret_roots: Vec<PathBuf>) -> Self {
        Self {
            secret_roots,
            sops_environment: sops::passed_on(std::env::vars_os()),
            ..Self::with(Box::new(|name| std::env::var_os(name)))
        }
    }

    /// These environment variables, and nothing else.
    #[must_use]
    pub fn with(environment: Environment) -> Self {
        Self {
            own_files: own_values::own_files(&environment),
            environment,
            secret_roots: Vec::new(),
            sops_environment: Vec::new(),
            vault: None,
            progress: Progress::default(),
        }
    }
}

impl Providers {
    /// True if a reference leads to a file with an own credential.
    #[must_use]
    pub fn is_own_file(&self, reference: &Reference) -> bool {
        let roots = |argument| file::leads_to(argument, &self.secret_roots, &self.own_files);
        match reference.source {
            SecretSource::File => roots(&reference.argument),
            SecretSource::Sops => SopsAddress::parse(&reference.argument)
                .is_some_and(|SopsAddress { file, .. }| roots(file)),
            SecretSource::Cred => {
                let directory = (self.environment)(cred::DIRECTORY).map(PathBuf::from);
                let directory: Vec<PathBuf> = directory.into_iter().collect();
                file::leads_to(&reference.argument, &directory, &self.own_files)
            }
            SecretSource::Env | SecretSource::Vault => false,
        }
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            environment: _,
            secret_roots,
            own_files,
            // It holds the keys of sops.
            sops_environment: _,
            vault,
            progress: _,
        } = self;
        f.debug_struct("Providers")
            .field("secret_roots", secret_roots)
            .field("own_files", own_files)
            .field("vault", vault)
            .finish_non_exhaustive()
    }
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
///
/// Those of one file, or of one path, are looked up together; files and paths
/// beside each other. A source that does not answer holds up no other.
pub async fn resolve<'a>(
    references: impl IntoIterator<Item = &'a Reference>,
    providers: &Providers,
) -> Secrets {
    let mut known = HashSet::new();
    let (mut here, mut in_sops, mut in_vault) = (Vec::new(), Vec::new(), Vec::new());
    for reference in references {
        if !known.insert(reference) {
            continue;
        }
        match reference.source {
            SecretSource::Env | SecretSource::File | SecretSource::Cred => here.push(reference),
            SecretSource::Sops => in_sops.push(reference),
            SecretSource::Vault => in_vault.push(reference),
        }
    }
    let here = here
        .into_iter()
        .map(|reference| (reference.clone(), read(reference, providers)));
    let mut secrets: HashMap<_, _> = here.collect();
    let (from_sops, from_vault) = futures::join!(
        sops::read(&in_sops, providers),
        vault::read(&in_vault, providers)
    );
    secrets.extend(from_sops.into_iter().chain(from_vault));
    if !secrets.is_empty() {
        let own = own_values::own_values(&providers.environment, &providers.own_files);
        for found in secrets.values_mut() {
            if found
                .as_ref()
                .is_ok_and(|it| own_values::is_one_of(&own, it))
            {
                *found = Err(MissingReason::OwnValue);
            }
        }
        scrub_reasons(&mut secrets, &own);
    }
    Secrets(secrets)
}

/// Takes own credentials and the values that were found out of the words of programs and
/// servers.
fn scrub_reasons(secrets: &mut HashMap<Reference, Result<Secret, MissingReason>>, own: &[Secret]) {
    if secrets.values().all(Result::is_ok) {
        return;
    }
    let found = secrets.values().filter_map(|found| found.as_ref().ok());
    let scrubber = Scrubber::new(own.iter().chain(found));
    for found in secrets.values_mut() {
        if let Err(reason) = found {
            *reason = reason.clone().scrubbed(&scrubber);
        }
    }
}

/// What this machine tells at once.
fn read(reference: &Reference, providers: &Providers) -> Result<Secret, MissingReason> {
    let Providers {
        environment,
        secret_roots,
        own_files,
        sops_environment: _,
        vault: _,
        progress: _,
    } = providers;
    match reference.source {
        SecretSource::Env => env::read(&reference.argument, environment),
        SecretSource::File => file::read(&reference.argument, secret_roots, own_files),
        SecretSource::Cred => cred::read(&reference.argument, environment, own_files),
        SecretSource::Sops | SecretSource::Vault => Err(MissingReason::NotResolved),
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

    #[tokio::test]
    async fn a_value_is_found_and_a_missing_one_tells_what_helps_beside_it() {
        let providers = Providers::with(Box::new(|name| (name == "A").then(|| "hunter2".into())));
        let a = reference(SecretSource::Env, "A");
        let b = reference(SecretSource::Env, "B");
        let c = reference(SecretSource::Cred, "c");
        let secrets = resolve([&a, &b, &c], &providers).await;
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
    fn what_was_never_looked_up_is_missing() {
        let error = Secrets::default()
            .get(&reference(SecretSource::File, "x"))
            .unwrap_err();
        assert_eq!(error.reason, MissingReason::NotResolved);
    }

    #[tokio::test]
    async fn a_reference_is_looked_up_once() {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let providers = Providers::with(Box::new(move |name| {
            counter.fetch_add(usize::from(name == "A"), Ordering::Relaxed);
            None
        }));
        let a = reference(SecretSource::Env, "A");
        let _ = resolve([&a, &a, &a], &providers).await;
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
