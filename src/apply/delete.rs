//! Deletion: read, write, follow until the integration is gone.
//!
//! The integration must be as it was in the plan. A deletion whose response was lost is
//! followed like any other.

use super::{ActionFailure, Run, Success};
use crate::immuta::{Effect, RequestBody, WriteApi, encode_credentials};
use crate::live::{FailingTest, IntegrationStatus, LiveIntegration};
use crate::plan::Deletion;

impl<W: WriteApi> Run<'_, W> {
    pub(super) async fn delete(
        &self,
        name: &str,
        deletion: &Deletion,
    ) -> Result<Success, ActionFailure> {
        let Deletion {
            id, precondition, ..
        } = deletion;
        let live = self.api.get(id).await.map_err(ActionFailure::Unread)?;
        let live = live.ok_or_else(|| ActionFailure::Gone { id: id.clone() })?;
        precondition
            .check(&live)
            .map_err(|what| ActionFailure::Changed {
                id: id.clone(),
                what,
            })?;
        let credentials = self.credentials(deletion, &live)?;
        let intent = super::record::to_delete(deletion, self.now());
        self.begin(name, &intent).await?;
        let ended = self
            .send_delete(name, deletion, credentials.as_ref(), &live.status)
            .await;
        self.settle(name, &intent, (Some(id.clone()), ended))
            .await
            .1
    }

    async fn send_delete(
        &self,
        name: &str,
        deletion: &Deletion,
        credentials: Option<&RequestBody>,
        before: &IntegrationStatus,
    ) -> Result<Success, ActionFailure> {
        let lost = match self.api.delete(&deletion.id, credentials).await {
            Ok(()) => None,
            Err(error) if error.effect() == Effect::Unknown => Some(error),
            // Someone else was faster.
            Err(error) if error.says_absent() => return Ok(gone()),
            Err(error) => return Err(ActionFailure::Refused(error)),
        };
        let secrets = credentials.map_or(&[][..], |body| &body.secrets);
        match (self.follow(name, &deletion.id, secrets).await, lost) {
            (
                Err(
                    ActionFailure::Gone { .. }
                    | ActionFailure::Server {
                        status: IntegrationStatus::Deleted,
                        ..
                    },
                ),
                _,
            ) => Ok(gone()),
            // It was there before, so it says nothing about this write.
            (Err(ActionFailure::Server { ref status, .. }), Some(error)) if status == before => {
                Err(ActionFailure::Unconfirmed(error))
            }
            (Ok(_), Some(error)) => Err(ActionFailure::Unconfirmed(error)),
            (Ok(Success { status, .. }), None) => Err(ActionFailure::NotDeleted { status }),
            (
                Err(ActionFailure::Server {
                    status,
                    failing_tests,
                }),
                None,
            ) => {
                // The file is gone, and with it the secrets that the server may repeat.
                let tests = failing_tests.into_iter();
                Err(ActionFailure::Server {
                    status,
                    failing_tests: tests.map(FailingTest::without_message).collect(),
                })
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// The credentials in clear, if they may be used where the integration leads now.
    fn credentials(
        &self,
        deletion: &Deletion,
        live: &LiveIntegration,
    ) -> Result<Option<RequestBody>, ActionFailure> {
        if deletion.credentials.is_empty() {
            return Ok(None);
        }
        let admitted = deletion.admit(live, self.bindings);
        admitted.map_err(ActionFailure::Unbound)?;
        let nesting = self.options.delete_credentials;
        encode_credentials(&deletion.credentials, nesting, |reference| {
            self.secrets.get(reference)
        })
        .map(Some)
        .map_err(|missing| ActionFailure::MissingSecret(missing.to_string()))
    }
}

fn gone() -> Success {
    Success {
        status: IntegrationStatus::Deleted,
        failing_tests: Vec::new(),
    }
}
