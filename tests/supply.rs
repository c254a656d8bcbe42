//! Linked components: the package names each of them, with its licence.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::{PACKAGE, PYTHON, needs, output};
use crate::support::package::package;

/// The notices, where the package has them.
const NOTICES: &str = "./usr/share/doc/integrationd/THIRD-PARTY-NOTICES";

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Everything that is linked in, as listed by cargo: `ring 0.17.14`.
fn linked_in() -> Vec<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--locked",
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
    ]);
    let printed = output(tree.current_dir(checkout()));
    let crates = printed.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (name, version) = (words.next()?, words.next()?);
        Some(format!("{name} {}", version.trim_start_matches('v')))
    });
    let mut crates: Vec<String> = crates.collect();
    crates.sort();
    crates.dedup();
    crates.retain(|name| !name.starts_with("integrationd "));
    assert!(crates.len() > 100, "{crates:?}");
    crates
}

#[test]
fn package_names_every_crate_that_is_linked_in() {
    needs!(PACKAGE);
    let script = format!("dpkg-deb --fsys-tarfile \"$0\" | tar --extract --to-stdout {NOTICES}");
    let mut unpack = Command::new("sh");
    let notices = output(unpack.args(["-c", &script]).arg(package()));
    let is_named = |name: &String| {
        let start = format!("{name}: ");
        notices.lines().any(|line| line.starts_with(&start))
    };
    let missing: Vec<String> = linked_in()
        .into_iter()
        .filter(|name| !is_named(name))
        .collect();
    assert_eq!(missing, [""; 0]);
    // Each brings its text, or has the one that it is under.
    let texts = notices.lines().filter(|line| line.starts_with("Of "));
    let texts: String = texts.collect();
    let without = linked_in()
        .into_iter()
        .filter(|name| !texts.contains(name.as_str()));
    assert_eq!(without.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn package_has_the_licences_of_bundled_libraries() {
    needs!(PYTHON);
    let mut notices = Command::new(checkout().join("systemd/notices"));
    let notices = output(notices.current_dir(checkout()));
    for text in [
        "LINKING EXCEPTION",
        "GNU GENERAL PUBLIC LICENSE",
        "It contains SQLite, which is in the public domain",
        "Jean-loup Gailly and Mark Adler",
        "Apache License",
        "Permission to use, copy, modify, and/or distribute this software",
    ] {
        assert!(notices.contains(text), "{text} is missing");
    }
}
