//! Starburst (Trino) (API.md 7.7).
//!
//! Its payload is `type` and nothing else: the cluster is configured with a
//! snippet that Immuta shows, and a normal read of the integration returns the
//! key of the cluster, a secret. There is nothing to compare and nothing to
//! update: its how-to has no update, so no PUT is ever sent. Its deletion takes no
//! credentials.

use super::{Identity, PayloadShape, Platform, Scripts, Snippet};

pub(super) const PLATFORM: Platform = Platform {
    wire: "Trino",
    title: "Starburst (Trino)",
    aliases: &["Starburst", "Starburst (Trino)", "Starburst Trino"],
    payload: PayloadShape::TypeOnly,
    identity: Identity::Nothing,
    deleted_with_credentials: false,
    connection_technology: Some("Trino"),
    scripts: Scripts::NONE,
    snippet: Some(Snippet {
        key: "immutaApiKey",
        file: "immuta-access-control.properties",
        enable: "access-control.name=immuta",
        endpoint: "immuta.endpoint",
        api_key: "immuta.apikey",
    }),
    attributes: &[],
    rules: &[],
};
