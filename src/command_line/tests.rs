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

#[test]
fn commands_accept_the_flags_that_are_repeated_for_them() {
    let given = "integrationd sync files --config=none.yaml --var A=b --var-file=v.yaml --state s \
        --url https://acme.example.com --api-key-file k --auth token --ca-file c --git /repository \
        --git-directory d --git-allow-rewrite --connections none --secret-root r --socket socket \
        --allow-secret env:A=*@a.example.com --vault-role-id id";
    let program = PROGRAM;
    let line = Line {
        matches: (program.definition)()
            .try_get_matches_from(given.split_whitespace())
            .unwrap(),
        file: SettingsFile::default(),
        declared: DeclaredSettings::default(),
    };
    let flags = line.selecting_flags(program).0;
    let script = flags["script"].join(" ");
    assert!(script.contains("--dir files"), "{script}");
    assert!(script.contains("--git-allow-rewrite=true"), "{script}");
    assert_eq!(flags["sync"][0], "files");
    for (command, words) in flags {
        let line = ["integrationd".to_owned(), command.clone()].into_iter();
        let parsed = (program.definition)().try_get_matches_from(line.chain(words));
        let Err(error) = parsed else {
            continue;
        };
        // Only arguments that select nothing are missing.
        let kind = error.kind();
        let is_missing = kind == clap::error::ErrorKind::MissingRequiredArgument;
        assert!(is_missing, "{command}: {error}");
    }
}

#[test]
fn flags_of_a_daemon_are_not_repeated() {
    let program = PROGRAM;
    let line = |words: &[&str]| Line {
        matches: (program.definition)().try_get_matches_from(words).unwrap(),
        file: SettingsFile::default(),
        declared: DeclaredSettings::default(),
    };
    let of_daemon = line(&["integrationd", "daemon", "files"]).selecting_flags(program);
    assert!(of_daemon.0.is_empty());
    let of_default = line(&["integrationd", "sync", "integrations.d"]).selecting_flags(program);
    assert!(of_default.0.is_empty());
}
