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

impl<T: Transport> Reader<T> {
    /// `GET /integrations`: the elements.
    ///
    /// # Errors
    /// There is no answer, or it is no list.
    pub async fn raw_list(&self) -> Result<Vec<Value>, ApiError> {
        let call = Call::read(Path::fixed(INTEGRATIONS));
        match self.raw(&call, most_values_of_list(MOST_DESCRIBED)).await? {
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
    /// There is no answer, or it is no JSON, or it is about another integration.
    pub async fn raw_integration(&self, id: &RemoteId) -> Result<Value, ApiError> {
        self.raw_of_one(INTEGRATION, id).await
    }

    /// `GET /integrations/{id}/status`.
    ///
    /// # Errors
    /// There is no answer, or it is no JSON, or it is about another integration.
    pub async fn raw_status(&self, id: &RemoteId) -> Result<Value, ApiError> {
        self.raw_of_one(STATUS, id).await
    }

    async fn raw_of_one(&self, template: &'static str, id: &RemoteId) -> Result<Value, ApiError> {
        let call = Call::read(Path::naming(template, id.as_str()));
        let answer = self.raw(&call, MOST_VALUES).await?;
        check_about(&answer, id).map_err(|mistake| call.unreadable(&mistake))?;
        Ok(answer)
    }

    async fn raw(&self, call: &Call<'_>, most: usize) -> Result<Value, ApiError> {
        let answer = self.0.run(call).await?;
        parse_within(&answer.body, most).map_err(|mistake| call.unreadable(&mistake))
    }
}
