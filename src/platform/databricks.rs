//! Databricks Unity Catalog (API.md 7.3), whose `type` is `Databricks` alone.
//!
//! Its token is stored however it was set up, and its deletion must not carry
//! credentials. `authenticationType` may be left out: the oldest servers do not
//! know it and take a token only. The connections API describes the same thing
//! with other names (`host`); the two are not to be mixed.

use super::Evidence::{Documented, Inferred, Recalled};
use super::{
    Attribute, Class, Condition, Identity, Lack, PayloadShape, Platform, Scalar, Scripts, Shape,
    StoredSign,
};
use super::{format, shared};

const TOKEN: &[Condition] = &[Condition::Is("authenticationType", "token")];
const OAUTH: &[Condition] = &[Condition::Is("authenticationType", "oAuthM2M")];

pub(super) const PLATFORM: Platform = Platform {
    wire: "Databricks",
    title: "Databricks Unity Catalog",
    aliases: &[
        "Databricks Unity Catalog",
        "Unity Catalog",
        "Databricks UC",
        "Azure Databricks",
    ],
    payload: PayloadShape::Full,
    identity: Identity::Host("workspaceUrl"),
    deleted_with_credentials: false,
    connection_technology: Some("Databricks"),
    scripts: Scripts {
        kinds: Scripts::USUAL,
        run: "in the SQL editor of the Databricks workspace, as a metastore admin",
    },
    snippet: None,
    attributes: ATTRIBUTES,
    rules: &[],
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new("workspaceUrl", format::HOST, "The host of the workspace.")
        .class(Class::Identity)
        .required(Documented),
    Attribute::new(
        "httpPath",
        Shape::TEXT,
        "The HTTP path of a cluster or SQL warehouse.",
    )
    .required(Documented),
    shared::port(443),
    Attribute::new(
        "authenticationType",
        Shape::Enum(&["token", "oAuthM2M"], Inferred),
        "The authentication method of Immuta's service principal.",
    )
    .default(Scalar::Text("token")),
    Attribute::new(
        "token",
        Shape::TEXT,
        "The personal access token of Immuta's service principal.",
    )
    .secret()
    .required_when(TOKEN, Documented),
    Attribute::new(
        "oAuthClientConfig",
        Shape::Object(OAUTH_CLIENT),
        "The OAuth client of Immuta's service principal.",
    )
    .required_when(OAUTH, Documented),
    Attribute::new(
        "catalog",
        format::IDENTIFIER,
        "The catalog that Immuta creates and uses.",
    )
    .class(Class::Immutable)
    .default(Scalar::Text("immuta")),
    shared::AUDIT,
    Attribute::new(
        "groupPattern",
        Shape::Object(GROUP_PATTERN),
        "The groups that are exempt from policies.",
    ),
    Attribute::new(
        "workspaceIds",
        Shape::TextList,
        "The workspace ids; documented only for the connections API.",
    ),
    Attribute::new(
        "proxyOptions",
        Shape::Object(PROXY),
        "The proxy through which Immuta reaches the workspace.",
    ),
];

const OAUTH_CLIENT: &[Attribute] = &[
    Attribute::new(
        "useCertificate",
        Shape::Bool,
        "Uses a client certificate instead of a client secret.",
    )
    .required(Recalled)
    .default(Scalar::Bool(false)),
    Attribute::new("clientId", Shape::TEXT, "The client id.").required(Recalled),
    Attribute::new("clientSecret", Shape::TEXT, "The client secret.")
        .secret()
        .required(Recalled)
        .may_lack(Lack::With("useCertificate"))
        .stored_with(&[
            StoredSign::Is("authenticationType", "oAuthM2M"),
            StoredSign::Beside("clientId"),
        ]),
    Attribute::new("scope", Shape::TEXT, "The requested scope.").default(Scalar::Text("all-apis")),
    Attribute::new(
        "authorityUrl",
        Shape::TEXT,
        "The URL of the identity provider's authority.",
    )
    .required(Recalled)
    .targets_host(),
];

const GROUP_PATTERN: &[Attribute] = &[Attribute::new(
    "deny",
    Shape::TEXT,
    "The group that is exempt from policies.",
)];

const PROXY: &[Attribute] = &[
    Attribute::new("host", Shape::TEXT, "The proxy's host.").targets_host(),
    Attribute::new("port", Shape::PORT, "The proxy's port."),
    Attribute::new("username", Shape::TEXT, "The proxy user."),
    Attribute::new("password", Shape::TEXT, "The password of the proxy user.")
        .secret()
        .stored_with(&[StoredSign::Beside("username")]),
];
