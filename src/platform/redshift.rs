//! Amazon Redshift (API.md 7.5), called Amazon Redshift Spectrum in the documents of 2026.
//!
//! An automatic set-up uses its credentials once and does not store them; every
//! later update, and the deletion, asks for them again. A manual one has two
//! scripts. That logging in with `okta` or `accessKey` is possible is recalled
//! and on no page, so nothing about these two rejects a file.

use super::Evidence::{Documented, Recalled};
use super::{
    Attribute, Class, Condition, Identity, Lack, PayloadShape, Platform, ScriptKind, Scripts,
    Shape, StoredSign,
};
use super::{format, shared};

const AUTO: &[Condition] = &[Condition::AutoBootstrap(true)];
const USER_PASSWORD: &[Condition] = &[Condition::Is("authenticationType", "userPassword")];
const ACCESS_KEY: &[Condition] = &[Condition::Is("authenticationType", "accessKey")];
const ACCESS_KEY_SIGNS: &[StoredSign] = &[
    StoredSign::Is("authenticationType", "accessKey"),
    StoredSign::Beside("databaseUser"),
];
const OKTA: &[Condition] = &[Condition::Is("authenticationType", "okta")];

pub(super) const PLATFORM: Platform = Platform {
    wire: "Redshift",
    title: "Amazon Redshift",
    aliases: &[
        "Amazon Redshift",
        "AWS Redshift",
        "Redshift Spectrum",
        "Amazon Redshift Spectrum",
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
            ScriptKind::Delete,
        ],
        run: "in the Redshift cluster, as a superuser",
    },
    snippet: None,
    attributes: ATTRIBUTES,
    rules: &[],
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::new("host", format::HOST, "The host of the cluster.")
        .class(Class::Identity)
        .required(Documented),
    shared::port(5439),
    Attribute::new(
        "database",
        Shape::TEXT,
        "The new, empty database that Immuta manages, or an existing one for Spectrum.",
    )
    .class(Class::Immutable)
    .required(Documented),
    Attribute::new(
        "initialDatabase",
        Shape::TEXT,
        "An existing database for the initial connection.",
    )
    .required_when(AUTO, Recalled),
    Attribute::new(
        "authenticationType",
        Shape::Enum(&["userPassword", "okta", "accessKey"], Recalled),
        "The authentication method for the setup.",
    )
    .one_time_when_auto()
    .required_when(AUTO, Recalled),
    Attribute::new("username", Shape::TEXT, "The user who runs the setup.")
        .one_time_when_auto()
        .required_when(USER_PASSWORD, Documented),
    Attribute::new("password", Shape::TEXT, "The password of this user.")
        .secret()
        .one_time_when_auto()
        .required_when(USER_PASSWORD, Documented)
        .stored_with(&[StoredSign::Beside("username")]),
    Attribute::new(
        "databaseUser",
        Shape::TEXT,
        "The database user who logs in with the access key.",
    )
    .one_time_when_auto()
    .required_when(ACCESS_KEY, Recalled),
    Attribute::new("accessKeyId", Shape::TEXT, "The AWS access key id.")
        .secret()
        .one_time_when_auto()
        .required_when(ACCESS_KEY, Recalled)
        .stored_with(ACCESS_KEY_SIGNS),
    Attribute::new("secretKey", Shape::TEXT, "The AWS secret access key.")
        .secret()
        .one_time_when_auto()
        .required_when(ACCESS_KEY, Recalled)
        .stored_with(ACCESS_KEY_SIGNS),
    Attribute::new(
        "sessionToken",
        Shape::TEXT,
        "The session token of a temporary AWS access key.",
    )
    .secret()
    .one_time_when_auto()
    .required_when(ACCESS_KEY, Recalled)
    .may_lack(Lack::Perhaps),
    Attribute::new(
        "okta",
        Shape::Object(OKTA_LOGIN),
        "The Okta account for the setup, instead of a password.",
    )
    .required_when(OKTA, Recalled),
    shared::IMPERSONATION,
    Attribute::new(
        "connectArgs",
        Shape::TEXT,
        "Additional arguments for the ODBC connection.",
    )
    .targets_any_host()
    .parameters(DRIVER_SECRETS),
];

/// Secret parameters of the ODBC and JDBC drivers.
const DRIVER_SECRETS: &[&str] = &[
    "PWD",
    "AccessKeyID",
    "SecretAccessKey",
    "SessionToken",
    "Client_Secret",
    "web_identity_token",
    "token",
    "ProxyPwd",
    "Https_Proxy_Password",
    "SSLPassword",
];

const OKTA_LOGIN: &[Attribute] = &[
    Attribute::new("username", Shape::TEXT, "The user in Okta.").one_time_when_auto(),
    Attribute::new("password", Shape::TEXT, "The password of this user.")
        .secret()
        .one_time_when_auto()
        .stored_with(&[StoredSign::Beside("username")]),
    Attribute::new("idpHost", Shape::TEXT, "The host of the Okta organization.")
        .one_time_when_auto()
        .targets_host(),
    Attribute::new("appId", Shape::TEXT, "The id of the application in Okta.").one_time_when_auto(),
    Attribute::new("role", Shape::TEXT, "The AWS role that the user assumes.").one_time_when_auto(),
];
