//! Credentials (API.md section 2): an API key as it is, behind `Bearer`, or
//! exchanged for a token that expires.

use std::collections::HashMap;
use std::time::SystemTime;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{ErrorReply, Reply};
use super::options::SimulatorOptions;

/// The tokens given out.
#[derive(Default)]
pub(super) struct Tokens {
    issued: HashMap<String, Token>,
    /// Number of tokens ever issued: no token is issued twice.
    count: u64,
}

struct Token {
    permission: Permission,
    expires: Instant,
}

/// Permission of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Permission {
    /// `APPLICATION_ADMIN`: everything.
    Admin,
    /// None for this API.
    None,
}

impl Tokens {
    /// Answers `POST /bim/apikey/authenticate`. The key comes in the body, or,
    /// as one page has it, in the header of a request without a body.
    pub(super) fn authenticate(
        &mut self,
        options: &SimulatorOptions,
        body: Option<&Value>,
        header: Option<&str>,
        now: Instant,
    ) -> Result<Reply, ErrorReply> {
        let key = match body {
            Some(body) => body["apikey"]
                .as_str()
                .ok_or_else(|| ErrorReply::bad_request("\"apikey\" is required"))?,
            None => header.ok_or_else(|| unauthorized("Missing authentication"))?,
        };
        let permission = permission(options, key).ok_or_else(|| unauthorized("Invalid API key"))?;
        self.count += 1;
        let text = format!("simulator-token-{}", self.count);
        let token = Token {
            permission,
            expires: now + options.token_lifetime,
        };
        self.issued.insert(text.clone(), token);
        Ok(Reply::read(&json!({
            "authenticated": true,
            "token": text,
            "tokenExpiration": expiration(options),
        })))
    }

    /// Lets a request with good credentials pass.
    pub(super) fn authorize(
        &self,
        options: &SimulatorOptions,
        header: Option<&str>,
        now: Instant,
    ) -> Result<(), ErrorReply> {
        let header = header.ok_or_else(|| unauthorized("Missing authentication"))?;
        let granted = match header.strip_prefix("Bearer ") {
            None => permission(options, header),
            Some(bearer) => {
                let issued = self.issued.get(bearer);
                let valid = issued.filter(|token| token.expires > now);
                let by_token = valid.map(|token| token.permission);
                by_token.or_else(|| permission(options, bearer))
            }
        };
        match granted {
            Some(Permission::Admin) => Ok(()),
            Some(Permission::None) => Err(ErrorReply::new(
                StatusCode::FORBIDDEN,
                "Insufficient permissions: APPLICATION_ADMIN is required",
            )),
            None => Err(unauthorized("Invalid authentication")),
        }
    }

    /// Makes every token given out so far worthless.
    pub(super) fn expire(&mut self) {
        self.issued.clear();
    }
}

fn permission(options: &SimulatorOptions, key: &str) -> Option<Permission> {
    if key == options.admin_key {
        Some(Permission::Admin)
    } else if key == options.powerless_key {
        Some(Permission::None)
    } else {
        None
    }
}

fn unauthorized(message: &str) -> ErrorReply {
    ErrorReply::new(StatusCode::UNAUTHORIZED, message)
}

/// `tokenExpiration`, by the clock on the wall: callers read it against their own.
fn expiration(options: &SimulatorOptions) -> Option<String> {
    let at = SystemTime::now().checked_add(options.token_lifetime)?;
    let at = jiff::Timestamp::try_from(at).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}
