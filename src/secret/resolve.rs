//! From references to values.
//!
//! All references are resolved together, before anything is planned. One without a value is a
//! [`Missing`], kept together with the others: it blocks only the integrations that need it. A
//! value is never empty, never cast, and never guessed.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::environment::ProviderEnvironment;
use super::machine::{CREDENTIALS, LookupResult, Providers};
use super::missing::MissingReason;
use super::provider::declaration::Named;
use super::provider::sops::reading::environment;
use super::provider::{self, Reference, providers};
use super::{OwnValues, Scrubber, Secret, Template, confined, own, own_values};
use crate::progress::Progress;

/// A reference that has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reference} {}: {reason}", .reason.verdict())]
pub struct Missing {
    /// The reference.
    pub reference: Reference,
    /// The reason, and the remedy.
    pub reason: MissingReason,
}

impl Providers {
    /// The environment of this process, and these directories. What the environment
    /// names as the tool's own is not read.
    #[must_use]
    pub fn of_process(secret_roots: Vec<PathBuf>) -> Self {
        Self {
            secret_roots,
            sops_environment: environment::passed_on(std::env::vars_os()),
            ..Self::with(Box::new(|name| std::env::var_os(name)))
        }
    }

    /// These environment variables, and nothing else.
    #[must_use]
    pub fn with(environment: ProviderEnvironment) -> Self {
        Self {
            own_files: own_values::own_files(&environment),
            environment,
            secret_roots: Vec::new(),
            sops_environment: Vec::new(),
            vault: None,
            progress: Progress::default(),
        }
    }

    /// The values of own credentials.
    #[must_use]
    pub fn own_values(&self) -> OwnValues {
        own_values::own_values(&self.environment, &self.own_files)
    }

    /// True if a reference leads to a file with an own credential.
    #[must_use]
    pub fn is_own_file(&self, reference: &Reference) -> bool {
        match reference.named() {
            Named::File(path) => confined::leads_to(path, &self.secret_roots, &self.own_files),
            Named::Credential(name) => {
                let directory = (self.environment)(CREDENTIALS).map(PathBuf::from);
                let directory: Vec<PathBuf> = directory.into_iter().collect();
                confined::leads_to(name, &directory, &self.own_files)
            }
            Named::Variable(_) | Named::Elsewhere => false,
        }
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
    /// If it has none, or was never resolved.
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

    /// Removes the values of references that form an own credential together with the adjacent
    /// text.
    pub fn refuse_own<'a>(
        &mut self,
        templates: impl IntoIterator<Item = &'a Template>,
        own: &OwnValues,
    ) {
        for template in templates {
            if template.parts.len() > 1
                && self.value(template).is_some_and(|it| own.has(it.expose()))
            {
                let references = template.references().cloned();
                self.0
                    .extend(references.map(|it| (it, Err(MissingReason::PartOfOwnValue))));
            }
        }
    }

    /// The value of a template; `None` if one of its references has none.
    pub(crate) fn value<'a>(&'a self, template: &'a Template) -> Option<Secret> {
        template.render(|reference| self.get(reference)).ok()
    }

    /// Harmless values, one for each reference, for a run that resolves nothing real.
    #[must_use]
    pub fn placeholders<'a>(references: impl IntoIterator<Item = &'a Reference>) -> Self {
        let value = |reference: &Reference| {
            let (word, address) = (reference.word(), reference.address());
            Secret::new(format!("simulated-{word}-{address}"))
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

/// Resolves every reference, each once.
///
/// Those of one file, or of one path, are read together; files and paths concurrently. A source
/// that does not respond delays no other.
pub async fn resolve<'a>(
    references: impl IntoIterator<Item = &'a Reference>,
    providers: &Providers,
) -> Secrets {
    let wanted: HashSet<&Reference> = references.into_iter().collect();
    let (refused, allowed): (Vec<_>, Vec<_>) = wanted
        .into_iter()
        .partition(|reference| own::is_own(reference));
    let mut secrets: HashMap<_, _> = read(allowed, providers).await.into_iter().collect();
    secrets.extend(refused.into_iter().filter_map(|reference| {
        let reason = own::refusal(reference)?;
        Some((reference.clone(), Err(reason)))
    }));
    if !secrets.is_empty() {
        let own = providers.own_values();
        for found in secrets.values_mut() {
            if found.as_ref().is_ok_and(|it| own.has(it.expose())) {
                *found = Err(MissingReason::OwnValue);
            }
        }
        scrub_reasons(&mut secrets, own.values());
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

macro_rules! read_by {
    ($($(#[$doc:meta])* $variant:ident = $module:ident :: $address:ident,)+) => {
        /// Lets every provider read its own references, all providers at the same time.
        async fn read(
            references: Vec<&Reference>,
            providers: &Providers,
        ) -> Vec<(Reference, Result<Secret, MissingReason>)> {
            $(let mut $module: Vec<&provider::$module::$address> = Vec::new();)+
            for reference in references {
                match reference {
                    $(Reference::$variant(address) => $module.push(address),)+
                }
            }
            let ($($module,)+) = futures::join!(
                $(provider::$module::reading::read($module, providers),)+
            );
            let mut all = Vec::new();
            $(all.extend(named($module, Reference::$variant));)+
            all
        }
    };
}
providers!(read_by);

/// The references of addresses that were read.
fn named<'a, Address: Clone + 'a>(
    found: Vec<LookupResult<'a, Address>>,
    reference: fn(Address) -> Reference,
) -> impl Iterator<Item = (Reference, Result<Secret, MissingReason>)> + 'a {
    let found = found.into_iter();
    found.map(move |(address, value)| (reference(address.clone()), value))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn reference(word: &str, argument: &str) -> Reference {
        Reference::new(word, argument).unwrap()
    }

    #[tokio::test]
    async fn value_is_found_and_a_missing_one_has_a_remedy() {
        let providers = Providers::with(Box::new(|name| (name == "A").then(|| "hunter2".into())));
        let a = reference("env", "A");
        let b = reference("env", "B");
        let c = reference("cred", "c");
        let secrets = resolve([&a, &b, &c], &providers).await;
        assert_eq!(secrets.get(&a), Ok(&Secret::new("hunter2".into())));
        let text = |reference| secrets.get(reference).unwrap_err().to_string();
        assert_eq!(
            text(&b),
            "${env:B} has no value: the environment variable is not set: set it in \
            integrationd's environment"
        );
        assert!(text(&c).contains("LoadCredential="));
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }

    /// Nothing is read, whatever there is.
    #[tokio::test]
    async fn the_tools_own_credentials_are_never_read() {
        let place = tempfile::TempDir::new().unwrap();
        for name in ["immuta-api-key", "integrationd-fingerprint-key"] {
            std::fs::write(place.path().join(name), "hunter2").unwrap();
        }
        let directory = place.path().as_os_str().to_owned();
        let providers = Providers::with(Box::new(move |name| match name {
            CREDENTIALS => Some(directory.clone()),
            _ => Some("hunter2".into()),
        }));
        for (word, name, reason) in [
            ("env", "IMMUTA_API_KEY", MissingReason::OwnVariable),
            ("env", "bao_token", MissingReason::OwnVariable),
            ("cred", "immuta-api-key", MissingReason::OwnCredential),
            ("cred", "Immuta-API-Key", MissingReason::OwnCredential),
            (
                "cred",
                "integrationd-fingerprint-key",
                MissingReason::OwnCredential,
            ),
        ] {
            let reference = reference(word, name);
            let secrets = resolve([&reference], &providers).await;
            let found = secrets.get(&reference).map_err(|missing| missing.reason);
            assert_eq!(found, Err(reason), "{name}");
        }
    }

    #[test]
    fn value_that_was_never_fetched_is_missing() {
        let error = Secrets::default().get(&reference("file", "x")).unwrap_err();
        assert_eq!(error.reason, MissingReason::NotResolved);
    }

    #[tokio::test]
    async fn reference_is_fetched_once() {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let providers = Providers::with(Box::new(move |name| {
            counter.fetch_add(usize::from(name == "A"), Ordering::Relaxed);
            None
        }));
        let a = reference("env", "A");
        let _ = resolve([&a, &a, &a], &providers).await;
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn placeholders_are_distinct_and_need_no_provider() {
        let all = [
            reference("env", "A"),
            reference("file", "A"),
            reference("env", "B"),
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
