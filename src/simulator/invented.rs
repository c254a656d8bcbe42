//! Integrations with invented values, which show what a profile describes.
//!
//! Each attribute, kind and status of the profile occurs, and an attribute that some integrations
//! lack is missing from one. Beyond that the integrations follow the rules of the API, so that
//! files can describe them: values have the right form, and an attribute that goes with one login
//! does not occur with another.

use serde_json::{Map, Value};

use super::SimulatedStatus;
use super::profile::{
    AUTO_BOOTSTRAP, CONFIG, JsonKind, ProfiledAttribute, ProfiledType, SEPARATOR, inside_config,
};
use super::schema::{Contract, LOGIN, TypeFacts};
use super::store::Beginning;

/// The integration of each login that lacks what may be absent.
const SPARSE: usize = 1;

/// As many integrations of a type as its profile needs.
pub(super) fn integrations(type_name: &str, profile: &ProfiledType) -> Vec<Beginning> {
    let invention = Invention::new(type_name, profile);
    let all = invention.logins.len() * invention.variants();
    let all = all.max(profile.statuses.len());
    (0..all).map(|index| invention.integration(index)).collect()
}

/// One type.
struct Invention<'p> {
    type_name: &'p str,
    profile: &'p ProfiledType,
    facts: &'static TypeFacts,
    /// The logins, `None` where there is nothing to choose from.
    logins: Vec<Option<&'static str>>,
}

/// One integration of a type.
#[derive(Clone, Copy)]
struct Variant {
    login: Option<&'static str>,
    /// Its position among those with the same login.
    position: usize,
    /// Its position among all of the type, from 1.
    number: u64,
}

impl<'p> Invention<'p> {
    fn new(type_name: &'p str, profile: &'p ProfiledType) -> Self {
        let mut own = Self {
            type_name,
            profile,
            facts: Contract::get().facts(type_name),
            logins: vec![None],
        };
        let possible = own.facts.config.logins();
        let possible = possible.filter(|it| own.may_log_in_with(it)).map(Some);
        let possible: Vec<_> = possible.collect();
        if !possible.is_empty() && own.is_covered_by(&possible) {
            own.logins = possible;
        }
        own
    }

    /// True if integrations with this login can have all attributes that none lacks, and have
    /// something to show for the login, if there is anything.
    fn may_log_in_with(&self, login: &str) -> bool {
        let attributes = &self.profile.attributes;
        let belongs_to_another = |path: &str| {
            let own = inside_config(path).and_then(|name| self.facts.config.login_of(name));
            own.is_some_and(|own| own != login)
        };
        let mut always = attributes.iter().filter(|(_, it)| !it.sometimes_absent);
        let mut shown = self.facts.config.shown_with(login).peekable();
        let is_in_use =
            shown.peek().is_none() || shown.any(|name| attributes.contains_key(&in_config(name)));
        is_in_use && !always.any(|(path, _)| belongs_to_another(path))
    }

    /// True if each attribute that goes with a login goes with one of these. Only a tenant that
    /// does not follow the rules has others.
    fn is_covered_by(&self, logins: &[Option<&str>]) -> bool {
        let mut paths = self.profile.attributes.keys();
        paths.all(|path| {
            let login = inside_config(path).and_then(|name| self.facts.config.login_of(name));
            login.is_none() || logins.contains(&login)
        })
    }

    /// The number of integrations of one login in which everything occurs.
    fn variants(&self) -> usize {
        let attributes = self.profile.attributes.values();
        let needed = attributes.map(|it| it.kinds.len() + usize::from(it.sometimes_absent));
        needed.max().unwrap_or(1).max(1)
    }

    fn integration(&self, index: usize) -> Beginning {
        let logins = self.logins.len();
        let variant = Variant {
            login: self.logins.get(index % logins).copied().flatten(),
            position: index / logins,
            number: u64::try_from(index).unwrap_or_default() + 1,
        };
        let mut statuses = self.profile.statuses.iter().cycle().skip(index);
        let status = statuses.next().map_or("enabled", String::as_str);
        let config = self.has(CONFIG, variant).then(|| self.config(variant));
        let is_automatic = self.facts.can_be_automatic
            && !config
                .as_ref()
                .is_some_and(|config| self.facts.config.has_one_time(config));
        Beginning {
            id: None,
            type_name: self.type_name.to_owned(),
            auto_bootstrap: self.has(AUTO_BOOTSTRAP, variant).then_some(is_automatic),
            config,
            status: SimulatedStatus::from(status),
            transition: None,
        }
    }

    /// True if an integration has an attribute of the profile.
    fn has(&self, path: &str, variant: Variant) -> bool {
        let Some(attribute) = self.profile.attributes.get(path) else {
            return false;
        };
        let of_login = inside_config(path).and_then(|name| self.facts.config.login_of(name));
        if of_login.is_some() && variant.login.is_some() && of_login != variant.login {
            return false;
        }
        let is_needed = of_login.is_some() && self.always_shows_login();
        !attribute.sometimes_absent || variant.position != SPARSE || is_needed
    }

    /// True if every integration shows its login, and there is more than one.
    fn always_shows_login(&self) -> bool {
        let login = self.profile.attributes.get(&in_config(LOGIN));
        self.logins.len() > 1 && login.is_some_and(|it| !it.sometimes_absent)
    }

    /// The `config` of an integration. An object stands before what is in it.
    fn config(&self, variant: Variant) -> Map<String, Value> {
        let mut config = Map::new();
        let mut left_out: Vec<&str> = Vec::new();
        for (path, attribute) in &self.profile.attributes {
            let Some(inner) = inside_config(path) else {
                continue;
            };
            let is_in = |around: &&str| path.starts_with(&format!("{around}{SEPARATOR}"));
            if left_out.iter().any(is_in) || !self.has(path, variant) {
                left_out.push(path);
                continue;
            }
            put(&mut config, inner, self.value(inner, attribute, variant));
        }
        config
    }

    /// A value of the right kind, and if possible one that the API allows.
    fn value(&self, path: &str, attribute: &ProfiledAttribute, variant: Variant) -> Value {
        let kind = attribute.kind(variant.position);
        let known = match variant.login {
            Some(login) if path == LOGIN => Some(Value::from(login)),
            Some(_) | None => {
                let keys = path.split(SEPARATOR);
                self.facts.config.sample(keys, variant.number)
            }
        };
        let known = known.filter(|value| JsonKind::of(value) == kind);
        known.unwrap_or_else(|| kind.sample(variant.number))
    }
}

impl ProfiledAttribute {
    /// The kind of its value in one of the integrations: each kind occurs.
    fn kind(&self, position: usize) -> JsonKind {
        let is_after_sparse = self.sometimes_absent && position > SPARSE;
        let position = position - usize::from(is_after_sparse);
        let mut kinds = self.kinds.iter().copied().cycle().skip(position);
        kinds.next().unwrap_or(JsonKind::String)
    }
}

fn in_config(name: &str) -> String {
    format!("{CONFIG}{SEPARATOR}{name}")
}

/// Puts a value at a path whose objects are there. In an object that is none, nothing is put.
fn put(config: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once(SEPARATOR) {
        None => {
            config.insert(path.to_owned(), value);
        }
        Some((object, rest)) => {
            if let Some(inner) = config.get_mut(object).and_then(Value::as_object_mut) {
                put(inner, rest, value);
            }
        }
    }
}
