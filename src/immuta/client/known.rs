//! The secrets of a run, and server responses without them.
//!
//! Every string of a response is processed here before it is shown. Text for people is
//! scrubbed, and only then escaped. Values are checked for secrets.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use serde_json::Value as Json;

use super::ApiError;
use super::envelope::AnswerError;
use super::presentable::presentable;
use crate::live::FailingTest;
use crate::secret::{Scrubber, Secret};

/// The secrets that a reader takes out of what the server says. There is no reader
/// without: who knows of none says so.
pub struct KnownSecrets {
    secrets: Vec<Secret>,
    /// True if these are the secrets of the files, so that server messages about failing
    /// tests can be scrubbed.
    are_of_files: bool,
    in_clear: InClear,
    /// Made when it is needed first: a tenant that is in sync shows nothing but what
    /// the files show.
    scrubber: OnceLock<Scrubber>,
}

impl KnownSecrets {
    /// No secret of any integration is known. What the server says about failing tests
    /// may hold one, so that only the names of the tests are shown.
    #[must_use]
    pub fn none() -> Self {
        Self {
            secrets: Vec::new(),
            are_of_files: false,
            in_clear: InClear::default(),
            scrubber: OnceLock::new(),
        }
    }

    /// Every secret that the files contain or refer to, and the values that the files show in
    /// clear: these stay, although a key file may contain them, too.
    #[must_use]
    pub fn of_files<'a>(secrets: Vec<Secret>, in_clear: impl Iterator<Item = &'a str>) -> Self {
        Self {
            secrets,
            are_of_files: true,
            in_clear: InClear::of(in_clear),
            scrubber: OnceLock::new(),
        }
    }

    /// The same, and a secret that the client itself has.
    pub(super) fn and(mut self, own: Secret) -> Self {
        self.secrets.push(own);
        self
    }

    /// For the answer to one call, which was sent with this token or key.
    pub(super) fn with<'a>(&'a self, sent: Option<&Secret>) -> Redaction<'a> {
        let is_known = |sent: &&Secret| self.secrets.contains(sent);
        Redaction {
            known: self,
            sent: sent
                .filter(|sent| !is_known(sent))
                .map(|sent| Scrubber::new([sent])),
        }
    }

    fn scrubber(&self) -> &Scrubber {
        self.scrubber.get_or_init(|| Scrubber::new(&self.secrets))
    }
}

/// The texts that the files show, by their hashes.
#[derive(Default)]
struct InClear {
    texts: HashSet<u64>,
    hasher: RandomState,
}

impl InClear {
    fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let hasher = RandomState::new();
        Self {
            texts: texts.map(|text| hasher.hash_one(text)).collect(),
            hasher,
        }
    }

    fn has(&self, text: &str) -> bool {
        !self.texts.is_empty() && self.texts.contains(&self.hasher.hash_one(text))
    }
}

/// Takes secrets out of one answer.
pub(crate) struct Redaction<'a> {
    known: &'a KnownSecrets,
    /// Secrets that were sent with the call and are not among the known ones.
    sent: Option<Scrubber>,
}

impl Redaction<'_> {
    /// Text of the server as it may be shown. Escaping it is the last step: an escape that was
    /// added next to one in a secret would hide the secret.
    pub(super) fn text(&self, text: &str) -> String {
        let text = self.known.scrubber().scrub(text);
        match &self.sent {
            Some(sent) => presentable(&sent.scrub(&text)),
            None => presentable(&text),
        }
    }

    pub(super) fn error(&self, mut error: ApiError) -> ApiError {
        if let ApiError::NoCredentials(inner) = error {
            return ApiError::NoCredentials(Box::new(self.error(*inner)));
        }
        if let ApiError::Refused { rejection, .. } = &mut error {
            rejection.message = self.text(&rejection.message);
            // These are about what was just sent, which is known.
            for test in &mut rejection.failing_tests {
                *test = self.scrubbed(test);
            }
        }
        error
    }

    pub(crate) fn tests(&self, tests: Vec<FailingTest>) -> Vec<FailingTest> {
        let tests = tests.into_iter().map(|test| self.scrubbed(&test));
        if self.known.are_of_files {
            return tests.collect();
        }
        tests.map(FailingTest::without_message).collect()
    }

    fn scrubbed(&self, test: &FailingTest) -> FailingTest {
        let FailingTest { name, message } = test;
        FailingTest {
            name: self.text(name),
            message: self.text(message),
        }
    }

    pub(crate) fn is_in(&self, value: &Json) -> bool {
        match value {
            Json::String(text) => self.holds(text),
            Json::Number(number) => self.holds(&number.to_string()),
            Json::Array(items) => items.iter().any(|item| self.is_in(item)),
            Json::Null | Json::Bool(_) | Json::Object(_) => false,
        }
    }

    fn holds(&self, text: &str) -> bool {
        if Scrubber::is_too_short(text) || self.known.in_clear.has(text) {
            return false;
        }
        self.known.scrubber().is_in(text) || self.sent.as_ref().is_some_and(|s| s.is_in(text))
    }

    pub(crate) fn check(&self, name: &'static str, text: &str) -> Result<(), AnswerError> {
        if self.holds(text) {
            return Err(AnswerError::HoldsSecret { name });
        }
        Ok(())
    }
}
