//! Stub.

use super::{Identity, Payload, Platform};

pub(super) const PLATFORM: Platform = Platform {
    wire: "",
    title: "",
    aliases: &[],
    payload: Payload::Full,
    identity: Identity::Nothing,
    attributes: &[],
    rules: &[],
};
