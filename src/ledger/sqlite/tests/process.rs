//! Tests with a second process: this test program, started again for one task.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::ledger::Ledger;

/// Passes the path of the ledger to the second process, which reports in a file next to it.
const TASK: &str = "INTEGRATIOND_TEST_LEDGER";

/// Number of times that a writer is killed.
const KILLS: usize = 6;

#[test]
fn a_second_opening_in_the_same_process_is_refused() {
    let (place, file) = place();
    let first = SqliteLedger::open(&file).unwrap();
    let error = SqliteLedger::open(&file).unwrap_err();
    let LedgerError::InUse { holder, .. } = &error else {
        panic!("{error}");
    };
    let own = format!("process {} on ", std::process::id());
    assert!(
        holder.starts_with(&own) && holder.contains(", since 20"),
        "{holder}"
    );
    let text = told(&error, &place).replace(holder, "HOLDER");
    insta::assert_snapshot!(text, @"
    the ledger STATE/tenant.db is in use by HOLDER
    help: wait until that process ends, or stop it; a daemon carries out the command if you omit `--standalone` and, for a socket other than the default, give `--socket`; do not remove the lock file: it has no effect once the process has ended
    ");
    drop(first);
    assert_eq!(
        fs::read_to_string(place.path().join("tenant.db.lock")).unwrap(),
        ""
    );
    SqliteLedger::open(&file).unwrap();
}

#[test]
fn another_process_that_has_it_is_named_until_it_is_killed() {
    let (_place, file) = place();
    let mut writer = Writer::start(&file);
    writer.wait_for(1);
    let error = SqliteLedger::open(&file).unwrap_err().to_string();
    let named = format!("is in use by process {} on ", writer.child.id());
    assert!(error.contains(&named), "{error}");
    writer.kill();
    SqliteLedger::open(&file).unwrap();
}

#[test]
fn confirmed_writes_of_a_killed_writer_are_there() {
    let (_place, file) = place();
    for turn in 1..=KILLS {
        let mut writer = Writer::start(&file);
        writer.wait_for(20 * turn);
        writer.kill();
        let before = read_only(&file).unwrap().unwrap();
        let after = done(SqliteLedger::open(&file).unwrap().read()).unwrap();
        assert_eq!(before, after, "a dry run sees what the log holds");
        writer.check(&after);
    }
}

#[test]
fn dry_run_reads_while_a_process_writes() {
    let (_place, file) = place();
    let mut writer = Writer::start(&file);
    writer.wait_for(1);
    let mut last = 0;
    for turn in 1..=30 {
        writer.wait_for(last + turn);
        let reported = writer.steps().len();
        let found = read_only(&file).unwrap().unwrap();
        let steps = 2 * found.records.len() + found.intents.len();
        assert!(steps >= reported, "{steps} of {reported} reported steps");
        last = reported;
    }
}

#[test]
fn writer_killed_while_it_opens_makes_a_whole_ledger_or_none() {
    for milliseconds in (0..40).step_by(4) {
        let (_place, file) = place();
        let mut writer = Writer::start(&file);
        std::thread::sleep(Duration::from_millis(milliseconds));
        writer.kill();
        let read = read_only(&file).unwrap();
        let found = done(SqliteLedger::open(&file).unwrap().read()).unwrap();
        assert_eq!(read.unwrap_or_default(), found);
        writer.check(&found);
    }
}

/// The second process: writes repeatedly, and reports each step when it is done.
#[test]
#[ignore = "a task for the tests around it, not a test"]
fn writes_until_it_is_killed() {
    let Some(file) = std::env::var_os(TASK).map(PathBuf::from) else {
        return;
    };
    let ledger = SqliteLedger::open(&file).unwrap();
    let mut report = OpenOptions::new()
        .append(true)
        .open(report_file(&file))
        .unwrap();
    let mut report = |step: &str, name: &str| {
        report
            .write_all(format!("{step} {name}\n").as_bytes())
            .unwrap();
    };
    for n in 0.. {
        let name = format!("{}-{n}", std::process::id());
        done(ledger.begin(&name, &create())).unwrap();
        report("begun", &name);
        done(ledger.confirm(&name, &record(&n.to_string()))).unwrap();
        report("confirmed", &name);
    }
}

fn report_file(ledger: &Path) -> PathBuf {
    ledger.with_extension("report")
}

/// The second process.
struct Writer {
    child: Child,
    report: PathBuf,
}

impl Writer {
    fn start(file: &Path) -> Self {
        let report = report_file(file);
        File::create(&report).unwrap();
        let task = concat!(module_path!(), "::writes_until_it_is_killed");
        let (_, task) = task.split_once("::").unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", task])
            .env(TASK, file)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, report }
    }

    fn wait_for(&mut self, steps: usize) {
        let begun = Instant::now();
        while self.steps().len() < steps {
            assert_eq!(self.child.try_wait().unwrap(), None, "it ended");
            assert!(begun.elapsed() < Duration::from_secs(60), "it does nothing");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn steps(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(&self.report).unwrap();
        // A line that was cut off is no report.
        let (whole, _) = text.rsplit_once('\n').unwrap_or_default();
        let lines = whole.lines().filter_map(|line| line.split_once(' '));
        lines.map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    /// Everything reported is there; at most the step under way is there unreported.
    fn check(&self, ledger: &Ledger) {
        let of = |step: &str| -> BTreeSet<String> {
            let steps = self.steps().into_iter().filter(|(s, _)| s == step);
            steps.map(|(_, name)| name).collect()
        };
        let (begun, confirmed) = (of("begun"), of("confirmed"));
        for name in &begun {
            let (intent, record) = (
                ledger.intents.contains_key(name),
                ledger.records.contains_key(name),
            );
            assert!(intent != record, "{name}: both or neither");
            assert!(
                record || !confirmed.contains(name),
                "{name}: its record is gone"
            );
        }
        let own = format!("{}-", self.child.id());
        let known = ledger.intents.keys().chain(ledger.records.keys());
        let unreported = known.filter(|name| name.starts_with(&own) && !begun.contains(*name));
        assert!(unreported.count() <= 1);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
