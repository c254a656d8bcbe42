//! One fingerprint of a file and its secrets: it shows whether another write would be
//! identical.

use crate::ledger::Fingerprint;
use crate::manifest::Integration;
use crate::secret::{Secret, Template, TemplatePart};
use crate::value::{Object, Value};

/// Path to which the fingerprint is bound, in place of an attribute's path.
const WHOLE: &str = "/";

/// The fingerprint of everything that the file says and names; of nothing, if no
/// file describes the integration. `None` where a secret or the key is missing.
///
/// It is of the file and not of the body, which may hold values of the server: what
/// was refused as a `POST` is the same as a `PUT`.
#[must_use]
pub fn inputs(
    name: &str,
    integration: Option<&Integration>,
    fingerprint: &dyn Fn(&str, &str, &Template) -> Option<Fingerprint>,
) -> Option<Fingerprint> {
    let mut whole = Whole::default();
    if let Some(integration) = integration {
        whole.text(integration.platform.wire);
        // In the words of the first version, so that recorded fingerprints still compare.
        whole.text(match integration.auto_bootstrap {
            None => "None",
            Some(false) => "Some(false)",
            Some(true) => "Some(true)",
        });
        whole.object(&integration.config);
        whole.object(&integration.options.extra);
    }
    fingerprint(name, WHOLE, &whole.template())
}

/// A text that is put together, with references where secrets will stand.
#[derive(Default)]
struct Whole {
    parts: Vec<TemplatePart>,
    text: String,
}

impl Whole {
    fn template(mut self) -> Template {
        self.end_text();
        Template { parts: self.parts }
    }

    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        self.parts.push(TemplatePart::Literal(Secret::new(text)));
    }

    /// Quoted as in JSON, so that no text can look like two.
    fn text(&mut self, text: &str) {
        self.text += &serde_json::Value::from(text).to_string();
    }

    fn object(&mut self, object: &Object) {
        self.text.push('{');
        for (key, value) in object.iter() {
            self.text(key);
            self.value(value);
        }
        self.text.push('}');
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.text += "null ",
            Value::Bool(value) => self.text += &format!("{value} "),
            Value::Number(value) => self.text += &format!("{value} "),
            Value::Hidden(value) => self.text += &format!("{value} "),
            Value::Text(text) => self.text(text),
            Value::Secret(template) => {
                self.text.push('<');
                self.end_text();
                self.parts.extend(template.parts.iter().cloned());
                self.text.push('>');
            }
            Value::List(items) => {
                self.text.push('[');
                items.iter().for_each(|item| self.value(item));
                self.text.push(']');
            }
            Value::Object(object) => self.object(object),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::manifest::{Origin, SyncOptions};
    use crate::platform::PLATFORMS;

    /// The text of which a recorded fingerprint was made must stay as it is: another one
    /// reads as "the inputs have changed" in every existing ledger.
    #[test]
    fn text_of_recorded_fingerprints_stays_as_it_is() {
        let password = Template::literal("pw\n\"x\"".to_owned());
        let list = Value::List(vec![Value::Bool(true), Value::Number(7.into())]);
        let config = [
            ("quotes", Value::Text("a \"b\" c:\\d, it's".to_owned())),
            ("lines", Value::Text("one\ntwo\tthree\r".to_owned())),
            ("words", Value::Text("größer 東京 🦀".to_owned())),
            ("password", Value::Secret(password)),
            ("list", list),
        ];
        let extra = [
            ("new", Value::Hidden(serde_json::json!(1))),
            ("no", Value::Null),
        ];
        let object = |pairs: &[(&str, Value)]| -> Object {
            let pairs = pairs.iter().cloned();
            pairs.map(|(key, value)| (key.to_owned(), value)).collect()
        };
        let integration = |auto_bootstrap| Integration {
            name: "lake".to_owned(),
            platform: PLATFORMS[0],
            auto_bootstrap,
            config: object(&config),
            without: BTreeSet::new(),
            options: SyncOptions {
                extra: object(&extra),
                ..SyncOptions::default()
            },
            origin: Origin {
                file: "lake.yaml".to_owned(),
                line: 1,
                within: "lake.yaml".to_owned(),
            },
        };
        for (auto, word) in [
            (None, "None"),
            (Some(false), "Some(false)"),
            (Some(true), "Some(true)"),
        ] {
            let text = std::cell::RefCell::new(String::new());
            let made = inputs("lake", Some(&integration(auto)), &|_, path, template| {
                let literals = template.literals().map(Secret::expose);
                *text.borrow_mut() = format!("{path} {}", literals.collect::<String>());
                None
            });
            assert_eq!(made, None);
            let wire = PLATFORMS[0].wire;
            let expected = [
                &format!(r#"/ "{wire}""{word}""#),
                r#"{"quotes""a \"b\" c:\\d, it's""lines""one\ntwo\tthree\r""words""größer 東京 🦀""#,
                "\"password\"<pw\n\"x\">\"list\"[true 7 ]}{\"new\"1 \"no\"null }",
            ];
            assert_eq!(text.into_inner(), expected.concat());
        }
    }
}
