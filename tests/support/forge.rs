//! A forge that reports pushes to the daemon's webhook.

use std::net::SocketAddr;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::web::{self, Answer};

pub(crate) const SECRET: &str = "secret-of-the-forge-Yb4n-Tq9s";

pub(crate) const PUSH: &str = include_str!("../data/webhooks/github-push-master.json");

/// Output of the daemon before the address of its webhook.
pub(crate) const HEARD: &str = "listening for webhooks at http";

pub(crate) fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let tag = mac.finalize().into_bytes();
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn send(address: SocketAddr, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut head = format!("POST /webhook HTTP/1.1\r\nhost: {address}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = body.len();
    let rest = format!("connection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    web::send(address, &format!("{head}{rest}"))
}

/// As GitHub sends it.
pub(crate) fn github(address: SocketAddr, event: &str, body: &str) -> Answer {
    let signature = format!("sha256={}", signature(body));
    let headers = [
        ("x-github-event", event),
        ("x-hub-signature-256", signature.as_str()),
        ("content-type", "application/json"),
    ];
    send(address, &headers, body)
}
