//! The client of the API with a server that answers as a target says.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use integrationd::immuta::{
    ApiKey, Credentials, KnownSecrets, Reader, RequestBody, RetryPolicy, Transport, TransportError,
    encode,
};
use integrationd::platform::PLATFORMS;
use integrationd::secret::{Secret, Template};
use integrationd::value::{Object, Value};

/// Secrets that are sent and must not be shown when they come back.
pub const SECRETS: [&str; 2] = ["hunter2swordfish", "key0123456789abcdef"];

/// Answers every request alike.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Transport for Answer {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let mut response = Response::new(Bytes::copy_from_slice(&self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        Ok(response)
    }
}

/// A client that asks once.
pub fn client(answer: Answer) -> Reader<Answer> {
    let key = ApiKey::new(Secret::new(SECRETS[1].to_owned())).expect("a key");
    let known = vec![Secret::new(SECRETS[0].to_owned())];
    let known = KnownSecrets::of_files(known, std::iter::empty());
    Reader::new(answer, Credentials::ApiKey(key), RetryPolicy::NEVER, known)
}

/// A body with a secret in it.
#[allow(dead_code, reason = "one of the targets only reads")]
pub fn body() -> RequestBody {
    let mut config = Object::new();
    config.insert(
        "password",
        Value::Secret(Template::literal(SECRETS[0].to_owned())),
    );
    let nothing = Secret::new(String::new());
    encode(PLATFORMS[0], None, &config, |_| Ok::<_, ()>(&nothing)).expect("a body")
}
