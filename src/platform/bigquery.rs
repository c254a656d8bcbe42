//! Google BigQuery (API.md 7.4), a private preview.
//!
//! Set up manually only, and deleted without credentials. The server distinguishes two of them
//! by the project, which is inside the secret credential; the data set is a hint, good enough
//! for a comparison, but not for a write.

use super::Evidence::Documented;
use super::{Attribute, Class, Identity, PayloadShape, Platform, Scalar, Scripts, Shape};
use super::{format, shared};

pub(super) const PLATFORM: Platform = Platform {
    wire: "Google BigQuery",
    title: "Google BigQuery",
    aliases: &["BigQuery", "Big Query", "GCP BigQuery"],
    payload: PayloadShape::ManualOnly,
    identity: Identity::Hint("dataset"),
    deleted_with_credentials: false,
    connection_technology: None,
    scripts: Scripts {
        kinds: Scripts::USUAL,
        run: "in Google Cloud Shell, as an owner of the project",
    },
    snippet: None,
    attributes: ATTRIBUTES,
    rules: &[],
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "role",
        Shape::TEXT,
        "The Google Cloud role of Immuta's service account.",
    )
    .required(Documented),
    Attribute::new(
        "dataset",
        Shape::TEXT,
        "The data set that Immuta creates for its metadata.",
    )
    .class(Class::Identity)
    .default(Scalar::Text("immuta")),
    Attribute::new(
        "datasetSuffix",
        format::SUFFIX,
        "The suffix of the data sets that contain Immuta's views.",
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
        "The content of the key file of Immuta's service account, as a string.",
    )
    .secret()
    .required(Documented),
    shared::port(443),
];
