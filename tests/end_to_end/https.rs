//! A forge that is read over https and reports pushes by webhook.

use super::{Forge, World, lake, told};
use crate::common::{Files, eventually};
use crate::forge::{HEARD, PUSH, SECRET, github, send, signature};
use crate::programs::{NGINX, needs};
use crate::support::git_server::PASSWORD;
use crate::support::repository::holds;
use crate::support::webhooks::PING;
use crate::web::{self, Served};

const TAG: &str = include_str!("../data/webhooks/github-push-tag.json");

#[test]
fn push_over_https_is_applied_on_the_word_of_the_forge_alone() {
    needs!(NGINX);
    let (world, forge) = (World::new(), Forge::new());
    let served = Served::of(forge.daemon(&world, &[]).start());
    served.daemon.prints("1 applied, 0 failed");
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);
    world.tenant.simulator.clear_log();
    let asked = forge.asked();
    let head = forge.push("files/lake.yaml", &lake("/two")).to_string();

    let hook = web::address(&served.daemon, HEARD);
    let right = format!("sha256={}", signature(PUSH));
    let of_another = format!("sha256={}", signature(PING));
    let altered = PUSH.replace("refs/heads/master", "refs/heads/mastes");
    let wrong: [(&[(&str, &str)], &str); 3] = [
        (&[], PUSH),
        (&[("x-hub-signature-256", &of_another)], PUSH),
        (&[("x-hub-signature-256", &right)], &altered),
    ];
    for (proof, body) in wrong {
        let headers = [&[("x-github-event", "push")], proof].concat();
        assert_eq!(send(hook, &headers, body).code, 401);
    }
    // Signed, and yet no push of the branch.
    assert_eq!(github(hook, "ping", PING).code, 200);
    assert_eq!(
        github(hook, "push", TAG).body,
        "ignored: not the configured branch\n"
    );
    eventually("a line for each that is wrong", || {
        let printed = served.daemon.printed();
        printed
            .matches("rejected a webhook with an invalid signature")
            .count()
            == wrong.len()
    });
    assert_eq!(forge.asked(), asked);
    assert_eq!(world.tenant.requests(), [""; 0]);

    assert_eq!(github(hook, "push", PUSH).body, "run triggered\n");
    world.writes_come_to(&["PUT /integrations/1"]);
    assert_eq!(world.paths(), ["/two"]);
    eventually("the page tells of it", || {
        served.row("lake")["revision"] == head.as_str()
    });
    // The one look that was asked for.
    assert_eq!(forge.asked(), asked + 1);
    let status = served.status();
    let source = status["seen"]["source"].as_str().unwrap();
    assert!(source.contains(&head), "{source}");
    let shown = format!(
        "{}{status}{}",
        served.daemon.printed(),
        served.get("/").body
    );
    for secret in [PASSWORD, SECRET, "token-of-the-lake"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
        assert!(!holds(world.state.path(), secret), "{secret}");
    }
    served.end();
}

#[test]
fn history_rewritten_over_https_waits_for_the_settings() {
    needs!(NGINX);
    let (world, forge) = (World::new(), Forge::new());
    let settings = Files::none().with("settings.yaml", "git-allow-rewrite: false\n");
    let config = settings.path().join("settings.yaml");
    let config = format!("--config={}", config.display());
    let served = Served::of(forge.daemon(&world, &[&config]).start());
    served.daemon.prints("1 applied, 0 failed");
    let applied = forge.repository.head().to_string();

    let rewrite = |path: &str| {
        forge.repository.write("files/lake.yaml", lake(path));
        let rewritten = forge.repository.record(["--amend", "-m", "Rewritten"]);
        forge.send(&["--force"]);
        assert_eq!(told(&served.daemon).code, 202);
        rewritten.to_string()
    };
    let held = |id: &str| {
        eventually("the status tells of it", || {
            let status = served.status();
            let summary = status["summary"].as_str().unwrap_or_default();
            status["state"] == "Stalled" && summary.contains(id)
        });
        let status = served.status();
        assert_eq!(status["reason"], "SourceRefused");
        let help = format!("if the revision is correct, accept it with `--git-allow-rewrite={id}`");
        assert_eq!(status["help"], help.as_str());
        served.daemon.prints(&help);
        let summary = status["summary"].as_str().unwrap();
        assert!(summary.starts_with("history was rewritten: "), "{summary}");
        assert!(served.get("/").body.contains(&help));
        // What was seen before stays in view, with the revision that is applied.
        assert_eq!(served.row("lake")["state"], "Ready");
    };
    let rewritten = rewrite("/two");
    held(&rewritten);
    assert_eq!(served.row("lake")["revision"], applied.as_str());
    assert_eq!(world.tenant.writes(), ["POST /integrations"]);

    settings.write(
        "settings.yaml",
        &format!("git-allow-rewrite: {rewritten}\n"),
    );
    served.daemon.signal("HUP");
    world.writes_come_to(&["POST /integrations", "PUT /integrations/1"]);
    eventually("all is well", || {
        served.row("lake")["revision"] == rewritten.as_str() && served.status()["state"] == "Ready"
    });
    // Permission for one is not permission for another.
    held(&rewrite("/three"));
    assert_eq!(world.paths(), ["/one", "/two"]);
    served.end();
}
