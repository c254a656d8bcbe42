//! Live integrations, without the secrets of the run.
//!
//! A value of a known attribute that holds a secret becomes [`MASK`]: it differs from the file,
//! and no part of it is shown or recorded. An id, a type, a status or the name of an attribute
//! that holds one cannot be used: the element is unreadable, and nothing is created or deleted
//! from what it makes unknown.
//!
//! In a text with parameters, [`MASK`] is put in the place of each secret parameter, known or not.
//! The whole text is kept apart from what is shown.
//!
//! Unknown attributes, and known ones that the platform calls sensitive, are not changed: they
//! count as secret everywhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{Accepted, StatusReport};
use crate::immuta::client::{AnswerError, Redaction};
use crate::live::{
    Backing, Connection, IntegrationStatus, Live, LiveConfig, LiveIntegration, RemoteId, Scope,
    Unreadable, UnreadableParts, is_mask, is_plain,
};
use crate::platform::{Attribute, AttributePath, Platform, change_each};
use crate::secret::{MASK, Scrubber, Template};

/// Stands in place of a text in which the server hides a secret: a mask of the server, too.
const HIDDEN: &str = "***";

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
            masked_texts: _,
        } = integration;
        self.check_id(&id)?;
        if platform.is_none() {
            self.check("`type`", &type_name)?;
        }
        self.check_status(&status)?;
        let masked_texts = match platform {
            Some(platform) => self.config(platform, &mut config)?,
            None => BTreeMap::new(),
        };
        let secrets = masked_texts.values().flat_map(Template::literals);
        let scrubber = Scrubber::new(secrets);
        let failing_tests = failing_tests.iter().map(|test| test.scrubbed(&scrubber));
        Ok(LiveIntegration {
            id,
            type_name,
            platform,
            auto_bootstrap,
            status,
            failing_tests: self.tests(failing_tests.collect()),
            config: LiveConfig(config),
            masked_texts,
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

    /// Puts [`MASK`] in the place of every value that is a secret, and of every secret
    /// parameter. The texts with parameters that were changed.
    fn config(
        &self,
        platform: &'static Platform,
        config: &mut Map<String, Json>,
    ) -> Result<BTreeMap<AttributePath, Template>, AnswerError> {
        let mut checked = Ok(());
        let mut masked_texts = BTreeMap::new();
        change_each(
            platform.attributes,
            config,
            &mut |path, attribute, value| {
                match attribute {
                    Some(it) if it.is_sensitive() || !is_plain(value) => {}
                    Some(it) if it.secret_parameters.is_some() => {
                        let masked = self.parameters(it, value);
                        masked_texts.extend(masked.map(|masked| (path.to_path(), masked)));
                    }
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
        checked.map(|()| masked_texts)
    }

    /// Masks the secrets in a text with parameters. The whole text, unless nothing is masked or
    /// the server has put a mask in the place of a secret.
    fn parameters(&self, attribute: &Attribute, value: &mut Json) -> Option<Template> {
        let Some(text) = value.as_str().map(str::to_owned) else {
            if self.is_in(value) {
                *value = MASK.into();
            }
            return None;
        };
        let parted = Template::parted(&text, &|text| attribute.secrets_in(text));
        if let Some(shown) = parted.as_ref().and_then(Template::shown) {
            *value = shown.into();
        }
        if parted.as_ref().is_some_and(has_mask) {
            *value = HIDDEN.into();
            return None;
        }
        if self.is_in(value) {
            *value = MASK.into();
            return Some(Template::literal(text));
        }
        parted
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

/// True if the server has put a mask in the place of a secret.
fn has_mask(text: &Template) -> bool {
    let mut secrets = text.literals();
    secrets.any(|secret| is_mask(&Json::from(secret.expose())))
}
