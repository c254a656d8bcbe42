//! The three calls: log in, read a path, and revoke the token of the login.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use serde::{Serialize, Serializer};
use url::Url;
use zeroize::Zeroize;

use super::answer;
use super::problem::VaultProblem;
use super::settings::{VaultLogin, VaultSettings};
use crate::net::{HttpSettings, HttpTransport};
use crate::progress::Progress;
use crate::secret::credential::SecretInput;
use crate::secret::json::{SecretJson, to_json};
use crate::secret::{MissingReason, Scrubber, Secret, confined};
use crate::text::{chain, escaped};

/// Speaks to a server; has not logged in.
pub(super) struct VaultClient {
    transport: HttpTransport,
    namespace: Option<HeaderValue>,
}

/// A client that has logged in.
pub(super) struct VaultSession {
    client: VaultClient,
    token: HeaderValue,
    /// True if this run created the token.
    is_ours: bool,
}

/// The fields of a login, in their order.
struct Fields<'a>(&'a [(&'a str, &'a str)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// A response.
struct Answer {
    code: u16,
    /// Absent if it is no JSON.
    document: Option<SecretJson>,
}

impl VaultClient {
    pub(super) fn new(settings: &VaultSettings, progress: &Progress) -> Result<Self, VaultProblem> {
        let transport = HttpTransport::new(&HttpSettings {
            ca_files: settings.ca_files.clone(),
            observer: Some(Arc::new(progress.clone())),
            ..HttpSettings::new(settings.url.clone())
        });
        let namespace = settings.namespace.as_deref().map(HeaderValue::from_str);
        Ok(Self {
            transport: transport.map_err(|error| VaultProblem::Setup(chain(&error)))?,
            namespace: namespace.transpose().map_err(|_| VaultProblem::NotOne {
                what: "the namespace",
            })?,
        })
    }

    pub(super) async fn log_in(self, login: &VaultLogin) -> Result<VaultSession, VaultProblem> {
        match login {
            VaultLogin::Token(input) => {
                let token = header(&value(input, "the token")?, "the token")?;
                Ok(VaultSession {
                    client: self,
                    token,
                    is_ours: false,
                })
            }
            VaultLogin::AppRole {
                mount,
                role_id,
                secret_id,
            } => {
                let proof = value(secret_id, "the secret ID")?;
                let fields = [("role_id", role_id.as_str()), ("secret_id", proof.expose())];
                self.exchange(mount, "secret ID", &fields, &proof).await
            }
            VaultLogin::Jwt { mount, role, jwt } => {
                let proof = value(jwt, "the JWT")?;
                let fields = [("role", role.as_str()), ("jwt", proof.expose())];
                self.exchange(mount, "JWT", &fields, &proof).await
            }
        }
    }

    /// Exchanges a proof of who logs in, one of these fields, for a token.
    async fn exchange(
        self,
        mount: &str,
        what: &'static str,
        fields: &[(&str, &str)],
        proof: &Secret,
    ) -> Result<VaultSession, VaultProblem> {
        let body = Bytes::from_owner(to_json(&Fields(fields)));
        let path = format!("auth/{mount}/login");
        let operation = operation_of(&Method::POST, &path);
        let answer = self.call(Method::POST, &path, None, body).await?;
        let document = answer::login(operation, what, answer.code, answer.document);
        let document = document.map_err(|problem| problem.without(&Scrubber::new([proof])))?;
        let token = document.text_at(answer::TOKEN).unwrap_or_default();
        let token = header(&Secret::new(token.to_owned()), "the token")?;
        tracing::debug!(mount, "logged in to Vault");
        Ok(VaultSession {
            client: self,
            token,
            is_ours: true,
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&HeaderValue>,
        body: Bytes,
    ) -> Result<Answer, VaultProblem> {
        let unreachable = |cause: String| VaultProblem::Unreachable {
            operation: operation_of(&method, path),
            cause,
        };
        let mut request = Request::builder()
            .method(method.clone())
            .uri(encoded(path))
            // Agents and proxies in between ask for it, against forged requests.
            .header("X-Vault-Request", "true");
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if let Some(token) = token {
            request = request.header("X-Vault-Token", token);
        }
        let request = request
            .body(body)
            .map_err(|error| unreachable(chain(&error)))?;
        let answer = self.transport.exchange(request).await;
        let (head, mut body) = answer
            .map_err(|error| unreachable(chain(&error)))?
            .into_parts();
        let document = SecretJson::parse(&body);
        body.as_mut().zeroize();
        Ok(Answer {
            code: head.status.as_u16(),
            document,
        })
    }
}

impl VaultSession {
    /// The answer to a read of a path, with fields in it.
    pub(super) async fn secret_at(&self, path: &str) -> Result<SecretJson, MissingReason> {
        let answer = self.call(Method::GET, path).await?;
        let operation = operation_of(&Method::GET, path);
        let fields = answer::fields(operation, answer.code, answer.document);
        Ok(fields.map_err(|problem| {
            let token = Secret::new(self.token.to_str().unwrap_or_default().to_owned());
            problem.without(&Scrubber::new([&token]))
        })?)
    }

    /// Gives up a token that this run made. If that fails, the token expires by itself.
    pub(super) async fn close(self) {
        if self.is_ours {
            let revoked = self.call(Method::POST, "auth/token/revoke-self").await;
            if !revoked.is_ok_and(|answer| answer.code < 300) {
                tracing::debug!("cannot revoke the token of the Vault login");
            }
        }
    }

    async fn call(&self, method: Method, path: &str) -> Result<Answer, VaultProblem> {
        self.client
            .call(method, path, Some(&self.token), Bytes::new())
            .await
    }
}

fn value(input: &SecretInput, what: &'static str) -> Result<Secret, VaultProblem> {
    match input {
        SecretInput::Value(value) => Ok(value.clone()),
        SecretInput::File(path) => {
            confined::read_own(path).map_err(|reason| VaultProblem::Unusable {
                what,
                why: format!("{}: {reason}", escaped(&path.display().to_string())),
            })
        }
    }
}

fn header(token: &Secret, what: &'static str) -> Result<HeaderValue, VaultProblem> {
    let text = token.expose();
    let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let header = HeaderValue::from_str(text).ok().filter(|_| is_one);
    let mut header = header.ok_or(VaultProblem::NotOne { what })?;
    header.set_sensitive(true);
    Ok(header)
}

/// A call as messages name it.
fn operation_of(method: &Method, path: &str) -> String {
    format!("`{method} {}`", escaped(path))
}

/// A path below the root of the API. Each part is encoded, so that none can
/// become a separator, a query or a step up.
fn encoded(path: &str) -> String {
    let Ok(mut url) = Url::parse("http://encoder/v1") else {
        return String::new();
    };
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.extend(path.split('/'));
    }
    url.path().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_path_leads_elsewhere() {
        assert_eq!(
            encoded("kv/data/a b?x#y%2e%2e\\c"),
            "/v1/kv/data/a%20b%3Fx%23y%252e%252e%5Cc"
        );
    }

    #[test]
    fn a_token_with_a_line_break_is_none() {
        for text in ["", "a b", "a\nb", "ä"] {
            assert!(
                header(&Secret::new(text.into()), "the token").is_err(),
                "{text:?}"
            );
        }
        let good = header(&Secret::new("hvs.x".into()), "the token").unwrap();
        assert!(!format!("{good:?}").contains("hvs.x"));
    }
}
