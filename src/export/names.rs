//! Names of files for live integrations: by platform and identity, each once.
//!
//! A name depends on what is live and on nothing else, so that two people who export the
//! same tenant get the same names. The short form is the platform and the first part of
//! the identity; where two would share it, each takes the whole identity, and where that
//! is not enough, its id as well.

use std::collections::{BTreeMap, BTreeSet};

use deunicode::deunicode_with_tofu_cow;

use crate::live::{LiveIntegration, RemoteId};
use crate::manifest::NAME_LENGTH;
use crate::plan::identity_of;
use crate::platform::{Identity, Platform};

/// The longest part of a name that comes from an identity. It leaves room for a platform
/// and an id.
const LONGEST_IDENTITY: usize = 80;

/// The longest part that comes from an id.
const LONGEST_ID: usize = 20;

/// Number of forms of a name, from short to certain.
const FORMS: usize = 3;

/// The name of each integration by its id. `is_taken` is true if a name belongs to something
/// other than the integration with this id.
pub(super) fn names(
    all: &[&LiveIntegration],
    is_taken: impl Fn(&str, &RemoteId) -> bool,
) -> BTreeMap<RemoteId, String> {
    let known = all.iter().filter_map(|found| {
        let platform = found.platform?;
        Some((&found.id, forms(platform, found)))
    });
    let known: Vec<(&RemoteId, [String; FORMS])> = known.collect();
    let mut levels = vec![0; known.len()];
    loop {
        let mut holders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, (_, forms)) in known.iter().enumerate() {
            holders
                .entry(&forms[levels[index]])
                .or_default()
                .push(index);
        }
        let mut contested: BTreeSet<usize> = BTreeSet::new();
        for (name, members) in holders {
            let is_shared = members.len() > 1;
            let moving = members
                .into_iter()
                .filter(|index| is_shared || is_taken(name, known[*index].0));
            contested.extend(moving);
        }
        contested.retain(|index| levels[*index] + 1 < FORMS);
        if contested.is_empty() {
            break;
        }
        for index in contested {
            levels[index] += 1;
        }
    }
    let named = known.into_iter().zip(levels);
    named
        .map(|((id, forms), level)| (id.clone(), forms[level].clone()))
        .collect()
}

/// The forms of a name, from short to certain.
fn forms(platform: &Platform, found: &LiveIntegration) -> [String; FORMS] {
    let short = platform_part(platform);
    let key = identity_of(platform, found).unwrap_or_default();
    let first = match platform.identity {
        Identity::Host(_) => first_label(&key),
        Identity::Name(_) | Identity::Hint(_) | Identity::Nothing => &key,
    };
    let whole = joined(&short, &slug(&key, LONGEST_IDENTITY));
    let id = slug(found.id.as_str(), LONGEST_ID);
    [
        joined(&short, &slug(first, LONGEST_IDENTITY)),
        whole.clone(),
        joined(&whole, &id),
    ]
}

/// The first label of a host; the whole of an address of digits.
fn first_label(host: &str) -> &str {
    let label = host.split('.').next().unwrap_or(host);
    let is_number = label.chars().all(|c| c.is_ascii_digit());
    if is_number { host } else { label }
}

/// The shortest word for a platform.
fn platform_part(platform: &Platform) -> String {
    let words = std::iter::once(&platform.wire).chain(platform.aliases);
    let slugs = words.map(|word| slug(word, NAME_LENGTH));
    slugs.min_by_key(String::len).unwrap_or_default()
}

fn joined(first: &str, second: &str) -> String {
    if second.is_empty() {
        first.to_owned()
    } else {
        format!("{first}-{second}")
    }
}

/// A text in lower case and in Latin letters without accents, with one dash in place of all
/// that cannot stand in a name.
fn slug(text: &str, longest: usize) -> String {
    let mut slug = String::new();
    let unknown = "-";
    for c in deunicode_with_tofu_cow(text, unknown).chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(longest);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::live::{IntegrationStatus, LiveConfig};
    use crate::manifest::is_name;
    use crate::platform::PLATFORMS;

    fn live(id: &str, identity: fn(Identity) -> bool, value: &str) -> LiveIntegration {
        let platform = PLATFORMS.iter().find(|p| identity(p.identity)).unwrap();
        let attribute = platform.pairing_attribute();
        let config = json!({ attribute.unwrap_or("nothing"): value });
        let Json::Object(config) = config else {
            panic!("an object")
        };
        LiveIntegration {
            id: RemoteId::new(id),
            type_name: platform.wire.to_owned(),
            platform: Some(platform),
            auto_bootstrap: None,
            status: IntegrationStatus::Enabled,
            failing_tests: Vec::new(),
            config: LiveConfig(config),
            masked_texts: BTreeMap::new(),
        }
    }

    fn host(id: &str, host: &str) -> LiveIntegration {
        live(id, |identity| matches!(identity, Identity::Host(_)), host)
    }

    fn nothing(id: &str) -> LiveIntegration {
        live(id, |identity| matches!(identity, Identity::Nothing), "")
    }

    /// Without the platform.
    fn named(all: &[LiveIntegration], taken: &[&str]) -> Vec<String> {
        let refs: Vec<&LiveIntegration> = all.iter().collect();
        let names = names(&refs, |name, _| taken.contains(&name));
        let bare = all.iter().map(|one| {
            let platform = platform_part(one.platform.unwrap());
            let name = &names[&one.id];
            assert!(is_name(name), "{name}");
            name.strip_prefix(&platform).unwrap().to_owned()
        });
        bare.collect()
    }

    #[test]
    fn name_is_the_first_label_of_a_host() {
        let all = [host("1", "Acme.eu.example.com"), host("2", "10.0.0.7")];
        assert_eq!(named(&all, &[]), ["-acme", "-10-0-0-7"]);
    }

    #[test]
    fn equal_names_take_more_of_the_identity() {
        let all = [host("1", "a.eu.example.com"), host("2", "a.us.example.com")];
        assert_eq!(named(&all, &[]), ["-a-eu-example-com", "-a-us-example-com"]);
        let same = [host("1", "a.example.com"), host("2", "A.example.com")];
        assert_eq!(named(&same, &[]), ["-a-example-com-1", "-a-example-com-2"]);
        assert_eq!(named(&[nothing("7")], &[]), [""]);
        assert_eq!(named(&[nothing("7"), nothing("8")], &[]), ["-7", "-8"]);
    }

    #[test]
    fn order_of_the_list_makes_no_difference() {
        let one = host("1", "a.eu.example.com");
        let two = host("2", "a.us.example.com");
        let forward = names(&[&one, &two], |_, _| false);
        assert_eq!(forward, names(&[&two, &one], |_, _| false));
    }

    #[test]
    fn name_of_another_file_is_not_taken() {
        let platform = platform_part(nothing("7").platform.unwrap());
        assert_eq!(named(&[nothing("7")], &[&platform]), ["-7"]);
    }

    #[test]
    fn letters_of_other_scripts_become_latin_ones() {
        let all = [
            host("1", "Données-Été"),
            host("2", "北京"),
            host("3", "Ельбрус"),
        ];
        assert_eq!(named(&all, &[]), ["-donnees-ete", "-bei-jing", "-el-brus"]);
        let same = [host("1", "café"), host("2", "cafe")];
        assert_eq!(named(&same, &[]), ["-cafe-1", "-cafe-2"]);
    }

    #[test]
    fn identity_without_letters_and_a_long_one_make_a_name() {
        let long = "x".repeat(300);
        // No letter of a private use area has a form in Latin letters.
        let all = [host("1", "\u{e000}.\u{e001}"), host("2", &long)];
        let names = named(&all, &[]);
        assert_eq!(names[0], "");
        assert_eq!(names[1].len(), 1 + LONGEST_IDENTITY);
    }
}
