//! Creating, and finding out whether it happened.
//!
//! The API has no idempotency key and a repeated `POST` is not harmless
//! (API.md section 1), so a create is sent once. Whatever comes back that is not
//! a plain yes or no is settled by listing and matching: an integration that was
//! not listed when the plan was made and that has the same identity is ours.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{ActionFailure, Ended, Run};
use crate::immuta::{ApiError, Effect, RequestBody, WriteApi};
use crate::live::{IntegrationStatus, RemoteId};
use crate::plan::{AbsencePrecondition, Creation, Listed};

/// A list this old still counts as "just before the write": short against the
/// minutes that a creation takes, long enough that many creates share one list.
const FRESH: Duration = Duration::from_secs(2);

/// Pauses before each search for a create whose response was lost. The server may still be
/// processing the request when the connection breaks.
const READ_PAUSES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Result of a search in the list.
enum Found {
    Nothing,
    One {
        id: RemoteId,
        status: IntegrationStatus,
    },
}

impl<W: WriteApi> Run<'_, W> {
    pub(super) async fn create(&self, name: &str, creation: &Creation) -> Ended {
        let intent = super::record::to_create(creation, self.now());
        let begun = match &creation.repeats {
            Some(earlier) => super::record::with_earlier(&intent, earlier),
            None => intent.clone(),
        };
        let ready = self.ready_to_create(creation).await;
        let ready = match ready {
            Ok(ready) => self.begin(name, &begun).await.map(|()| ready),
            Err(failure) => Err(failure),
        };
        match ready {
            Ok((request, listed)) => {
                let precondition = &creation.precondition;
                let ended = self.post(name, &request, precondition, &listed).await;
                match &ended {
                    // Perhaps for what the earlier one has made or will make: it stays open.
                    (_, Err(failure)) if creation.repeats.is_some() && failure.had_no_effect() => {
                        ended
                    }
                    _ => self.settle(name, &intent, ended).await,
                }
            }
            Err(failure) => (None, Err(failure)),
        }
    }

    async fn post(
        &self,
        name: &str,
        request: &RequestBody,
        precondition: &AbsencePrecondition,
        listed: &Listed,
    ) -> Ended {
        match self.api.create(request).await {
            // It was there before the request, so it is not what the request made.
            Ok(accepted) if precondition.had(&accepted.id) || listed.has(&accepted.id) => {
                let error = names_another(&accepted.id);
                self.look_for_it(name, request, precondition, error).await
            }
            Ok(accepted) => self.followed(name, accepted.id, request).await,
            Err(error) if error.effect() == Effect::Unknown => {
                self.look_for_it(name, request, precondition, error).await
            }
            Err(error) if is_about_an_existing_one(&error) => {
                self.settle_conflict(name, request, precondition, error)
                    .await
            }
            Err(error) => (None, Err(ActionFailure::Refused(error))),
        }
    }

    /// The request, and the list that was checked, if nothing in the list could be this
    /// integration.
    pub(super) async fn ready_to_create(
        &self,
        creation: &Creation,
    ) -> Result<(RequestBody, Arc<Listed>), ActionFailure> {
        let request = self.encode(&creation.body)?;
        let now = Instant::now();
        let recently = now.checked_sub(FRESH).unwrap_or(now);
        let listed = self
            .fresh
            .since(recently)
            .await
            .map_err(ActionFailure::Unread)?;
        match found(&creation.precondition, &listed)? {
            Found::Nothing => Ok((request, listed)),
            Found::One { id, .. } => Err(ActionFailure::Appeared { id }),
        }
    }

    async fn look(
        &self,
        precondition: &AbsencePrecondition,
        since: Instant,
    ) -> Result<Found, ActionFailure> {
        let listed = self
            .fresh
            .since(since)
            .await
            .map_err(ActionFailure::Unread)?;
        found(precondition, &listed)
    }

    async fn followed(&self, name: &str, id: RemoteId, request: &RequestBody) -> Ended {
        let ended = self.follow(name, &id, &request.secrets).await;
        (Some(id), ended)
    }

    /// The response was lost: searches for the integration a few times.
    async fn look_for_it(
        &self,
        name: &str,
        request: &RequestBody,
        precondition: &AbsencePrecondition,
        error: ApiError,
    ) -> Ended {
        for pause in READ_PAUSES {
            tokio::time::sleep(pause).await;
            // A failed search proves nothing; the next one may find it.
            if let Ok(Found::One { id, .. }) = self.look(precondition, Instant::now()).await {
                return self.followed(name, id, request).await;
            }
        }
        (None, Err(ActionFailure::Unconfirmed(error)))
    }

    /// The server says that there is one already. If there is, and its creation
    /// had failed, it is updated (API.md section 6); the message alone is not believed.
    async fn settle_conflict(
        &self,
        name: &str,
        request: &RequestBody,
        precondition: &AbsencePrecondition,
        error: ApiError,
    ) -> Ended {
        match self.look(precondition, Instant::now()).await {
            Ok(Found::One {
                id,
                status: IntegrationStatus::CreateError,
            }) if precondition.can_be_updated() => {
                let ended = self.put(name, &id, request).await;
                (Some(id), ended)
            }
            Ok(Found::One { id, .. }) => (Some(id.clone()), Err(ActionFailure::Appeared { id })),
            Ok(Found::Nothing) | Err(_) => (None, Err(ActionFailure::Refused(error))),
        }
    }
}

/// The new integration that a list shows, if there is one.
fn found(precondition: &AbsencePrecondition, listed: &Listed) -> Result<Found, ActionFailure> {
    let newcomers = precondition
        .newcomers(listed)
        .map_err(ActionFailure::Unclear)?;
    match newcomers.as_slice() {
        [] => Ok(Found::Nothing),
        [one] => Ok(Found::One {
            id: one.id.clone(),
            status: one.status.clone(),
        }),
        several => {
            let ids: Vec<String> = several.iter().map(|l| l.id.to_string()).collect();
            Err(ActionFailure::Unclear(format!(
                "integrations {} have appeared since the plan was made",
                ids.join(" and ")
            )))
        }
    }
}

/// An answer to a create that names an integration which existed before it.
fn names_another(id: &RemoteId) -> ApiError {
    ApiError::Unreadable {
        operation: "POST /integrations".to_owned(),
        reason: format!("the response names integration {id}, which existed before the request"),
        code: None,
    }
}

/// 409 and 400 are how the server says that one exists (API.md section 6).
fn is_about_an_existing_one(error: &ApiError) -> bool {
    error
        .rejection()
        .is_some_and(|rejection| matches!(rejection.code, 400 | 409))
}
