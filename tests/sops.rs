//! `${sops:file#/pointer}`, with the real sops and real keys.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant, eventually, is_refused_as_own, lake};
use crate::programs::{GNUPG, SOPS, needs, output, path, program};
use crate::stub::Stub;
use crate::support::sops::{Sops, encrypted};
use crate::web::{Served, Web};

const SECRET: &str = "s3cr3t-in-sops-Wq8v";

/// A run that says everything it can, with the first key.
fn run<const N: usize>(
    args: [&str; N],
    tenant: &Tenant,
    files: &Files,
    sops: &Sops,
) -> Integrationd {
    Integrationd::new(args)
        .arg("--log-level=trace")
        .on(tenant)
        .with(files)
        .env("PATH", path().to_str().unwrap())
        .env("SOPS_AGE_KEY_FILE", sops.key("key.txt").to_str().unwrap())
}

#[track_caller]
fn is_blocked(ran: Ran, tenant: &Tenant, why: &str) {
    let ran = ran.exits_with(1);
    assert_eq!(tenant.writes(), [""; 0]);
    assert!(ran.stdout.contains("is blocked"), "{}", ran.stdout);
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(why), "{text}");
    assert!(!ran.all().contains(SECRET), "{}", ran.all());
}

#[test]
fn a_value_of_every_kind_of_file_is_sent_and_not_shown() {
    needs!(SOPS);
    let (tenant, sops) = (Tenant::empty(), Sops::new());
    let kinds = [
        (
            "yaml",
            "f.yaml",
            "db: {'pass/word': ['SECRET-1']}\n",
            "/db/pass~1word/0",
        ),
        ("json", "f.json", "{\"a\": \"SECRET-2\"}", "/a"),
        ("dotenv", "f.env", "A=SECRET-3\n", "/A"),
        ("ini", "f.ini", "[s]\nk = SECRET-4\n", "/s/k"),
        ("binary", "f.pem", "SECRET-5\nsecond line", "/data"),
    ];
    let files = Files::none();
    for (index, (kind, name, plain, pointer)) in kinds.into_iter().enumerate() {
        let plain = plain.replace("SECRET", SECRET);
        files.write(&format!(".secrets/{name}"), &sops.encrypted(kind, &plain));
        let reference = format!("${{sops:.secrets/{name}#{pointer}}}");
        files.write(&format!("lake{index}.yaml"), &lake(kind, &reference));
    }
    let ran = run(["sync", "--yes"], &tenant, &files, &sops)
        .run()
        .exits_with(0);
    let expected = [1, 2, 3, 4, 5].map(|n| format!("{SECRET}-{n}"));
    let mut expected = expected.to_vec();
    expected[4] += "\nsecond line";
    assert_eq!(tenant.tokens(), expected);
    assert!(!ran.all().contains(SECRET), "{}", ran.all());
}

#[test]
fn sops_runs_once_for_a_file_without_the_key_of_the_tenant() {
    needs!(SOPS);
    let (tenant, sops) = (Tenant::empty(), Sops::new());
    let plain = format!("a: {SECRET}-a\nb: {SECRET}-b\n");
    let files = Files::none()
        .with(".s.yaml", &sops.encrypted("yaml", &plain))
        .with("a.yaml", &lake("a", "${sops:.s.yaml#/a}"))
        .with("b.yaml", &lake("b", "${sops:.s.yaml#/b}"));
    // Stands in front of the real one and writes down how it was called.
    let log = sops.key("calls");
    let (log, real) = (log.display(), program("sops"));
    let script = format!(
        "#!/bin/sh\n{{ echo \"$@\"; env; }} >>{log}\nexec {} \"$@\"\n",
        real.display()
    );
    let wrapper = sops.key("sops");
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", sops.place.path().display());
    run(["sync", "--yes"], &tenant, &files, &sops)
        .env("PATH", &path)
        .env("VAULT_TOKEN", "the-token-of-vault")
        .run()
        .exits_with(0);
    let calls = std::fs::read_to_string(sops.key("calls")).unwrap();
    assert_eq!(
        calls
            .matches("decrypt --input-type yaml --output-type json /dev/stdin\n")
            .count(),
        1,
        "{calls}"
    );
    for unseen in ["IMMUTA", "SNOWFLAKE", "the-token-of-vault", SECRET] {
        assert!(!calls.contains(unseen), "{unseen} in {calls}");
    }
    assert_eq!(
        tenant.tokens(),
        [format!("{SECRET}-a"), format!("{SECRET}-b")]
    );
}

#[test]
fn a_key_of_gnupg_decrypts_as_well() {
    needs!(SOPS, GNUPG);
    let (tenant, sops) = (Tenant::empty(), Sops::new());
    let home = sops.key("gnupg");
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = |args: &[&str]| output(Command::new("gpg").env("GNUPGHOME", &home).args(args));
    let make = [
        "--batch",
        "--passphrase",
        "",
        "--quick-gen-key",
        "a@example.com",
        "default",
        "default",
        "never",
    ];
    gpg(&make);
    let listed = gpg(&["--list-keys", "--with-colons"]);
    let print = listed
        .lines()
        .find_map(|line| line.strip_prefix("fpr:::::::::"))
        .unwrap();
    let plain = format!("a: {SECRET}\n");
    let text = encrypted(
        "yaml",
        &plain,
        &["--pgp", print.trim_end_matches(':')],
        &home,
    );
    let files = Files::none()
        .with(".s.yaml", &text)
        .with("a.yaml", &lake("a", "${sops:.s.yaml#/a}"));
    let ran = run(["sync", "--yes"], &tenant, &files, &sops)
        .env("GNUPGHOME", home.to_str().unwrap())
        .run();
    output(
        Command::new("gpgconf")
            .env("GNUPGHOME", &home)
            .args(["--kill", "all"]),
    );
    ran.exits_with(0);
    assert_eq!(tenant.tokens(), [SECRET]);
}

#[test]
fn what_cannot_be_decrypted_blocks_and_says_what_helps() {
    needs!(SOPS);
    let sops = Sops::new();
    let good = sops.encrypted("yaml", &format!("a: {SECRET}\nlist: [one, two]\nn: 5\n"));
    let swapped = swap_items(&good);
    let changed = good.replacen("data:", "data:AAAA", 1);
    let plain = format!("{SECRET}\n");
    for (text, pointer, why) in [
        (
            good.as_str(),
            "/b",
            "`/b` was not found: correct the reference",
        ),
        (
            &good,
            "/n",
            "the value is a number, but a secret must be a string",
        ),
        (
            &good,
            "/list",
            "the value is a list, but a secret must be a string",
        ),
        (&swapped, "/a", "was changed after it was encrypted"),
        (&changed, "/a", "was changed after it was encrypted"),
        (
            &plain,
            "/a",
            "run `sops decrypt` on the file to see the error message, which is hidden here",
        ),
        (
            "a: 1\n",
            "/a",
            "run `sops decrypt` on the file to see the error message, which is hidden here",
        ),
    ] {
        let tenant = Tenant::empty();
        let files = Files::none().with(".s.yaml", text).with(
            "a.yaml",
            &lake("a", &format!("${{sops:.s.yaml#{pointer}}}")),
        );
        is_blocked(
            run(["sync", "--yes"], &tenant, &files, &sops).run(),
            &tenant,
            why,
        );
    }
}

/// The text with two encrypted items of a list in each other's place.
fn swap_items(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let list = lines
        .iter()
        .position(|line| line.starts_with("list:"))
        .unwrap();
    lines.swap(list + 1, list + 2);
    lines.join("\n")
}

#[test]
fn without_the_key_sops_names_the_one_it_needs() {
    needs!(SOPS);
    let (tenant, sops) = (Tenant::empty(), Sops::new());
    let files = Files::none()
        .with(
            ".s.yaml",
            &sops.encrypted("yaml", &format!("a: {SECRET}\n")),
        )
        .with("a.yaml", &lake("a", "${sops:.s.yaml#/a}"));
    let ran = run(["sync", "--yes"], &tenant, &files, &sops)
        .env("SOPS_AGE_KEY_FILE", sops.key("other.txt").to_str().unwrap())
        .run();
    let why = format!(
        "sops found no key that decrypts the file: provide one (for age, set SOPS_AGE_KEY_FILE); \
        sops reports: Failed to get the data key required to decrypt the SOPS file. Group 0: \
        FAILED {}: FAILED",
        sops.recipient
    );
    is_blocked(ran, &tenant, &why);
}

#[test]
fn without_sops_a_dry_run_compares_nothing_and_a_sync_blocks() {
    needs!(SOPS);
    let (tenant, sops) = (Tenant::empty(), Sops::new());
    let files = Files::none()
        .with(".s.yaml", &sops.encrypted("yaml", "a: b\n"))
        .with("a.yaml", &lake("a", "${sops:.s.yaml#/a}"));
    let without = |args| run(args, &tenant, &files, &sops).env("PATH", "/nowhere");
    let dry = without(["sync", "--dry-run"]).run().exits_with(0);
    assert!(dry.stdout.contains("1 to create"), "{}", dry.stdout);
    assert!(
        dry.stdout.contains("`sops` is not installed"),
        "{}",
        dry.stdout
    );
    let ran = without(["sync", "--yes"]).run();
    is_blocked(
        ran,
        &tenant,
        "install it in a directory of integrationd's PATH",
    );
}

#[test]
fn sops_gets_no_file_outside_the_roots_and_no_own_key() {
    needs!(SOPS);
    let (outside, sops) = (Files::none(), Sops::new());
    outside.write("s.yaml", &sops.encrypted("yaml", &format!("a: {SECRET}\n")));
    let absolute = outside.path().join("s.yaml").display().to_string();
    let reason = "the path is outside the directories for secrets";
    for (file, why) in [
        ("link.yaml", reason),
        ("up/s.yaml", reason),
        ("../s.yaml", reason),
        (&absolute, reason),
        ("key.txt", ""),
    ] {
        let tenant = Tenant::empty();
        let files = Files::none().with("a.yaml", &lake("a", &format!("${{sops:{file}#/a}}")));
        let root = TempDir::new().unwrap();
        symlink(&absolute, root.path().join("link.yaml")).unwrap();
        symlink(outside.path(), root.path().join("up")).unwrap();
        std::fs::hard_link(sops.key("key.txt"), root.path().join("key.txt")).unwrap();
        let ran = run(["sync", "--yes"], &tenant, &files, &sops)
            .arg("--secret-root")
            .arg(root.path())
            .run();
        if file == "key.txt" {
            is_refused_as_own(ran, &tenant);
        } else {
            is_blocked(ran, &tenant, why);
        }
    }
}

#[test]
fn the_address_of_a_vault_in_a_file_gets_no_token() {
    needs!(SOPS);
    let (tenant, sops) = (Tenant::empty(), Sops::new());
    let stub = Stub::start(|_| (403, json!({"errors": ["permission denied"]}).to_string()));
    let text = sops.encrypted("json", "{\"a\": \"b\"}");
    let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
    file["sops"]["age"] = json!([]);
    file["sops"]["hc_vault"] = json!([{
        "vault_address": stub.url, "engine_path": "sops", "key_name": "k",
        "created_at": "2026-01-01T00:00:00Z", "enc": "vault:v1:AAAA"
    }]);
    let home = TempDir::new().unwrap();
    std::fs::write(home.path().join(".vault-token"), "the-token-at-home").unwrap();
    let files = Files::none()
        .with(".s.json", &file.to_string())
        .with("a.yaml", &lake("a", "${sops:.s.json#/a}"));
    let ran = run(["sync", "--yes"], &tenant, &files, &sops)
        .env("VAULT_TOKEN", "the-token-of-vault")
        .env("HOME", home.path().to_str().unwrap())
        .run();
    is_blocked(ran, &tenant, "sops found no key");
    let asked = stub.requests();
    assert!(
        !asked.is_empty(),
        "sops did not ask, and the test shows nothing"
    );
    for request in asked {
        let token = request.header("x-vault-token");
        assert_eq!(token, Some("integrationd-passes-no-token-to-sops"));
    }
}

/// A key of sops itself, and a secret of the same run.
const KEY: &str = "AGE-SECRET-KEY-1QQQSTANDSFORTHEKEYOFSOPS7K3V";
const FOUND: &str = "s3cr3t-of-the-other-lake-Hx5p";

/// A program in place of sops that finds no key, and repeats what it knows.
fn talkative(place: &Path) -> String {
    let script = "#!/bin/sh\n\
        echo \"Failed to get the data key\" >&2\n\
        echo \"tried $SOPS_AGE_KEY and $AWS_SECRET_ACCESS_KEY\" >&2\n\
        echo \"as $(printf %s \"$AWS_SECRET_ACCESS_KEY\" | base64), not FOUND\" >&2\n\
        exit 128\n";
    let program = place.join("sops");
    std::fs::write(&program, script.replace("FOUND", FOUND)).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    format!("{}:/usr/bin:/bin", place.display())
}

#[test]
fn words_of_sops_show_no_key_and_no_secret() {
    let cloud = "s3cr3t-of-the-cloud-Jm2w-Yd9c4";
    let place = TempDir::new().unwrap();
    let path = talkative(place.path());
    let files = Files::none()
        .with(".s.yaml", "a: b\n")
        .with("a.yaml", &lake("a", "${sops:.s.yaml#/a}"))
        .with("b.yaml", &lake("b", "${env:OTHER}"));
    let web = Web::new(files);
    let with_keys = |run: Integrationd| {
        run.env("PATH", &path)
            .env("SOPS_AGE_KEY", KEY)
            .env("AWS_SECRET_ACCESS_KEY", cloud)
            .env("OTHER", FOUND)
            .env("INTEGRATIOND_LOG_LEVEL", "trace")
    };
    let mut seen = Vec::new();
    for args in [["sync", "--dry-run"], ["sync", "--yes"]] {
        for format in ["text", "json"] {
            let run = Integrationd::new(args).arg("-o").arg(format);
            let ran = with_keys(run.on(&web.tenant).with(&web.files)).run();
            seen.push(ran.all());
        }
    }
    let served = Served::of(with_keys(web.daemon(&[])).start());
    served.daemon.prints("is blocked");
    eventually("the page", || served.get("/readyz").code == 200);
    seen.extend(["/", "/status", "/metrics"].map(|path| served.get(path).body));
    seen.push(served.daemon.printed());
    served.end();
    for text in &seen {
        for secret in [KEY, cloud, FOUND, "czNjcjN0"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    let masked = "Failed to get the data key tried (secret) and (secret) as (secret), not (secret)";
    let shown = |text: &String| {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        text.contains(masked)
    };
    let shown = seen.iter().filter(|text| shown(text)).count();
    assert!(shown >= 7, "{shown} of {seen:#?}");
}
