//! Amazon S3 (API.md 7.1), a private preview whose `type` is `Native S3`.
//!
//! Set up manually only, and deleted without credentials. It has no host: several may exist,
//! distinguished by their name, and no two may share a location.

use super::Evidence::{Documented, Inferred};
use super::{
    Attribute, Class, Condition, Identity, PayloadShape, Platform, Rule, Scripts, Shape, StoredSign,
};
use super::{format, shared};

const ACCESS_KEY: &[Condition] = &[Condition::Is("authenticationType", "accessKey")];

pub(super) const PLATFORM: Platform = Platform {
    wire: "Native S3",
    title: "Amazon S3",
    aliases: &["S3", "Amazon S3", "AWS S3"],
    payload: PayloadShape::ManualOnly,
    identity: Identity::Name("name"),
    deleted_with_credentials: false,
    connection_technology: None,
    scripts: Scripts::NONE,
    snippet: None,
    attributes: ATTRIBUTES,
    rules: &[Rule::Unique("awsLocationPath", Documented)],
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new(
        "name",
        Shape::TEXT,
        "The name of the integration in Immuta; unique among integrations of this type.",
    )
    .class(Class::Identity)
    .required(Documented),
    Attribute::new(
        "awsAccountId",
        format::AWS_ACCOUNT,
        "The AWS account ID, in quotes to keep leading zeros.",
    )
    .class(Class::Immutable)
    .required(Documented),
    Attribute::new(
        "awsRegion",
        format::AWS_REGION,
        "The AWS region of the S3 Access Grants instance.",
    )
    .class(Class::Immutable)
    .required(Documented),
    Attribute::new(
        "awsLocationRole",
        format::role_arn(Documented),
        "The IAM role of the base S3 Access Grants location.",
    )
    .class(Class::Immutable)
    .required(Documented),
    Attribute::new(
        "awsLocationPath",
        format::S3_PREFIX,
        "The base S3 prefix, which no other integration may share.",
    )
    .class(Class::Immutable)
    .required(Documented),
    // One page calls it required for `auto`, another optional, and the example omits it.
    Attribute::new(
        "awsRoleToAssume",
        format::role_arn(Inferred),
        "The IAM role that Immuta assumes.",
    ),
    Attribute::new(
        "authenticationType",
        Shape::Enum(&["auto", "accessKey"], Documented),
        "The authentication method: automatic (credentials from Immuta's host) or an access key.",
    )
    .required(Inferred),
    Attribute::new("awsAccessKeyId", Shape::TEXT, "The AWS access key id.")
        .secret()
        .required_when(ACCESS_KEY, Documented),
    Attribute::new(
        "awsSecretAccessKey",
        Shape::TEXT,
        "The AWS secret access key.",
    )
    .secret()
    .required_when(ACCESS_KEY, Inferred)
    .stored_with(&[StoredSign::Is("authenticationType", "accessKey")]),
    shared::port(443),
];
