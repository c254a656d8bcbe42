//! Access control: reading the page, and triggering a run.
//!
//! If there is a token, every client must have it: as a bearer token, or, in a browser, as a
//! session that it was exchanged for. A session is a signed expiry time, and is valid as long
//! as the server knows it: until the logout, and at most until the process ends. A form must
//! carry a second proof, which only a page of ours could have contained.
//!
//! Wrong tokens are logged, but not slowed down. A rate limit that lets the right token pass at
//! once still distinguishes it from wrong ones, and one that does not lets anyone lock out the
//! others. So a token must be too long to be guessed.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, Mac};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::HttpError;
use crate::secret::Secret;

/// Duration of a session: a working day.
const SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// Maximum number of sessions: far more than there are operators. Anyone with the token can log
/// in repeatedly; the session that would expire first then ends.
const MOST_SESSIONS: usize = 1000;

/// Shorter tokens can be guessed.
const SHORTEST_TOKEN: usize = 16;

/// The name of the cookie. The prefix has browsers take it from this host alone and
/// over TLS alone.
const COOKIE_OVER_TLS: &str = "__Host-integrationd";
const COOKIE_IN_CLEAR: &str = "integrationd";

/// Decides who may do what.
pub struct Gate {
    token: Option<Secret>,
    /// Signs sessions, and makes comparisons take the same time whatever is compared.
    key: [u8; 32],
    over_tls: bool,
    /// Sessions that have not been ended: expiry and nonce of each, as in its cookie.
    sessions: Mutex<BTreeSet<(i64, String)>>,
}

/// Identity of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// There is no token, so every client may read.
    Anybody,
    /// A client without the token.
    Anonymous,
    /// A program with the token.
    Bearer,
    /// A browser with a session.
    Operator(BrowserSession),
}

/// A session, as the cookie holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BrowserSession {
    /// Value that a form must carry.
    pub(super) csrf: String,
    /// Expiry and nonce.
    id: (i64, String),
}

impl Caller {
    /// True if the status may be shown.
    pub(super) fn may_read(&self) -> bool {
        *self != Self::Anonymous
    }
}

impl Gate {
    /// With this token, if there is one.
    ///
    /// # Errors
    /// The token can be guessed, or there are no random numbers.
    pub fn new(token: Option<Secret>, over_tls: bool) -> Result<Self, HttpError> {
        let length = token.as_ref().map(|token| token.expose().chars().count());
        if let Some(length) = length.filter(|length| *length < SHORTEST_TOKEN) {
            return Err(HttpError::ShortToken { length });
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(HttpError::NoRandom)?;
        Ok(Self {
            token,
            key,
            over_tls,
            sessions: Mutex::default(),
        })
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeSet<(i64, String)>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if there is a token.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// True if this is the token.
    pub(super) fn is_token(&self, given: &str) -> bool {
        let Some(token) = &self.token else {
            return false;
        };
        token.expose().as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// Identity of the client.
    pub(super) fn caller(&self, headers: &HeaderMap, now: Timestamp) -> Caller {
        if self.token.is_none() {
            return Caller::Anybody;
        }
        if bearer(headers).is_some_and(|given| self.is_token(given)) {
            return Caller::Bearer;
        }
        cookies(headers, self.cookie_name())
            .find_map(|value| self.session(value, now))
            .map_or(Caller::Anonymous, Caller::Operator)
    }

    /// The header that begins a session in a browser.
    pub(super) fn begin_session(&self, now: Timestamp) -> Result<String, HttpError> {
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(HttpError::NoRandom)?;
        let expiry = now.as_second().saturating_add_unsigned(SESSION.as_secs());
        let nonce = hex::encode(nonce);
        let content = format!("{expiry}-{nonce}");
        let signature = hex::encode(self.sign("session", &content));
        let mut sessions = self.sessions();
        sessions.retain(|(expiry, _)| *expiry > now.as_second());
        if sessions.len() >= MOST_SESSIONS {
            sessions.pop_first();
        }
        sessions.insert((expiry, nonce));
        Ok(self.cookie(&format!("{content}-{signature}"), SESSION.as_secs()))
    }

    /// Ends the caller's session, for every holder of its cookie. Returns the header that
    /// removes the cookie.
    pub(super) fn end_session(&self, caller: &Caller) -> String {
        if let Caller::Operator(session) = caller {
            self.sessions().remove(&session.id);
        }
        self.cookie("", 0)
    }

    fn cookie(&self, value: &str, seconds: u64) -> String {
        let (name, secure) = (
            self.cookie_name(),
            if self.over_tls { "; Secure" } else { "" },
        );
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
    }

    fn cookie_name(&self) -> &'static str {
        if self.over_tls {
            COOKIE_OVER_TLS
        } else {
            COOKIE_IN_CLEAR
        }
    }

    fn session(&self, cookie: &str, now: Timestamp) -> Option<BrowserSession> {
        let (content, signature) = cookie.rsplit_once('-')?;
        let own = self.mac("session", content);
        own.verify_slice(&hex::decode(signature).ok()?).ok()?;
        let (expiry, nonce) = content.split_once('-')?;
        let id = (expiry.parse().ok()?, nonce.to_owned());
        let is_over = id.0 <= now.as_second() || !self.sessions().contains(&id);
        (!is_over).then(|| BrowserSession {
            csrf: hex::encode(self.sign("csrf", cookie)),
            id,
        })
    }

    /// True if a form carries the proof of this session.
    pub(super) fn is_csrf(&self, session: &BrowserSession, given: &str) -> bool {
        session.csrf.as_bytes().ct_eq(given.as_bytes()).into()
    }

    fn sign(&self, purpose: &str, text: &str) -> Vec<u8> {
        self.mac(purpose, text).finalize().into_bytes().to_vec()
    }

    fn mac(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        // Shorter than a block of the hash, the key is padded with zeros (RFC 2104).
        let mut block = [0; 64];
        block[..self.key.len()].copy_from_slice(&self.key);
        let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block.into());
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Gate({})",
            if self.has_token() { "token" } else { "open" }
        )
    }
}

/// The bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The values of the cookies of a name: there may be several.
fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(COOKIE).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(own, _)| *own == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TOKEN: &str = "correct-horse-battery";

    fn gate() -> Gate {
        Gate::new(Some(Secret::new(TOKEN.to_owned())), false).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The headers of a browser that was given this cookie.
    fn browser(set_cookie: &str) -> HeaderMap {
        let pair = set_cookie.split(';').next().unwrap();
        let cookie = format!("other=1; {pair}");
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&cookie).unwrap())])
    }

    fn with_bearer(token: &str) -> HeaderMap {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    #[test]
    fn only_the_token_is_the_token() {
        let gate = gate();
        assert_eq!(gate.caller(&with_bearer(TOKEN), at(0)), Caller::Bearer);
        for wrong in ["", "correct-horse-batterz", "correct-horse-battery2", "c"] {
            assert_eq!(
                gate.caller(&with_bearer(wrong), at(0)),
                Caller::Anonymous,
                "{wrong}"
            );
        }
        assert_eq!(gate.caller(&HeaderMap::new(), at(0)), Caller::Anonymous);
    }

    #[test]
    fn without_a_token_reads_are_open_and_no_token_matches() {
        let gate = Gate::new(None, false).unwrap();
        assert_eq!(gate.caller(&with_bearer(""), at(0)), Caller::Anybody);
        assert!(!gate.is_token(""));
    }

    #[test]
    fn session_ends_and_cannot_be_extended_or_forged() {
        let gate = gate();
        let cookie = gate.begin_session(at(1000)).unwrap();
        let is_in = |gate: &Gate, headers: &HeaderMap, second| {
            matches!(gate.caller(headers, at(second)), Caller::Operator(_))
        };
        let headers = browser(&cookie);
        assert!(is_in(&gate, &headers, 1000 + 43_199));
        assert!(!is_in(&gate, &headers, 1000 + 43_200));
        let longer = cookie.replace("integrationd=4", "integrationd=9");
        assert_ne!(longer, cookie);
        assert!(!is_in(&gate, &browser(&longer), 1000));
        assert!(!is_in(&self::gate(), &headers, 1000));
    }

    #[test]
    fn logged_out_session_counts_no_more() {
        let gate = gate();
        let [one, other] = [(); 2].map(|()| browser(&gate.begin_session(at(0)).unwrap()));
        let caller = gate.caller(&one, at(1));
        assert!(matches!(caller, Caller::Operator(_)));
        assert!(gate.end_session(&caller).contains("Max-Age=0"));
        assert_eq!(gate.caller(&one, at(1)), Caller::Anonymous);
        assert!(matches!(gate.caller(&other, at(1)), Caller::Operator(_)));
    }

    #[test]
    fn sessions_are_bounded_and_the_first_to_expire_ends() {
        let gate = gate();
        let first = browser(&gate.begin_session(at(0)).unwrap());
        let second = browser(&gate.begin_session(at(1)).unwrap());
        for _ in 1..MOST_SESSIONS {
            gate.begin_session(at(2)).unwrap();
        }
        assert_eq!(gate.caller(&first, at(3)), Caller::Anonymous);
        assert!(matches!(gate.caller(&second, at(3)), Caller::Operator(_)));
        gate.begin_session(at(50_000)).unwrap();
        assert_eq!(gate.sessions().len(), 1);
    }

    #[test]
    fn the_proof_of_one_session_is_none_for_another() {
        let gate = gate();
        let session = || {
            let headers = browser(&gate.begin_session(at(0)).unwrap());
            let Caller::Operator(session) = gate.caller(&headers, at(0)) else {
                panic!("no session")
            };
            session
        };
        let (one, other) = (session(), session());
        assert!(gate.is_csrf(&one, &one.csrf));
        assert!(!gate.is_csrf(&one, &other.csrf));
        assert!(!gate.is_csrf(&one, ""));
    }

    #[test]
    fn a_token_that_can_be_guessed_is_refused() {
        let gate = Gate::new(Some(Secret::new("fifteen-letters".to_owned())), true);
        assert!(matches!(gate, Err(HttpError::ShortToken { length: 15 })));
    }

    #[test]
    fn over_tls_the_cookie_is_for_this_host_and_tls_alone() {
        let gate = Gate::new(Some(Secret::new(TOKEN.to_owned())), true).unwrap();
        let cookie = gate.begin_session(at(0)).unwrap();
        assert!(cookie.starts_with("__Host-integrationd="), "{cookie}");
        for part in ["; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
    }
}
