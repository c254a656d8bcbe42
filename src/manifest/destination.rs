//! Where an integration sends its secrets, as far as its file tells. Pure.
//!
//! A value is taken for a host only if everybody reads it as that host. Programs
//! differ in how they read `a\@b`, a percent sign or a space; such a value is
//! unclear, and so is whatever this version does not know.

use crate::platform::{Attribute, Leads, Platform, Shape};
use crate::value::{Object, Value};

/// A place to which the file has secrets sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A host, in lower case.
    Host {
        /// The attribute that names it.
        path: String,
        host: String,
    },
    /// Nobody can tell.
    Unclear {
        /// What may say where.
        path: String,
    },
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host { path, host } => write!(f, "the host `{host}` of `{path}`"),
            Self::Unclear { path } => write!(f, "wherever `{path}` leads, which is not certain"),
        }
    }
}

/// Everywhere; nothing for a platform that has no host.
pub(super) fn destinations(
    platform: &Platform,
    config: &Object,
    extra: &Object,
) -> Vec<Destination> {
    let Some(host) = platform.host_attribute() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if config.get(host).is_none() {
        found.push(Destination::Unclear {
            path: host.to_owned(),
        });
    }
    collect(platform.attributes, config, "", Some(host), &mut found);
    if !extra.is_empty() {
        found.push(Destination::Unclear {
            path: "sync.extra".to_owned(),
        });
    }
    found
}

fn collect(
    attributes: &'static [Attribute],
    given: &Object,
    prefix: &str,
    host: Option<&str>,
    found: &mut Vec<Destination>,
) {
    for (name, value) in given.iter() {
        let path = format!("{prefix}{name}");
        let attribute = attributes.iter().find(|attribute| attribute.name == name);
        let leads = match attribute {
            Some(_) if host == Some(name) => Leads::ToHost,
            Some(attribute) if matches!(attribute.shape, Shape::Opaque) => Leads::Anywhere,
            Some(attribute) => attribute.leads,
            None => Leads::Anywhere,
        };
        match leads {
            Leads::Nowhere => {}
            Leads::ToHost => found.push(match value.as_text().and_then(host_of) {
                Some(host) => Destination::Host {
                    path: path.clone(),
                    host,
                },
                None => Destination::Unclear { path: path.clone() },
            }),
            Leads::Anywhere => found.push(Destination::Unclear { path: path.clone() }),
        }
        if let (Some(attribute), Value::Object(inner)) = (attribute, value) {
            collect(
                attribute.children(),
                inner,
                &format!("{path}/"),
                None,
                found,
            );
        }
    }
}

/// The host that a value names: a bare name, with a port perhaps, or the URL of one.
pub(super) fn host_of(value: &str) -> Option<String> {
    const SCHEME: &str = "https://";
    let is_url = value
        .get(..SCHEME.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(SCHEME));
    let (authority, path) = if is_url {
        let rest = &value[SCHEME.len()..];
        rest.split_at(rest.find('/').unwrap_or(rest.len()))
    } else {
        (value, "")
    };
    // Behind the first slash nothing changes the host, but some read `\` as one
    // and drop line breaks.
    if path.contains(|c: char| c == '\\' || c == '@' || c.is_control()) {
        return None;
    }
    let name = match authority.split_once(':') {
        Some((name, port)) => {
            let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            is_port.then_some(name)?
        }
        None => authority,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !label.is_empty() && label.bytes().all(inner)
    };
    name.split('.')
        .all(is_label)
        .then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_from_its_name_and_from_a_url() {
        for (value, host) in [
            ("ACME.example.com", "acme.example.com"),
            ("acme.example.com.", "acme.example.com"),
            ("acme.example.com:8443", "acme.example.com"),
            ("https://acme.example.com", "acme.example.com"),
            ("HTTPS://acme.example.com:443/a/b?c=d#e", "acme.example.com"),
            ("a_b-c.example.com", "a_b-c.example.com"),
            ("10.0.0.7", "10.0.0.7"),
        ] {
            assert_eq!(host_of(value).as_deref(), Some(host), "{value}");
        }
    }

    #[test]
    fn what_somebody_could_read_as_another_host_is_none() {
        for value in [
            "",
            ".",
            "evil.com/.good.com",
            "evil.com\\.good.com",
            "evil.com#.good.com",
            "evil.com?.good.com",
            "evil.com:443/.good.com",
            "evil.com:x@good.com",
            "good.com@evil.com",
            "https://good.com@evil.com",
            "https://good.com:443@evil.com/",
            "https://evil.com\\@good.com",
            "https://evil.com?.good.com",
            "https:/good.com",
            "https:good.com",
            "http://good.com",
            "ftp://good.com",
            "//good.com",
            "evil.com%2f.good.com",
            "evil.com%00.good.com",
            "evil.com\n.good.com",
            "evil.com .good.com",
            " good.com",
            "evil.com\u{2024}good.com",
            "gооd.com",
            "[::1]",
            "a..good.com",
            "good.com..",
            "https://good.com/\\@evil.com",
        ] {
            assert_eq!(host_of(value), None, "{value:?}");
        }
    }
}
