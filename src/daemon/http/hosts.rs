//! Under which names the server answers.
//!
//! A page elsewhere may give its own name our address and then read what we serve,
//! as if it were its own (DNS rebinding). The name in `Host` gives that away. An
//! IP address and `localhost` cannot be given to anything else.

use std::net::IpAddr;

/// The names.
#[derive(Debug, Clone, Default)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// These, besides IP addresses and `localhost`.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| normal(name)).collect())
    }

    /// True if a request for this host, perhaps with a port, is meant for us.
    #[must_use]
    pub fn allow(&self, authority: &str) -> bool {
        let Some(host) = host(authority) else {
            return false;
        };
        let host = normal(host);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_ok() || host == "localhost" || self.0.contains(&host)
    }
}

fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The host of `host`, `host:port`, `[::1]` or `[::1]:port`.
fn host(authority: &str) -> Option<&str> {
    let (host, rest) = match authority.find(']') {
        Some(end) if authority.starts_with('[') => authority.split_at(end + 1),
        Some(_) => return None,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = rest.is_empty()
        || rest
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    (is_port && !host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_given_names_alone_are_allowed() {
        let hosts = Hosts::new(&["Status.Example.com".to_owned()]);
        for good in [
            "127.0.0.1:9464",
            "10.1.2.3",
            "[::1]:9464",
            "[fe80::1]",
            "localhost",
            "LOCALHOST.:80",
            "status.example.com",
            "status.example.com.:443",
        ] {
            assert!(hosts.allow(good), "{good}");
        }
        for bad in [
            "",
            ":80",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "status.example.com.evil.example",
            "evil.example:80@127.0.0.1",
            "127.0.0.1:80@evil.example",
            "[::1]evil.example",
            "a]b",
            "2130706433",
        ] {
            assert!(!hosts.allow(bad), "{bad}");
        }
    }
}
