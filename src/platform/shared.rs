//! Attributes that several platforms have in the same form.

use super::{Attribute, Scalar, Shape};

/// `port`, with the platform's own default.
pub(super) const fn port(default: i64) -> Attribute {
    Attribute::new("port", Shape::PORT, "The port on the host.").default(Scalar::Integer(default))
}

/// `impersonation`.
pub(super) const IMPERSONATION: Attribute = Attribute::new(
    "impersonation",
    Shape::Object(&[
        Attribute::new("enabled", Shape::Bool, "Enables user impersonation.")
            .default(Scalar::Bool(false)),
        Attribute::new("role", Shape::TEXT, "The role that allows impersonation.")
            .default(Scalar::Text("IMMUTA_IMPERSONATION")),
    ]),
    "Allows users to query data as another user.",
);

/// `audit`.
pub(super) const AUDIT: Attribute = Attribute::new(
    "audit",
    Shape::Object(&[
        Attribute::new("enabled", Shape::Bool, "Enables query auditing.")
            .default(Scalar::Bool(false)),
    ]),
    "Imports the platform's query history into Immuta.",
);
