//! Google BigQuery (API.md 7.4), a private preview.
//!
//! Set up by hand only, and deleted without credentials. What the server tells
//! two of them apart by is the project, and that stands inside the secret
//! credential; the data set is a hint, good enough to compare with, not to
//! write to.

use super::Evidence::Documented;
use super::{Attribute, Class, Identity, PayloadShape, Platform, Scalar, Shape};
use super::{format, shared};

pub(super) const PLATFORM: Platform = Platform {
    wire: "Google BigQuery",
    title: "Google BigQuery",
    aliases: &["BigQuery", "Big Query", "GCP BigQuery"],
    payload: PayloadShape::ManualOnly,
    identity: Identity::Hint("dataset"),
    deleted_with_credentials: false,
    connection_technology: None,
    attributes: ATTRIBUTES,
    rules: &[],
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "role",
        Shape::TEXT,
        "The Google Cloud role that Immuta's service account has.",
    )
    .required(Documented),
    Attribute::new(
        "dataset",
        Shape::TEXT,
        "The data set that Immuta makes for its metadata.",
    )
    .class(Class::Identity)
    .default(Scalar::Text("immuta")),
    Attribute::new(
        "datasetSuffix",
        format::SUFFIX,
        "The end of the names of the data sets that hold Immuta's views.",
    )
    .required(Documented),
    Attribute::new(
        "location",
        Shape::TEXT,
        "The Google Cloud location of the data set.",
    ),
    Attribute::new(
        "credential",
        format::JSON_OBJECT,
        "The keyfile of Immuta's service account, as one string.",
    )
    .secret()
    .required(Documented),
    shared::port(443),
];
