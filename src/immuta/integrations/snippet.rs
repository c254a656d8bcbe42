//! The API key of a cluster that asks Immuta itself (API.md 7.7). A normal read shows it; it
//! is a secret from there on.

use http::Method;
use serde_json::Value;

use super::calls::{Reader, Writer};
use crate::immuta::client::{ApiError, Call, CallKind, Path, Transport};
use crate::live::RemoteId;
use crate::platform::CONFIG;
use crate::secret::Secret;

/// A new key for the cluster of one integration.
const REGENERATE: &str = "/integrations/{id}/regenerate";

impl<T: Transport> Reader<T> {
    /// The key of the cluster, in `config` or next to it; `None` if the server does not show it.
    ///
    /// # Errors
    /// The integration cannot be read.
    pub async fn cluster_key(&self, id: &RemoteId, name: &str) -> Result<Option<Secret>, ApiError> {
        let found = self.raw_integration(id).await?;
        let inner = found.get(CONFIG).and_then(|config| config.get(name));
        let key = inner.or_else(|| found.get(name)).and_then(Value::as_str);
        let key = key.filter(|key| !key.is_empty());
        Ok(key.map(|key| Secret::new(key.to_owned())))
    }
}

impl<T: Transport> Writer<T> {
    /// Makes a new key; the old one stops working. The new one is not taken from the answer,
    /// whose form is not documented: read it with [`Reader::cluster_key`]. `old` is taken out of
    /// an error.
    ///
    /// # Errors
    /// The request failed. It is never sent again: perhaps there is a new key.
    pub async fn regenerate(&self, id: &RemoteId, old: Option<&Secret>) -> Result<(), ApiError> {
        let path = Path::naming(REGENERATE, id.as_str());
        let call = Call::new(Method::POST, path, None, CallKind::Write);
        let client = &self.reader().0;
        let answer = client.run(&call).await;
        answer
            .map(drop)
            .map_err(|error| client.error_without(old, error))
    }
}
