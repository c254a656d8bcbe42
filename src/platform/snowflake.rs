//! Snowflake (API.md 7.6), in the workflow that came before connections.
//!
//! An automatic set-up uses its credentials once and does not store them; every
//! later update, and the deletion, asks for them again. Lineage and workspaces
//! were removed from the product in 2026 and stay here for older servers.
//!
//! The words of `authenticationType` are documented for the connections API
//! only, so an unknown one is a warning.

use super::Evidence::{Documented, Inferred, Recalled};
use super::{
    Attribute, Class, Condition, Identity, Lack, PayloadShape, Platform, Scalar, Scripts, Shape,
    StoredSign,
};
use super::{format, shared};

const AUTO: &[Condition] = &[Condition::AutoBootstrap(true)];
const USER_PASSWORD: &[Condition] = &[Condition::Is("authenticationType", "userPassword")];
const KEY_PAIR: &[Condition] = &[Condition::Is("authenticationType", "keyPair")];
const OAUTH: &[Condition] = &[Condition::Is(
    "authenticationType",
    "oAuthClientCredentials",
)];

pub(super) const PLATFORM: Platform = Platform {
    wire: "Snowflake",
    title: "Snowflake",
    aliases: &["Snowflake Data Cloud"],
    payload: PayloadShape::Full,
    identity: Identity::Host("host"),
    deleted_with_credentials: true,
    connection_technology: Some("Snowflake"),
    scripts: Scripts {
        kinds: Scripts::USUAL,
        run: "in a Snowflake worksheet, as a user with the role ACCOUNTADMIN",
    },
    snippet: None,
    attributes: ATTRIBUTES,
    rules: &[],
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new("host", format::HOST, "The host of the account.")
        .class(Class::Identity)
        .required(Documented),
    shared::port(443),
    Attribute::new(
        "warehouse",
        Shape::TEXT,
        "The warehouse that Immuta's system user uses.",
    )
    .required(Documented),
    Attribute::new(
        "database",
        Shape::TEXT,
        "The new, empty database that Immuta manages.",
    )
    .class(Class::Immutable)
    .required(Documented),
    Attribute::new(
        "authenticationType",
        Shape::Enum(
            &["userPassword", "keyPair", "oAuthClientCredentials"],
            Inferred,
        ),
        "The authentication method for the setup.",
    )
    .one_time_when_auto()
    .required_when(AUTO, Recalled),
    Attribute::new("username", Shape::TEXT, "The user who runs the setup.")
        .one_time_when_auto()
        .required_when(AUTO, Documented),
    Attribute::new("password", Shape::TEXT, "The password of this user.")
        .secret()
        .one_time_when_auto()
        .required_when(USER_PASSWORD, Documented)
        .stored_with(&[StoredSign::Beside("username")]),
    Attribute::new(
        "privateKey",
        Shape::Object(PRIVATE_KEY),
        "The private key with which the user logs in, instead of a password.",
    )
    .required_when(KEY_PAIR, Recalled),
    Attribute::new(
        "privateKeyPassword",
        Shape::TEXT,
        "The passphrase of the private key, if it is encrypted.",
    )
    .secret()
    .one_time_when_auto()
    .required_when(KEY_PAIR, Recalled)
    .may_lack(Lack::Perhaps)
    .stored_with(&[
        StoredSign::Is("authenticationType", "keyPair"),
        StoredSign::Inside("privateKey", "keyName"),
        StoredSign::Inside("privateKey", "userFilename"),
    ]),
    Attribute::new(
        "oAuthClientConfig",
        Shape::Object(OAUTH_CLIENT),
        "The OAuth client for the setup, instead of a password.",
    )
    .required_when(OAUTH, Recalled),
    Attribute::new("role", Shape::TEXT, "The privileged role for the setup.")
        .one_time_when_auto()
        .required_when(AUTO, Documented),
    shared::AUDIT,
    shared::IMPERSONATION,
    Attribute::new(
        "workspaces",
        Shape::Object(WORKSPACES),
        "Project workspaces; removed from the product in 2026.",
    ),
    Attribute::new(
        "lineage",
        Shape::Object(LINEAGE),
        "Tag propagation along table lineage; removed from the product in 2026.",
    ),
    Attribute::new(
        "userRolePattern",
        Shape::Object(USER_ROLE_PATTERN),
        "The roles that Immuta excludes from policies.",
    ),
    Attribute::new(
        "connectArgs",
        Shape::TEXT,
        "Additional arguments for the connection.",
    )
    .targets_any_host()
    .parameters(DRIVER_SECRETS),
];

/// Secret parameters of the ODBC and JDBC drivers.
const DRIVER_SECRETS: &[&str] = &[
    "PWD",
    "PRIV_KEY_PWD",
    "PRIV_KEY_FILE_PWD",
    "PRIV_KEY_BASE64",
    "private_key_base64",
    "private_key_content",
    "privateKey",
    "passcode",
    "token",
    "oauthClientSecret",
    "proxyPassword",
];

const PRIVATE_KEY: &[Attribute] = &[
    Attribute::new(
        "keyName",
        Shape::TEXT,
        "The fixed name of the key: PRIV_KEY_FILE.",
    )
    .one_time_when_auto(),
    Attribute::new(
        "userFilename",
        Shape::TEXT,
        "The name of the original key file.",
    )
    .one_time_when_auto(),
    Attribute::new("content", Shape::TEXT, "The key in PEM format.")
        .secret()
        .one_time_when_auto()
        .stored_with(&[
            StoredSign::Is("authenticationType", "keyPair"),
            StoredSign::Beside("keyName"),
            StoredSign::Beside("userFilename"),
        ]),
];

const OAUTH_CLIENT: &[Attribute] = &[
    // The provider and the client id are documented as required for the script that sets up,
    // which takes the same payload.
    Attribute::new(
        "provider",
        Shape::TEXT,
        "The identity provider, such as Okta.",
    )
    .one_time_when_auto()
    .required(Inferred),
    Attribute::new("clientId", Shape::TEXT, "The client id.")
        .one_time_when_auto()
        .required(Inferred),
    Attribute::new("clientSecret", Shape::TEXT, "The client secret.")
        .secret()
        .one_time_when_auto()
        .may_lack(Lack::With("useCertificate"))
        .stored_with(&[
            StoredSign::Is("authenticationType", "oAuthClientCredentials"),
            StoredSign::Beside("clientId"),
        ]),
    Attribute::new(
        "useCertificate",
        Shape::Bool,
        "Uses a client certificate instead of a client secret.",
    )
    .one_time_when_auto(),
    Attribute::new(
        "authorityUrl",
        Shape::TEXT,
        "The URL of the identity provider's authority.",
    )
    .one_time_when_auto()
    .targets_host(),
    Attribute::new("scope", Shape::TEXT, "The requested scope.").one_time_when_auto(),
];

const WORKSPACES: &[Attribute] = &[
    Attribute::new("enabled", Shape::Bool, "Enables project workspaces.")
        .default(Scalar::Bool(false)),
    Attribute::new(
        "warehouses",
        Shape::TextList,
        "The warehouses available to workspaces.",
    ),
];

const LINEAGE: &[Attribute] = &[
    Attribute::new(
        "enabled",
        Shape::Bool,
        "Enables tag propagation along lineage.",
    )
    .default(Scalar::Bool(false)),
    Attribute::new(
        "lineageConfig",
        Shape::Object(LINEAGE_CONFIG),
        "The lineage data to read.",
    ),
];

const LINEAGE_CONFIG: &[Attribute] = &[
    Attribute::new(
        "ingestBatchSize",
        Shape::COUNT,
        "The number of records per read.",
    ),
    Attribute::new(
        "tableFilter",
        Shape::TEXT,
        "The tables whose lineage is read.",
    ),
    Attribute::new("tagFilter", Shape::TEXT, "The tags to propagate."),
];

const USER_ROLE_PATTERN: &[Attribute] = &[Attribute::new(
    "exclude",
    Shape::TEXT,
    "The excluded roles, as one string.",
)];
