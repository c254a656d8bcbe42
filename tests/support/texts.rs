//! Integration files as texts, with the environment that they name.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::sync::Mutex;

use futures::FutureExt;
use futures::future::BoxFuture;
use integrationd::diagnostic;
use integrationd::ledger::{FingerprintKey, Fingerprinter};
use integrationd::manifest::{
    self, Bindings, DeniedWarnings, FileChecks, Manifest, SourceFile, Variables,
};
use integrationd::platform::PLATFORMS;
use integrationd::secret::{Providers, Reference, resolve};
use integrationd::source::{Reread, Unconfirmed};
use integrationd::sync::{Desired, Files};

/// Integration files, and the environment variables that they name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    files: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    bindings: Bindings,
    /// True if the files are those of a commit.
    is_commit: bool,
    /// Files that later reads find, in order; the last ones for ever.
    later: Vec<BTreeMap<String, String>>,
}

impl Texts {
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// One file more, or another text for it.
    pub(crate) fn file(mut self, path: &str, text: impl Into<String>) -> Self {
        self.files.insert(path.to_owned(), text.into());
        self
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    pub(crate) fn without(mut self, path: &str) -> Self {
        self.files.remove(path);
        self
    }

    pub(crate) fn secret(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn without_secret(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// The same files in a commit of a repository.
    pub(crate) fn committed(mut self) -> Self {
        self.is_commit = true;
        self
    }

    /// Adds the files that the next read finds, and the reads after it.
    pub(crate) fn then(mut self, later: &Self) -> Self {
        self.later.push(later.files.clone());
        self
    }

    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    pub(crate) fn secrets<'s>(self, all: impl IntoIterator<Item = (&'s str, &'s str)>) -> Self {
        all.into_iter()
            .fold(self, |texts, (name, value)| texts.secret(name, value))
    }

    /// With references that may go only where these bindings let them.
    pub(crate) fn bound(mut self, bindings: &[&str]) -> Self {
        let parsed = bindings.iter().map(|binding| binding.parse().unwrap());
        self.bindings = parsed.collect();
        self
    }

    /// As from a repository: what is not bound goes nowhere.
    pub(crate) fn strict(mut self) -> Self {
        self.bindings = self.bindings.strict();
        self
    }

    /// The secret values.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.environment.values().map(String::as_str)
    }

    /// The files as they would be read, in the order of their names or the reverse.
    fn sources(&self, reversed: bool) -> Vec<SourceFile> {
        let source = |(path, text): (&String, &String)| SourceFile {
            path: path.clone(),
            content: Ok(text.clone().into_bytes()),
        };
        let mut sources: Vec<_> = self.files.iter().map(source).collect();
        if reversed {
            sources.reverse();
        }
        sources
    }

    fn load(&self, reversed: bool) -> Manifest {
        let sources = self.sources(reversed);
        let checks = FileChecks {
            variables: &Variables::default(),
            bindings: &self.bindings,
            denied: &DeniedWarnings::default(),
            platforms: PLATFORMS,
        };
        manifest::load_checked("", &sources, checks)
    }

    /// The mistakes and warnings, as they are shown.
    pub(crate) fn diagnostics(&self) -> String {
        diagnostic::render(&self.load(false).diagnostics, false)
    }

    fn origin(&self) -> Files {
        if self.is_commit {
            return Files::Commit;
        }
        let later = self.later.iter().map(|later| *later == self.files);
        Files::Directory(Box::new(Rereads(Mutex::new(later.collect()))))
    }

    pub(crate) fn desired(&self, reversed: bool) -> Desired {
        let manifest = self.load(reversed);
        let environment = self.environment.clone();
        let providers = Providers::with(Box::new(move |name| {
            environment.get(name).map(OsString::from)
        }));
        // Also those that only a record names.
        let names = self.environment.keys();
        let all = names.map(|name| Reference::new("env", name).unwrap());
        let mut references: Vec<Reference> = all.collect();
        for integration in &manifest.integrations {
            integration.for_each_template(&mut |t| references.extend(t.references().cloned()));
        }
        let secrets = resolve(&references, &providers).now_or_never().unwrap();
        let key = FingerprintKey::new([7; 32]);
        let fingerprinter = Some(Fingerprinter::new(key, "the tenant".to_owned()));
        Desired {
            manifest,
            files: self.origin(),
            secrets,
            fingerprinter,
        }
    }
}

/// For each later read, true if it equals the first; the last one for ever.
#[derive(Debug)]
struct Rereads(Mutex<VecDeque<bool>>);

impl Reread for Rereads {
    fn confirm(&self) -> BoxFuture<'_, Result<(), Unconfirmed>> {
        let mut reads = self.0.lock().unwrap();
        let is_equal = match reads.len() {
            0 => true,
            1 => reads[0],
            _ => reads.pop_front().unwrap(),
        };
        let result = if is_equal {
            Ok(())
        } else {
            Err(Unconfirmed::Changed {
                path: "texts".into(),
            })
        };
        std::future::ready(result).boxed()
    }
}
