//! The API key of a cluster that asks Immuta itself (API.md 7.7). A normal read shows it; it
//! is a secret from there on.

use http::Method;
use serde_json::Value;

use super::calls::{Reader, Writer};
use super::wire::check_about;
use crate::immuta::client::{ApiError, Call, CallKind, Path, Transport};
use crate::live::{RemoteId, is_mask};
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
        let found = self.json_of_integration(id).await?;
        Ok(key_in(&found, name))
    }
}

/// The key in an answer, in `config` or next to it.
fn key_in(answer: &Value, name: &str) -> Option<Secret> {
    let inner = answer.get(CONFIG).and_then(|config| config.get(name));
    let key = inner.and_then(usable).or_else(|| usable(answer.get(name)?));
    key.map(|key| Secret::new(key.to_owned()))
}

/// A key that can stand in a line of a file of properties. A mask is none.
fn usable(value: &Value) -> Option<&str> {
    let key = value.as_str().filter(|_| !is_mask(value))?;
    let fits = |c: char| c.is_ascii_graphic() && c != '\\';
    (!key.is_empty() && key.chars().all(fits)).then_some(key)
}

impl<T: Transport> Writer<T> {
    /// Makes a new key; the old one stops working. The form of the answer is not documented: it
    /// has the new key, or `None` is returned and [`Reader::cluster_key`] reads it. `old` is
    /// taken out of an error, and is no new key.
    ///
    /// # Errors
    /// The request failed. It is never sent again: perhaps there is a new key.
    pub async fn regenerate(
        &self,
        id: &RemoteId,
        name: &str,
        old: &Secret,
    ) -> Result<Option<Secret>, ApiError> {
        let path = Path::naming(REGENERATE, id.as_str());
        let call = Call::new(Method::POST, path, None, CallKind::Write);
        let client = &self.reader().0;
        let answer = client.run(&call).await;
        let answer = answer.map_err(|error| client.error_without(old, error))?;
        let answer: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let answer = answer.filter(|answer| check_about(answer, id).is_ok());
        let key = answer.and_then(|answer| key_in(&answer, name));
        Ok(key.filter(|key| key != old))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_key_in_clear_is_usable() {
        assert_eq!(usable(&json!("k3y")), Some("k3y"));
        for value in [
            json!(""),
            json!("[REDACTED]"),
            json!("********"),
            json!("two\nlines"),
            json!("back\\slash"),
            json!(5),
            json!(null),
        ] {
            assert_eq!(usable(&value), None, "{value}");
        }
    }
}
