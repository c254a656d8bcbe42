//! Update: read, write, follow.
//!
//! A `PUT` replaces the configuration, so the live integration is read again just before it and
//! must be as it was in the plan. The body keeps the server's current values. If the response
//! is lost, the status is followed and the configuration is read once more.

use super::{ActionFailure, Run, Success};
use crate::immuta::{ApiError, Effect, RequestBody, WriteApi};
use crate::ledger::Intent;
use crate::live::{IntegrationStatus, LiveIntegration, RemoteId};
use crate::plan::{Body, UpdatePrecondition};

/// Message of the server for an attribute that cannot be edited (API.md section 6).
const NOT_EDITABLE: &str = "non-editable attribute";

/// A write, and what was so before it.
struct Written<'a> {
    body: &'a Body,
    request: &'a RequestBody,
    /// The expected state just before the write.
    precondition: &'a UpdatePrecondition,
    /// The status just before it.
    before: &'a IntegrationStatus,
}

impl<W: WriteApi> Run<'_, W> {
    pub(super) async fn update(
        &self,
        name: &str,
        id: &RemoteId,
        precondition: &UpdatePrecondition,
        intent: &Intent,
    ) -> Result<Success, ActionFailure> {
        let live = self.api.get(id).await.map_err(ActionFailure::Unread)?;
        let live = live.ok_or_else(|| ActionFailure::Gone { id: id.clone() })?;
        let body = precondition
            .body(&live)
            .map_err(|what| ActionFailure::Changed {
                id: id.clone(),
                what,
            })?;
        let request = self.encode(&body)?;
        self.begin(name, intent).await?;
        let written = Written {
            body: &body,
            request: &request,
            precondition,
            before: &live.status,
        };
        let result = self.send(name, id, written).await;
        self.settle(name, intent, (Some(id.clone()), result))
            .await
            .1
    }

    async fn send(
        &self,
        name: &str,
        id: &RemoteId,
        written: Written<'_>,
    ) -> Result<Success, ActionFailure> {
        match self.api.update(id, written.request).await {
            Ok(_) => self.follow(name, id, &written.request.secrets).await,
            Err(error) if error.effect() == Effect::Unknown => {
                self.see_whether_it_happened(name, id, written, error).await
            }
            Err(error) => Err(refused(id, error)),
        }
    }

    /// A `PUT` without a read before it, because the integration has just been read.
    pub(super) async fn put(
        &self,
        name: &str,
        id: &RemoteId,
        request: &RequestBody,
    ) -> Result<Success, ActionFailure> {
        match self.api.update(id, request).await {
            Ok(_) => self.follow(name, id, &request.secrets).await,
            Err(error) if error.effect() == Effect::Unknown => {
                Err(ActionFailure::Unconfirmed(error))
            }
            Err(error) => Err(refused(id, error)),
        }
    }

    async fn see_whether_it_happened(
        &self,
        name: &str,
        id: &RemoteId,
        written: Written<'_>,
        error: ApiError,
    ) -> Result<Success, ActionFailure> {
        let Written {
            body,
            request,
            precondition,
            before,
        } = written;
        let success = match self.follow(name, id, &request.secrets).await {
            Ok(success) => success,
            // It was there before, so it says nothing about this write.
            Err(ActionFailure::Server { status, .. }) if status == *before => {
                return Err(ActionFailure::Unconfirmed(error));
            }
            Err(failure) => return Err(failure),
        };
        // An unchanged configuration proves nothing: a secret is never visible, and removed
        // attributes are not searched for in the body.
        let is_proof = |live: &LiveIntegration| {
            let has_moved =
                *before == IntegrationStatus::CreateError || precondition.check(live).is_err();
            has_moved && body.is_live(live)
        };
        match self.api.get(id).await {
            Ok(Some(live)) if is_proof(&live) => Ok(success),
            Ok(_) | Err(_) => Err(ActionFailure::Unconfirmed(error)),
        }
    }
}

fn refused(id: &RemoteId, error: ApiError) -> ActionFailure {
    match error.rejection() {
        Some(rejection) if rejection.says_absent => ActionFailure::Gone { id: id.clone() },
        Some(rejection)
            if rejection
                .message
                .to_ascii_lowercase()
                .contains(NOT_EDITABLE) =>
        {
            ActionFailure::NotEditable(error)
        }
        Some(_) | None => ActionFailure::Refused(error),
    }
}
