//! The configuration snippet of a cluster that asks Immuta itself (API.md 7.7).

/// A snippet, as Immuta's user interface shows it.
#[derive(Debug, Clone, Copy)]
pub struct Snippet {
    /// The attribute of a read by id that has the API key of the cluster.
    pub key: &'static str,
    /// The file that it goes into.
    pub file: &'static str,
    /// The line that turns Immuta on.
    pub enable: &'static str,
    /// The property for the URL of the tenant.
    pub endpoint: &'static str,
    /// The property for the API key.
    pub api_key: &'static str,
}

impl Snippet {
    /// The text of the snippet.
    #[must_use]
    pub fn text(&self, url: &str, key: &str) -> String {
        let Self {
            key: _,
            file: _,
            enable,
            endpoint,
            api_key,
        } = self;
        format!("{enable}\n{endpoint}={url}\n{api_key}={key}\n")
    }
}
