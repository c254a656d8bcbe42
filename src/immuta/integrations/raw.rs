//! Answers as the server sent them, for a description of the API itself. They may hold
//! anything, so that no value of them is ever shown.

use serde_json::Value;

use super::calls::{INTEGRATION, INTEGRATIONS, Reader, STATUS};
use super::list::most_values_of_list;
use super::wire::check_about;
use crate::immuta::client::{
    AnswerError, ApiError, Call, MOST_VALUES, Path, Transport, parse_within,
};
use crate::live::RemoteId;

/// Integrations of a tenant that is described. All of them are in memory at once.
const MOST_DESCRIBED: usize = 10_000;

/// A complete answer with the status 200, whatever it contains.
pub enum RawAnswer {
    /// JSON.
    Json(Value),
    /// A page of HTML, such as the login page of a proxy.
    Html,
    /// Nothing.
    Empty,
    /// Text that is neither JSON nor HTML.
    NotJson,
    /// JSON with more values than are read.
    TooLarge,
}

impl<T: Transport> Reader<T> {
    /// `GET /integrations`.
    ///
    /// # Errors
    /// There is no complete answer with the status 200.
    pub async fn raw_list(&self) -> Result<RawAnswer, ApiError> {
        let call = Call::read(Path::fixed(INTEGRATIONS));
        let most = most_values_of_list(MOST_DESCRIBED);
        Ok(RawAnswer::of(self.parsed(&call, most).await?))
    }

    /// `GET /integrations/{id}`.
    ///
    /// # Errors
    /// There is no complete answer with the status 200.
    pub async fn raw_integration(&self, id: &RemoteId) -> Result<RawAnswer, ApiError> {
        Ok(RawAnswer::of(
            self.parsed(&integration(id), MOST_VALUES).await?,
        ))
    }

    /// `GET /integrations/{id}/status`.
    ///
    /// # Errors
    /// There is no complete answer with the status 200.
    pub async fn raw_status(&self, id: &RemoteId) -> Result<RawAnswer, ApiError> {
        let call = Call::read(Path::naming(STATUS, id.as_str()));
        Ok(RawAnswer::of(self.parsed(&call, MOST_VALUES).await?))
    }

    /// `GET /integrations/{id}`, which must be JSON and about this integration.
    pub(super) async fn json_of_integration(&self, id: &RemoteId) -> Result<Value, ApiError> {
        let call = integration(id);
        let parsed = self.parsed(&call, MOST_VALUES).await?;
        let about = parsed.and_then(|answer| check_about(&answer, id).map(|()| answer));
        about.map_err(|mistake| call.unreadable(&mistake))
    }

    async fn parsed(
        &self,
        call: &Call<'_>,
        most: usize,
    ) -> Result<Result<Value, AnswerError>, ApiError> {
        let answer = self.0.run(call).await?;
        Ok(parse_within(&answer.body, most))
    }
}

fn integration(id: &RemoteId) -> Call<'_> {
    Call::read(Path::naming(INTEGRATION, id.as_str()))
}

impl RawAnswer {
    fn of(parsed: Result<Value, AnswerError>) -> Self {
        match parsed {
            Ok(value) => Self::Json(value),
            Err(AnswerError::Html) => Self::Html,
            Err(AnswerError::Empty) => Self::Empty,
            Err(AnswerError::TooMuch { .. }) => Self::TooLarge,
            Err(
                AnswerError::NotJson { .. }
                | AnswerError::Not(_)
                | AnswerError::Field { .. }
                | AnswerError::NotWhole(_)
                | AnswerError::OtherIntegration
                | AnswerError::HoldsSecret { .. },
            ) => Self::NotJson,
        }
    }
}
