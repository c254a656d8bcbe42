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
        whole.text(&format!("{:?}", integration.auto_bootstrap));
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

    /// Quoted, so that no text can look like two.
    fn text(&mut self, text: &str) {
        self.text += &format!("{text:?}");
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
