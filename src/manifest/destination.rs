//! Destinations of an integration's secrets, as far as its configuration shows them. Pure.
//!
//! One function serves the content of a file and the final body of a request, which also
//! contains values kept from the server.
//!
//! A value is taken for a host only if every program reads it as that host. Programs differ in
//! how they read `a\@b`, a percent sign or a space; such a value is unclear, and so is every
//! value that this version does not know. A driver may read a value with `;key=` or `&key=` in
//! it as further properties, among them a proxy: it is unclear, too.

use crate::platform::{
    AttributePath, CredentialTarget, ObjectPath, Platform, Shape, TablePath, Visited, walk,
};
use crate::value::{Object, Value};

/// A place to which a configuration has secrets sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A host.
    Host {
        /// The attribute that names it.
        path: AttributePath,
        /// In lower case.
        host: String,
    },
    /// The destination is uncertain.
    Unclear {
        /// The attribute that may say where.
        path: AttributePath,
    },
}

impl Destination {
    /// The attribute that names it.
    #[must_use]
    pub fn path(&self) -> &AttributePath {
        match self {
            Self::Host { path, .. } | Self::Unclear { path } => path,
        }
    }

    /// The host, if it is one.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Host { host, .. } => Some(host),
            Self::Unclear { .. } => None,
        }
    }
}

/// The host is `null` if it is unknown.
impl serde::Serialize for Destination {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = serde_json::json!({ "path": self.path(), "host": self.host() });
        document.serialize(serializer)
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host { path, host } => write!(f, "the host `{host}` in `{path}`"),
            Self::Unclear { path } => write!(f, "the unknown destination in `{path}`"),
        }
    }
}

/// Every destination that a configuration names. None stands for a host that it omits.
#[must_use]
pub fn named_destinations(platform: &Platform, config: &Object) -> Vec<Destination> {
    walk(platform.attributes, config)
        .filter_map(|it| destination(target_of(platform, &it), it.value, it.path))
        .collect()
}

/// Every place, a host that is left out included; nothing for a platform that has no host.
pub(super) fn destinations(
    platform: &Platform,
    config: &Object,
    extra: &Object,
) -> Vec<Destination> {
    let Some(host) = platform.host_attribute() else {
        return Vec::new();
    };
    let mut found = named_destinations(platform, config);
    if config.get(host).is_none() {
        found.push(Destination::Unclear { path: host.into() });
    }
    if !extra.is_empty() {
        found.push(Destination::Unclear {
            path: "sync.extra".into(),
        });
    }
    found
}

fn target_of(platform: &Platform, visited: &Visited<'_, Value>) -> CredentialTarget {
    let host = platform.host_attribute();
    match visited.attribute {
        Some(_) if host.is_some_and(|host| visited.path == ObjectPath::TOP.join(host)) => {
            CredentialTarget::ToHost
        }
        Some(attribute) if matches!(attribute.shape, Shape::Opaque) => CredentialTarget::Anywhere,
        Some(attribute) => attribute.target,
        None => CredentialTarget::Anywhere,
    }
}

/// The place that one value names, if it names any.
fn destination(
    target: CredentialTarget,
    value: &Value,
    path: TablePath<'_>,
) -> Option<Destination> {
    if matches!(value, Value::Null) {
        return None;
    }
    let unclear = || Destination::Unclear {
        path: path.to_path(),
    };
    match target {
        CredentialTarget::ToHost if !holds_properties(value) => {
            let host = value.as_text().and_then(host_of);
            Some(match host {
                Some(host) => Destination::Host {
                    path: path.to_path(),
                    host,
                },
                None => unclear(),
            })
        }
        CredentialTarget::Nowhere if !holds_properties(value) => None,
        CredentialTarget::ToHost | CredentialTarget::Nowhere | CredentialTarget::Anywhere => {
            Some(unclear())
        }
    }
}

/// True if a driver could find more in a value than the value of its attribute.
fn holds_properties(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Hidden(_) => false,
        Value::Text(text) => reads_as_properties(text),
        Value::Secret(template) => {
            let is_mixed = template.references().next().is_some()
                && template.texts().any(|text| !text.is_empty());
            is_mixed || template.texts().any(reads_as_properties)
        }
        Value::List(items) => items.iter().any(holds_properties),
        // In place of a scalar: nothing is known of its inside.
        Value::Object(_) => true,
    }
}

/// True if a text has a further property behind `;` or `&`, literally or as escaped in a
/// URL.
fn reads_as_properties(text: &str) -> bool {
    if !text.contains([';', '&', '%']) {
        return false;
    }
    let text = text.to_ascii_lowercase();
    let text = text.replace("%3b", ";").replace("%26", "&");
    let text = text.replace("%3d", "=");
    text.split([';', '&']).skip(1).any(|one| one.contains('='))
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

/// The hosts that the texts of a value seem to name, for people: nothing is allowed by it.
#[must_use]
pub fn seeming_hosts(value: &Value) -> Vec<String> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Hidden(_) => Vec::new(),
        Value::Text(text) => seeming_host(text).into_iter().collect(),
        Value::Secret(template) => template.texts().filter_map(seeming_host).collect(),
        Value::List(items) => items.iter().flat_map(seeming_hosts).collect(),
        Value::Object(inner) => inner
            .iter()
            .flat_map(|(_, value)| seeming_hosts(value))
            .collect(),
    }
}

/// The host of a URL of any scheme, or a name with a dot in it.
fn seeming_host(text: &str) -> Option<String> {
    let Some((_, rest)) = text.split_once("://") else {
        let host = host_of(text)?;
        let (_, last) = host.rsplit_once('.')?;
        let is_domain = last.len() > 1 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
        return is_domain.then_some(host);
    };
    let end = rest.find(['/', '?', '#', ';', '\\']);
    let authority = &rest[..end.unwrap_or(rest.len())];
    host_of(authority.rsplit('@').next()?)
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
    fn ambiguous_host_is_no_host() {
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

    #[test]
    fn further_properties_are_distinguished_from_plain_values() {
        for text in [
            "x;ProxyHost=evil.example;SSL=0",
            "W&proxyHost=evil.example",
            "d; server = evil.example",
            "x%3BProxyHost%3Devil.example",
            "x%26proxyHost=evil.example",
            ";a=",
        ] {
            assert!(reads_as_properties(text), "{text}");
        }
        for text in [
            "",
            "/sql/1.0/warehouses/abc?o=123",
            "R&D",
            "a;b",
            "role=x",
            "100%",
            "arn:aws:iam::012345678901:role/x",
        ] {
            assert!(!reads_as_properties(text), "{text}");
        }
    }

    #[test]
    fn host_that_a_value_seems_to_name_is_found() {
        for (text, host) in [
            ("https://evil.example/x", Some("evil.example")),
            ("jdbc:x://user:pw@evil.example:443/x", Some("evil.example")),
            ("evil.example", Some("evil.example")),
            ("evil.example:8443", Some("evil.example")),
            ("1.2.3", None),
            ("production", None),
            ("a text with words. And more", None),
        ] {
            let value = Value::Text(text.to_owned());
            assert_eq!(
                seeming_hosts(&value).first().map(String::as_str),
                host,
                "{text}"
            );
        }
    }
}
