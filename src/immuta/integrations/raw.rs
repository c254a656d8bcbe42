//! Answers as the server sent them, for a description of the API itself. They may hold
//! anything, so that no value of them is ever shown.

use serde_json::Value;

use super::calls::{INTEGRATION, INTEGRATIONS, Reader, STATUS};
use crate::immuta::client::{AnswerError, ApiError, Call, Path, Transport, parse};
use crate::live::RemoteId;

impl<T: Transport> Reader<T> {
    /// `GET /integrations`: the elements.
    ///
    /// # Errors
    /// There is no answer, or it is no list.
    pub async fn raw_list(&self) -> Result<Vec<Value>, ApiError> {
        let call = Call::read(Path::fixed(INTEGRATIONS));
        match self.raw(&call).await? {
            Value::Array(elements) => Ok(elements),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => Err(call.unreadable(&AnswerError::Not("a list"))),
        }
    }

    /// `GET /integrations/{id}`.
    ///
    /// # Errors
    /// There is no answer, or it is no JSON.
    pub async fn raw_integration(&self, id: &RemoteId) -> Result<Value, ApiError> {
        self.raw(&Call::read(Path::naming(INTEGRATION, id.as_str())))
            .await
    }

    /// `GET /integrations/{id}/status`.
    ///
    /// # Errors
    /// There is no answer, or it is no JSON.
    pub async fn raw_status(&self, id: &RemoteId) -> Result<Value, ApiError> {
        self.raw(&Call::read(Path::naming(STATUS, id.as_str())))
            .await
    }

    async fn raw(&self, call: &Call<'_>) -> Result<Value, ApiError> {
        let answer = self.0.run(call).await?;
        parse(&answer.body).map_err(|mistake| call.unreadable(&mistake))
    }
}
