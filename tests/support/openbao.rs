//! An OpenBao server of a test's own: in memory, on a free port of this machine.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::eventually;
use crate::programs::{OPENBAO, is_declared, program};

/// Token with all permissions.
pub(crate) const ROOT_TOKEN: &str = "the-root-token-Jw6n";

/// Two tests may find the same free port; so often another one is tried.
const ATTEMPTS: usize = 5;

/// See the module.
pub(crate) struct Server {
    pub(crate) url: String,
    address: String,
    child: Child,
    _home: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        is_declared(OPENBAO);
        let mut started = (0..ATTEMPTS).filter_map(|_| Self::try_start());
        started.next().expect("no OpenBao server starts")
    }

    fn try_start() -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let home = TempDir::new().unwrap();
        let child = Command::new(program("bao"))
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT_TOKEN}"))
            .arg(format!("-dev-listen-address={address}"))
            .env_clear()
            .env("HOME", home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self {
            url: format!("http://{address}"),
            address,
            child,
            _home: home,
        };
        let mut has_ended = false;
        eventually("the server answers", || {
            has_ended = server.child.try_wait().unwrap().is_some();
            // The engine is mounted last.
            has_ended
                || server
                    .request("GET", "secret/config", "")
                    .is_some_and(|(code, _)| code == 200)
        });
        (!has_ended).then_some(server)
    }

    /// Writes a secret of the engine that is there from the start.
    pub(crate) fn put(&self, path: &str, fields: &Value) {
        self.call(
            "POST",
            &format!("secret/data/{path}"),
            &json!({ "data": fields }),
        );
    }

    pub(crate) fn put_policy(&self, name: &str, policy: &str) {
        let path = format!("sys/policies/acl/{name}");
        self.call("POST", &path, &json!({ "policy": policy }));
    }

    /// Makes a role with a policy of its name; its id, and a secret id.
    pub(crate) fn app_role(&self, name: &str) -> (String, String) {
        self.call("POST", "sys/auth/approle", &json!({"type": "approle"}));
        let role = format!("auth/approle/role/{name}");
        self.call("POST", &role, &json!({ "token_policies": [name] }));
        let id = self.call("GET", &format!("{role}/role-id"), &Value::Null);
        let secret = self.call("POST", &format!("{role}/secret-id"), &json!({}));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&id["data"]["role_id"]),
            text(&secret["data"]["secret_id"]),
        )
    }

    /// Makes a role with a policy of its name, for tokens that this key signed.
    pub(crate) fn jwt_role(&self, name: &str, public_key: &str) {
        self.call("POST", "sys/auth/jwt", &json!({"type": "jwt"}));
        let config =
            json!({"jwt_validation_pubkeys": [public_key], "jwt_supported_algs": ["EdDSA"]});
        self.call("POST", "auth/jwt/config", &config);
        let role = json!({
            "role_type": "jwt", "user_claim": "sub",
            "bound_audiences": ["integrationd"], "token_policies": [name],
        });
        self.call("POST", &format!("auth/jwt/role/{name}"), &role);
    }

    /// Number of tokens.
    pub(crate) fn tokens(&self) -> usize {
        let found = self.call("LIST", "auth/token/accessors", &Value::Null);
        found["data"]["keys"].as_array().unwrap().len()
    }

    /// Does what only the root may; it must succeed.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (code, answer) = self.request(method, path, &body).unwrap();
        assert!(code < 300, "{method} {path}: {code} {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let (address, length) = (&self.address, body.len());
        // HTTP/1.0: the answer comes in one piece and ends with the connection.
        let head = format!(
            "{method} /v1/{path} HTTP/1.0\r\nhost: {address}\r\n\
             x-vault-token: {ROOT_TOKEN}\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all((head + body).as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let code = head.split_whitespace().nth(1)?.parse().ok()?;
        Some((code, body.to_owned()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
