//! Server answers without the secrets of the run.
//!
//! Every string of an answer passes here before anybody sees it. Text for people is
//! scrubbed. A value of a known attribute that holds a secret becomes [`MASK`]: it
//! differs from what the file says, and nothing of it is shown or recorded. An id, a
//! type, a status or the name of an attribute that holds one cannot be used: the
//! element is unreadable, and nothing is created or deleted from what it makes unknown.
//!
//! Unknown attributes, and known ones that the platform calls sensitive, are left as
//! they are: they count as secret everywhere.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use serde_json::{Map, Value as Json};

use super::presentable::presentable;
use super::wire::Mistake;
use super::{Accepted, ApiError, StatusReport};
use crate::live::{
    Backing, Connection, FailingTest, Live, LiveConfig, LiveIntegration, Scope, Status, Unreadable,
    UnreadableParts,
};
use crate::live::{RemoteId, is_plain};
use crate::platform::Attribute;
use crate::secret::{MASK, Scrubber, Secret};

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

    /// Every secret that the files hold or name, and the values that the files show to
    /// everybody: these stay, although a key file may hold them, too.
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
pub(super) struct Redaction<'a> {
    known: &'a KnownSecrets,
    /// Secrets that were sent with the call and are not among the known ones.
    sent: Option<Scrubber>,
}

impl Redaction<'_> {
    /// Text of the server as it may be shown. Escaping it is the last step: an escape
    /// that was added beside one that a secret happens to hold would hide the secret.
    pub(super) fn text(&self, text: &str) -> String {
        let text = self.known.scrubber().scrub(text);
        match &self.sent {
            Some(sent) => presentable(&sent.scrub(&text)),
            None => presentable(&text),
        }
    }

    pub(super) fn error(&self, mut error: ApiError) -> ApiError {
        if let ApiError::Refused { refusal, .. } = &mut error {
            refusal.message = self.text(&refusal.message);
            // These are about what was just sent, which is known.
            for test in &mut refusal.failing_tests {
                *test = self.scrubbed(test);
            }
        }
        error
    }

    /// A list. What cannot be used of it makes its scope unknown.
    pub(super) fn live(&self, live: Live) -> Live {
        let Live {
            integrations,
            mut unreadable,
            owners,
        } = live;
        let mut clean = Vec::with_capacity(integrations.len());
        let mut unusable = UnreadableParts::default();
        for integration in integrations {
            let platform = integration.platform;
            match self.integration(integration) {
                Ok(integration) => clean.push(integration),
                Err(mistake) => unusable.extend([Unreadable {
                    scope: platform.map_or(Scope::Everything, Scope::Platform),
                    reason: format!("an element of the list: {mistake}"),
                }]),
            }
        }
        unreadable.extend(unusable.into_reasons());
        Live {
            integrations: clean,
            unreadable,
            owners,
        }
    }

    /// Connections. A key that holds a secret could neither be shown nor asked for.
    pub(super) fn connections(&self, listed: Vec<Connection>) -> Result<Vec<Connection>, Mistake> {
        for connection in &listed {
            self.check("the key of a connection", &connection.key)?;
        }
        Ok(listed)
    }

    pub(super) fn backing(&self, backing: Backing) -> Result<Backing, Mistake> {
        backing
            .integration
            .iter()
            .try_for_each(|id| self.check_id(id))?;
        Ok(backing)
    }

    pub(super) fn integration(
        &self,
        integration: LiveIntegration,
    ) -> Result<LiveIntegration, Mistake> {
        let LiveIntegration {
            id,
            type_name,
            platform,
            auto_bootstrap,
            status,
            failing_tests,
            config: LiveConfig(mut config),
        } = integration;
        self.check_id(&id)?;
        if platform.is_none() {
            self.check("`type`", &type_name)?;
        }
        self.check_status(&status)?;
        if let Some(platform) = platform {
            self.object(platform.attributes, &mut config)?;
        }
        Ok(LiveIntegration {
            id,
            type_name,
            platform,
            auto_bootstrap,
            status,
            failing_tests: self.tests(failing_tests),
            config: LiveConfig(config),
        })
    }

    pub(super) fn report(&self, report: StatusReport) -> Result<StatusReport, Mistake> {
        let StatusReport {
            status,
            failing_tests,
        } = report;
        self.check_status(&status)?;
        Ok(StatusReport {
            status,
            failing_tests: self.tests(failing_tests),
        })
    }

    pub(super) fn accepted(&self, accepted: Accepted) -> Result<Accepted, Mistake> {
        let Accepted { id, status } = accepted;
        self.check_id(&id)?;
        self.check_status(&status)?;
        Ok(Accepted { id, status })
    }

    fn tests(&self, tests: Vec<FailingTest>) -> Vec<FailingTest> {
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

    fn object(
        &self,
        attributes: &'static [Attribute],
        config: &mut Map<String, Json>,
    ) -> Result<(), Mistake> {
        for (key, value) in config {
            let Some(attribute) = attributes.iter().find(|a| a.name == key) else {
                // Its value counts as secret. Its name is shown.
                self.check("the name of an attribute", key)?;
                continue;
            };
            let children = attribute.children();
            if let Json::Object(inner) = value
                && !children.is_empty()
            {
                self.object(children, inner)?;
            } else if !attribute.is_sensitive() && is_plain(value) && self.is_in(value) {
                *value = MASK.into();
            }
        }
        Ok(())
    }

    fn is_in(&self, value: &Json) -> bool {
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

    fn check(&self, name: &'static str, text: &str) -> Result<(), Mistake> {
        if self.holds(text) {
            return Err(Mistake::HoldsSecret { name });
        }
        Ok(())
    }

    fn check_id(&self, id: &RemoteId) -> Result<(), Mistake> {
        self.check("`id`", id.as_str())
    }

    /// The documented words are no secrets.
    fn check_status(&self, status: &Status) -> Result<(), Mistake> {
        match status {
            Status::Unknown(word) => self.check("`status`", word),
            Status::Creating
            | Status::CreateError
            | Status::Enabled
            | Status::Editing
            | Status::EditError
            | Status::Migrating
            | Status::MigrateError
            | Status::Deleting
            | Status::DeleteError
            | Status::Deleted
            | Status::Disabled
            | Status::RecurringValidationError => Ok(()),
        }
    }
}
