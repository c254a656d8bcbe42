//! Bindings of references to destinations: `REFERENCE[=TYPE[@HOST]]`, with `*` in each part.
//!
//! Anyone who can change a file chooses the reference and the host, so operators bind them to
//! each other. The binding with a host holds only if every place that is named is such a host
//! ([`super::destination`]): the OAuth server and the proxy get secrets, too. A value that
//! cannot be read as a host is not one.
//!
//! A file is checked when it is loaded. A request may contain more than the file, so the final
//! body of every request is checked as well ([`Bindings::admit`]).

use std::str::FromStr;
use std::sync::Arc;

use wildmatch::WildMatchPattern;

use super::destination::{Destination, destinations, host_of};
use super::suggest::{enumerate, nearest};
use crate::platform::{AttributePath, PLATFORMS, Platform};
use crate::secret::{Reference, provider_words};
use crate::value::Object;

/// `*` stands for any text. No other character is special: NUL is in no pattern.
type Pattern = WildMatchPattern<'*', '\0'>;

/// Everything.
const ANY: &str = "*";

/// One line of what operators allow.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// As it was written.
    text: String,
    reference: Pattern,
    type_name: Pattern,
    /// Absent if any host will do, and where a platform has none.
    host: Option<Pattern>,
}

/// A binding that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// It does not begin like a reference.
    #[error(
        "start the value with a reference without `${{` and `}}`, such as env:NAME or \
        vault:kv/data/team/*; the sources are {0}"
    )]
    Source(String),
    /// Nothing has this type.
    #[error(
        "no integration type matches the text after `=`{0}; if the `=` is part of the reference, \
        add `=*` at the end"
    )]
    Type(String),
    /// Not a pattern of host names.
    #[error("the host must be a name such as *.example.com, without scheme, port or path")]
    Host,
    /// It would match hosts of others.
    #[error(
        "the last two labels of the host must be literal, as in `*.example.com`; patterns such as \
        `*example.com` and `*.com` also match other people's hosts. To allow any host, write `@*` \
        or omit the host"
    )]
    TooWide,
    /// It would never match.
    #[error("no integration of this type has a host: omit `@…`")]
    NoHost,
}

/// As it was written.
impl std::fmt::Display for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Binding {
    type Err = BindingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (reference, rest) = text.rsplit_once('=').unwrap_or((text, ANY));
        let (type_name, host) = rest.rsplit_once('@').unwrap_or((rest, ANY));
        check_source(reference)?;
        let type_pattern = Pattern::new(type_name);
        let mut platforms = PLATFORMS
            .iter()
            .filter(|p| type_pattern.matches(p.wire))
            .peekable();
        if platforms.peek().is_none() {
            let near = nearest(type_name, PLATFORMS.iter().map(|p| p.wire));
            let near = near.map(|near| format!(" (did you mean `{near}`?)"));
            return Err(BindingError::Type(near.unwrap_or_default()));
        }
        if host != ANY && platforms.all(|platform| platform.host_attribute().is_none()) {
            return Err(BindingError::NoHost);
        }
        Ok(Self {
            text: text.to_owned(),
            reference: Pattern::new(reference),
            type_name: type_pattern,
            host: host_pattern(host)?,
        })
    }
}

impl Binding {
    /// True if everything that this allows is allowed by another one.
    fn is_within(&self, other: &Self) -> bool {
        let mut types = PLATFORMS.iter().map(|platform| platform.wire);
        is_within(&self.reference, &other.reference)
            && types.all(|name| !self.type_name.matches(name) || other.type_name.matches(name))
            && match (&self.host, &other.host) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(host), Some(other)) => is_within(host, other),
            }
    }

    /// True if it is for several references.
    fn is_for_several(&self) -> bool {
        self.reference.to_string().contains(ANY)
    }
}

/// True if another pattern matches everything that this one matches: it then also matches an
/// unused letter in place of each star, and nothing but a star matches that.
fn is_within(pattern: &Pattern, other: &Pattern) -> bool {
    other.matches(&pattern.to_string().replace(ANY, "\u{1}"))
}

fn check_source(reference: &str) -> Result<(), BindingError> {
    let word = reference.split_once(':').map(|(word, _)| word);
    let is_known = word.is_some_and(|word| provider_words().any(|known| known == word));
    if reference == ANY || is_known {
        return Ok(());
    }
    let words: Vec<&str> = provider_words().collect();
    Err(BindingError::Source(enumerate(&words, "and")))
}

fn host_pattern(text: &str) -> Result<Option<Pattern>, BindingError> {
    if text == ANY {
        return Ok(None);
    }
    let stars_as_letters = text.replace('*', "x");
    // As a host is compared: in lower case, and without a dot at the end.
    let host = text.to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    if host_of(&stars_as_letters).is_none_or(|read| read.len() != host.len()) {
        return Err(BindingError::Host);
    }
    if host.rsplit('.').take(2).any(|part| part.contains('*')) {
        return Err(BindingError::TooWide);
    }
    Ok(Some(Pattern::new(host)))
}

/// All that operators allow. If there is nothing, everything is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bindings {
    bound: Vec<Binding>,
    /// True if references without a binding are rejected, even if there are no bindings.
    is_strict: bool,
    own: Own,
}

/// Knows the own credentials of integrationd, which only a machine does.
pub trait OwnCredentials: Send + Sync {
    /// True if a reference leads to a file with one.
    fn is_file(&self, reference: &Reference) -> bool;

    /// True if a text is one.
    fn is_value(&self, text: &str) -> bool;
}

#[derive(Clone, Default)]
struct Own(Option<Arc<dyn OwnCredentials>>);

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Own")
    }
}

impl PartialEq for Own {
    /// The bindings of one operator differ in what is bound.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl FromIterator<Binding> for Bindings {
    fn from_iter<I: IntoIterator<Item = Binding>>(bindings: I) -> Self {
        Self {
            bound: bindings.into_iter().collect(),
            is_strict: false,
            own: Own::default(),
        }
    }
}

/// A reference that may not go where it would be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{reference}` may not be sent to {to}")]
pub struct Unbound {
    /// The reference, as files have it.
    pub reference: String,
    /// The place where it may not go.
    pub to: String,
    /// The attribute that names the place, if one does.
    pub path: Option<AttributePath>,
    /// The places where it may go.
    pub allowed: String,
}

impl Bindings {
    /// Lets nothing go anywhere but what is bound.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// Refuses these credentials, wherever they stand.
    #[must_use]
    pub fn keeping(mut self, own: impl OwnCredentials + 'static) -> Self {
        self.own = Own(Some(Arc::new(own)));
        self
    }

    /// True if a reference leads to a file with an own credential.
    pub(super) fn is_own_file(&self, reference: &Reference) -> bool {
        let Own(own) = &self.own;
        own.as_ref().is_some_and(|own| own.is_file(reference))
    }

    /// True if a text is an own credential.
    pub(super) fn is_own_value(&self, text: &str) -> bool {
        let Own(own) = &self.own;
        own.as_ref().is_some_and(|own| own.is_value(text))
    }

    /// True if there are no bindings, so that everything is allowed.
    pub(super) fn is_empty(&self) -> bool {
        self.bound.is_empty() && !self.is_strict
    }

    /// True if any binding is for this reference, regardless of its destination.
    #[must_use]
    pub fn name(&self, reference: &Reference) -> bool {
        self.is_empty() || self.naming(reference).next().is_some()
    }

    /// Ways in which new bindings allow a secret that these do not, each in a few words. A binding
    /// for a reference that these do not name is not reported: an operator has added it on purpose.
    /// Neither is a removed binding while another remains: its secrets are then rejected
    /// everywhere.
    #[must_use]
    pub fn widened_by(&self, new: &Self) -> Vec<String> {
        if self.is_empty() {
            return Vec::new();
        }
        if new.is_empty() {
            return vec![
                "`allow-secret` is no longer set, so any secret could be sent anywhere".to_owned(),
            ];
        }
        let allows_more = |binding: &&Binding| {
            let is_named = |old: &Binding| is_within(&binding.reference, &old.reference);
            let is_new_name = !binding.is_for_several() && !self.bound.iter().any(is_named);
            !is_new_name && !self.bound.iter().any(|old| binding.is_within(old))
        };
        let wider = new.bound.iter().filter(allows_more);
        wider
            .map(|binding| {
                format!("the `allow-secret` binding `{binding}` allows more than before")
            })
            .collect()
    }

    fn naming(&self, reference: &Reference) -> impl Iterator<Item = &Binding> {
        let written = format!("{}:{}", reference.word(), reference.address());
        let bindings = self.bound.iter();
        bindings.filter(move |binding| binding.reference.matches(&written))
    }

    /// Lets a request carry these references to an integration that is configured so.
    ///
    /// # Errors
    /// The first reference that may not go where the configuration leads.
    pub fn admit<'r>(
        &self,
        references: impl IntoIterator<Item = &'r Reference>,
        platform: &Platform,
        config: &Object,
    ) -> Result<(), Unbound> {
        if self.is_empty() {
            return Ok(());
        }
        let destinations = destinations(platform, config, &Object::new());
        let mut references = references.into_iter();
        references.try_for_each(|reference| self.check(reference, platform, &destinations))
    }

    /// Checks that a reference may go to an integration that sends it to these destinations.
    pub(super) fn check(
        &self,
        reference: &Reference,
        platform: &Platform,
        destinations: &[Destination],
    ) -> Result<(), Unbound> {
        if self.is_empty() {
            return Ok(());
        }
        let unbound = |to: String, path: Option<&AttributePath>, bindings: &[&Binding]| Unbound {
            reference: reference.to_string(),
            to,
            path: path.cloned(),
            allowed: allowed(bindings),
        };
        let named: Vec<&Binding> = self.naming(reference).collect();
        let bound = named
            .iter()
            .filter(|binding| binding.type_name.matches(platform.wire));
        let bound: Vec<&Binding> = bound.copied().collect();
        if bound.is_empty() {
            let to = format!("an integration of type `{}`", platform.wire);
            return Err(unbound(to, None, &named));
        }
        if bound.iter().any(|binding| binding.host.is_none()) {
            return Ok(());
        }
        let may_go = |host: &str| {
            let mut hosts = bound.iter().filter_map(|binding| binding.host.as_ref());
            hosts.any(|pattern| pattern.matches(host))
        };
        if destinations.is_empty() {
            let to = format!(
                "an integration of type `{}`, which has no host",
                platform.wire
            );
            return Err(unbound(to, None, &bound));
        }
        let refused = destinations.iter().find(|destination| match destination {
            Destination::Host { host, .. } => !may_go(host),
            Destination::Unclear { .. } => true,
        });
        refused.map_or(Ok(()), |refused| {
            let path = Some(refused.path());
            Err(unbound(refused.to_string(), path, &bound))
        })
    }
}

/// So many bindings are listed in a help text.
const LISTED: usize = 6;

fn allowed(bindings: &[&Binding]) -> String {
    if bindings.is_empty() {
        return "no `--allow-secret` covers this reference: add one".to_owned();
    }
    let listed = bindings.iter().take(LISTED);
    let listed: Vec<&str> = listed.map(|binding| binding.text.as_str()).collect();
    let more = if bindings.len() > LISTED {
        ", among others"
    } else {
        ""
    };
    format!(
        "if the destination is correct, change `--allow-secret`, which allows {}{more}",
        enumerate(&listed, "and")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Identity;

    /// A platform with a host, and one without, whichever they are.
    fn with_host() -> &'static Platform {
        let mut all = PLATFORMS.iter();
        all.find(|p| p.host_attribute().is_some()).unwrap()
    }

    fn without_host() -> &'static Platform {
        let mut all = PLATFORMS.iter();
        all.find(|p| matches!(p.identity, Identity::Name(_)))
            .unwrap()
    }

    fn reference(argument: &str) -> Reference {
        Reference::new("vault", argument).unwrap()
    }

    fn allows(binding: &str, argument: &str, platform: &Platform, hosts: &[&str]) -> bool {
        let bindings: Bindings = std::iter::once(binding.parse().unwrap()).collect();
        let destination = |host: &&str| Destination::Host {
            path: "host".into(),
            host: (*host).to_owned(),
        };
        let destinations: Vec<_> = hosts.iter().map(destination).collect();
        bindings
            .check(&reference(argument), platform, &destinations)
            .is_ok()
    }

    #[test]
    fn a_pattern_of_references_matches_the_whole_of_one() {
        let platform = with_host();
        for (pattern, argument, expected) in [
            ("vault:kv/data/a#k", "kv/data/a#k", true),
            ("vault:kv/data/a#k", "kv/data/a#key", false),
            ("vault:kv/data/a#*", "kv/data/a#k", true),
            ("vault:kv/data/a#*", "kv/data/ab#k", false),
            ("vault:kv/data/team/*", "kv/data/team/a/b#k", true),
            ("vault:kv/data/team/*", "kv/data/teams/a#k", false),
            ("vault:kv/data/?#k", "kv/data/a#k", false),
            ("vault:*", "kv/data/a#k", true),
            ("env:*", "kv/data/a#k", false),
            ("*", "kv/data/a#k", true),
        ] {
            let found = allows(pattern, argument, platform, &["h.example.com"]);
            assert_eq!(found, expected, "{pattern} {argument}");
        }
    }

    #[test]
    fn every_place_must_be_a_host_that_is_bound() {
        let platform = with_host();
        let binding = format!("vault:*={}@*.EXAMPLE.com.", platform.wire);
        for (hosts, expected) in [
            (&["a.example.com"][..], true),
            (&["a.b.example.com", "c.example.com"], true),
            (&["a.example.com", "evil.com"], false),
            (&["example.com"], false),
            (&["aexample.com"], false),
            (&["a.example.com.evil.com"], false),
            (&[], false),
        ] {
            assert_eq!(
                allows(&binding, "kv/data/x#y", platform, hosts),
                expected,
                "{hosts:?}"
            );
        }
        let two: Bindings = ["vault:*=*@a.example.com", "vault:*=*@b.example.com"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let place = |host: &str| Destination::Host {
            path: "host".into(),
            host: host.into(),
        };
        let both = [place("a.example.com"), place("b.example.com")];
        assert_eq!(
            two.check(&reference("kv/data/x#y"), platform, &both),
            Ok(())
        );
    }

    #[test]
    fn a_place_that_is_not_certain_is_allowed_only_with_any_host() {
        let platform = with_host();
        let unclear = [Destination::Unclear {
            path: "args".into(),
        }];
        for (text, expected) in [("*", true), ("*=*@*", true), ("*=*@*.example.com", false)] {
            let bindings: Bindings = std::iter::once(text.parse().unwrap()).collect();
            let found = bindings.check(&reference("kv/data/x#y"), platform, &unclear);
            assert_eq!(found.is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_type_without_a_host_is_bound_by_its_type() {
        let platform = without_host();
        assert!(allows(
            &format!("*={}", platform.wire),
            "kv/data/x#y",
            platform,
            &[]
        ));
        assert!(allows("*=*@*", "kv/data/x#y", platform, &[]));
        assert!(!allows("*=*@*.example.com", "kv/data/x#y", platform, &[]));
        assert!(!allows(
            &format!("*={}", with_host().wire),
            "kv/data/x#y",
            platform,
            &[]
        ));
    }

    #[test]
    fn without_a_binding_everything_is_allowed() {
        let bindings = Bindings::default();
        assert_eq!(
            bindings.check(&reference("kv/data/x#y"), with_host(), &[]),
            Ok(())
        );
    }

    #[test]
    fn misleading_binding_is_refused() {
        use BindingError as E;
        let without = format!("*={}@*.example.com", without_host().wire);
        let near = with_host().wire.to_lowercase();
        for (text, matches) in [
            ("", (|e| matches!(e, E::Source(_))) as fn(&E) -> bool),
            ("${env:X}", |e| matches!(e, E::Source(_))),
            ("var:X", |e| matches!(e, E::Source(_))),
            ("X", |e| matches!(e, E::Source(_))),
            ("env:X=", |e| matches!(e, E::Type(_))),
            ("env:X=NoSuchType", |e| matches!(e, E::Type(_))),
            (
                &format!("env:X={near}"),
                |e| matches!(e, E::Type(near) if near.contains("did you mean")),
            ),
            ("env:X=*@", |e| matches!(e, E::Host)),
            ("env:X=*@https://a.example.com", |e| matches!(e, E::Host)),
            ("env:X=*@a.example.com:443", |e| matches!(e, E::Host)),
            ("env:X=*@a.example.com/", |e| matches!(e, E::Host)),
            ("env:X=*@*.com", |e| matches!(e, E::TooWide)),
            ("env:X=*@*example.com", |e| matches!(e, E::TooWide)),
            ("env:X=*@a.example.*", |e| matches!(e, E::TooWide)),
            ("env:X=*@**", |e| matches!(e, E::TooWide)),
            (&without, |e| matches!(e, E::NoHost)),
        ] {
            let error = text.parse::<Binding>().unwrap_err();
            assert!(matches(&error), "{text}: {error:?}");
        }
        for text in [
            "file:a=b=*",
            "env:X=*@localhost",
            "sops:f.yaml#/a=*@*.a.example.com.",
        ] {
            assert!(text.parse::<Binding>().is_ok(), "{text}");
        }
    }
}
