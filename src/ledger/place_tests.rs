use std::collections::BTreeMap;

use tempfile::TempDir;

use super::*;

/// The directory found with these variables; `-` is none.
fn found(flag: Option<&str>, variables: &[(&str, &str)]) -> String {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let env = |name: &str| variables.get(name).map(OsString::from);
    StateDirectory::find(flag.map(Path::new), &env, Trust::Own).map_or_else(
        |error| format!("{error}\nhelp: {}", error.help()),
        |place| place.path().display().to_string(),
    )
}

const SYSTEMD: (&str, &str) = ("STATE_DIRECTORY", "/var/lib/a:/var/lib/b");
const XDG: (&str, &str) = ("XDG_STATE_HOME", "/x");
const HOME: (&str, &str) = ("HOME", "/home/u");

#[test]
fn the_first_that_is_given_is_the_state_directory() {
    assert_eq!(found(Some("here"), &[SYSTEMD, XDG, HOME]), "here");
    assert_eq!(found(None, &[SYSTEMD, XDG, HOME]), "/var/lib/a");
    assert_eq!(found(None, &[XDG, HOME]), "/x/integrationd");
    assert_eq!(found(None, &[HOME]), "/home/u/.local/state/integrationd");
    insta::assert_snapshot!(found(None, &[]), @"
    no state directory is given
    help: give a state directory with `--state`, or set HOME
    ");
}

#[test]
fn an_empty_variable_and_a_relative_xdg_directory_count_as_none() {
    let empty = [("STATE_DIRECTORY", ""), ("XDG_STATE_HOME", "x"), HOME];
    assert_eq!(found(None, &empty), "/home/u/.local/state/integrationd");
}

fn at(path: impl Into<PathBuf>) -> StateDirectory {
    StateDirectory {
        path: path.into(),
        trust: Trust::Own,
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn new_directory_is_its_owners_alone_and_an_old_one_unchanged() {
    let place = TempDir::new().unwrap();
    let state = at(place.path().join("a/b"));
    state.check().unwrap();
    assert!(!place.path().join("a").exists());
    state.create().unwrap();
    assert_eq!(mode(state.path()), 0o700);
    assert_eq!(mode(&place.path().join("a")), 0o700);
    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o750)).unwrap();
    state.create().unwrap();
    assert_eq!(mode(state.path()), 0o750);
}

fn refused(state: &StateDirectory, place: &TempDir) -> String {
    let error = state.create().unwrap_err();
    let text = format!("{error}\nhelp: {}", error.help());
    text.replace(place.path().to_str().unwrap(), "PLACE")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn directory_that_others_can_write_is_refused() {
    let place = TempDir::new().unwrap();
    let state = at(place.path().join("open"));
    fs::create_dir(state.path()).unwrap();
    set_mode(state.path(), 0o777);
    insta::assert_snapshot!(refused(&state, &place), @r"
    other users can write to the state directory PLACE/open: its mode is 0777
    help: make sure that no one has tampered with the contents, then run `chmod go-w PLACE/open`; or choose another directory with `--state`
    ");
    for mode in [0o770, 0o702] {
        set_mode(state.path(), mode);
        assert!(refused(&state, &place).contains("`chmod go-w PLACE/open`"));
    }
    // As `/tmp` is.
    set_mode(state.path(), 0o1777);
    insta::assert_snapshot!(refused(&state, &place), @r"
    other users can write to the state directory PLACE/open: its mode is 1777
    help: choose a separate directory with `--state`, such as PLACE/open/integrationd
    ");
    set_mode(state.path(), 0o755);
    state.create().unwrap();
}

#[test]
fn no_file_is_named_in_a_directory_that_others_can_write() {
    let place = TempDir::new().unwrap();
    let state = at(place.path());
    set_mode(state.path(), 0o770);
    for named in [state.ledger_file("https://acme"), state.key_file()] {
        assert!(matches!(named, Err(PlaceError::OpenDirectory { .. })));
    }
}

#[test]
fn ledger_that_others_can_write_is_refused() {
    let place = TempDir::new().unwrap();
    let state = at(place.path());
    set_mode(state.path(), 0o700);
    let ledger = state.ledger_file("https://acme").unwrap();
    let told = |error: PlaceError| error.to_string() + " " + &error.help();
    for file in [
        ledger.clone(),
        beside(&ledger, "-wal"),
        beside(&ledger, "-journal"),
        suspensions_path(&ledger),
    ] {
        fs::write(&file, "").unwrap();
        set_mode(&file, 0o620);
        let told = told(state.ledger_file("https://acme").unwrap_err());
        let help = format!("`chmod go-w {}`", file.display());
        assert!(
            told.contains("its mode is 0620") && told.contains(&help),
            "{told}"
        );
        set_mode(&file, 0o644);
        state.ledger_file("https://acme").unwrap();
    }
}

#[test]
fn a_file_is_no_state_directory() {
    let place = TempDir::new().unwrap();
    let state = at(place.path().join("file"));
    fs::write(state.path(), "").unwrap();
    insta::assert_snapshot!(refused(&state, &place), @"
    cannot use PLACE/file as the state directory: it is not a directory
    help: choose another directory with `--state`
    ");
}

#[test]
fn directory_that_cannot_be_made_is_an_error_with_a_remedy() {
    // Not even root makes one there.
    let error = at("/proc/integrationd").create();
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot create the state directory /proc/integrationd"
    );
    assert!(error.help().contains("`--state`"));
}

fn ledger(url: &str) -> String {
    let path = at("/s").ledger_file(url).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_tenant_has_one_ledger_however_its_url_is_written() {
    let name = ledger("https://acme.hosted.immutacloud.com");
    insta::assert_snapshot!(name, @"/s/acme.hosted.immutacloud.com-4ebead49.db");
    for same in [
        "https://ACME.hosted.immutacloud.com/",
        "https://acme.hosted.immutacloud.com:443//",
        " HTTPS://acme.hosted.immutacloud.com\n",
    ] {
        assert_eq!(ledger(same), name, "{same}");
    }
    for other in [
        "http://acme.hosted.immutacloud.com",
        "https://acme.hosted.immutacloud.com:8443",
        "https://acme.hosted.immutacloud.com/immuta",
        "https://acme2.hosted.immutacloud.com",
    ] {
        assert_ne!(ledger(other), name, "{other}");
    }
}

#[test]
fn no_host_leads_out_of_the_directory() {
    let long = format!("https://{}.example", "a".repeat(300));
    for url in [
        "https://[::1]:8443/",
        "../../etc/passwd",
        "",
        "a\nb",
        ".",
        &long,
    ] {
        let path = ledger(url);
        let name = path.strip_prefix("/s/").unwrap();
        assert!(!name.contains(['/', '\n', ':']), "{name}");
        assert!(!name.starts_with('.') && name.len() < 130, "{name}");
    }
}
