//! Platforms that exist in tests only, with every kind of rule.

use crate::platform::{
    Attribute, Class, Condition, Evidence, Identity, Need, PayloadShape, Platform, Rule, Scalar,
    Shape, StringRule,
};

/// Everything that a table can say.
pub(super) const CLOUD: Platform = Platform {
    wire: "Fake Cloud",
    title: "The Fake Cloud",
    aliases: &["Fake"],
    payload: PayloadShape::Full,
    identity: Identity::Host("host"),
    deleted_with_credentials: false,
    connection_technology: None,
    scripts: crate::platform::Scripts::NONE,
    snippet: None,
    attributes: &[
        Attribute::new("host", HOST, "Where it is.")
            .class(Class::Identity)
            .required(Evidence::Documented),
        Attribute::new("warehouse", Shape::TEXT, "Where it computes.")
            .required(Evidence::Documented),
        Attribute::new("port", Shape::PORT, "The port.").default(Scalar::Integer(443)),
        Attribute::new(
            "authenticationType",
            Shape::Enum(&["password", "key"], Evidence::Documented),
            "How it logs in.",
        )
        .default(Scalar::Text("password")),
        Attribute::new("password", Shape::TEXT, "The password.")
            .secret()
            .required_when(PASSWORD, Evidence::Documented),
        Attribute::new("username", Shape::TEXT, "The user.")
            .one_time_when_auto()
            .required_when(&[Condition::AutoBootstrap(true)], Evidence::Inferred),
        Attribute::new(
            "audit",
            Shape::Object(&[
                Attribute::new("enabled", Shape::Bool, "Whether.").required(Evidence::Documented),
                Attribute::new(
                    "level",
                    Shape::Enum(&["low", "high"], Evidence::Inferred),
                    "How much.",
                ),
            ]),
            "What is recorded.",
        ),
        Attribute::new("groups", Shape::TextList, "Who."),
        Attribute::new("options", Shape::Opaque, "Nobody knows."),
        Attribute::new("region", REGION, "Which region."),
    ],
    rules: &[Rule::Unique("warehouse", Evidence::Inferred)],
};

/// Set up manually, identified by a name.
pub(super) const LAKE: Platform = Platform {
    wire: "Lake",
    title: "The Lake",
    aliases: &["Data Lake"],
    payload: PayloadShape::ManualOnly,
    identity: Identity::Name("name"),
    deleted_with_credentials: false,
    connection_technology: None,
    scripts: crate::platform::Scripts::NONE,
    snippet: None,
    attributes: &[
        Attribute {
            need: Need::Optional,
            ..Attribute::new("name", Shape::TEXT, "Its name.").default(Scalar::Text("main"))
        },
        Attribute::new("path", Shape::TEXT, "Its path."),
    ],
    rules: &[Rule::Unique("path", Evidence::Documented)],
};

/// A type and nothing else.
pub(super) const BARE: Platform = Platform {
    wire: "Bare",
    title: "The Bare",
    aliases: &[],
    payload: PayloadShape::TypeOnly,
    identity: Identity::Nothing,
    deleted_with_credentials: false,
    connection_technology: None,
    scripts: crate::platform::Scripts::NONE,
    snippet: None,
    attributes: &[],
    rules: &[],
};

/// All of them.
pub(super) const PLATFORMS: &[&Platform] = &[&CLOUD, &LAKE, &BARE];

const PASSWORD: &[Condition] = &[Condition::Is("authenticationType", "password")];

const HOST: Shape = Shape::Text(StringRule {
    expected: "the name of a host",
    accepts: |text| !text.contains('/'),
    pattern: None,
    evidence: Evidence::Inferred,
});

const REGION: Shape = Shape::Text(StringRule {
    expected: "the name of a region, such as eu-1",
    accepts: |text| text.contains('-'),
    pattern: None,
    evidence: Evidence::Documented,
});
