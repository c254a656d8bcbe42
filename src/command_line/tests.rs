//! The settings follow from the flags.

use std::any::TypeId;

use super::*;
use crate::cli::WHOLE_PROGRAM as PROGRAM;
use crate::secret::{own_credentials, own_settings};

/// Settings that name a file or directory but no credential.
const NO_CREDENTIALS: &[&str] = &[
    "dir",
    "ca-file",
    "git-ca-file",
    "git-known-hosts",
    "git-allowed-signers",
    "git-revoked-keys",
    "git-openpgp-key",
    "listen-tls-cert",
    "secret-root",
    "socket",
    "state",
    "var-file",
    "webhook-tls-cert",
];

/// The table of own credentials, and the flags: each place where a credential may be
/// given is in the help of its flag, and so in the schema and the documentation.
#[test]
fn help_of_a_flag_names_every_place_of_its_credential() {
    let settings = settings(PROGRAM);
    for own in own_credentials() {
        let Some(flag) = own.flag else {
            continue;
        };
        let (_, arg) = settings.iter().find(|(key, _)| key == flag).unwrap();
        let help = arg.get_help().unwrap().to_string();
        let variable = arg.get_env().unwrap_or_default().to_str().unwrap();
        let places = own.values.iter().copied().chain(own.file);
        for place in places.chain(own.credential) {
            let is_named = help.contains(place) || variable == place;
            assert!(is_named, "{flag}: {place}: {help}");
        }
    }
}

/// A new setting with a path is asked for in the table of own credentials, or here.
#[test]
fn every_setting_with_a_path_is_an_own_credential_or_none() {
    let own: BTreeSet<&str> = own_settings().collect();
    let none: BTreeSet<&str> = NO_CREDENTIALS.iter().copied().collect();
    let is_path = |arg: &Arg| arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
    let settings = settings(PROGRAM);
    let paths = settings.iter().filter(|(_, arg)| is_path(arg));
    let paths: BTreeSet<&str> = paths.map(|(key, _)| key.as_str()).collect();
    assert_eq!(paths, own.union(&none).copied().collect());
    assert!(own.is_disjoint(&none));
    // The flags of a command are looked up by these ids.
    for (key, arg) in settings
        .iter()
        .filter(|(key, _)| own.contains(key.as_str()))
    {
        assert_eq!(arg.get_id().as_str(), key.replace('-', "_"));
    }
}
