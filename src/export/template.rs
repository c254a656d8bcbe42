//! The form of the references that stand for what the server does not show.

use std::str::FromStr;

use crate::secret::{Reference, provider_forms};

/// Stands for the name of the integration.
const NAME: &str = "{name}";

/// Stands for the path of the attribute, with dots in it.
const ATTRIBUTE: &str = "{attribute}";

/// The source whose addresses are names of variables.
const ENVIRONMENT: &str = "env";

/// A reference with a gap for the name of an integration and one for an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceTemplate {
    /// The word before the colon.
    source: String,
    /// The text behind it, with the gaps.
    address: String,
}

/// A template that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceTemplateError {
    /// Every secret would have the same reference.
    #[error(
        "the template has no `{0}`: write both `{{name}}` and `{{attribute}}`, as in \
         vault:secret/data/immuta/{{name}}#{{attribute}}"
    )]
    NoGap(&'static str),
    /// No source takes such a reference.
    #[error("the template must have one of these forms, without `${{` and `}}`: {0}")]
    Form(String),
}

impl Default for ReferenceTemplate {
    /// An environment variable such as `WAREHOUSE_PROD_PASSWORD`.
    fn default() -> Self {
        Self {
            source: ENVIRONMENT.to_owned(),
            address: format!("{NAME}_{ATTRIBUTE}"),
        }
    }
}

impl FromStr for ReferenceTemplate {
    type Err = ReferenceTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        for gap in [NAME, ATTRIBUTE] {
            if !text.contains(gap) {
                return Err(ReferenceTemplateError::NoGap(gap));
            }
        }
        let forms = || {
            let forms: Vec<&str> = provider_forms().collect();
            ReferenceTemplateError::Form(forms.join(", "))
        };
        let (source, address) = text.split_once(':').ok_or_else(forms)?;
        let template = Self {
            source: source.to_owned(),
            address: address.to_owned(),
        };
        // A brace would end the reference, and a line its string.
        let outside = address.replace(NAME, "").replace(ATTRIBUTE, "");
        let breaks_out = outside.contains(['{', '}', '$']) || outside.contains(char::is_control);
        match template.fill("name", ["attribute"]) {
            Some(_) if !breaks_out => Ok(template),
            Some(_) | None => Err(forms()),
        }
    }
}

impl ReferenceTemplate {
    /// The reference for the attribute with these keys.
    #[must_use]
    pub fn fill<'k>(
        &self,
        name: &str,
        keys: impl IntoIterator<Item = &'k str>,
    ) -> Option<Reference> {
        let dotted = keys.into_iter().collect::<Vec<_>>().join(".");
        let mut address = if self.source == ENVIRONMENT {
            let address = self.address.replace(NAME, &variable(name));
            address.replace(ATTRIBUTE, &variable(&dotted))
        } else {
            let address = self.address.replace(NAME, name);
            address.replace(ATTRIBUTE, &dotted)
        };
        if self.source == ENVIRONMENT && address.starts_with(|c: char| c.is_ascii_digit()) {
            address.insert(0, '_');
        }
        Reference::new(&self.source, &address)
    }
}

/// A text as a part of the name of a variable: `privateKey.content` is
/// `PRIVATE_KEY_CONTENT`.
fn variable(text: &str) -> String {
    let mut name = String::with_capacity(text.len() + 4);
    let mut follows_lower = false;
    for c in text.chars() {
        if c.is_ascii_uppercase() && follows_lower {
            name.push('_');
        }
        follows_lower = c.is_ascii_lowercase();
        name.push(if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::keys;

    #[track_caller]
    fn filled(template: &str, name: &str, path: &str) -> String {
        let template: ReferenceTemplate = template.parse().unwrap();
        template.fill(name, keys(path)).unwrap().to_string()
    }

    #[test]
    fn variable_has_the_name_of_integration_and_attribute() {
        let template = ReferenceTemplate::default();
        let filled = |name, path| template.fill(name, keys(path)).unwrap().to_string();
        assert_eq!(
            filled("warehouse-prod", "password"),
            "${env:WAREHOUSE_PROD_PASSWORD}"
        );
        assert_eq!(
            filled("lake.eu", "oAuthClientConfig/clientSecret"),
            "${env:LAKE_EU_O_AUTH_CLIENT_CONFIG_CLIENT_SECRET}"
        );
        assert_eq!(filled("9lives", "token"), "${env:_9LIVES_TOKEN}");
    }

    #[test]
    fn path_of_another_source_has_dots() {
        assert_eq!(
            filled(
                "vault:secret/data/immuta/{name}#{attribute}",
                "lake",
                "okta/password"
            ),
            "${vault:secret/data/immuta/lake#okta.password}"
        );
        assert_eq!(
            filled("file:/run/{name}/{attribute}", "lake", "token"),
            "${file:/run/lake/token}"
        );
    }

    #[test]
    fn template_without_a_gap_or_a_source_is_wrong() {
        for wrong in [
            "",
            "env:{name}",
            "env:{attribute}",
            "{name}{attribute}",
            "nowhere:{name}{attribute}",
            "sops:{name}{attribute}",
            "env:{name}{attribute}}",
            "${env:{name}{attribute}}",
            "file:/{name}\n{attribute}",
        ] {
            assert!(wrong.parse::<ReferenceTemplate>().is_err(), "{wrong}");
        }
    }
}
