//! Integrations that no file describes any longer: deletions, and the reasons against them.

use http::Method;
use integrationd::immuta::Nesting;
use integrationd::ledger::MemoryLedger;
use integrationd::plan::{GuardLimits, Limit, Policy, Share};
use integrationd::simulator::{
    Breakage, Fault, FaultKind, Seed, SimulatedDrift, Simulator, SimulatorOptions,
};
use serde_json::json;

use crate::in_process::{Run, write_lines, writes};
use crate::support::boundary::BOUNDARIES;
use crate::support::boundary::dying;
use crate::support::recorded::{
    base, in_sync, lake_file, lakes, pruning, synced, types, warehouse_file, with_lake,
    with_warehouse,
};
use crate::texts::Texts;

#[tokio::test(start_paused = true)]
async fn integration_without_a_file_is_deleted_on_request_alone() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let ran = synced(&base(), &simulator, &journal, |_| {}).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let shown = ran.shown();
    assert!(shown.contains("formerly lake"), "{shown}");

    let ran = synced(&base(), &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), ["DELETE /integrations/1"]);
    assert_eq!(writes(&simulator)[0].body, None);
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(types(&simulator), ["Trino"]);
    let records = journal.ledger().records;
    assert_eq!(records.keys().collect::<Vec<_>>(), ["stays"]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_shows_what_goes_and_which_secrets_it_takes() {
    let (simulator, journal) = in_sync(&with_warehouse()).await;
    let ran = synced(&base(), &simulator, &journal, pruning).await;
    let shown = anstream::adapter::strip_str(&ran.shown()).to_string();
    insta::assert_snapshot!(shown, @r#"
      # warehouse will be deleted  no longer described by any file
      - Snowflake (id 2)
          - host      = "wh.example.com"
          - warehouse = "WH"
          - database  = "IMMUTA"
          - port      = 443
          note: the deletion request includes the setup credentials from ${env:PASSWORD}

    Plan: 1 to delete, 1 unchanged.

    Applied: 1 deleted.
    Verified: a second plan has no changes.
    "#);
}

#[tokio::test(start_paused = true)]
async fn automatic_set_up_is_deleted_with_its_credentials() {
    for nesting in [Nesting::Config, Nesting::TopLevel] {
        let (simulator, journal) = in_sync(&with_warehouse()).await;
        let ran = synced(&base(), &simulator, &journal, |request| {
            pruning(request);
            request.apply.delete_credentials = nesting;
        })
        .await;
        assert!(ran.is_proved(), "{}", ran.shown());
        let credentials = json!({
            "authenticationType": "userPassword",
            "username": "taylor",
            "password": "the-password",
            "role": "ACCOUNTADMIN",
        });
        let body = match nesting {
            Nesting::Config => json!({ "config": credentials }),
            Nesting::TopLevel => credentials,
        };
        assert_eq!(writes(&simulator)[0].body, Some(body));
        assert_eq!(types(&simulator), ["Trino"]);
        ran.shows_none_of(["the-password"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_that_stood_literally_in_the_file_cannot_delete() {
    let literal = base().file("warehouse.yaml", warehouse_file("the-password"));
    let (simulator, journal) = in_sync(&literal).await;
    let kept = format!("{:?}", journal.ledger());
    assert!(!kept.contains("the-password"), "{kept}");
    let ran = synced(&base(), &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let shown = ran.shown();
    assert!(
        shown.contains(
            "the file had a literal value for password, and literal values are not recorded"
        ),
        "{shown}"
    );
    assert!(shown.contains("restore the file of warehouse"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn deletion_with_a_missing_secret_is_blocked_before_any_write() {
    let (simulator, journal) = in_sync(&with_warehouse()).await;
    let texts = base().without_secret("PASSWORD");
    let ran = synced(&texts, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let shown = ran.shown();
    assert!(shown.contains("${env:PASSWORD} has no value"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn adopted_integration_is_never_deleted() {
    let (simulator, journal) = (Simulator::default(), MemoryLedger::default());
    let config = json!({
        "workspaceUrl": "lake.example.com", "httpPath": "/one",
        "authenticationType": "token", "token": "x",
    });
    simulator.seed(Seed::new("Databricks", Some(false), Some(config)));
    // It is even updated in between, and still not this tool's.
    for path in ["/one", "/two"] {
        let file = lake_file("lake.example.com").replace("/one", path);
        let texts = base().file("lake.yaml", file);
        let ran = synced(&texts, &simulator, &journal, |_| {}).await;
        assert!(ran.is_proved(), "{}", ran.shown());
    }
    assert!(!journal.ledger().records["lake"].state.owned);
    let ran = synced(&base(), &simulator, &journal, pruning).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(types(&simulator), ["Databricks", "Trino"]);
}

#[tokio::test(start_paused = true)]
async fn protection_and_suspension_count_although_their_file_is_gone() {
    for (options, told) in [
        (
            "protect: true",
            "is protected from deletion by `sync.protect`",
        ),
        (
            "suspend: {reason: vendor migration}",
            "would be deleted but is suspended",
        ),
    ] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        // Nothing but the option is new, so that nothing is sent for it.
        let file = lake_file("lake.example.com");
        let texts = base().file("lake.yaml", format!("{file}sync:\n  {options}\n"));
        synced(&texts, &simulator, &journal, |_| {}).await;
        assert_eq!(write_lines(&simulator), [""; 0]);
        let ran = synced(&base(), &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), [""; 0]);
        assert!(ran.shown().contains(told), "{}", ran.shown());
    }
}

#[tokio::test(start_paused = true)]
async fn files_that_are_not_known_whole_delete_nothing() {
    let empty = || Texts::none().secret("TOKEN", "the-token");
    for (texts, told) in [
        (empty(), "the files describe no integrations"),
        (
            base().file("bad.yaml", "type: Trino\nwhat: 1\n"),
            "bad.yaml has errors",
        ),
        (base().file("bad.yaml", "type: [\n"), "bad.yaml"),
    ] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        let ran = synced(&texts, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{told}");
        assert!(ran.shown().contains(told), "{}", ran.shown());
        assert!(journal.ledger().records.contains_key("lake"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_whole_deletes_nothing_of_its_scope() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let broken = FaultKind::BrokenElement {
        index: 1,
        breakage: Breakage::Text,
    };
    simulator.fault(Fault::new(broken).always());
    let ran = synced(&base(), &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn too_many_deletions_are_refused_with_numbers_and_a_flag() {
    let (simulator, journal) = in_sync(&lakes(6)).await;
    let ran = synced(&lakes(3), &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert_eq!(ran.exit_code(), 4);
    insta::assert_snapshot!(ran.ending(), @"

    Refused by the guard: nothing was applied.
      ✗ the plan deletes 3 of 7 integrations, but the limit is 1 (20%)
     help: review the plan; if it is intended, allow it with `--max-delete-percent 43`
    ");

    let ran = synced(&lakes(3), &simulator, &journal, |request| {
        pruning(request);
        request.limits.deletes.share = Share::Given(43);
    })
    .await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(simulator.state().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_is_refused_as_the_apply_would_be() {
    let (simulator, journal) = in_sync(&lakes(6)).await;
    let texts = lakes(3);
    let run = Run::of(&texts, &simulator)
        .remembering(&journal)
        .with(pruning);
    assert_eq!(run.dry_run().await.exit_code(), 4);
}

#[tokio::test(start_paused = true)]
async fn plan_that_changes_most_integrations_is_refused_whole() {
    let (simulator, journal) = in_sync(&lakes(12)).await;
    let texts = lakes(12)
        .secret("TOKEN", "another")
        .file("new.yaml", "type: Trino\n");
    let texts = texts.without("stays.yaml");
    let ran = synced(&texts, &simulator, &journal, |_| {}).await;
    assert_eq!((ran.exit_code(), write_lines(&simulator).len()), (4, 0));
    let ending = ran.ending();
    assert!(
        ending.contains("changes 12 of 13 integrations, but the limit is 10 (50%)"),
        "{ending}"
    );
    assert!(ending.contains("`--max-change-percent 93`"), "{ending}");

    let ran = synced(&texts, &simulator, &journal, |request| {
        request.limits = GuardLimits {
            changes: Limit {
                most: Some(5),
                share: Share::Given(100),
            },
            ..GuardLimits::default()
        };
    })
    .await;
    assert!(
        ran.ending().contains("`--max-changes 12`"),
        "{}",
        ran.ending()
    );
}

#[tokio::test(start_paused = true)]
async fn a_policy_takes_its_kinds_of_actions_and_shows_the_others() {
    for (policy, sent) in [
        (Policy::Observe, vec![]),
        (Policy::CreateOnly, vec!["POST /integrations"]),
        (
            Policy::UpsertOnly,
            vec!["PUT /integrations/1", "POST /integrations"],
        ),
    ] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        let changed = lake_file("lake.example.com").replace("/one", "/two");
        let texts = with_warehouse().file("lake.yaml", changed);
        let run = Run::of(&texts, &simulator)
            .remembering(&journal)
            .one_at_a_time();
        simulator.clear_log();
        let ran = run.with(|request| request.policy = policy).sync().await;
        assert_eq!(write_lines(&simulator), sent, "{policy:?}");
        let shown = ran.shown();
        let is_told = shown.contains(&format!("the policy is `{}`", policy.as_str()));
        assert_eq!(is_told, policy != Policy::UpsertOnly, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_is_lost_is_followed_until_it_is_gone() {
    for kind in [
        FaultKind::DropAfter,
        FaultKind::ServerError {
            code: 504,
            after_effect: true,
        },
        FaultKind::Html { after_effect: true },
    ] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        simulator.fault(Fault::new(kind).on(&Method::DELETE, "/integrations/{id}"));
        let ran = synced(&base(), &simulator, &journal, pruning).await;
        assert!(ran.is_proved(), "{}", ran.shown());
        assert_eq!(write_lines(&simulator).len(), 1);
        assert_eq!(journal.ledger().intents.len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn rolled_back_delete_fails_and_can_be_repeated() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let failed =
        serde_json::from_value(json!({ "delete_error": { "test": "Some test", "message": "no" } }));
    simulator.fault(Fault::new(failed.unwrap()));
    let ran = synced(&base(), &simulator, &journal, pruning).await;
    assert!(
        ran.ending().contains("the integration still exists"),
        "{}",
        ran.ending()
    );
    assert!(journal.ledger().records.contains_key("lake"));
    let ran = synced(&base(), &simulator, &journal, pruning).await;
    assert!(ran.is_proved(), "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn what_changed_since_the_plan_is_not_deleted() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let texts = base();
    let by_hand = simulator.clone();
    let ran = Run::of(&texts, &simulator)
        .remembering(&journal)
        .with(pruning)
        .meanwhile(move |_| {
            by_hand
                .drift(SimulatedDrift::value(1, "/httpPath", json!("/by-hand")))
                .unwrap();
        })
        .sync()
        .await;
    assert!(
        ran.shown().contains("has changed since the plan was made"),
        "{}",
        ran.shown()
    );
    assert_eq!(simulator.state().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_someone_else_deleted_is_forgotten() {
    for lingers in [false, true] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        simulator.set_options(SimulatorOptions {
            deleted_lingers: lingers,
            ..simulator.options()
        });
        simulator.drift(SimulatedDrift::remove(1)).unwrap();
        let ran = synced(&base(), &simulator, &journal, pruning).await;
        assert!(ran.is_proved(), "{}", ran.shown());
        assert!(!journal.ledger().records.contains_key("lake"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_renamed_file_takes_its_record_along() {
    for options in ["sync: {previously: [lake]}\n", ""] {
        let (simulator, journal) = in_sync(&with_lake()).await;
        let file = lake_file("lake.example.com");
        let renamed = base().file("sea.yaml", format!("{file}{options}"));
        let ran = synced(&renamed, &simulator, &journal, pruning).await;
        assert!(ran.is_proved(), "{}", ran.shown());
        assert_eq!(write_lines(&simulator), [""; 0]);
        let records = journal.ledger().records;
        assert_eq!(records.keys().collect::<Vec<_>>(), ["sea", "stays"]);
        assert!(records["sea"].state.owned);

        // Its secret is known under the new name, too.
        let ran = synced(&renamed, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
        let rotated = renamed.clone().secret("TOKEN", "another");
        synced(&rotated, &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
        synced(&base(), &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), ["DELETE /integrations/1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fingerprint_is_not_lost_by_a_rename_without_the_secret() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    let renamed = base().file("sea.yaml", lake_file("lake.example.com"));
    let blind = renamed.clone().without_secret("TOKEN");
    synced(&blind, &simulator, &journal, |_| {}).await;
    let rotated = renamed.secret("TOKEN", "another");
    synced(&rotated, &simulator, &journal, |_| {}).await;
    assert_eq!(write_lines(&simulator), ["PUT /integrations/1"]);
}

#[tokio::test(start_paused = true)]
async fn interrupted_delete_is_finished_and_deletes_nothing_else() {
    for at in BOUNDARIES {
        let (simulator, journal) = in_sync(&with_lake()).await;
        synced(&base(), &simulator, &dying(&journal, at), pruning).await;
        let ran = synced(&base(), &simulator, &journal, pruning).await;
        assert!(ran.is_proved(), "{at:?}: {}", ran.shown());
        assert_eq!(types(&simulator), ["Trino"], "{at:?}");
        let ledger = journal.ledger();
        assert!(ledger.intents.is_empty(), "{at:?}");
        assert_eq!(ledger.records.keys().collect::<Vec<_>>(), ["stays"]);
    }
}

#[tokio::test(start_paused = true)]
async fn restored_file_after_an_interrupted_delete_is_created_once() {
    for at in BOUNDARIES {
        let (simulator, journal) = in_sync(&with_lake()).await;
        synced(&base(), &simulator, &dying(&journal, at), pruning).await;
        let ran = synced(&with_lake(), &simulator, &journal, pruning).await;
        assert!(ran.is_proved(), "{at:?}: {}", ran.shown());
        assert_eq!(simulator.state().len(), 2, "{at:?}");
        assert!(journal.ledger().records["lake"].state.owned, "{at:?}");
    }
}
