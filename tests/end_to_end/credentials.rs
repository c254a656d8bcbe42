//! Credentials of systemd count like the environment.

use integrationd::simulator::API_KEY;

use super::{Forge, World, told};
use crate::common::{Files, eventually};
use crate::forge::{SECRET, signature};
use crate::programs::{NGINX, needs};
use crate::stub::Stub;
use crate::support::git_server::PASSWORD;
use crate::web::{Served, TOKEN};

/// The flags that name a file with a secret.
const FLAGS: [&str; 6] = [
    "api-key-file",
    "git-token-file",
    "listen-token-file",
    "notify-secret-file",
    "notify-url-file",
    "webhook-secret-file",
];

#[test]
fn systemd_credential_beats_the_secret_of_the_settings_file() {
    needs!(NGINX);
    let (world, forge) = (World::new(), Forge::new());
    let stub = Stub::start(|_| (204, String::new()));
    let handed_over = Files::none()
        .with("immuta-api-key", API_KEY)
        .with("integrationd-git-token", PASSWORD)
        .with("integrationd-listen-token", TOKEN)
        .with("integrationd-notify-secret", SECRET)
        .with("integrationd-notify-url", &stub.url)
        .with("integrationd-webhook-secret", SECRET);
    let wrong = Files::none().with("wrong", "http://127.0.0.1:9/of-nobody");
    let path = wrong.path().join("wrong").display().to_string();
    let settings: String = FLAGS.map(|flag| format!("{flag}: {path}\n")).concat();
    wrong.write("settings.yaml", &settings);
    let config = format!("{}/settings.yaml", wrong.path().display());

    let daemon = forge.without_secrets(&world, &["--config", &config]);
    let daemon = daemon.without_env("IMMUTA_API_KEY");
    let credentials = handed_over.path().to_str().unwrap();
    let served = Served::of(daemon.env("CREDENTIALS_DIRECTORY", credentials).start());
    served.daemon.prints("1 applied, 0 failed");
    assert_eq!(served.get_as_bearer("/status").code, 200);
    forge.push("files/bad.yaml", "type: Nothing\n");
    assert_eq!(told(&served.daemon).code, 202);
    eventually("the news", || !stub.requests().is_empty());
    let news = &stub.requests()[0];
    let signed = format!("sha256={}", signature(&news.body));
    let header = news.header("X-Integrationd-Signature-256");
    assert_eq!(header, Some(signed.as_str()));
    served.end();
}
