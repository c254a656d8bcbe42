//! Bodies of webhooks.

pub(crate) const PING: &str = include_str!("../data/webhooks/github-ping.json");
