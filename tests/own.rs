//! Own credentials of integrationd go to no integration: no reference leads to them, and
//! no copy of them is sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use integrationd::secret::own_settings;
use integrationd::simulator::API_KEY;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Tenant, eventually, lake};
use crate::web::{Served, Web};

const VALUE: &str = "hunter2-of-the-tool-itself";

/// Variables that integrationd, or a program that it starts, authenticates with.
const VARIABLES: &[&str] = &[
    "IMMUTA_API_KEY",
    "INTEGRATIOND_GIT_TOKEN",
    "VAULT_TOKEN",
    "BAO_TOKEN",
    "SOPS_AGE_KEY",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AZURE_CLIENT_SECRET",
    "IDENTITY_HEADER",
    "MSI_SECRET",
    "CLOUDSDK_AUTH_ACCESS_TOKEN",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN",
];

#[test]
fn reference_to_an_own_credential_is_a_located_error() {
    for reference in VARIABLES
        .iter()
        .map(|name| format!("${{env:{name}}}"))
        .chain(["${cred:immuta-api-key}".to_owned()])
    {
        let files = Files::none().with("lake.yaml", &lake("lake", &reference));
        let validate = Integrationd::new(["validate"]).arg(files.path());
        let ran = validate.run().exits_with(65);
        let told = ran.all();
        assert!(told.contains("E0405"), "{reference}: {told}");
        assert!(told.contains("lake.yaml:7:11"), "{reference}: {told}");
        let tenant = Tenant::empty();
        let sync = Integrationd::new(["sync", "--yes"])
            .on(&tenant)
            .with(&files);
        sync.run().exits_with(65);
        assert_eq!(tenant.writes(), [""; 0], "{reference}");
    }
}

#[test]
fn daemon_refuses_a_reference_to_an_own_credential() {
    let web = Web::new(Files::none().with("lake.yaml", &lake("lake", "${env:ALL_PROXY}")));
    let served: Served = web.serve(&[]);
    eventually("it says so", || {
        served.get("/status").body.contains("E0405")
    });
    assert_eq!(web.tenant.writes(), [""; 0]);
    served.end();
}

#[test]
fn reference_to_a_file_of_an_own_credential_is_an_error() {
    for reference in ["${file:key}", "${file:link}", "${sops:key#/a}"] {
        let files = Files::none().with("lake.yaml", &lake("lake", reference));
        let key = files.path().join("key");
        std::fs::write(&key, VALUE).unwrap();
        std::os::unix::fs::symlink("key", files.path().join("link")).unwrap();
        let validate = Integrationd::new(["validate"]).arg(files.path());
        let validate = validate.env("IMMUTA_API_KEY_FILE", key.to_str().unwrap());
        let told = validate.run().exits_with(65).all();
        assert!(told.contains("E0405"), "{reference}: {told}");
        let tenant = Tenant::empty();
        let sync = Integrationd::new(["sync", "--yes", "--git-token-file"]).arg(&key);
        sync.on(&tenant).with(&files).run().exits_with(65);
        assert_eq!(tenant.writes(), [""; 0], "{reference}");
    }
}

/// An integration file, a file with a value, and settings that name that file.
fn named_by(setting: &str, reference: &str) -> (Files, Files) {
    let files = Files::none().with("lake.yaml", &lake("lake", reference));
    std::fs::create_dir(files.path().join("sub")).unwrap();
    files.write("own", VALUE);
    let own = files.path().join("own");
    std::os::unix::fs::symlink(&own, files.path().join("link")).unwrap();
    std::fs::hard_link(&own, files.path().join("hard")).unwrap();
    let line = format!("{setting}: {}\n", own.display());
    (files, Files::none().with("settings.yaml", &line))
}

/// Asserts that `validate` and `sync`, given these settings, refuse the reference.
#[track_caller]
fn is_refused_where_it_stands(files: &Files, settings: &Files) {
    let settings = settings.path().join("settings.yaml");
    let validate = Integrationd::new(["validate", "--config"]).arg(&settings);
    let told = validate.arg(files.path()).run().exits_with(65).all();
    assert!(told.contains("E0405"), "{told}");
    assert!(told.contains("lake.yaml:7:11"), "{told}");
    for mode in ["--dry-run", "--yes"] {
        let tenant = Tenant::empty();
        let sync = Integrationd::new(["sync", mode, "--config"]).arg(&settings);
        let told = sync.on(&tenant).with(files).run().exits_with(65).all();
        assert!(told.contains("lake.yaml:7:11"), "{told}");
        assert_eq!(tenant.writes(), [""; 0]);
    }
}

#[test]
fn own_file_that_any_setting_names_is_refused_where_it_stands() {
    for setting in own_settings() {
        let (files, settings) = named_by(setting, "${file:own}");
        is_refused_where_it_stands(&files, &settings);
    }
}

#[test]
fn own_file_is_refused_by_whatever_path_it_is_reached() {
    for path in ["./own", "sub/../own", "link", "hard", "sub/../link"] {
        let reference = format!("${{file:{path}}}");
        let (files, settings) = named_by("listen-token-file", &reference);
        is_refused_where_it_stands(&files, &settings);
    }
    let (files, settings) = named_by("webhook-secret-file", "");
    let own = files.path().join("own");
    for path in [own.clone(), files.path().join("../x/..").join(&own)] {
        let reference = format!("${{file:{}}}", path.display());
        files.write("lake.yaml", &lake("lake", &reference));
        is_refused_where_it_stands(&files, &settings);
    }
    // Not rolled out yet: all that there is to compare is the path.
    std::fs::remove_file(&own).unwrap();
    files.write("lake.yaml", &lake("lake", "${file:sub/../own}"));
    is_refused_where_it_stands(&files, &settings);
}

#[test]
fn own_file_below_a_secret_root_is_refused_where_it_stands() {
    let (own, settings) = named_by("notify-url-file", "");
    let root = format!("secret-root: {}\n", own.path().display());
    let files = Files::none().with("lake.yaml", &lake("lake", "${file:link}"));
    let line = std::fs::read_to_string(settings.path().join("settings.yaml")).unwrap();
    settings.write("settings.yaml", &(line + &root));
    is_refused_where_it_stands(&files, &settings);
}

#[test]
fn copy_of_an_own_credential_is_not_sent() {
    let place = TempDir::new().unwrap();
    let token = place.path().join("token");
    std::fs::write(&token, format!("{VALUE}\n")).unwrap();
    let proxy = format!("http://user:{VALUE}@127.0.0.1:1");
    for (what, name, given) in [
        ("the API key", "", ""),
        ("a token", "VAULT_TOKEN", VALUE),
        (
            "a file",
            "INTEGRATIOND_WEBHOOK_SECRET_FILE",
            token.to_str().unwrap(),
        ),
        ("a proxy", "ALL_PROXY", proxy.as_str()),
    ] {
        let tenant = Tenant::empty();
        let files = Files::none().with("lake.yaml", &lake("lake", "${env:COPY}"));
        let copy = if name.is_empty() { API_KEY } else { VALUE };
        let run = Integrationd::new(["sync", "--yes"]).env("COPY", copy);
        let run = run.env("NO_PROXY", "127.0.0.1,localhost");
        let run = if name.is_empty() {
            run
        } else {
            run.env(name, given)
        };
        let ran = run.on(&tenant).with(&files).run().exits_with(1);
        let told = ran.all();
        let refused =
            "${env:COPY} is not allowed: its value is one of integrationd's own credentials";
        assert!(told.contains(refused), "{what}: {told}");
        assert!(!told.contains(copy), "{what}: {told}");
        assert_eq!(tenant.writes(), [""; 0], "{what}");
    }
}

/// A git server that refuses every fetch and says what it was asked with.
fn echoing_git_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/repository.git", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut said = String::new();
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap() <= 2 {
                    break;
                }
                if let Some((_, value)) = line.split_once("uthorization: ") {
                    let encoded = value.trim().rsplit(' ').next().unwrap();
                    let decoded = STANDARD.decode(encoded).unwrap_or_default();
                    let decoded = String::from_utf8_lossy(&decoded).into_owned();
                    said = format!("{} {decoded} {}", value.trim(), decoded.to_uppercase());
                }
            }
            let line = format!("ERR bad authorization: {said}");
            let body = format!("{:04x}{line}", line.len() + 4);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-git-upload-pack-advertisement\r\n\
                 connection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.get_mut().write_all((head + &body).as_bytes());
        }
    });
    url
}

#[test]
fn git_server_that_says_the_token_back_makes_nothing_known() {
    for auth in ["basic", "bearer"] {
        let (tenant, url) = (Tenant::empty(), echoing_git_server());
        let state = TempDir::new().unwrap();
        let run = Integrationd::new(["sync", "--dry-run", "--log-level=trace", "--git"]);
        let run = run.arg(&url).arg("--git-auth").arg(auth);
        let run = run.arg("--state").arg(state.path());
        let run = run.env("INTEGRATIOND_GIT_TOKEN", VALUE).on(&tenant);
        let told = run.run().exits_with(1).all();
        assert!(told.contains("bad authorization"), "{told}");
        assert!(told.contains("(secret)"), "{told}");
        for form in [
            VALUE.to_owned(),
            VALUE.to_uppercase(),
            STANDARD.encode(format!("git:{VALUE}")),
        ] {
            assert!(!told.contains(&form), "{auth}: {told}");
        }
    }
}

/// The API key as a file may have it, without a reference to it.
#[test]
fn own_value_in_a_file_is_refused_where_it_stands() {
    let token = lake("lake", API_KEY);
    let path = lake("lake", "${env:T}").replace("httpPath: /p", "httpPath: '${var:X}'");
    let padded = lake("lake", &format!(" {API_KEY} "));
    for (file, place) in [(token, "7:10"), (path, "5:13"), (padded, "7:10")] {
        let (tenant, files) = (Tenant::empty(), Files::none().with("lake.yaml", &file));
        let var = format!("--var=X={API_KEY}");
        for command in [
            &["sync", "--yes"][..],
            &["sync", "--dry-run"],
            &["validate"],
        ] {
            let run = command[1..]
                .iter()
                .fold(Integrationd::new([command[0]]), Integrationd::arg);
            let run = run.arg(&var).env("T", "t").on(&tenant).with(&files);
            let told = run.run().exits_with(65).all();
            assert!(told.contains("E0405"), "{told}");
            assert!(told.contains(&format!("lake.yaml:{place}")), "{told}");
            assert!(!told.contains(API_KEY), "{told}");
        }
        assert_eq!(tenant.writes(), [""; 0]);
    }
}

#[test]
fn own_value_in_pieces_is_refused() {
    let (one, two) = API_KEY.split_at(7);
    for template in ["${env:A}${env:B}", &format!("{one}${{env:B}}")] {
        let (tenant, files) = (Tenant::empty(), Files::none());
        files.write("lake.yaml", &lake("lake", template));
        let run = Integrationd::new(["sync", "--yes"])
            .env("A", one)
            .env("B", two);
        let told = run.on(&tenant).with(&files).run().exits_with(1).all();
        assert!(
            told.contains("${env:B} is not allowed: together with the adjacent text"),
            "{told}"
        );
        assert!(!told.contains(two), "{told}");
        assert_eq!(tenant.writes(), [""; 0], "{template}");
    }
}
