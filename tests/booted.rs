//! The Debian package under a real systemd: installed, started, reloaded, hung,
//! stopped and removed.

mod machine;

use integrationd::simulator::API_KEY;

use crate::common::eventually;
use crate::programs::{MACHINE, PACKAGE, needs};
use machine::Machine;

const SERVICE: &str = "integrationd.service";

/// Duration of a write at the tenant.
const SETTLE: &str = "20ms";

/// Databricks, with a credential that systemd hands over.
fn lake(path: &str) -> String {
    crate::common::lake("lake", "${cred:secret_lake}").replace("/p", path)
}

/// Settings, a key, a secret and a file, where the units of a tenant look for them.
fn configure(machine: &Machine, directory: &str, settings: &str) {
    machine.write(&format!("{directory}/integrationd.yaml"), settings);
    let key = format!("{directory}/credentials/immuta-api-key");
    machine.write(&key, API_KEY);
    machine.write(&format!("{directory}/secrets/lake"), "s3cr3t-of-the-lake");
    machine.write(
        &format!("{directory}/integrations.d/lake.yaml"),
        &lake("/one"),
    );
}

/// A machine whose service is ready, and the URL of its tenant.
fn in_sync(settings: &str) -> (Machine, String) {
    let machine = Machine::boot();
    let url = machine.simulator(8080, SETTLE);
    configure(
        &machine,
        "/etc/integrationd",
        &format!("url: {url}\n{settings}"),
    );
    machine.runs("systemctl start integrationd");
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 applied, 0 failed");
    (machine, url)
}

/// Number of integrations in a list.
fn count(list: &str) -> usize {
    list.lines()
        .filter(|line| line.contains(".example.com"))
        .count()
}

#[test]
fn package_has_command_pages_completions_and_starts_nothing() {
    needs!(MACHINE, PACKAGE);
    let machine = Machine::boot();
    assert_eq!(machine.property(SERVICE, "ActiveState"), "inactive");
    assert_eq!(machine.property(SERVICE, "UnitFileState"), "disabled");
    machine.runs(
        "integrationd --version
         integrationd settings check
         test -s /usr/share/man/man1/integrationd-daemon.1.gz
         bash -n /usr/share/bash-completion/completions/integrationd
         test -s /usr/share/zsh/vendor-completions/_integrationd
         test -s /usr/share/fish/vendor_completions.d/integrationd.fish
         test -s /usr/share/doc/integrationd/docs/README.md
         test -s /usr/share/doc/integrationd/docs/images/plan.svg
         integrationd validate /usr/share/doc/integrationd/examples
         test \"$(stat -c %a /etc/integrationd/credentials)\" = 700",
    );
}

#[test]
fn service_is_ready_and_keeps_its_state_over_a_restart() {
    needs!(MACHINE, PACKAGE);
    let (machine, url) = in_sync("");
    assert_eq!(count(&machine.list(&url)), 1);
    let main = machine.property(SERVICE, "MainPID");
    let user = machine.runs(&format!("stat -c %u /proc/{main}"));
    assert_ne!(user.trim(), "0");
    let modes = machine.runs("stat -c %a /var/lib/private/integrationd/*");
    assert!(modes.lines().all(|mode| mode == "600"), "{modes}");
    machine.runs("systemctl restart integrationd");
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 unchanged");
    assert_eq!(count(&machine.list(&url)), 1);
    assert!(!machine.journal().contains("s3cr3t-of-the-lake"));
}

#[test]
fn the_journal_has_the_level_and_the_fields_of_what_is_logged() {
    needs!(MACHINE, PACKAGE);
    let (machine, url) = in_sync("");
    let entry = machine.runs(
        "journalctl --unit=integrationd --output=json --no-pager \
         INTEGRATION=lake ACTION=create STATUS=enabled",
    );
    let entry: serde_json::Value = serde_json::from_str(&entry).unwrap();
    assert_eq!(entry["PRIORITY"], "6");
    assert_eq!(entry["TENANT"], url.as_str());
    assert_eq!(entry["PLATFORM"], "Databricks");
    assert_eq!(entry["SYSLOG_IDENTIFIER"], "integrationd");
    let message = entry["MESSAGE"].as_str().unwrap();
    assert!(
        message.starts_with("action succeeded status=\"enabled\""),
        "{message}"
    );
}

#[test]
fn a_reload_takes_new_settings_and_refuses_wrong_ones() {
    needs!(MACHINE, PACKAGE);
    let (machine, url) = in_sync("");
    let reload = |settings: &str| {
        let settings = format!("url: {url}\n{settings}");
        machine.write("/etc/integrationd/integrationd.yaml", &settings);
        machine.runs("systemctl reload integrationd");
    };
    machine.write("/etc/integrationd/integrations.d/lake.yaml", &lake("/two"));
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 applied, 0 failed");
    reload("policy: everything");
    eventually("the refusal", || {
        machine
            .journal()
            .contains("the new settings are invalid; keeping the previous ones")
    });
    assert_eq!(machine.property(SERVICE, "ActiveState"), "active");
    reload("policy: observe");
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 unchanged");
    machine.write(
        "/etc/integrationd/integrations.d/lake.yaml",
        &lake("/three"),
    );
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 withheld by policy");
    // A wider policy takes a restart.
    reload("policy: upsert-only");
    eventually("the refusal of a wider policy", || {
        machine.journal().contains("restart")
    });
    machine.comes_to(
        SERVICE,
        "StatusText",
        "Ready: 1 withheld by policy; the new settings are invalid, so the previous ones stay in \
        effect",
    );
    assert_eq!(machine.property(SERVICE, "NRestarts"), "0");
}

#[test]
fn watchdog_ends_a_hang_and_the_next_start_carries_on() {
    needs!(MACHINE, PACKAGE);
    let (machine, url) = in_sync("");
    machine.write(
        "/run/systemd/system/integrationd.service.d/quick.conf",
        "[Service]\nWatchdogSec=2s\nRestartSec=100ms",
    );
    machine.runs("systemctl daemon-reload; systemctl restart integrationd");
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 unchanged");
    let main = machine.property(SERVICE, "MainPID");
    machine.runs(&format!("kill -STOP {main}"));
    machine.comes_to(SERVICE, "NRestarts", "1");
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 unchanged");
    assert_ne!(machine.property(SERVICE, "MainPID"), main);
    let journal = machine.journal();
    assert!(journal.contains("Watchdog timeout"), "{journal}");
    assert_eq!(count(&machine.list(&url)), 1);
}

#[test]
fn a_stop_lets_the_write_under_way_end_and_a_kill_is_survived() {
    needs!(MACHINE, PACKAGE);
    let machine = Machine::boot();
    let url = machine.simulator(8080, "2s");
    configure(&machine, "/etc/integrationd", &format!("url: {url}"));
    machine.runs("systemctl start integrationd");
    eventually("the write", || !machine.list(&url).is_empty());
    machine.runs("systemctl stop integrationd");
    for (property, value) in [("Result", "success"), ("ExecMainStatus", "0")] {
        assert_eq!(machine.property(SERVICE, property), value);
    }
    machine.runs("systemctl start integrationd");
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 unchanged");
    // Killed in the middle of a write.
    machine.write("/etc/integrationd/integrations.d/lake.yaml", &lake("/two"));
    eventually("the other write", || machine.list(&url).contains("editing"));
    machine.runs("systemctl kill --signal=KILL integrationd");
    machine.comes_to(SERVICE, "NRestarts", "1");
    eventually("the end of it", || {
        let status = machine.property(SERVICE, "StatusText");
        status == "Ready: 1 unchanged" || status == "Ready: 1 applied, 0 failed"
    });
    assert_eq!(count(&machine.list(&url)), 1);
}

#[test]
fn wrong_settings_are_reported_and_not_retried() {
    needs!(MACHINE, PACKAGE);
    let machine = Machine::boot();
    configure(&machine, "/etc/integrationd", "url: ftp://acme.example.com");
    assert_ne!(machine.tries("systemctl start integrationd").code, Some(0));
    for (property, value) in [("ActiveState", "failed"), ("ExecMainStatus", "78")] {
        assert_eq!(machine.property(SERVICE, property), value);
    }
    let journal = machine.journal();
    assert!(journal.contains(" help: "), "{journal}");
}

#[test]
fn sync_reads_the_same_settings_and_fails_on_an_invalid_file() {
    needs!(MACHINE, PACKAGE);
    let machine = Machine::boot();
    let url = machine.simulator(8080, SETTLE);
    configure(&machine, "/etc/integrationd", &format!("url: {url}"));
    machine.runs("systemctl start integrationd-sync.service");
    assert_eq!(count(&machine.list(&url)), 1);
    machine.write("/etc/integrationd/integrations.d/bad.yaml", "type: Nothing");
    let again = machine.tries("systemctl start integrationd-sync.service");
    assert_ne!(again.code, Some(0));
    let sync = "integrationd-sync.service";
    assert_eq!(machine.property(sync, "ExecMainStatus"), "65");
    // The service and the timer are not there together: one of them writes the ledger.
    machine.runs("systemctl start integrationd-sync.timer; systemctl start integrationd");
    let timer = "integrationd-sync.timer";
    assert_eq!(machine.property(timer, "ActiveState"), "inactive");
}

#[test]
fn service_does_not_write_what_root_suspends() {
    needs!(MACHINE, PACKAGE);
    let (machine, _) = in_sync("");
    let state = "--state /var/lib/integrationd";
    let history = machine.runs(&format!("integrationd history {state}"));
    assert!(history.contains("create lake"), "{history}");
    machine.runs(&format!(
        "integrationd suspend lake --reason 'vendor migration' {state}"
    ));
    machine.write("/etc/integrationd/integrations.d/lake.yaml", &lake("/two"));
    machine.comes_to(
        SERVICE,
        "StatusText",
        "Ready (Suspended): 1 suspended with changes; suspended: lake (vendor migration)",
    );
    // It notifies the service, which runs at once.
    machine.runs(&format!("integrationd resume {state}"));
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 applied, 0 failed");
}

#[test]
fn each_tenant_has_a_service_of_its_own() {
    needs!(MACHINE, PACKAGE);
    let machine = Machine::boot();
    let tenants = [("acme", 8081), ("bolt", 8082)];
    let urls = tenants.map(|(name, port)| {
        let url = machine.simulator(port, SETTLE);
        let settings = format!("url: {url}\nlisten: 127.0.0.1:{}", port + 100);
        configure(&machine, &format!("/etc/integrationd/{name}"), &settings);
        machine.runs(&format!("systemctl start integrationd@{name}"));
        url
    });
    for (name, _) in tenants {
        let unit = format!("integrationd@{name}.service");
        machine.comes_to(&unit, "StatusText", "Ready: 1 applied, 0 failed");
        machine.runs(&format!(
            "test -s /var/lib/private/integrationd-{name}/fingerprint.key"
        ));
    }
    machine.runs("systemctl stop integrationd@acme");
    machine.write(
        "/etc/integrationd/bolt/integrations.d/lake.yaml",
        &lake("/two"),
    );
    machine.comes_to(
        "integrationd@bolt.service",
        "StatusText",
        "Ready: 1 applied, 0 failed",
    );
    for url in urls {
        assert_eq!(count(&machine.list(&url)), 1);
    }
}

#[test]
fn push_to_a_local_repository_shows_the_plan_and_is_applied() {
    needs!(MACHINE, PACKAGE);
    let machine = Machine::boot();
    let url = machine.simulator(8080, SETTLE);
    let settings = "git: /srv/git/tenant.git\ngit-branch: main\n\
        allow-secret: ['cred:secret_lake=Databricks@lake.example.com']";
    configure(
        &machine,
        "/etc/integrationd",
        &format!("url: {url}\n{settings}"),
    );
    machine.write(
        "/etc/systemd/system/integrationd.service.d/git.conf",
        "[Service]\nDynamicUser=no\nUser=git",
    );
    machine.write("/home/git/lake.yaml", &lake("/one"));
    machine.runs(
        "useradd --system --home-dir /home/git git
         install -d -o git /srv/git; chown -R git /home/git
         cat >/home/git/push <<'THE_END'
set -e
cd
git config --global user.name Ada
git config --global user.email ada@example.com
git init -q --bare -b main /srv/git/tenant.git
git init -q -b main work
cp lake.yaml work/
git -C work add lake.yaml
git -C work commit -q -m 'The first'
git -C work push -q /srv/git/tenant.git main
integrationd hook install /srv/git/tenant.git --branch main
THE_END
         su git -s /bin/sh /home/git/push
         systemctl daemon-reload; systemctl start integrationd",
    );
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 applied, 0 failed");
    let pushed = machine.runs(
        "su git -s /bin/sh -c \"sed -i s,/one,/two, ~/work/lake.yaml
         cd ~/work; git commit -q -am 'The second'; git push /srv/git/tenant.git main\"",
    );
    for line in [
        "remote:       ~ httpPath = \"/one\" -> \"/two\"",
        "remote: Plan: 1 to update.",
        "remote: integrationd: 1 applied, 0 failed",
    ] {
        assert!(pushed.contains(line), "{pushed}");
    }
}

#[test]
fn the_ledger_outlives_the_package() {
    needs!(MACHINE, PACKAGE);
    let (machine, _) = in_sync("");
    machine.runs("dpkg --purge integrationd");
    assert_eq!(machine.property(SERVICE, "LoadState"), "not-found");
    machine.runs("test -s /var/lib/private/integrationd/fingerprint.key");
    machine.runs("dpkg --install /package.deb; systemctl daemon-reload");
    // The files of the operator are still there; the settings were the package's.
    machine.runs("test -s /etc/integrationd/integrations.d/lake.yaml");
}

#[test]
fn an_upgrade_goes_on_with_the_new_version() {
    needs!(MACHINE, PACKAGE);
    let (machine, _) = in_sync("");
    let main = machine.property(SERVICE, "MainPID");
    machine.runs("dpkg --install /package.deb");
    machine.comes_to(SERVICE, "StatusText", "Ready: 1 unchanged");
    assert_ne!(machine.property(SERVICE, "MainPID"), main);
}
