//! Verdict on a webhook, from its headers and its body alone.
//!
//! GitHub, Gitea and Forgejo sign the body with a secret that they share with us; GitLab sends
//! the secret itself. Forgejo signs under several names at once: at least one signature must be
//! present, and all that are present must be valid.
//!
//! For a form, GitHub signs the form, while Gitea and Forgejo sign the JSON document in it,
//! also under GitHub's header name: either proves that the sender has the secret.

use std::borrow::Cow;

use hmac::{Hmac, Mac};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use crate::secret::Secret;

/// Verdict on a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookVerdict {
    /// A push that counts: trigger a run.
    Push,
    /// A push of something else than the branch.
    OtherBranch,
    /// Something else than a push has happened.
    NoPush,
    /// The forge tries out whether it is heard.
    Ping,
    /// Without a valid proof of the secret.
    Unsigned,
    /// Signed, but the pushed reference cannot be read.
    Unreadable,
}

impl WebhookVerdict {
    /// Response to the forge. A client without the secret learns nothing.
    #[must_use]
    pub fn answer(self) -> (StatusCode, &'static str) {
        match self {
            Self::Push => (StatusCode::ACCEPTED, "run triggered\n"),
            Self::OtherBranch => (StatusCode::ACCEPTED, "ignored: not the configured branch\n"),
            Self::NoPush => (StatusCode::ACCEPTED, "ignored: not a push\n"),
            Self::Ping => (StatusCode::OK, "ping received\n"),
            Self::Unsigned => (StatusCode::UNAUTHORIZED, "refused\n"),
            Self::Unreadable => (StatusCode::BAD_REQUEST, "the payload names no reference\n"),
        }
    }
}

/// Proof in a header that the sender has the secret.
#[derive(Debug, Clone, Copy)]
enum Proof {
    /// The signature of the body, in hexadecimal digits, after this.
    Signature(&'static str),
    /// The secret itself.
    Token,
}

const PROOFS: [(&str, Proof); 4] = [
    ("x-hub-signature-256", Proof::Signature("sha256=")),
    ("x-gitea-signature", Proof::Signature("")),
    ("x-forgejo-signature", Proof::Signature("")),
    ("x-gitlab-token", Proof::Token),
];

/// Headers that name the event.
const EVENTS: [&str; 4] = [
    "x-github-event",
    "x-gitea-event",
    "x-forgejo-event",
    "x-gitlab-event",
];

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// The verdict. Without a branch, every push counts.
#[must_use]
pub fn judge(
    headers: &HeaderMap,
    body: &[u8],
    secret: &Secret,
    branch: Option<&str>,
) -> WebhookVerdict {
    let document = document(headers, body);
    if !is_genuine(headers, (body, document.as_deref()), secret) {
        return WebhookVerdict::Unsigned;
    }
    let event = EVENTS.iter().find_map(|name| headers.get(*name));
    match event.and_then(|event| event.to_str().ok()) {
        Some("ping") => WebhookVerdict::Ping,
        Some("push" | "Push Hook" | "Tag Push Hook") => judge_push(document.as_deref(), branch),
        Some(_) | None => WebhookVerdict::NoPush,
    }
}

fn judge_push(document: Option<&[u8]>, branch: Option<&str>) -> WebhookVerdict {
    let Some(branch) = branch else {
        return WebhookVerdict::Push;
    };
    match document.and_then(pushed) {
        None => WebhookVerdict::Unreadable,
        Some(reference) if reference.strip_prefix("refs/heads/") == Some(branch) => {
            WebhookVerdict::Push
        }
        Some(_) => WebhookVerdict::OtherBranch,
    }
}

/// The reference that was pushed.
fn pushed(document: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Push {
        #[serde(rename = "ref")]
        reference: String,
    }
    let push: Push = serde_json::from_slice(document).ok()?;
    Some(push.reference)
}

/// Candidates for the signed text: the body, and the document if that is only a part of it.
type Signed<'a> = (&'a [u8], Option<&'a [u8]>);

/// The JSON document: every forge but GitLab can put it into a form.
fn document<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    if !is_form(headers) {
        return Some(Cow::Borrowed(body));
    }
    let mut fields = form_urlencoded::parse(body);
    let (_, payload) = fields.find(|(name, _)| name == "payload")?;
    Some(Cow::Owned(payload.into_owned().into_bytes()))
}

/// A media type has no case, and may be followed by parameters.
fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next());
    media_type.is_some_and(|found| found.trim().eq_ignore_ascii_case(FORM))
}

fn is_genuine(headers: &HeaderMap, signed: Signed<'_>, secret: &Secret) -> bool {
    let mut proofs = PROOFS.iter().flat_map(|(name, proof)| {
        let values = headers.get_all(*name).into_iter();
        values.map(|value| is_right(*proof, value.as_bytes(), signed, secret))
    });
    // All of them: `all` alone would have it that none at all are right.
    proofs.next().is_some_and(|first| first) && proofs.all(|right| right)
}

fn is_right(proof: Proof, given: &[u8], signed: Signed<'_>, secret: &Secret) -> bool {
    let (body, document) = signed;
    let is_of = |message: &[u8], tag: &[u8]| verify(secret.expose().as_bytes(), message, tag);
    match proof {
        Proof::Signature(prefix) => given
            .strip_prefix(prefix.as_bytes())
            .and_then(|digits| hex::decode(digits).ok())
            .is_some_and(|tag| is_of(body, &tag) || document.is_some_and(|d| is_of(d, &tag))),
        Proof::Token => given.ct_eq(secret.expose().as_bytes()).into(),
    }
}

fn verify(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    mac(key, message).is_some_and(|mac| mac.verify_slice(tag).is_ok())
}

/// HMAC takes a key of any length, though its type does not say so.
fn mac(key: &[u8], message: &[u8]) -> Option<Hmac<Sha256>> {
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(key).ok()?;
    Some(mac.chain_update(message))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
