//! Scripts of a manual set-up (API.md 3): which platform has which, and who runs them.

use serde::Serialize;

/// Kind of a script, by the last segment of its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptKind {
    /// The first of two scripts that create the resources
    InitialCreate,
    /// Creates the resources
    Create,
    /// Changes the resources of an integration that exists
    Edit,
    /// Removes the resources of an integration whose creation failed
    Cleanup,
    /// The second of two scripts that remove the resources after a failed creation
    PostCleanup,
    /// Removes the resources of an integration that exists
    Delete,
}

impl ScriptKind {
    /// The path of the endpoint, with `{id}` for an integration that exists (API.md 3.1).
    #[must_use]
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::InitialCreate => "/integrations/scripts/initial-create",
            Self::Create => "/integrations/scripts/create",
            Self::Edit => "/integrations/{id}/scripts/edit",
            Self::Cleanup => "/integrations/scripts/cleanup",
            Self::PostCleanup => "/integrations/scripts/post-cleanup",
            Self::Delete => "/integrations/{id}/scripts/delete",
        }
    }

    /// The last segment of the endpoint.
    #[must_use]
    pub fn word(self) -> &'static str {
        let endpoint = self.endpoint();
        endpoint.rsplit_once('/').map_or(endpoint, |(_, word)| word)
    }

    /// True if the script removes resources.
    #[must_use]
    pub fn is_of_removal(self) -> bool {
        match self {
            Self::Cleanup | Self::PostCleanup | Self::Delete => true,
            Self::InitialCreate | Self::Create | Self::Edit => false,
        }
    }

    /// True if the script is about an integration that exists, and its endpoint names the id.
    #[must_use]
    pub fn names_integration(self) -> bool {
        self.endpoint().contains("{id}")
    }
}

impl std::fmt::Display for ScriptKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// The scripts of a platform.
#[derive(Debug, Clone, Copy)]
pub struct Scripts {
    /// The kinds that exist.
    pub kinds: &'static [ScriptKind],
    /// The place and the user for a run of them, as the end of "run it …".
    pub run: &'static str,
}

impl Scripts {
    /// A platform without scripts.
    pub const NONE: Self = Self {
        kinds: &[],
        run: "",
    };

    /// The kinds that every platform with scripts has.
    pub(super) const USUAL: &'static [ScriptKind] = &[
        ScriptKind::Create,
        ScriptKind::Edit,
        ScriptKind::Cleanup,
        ScriptKind::Delete,
    ];
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn word_of_an_endpoint_is_the_word_everywhere() {
        for kind in ScriptKind::value_variants() {
            let flag = kind.to_possible_value().unwrap();
            assert_eq!(flag.get_name(), kind.word());
            assert_eq!(serde_json::json!(kind), kind.word());
        }
    }
}
