//! Azure Synapse Analytics (API.md 7.2).
//!
//! The delimiters of its metadata cannot be changed once they are set (API.md 7.2): a
//! change needs a replacement.
//!
//! An automatic set-up uses its credentials once; every later update, and the
//! deletion, asks for them again. A manual one has two scripts to set up, and
//! two to clean up after a failure. Logging in by OAuth is in the user interface
//! since 2025; how the API calls it nobody knows, so its two likely attributes
//! are let through, and the inside of the second counts as secret.

use super::Evidence::{Documented, Inferred};
use super::{Attribute, Class, Identity, PayloadShape, Platform, Scalar, Shape};
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
        "The existing database in which Immuta works.",
    )
    .class(Class::Immutable)
    .required(Documented),
    Attribute::new(
        "schema",
        Shape::TEXT,
        "The schema that Immuta manages, for its secure views.",
    )
    .required(Documented),
    Attribute::new("username", Shape::TEXT, "The user who logs in.")
        .one_time_when_auto()
        .required(Documented),
    Attribute::new("password", Shape::TEXT, "The password of that user.")
        .secret()
        .one_time_when_auto()
        .required(Inferred),
    Attribute::new(
        "authenticationType",
        Shape::TEXT,
        "How the user logs in; its words are not documented.",
    )
    .one_time_when_auto(),
    Attribute::new(
        "oAuthClientConfig",
        Shape::Opaque,
        "An OAuth client instead of a password; its inside is not documented.",
    )
    .secret()
    .one_time_when_auto(),
    shared::IMPERSONATION,
    Attribute::new(
        "metadataDelimiters",
        Shape::Object(DELIMITERS),
        "The characters with which Immuta packs the metadata of users.",
    ),
];

const DELIMITERS: &[Attribute] = &[
    Attribute::new("hashDelimiter", Shape::TEXT, "Stands between two entries.")
        .fixed()
        .default(Scalar::Text("|")),
    Attribute::new(
        "hashKeyDelimiter",
        Shape::TEXT,
        "Stands between a key and its values.",
    )
    .fixed()
    .default(Scalar::Text(":")),
    Attribute::new("arrayDelimiter", Shape::TEXT, "Stands between two values.")
        .fixed()
        .default(Scalar::Text(",")),
];
