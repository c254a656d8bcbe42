//! The integration that a script is about: which scripts it needs, may have, and gets.

use super::planned::{planned_action, recorded};
use super::{AfterScript, ScriptError, ScriptRefusal, ScriptResult};
use crate::immuta::{HttpTransport, ReadApi, RequestBody, encode};
use crate::live::{IntegrationStatus, LiveIntegration};
use crate::manifest::{Integration, Suspend};
use crate::plan::{
    Action, Block, ManualParts, Note, Operation, ScriptSituation, coverage, removal_block,
    script_body, script_kinds, script_situation,
};
use crate::platform::{Platform, ScriptKind};
use crate::secret::Secret;
use crate::session::Prepared;
use crate::sync::{PlannedTenant, SyncError};

/// The integration that the script is about.
pub(super) struct ScriptTarget<'p> {
    name: &'p str,
    platform: &'static Platform,
    parts: ManualParts,
    integration: Option<&'p Integration>,
    found: Option<&'p LiveIntegration>,
    /// Its action in the plan. Of what can only be replaced, the replacement.
    action: Option<Action>,
}

impl<'p> ScriptTarget<'p> {
    /// Finds the integration by its file, or, where the file is gone, by its record.
    pub(super) fn find(
        prepared: &'p Prepared<HttpTransport>,
        planned: &'p PlannedTenant,
        name: &'p str,
    ) -> Result<Self, ScriptError> {
        let manifest = &prepared.desired.manifest;
        let integration = manifest.find(name);
        let action = planned_action(prepared, planned, name);
        let found = match integration {
            Some(_) => {
                let coverage = coverage(manifest, &planned.live, &planned.recovery.ledger);
                coverage.described.get(name).copied()
            }
            None => recorded(planned, action.as_ref(), name),
        };
        let parts = ManualParts::new(integration, found, &planned.recovery.ledger);
        let platform = integration.map(|it| it.platform);
        let platform = platform.or_else(|| found.and_then(|it| it.platform));
        if platform.is_some() && parts.removal.is_none() && parts.creation.is_none() {
            return Err(ScriptError::Automatic(name.to_owned()));
        }
        let Some(platform) = platform else {
            let block = action.as_ref().and_then(|it| script_situation(it).err());
            return Err(match block {
                Some(block) => ScriptRefusal::Blocked {
                    name: name.to_owned(),
                    block: Box::new(block.clone()),
                    is_described: integration.is_some(),
                    offers_delete: false,
                }
                .into(),
                None => ScriptError::Unknown {
                    name: name.to_owned(),
                    near: manifest.nearest_name(name),
                },
            });
        };
        let mut manual = parts.removal.into_iter().chain(parts.creation);
        if manual.all(|platform| platform.scripts.kinds.is_empty()) {
            return Err(ScriptError::NoScripts {
                name: name.to_owned(),
                platform: platform.title,
                has_snippet: platform.snippet.is_some(),
            });
        }
        Ok(Self {
            name,
            platform,
            parts,
            integration,
            found,
            action,
        })
    }

    fn situation(&self) -> Option<ScriptSituation> {
        script_situation(self.action.as_ref()?).ok()
    }

    fn block(&self) -> Option<&Block> {
        script_situation(self.action.as_ref()?).err()
    }

    fn suspension(&self) -> Option<&Suspend> {
        match &self.action.as_ref()?.kind {
            Operation::Suspended { suspend, .. } => Some(suspend),
            Operation::Unchanged { .. }
            | Operation::Create(_)
            | Operation::Update { .. }
            | Operation::Delete(_)
            | Operation::Replace { .. }
            | Operation::Withheld { .. }
            | Operation::Blocked(_) => None,
        }
    }

    /// The kinds that are needed now, in order.
    pub(super) fn kinds(&self) -> Vec<ScriptKind> {
        let situation = self.situation();
        situation.map_or_else(Vec::new, |situation| script_kinds(self.parts, situation))
    }

    /// The platform on which a script of this kind is run.
    pub(super) fn platform(&self, kind: ScriptKind) -> &'static Platform {
        self.parts.platform(kind).unwrap_or(self.platform)
    }

    fn blocked(&self, block: &Block) -> ScriptError {
        self.refused(block, false)
    }

    fn refused(&self, block: &Block, offers_delete: bool) -> ScriptError {
        let refusal = ScriptRefusal::Blocked {
            name: self.name.to_owned(),
            block: Box::new(block.clone()),
            is_described: self.integration.is_some(),
            offers_delete,
        };
        refusal.into()
    }

    /// Refuses to choose a script where the plan has an obstacle.
    pub(super) fn check_unasked(&self, planned: &PlannedTenant) -> Result<(), ScriptError> {
        let name = self.name.to_owned();
        if let Some(block) = self.block() {
            return Err(self.refused(block, block.doubts_a_removal()));
        }
        if self.integration.is_none() {
            self.check_removable(planned)?;
        }
        if planned.plan.unnamed.contains(&name) {
            return Err(ScriptRefusal::NoFiles(name).into());
        }
        if self.integration.is_none() && self.action.is_none() {
            return Err(ScriptRefusal::NotOwned(name).into());
        }
        match self.situation() {
            Some(ScriptSituation::Replaced) => Err(self.replacement()),
            Some(
                ScriptSituation::NotLive
                | ScriptSituation::Different
                | ScriptSituation::FailedCreation
                | ScriptSituation::Gone
                | ScriptSituation::FailedAndGone
                | ScriptSituation::Equal,
            )
            | None => Ok(()),
        }
    }

    fn replacement(&self) -> ScriptError {
        let refusal = ScriptRefusal::Replacement {
            name: self.name.to_owned(),
            kinds: self.kinds(),
        };
        refusal.into()
    }

    /// Refuses a script that leads to no state that a sync can bring about.
    pub(super) fn check(
        &self,
        prepared: &Prepared<HttpTransport>,
        planned: &PlannedTenant,
        kind: ScriptKind,
    ) -> Result<(), ScriptError> {
        let platform = self.platform(kind);
        let (name, kinds) = (self.name.to_owned(), platform.scripts.kinds);
        if !kinds.contains(&kind) {
            let platform = platform.title;
            return Err(ScriptError::NoSuchScript {
                platform,
                kind,
                kinds,
            });
        }
        if kind.names_integration() && self.found.is_none() {
            return Err(match self.block() {
                Some(block) => self.blocked(block),
                None => ScriptError::NotLive { name, kind },
            });
        }
        self.check_creation(kind)?;
        match kind {
            ScriptKind::Delete => self.check_delete(prepared, planned),
            ScriptKind::Edit if self.situation() == Some(ScriptSituation::Replaced) => {
                Err(self.replacement())
            }
            ScriptKind::Edit => self
                .block()
                .map_or(Ok(()), |block| Err(self.blocked(block))),
            ScriptKind::InitialCreate
            | ScriptKind::Create
            | ScriptKind::Cleanup
            | ScriptKind::PostCleanup => Ok(()),
        }?;
        match self.parts.platform(kind) {
            Some(_) => Ok(()),
            None => Err(ScriptError::AutomaticPart {
                name: self.name.to_owned(),
                kind,
            }),
        }
    }

    /// Refuses a script that is made from a file that is gone, and one for integrations that were
    /// created with more, or with less, success.
    fn check_creation(&self, kind: ScriptKind) -> Result<(), ScriptError> {
        let name = self.name.to_owned();
        let status = self.found.map(|found| &found.status);
        let creation_failed = status == Some(&IntegrationStatus::CreateError);
        let is_described = self.integration.is_some();
        match kind {
            ScriptKind::InitialCreate
            | ScriptKind::Create
            | ScriptKind::Edit
            | ScriptKind::Cleanup
            | ScriptKind::PostCleanup
                if !is_described =>
            {
                Err(match self.block() {
                    Some(block @ Block::InvalidFile) => self.blocked(block),
                    Some(_) | None => ScriptError::NotDescribed {
                        name,
                        kind,
                        creation_failed,
                    },
                })
            }
            ScriptKind::Edit | ScriptKind::Delete if creation_failed => {
                let refusal = ScriptRefusal::CreationFailed {
                    name,
                    kind,
                    is_described,
                };
                Err(refusal.into())
            }
            ScriptKind::Cleanup | ScriptKind::PostCleanup
                if status.is_some() && !creation_failed =>
            {
                Err(ScriptRefusal::InUse { name, kind }.into())
            }
            ScriptKind::InitialCreate
            | ScriptKind::Create
            | ScriptKind::Edit
            | ScriptKind::Cleanup
            | ScriptKind::PostCleanup
            | ScriptKind::Delete => Ok(()),
        }
    }

    /// Refuses the script of a deletion that no sync would send. A removal that is only
    /// doubtful is the operator's to decide.
    fn check_delete(
        &self,
        prepared: &Prepared<HttpTransport>,
        planned: &PlannedTenant,
    ) -> Result<(), ScriptError> {
        self.check_removable(planned)?;
        self.check_not_suspended(prepared, planned)?;
        if self.integration.is_some() {
            return Ok(());
        }
        if self.action.is_none() {
            return Err(ScriptRefusal::NotOwned(self.name.to_owned()).into());
        }
        match self.block().filter(|block| !block.doubts_a_removal()) {
            Some(block) => Err(self.blocked(block)),
            None => Ok(()),
        }
    }

    fn check_removable(&self, planned: &PlannedTenant) -> Result<(), ScriptError> {
        let PlannedTenant { live, recovery, .. } = planned;
        let block = self
            .found
            .and_then(|found| removal_block(found, self.integration, live, &recovery.ledger));
        block.map_or(Ok(()), |block| Err(self.blocked(&block)))
    }

    fn check_not_suspended(
        &self,
        prepared: &Prepared<HttpTransport>,
        planned: &PlannedTenant,
    ) -> Result<(), ScriptError> {
        let now = prepared.request.now;
        let ledger = &planned.recovery.ledger;
        let record = self
            .found
            .and_then(|found| ledger.records.values().find(|it| it.id == found.id));
        let by_file = match self.integration {
            Some(integration) => integration.options.suspend.as_ref(),
            None => record.and_then(|record| record.state.removal.suspend.as_ref()),
        };
        let by_file = by_file.filter(|suspend| suspend.counts_at(now));
        let by_operator = prepared.request.suspended.of(self.name, now);
        match by_file.or(by_operator) {
            Some(suspend) => Err(ScriptError::from(ScriptRefusal::Suspended {
                name: self.name.to_owned(),
                suspend: suspend.clone(),
            })),
            None => Ok(()),
        }
    }

    /// The result without a script. A secret that is not available was not compared.
    pub(super) fn needs_none(&self, prepared: &Prepared<HttpTransport>) -> ScriptResult {
        let mut missing = None;
        if let Some(integration) = self.integration {
            integration.for_each_template(&mut |template| {
                for reference in template.references() {
                    let value = prepared.desired.secrets.get(reference);
                    missing = missing.take().or(value.err().map(|it| it.to_string()));
                }
            });
        }
        let notes = self.action.iter().flat_map(|action| &action.notes);
        let mut not_compared = Vec::new();
        for note in notes {
            if let Note::SecretsNotCompared { paths } = note {
                not_compared.extend(paths.iter().cloned());
            }
        }
        ScriptResult {
            name: self.name.to_owned(),
            platform: self.platform,
            script: None,
            next: AfterScript::Nothing,
            not_compared,
            missing,
        }
    }

    /// The step after a script.
    pub(super) fn after(
        &self,
        planned: &PlannedTenant,
        chosen: ScriptKind,
        kinds: &[ScriptKind],
    ) -> AfterScript {
        let position = kinds.iter().position(|kind| *kind == chosen);
        if let Some(next) = position.and_then(|position| kinds.get(position + 1)) {
            return AfterScript::Script(*next);
        }
        let situation = self.situation().filter(|_| position.is_some());
        match (situation, self.suspension()) {
            (Some(_), Some(suspend)) => return AfterScript::Suspended(suspend.clone()),
            (Some(ScriptSituation::Gone), None) => return AfterScript::Removal,
            (Some(ScriptSituation::Replaced), None) => return AfterScript::Replacement,
            (
                Some(
                    ScriptSituation::NotLive
                    | ScriptSituation::Different
                    | ScriptSituation::FailedCreation
                    | ScriptSituation::FailedAndGone
                    | ScriptSituation::Equal,
                ),
                None,
            ) => return AfterScript::Sync,
            (None, _) => {}
        }
        self.after_unneeded(planned, chosen)
    }

    /// The step after a script that the situation does not need.
    fn after_unneeded(&self, planned: &PlannedTenant, chosen: ScriptKind) -> AfterScript {
        let blocked = self
            .block()
            .map(|block| AfterScript::Blocked(Box::new(block.clone())));
        let has = |kind| self.platform(kind).scripts.kinds.contains(&kind);
        match (chosen, self.found) {
            (ScriptKind::Delete, Some(found)) if self.integration.is_some() => {
                let mut records = planned.recovery.ledger.records.values();
                if records.any(|it| it.id == found.id && it.state.owned) {
                    AfterScript::FileRemoval
                } else {
                    AfterScript::ForeignRemoval(found.id.clone())
                }
            }
            (ScriptKind::InitialCreate, _) => AfterScript::Script(ScriptKind::Create),
            (ScriptKind::Cleanup, None) if has(ScriptKind::PostCleanup) => {
                AfterScript::Script(ScriptKind::PostCleanup)
            }
            (ScriptKind::Cleanup | ScriptKind::PostCleanup, None) => {
                blocked.unwrap_or(AfterScript::Restart)
            }
            (
                ScriptKind::Create
                | ScriptKind::Edit
                | ScriptKind::Delete
                | ScriptKind::Cleanup
                | ScriptKind::PostCleanup,
                _,
            ) => blocked.unwrap_or(AfterScript::Nothing),
        }
    }

    /// Asks the server for the script.
    pub(super) async fn fetched(
        &self,
        prepared: &Prepared<HttpTransport>,
        kind: ScriptKind,
    ) -> Result<Secret, ScriptError> {
        let body = match kind {
            ScriptKind::Delete => None,
            ScriptKind::InitialCreate
            | ScriptKind::Create
            | ScriptKind::Edit
            | ScriptKind::Cleanup
            | ScriptKind::PostCleanup => Some(self.body(prepared, kind).await?),
        };
        let id = self.found.map(|found| &found.id);
        let script = prepared.reader.script(kind, id, body.as_ref());
        script.await.map_err(ScriptError::Fetch)
    }

    /// The body of the write that follows. Like the write, it is made from a read just before.
    async fn body(
        &self,
        prepared: &Prepared<HttpTransport>,
        kind: ScriptKind,
    ) -> Result<RequestBody, ScriptError> {
        let name = || self.name.to_owned();
        let Some(integration) = self.integration else {
            return Err(ScriptError::NotDescribed {
                name: name(),
                kind,
                creation_failed: false,
            });
        };
        let changed = |difference| ScriptError::Changed {
            name: name(),
            difference,
        };
        let now = match self.found {
            Some(found) => {
                let now = prepared.reader.get(&found.id).await;
                let now = now.map_err(SyncError::from)?;
                Some(now.ok_or_else(|| changed(None))?)
            }
            None => None,
        };
        let body = script_body(integration, self.action.as_ref(), now.as_ref());
        let mut body = body.map_err(|difference| changed(Some(difference)))?;
        if kind.is_of_removal() {
            // A cleanup is of the live integration; the file may describe an automatic set-up.
            body.auto_bootstrap = body.auto_bootstrap.map(|_| false);
        }
        let desired = &prepared.desired;
        body.admit(&desired.manifest.bindings)
            .map_err(ScriptError::Unbound)?;
        let resolve = |reference: &_| desired.secrets.get(reference);
        let encoded = encode(body.platform, body.auto_bootstrap, &body.config, resolve);
        encoded.map_err(|missing| ScriptError::MissingSecret {
            name: name(),
            reason: missing.to_string(),
        })
    }
}
