//! Documents that are missing although they were not removed: in process, and with a real
//! directory that is written to meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use integrationd::ledger::MemoryLedger;
use integrationd::plan::Policy;
use integrationd::simulator::{SimulatedDrift, Simulator};
use integrationd::sync::Request;
use tempfile::TempDir;

use crate::common::{Files, Integrationd, Ran, Tenant, eventually, lake};
use crate::in_process::{Run, write_lines};
use crate::programs::output;
use crate::support::recorded::{base, in_sync, lake_file, pruning, synced, with_lake};
use crate::support::repository::command;
use crate::texts::Texts;

/// States of a file that a save which was cut short can leave behind.
const CUT_SHORT: [&str; 6] = [
    "",
    "\n  \n",
    "# a comment\n",
    "---\n",
    "---\n---\n",
    "\u{feff}",
];

/// A file that gives its document a name.
fn named(host: &str, name: &str) -> String {
    format!("{}sync: {{name: {name}}}\n", lake_file(host))
}

/// One file with two documents, and what it holds when the second is cut away.
fn with_two() -> (Texts, Texts) {
    let (one, two) = (
        named("one.example.com", "one"),
        named("two.example.com", "two"),
    );
    let both = base().file("lakes.yaml", format!("{one}---\n{two}"));
    (both, base().file("lakes.yaml", format!("{one}---\n")))
}

#[tokio::test(start_paused = true)]
async fn emptied_file_freezes_its_integration_alone() {
    for text in CUT_SHORT {
        let before = with_lake().file("sea.yaml", lake_file("sea.example.com"));
        let (simulator, journal) = in_sync(&before).await;
        let sea = lake_file("sea.example.com").replace("/one", "/two");
        let emptied = before.file("lake.yaml", text).file("sea.yaml", sea);
        let ran = synced(&emptied, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), ["PUT /integrations/2"], "{text:?}");
        assert_eq!(ran.exit_code(), 65, "{}", ran.shown());
        let shown = ran.shown();
        assert!(
            shown.contains("lake.yaml no longer contains a document"),
            "{shown}"
        );
        assert!(!shown.contains("left alone:"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn emptied_file_is_shown_with_what_helps() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let emptied = with_lake().file("lake.yaml", "");
    let ran = synced(&emptied, &simulator, &journal, |_| {}).await;
    let shown = anstream::adapter::strip_str(&ran.shown()).to_string();
    insta::assert_snapshot!(shown, @"
    lake.yaml: warning[W0601]: this file describes no integration
     = help: add an integration, or remove the file; after the removal, `--policy sync` deletes the integration that the file used to describe

    1 warning in 1 file
      # lake is blocked  lake.yaml:1
      ! Databricks Unity Catalog
          lake.yaml no longer contains a document: it may have been truncated while it was saved
          help: restore the document; if you removed it on purpose, remove the whole file, or use `--allow-removal lake`

    Plan: 1 blocked, 1 unchanged.
    ");
}

#[tokio::test(start_paused = true)]
async fn emptied_file_is_known_by_its_path_and_by_its_stem() {
    let elsewhere = base().file("team/some.yaml", named("lake.example.com", "lake"));
    let (simulator, journal) = in_sync(&elsewhere).await;
    for path in ["team/some.yaml", "other/lake.yml"] {
        let emptied = base().file(path, "");
        let ran = synced(&emptied, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{path}");
        let told = format!("{path} no longer contains a document");
        assert!(ran.shown().contains(&told), "{}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn empty_file_that_nothing_knows_may_be_a_new_place() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let moving = base().file("moved.yaml", "");
    let ran = synced(&moving, &simulator, &journal, pruning).await;
    assert_eq!((write_lines(&simulator).len(), ran.exit_code()), (0, 1));
    let told = "moved.yaml is empty and may soon describe the integration";
    assert!(ran.shown().contains(told), "{}", ran.shown());
    // However it is empty.
    for text in ["# todo\n", "---\n", "---\n...\n", "# (c)\n---\n# x\n"] {
        let moving = base().file("moved.yaml", text);
        let ran = synced(&moving, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{text:?}");
        assert!(ran.shown().contains(told), "{text:?} {}", ran.shown());
    }
    // A file of comments may stay for ever, such as a template.
    let template = base().file("template.yaml", "# type: Databricks\n");
    let before = with_lake().file("template.yaml", "# type: Databricks\n");
    synced(&before, &simulator, &journal, pruning).await;
    let ran = synced(&template, &simulator, &journal, pruning).await;
    assert_eq!(
        write_lines(&simulator),
        ["DELETE /integrations/1"],
        "{}",
        ran.shown()
    );
}

#[tokio::test(start_paused = true)]
async fn record_of_an_emptied_file_is_not_forgotten() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    simulator.drift(SimulatedDrift::remove(1)).unwrap();
    synced(
        &with_lake().file("lake.yaml", ""),
        &simulator,
        &journal,
        pruning,
    )
    .await;
    assert!(journal.ledger().records.contains_key("lake"));
    synced(&base(), &simulator, &journal, pruning).await;
    assert!(!journal.ledger().records.contains_key("lake"));
}

#[tokio::test(start_paused = true)]
async fn cut_document_is_not_deleted_without_approval() {
    let (both, cut) = with_two();
    let (simulator, journal) = in_sync(&both).await;
    let ran = synced(&cut, &simulator, &journal, pruning).await;
    assert_eq!((write_lines(&simulator).len(), ran.exit_code()), (0, 1));
    let shown = anstream::adapter::strip_str(&ran.shown()).to_string();
    insta::assert_snapshot!(shown, @"
      # two is blocked  no longer described by any file
      ! Databricks Unity Catalog
          integration 3 will not be deleted: lakes.yaml still exists but no longer describes the integration
          help: restore the document; if you removed it on purpose, remove the whole file, or use `--allow-removal two`

    Plan: 1 blocked, 2 unchanged.
    ");
    let ran = synced(&cut, &simulator, &journal, |request| {
        pruning(request);
        request.allow_removal = ["two".to_owned()].into();
    })
    .await;
    assert_eq!(write_lines(&simulator), ["DELETE /integrations/3"]);
    assert!(ran.is_proved(), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn renamed_document_does_not_touch_its_former_integration() {
    let before = base().file("some.yaml", named("one.example.com", "one"));
    let (simulator, journal) = in_sync(&before).await;
    let renamed = base().file("some.yaml", named("two.example.com", "two"));
    let ran = synced(&renamed, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), ["POST /integrations"]);
    let told = "some.yaml still exists but no longer describes the integration";
    assert!(ran.shown().contains(told), "{}", ran.shown());
}

/// Lake a under the name of lake b, and pinned to what it was.
fn pinned_over(file: &str) -> Texts {
    let text = format!(
        "{}sync: {{name: b, id: \"1\"}}\n",
        lake_file("a.example.com")
    );
    base().file(file, text)
}

async fn in_sync_with_two_lakes() -> (Simulator, MemoryLedger) {
    let a = base().file("a.yaml", lake_file("a.example.com"));
    let (simulator, journal) = in_sync(&a).await;
    let both = a.file("b.yaml", lake_file("b.example.com"));
    let ran = synced(&both, &simulator, &journal, |_| {}).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    (simulator, journal)
}

#[tokio::test(start_paused = true)]
async fn file_saved_over_another_and_pinned_deletes_nothing() {
    let (simulator, journal) = in_sync_with_two_lakes().await;
    let over = pinned_over("b.yaml");
    // What the first run records must not let the second delete it.
    for _ in 0..2 {
        let ran = synced(&over, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
        let told = "b.yaml still exists but no longer describes the integration";
        assert!(ran.shown().contains(told), "{}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn removed_file_is_a_removal_although_its_name_is_pinned() {
    let (simulator, journal) = in_sync_with_two_lakes().await;
    let ran = synced(&pinned_over("c.yaml"), &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), ["DELETE /integrations/3"]);
    assert!(ran.is_proved(), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn commit_without_a_document_is_a_deliberate_removal() {
    let (both, cut) = with_two();
    for (before, after, deleted) in [
        (both, cut, "DELETE /integrations/3"),
        (
            with_lake(),
            with_lake().file("lake.yaml", ""),
            "DELETE /integrations/1",
        ),
    ] {
        let (simulator, journal) = in_sync(&before.committed()).await;
        let ran = synced(&after.committed(), &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), [deleted], "{}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_or_forgotten_unless_two_reads_are_equal() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    simulator.clear_log();
    let torn = base().then(&with_lake());
    let ran = Run::of(&torn, &simulator)
        .remembering(&journal)
        .with(pruning);
    let dry = ran.dry_run().await;
    assert!(dry.result.is_err(), "{}", dry.shown());
    let ran = synced(&torn, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let told = "nothing was applied because deletions require two identical reads of the files: \
        the files in texts have changed since they were read";
    assert_eq!(ran.shown(), told);

    // It was removed on the server, too: its record must stay.
    simulator.drift(SimulatedDrift::remove(1)).unwrap();
    let ran = synced(&torn, &simulator, &journal, pruning).await;
    assert_eq!(ran.shown(), told);
    assert!(journal.ledger().records.contains_key("lake"));
}

#[tokio::test(start_paused = true)]
async fn files_are_read_again_after_the_yes() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let torn = base().then(&base()).then(&with_lake());
    let asked = AtomicUsize::new(0);
    let ran = Run::of(&torn, &simulator)
        .remembering(&journal)
        .with(pruning);
    simulator.clear_log();
    let ran = ran.meanwhile(|_| {
        asked.fetch_add(1, Ordering::SeqCst);
    });
    let ran = ran.sync().await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(ran.result.is_err(), "{}", ran.shown());
    assert_eq!(write_lines(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn run_that_deletes_nothing_does_not_wait_for_quiet() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let changed = lake_file("lake.example.com").replace("/one", "/two");
    let changed = with_lake().file("lake.yaml", changed).then(&base());
    let ran = synced(&changed, &simulator, &journal, pruning).await;
    assert!(ran.is_proved(), "{}", ran.shown());
}

/// A ledger as an earlier version left it: it does not know the files.
async fn older(texts: &Texts) -> (Simulator, MemoryLedger) {
    let (simulator, journal) = in_sync(texts).await;
    let mut ledger = journal.ledger();
    for record in ledger.records.values_mut() {
        record.state.file = None;
    }
    (simulator, MemoryLedger::new(ledger))
}

#[tokio::test(start_paused = true)]
async fn older_ledger_freezes_what_may_have_been_anywhere() {
    let (both, cut) = with_two();
    let naming = || base().file("lakes.yaml", named("one.example.com", "one"));
    for (before, after, told) in [
        (
            both.clone(),
            cut,
            Some("does not record which file described the integration, and lakes.yaml may"),
        ),
        (
            both,
            base().file("lakes.yaml", ""),
            Some("lakes.yaml may be that file"),
        ),
        (
            with_lake(),
            base().file("lake.yaml", ""),
            Some("lake.yaml no longer contains a document"),
        ),
        (
            with_lake(),
            base().file("lake.yaml", named("one.example.com", "one")),
            Some("lake.yaml still exists"),
        ),
        (
            naming().file("lake.yaml", lake_file("lake.example.com")),
            naming(),
            Some("lakes.yaml may be that file"),
        ),
        // No file that exists can have described it.
        (with_lake(), base(), None),
    ] {
        let (simulator, journal) = older(&before).await;
        let ran = synced(&after, &simulator, &journal, pruning).await;
        let deletes = write_lines(&simulator);
        let deletes = deletes
            .iter()
            .filter(|line| line.starts_with("DELETE"))
            .count();
        assert_eq!(deletes, usize::from(told.is_none()), "{}", ran.shown());
        assert!(
            told.is_none_or(|told| ran.shown().contains(told)),
            "{}",
            ran.shown()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn file_of_each_integration_is_recorded_by_the_next_run() {
    let (simulator, journal) = older(&with_lake()).await;
    let moved = with_lake().without("lake.yaml");
    let moved = moved.file("team/lake.yaml", lake_file("lake.example.com"));
    synced(&moved, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let ledger = journal.ledger();
    let file = |name: &str| ledger.records[name].state.file.clone();
    assert_eq!(file("lake").as_deref(), Some("team/lake.yaml"));
    assert_eq!(file("stays").as_deref(), Some("stays.yaml"));
}

/// A tenant in sync with a directory, and a ledger of it.
struct Place {
    tenant: Tenant,
    files: Files,
    state: TempDir,
}

impl Place {
    fn of(files: Files) -> Self {
        let (tenant, state) = (Tenant::empty(), TempDir::new().unwrap());
        let place = Self {
            tenant,
            files,
            state,
        };
        place.sync(&[]).exits_with(0);
        place.tenant.simulator.clear_log();
        place
    }

    fn lakes() -> Self {
        let files = Files::none()
            .with("lake.yaml", &lake("lake", "${env:LAKE_TOKEN}"))
            .with("sea.yaml", &lake("sea", "${env:LAKE_TOKEN}"));
        Self::of(files)
    }

    fn command<const N: usize>(&self, args: [&str; N]) -> Integrationd {
        let run = Integrationd::new(args)
            .arg("--state")
            .arg(self.state.path());
        let run = run
            .arg("--policy")
            .arg("sync")
            .on(&self.tenant)
            .with(&self.files);
        run.env("LAKE_TOKEN", "token-of-the-lake")
    }

    fn sync(&self, args: &[&str]) -> Ran {
        let run = self.command(["sync", "--yes"]);
        args.iter().fold(run, Integrationd::arg).run()
    }
}

#[test]
fn truncated_file_is_no_removal_and_rm_is_one() {
    let place = Place::lakes();
    place.files.write("lake.yaml", "");
    let ran = place.sync(&[]).exits_with(65);
    assert!(
        ran.stdout
            .contains("lake.yaml no longer contains a document"),
        "{}",
        ran.all()
    );
    assert_eq!(place.tenant.writes(), [""; 0]);
    std::fs::remove_file(place.files.path().join("lake.yaml")).unwrap();
    place.sync(&[]).exits_with(0);
    assert_eq!(place.tenant.writes(), ["DELETE /integrations/1"]);
}

#[test]
fn removal_from_a_file_that_stays_can_be_allowed_by_name() {
    let two = |name: &str| {
        format!(
            "{}sync: {{name: {name}}}\n",
            lake(name, "${env:LAKE_TOKEN}")
        )
    };
    let both = format!("{}---\n{}", two("one"), two("two"));
    let place = Place::of(Files::none().with("lakes.yaml", &both));
    place.files.write("lakes.yaml", &two("one"));
    let ran = place.sync(&[]).exits_with(1);
    assert!(
        ran.stdout.contains("`--allow-removal two`"),
        "{}",
        ran.all()
    );
    assert_eq!(place.tenant.writes(), [""; 0]);
    place.sync(&["--allow-removal", "two"]).exits_with(0);
    assert_eq!(place.tenant.writes(), ["DELETE /integrations/2"]);
    // The same command again has nothing to do.
    place.sync(&["--allow-removal=two"]).exits_with(0);
}

#[test]
fn daemon_does_not_delete_what_is_saved_in_two_steps() {
    let place = Place::lakes();
    let text = lake("lake", "${env:LAKE_TOKEN}");
    let daemon = place.command(["daemon", "--debounce", "20ms", "--listen", "none"]);
    let daemon = daemon.env("INTEGRATIOND_LOG_LEVEL", "info").start();
    daemon.prints("2 unchanged");
    place.files.write("lake.yaml", "");
    daemon.prints("lake.yaml no longer contains a document");
    place.files.write("lake.yaml", &text);
    eventually("everything is as it was", || {
        daemon.printed().matches("2 unchanged").count() >= 2
    });
    assert_eq!(place.tenant.writes(), [""; 0]);
    daemon.signal("TERM");
    daemon.wait().exits_with(0);
}

fn git(work: &Path, args: &[&str]) {
    output(command("git", work).arg("-C").arg(work).args(args));
}

fn is_written_to(lock: &Path, run: impl FnOnce() -> Ran) -> Ran {
    std::fs::write(lock, "").unwrap();
    let ran = run();
    std::fs::remove_file(lock).unwrap();
    ran
}

#[test]
fn directory_that_git_is_writing_to_is_a_passing_error() {
    let place = Place::lakes();
    git(place.files.path(), &["init", "--quiet"]);
    std::fs::remove_file(place.files.path().join("lake.yaml")).unwrap();
    let lock = place.files.path().join(".git/index.lock");
    let ran = is_written_to(&lock, || place.sync(&[])).exits_with(1);
    assert!(
        ran.stderr.contains("git is writing to [FILES]"),
        "{}",
        ran.all()
    );
    assert!(!ran.stdout.contains("deleted"), "{}", ran.all());
    place.sync(&[]).exits_with(0);
    assert_eq!(place.tenant.writes(), ["DELETE /integrations/1"]);
}

/// Checkouts between two commits of the same files, as fast as git can.
fn check_out_again_and_again(work: &Path, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        for commit in ["one", "two"] {
            git(work, &["checkout", "--quiet", commit]);
        }
    }
}

#[test]
fn no_plan_during_checkouts_deletes_anything() {
    let name = |n: usize| format!("lake-{n}.yaml");
    let text =
        |n: usize, path: &str| lake(&format!("lake-{n}"), "${env:LAKE_TOKEN}").replace("/p", path);
    let files = (0..60).fold(Files::none(), |files, n| {
        files.with(&name(n), &text(n, "/p"))
    });
    let place = Place::of(files);
    let work = place.files.path();
    for args in [
        &["init", "--quiet"][..],
        &["add", "."],
        &["commit", "--quiet", "-m", "one"],
    ] {
        git(work, args);
    }
    git(work, &["branch", "one"]);
    (0..60).for_each(|n| place.files.write(&name(n), &text(n, "/q")));
    git(work, &["commit", "--quiet", "-am", "two"]);
    git(work, &["branch", "two"]);
    let stop = AtomicBool::new(false);
    let plans = std::thread::scope(|scope| {
        scope.spawn(|| check_out_again_and_again(work, &stop));
        let limit = "--max-change-percent=100";
        let plan = || place.command(["sync", "--dry-run", limit]).run();
        let plans: Vec<Ran> = (0..30).map(|_| plan()).collect();
        stop.store(true, Ordering::Relaxed);
        plans
    });
    for plan in plans {
        assert!(!plan.stdout.contains("will be deleted"), "{}", plan.all());
        // A directory that keeps changing is an error that passes, and a file that is
        // empty for a moment freezes its integration.
        assert!([0, 1, 65].contains(&plan.code), "{}", plan.all());
    }
    assert_eq!(place.tenant.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn emptied_file_is_reported_under_every_policy() {
    for policy in [Policy::Observe, Policy::CreateOnly, Policy::UpsertOnly] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        let emptied = with_lake().file("lake.yaml", "");
        let ran = synced(&emptied, &simulator, &journal, |r| r.policy = policy).await;
        assert_eq!(ran.exit_code(), 65, "{}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn empty_directory_is_refused_by_the_guard() {
    let lake = Texts::none()
        .file("lake.yaml", lake_file("lake.example.com"))
        .secret("TOKEN", "the-token");
    let (simulator, journal) = in_sync(&lake).await;
    let empty = Texts::none().secret("TOKEN", "the-token");
    let dry = Run::of(&empty, &simulator)
        .remembering(&journal)
        .with(pruning);
    assert_eq!(dry.dry_run().await.exit_code(), 4);
    let ran = synced(&empty, &simulator, &journal, pruning).await;
    assert_eq!((write_lines(&simulator).len(), ran.exit_code()), (0, 4));
    let shown = anstream::adapter::strip_str(&ran.shown()).to_string();
    insta::assert_snapshot!(shown, @r#"
      # lake will be deleted  no longer described by any file
      - Databricks Unity Catalog (id 1)
          - workspaceUrl       = "lake.example.com"
          - httpPath           = "/one"
          - authenticationType = "token"
          - catalog            = "immuta"
          - port               = 443
          before this, run the script of: integrationd script lake

    Plan: 1 to delete.

    Refused by the guard: nothing was applied.
      ✗ the files describe no integrations, perhaps by mistake, and the plan deletes every integration that integrationd owns (1 in total)
     help: review the plan; if it is intended, allow it with `--allow-removal lake`
    "#);
    let named = |request: &mut Request| {
        pruning(request);
        request.allow_removal = ["lake".to_owned()].into();
    };
    let ran = synced(&empty, &simulator, &journal, named).await;
    assert_eq!(write_lines(&simulator), ["DELETE /integrations/1"]);
    // Nothing of its own is left, so that nothing is to be done.
    assert!(ran.is_proved(), "{}", ran.shown());
    let ran = synced(&empty, &simulator, &journal, pruning).await;
    assert_eq!(ran.exit_code(), 0, "{}", ran.shown());
}

#[test]
fn empty_directory_is_refused_by_the_daemon_too() {
    let place = Place::lakes();
    for name in ["lake.yaml", "sea.yaml"] {
        std::fs::remove_file(place.files.path().join(name)).unwrap();
    }
    let ran = place.sync(&[]).exits_with(4);
    assert!(
        ran.stdout.contains("# lake will be deleted"),
        "{}",
        ran.all()
    );
    let daemon = place.command(["daemon", "--listen", "none"]);
    let daemon = daemon.env("INTEGRATIOND_LOG_LEVEL", "info").start();
    daemon.prints("GuardRefused");
    assert_eq!(place.tenant.writes(), [""; 0]);
    daemon.signal("TERM");
    daemon.wait().exits_with(0);
}

#[test]
fn removal_of_an_unknown_name_is_a_mistake_and_not_in_a_daemon() {
    let (tenant, files) = (Tenant::empty(), Files::none());
    let state = TempDir::new().unwrap();
    files.write("stays.yaml", "type: Trino\n");
    files.write("a.yaml", &lake("a", "${env:TOKEN}"));
    let run = |args: &[&str]| {
        let run = Integrationd::new([args[0], "--policy=sync", "--max-delete-percent=100"]);
        let run = args[1..].iter().fold(run, Integrationd::arg);
        let run = run.arg("--state").arg(state.path());
        run.on(&tenant).with(&files).env("TOKEN", "t")
    };
    run(&["sync", "--yes"]).run().exits_with(0);
    for command in ["--yes", "--dry-run"] {
        let told = run(&["sync", command, "--allow-removal=aa"]).run();
        let told = told.exits_with(64).all();
        assert!(told.contains("no integration is named aa"), "{told}");
    }
    std::fs::remove_file(files.path().join("a.yaml")).unwrap();
    // Its record knows it, and then the history.
    let removal = "--allow-removal=a";
    run(&["sync", "--yes", removal]).run().exits_with(0);
    run(&["sync", "--yes", removal]).run().exits_with(0);
    tenant.simulator.clear_log();
    let daemon = run(&["daemon", removal, "--listen=none", "--interval=1s"]).start();
    let lists = || {
        let requests = tenant.requests();
        requests
            .iter()
            .filter(|it| *it == "GET /integrations")
            .count()
    };
    eventually("three runs", || lists() >= 3);
    daemon.signal("TERM");
    let told = daemon.wait().exits_with(0).all();
    let warned = "`allow-removal` names a, but no integration has this name";
    assert_eq!(told.matches(warned).count(), 1, "{told}");
}

#[tokio::test(start_paused = true)]
async fn empty_directory_is_refused_without_a_ledger_too() {
    let (simulator, _) = in_sync(&with_lake()).await;
    let (nothing, journal) = (Texts::none(), MemoryLedger::default());
    let ran = synced(&nothing, &simulator, &journal, pruning).await;
    assert_eq!((write_lines(&simulator).len(), ran.exit_code()), (0, 4));
    let told = "the files describe no integrations, but the tenant has some";
    assert!(ran.shown().contains(told), "{}", ran.shown());
    let ran = synced(&nothing, &simulator, &journal, |_| {}).await;
    assert_eq!(ran.exit_code(), 0, "{}", ran.shown());
}
