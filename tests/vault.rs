//! `${vault:mount/data/path#field}`, with a real OpenBao server.

use std::os::unix::fs::PermissionsExt;

use rcgen::{KeyPair, PKCS_ED25519, SigningKey};
use serde_json::{Value, json};

use crate::common::{Files, Integrationd, Ran, Tenant, is_refused_as_own, lake};
use crate::programs::{OPENBAO, needs};
use crate::stub::Stub;
use crate::support::openbao::{ROOT_TOKEN, Server};

const SECRET: &str = "s3cr3t-in-vault-Xk2p";

fn one_lake(reference: &str) -> Files {
    Files::none().with("a.yaml", &lake("a", reference))
}

/// A run that says everything it can, and knows the server's address alone.
fn run<const N: usize>(args: [&str; N], tenant: &Tenant, files: &Files, url: &str) -> Integrationd {
    Integrationd::new(args)
        .arg("--log-level=trace")
        .on(tenant)
        .with(files)
        .env("VAULT_ADDR", url)
}

#[track_caller]
fn keeps_quiet(ran: &Ran) {
    for secret in [SECRET, ROOT_TOKEN, "hvs.", "s3cr3t"] {
        assert!(!ran.all().contains(secret), "{secret} in {}", ran.all());
    }
}

#[track_caller]
fn is_blocked(ran: Ran, tenant: &Tenant, why: &str) {
    let ran = ran.exits_with(1);
    keeps_quiet(&ran);
    assert_eq!(tenant.writes(), [""; 0]);
    assert!(ran.stdout.contains("is blocked"), "{}", ran.stdout);
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(why), "{why}\nis not in\n{text}");
}

#[test]
fn a_secret_is_sent_and_its_rotation_is_an_update_by_itself() {
    needs!(OPENBAO);
    let (server, tenant) = (Server::start(), Tenant::empty());
    let files = one_lake("${vault:secret/data/team/lake#token}");
    let state = Files::none();
    let sync = || {
        tenant.simulator.clear_log();
        let run = run(["sync", "--yes"], &tenant, &files, &server.url)
            .env("VAULT_TOKEN", ROOT_TOKEN)
            .arg("--state")
            .arg(state.path());
        let ran = run.run().exits_with(0);
        keeps_quiet(&ran);
        ran
    };
    server.put("team/lake", &json!({"token": format!("{SECRET}-1")}));
    sync();
    assert_eq!(tenant.tokens(), [format!("{SECRET}-1")]);
    sync();
    assert_eq!(tenant.writes(), [""; 0]);
    server.put("team/lake", &json!({"token": format!("{SECRET}-2")}));
    let ran = sync();
    assert_eq!(tenant.tokens(), [format!("{SECRET}-2")]);
    assert!(ran.stdout.contains("1 to update"), "{}", ran.stdout);
}

#[test]
fn app_role_and_jwt_log_in_and_read_within_their_policy() {
    needs!(OPENBAO);
    let (server, files) = (Server::start(), Files::none());
    server.put("team/lake", &json!({"token": SECRET}));
    server.put("other", &json!({"token": SECRET}));
    server.put_policy(
        "lake",
        r#"path "secret/data/team/*" { capabilities = ["read"] }"#,
    );
    let (role_id, secret_id) = server.app_role("lake");
    let (key, jwt) = jwt_key();
    server.jwt_role("lake", &key);
    files.write(".secret-id", &format!("{secret_id}\n"));
    files.write(".jwt", &jwt);
    let file = |name: &str| files.path().join(name).display().to_string();
    let (secret_id_file, jwt_file) = (file(".secret-id"), file(".jwt"));
    let app_role = [
        "--vault-role-id",
        &role_id,
        "--vault-secret-id-file",
        &secret_id_file,
    ];
    let jwt = ["--vault-jwt-role", "lake", "--vault-jwt-file", &jwt_file];
    for login in [app_role, jwt] {
        let with = |tenant: &Tenant, reference: &str| {
            files.write("a.yaml", &lake("a", reference));
            let run = run(["sync", "--yes"], tenant, &files, &server.url);
            login.iter().fold(run, Integrationd::arg).run()
        };
        let tenant = Tenant::empty();
        let ran = with(&tenant, "${vault:secret/data/team/lake#token}").exits_with(0);
        keeps_quiet(&ran);
        assert_eq!(tenant.tokens(), [SECRET]);
        let tenant = Tenant::empty();
        let ran = with(&tenant, "${vault:secret/data/other#token}");
        let denied = "Vault denied `GET secret/data/other` (1 error occurred: * permission denied): \
                      check that the token has not expired and that its policy grants `read` on this path";
        is_blocked(ran, &tenant, denied);
        // The file with the tool's own login is next to the others, and not for them.
        for own in ["${file:.secret-id}", "${file:.jwt}"] {
            let tenant = Tenant::empty();
            if own.contains(if login[1] == role_id {
                "secret-id"
            } else {
                "jwt"
            }) {
                is_refused_as_own(with(&tenant, own), &tenant);
            }
        }
    }
    // Every token that a login made was revoked, and only the first one is left.
    assert_eq!(server.tokens(), 1);
}

/// A public key in PEM, and a token that was signed with its private one.
fn jwt_key() -> (String, String) {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let now = jiff::Timestamp::now().as_second();
    let head = json!({"alg": "EdDSA", "typ": "JWT"});
    let claims = json!({"sub": "ci", "aud": "integrationd", "iat": now, "exp": now + 600});
    let signed = format!(
        "{}.{}",
        base64url(head.to_string()),
        base64url(claims.to_string())
    );
    let signature = base64url(key.sign(signed.as_bytes()).unwrap());
    (key.public_key_pem(), format!("{signed}.{signature}"))
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.as_ref().chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=chunk.len() {
            let index = bits >> (18 - 6 * digit) & 63;
            text.push(char::from(DIGITS[index as usize]));
        }
    }
    text
}

/// A server with secrets that cannot be had.
fn broken() -> Server {
    let server = Server::start();
    let fields = json!({"token": SECRET, "n": 5, "inner": {"k": SECRET}, "none": ""});
    server.put("lake", &fields);
    server.put("deleted", &json!({"token": SECRET}));
    server.call("DELETE", "secret/data/deleted", &Value::Null);
    server.put("destroyed", &json!({"token": SECRET}));
    server.call(
        "POST",
        "secret/destroy/destroyed",
        &json!({"versions": [1]}),
    );
    let old = json!({"type": "kv", "options": {"version": "1"}});
    server.call("POST", "sys/mounts/old", &old);
    server.call("POST", "old/data/lake", &json!({"token": SECRET}));
    server
}

#[test]
fn what_vault_does_not_give_blocks_and_says_what_helps() {
    needs!(OPENBAO);
    let server = broken();
    for (argument, why) in [
        (
            "secret/data/lake#Token",
            "`Token` was not found (available: inner, n, none, token): correct the reference",
        ),
        (
            "secret/data/lake#n",
            "the value is a number, but a secret must be a string",
        ),
        (
            "secret/data/lake#inner",
            "the value is an object, but a secret must be a string",
        ),
        (
            "secret/data/lake#none",
            "the secret is empty: give it a value",
        ),
        (
            "secret/data/nothing#token",
            "Vault found nothing for `GET secret/data/nothing`: check the namespace and the path",
        ),
        (
            "nowhere/data/lake#token",
            "Vault found nothing for `GET nowhere/data/lake` (no handler for route",
        ),
        (
            "secret/data/deleted#token",
            "was deleted: restore it with `vault kv undelete`",
        ),
        (
            "secret/data/destroyed#token",
            "was destroyed: write it again",
        ),
        (
            "old/data/lake#token",
            "the response to `GET old/data/lake` is not from a KV version 2 engine",
        ),
    ] {
        let tenant = Tenant::empty();
        let files = one_lake(&format!("${{vault:{argument}}}"));
        let ran = run(["sync", "--yes"], &tenant, &files, &server.url)
            .env("VAULT_TOKEN", ROOT_TOKEN)
            .run();
        is_blocked(ran, &tenant, why);
    }
}

#[test]
fn wrong_login_and_sealed_server_are_distinguished_and_block() {
    needs!(OPENBAO);
    let (server, tenant) = (Server::start(), Tenant::empty());
    server.put("lake", &json!({"token": SECRET}));
    server.put_policy("lake", r#"path "secret/*" { capabilities = ["read"] }"#);
    let (role_id, _) = server.app_role("lake");
    let files =
        one_lake("${vault:secret/data/lake#token}").with(".secret-id", "s3cr3t-id-that-is-wrong");
    let sync = |name: &str, value: &str| {
        run(["sync", "--yes"], &tenant, &files, &server.url).env(name, value)
    };
    let wrong_role = sync("INTEGRATIOND_VAULT_ROLE_ID", &role_id).env(
        "INTEGRATIOND_VAULT_SECRET_ID_FILE",
        files.path().join(".secret-id").to_str().unwrap(),
    );
    is_blocked(
        wrong_role.run(),
        &tenant,
        "Vault rejected the login at `POST auth/approle/login` (invalid role or secret ID): check \
        the role and its secret ID",
    );
    let wrong_token = sync("VAULT_TOKEN", "s3cr3t-wrong").run();
    is_blocked(
        wrong_token,
        &tenant,
        "Vault denied `GET secret/data/lake` (",
    );
    let no_file = sync("VAULT_TOKEN_FILE", "/nowhere/token").run();
    is_blocked(
        no_file,
        &tenant,
        "cannot use the token for Vault: /nowhere/token: the file does not exist",
    );
    server.call("PUT", "sys/seal", &Value::Null);
    let sealed = sync("VAULT_TOKEN", ROOT_TOKEN).run();
    is_blocked(
        sealed,
        &tenant,
        "Vault cannot process `GET secret/data/lake` at the moment (Vault is sealed): check whether Vault is sealed",
    );
}

#[test]
fn without_vault_a_dry_run_compares_nothing_and_a_sync_blocks() {
    let files = one_lake("${vault:secret/data/lake#token}");
    let nowhere = "http://127.0.0.1:1";
    let tenant = Tenant::empty();
    let sync = |args| run(args, &tenant, &files, nowhere).env("VAULT_TOKEN", ROOT_TOKEN);
    let dry = sync(["sync", "--dry-run"]).run().exits_with(0);
    keeps_quiet(&dry);
    assert!(dry.stdout.contains("1 to create"), "{}", dry.stdout);
    assert!(dry.stdout.contains("could not connect"), "{}", dry.stdout);
    is_blocked(
        sync(["sync", "--yes"]).run(),
        &tenant,
        "Vault did not respond to `GET secret/data/lake`: could not connect: ",
    );
    let none = sync(["sync", "--yes"]).without_env("VAULT_ADDR").run();
    is_blocked(
        none,
        &tenant,
        "no Vault server is configured: set VAULT_ADDR",
    );
}

#[test]
fn wrong_vault_settings_stop_only_references_to_vault() {
    let tenant = Tenant::empty();
    let with = |files: &Files| {
        run(
            ["sync", "--yes"],
            &tenant,
            files,
            "http://vault.example.com",
        )
        .run()
    };
    let other = Files::none().with("b.yaml", &lake("b", "${env:SNOWFLAKE_PASSWORD}"));
    with(&other).exits_with(0);
    let ran = with(&one_lake("${vault:secret/data/lake#token}")).exits_with(78);
    insta::assert_snapshot!(ran.stderr, @r"
    error: `VAULT_ADDR` is invalid: use https: http would send credentials unencrypted (http is allowed only on this machine)
     help: give the address that the `vault` command uses, such as https://vault.example.com:8200
    ");
}

/// Vault as far as one run asks it.
fn answer(line: &str) -> (u16, String) {
    let (code, body) = match line {
        "POST /v1/auth/teams/jwt/login" => {
            (200, json!({"auth": {"client_token": "made-by-login"}}))
        }
        "POST /v1/auth/token/revoke-self" => (204, Value::Null),
        "GET /v1/kv/data/moved" => (307, Value::Null),
        _ => (
            200,
            json!({"data": {"data": {"a": "value-a", "b": "value-b"}, "metadata": {}}}),
        ),
    };
    (code, body.to_string())
}

#[test]
fn run_logs_in_once_reads_each_path_once_and_revokes_its_token() {
    let (stub, tenant) = (Stub::start(answer), Tenant::empty());
    let files = Files::none()
        .with("a.yaml", &lake("a", "${vault:kv/data/one#a}"))
        .with("b.yaml", &lake("b", "${vault:kv/data/one#b}"))
        .with("c.yaml", &lake("c", "${vault:kv/data/t w%o#a}"))
        .with(".jwt", "the-jwt");
    let jwt = files.path().join(".jwt").display().to_string();
    run(["sync", "--yes"], &tenant, &files, &stub.url)
        .env("VAULT_NAMESPACE", "teams/data")
        .env("INTEGRATIOND_VAULT_JWT_ROLE", "lake")
        .env("INTEGRATIOND_VAULT_JWT_FILE", &jwt)
        .env("INTEGRATIOND_VAULT_AUTH_MOUNT", "teams/jwt")
        .run()
        .exits_with(0);
    let expected = [
        "GET /v1/kv/data/one",
        "GET /v1/kv/data/t%20w%25o",
        "POST /v1/auth/teams/jwt/login",
        "POST /v1/auth/token/revoke-self",
    ];
    assert_eq!(stub.lines(), expected);
    for request in stub.requests() {
        assert_eq!(request.header("x-vault-namespace"), Some("teams/data"));
        let is_login = request.line.ends_with("/login");
        let token = (!is_login).then_some("made-by-login");
        assert_eq!(request.header("x-vault-token"), token, "{}", request.line);
        let body = if is_login {
            "{\"role\":\"lake\",\"jwt\":\"the-jwt\"}"
        } else {
            ""
        };
        assert_eq!(request.body, body);
    }
    assert_eq!(tenant.tokens(), ["value-a", "value-a", "value-b"]);
}

#[test]
fn a_redirect_is_not_followed_with_the_token() {
    let (stub, tenant) = (Stub::start(answer), Tenant::empty());
    let files = one_lake("${vault:kv/data/moved#a}");
    let ran = run(["sync", "--yes"], &tenant, &files, &stub.url)
        .env("VAULT_TOKEN", ROOT_TOKEN)
        .run();
    is_blocked(
        ran,
        &tenant,
        "but integrationd does not follow redirects with credentials: set VAULT_ADDR to the active server",
    );
    assert_eq!(stub.lines(), ["GET /v1/kv/data/moved"]);
}

#[test]
fn what_the_tool_logs_in_with_is_given_by_no_source() {
    let credentials = Files::none()
        .with(
            "integrationd-fingerprint-key",
            "0123456789abcdef0123456789abcdef",
        )
        .with("vault-token", ROOT_TOKEN);
    let key = credentials.path().join("integrationd-fingerprint-key");
    std::fs::set_permissions(key, PermissionsExt::from_mode(0o600)).unwrap();
    let directory = credentials.path().display().to_string();
    for reference in [
        "${env:VAULT_TOKEN_FILE}",
        "${env:VAULT_TOKEN}",
        "${env:SOPS_AGE_KEY}",
        "${env:INTEGRATIOND_VAULT_SECRET_ID_FILE}",
        "${cred:vault-token}",
        "${cred:integrationd-fingerprint-key}",
        "${file:vault-token}",
        "${file:integrationd-fingerprint-key}",
    ] {
        let tenant = Tenant::empty();
        let files = one_lake(reference);
        let ran = run(["sync", "--yes"], &tenant, &files, "http://127.0.0.1:1")
            .env("CREDENTIALS_DIRECTORY", &directory)
            .env("VAULT_TOKEN_FILE", &format!("{directory}/vault-token"))
            .env("SOPS_AGE_KEY", "AGE-SECRET-KEY-1")
            .arg("--secret-root")
            .arg(&directory)
            .run();
        is_refused_as_own(ran, &tenant);
    }
}
