//! The operations of the API (API.md section 3), distinguished by method and path.

use http::Method;

/// One operation. Ids are kept as they stand in the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Authenticate,
    /// All objects of the top level: the connections.
    Search,
    /// One connection, by its key.
    Connection(String),
    List,
    Create,
    Get(String),
    Update(String),
    Delete(String),
    Status(String),
    Regenerate(String),
    /// A script for an integration that is not stored yet.
    Script(String),
    /// A script for a stored integration.
    ScriptOf(String, String),
}

impl Route {
    /// The operation; `None` when the API has none here.
    pub(super) fn parse(method: &Method, path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let own = |text: &str| text.to_owned();
        Some(match (method.as_str(), segments.as_slice()) {
            ("POST", ["bim", "apikey", "authenticate"]) => Self::Authenticate,
            ("POST", ["data", "object", "search"]) => Self::Search,
            ("GET", ["data", "connection", key]) => Self::Connection(decoded(key)?),
            ("GET", ["integrations"]) => Self::List,
            ("POST", ["integrations"]) => Self::Create,
            ("POST", ["integrations", "scripts", name]) => Self::Script(own(name)),
            ("GET", ["integrations", id]) => Self::Get(own(id)),
            ("PUT", ["integrations", id]) => Self::Update(own(id)),
            ("DELETE", ["integrations", id]) => Self::Delete(own(id)),
            ("GET", ["integrations", id, "status"]) => Self::Status(own(id)),
            ("POST", ["integrations", id, "regenerate"]) => Self::Regenerate(own(id)),
            ("POST", ["integrations", id, "scripts", name @ ("delete" | "edit")]) => {
                Self::ScriptOf(own(id), own(name))
            }
            _ => return None,
        })
    }

    /// True if it starts work on an integration.
    pub(super) fn writes(&self) -> bool {
        match self {
            Self::Create | Self::Update(_) | Self::Delete(_) => true,
            Self::Authenticate
            | Self::Search
            | Self::Connection(_)
            | Self::Regenerate(_)
            | Self::List
            | Self::Get(_)
            | Self::Status(_)
            | Self::Script(_)
            | Self::ScriptOf(..) => false,
        }
    }
}

/// A segment of a path without its percent-encoding.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}
