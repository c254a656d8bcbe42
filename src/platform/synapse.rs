//! Azure Synapse Analytics (API.md 7.2).
//!
//! The delimiters of its metadata cannot be changed once they are set (API.md 7.2): a change
//! needs a replacement.
//!
//! An automatic setup uses its credentials once; every later update, and the deletion, needs
//! them again. A manual one has two scripts for the setup, and two for the clean-up after a
//! failure. The user interface has offered a login by OAuth since 2025; its name in the API is
//! unknown, so its two likely attributes are accepted, and the content of the second counts as
//! secret.

use super::Evidence::{Documented, Inferred};
use super::{
    Attribute, Class, Identity, PayloadShape, Platform, Scalar, ScriptKind, Scripts, Shape,
    StoredSign,
};
use super::{format, shared};

pub(super) const PLATFORM: Platform = Platform {
    wire: "Azure Synapse Analytics",
    title: "Azure Synapse Analytics",
    aliases: &[
        "Synapse",
        "Azure Synapse",
        "Synapse Analytics",
        "Microsoft Synapse",
    ],
    payload: PayloadShape::Full,
    identity: Identity::Host("host"),
    deleted_with_credentials: true,
    connection_technology: None,
    scripts: Scripts {
        kinds: &[
            ScriptKind::InitialCreate,
            ScriptKind::Create,
            ScriptKind::Edit,
            ScriptKind::Cleanup,
            ScriptKind::PostCleanup,
            ScriptKind::Delete,
        ],
        run: "in the Synapse workspace, as its SQL administrator",
    },
    snippet: None,
    attributes: ATTRIBUTES,
    rules: &[],
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "host",
        format::DOCUMENTED_HOST,
        "The SQL endpoint of the workspace.",
    )
    .class(Class::Identity)
    .required(Documented),
    shared::port(1433),
    Attribute::new(
        "database",
        Shape::TEXT,
        "The existing database that Immuta uses.",
    )
    .class(Class::Immutable)
    .required(Documented),
    Attribute::new(
        "schema",
        Shape::TEXT,
        "The schema that Immuta manages for its secure views.",
    )
    .required(Documented),
    Attribute::new("username", Shape::TEXT, "The user who logs in.")
        .one_time_when_auto()
        .required(Documented),
    Attribute::new("password", Shape::TEXT, "The password of this user.")
        .secret()
        .one_time_when_auto()
        .required(Inferred)
        .stored_with(&[StoredSign::Beside("username")]),
    Attribute::new(
        "authenticationType",
        Shape::TEXT,
        "The authentication method; its values are not documented.",
    )
    .one_time_when_auto(),
    Attribute::new(
        "oAuthClientConfig",
        Shape::Opaque,
        "An OAuth client, instead of a password; its attributes are not documented.",
    )
    .secret()
    .one_time_when_auto()
    .stored_with(&[StoredSign::Contains("authenticationType", "oauth")]),
    shared::IMPERSONATION,
    Attribute::new(
        "metadataDelimiters",
        Shape::Object(DELIMITERS),
        "The delimiters for the metadata of users.",
    ),
];

const DELIMITERS: &[Attribute] = &[
    Attribute::new(
        "hashDelimiter",
        Shape::TEXT,
        "The delimiter between two entries.",
    )
    .fixed()
    .default(Scalar::Text("|")),
    Attribute::new(
        "hashKeyDelimiter",
        Shape::TEXT,
        "The delimiter between a key and its values.",
    )
    .fixed()
    .default(Scalar::Text(":")),
    Attribute::new(
        "arrayDelimiter",
        Shape::TEXT,
        "The delimiter between two values.",
    )
    .fixed()
    .default(Scalar::Text(",")),
];
