use std::os::unix::fs::symlink;
use std::sync::Barrier;

use tempfile::TempDir;

use super::*;
use crate::text::chain;

fn place() -> (TempDir, PathBuf) {
    let place = TempDir::new().unwrap();
    let file = place.path().join("fingerprint.key");
    (place, file)
}

fn file_with(length: usize, mode: u32) -> (TempDir, PathBuf) {
    let (place, file) = place();
    fs::write(&file, vec![7; length]).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    (place, file)
}

fn told(error: &KeyError, place: &TempDir) -> String {
    let text = format!("{}\nhelp: {}", chain(error), error.help());
    text.replace(place.path().to_str().unwrap(), "STATE")
}

/// The id of a key, which its `Debug` shows.
fn id(key: &FingerprintKey) -> String {
    format!("{key:?}")
}

#[test]
fn a_key_is_made_once_for_its_owner_alone() {
    let (place, file) = place();
    assert!(read(&file).unwrap().is_none());
    assert!(!file.exists());
    let key = read_or_create(&file).unwrap();
    let metadata = file.metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
    assert_eq!(metadata.len(), 32);
    assert_eq!(id(&read_or_create(&file).unwrap()), id(&key));
    assert_eq!(id(&read(&file).unwrap().unwrap()), id(&key));
    assert_eq!(place.path().read_dir().unwrap().count(), 1);
}

#[test]
fn two_installations_have_two_keys() {
    let (first, second) = (place(), place());
    let key = |file| id(&read_or_create(file).unwrap());
    assert_ne!(key(&first.1), key(&second.1));
}

#[test]
fn those_who_make_it_at_the_same_time_agree() {
    let (place, file) = place();
    let start = Barrier::new(8);
    let ids: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    id(&read_or_create(&file).unwrap())
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(place.path().read_dir().unwrap().count(), 1);
}

#[test]
fn a_key_of_another_length_is_refused_and_stays() {
    for length in [0, 31, 33, 64] {
        let (place, file) = file_with(length, 0o600);
        let error = read_or_create(&file).unwrap_err();
        assert!(matches!(error, KeyError::Length(_)));
        assert_eq!(fs::read(&file).unwrap().len(), length);
        if length == 0 {
            insta::assert_snapshot!(told(&error, &place), @"
            the fingerprint key STATE/fingerprint.key is not exactly 32 bytes long
            help: restore the key, or move it away: integrationd creates a new key, but does not compare secrets until they are applied again. To create a key for a systemd credential, run `head -c 32 /dev/urandom`
            ");
        }
    }
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let (place, file) = file_with(32, 0o640);
    let error = read(&file).unwrap_err();
    insta::assert_snapshot!(told(&error, &place), @"
    other users can access the fingerprint key STATE/fingerprint.key: its mode is 0640
    help: run `chmod 600 STATE/fingerprint.key`
    ");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(read(&file).unwrap().is_some());
}

#[test]
fn a_credential_may_be_open_to_a_group_and_must_be_there() {
    let (_place, file) = file_with(32, 0o440);
    let expected = FingerprintKey::new([7; KEY_LENGTH]);
    assert_eq!(id(&read_credential(&file).unwrap()), id(&expected));
    let (_place, open) = file_with(32, 0o444);
    let error = read_credential(&open).unwrap_err();
    assert!(matches!(error, KeyError::TooOpen { mode: 0o444, .. }));
    let (_place, missing) = place();
    let error = read_credential(&missing).unwrap_err();
    assert!(matches!(error, KeyError::Read(..)));
}

#[test]
fn key_that_is_no_file_or_a_dangling_link_is_refused() {
    let (place, file) = place();
    let error = read(place.path()).unwrap_err();
    assert!(matches!(error, KeyError::NotAFile(_)));
    let elsewhere = place.path().join("elsewhere");
    symlink(&elsewhere, &file).unwrap();
    assert!(read_or_create(&file).is_err());
    assert!(!elsewhere.exists());
}

#[test]
fn key_that_cannot_be_made_is_an_error_with_a_remedy() {
    // Not even root makes a file there.
    let error = read_or_create(Path::new("/proc/fingerprint.key")).unwrap_err();
    assert!(chain(&error).starts_with("cannot create the fingerprint key /proc/fingerprint.key: "));
    assert!(error.help().contains("owner and mode"));
}
