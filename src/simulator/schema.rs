//! The simulator's knowledge of the API, read from `openapi.json`: the shape of requests and
//! the marks that describe the behaviour of attributes.
//!
//! The document is the simulator's own and every object in it is closed, so that a mistake in
//! the client's tables is rejected here and not shared. Violations name attributes and rules,
//! never a value: values may be secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jsonschema::Validator;
use jsonschema::error::{ValidationError, ValidationErrorKind};
use jsonschema::paths::Location;
use serde_json::{Map, Value, json};

static CONTRACT: LazyLock<Contract> = LazyLock::new(embedded);

#[expect(
    clippy::expect_used,
    reason = "the document is part of the program, and a test parses it"
)]
fn embedded() -> Contract {
    let document =
        serde_json::from_str(include_str!("openapi.json")).expect("openapi.json is JSON");
    Contract::read(&document).expect("openapi.json holds valid schemas")
}

/// The attribute of `config` that says how the platform is logged in to.
pub(super) const LOGIN: &str = "authenticationType";

/// Everything that `openapi.json` says.
pub(super) struct Contract {
    /// By wire name.
    types: BTreeMap<String, TypeFacts>,
    /// The wire names, in the order of the document.
    names: Vec<String>,
    /// The scripts without an id, each with the types it exists for (none: all).
    scripts: BTreeMap<String, BTreeSet<String>>,
    /// Facts about a type that the document lacks.
    unknown: TypeFacts,
}

/// One `type`.
#[derive(Default)]
pub(super) struct TypeFacts {
    validator: Option<Validator>,
    /// The attributes below `config`.
    pub(super) config: AttributeRules,
    /// The names of the validation tests.
    pub(super) tests: Vec<String>,
    /// True if a DELETE carries credentials.
    pub(super) credentials: DeleteCredentials,
    /// The attribute of a read by id that carries an API key.
    pub(super) api_key: Option<String>,
    /// True if a PUT is rejected.
    pub(super) never_updated: bool,
    /// True if `autoBootstrap` may be true.
    pub(super) can_be_automatic: bool,
    /// The attributes next to `config` that a PUT may not change.
    pub(super) immutable_beside_config: Vec<String>,
}

/// Credentials in a DELETE (API.md section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum DeleteCredentials {
    /// It must when the integration was set up automatically, else it must not.
    WhenAutomatic,
    /// It must not, and the refusal is the one for manual set-ups.
    #[default]
    Manual,
    /// It must not, whichever way it was set up, and the refusal names the type.
    Never,
}

/// Comparison of attribute values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uniqueness {
    /// As they stand.
    Exact,
    /// Without regard to case: host names.
    Caseless,
}

/// One attribute, with what lies in it.
#[derive(Debug, Clone, Default)]
pub(super) struct AttributeRules {
    secret: bool,
    one_time_when_automatic: bool,
    immutable: bool,
    unique: Option<Uniqueness>,
    default: Option<Value>,
    /// The words that it can have.
    words: Vec<Value>,
    /// A value for a simulated integration.
    sample: Option<Value>,
    /// The word of [`LOGIN`] that it goes with; `None` if it goes with every one.
    login: Option<String>,
    children: BTreeMap<String, AttributeRules>,
}

/// One thing that is wrong with a request body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// The attribute, such as `config.host`; empty for the body itself.
    pub(super) path: String,
    /// True if the schema does not know the attribute.
    pub(super) unknown: bool,
    /// The violation, in joi's words.
    says: String,
}

impl Contract {
    /// The embedded document, compiled on first use.
    pub(super) fn get() -> &'static Self {
        &CONTRACT
    }

    fn read(document: &Value) -> Result<Self, String> {
        let mapping = document
            .pointer("/components/schemas/IntegrationRequest/discriminator/mapping")
            .and_then(Value::as_object)
            .ok_or("IntegrationRequest has no discriminator")?;
        let mut types = BTreeMap::new();
        for (name, reference) in mapping {
            types.insert(name.clone(), TypeFacts::read(document, reference)?);
        }
        Ok(Self {
            names: mapping.keys().cloned().collect(),
            types,
            scripts: scripts(document),
            unknown: TypeFacts::default(),
        })
    }

    /// Facts about this type; almost none if the document lacks it.
    pub(super) fn facts(&self, type_name: &str) -> &TypeFacts {
        self.types.get(type_name).unwrap_or(&self.unknown)
    }

    /// The types a script without an id exists for (empty: all); `None` when there is no such script.
    pub(super) fn script_types(&self, script: &str) -> Option<&BTreeSet<String>> {
        self.scripts.get(script)
    }

    /// Everything that is wrong with the body of a POST or a PUT.
    pub(super) fn check(&self, body: &Value) -> Vec<Violation> {
        let Some(body_object) = body.as_object() else {
            return vec![Violation::new("", "must be of type object")];
        };
        let facts = match body_object.get("type") {
            None => return vec![Violation::new("type", "is required")],
            Some(name) => name.as_str().and_then(|name| self.types.get(name)),
        };
        let Some(validator) = facts.and_then(|facts| facts.validator.as_ref()) else {
            let one_of = format!("must be one of [{}]", self.names.join(", "));
            return vec![Violation::new("type", &one_of)];
        };
        validator.iter_errors(body).flat_map(violations).collect()
    }
}

impl TypeFacts {
    fn read(document: &Value, reference: &Value) -> Result<Self, String> {
        let schema =
            resolve(document, reference).ok_or("the mapping points to a missing schema")?;
        let root = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": reference,
            "components": document["components"],
        });
        let validator = jsonschema::validator_for(&root).map_err(|error| error.to_string())?;
        let body = AttributeRules::read(document, schema);
        let immutable_beside_config = body.marked(|attribute| attribute.immutable);
        let tests = schema["x-validation-tests"].as_array();
        Ok(Self {
            validator: Some(validator),
            config: body.children.get("config").cloned().unwrap_or_default(),
            tests: strings(tests).collect(),
            credentials: match schema["x-credentials-on-delete"].as_str() {
                Some("when-auto") => DeleteCredentials::WhenAutomatic,
                Some("never") => DeleteCredentials::Never,
                _ => DeleteCredentials::Manual,
            },
            api_key: schema["x-api-key"].as_str().map(str::to_owned),
            immutable_beside_config,
            never_updated: schema["x-no-update"] == true,
            can_be_automatic: body
                .children
                .get("autoBootstrap")
                .is_some_and(|own| own.words.is_empty() || own.words.contains(&json!(true))),
        })
    }

    /// The attributes directly in `config` that must be unique among the integrations of the type.
    pub(super) fn unique(&self) -> impl Iterator<Item = (&str, Uniqueness)> {
        let children = self.config.children.iter();
        children.filter_map(|(name, child)| Some((name.as_str(), child.unique?)))
    }

    /// The attributes directly in `config` that a PUT may not change.
    pub(super) fn immutable(&self) -> Vec<String> {
        self.config.marked(|attribute| attribute.immutable)
    }

    /// Comparison for values of an attribute directly in `config`.
    pub(super) fn uniqueness(&self, attribute: &str) -> Uniqueness {
        let child = self.config.children.get(attribute);
        child
            .and_then(|child| child.unique)
            .unwrap_or(Uniqueness::Exact)
    }

    /// True if these attributes include a credential: at least one that is a secret or contains
    /// one.
    pub(super) fn has_credential(&self, attributes: &Map<String, Value>) -> bool {
        attributes.iter().any(|(name, value)| {
            let child = self.config.children.get(name);
            !value.is_null() && child.is_some_and(AttributeRules::holds_secret)
        })
    }

    /// True if any of these attributes is a credential or belongs to one: a user name, a role.
    pub(super) fn mentions_credentials(&self, attributes: &Map<String, Value>) -> bool {
        // DELETE's own attributes, whatever the type's schema says of them.
        const ALWAYS: [&str; 2] = ["username", "password"];
        attributes.keys().any(|name| {
            let child = self.config.children.get(name);
            ALWAYS.contains(&name.as_str())
                || child.is_some_and(|child| child.one_time_when_automatic || child.holds_secret())
        })
    }
}

impl Uniqueness {
    /// The form in which two equal values are the same text.
    pub(super) fn normal_form(self, value: &str) -> String {
        match self {
            Self::Exact => value.to_owned(),
            Self::Caseless => value.to_ascii_lowercase(),
        }
    }
}

impl AttributeRules {
    fn read(document: &Value, schema: &Value) -> Self {
        let mut own = Self {
            secret: schema["x-secret"] == true,
            one_time_when_automatic: schema["x-one-time-when-auto"] == true,
            immutable: schema["x-immutable"] == true,
            unique: match schema["x-unique"].as_str() {
                Some("exact") => Some(Uniqueness::Exact),
                Some("caseless") => Some(Uniqueness::Caseless),
                _ => None,
            },
            default: schema.get("default").cloned(),
            words: ["enum", "x-known-values"]
                .iter()
                .filter_map(|key| schema[*key].as_array())
                .flatten()
                .cloned()
                .collect(),
            sample: schema.get("x-sample").cloned(),
            login: schema["x-login"].as_str().map(str::to_owned),
            children: BTreeMap::new(),
        };
        if let Some(target) = schema.get("$ref").and_then(|link| resolve(document, link)) {
            own.merge(Self::read(document, target));
        }
        for variant in schema["oneOf"].as_array().into_iter().flatten() {
            own.merge(Self::read(document, variant));
        }
        for (name, child) in schema["properties"].as_object().into_iter().flatten() {
            let child = Self::read(document, child);
            own.children.entry(name.clone()).or_default().merge(child);
        }
        own
    }

    /// Takes over what another reading of the same attribute says.
    fn merge(&mut self, other: Self) {
        let Self {
            secret,
            one_time_when_automatic,
            immutable,
            unique,
            default,
            words,
            sample,
            login,
            children,
        } = other;
        self.secret |= secret;
        self.one_time_when_automatic |= one_time_when_automatic;
        self.immutable |= immutable;
        self.unique = self.unique.or(unique);
        self.default = self.default.take().or(default);
        let new = words.into_iter().filter(|word| !self.words.contains(word));
        let new: Vec<Value> = new.collect();
        self.words.extend(new);
        self.sample = self.sample.take().or(sample);
        self.login = self.login.take().or(login);
        for (name, child) in children {
            self.children.entry(name).or_default().merge(child);
        }
    }

    fn marked(&self, mark: impl Fn(&Self) -> bool) -> Vec<String> {
        let children = self.children.iter().filter(|(_, child)| mark(child));
        children.map(|(name, _)| name.clone()).collect()
    }

    fn holds_secret(&self) -> bool {
        self.secret || self.children.values().any(Self::holds_secret)
    }

    /// A value that the attribute at this path has in the simulated integration of this number.
    pub(super) fn sample<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k str>,
        number: u64,
    ) -> Option<Value> {
        let mut keys = keys.into_iter();
        let own = keys.try_fold(self, |own, key| own.children.get(key))?;
        if let Some(text) = own.sample.as_ref().and_then(Value::as_str) {
            return Some(text.replace("{number}", &number.to_string()).into());
        }
        own.default.clone().or_else(|| own.words.first().cloned())
    }

    /// The words for a login, in the order of the document.
    pub(super) fn logins(&self) -> impl Iterator<Item = &str> {
        let login = self.children.get(LOGIN).into_iter();
        login.flat_map(|own| &own.words).filter_map(Value::as_str)
    }

    /// The login that an attribute directly in this object goes with.
    pub(super) fn login_of(&self, name: &str) -> Option<&str> {
        self.children.get(name)?.login.as_deref()
    }

    /// The attributes directly in this object that go with a login and can be shown.
    pub(super) fn shown_with<'l>(&'l self, login: &'l str) -> impl Iterator<Item = &'l str> {
        let own = self.children.iter();
        own.filter(move |(_, child)| child.login.as_deref() == Some(login) && !child.secret)
            .map(|(name, _)| name.as_str())
    }

    /// True if one of these attributes is not stored when `autoBootstrap` is true.
    pub(super) fn has_one_time(&self, object: &Map<String, Value>) -> bool {
        let mut children = object.keys().filter_map(|name| self.children.get(name));
        children.any(|child| child.one_time_when_automatic)
    }

    /// Removes what is used once and not stored.
    pub(super) fn drop_one_time(&self, object: &mut Map<String, Value>) {
        object.retain(|name, _| {
            let child = self.children.get(name);
            !child.is_some_and(|child| child.one_time_when_automatic)
        });
    }

    /// Fills in defaults, in every object that is there.
    pub(super) fn fill_defaults(&self, object: &mut Map<String, Value>) {
        for (name, child) in &self.children {
            match (object.get_mut(name), &child.default) {
                (Some(Value::Object(inner)), _) => child.fill_defaults(inner),
                (None, Some(default)) => {
                    object.insert(name.clone(), default.clone());
                }
                (Some(_) | None, _) => {}
            }
        }
    }

    /// True if the object of this name holds only values that the server fills in anyway.
    pub(super) fn is_default(&self, name: &str, object: &Map<String, Value>) -> bool {
        let children = self.children.get(name).map(|child| &child.children);
        object.iter().all(|(name, value)| {
            let child = children.and_then(|children| children.get(name));
            child.is_some_and(|child| child.default.as_ref() == Some(value))
        })
    }

    /// Takes the secrets out: each becomes `mask`, or goes when there is none.
    pub(super) fn redact(&self, object: &mut Map<String, Value>, mask: Option<&str>) {
        if mask.is_none() {
            object.retain(|name, _| !self.children.get(name).is_some_and(|child| child.secret));
        }
        for (name, value) in object {
            let Some(child) = self.children.get(name) else {
                continue;
            };
            if let (true, Some(mask)) = (child.secret, mask) {
                *value = Value::from(mask);
            } else if let Some(inner) = value.as_object_mut() {
                child.redact(inner, mask);
            }
        }
    }
}

impl Violation {
    fn new(path: &str, says: &str) -> Self {
        Self {
            path: path.to_owned(),
            unknown: false,
            says: says.to_owned(),
        }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = if self.path.is_empty() {
            "value"
        } else {
            &self.path
        };
        write!(f, "\"{name}\" {}", self.says)
    }
}

/// An error of the validator as violations, one per attribute.
fn violations(error: ValidationError<'_>) -> Vec<Violation> {
    let path = dotted(error.instance_path());
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    let parts = error.into_parts();
    if let ValidationErrorKind::OneOfNotValid { context } = parts.kind {
        return nearest_variant(context);
    }
    if let ValidationErrorKind::Required { property } = &parts.kind {
        let name = property.as_str().unwrap_or_default();
        return vec![Violation::new(&below(name), "is required")];
    }
    if let ValidationErrorKind::AdditionalProperties { unexpected } = &parts.kind {
        let unknown = |name: &String| Violation {
            unknown: true,
            ..Violation::new(&below(name), "is not allowed")
        };
        return unexpected.iter().map(unknown).collect();
    }
    vec![Violation::new(&path, &rule(&parts.kind))]
}

/// The violations of the variant that was most likely meant: one whose `enum`s
/// hold, since these are the discriminators, then the one with the fewest.
fn nearest_variant(variants: Vec<Vec<ValidationError<'static>>>) -> Vec<Violation> {
    let is_other = |error: &ValidationError<'_>| error.kind().keyword() == "enum";
    let nearest = variants.into_iter().min_by_key(|errors| {
        let others = errors.iter().filter(|error| is_other(error)).count();
        (others, errors.len())
    });
    nearest.into_iter().flatten().flat_map(violations).collect()
}

/// Requirement of a rule.
fn rule(kind: &ValidationErrorKind) -> String {
    match kind.keyword() {
        "type" => "is of the wrong type".to_owned(),
        "enum" => "is not one of the allowed values".to_owned(),
        "pattern" => "fails to match the required pattern".to_owned(),
        "minimum" | "maximum" => "is out of range".to_owned(),
        other => format!("breaks the rule {other}"),
    }
}

fn dotted(location: &Location) -> String {
    location.as_str().trim_start_matches('/').replace('/', ".")
}

fn scripts(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .filter_map(|(path, item)| {
            let name = path.strip_prefix("/integrations/scripts/")?;
            let types = strings(item["post"]["x-types"].as_array());
            Some((name.to_owned(), types.collect()))
        })
        .collect()
}

fn resolve<'a>(document: &'a Value, reference: &Value) -> Option<&'a Value> {
    document.pointer(reference.as_str()?.strip_prefix('#')?)
}

fn strings(list: Option<&Vec<Value>>) -> impl Iterator<Item = String> + '_ {
    let items = list.into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned))
}
