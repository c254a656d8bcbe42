//! From what an integration wants to be to the body of its request.
//!
//! The only place where the secrets of a file are put in clear. The text is
//! measured first and written into one buffer of that size, so that no
//! half-grown copy stays behind in freed memory; the buffer is wiped when dropped.

use zeroize::Zeroizing;

use super::RequestBody;
use crate::platform::{Payload, Platform};
use crate::secret::{Part, Reference, Secret, Template};
use crate::value::{Object, Value};

/// Where the body of a delete has its credentials: no public page tells (API.md 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nesting {
    /// In `config`, as a create has them.
    #[default]
    Config,
    /// At the top.
    TopLevel,
}

/// Writes the body of a create or an update, with `resolve` asked for every reference.
///
/// Which keys it has is said by the platform's [`Payload`]; where only a manual
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
    let mut fields = vec![("type", Field::Text(platform.wire))];
    let auto_bootstrap = match platform.payload {
        Payload::TypeOnly => None,
        Payload::Full => auto_bootstrap,
        Payload::ManualOnly => Some(auto_bootstrap.unwrap_or(false)),
    };
    fields.extend(auto_bootstrap.map(|value| ("autoBootstrap", Field::Bool(value))));
    let mut rendered = Vec::new();
    let mut secrets = Vec::new();
    match platform.payload {
        Payload::TypeOnly => {}
        Payload::Full | Payload::ManualOnly => {
            fields.push(("config", Field::Object(config)));
            (rendered, secrets) = render_all(config, &mut resolve)?;
        }
    }
    let json = whole(&fields, &rendered);
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
    let (rendered, mut secrets) = render_all(credentials, &mut resolve)?;
    let fields: Vec<(&str, Field<'_>)> = match nesting {
        Nesting::Config => vec![("config", Field::Object(credentials))],
        Nesting::TopLevel => credentials
            .iter()
            .map(|(key, value)| (key, Field::Value(value)))
            .collect(),
    };
    let json = whole(&fields, &rendered);
    secrets.extend(rendered);
    Ok(RequestBody { json, secrets })
}

/// Every secret of an object in order, and the parts of those that have several.
fn render_all<'a, E>(
    object: &'a Object,
    resolve: &mut impl FnMut(&Reference) -> Result<&'a Secret, E>,
) -> Result<(Vec<Secret>, Vec<Secret>), E> {
    let mut templates = Vec::new();
    for (_, value) in object.iter() {
        value.for_each_template(&mut |template| templates.push(template));
    }
    let (mut rendered, mut parts) = (Vec::new(), Vec::new());
    for template in templates {
        rendered.push(render(template, &mut parts, resolve)?);
    }
    Ok((rendered, parts))
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
            parts.push(match part {
                Part::Literal(text) => text.clone(),
                Part::Reference(reference) => resolve(reference)?.clone(),
            });
        }
    }
    template.render(resolve)
}

/// A field of the payload itself.
enum Field<'a> {
    Text(&'a str),
    Bool(bool),
    Object(&'a Object),
    Value(&'a Value),
}

/// An object of fields, in a buffer of exactly its size.
fn whole(fields: &[(&str, Field<'_>)], rendered: &[Secret]) -> Zeroizing<Vec<u8>> {
    let mut size = 0;
    payload(fields, rendered, &mut |bytes| size += bytes.len());
    let mut json = Zeroizing::new(Vec::with_capacity(size));
    payload(fields, rendered, &mut |bytes| json.extend_from_slice(bytes));
    json
}

/// Takes the JSON text piece by piece.
type Sink<'a> = dyn FnMut(&[u8]) + 'a;

fn payload(fields: &[(&str, Field<'_>)], rendered: &[Secret], out: &mut Sink<'_>) {
    let mut rendered = rendered.iter();
    let pairs = fields.iter().map(|(key, field)| (*key, field));
    members(pairs, out, &mut |field, out| match field {
        Field::Text(text) => string(text, out),
        Field::Bool(value) => bool(*value, out),
        Field::Object(object) => self::object(object, &mut rendered, out),
        Field::Value(value) => self::value(value, &mut rendered, out),
    });
}

fn value(value: &Value, rendered: &mut std::slice::Iter<'_, Secret>, out: &mut Sink<'_>) {
    match value {
        Value::Null => out(b"null"),
        Value::Bool(value) => bool(*value, out),
        Value::Number(number) => out(number.to_string().as_bytes()),
        Value::Hidden(scalar) => out(Zeroizing::new(scalar.to_string()).as_bytes()),
        Value::Text(text) => string(text, out),
        // `for_each_template` goes through the tree in this same order.
        Value::Secret(_) => string(rendered.next().map_or("", Secret::expose), out),
        Value::List(items) => {
            out(b"[");
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out(b",");
                }
                self::value(item, rendered, out);
            }
            out(b"]");
        }
        Value::Object(object) => self::object(object, rendered, out),
    }
}

fn object(object: &Object, rendered: &mut std::slice::Iter<'_, Secret>, out: &mut Sink<'_>) {
    members(object.iter(), out, &mut |item, out| {
        value(item, rendered, out);
    });
}

fn members<'a, T>(
    pairs: impl Iterator<Item = (&'a str, T)>,
    out: &mut Sink<'_>,
    write: &mut dyn FnMut(T, &mut Sink<'_>),
) {
    out(b"{");
    for (index, (key, item)) in pairs.enumerate() {
        if index > 0 {
            out(b",");
        }
        string(key, out);
        out(b":");
        write(item, out);
    }
    out(b"}");
}

fn bool(value: bool, out: &mut Sink<'_>) {
    out(if value { b"true" } else { b"false" });
}

fn string(text: &str, out: &mut Sink<'_>) {
    out(b"\"");
    escape(text, out);
    out(b"\"");
}

/// The inside of a JSON string.
pub(super) fn escape(text: &str, out: &mut Sink<'_>) {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let (before, from) = rest.split_at(at);
        out(before.as_bytes());
        let mut characters = from.chars();
        match characters.next() {
            Some('"') => out(b"\\\""),
            Some('\\') => out(b"\\\\"),
            Some('\n') => out(b"\\n"),
            Some('\r') => out(b"\\r"),
            Some('\t') => out(b"\\t"),
            Some(control) => out(format!("\\u{:04x}", u32::from(control)).as_bytes()),
            None => {}
        }
        rest = characters.as_str();
    }
    out(rest.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::platform::Identity;
    use crate::secret::SecretSource;

    fn platform(payload: Payload) -> Platform {
        Platform {
            wire: "Lake \"One\"",
            title: "Lake",
            aliases: &[],
            payload,
            identity: Identity::Nothing,
            deleted_with_credentials: false,
            connection_technology: None,
            attributes: &[],
            rules: &[],
        }
    }

    fn reference(argument: &str) -> Reference {
        Reference {
            source: SecretSource::Env,
            argument: argument.into(),
        }
    }

    fn config() -> Object {
        let password = Template {
            parts: vec![
                Part::Literal(Secret::new("pre-".into())),
                Part::Reference(reference("A")),
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

    fn written(payload: Payload, auto_bootstrap: Option<bool>) -> RequestBody {
        let config = config();
        let secret = Secret::new("se\"cret".into());
        encode(&platform(payload), auto_bootstrap, &config, |_| {
            Ok::<_, ()>(&secret)
        })
        .unwrap()
    }

    #[test]
    fn a_full_payload_has_its_three_keys_in_order_and_every_secret_in_its_place() {
        let body = written(Payload::Full, Some(true));
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
    fn the_buffer_is_exactly_as_large_as_the_text() {
        let body = written(Payload::Full, Some(true));
        assert_eq!(body.json.capacity(), body.json.len());
    }

    #[test]
    fn a_payload_of_the_type_alone_has_nothing_else_and_resolves_nothing() {
        let config = config();
        let body = encode(&platform(Payload::TypeOnly), Some(true), &config, |_| {
            Err::<&Secret, _>("asked")
        })
        .unwrap();
        assert_eq!(&body.json[..], br#"{"type":"Lake \"One\""}"#);
        assert!(body.secrets.is_empty());
    }

    #[test]
    fn a_manual_platform_says_so_when_nothing_is_given() {
        let text = String::from_utf8(written(Payload::ManualOnly, None).json.to_vec()).unwrap();
        assert!(text.contains(r#""autoBootstrap":false"#), "{text}");
        let text = String::from_utf8(written(Payload::Full, None).json.to_vec()).unwrap();
        assert!(!text.contains("autoBootstrap"), "{text}");
    }

    #[test]
    fn the_secrets_and_their_parts_are_kept_for_scrubbing() {
        let body = written(Payload::Full, Some(false));
        let known: Vec<&str> = body.secrets.iter().map(Secret::expose).collect();
        assert_eq!(known, ["pre-", "se\"cret", "pre-se\"cret", "1234", "last"]);
    }

    #[test]
    fn a_secret_that_is_missing_gives_its_error_and_no_body() {
        let config = config();
        let outcome = encode(&platform(Payload::Full), None, &config, |asked| {
            Err::<&Secret, _>(asked.to_string())
        });
        assert_eq!(outcome.err().as_deref(), Some("${env:A}"));
    }

    #[test]
    fn the_debug_form_of_a_body_shows_nothing_of_it() {
        let body = written(Payload::Full, Some(false));
        let size = body.json.len();
        assert_eq!(format!("{body:?}"), format!("RequestBody({size} bytes)"));
    }

    proptest! {
        #[test]
        fn an_escaped_string_is_read_back_as_it_was(text in any::<String>()) {
            let mut json = Vec::new();
            string(&text, &mut |bytes| json.extend_from_slice(bytes));
            prop_assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
        }
    }
}
