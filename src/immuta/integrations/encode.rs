//! From what an integration wants to be to the body of its request.
//!
//! The only place where the secrets of a file are put in clear.

use std::cell::RefCell;

use serde::ser::Error;
use serde::{Serialize, Serializer};

use crate::immuta::client::RequestBody;
use crate::platform::{CONFIG, Field, Platform};
use crate::secret::json::to_json;
use crate::secret::{Reference, Secret, Template, TemplatePart};
use crate::value::{Object, Value};

/// Position of the credentials in the body of a delete: not publicly documented (API.md 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Nesting {
    /// Below `config`, as in a create
    #[default]
    Config,
    /// Next to `config`
    TopLevel,
}

/// Writes the body of a create or an update, with `resolve` asked for every reference.
///
/// Which keys it has is said by the platform's [`Payload`](crate::platform::PayloadShape); where only a manual
/// set-up exists, `autoBootstrap` is `false` unless something else is given.
///
/// # Errors
/// The first error of `resolve`.
pub fn encode<'a, E>(
    platform: &Platform,
    auto_bootstrap: Option<bool>,
    config: &'a Object,
    mut resolve: impl FnMut(&Reference) -> Result<&'a Secret, E>,
) -> Result<RequestBody, E> {
    let fields = platform.fields(auto_bootstrap, config);
    let (mut rendered, mut secrets) = (Vec::new(), Vec::new());
    for (_, field) in &fields {
        if let Field::Config(object) = field {
            render_all(object, &mut rendered, &mut secrets, &mut resolve)?;
        }
    }
    let json = to_json(&Fields {
        fields,
        rendered: &rendered,
    });
    secrets.extend(rendered);
    Ok(RequestBody { json, secrets })
}

/// Writes the body of a delete: credentials of the kind that the set-up used.
///
/// # Errors
/// The first error of `resolve`.
pub fn encode_credentials<'a, E>(
    credentials: &'a Object,
    nesting: Nesting,
    mut resolve: impl FnMut(&Reference) -> Result<&'a Secret, E>,
) -> Result<RequestBody, E> {
    let (mut rendered, mut secrets) = (Vec::new(), Vec::new());
    render_all(credentials, &mut rendered, &mut secrets, &mut resolve)?;
    let json = match nesting {
        Nesting::Config => to_json(&Fields {
            fields: vec![(CONFIG, Field::Config(credentials))],
            rendered: &rendered,
        }),
        Nesting::TopLevel => to_json(&Whole {
            object: credentials,
            rendered: &rendered,
        }),
    };
    secrets.extend(rendered);
    Ok(RequestBody { json, secrets })
}

/// Adds every secret of an object in order, and the parts of those that have several.
fn render_all<'a, E>(
    object: &'a Object,
    rendered: &mut Vec<Secret>,
    parts: &mut Vec<Secret>,
    resolve: &mut impl FnMut(&Reference) -> Result<&'a Secret, E>,
) -> Result<(), E> {
    let mut templates = Vec::new();
    for (_, value) in object.iter() {
        value.for_each_template(&mut |template| templates.push(template));
    }
    for template in templates {
        rendered.push(render(template, parts, resolve)?);
    }
    Ok(())
}

/// Renders a template; a part of several is put into `parts` too, since the
/// server may say it back alone.
fn render<'a, E>(
    template: &'a Template,
    parts: &mut Vec<Secret>,
    resolve: &mut impl FnMut(&Reference) -> Result<&'a Secret, E>,
) -> Result<Secret, E> {
    if template.parts.len() > 1 {
        for part in &template.parts {
            match part {
                TemplatePart::Literal(text) => parts.push(text.clone()),
                TemplatePart::Shown(_) => {}
                TemplatePart::Reference(reference) => parts.push(resolve(reference)?.clone()),
            }
        }
    }
    template.render(resolve)
}

/// Fields of a body, with the secrets that stand in them in order.
struct Fields<'a> {
    fields: Vec<(&'static str, Field<&'a Object>)>,
    rendered: &'a [Secret],
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let secrets = Secrets::of(self.rendered);
        serializer.collect_map(self.fields.iter().map(|(name, field)| {
            let value = match field {
                Field::Type(wire) => InClear::Text(wire),
                Field::AutoBootstrap(value) => InClear::Bool(*value),
                Field::Config(object) => InClear::Object(object, &secrets),
            };
            (name, value)
        }))
    }
}

/// An object that is a body, with the secrets that stand in it in order.
struct Whole<'a> {
    object: &'a Object,
    rendered: &'a [Secret],
}

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        members(self.object, &Secrets::of(self.rendered), serializer)
    }
}

/// The rendered secrets that have not been written yet. A body is written twice, once to
/// measure it, so each pass begins with its own.
struct Secrets<'a>(RefCell<std::slice::Iter<'a, Secret>>);

impl<'a> Secrets<'a> {
    fn of(rendered: &'a [Secret]) -> Self {
        Self(RefCell::new(rendered.iter()))
    }

    /// The next one. None is left only by a mistake here, and then there is no body: a
    /// tenant would take an empty password.
    fn next<E: Error>(&self) -> Result<&'a str, E> {
        let next = self.0.borrow_mut().next();
        next.map(Secret::expose)
            .ok_or_else(|| E::custom("a secret is missing"))
    }
}

/// A value as it is sent.
enum InClear<'a> {
    Text(&'a str),
    Bool(bool),
    Value(&'a Value, &'a Secrets<'a>),
    Object(&'a Object, &'a Secrets<'a>),
}

impl Serialize for InClear<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (value, secrets) = match self {
            Self::Text(text) => return serializer.serialize_str(text),
            Self::Bool(value) => return serializer.serialize_bool(*value),
            Self::Object(object, secrets) => return members(object, secrets, serializer),
            Self::Value(value, secrets) => (*value, *secrets),
        };
        match value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => number.serialize(serializer),
            Value::Hidden(scalar) => scalar.serialize(serializer),
            Value::Text(text) => serializer.serialize_str(text),
            // `for_each_template` goes through the tree in this same order.
            Value::Secret(_) => serializer.serialize_str(secrets.next()?),
            Value::List(items) => {
                serializer.collect_seq(items.iter().map(|item| Self::Value(item, secrets)))
            }
            Value::Object(object) => members(object, secrets, serializer),
        }
    }
}

fn members<'a, S: Serializer>(
    object: &'a Object,
    secrets: &'a Secrets<'a>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let member = |(name, value)| (name, InClear::Value(value, secrets));
    serializer.collect_map(object.iter().map(member))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::platform::{Identity, PayloadShape};

    fn platform(payload: PayloadShape) -> Platform {
        Platform {
            wire: "Lake \"One\"",
            title: "Lake",
            aliases: &[],
            payload,
            identity: Identity::Nothing,
            deleted_with_credentials: false,
            connection_technology: None,
            scripts: crate::platform::Scripts::NONE,
            snippet: None,
            attributes: &[],
            rules: &[],
        }
    }

    fn reference(argument: &str) -> Reference {
        Reference::new("env", argument).unwrap()
    }

    fn config() -> Object {
        let password = Template {
            parts: vec![
                TemplatePart::Literal(Secret::new("pre-".into())),
                TemplatePart::Reference(reference("A")),
            ],
        };
        let mut okta = Object::new();
        okta.insert("app", Value::Text("x".into()));
        okta.insert("pin", Value::Secret(Template::literal("1234".into())));
        let mut config = Object::new();
        config.insert("host", Value::Text("a\u{1}\n\"b\"".into()));
        config.insert("password", Value::Secret(password));
        config.insert("port", Value::Number(443.into()));
        config.insert("nothing", Value::Null);
        config.insert("okta", Value::Object(okta));
        config.insert(
            "list",
            Value::List(vec![
                Value::Bool(true),
                Value::Secret(Template::literal("last".into())),
            ]),
        );
        config
    }

    fn written(payload: PayloadShape, auto_bootstrap: Option<bool>) -> RequestBody {
        let config = config();
        let secret = Secret::new("se\"cret".into());
        encode(&platform(payload), auto_bootstrap, &config, |_| {
            Ok::<_, ()>(&secret)
        })
        .unwrap()
    }

    #[test]
    fn full_payload_has_three_keys_in_order_and_every_secret() {
        let body = written(PayloadShape::Full, Some(true));
        assert_eq!(
            std::str::from_utf8(&body.json).unwrap(),
            json!({
                "type": "Lake \"One\"",
                "autoBootstrap": true,
                "config": {
                    "host": "a\u{1}\n\"b\"",
                    "password": "pre-se\"cret",
                    "port": 443,
                    "nothing": null,
                    "okta": {"app": "x", "pin": "1234"},
                    "list": [true, "last"],
                },
            })
            .to_string()
        );
    }

    #[test]
    fn credentials_of_a_delete_stand_where_they_are_asked_for() {
        let (config, secret) = (config(), Secret::new("se\"cret".into()));
        let written = |nesting| {
            let body = encode_credentials(&config, nesting, |_| Ok::<_, ()>(&secret)).unwrap();
            assert_eq!(body.json.capacity(), body.json.len());
            serde_json::from_slice::<serde_json::Value>(&body.json).unwrap()
        };
        let top = written(Nesting::TopLevel);
        assert_eq!(top["password"], "pre-se\"cret");
        assert_eq!(top["list"], json!([true, "last"]));
        assert_eq!(written(Nesting::Config), json!({ "config": top }));
    }

    #[test]
    fn the_buffer_is_exactly_as_large_as_the_text() {
        let body = written(PayloadShape::Full, Some(true));
        assert_eq!(body.json.capacity(), body.json.len());
    }

    #[test]
    fn payload_of_the_type_alone_resolves_no_secret() {
        let config = config();
        let body = encode(
            &platform(PayloadShape::TypeOnly),
            Some(true),
            &config,
            |_| Err::<&Secret, _>("asked"),
        )
        .unwrap();
        assert_eq!(&body.json[..], br#"{"type":"Lake \"One\""}"#);
        assert!(body.secrets.is_empty());
    }

    #[test]
    fn a_manual_platform_says_so_when_nothing_is_given() {
        let text =
            String::from_utf8(written(PayloadShape::ManualOnly, None).json.to_vec()).unwrap();
        assert!(text.contains(r#""autoBootstrap":false"#), "{text}");
        let text = String::from_utf8(written(PayloadShape::Full, None).json.to_vec()).unwrap();
        assert!(!text.contains("autoBootstrap"), "{text}");
    }

    #[test]
    fn the_secrets_and_their_parts_are_kept_for_scrubbing() {
        let body = written(PayloadShape::Full, Some(false));
        let known: Vec<&str> = body.secrets.iter().map(Secret::expose).collect();
        assert_eq!(known, ["pre-", "se\"cret", "pre-se\"cret", "1234", "last"]);
    }

    #[test]
    fn a_secret_that_is_missing_gives_its_error_and_no_body() {
        let config = config();
        let outcome = encode(&platform(PayloadShape::Full), None, &config, |asked| {
            Err::<&Secret, _>(asked.to_string())
        });
        assert_eq!(outcome.err().as_deref(), Some("${env:A}"));
    }

    #[test]
    fn the_debug_form_of_a_body_shows_nothing_of_it() {
        let body = written(PayloadShape::Full, Some(false));
        let size = body.json.len();
        assert_eq!(format!("{body:?}"), format!("RequestBody({size} bytes)"));
    }
}
