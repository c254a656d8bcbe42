//! Attributes that several platforms have in the same form.

use super::{Attribute, Scalar, Shape};

/// `port`, with the platform's own default.
pub(super) const fn port(default: i64) -> Attribute {
    Attribute::new("port", Shape::PORT, "The port of the host.").default(Scalar::Integer(default))
}

/// `impersonation`.
pub(super) const IMPERSONATION: Attribute = Attribute::new(
    "impersonation",
    Shape::Object(&[
        Attribute::new(
            "enabled",
            Shape::Bool,
            "Whether users may impersonate others.",
        )
        .default(Scalar::Bool(false)),
        Attribute::new("role", Shape::TEXT, "The role that lets a user do so.")
            .default(Scalar::Text("IMMUTA_IMPERSONATION")),
    ]),
    "Lets users query data as another user.",
);

/// `audit`.
pub(super) const AUDIT: Attribute = Attribute::new(
    "audit",
    Shape::Object(&[
        Attribute::new("enabled", Shape::Bool, "Whether queries are audited.")
            .default(Scalar::Bool(false)),
    ]),
    "Brings the platform's query history into Immuta.",
);
