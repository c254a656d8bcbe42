//! The units are well formed, and their sandbox is tight.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::{SYSTEMD_ANALYZE, is_declared, needs};
use integrationd::secret::{is_own_credential, own_credentials};
use tempfile::TempDir;

/// `systemd-analyze security` times ten; 15 is better than "OK" by far.
const MOST_EXPOSED: &str = "--threshold=15";

/// The units, with a command that exists on every machine: the verification
/// looks whether it does.
fn units() -> (TempDir, Vec<PathBuf>) {
    let place = TempDir::new().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let mut units = Vec::new();
    for entry in std::fs::read_dir(source).unwrap() {
        let unit = entry.unwrap().path();
        // The other files next to the units are not units.
        let ending = unit.extension().unwrap_or_default();
        if ending != "service" && ending != "timer" {
            continue;
        }
        let text = std::fs::read_to_string(&unit).unwrap();
        let copy = place.path().join(unit.file_name().unwrap());
        std::fs::write(&copy, text.replace("/usr/bin/integrationd", "/bin/true")).unwrap();
        units.push(copy);
    }
    assert!(!units.is_empty());
    (place, units)
}

#[track_caller]
fn analyze(args: &[&str], units: &[PathBuf]) {
    is_declared(SYSTEMD_ANALYZE);
    let output = Command::new("systemd-analyze")
        .args(args)
        .args(units)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn systemd_accepts_the_units() {
    needs!(SYSTEMD_ANALYZE);
    let (_place, units) = units();
    analyze(&["verify", "--man=no", "--recursive-errors=yes"], &units);
}

#[test]
fn the_services_are_confined() {
    needs!(SYSTEMD_ANALYZE);
    let (_place, units) = units();
    let services: Vec<PathBuf> = units
        .into_iter()
        .filter(|unit| unit.extension().is_some_and(|e| e == "service"))
        .collect();
    analyze(&["security", "--offline=true", MOST_EXPOSED], &services);
}

/// The settings of a service, without those that are its own.
fn confinement(unit: &str) -> Vec<&str> {
    let (_, service) = unit.split_once("\nDynamicUser=yes\n").unwrap();
    service
        .lines()
        .take_while(|line| !line.is_empty())
        .collect()
}

#[test]
fn the_services_are_confined_alike() {
    let daemon = confinement(include_str!("../systemd/integrationd.service"));
    assert!(daemon.len() > 20, "{daemon:?}");
    let others = [
        include_str!("../systemd/integrationd@.service"),
        include_str!("../systemd/integrationd-sync.service"),
    ];
    for other in others {
        assert_eq!(confinement(other), daemon);
    }
}

/// The names of the credentials that a unit loads, or that its comments describe.
fn credentials(unit: &str) -> Vec<&str> {
    let lines = unit.lines();
    let loads = lines.filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('='));
    let loads = loads.filter(|(setting, _)| *setting == "LoadCredential");
    loads
        .map(|(_, value)| value.split(':').next().unwrap())
        .collect()
}

#[test]
fn service_file_shows_how_to_load_every_own_credential() {
    let daemon = credentials(include_str!("../systemd/integrationd.service"));
    for name in own_credentials().filter_map(|own| own.credential) {
        assert!(daemon.contains(&name), "{name}: {daemon:?}");
    }
    let others = [
        include_str!("../systemd/integrationd@.service"),
        include_str!("../systemd/integrationd-sync.service"),
    ];
    let others = others.iter().flat_map(|unit| credentials(unit));
    for name in daemon.iter().copied().chain(others) {
        // `secret` is the directory of the secrets of files.
        assert!(name == "secret" || is_own_credential(name), "{name}");
    }
}
