//! Live integrations, without the secrets of the run.
//!
//! A value of a known attribute that holds a secret becomes [`MASK`]: it differs from the file,
//! and no part of it is shown or recorded. An id, a type, a status or the name of an attribute
//! that holds one cannot be used: the element is unreadable, and nothing is created or deleted
//! from what it makes unknown.
//!
//! Unknown attributes, and known ones that the platform calls sensitive, are not changed: they
//! count as secret everywhere.

use serde_json::{Map, Value as Json};

use super::{Accepted, StatusReport};
use crate::immuta::client::{AnswerError, Redaction};
use crate::live::{
    Backing, Connection, IntegrationStatus, Live, LiveConfig, LiveIntegration, RemoteId, Scope,
    Unreadable, UnreadableParts, is_plain,
};
use crate::platform::{Platform, change_each};
use crate::secret::MASK;

impl Redaction<'_> {
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
    pub(super) fn connections(
        &self,
        listed: Vec<Connection>,
    ) -> Result<Vec<Connection>, AnswerError> {
        for connection in &listed {
            self.check("the key of a connection", &connection.key)?;
        }
        Ok(listed)
    }

    pub(super) fn backing(&self, backing: Backing) -> Result<Backing, AnswerError> {
        backing
            .integration
            .iter()
            .try_for_each(|id| self.check_id(id))?;
        Ok(backing)
    }

    pub(super) fn integration(
        &self,
        integration: LiveIntegration,
    ) -> Result<LiveIntegration, AnswerError> {
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
            self.config(platform, &mut config)?;
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

    pub(super) fn report(&self, report: StatusReport) -> Result<StatusReport, AnswerError> {
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

    pub(super) fn accepted(&self, accepted: Accepted) -> Result<Accepted, AnswerError> {
        let Accepted { id, status } = accepted;
        self.check_id(&id)?;
        self.check_status(&status)?;
        Ok(Accepted { id, status })
    }

    /// Puts [`MASK`] in the place of every value that is a secret.
    fn config(
        &self,
        platform: &'static Platform,
        config: &mut Map<String, Json>,
    ) -> Result<(), AnswerError> {
        let mut checked = Ok(());
        change_each(
            platform.attributes,
            config,
            &mut |path, attribute, value| {
                match attribute {
                    Some(it) if it.is_sensitive() || !is_plain(value) => {}
                    Some(_) if self.is_in(value) => *value = MASK.into(),
                    Some(_) => {}
                    // Its value counts as secret. Its name is shown.
                    None if checked.is_ok() => {
                        checked = self.check("the name of an attribute", path.key());
                    }
                    None => {}
                }
            },
        );
        checked
    }

    fn check_id(&self, id: &RemoteId) -> Result<(), AnswerError> {
        self.check("`id`", id.as_str())
    }

    /// The documented words are no secrets.
    fn check_status(&self, status: &IntegrationStatus) -> Result<(), AnswerError> {
        match status {
            IntegrationStatus::Unknown(word) => self.check("`status`", word),
            IntegrationStatus::Creating
            | IntegrationStatus::CreateError
            | IntegrationStatus::Enabled
            | IntegrationStatus::Editing
            | IntegrationStatus::EditError
            | IntegrationStatus::Migrating
            | IntegrationStatus::MigrateError
            | IntegrationStatus::Deleting
            | IntegrationStatus::DeleteError
            | IntegrationStatus::Deleted
            | IntegrationStatus::Disabled
            | IntegrationStatus::RecurringValidationError => Ok(()),
        }
    }
}
