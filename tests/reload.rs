//! Settings that a running daemon reloads: every problem is reported in the log and on the
//! page, and unsupported changes are rejected.

use std::path::PathBuf;

use serde_json::Value;

use crate::common::{Files, eventually, lake};
use crate::support::notify_socket::Systemd;
use crate::web::{Served, Web};

struct World {
    web: Web,
    settings: Files,
}

impl World {
    /// Settings under which nothing looks by itself.
    fn new() -> Self {
        let files = Files::none().with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"));
        let world = Self {
            web: Web::new(files),
            settings: Files::none(),
        };
        world.set("interval: 1h\n");
        world
    }

    fn set(&self, text: &str) {
        self.settings.write("settings.yaml", text);
    }

    fn file(&self) -> PathBuf {
        self.settings.path().join("settings.yaml")
    }

    /// The daemon with these settings, after its first run.
    fn serve(&self, systemd: &Systemd) -> Served {
        let file = self.file().display().to_string();
        let run = self.web.daemon(&["--poll=1h", "--config", &file]);
        let run = run.without_env("INTEGRATIOND_LOG_LEVEL");
        let served = Served::of(run.env("NOTIFY_SOCKET", &systemd.socket()).start());
        systemd.hears("STATUS=Ready: 1 applied");
        served
    }
}

const OLD_GO_ON: &str = "the new settings are invalid, so the previous ones stay in effect";

#[test]
fn refused_settings_are_shown_with_their_place_until_fixed() {
    let (world, systemd) = (World::new(), Systemd::new());
    let served = world.serve(&systemd);
    assert_eq!(served.status()["settings_refused"], Value::Null);
    world.set("interval: 1h\n\n\nbogus: canary-Vd3k\n");
    served.daemon.signal("HUP");
    systemd.hears(&format!("1 unchanged; {OLD_GO_ON}"));
    let place = format!("{}:4:1", world.file().display());
    served
        .daemon
        .prints(&format!("{place}: error[E0202]: unknown setting `bogus`"));
    let refused = &served.status()["settings_refused"];
    assert_eq!(refused["mistakes"][0]["place"], place.as_str());
    let why = refused["why"].as_str().unwrap();
    assert!(why.ends_with("settings.yaml is invalid"), "{why}");
    let page = served.get("/").body;
    assert!(page.contains("The new settings are invalid"), "{page}");
    assert!(page.contains(&place), "{page}");
    let told = page + &served.daemon.printed() + &served.get("/status").body;
    assert!(!told.contains("canary-Vd3k"), "{told}");
    // Another run does not make it forgotten; a file in order does.
    served.daemon.signal("HUP");
    systemd.hears(&format!("1 unchanged; {OLD_GO_ON}"));
    world.set("interval: 2h\n");
    served.daemon.signal("HUP");
    eventually("it is taken", || {
        served.status()["settings_refused"].is_null()
    });
    assert!(!served.get("/").body.contains("settings are invalid"));
    served.end();
}

#[test]
fn log_level_is_reloaded_and_the_format_needs_a_restart() {
    let (world, systemd) = (World::new(), Systemd::new());
    let served = world.serve(&systemd);
    assert!(!served.daemon.printed().contains("DEBUG"));
    world.set("interval: 1h\nlog-level: debug\n");
    served.daemon.signal("HUP");
    served.daemon.prints("DEBUG");
    world.set("interval: 1h\nlog-level: error\nlog-format: json\n");
    served.daemon.signal("HUP");
    let told = "`log-format` cannot change while the daemon is running";
    served.daemon.prints(told);
    eventually("it is on the page", || served.get("/").body.contains(told));
    // Nothing of settings that are refused counts: it still logs what it does.
    served.daemon.signal("HUP");
    systemd.hears(OLD_GO_ON);
    eventually("the runs after the refusals are logged", || {
        let printed = served.daemon.printed();
        let (_, after) = printed.rsplit_once(told).unwrap();
        after.contains("DEBUG")
    });
    served.end();
}

/// M5: a settings file that lost its lines took every protection away.
#[test]
fn emptied_settings_file_is_refused() {
    for emptied in ["", "# interval: 1h\n", "---\n", "{}\n"] {
        let (world, systemd) = (World::new(), Systemd::new());
        world.set(
            "interval: 1h\npolicy: create-only\nallow-secret: ['env:LAKE_TOKEN=Databricks']\n",
        );
        let served = world.serve(&systemd);
        world.web.tenant.simulator.clear_log();
        world.web.files.change("lake.yaml", "/p", "/q");
        world.set(emptied);
        served.daemon.signal("HUP");
        systemd.hears(OLD_GO_ON);
        let told = format!(
            "the settings file {} no longer sets anything",
            world.file().display()
        );
        served.daemon.prints(&told);
        let refused = &served.status()["settings_refused"];
        assert!(
            refused["why"].as_str().unwrap().contains(&told),
            "{refused}"
        );
        let help = refused["help"].as_str().unwrap();
        assert!(help.contains("systemctl restart integrationd"), "{help}");
        assert!(served.get("/").body.contains("no longer sets anything"));
        // The update is withheld by the old policy.
        served.daemon.prints("1 withheld by policy");
        assert_eq!(world.web.tenant.writes(), [""; 0], "{emptied:?}");
        served.end();
    }
}

#[test]
fn missing_settings_file_is_refused() {
    let (world, systemd) = (World::new(), Systemd::new());
    let served = world.serve(&systemd);
    std::fs::remove_file(world.file()).unwrap();
    served.daemon.signal("HUP");
    systemd.hears(OLD_GO_ON);
    served.daemon.prints("cannot read the settings file");
    served.end();
}

#[test]
fn reload_that_takes_protection_away_is_refused() {
    let (world, systemd) = (World::new(), Systemd::new());
    world.set(
        "interval: 1h\npolicy: create-only\nmax-deletes: 2\n\
         allow-secret: ['env:LAKE_TOKEN=Databricks', 'env:OTHER']\n",
    );
    let served = world.serve(&systemd);
    world.web.tenant.simulator.clear_log();
    world.web.files.change("lake.yaml", "/p", "/q");
    world.set("interval: 2h\nallow-secret: ['env:OTHER', 'env:LAKE_TOKEN=*']\n");
    served.daemon.signal("HUP");
    systemd.hears(OLD_GO_ON);
    let told = "a reload cannot make the settings less strict: the `allow-secret` binding \
                `env:LAKE_TOKEN=*` allows more than before; `policy` changes from \
                `create-only` to `upsert-only`; `max-deletes` allows more than before";
    served.daemon.prints(told);
    eventually("it is on the page", || {
        served
            .get("/")
            .body
            .contains("a reload cannot make the settings less strict")
    });
    let refused = &served.status()["settings_refused"];
    assert_eq!(refused["why"], told);
    served.daemon.prints("1 withheld by policy");
    assert_eq!(world.web.tenant.writes(), [""; 0]);
    // Less is taken.
    world.set(
        "interval: 2h\npolicy: observe\nmax-deletes: 1\n\
         allow-secret: ['env:LAKE_TOKEN=Databricks', 'env:OTHER', 'env:MORE']\n",
    );
    served.daemon.signal("HUP");
    eventually("it is taken", || {
        served.status()["settings_refused"].is_null()
    });
    served.end();
}

/// A revoked binding applies at once, and a mistake revokes nothing.
#[test]
fn binding_can_be_narrowed_by_a_reload_and_not_widened() {
    let (world, systemd) = (World::new(), Systemd::new());
    let bound = "'env:LAKE_TOKEN=Databricks@lake.example.com'";
    world.set(&format!(
        "interval: 1h\nallow-secret: [{bound}, 'env:OTHER']\n"
    ));
    let served = world.serve(&systemd);
    world.web.tenant.simulator.clear_log();
    let files = &world.web.files;
    files.change("lake.yaml", "lake.example.com", "evil.example.org");
    served.daemon.signal("HUP");
    served.daemon.prints("may not be sent to");
    systemd.hears("STATUS=Stalled");
    world.set(&format!(
        "interval: 1h\nallow-secret: [{bound}, 'env:OTHER', '*', 'env:LAKE_TOKEN']\n"
    ));
    served.daemon.signal("HUP");
    systemd.hears(OLD_GO_ON);
    let refused = "the `allow-secret` binding `*` allows more than before; the `allow-secret` \
        binding `env:LAKE_TOKEN` allows more than before";
    served.daemon.prints(refused);
    let why = served.status()["settings_refused"]["why"].to_string();
    assert!(why.contains(refused), "{why}");
    world.set(&format!("interval: 1h\nallow-secret: [{bound}]\n"));
    served.daemon.signal("HUP");
    systemd.hears("STATUS=Stalled");
    eventually("it is taken", || {
        served.status()["settings_refused"].is_null()
    });
    served.end();
    assert_eq!(world.web.tenant.writes(), [""; 0]);
}

/// The installed file has comments alone; the rest comes from the environment.
#[test]
fn settings_file_that_never_set_anything_may_stay_so() {
    let (world, systemd) = (World::new(), Systemd::new());
    world.set("# nothing\n");
    let served = world.serve(&systemd);
    served.daemon.prints(
        "the settings file contains no settings, so it sets no limits and no secret bindings",
    );
    world.web.tenant.simulator.clear_log();
    served.daemon.signal("HUP");
    eventually("the run", || !world.web.tenant.requests().is_empty());
    assert!(served.status()["settings_refused"].is_null());
    served.end();
}
