//! Integrations that belong to connections: they are shown, and never written.

use http::Method;
use integrationd::immuta::{ApiKey, Credentials, KnownSecrets, ReadApi, Reader, RetryPolicy};
use integrationd::ledger::{KnownConnections, LedgerStore as _, MemoryLedger};
use integrationd::plan::AdoptionResult;
use integrationd::simulator::{
    ConnectionsApi, Fault, FaultKind, Ids, Seed, SimulatedConnection, Simulator, SimulatorOptions,
};
use integrationd::sync::{self, LookForConnections, Request};
use serde_json::json;

use crate::common::{Files, Integrationd, Tenant, eventually, lake};
use crate::in_process::{Ran, Run, done, write_lines};
use crate::support::recorded::{
    base, in_sync, lake_file, pruning, synced, warehouse_file, with_lake,
};
use crate::texts::Texts;
use crate::web::Web;

const KEY: &str = "Sales & Ops/EU %1";

fn behind(simulator: &Simulator, api: ConnectionsApi, id: Option<u64>) {
    simulator.set_options(SimulatorOptions {
        connections: api,
        ..simulator.options()
    });
    simulator.connect(SimulatedConnection::new(KEY, "Databricks", id));
}

/// A tenant, and its ledger, in sync with a lake that a connection has taken over since.
async fn taken_over() -> (Simulator, MemoryLedger) {
    let (simulator, journal) = in_sync(&with_lake()).await;
    ask_again(&journal);
    behind(&simulator, ConnectionsApi::Works, Some(1));
    (simulator, journal)
}

/// The answer that there are no connections is more than a day old.
fn ask_again(journal: &MemoryLedger) {
    done(journal.set_connections(None)).unwrap();
}

fn moved() -> Texts {
    with_lake().file(
        "lake.yaml",
        lake_file("lake.example.com").replace("/one", "/two"),
    )
}

fn reads(simulator: &Simulator) -> Vec<String> {
    let log = simulator.log().into_iter();
    log.map(|entry| format!("{} {}", entry.method, entry.path))
        .filter(|line| line.contains("/data/"))
        .collect()
}

fn shown(ran: &Ran) -> String {
    anstream::adapter::strip_str(&ran.shown()).to_string()
}

#[tokio::test(start_paused = true)]
async fn integration_behind_a_connection_is_not_written() {
    for (api, ids) in [
        (ConnectionsApi::Works, Ids::Number),
        (ConnectionsApi::Works, Ids::Text),
        (ConnectionsApi::WithoutBody, Ids::Number),
    ] {
        let (simulator, journal) = taken_over().await;
        simulator.set_options(SimulatorOptions {
            connections: api,
            connection_ids: ids,
            ..simulator.options()
        });
        let ran = synced(&moved(), &simulator, &journal, pruning).await;
        assert_eq!(write_lines(&simulator), [""; 0]);
        assert_eq!(ran.exit_code(), 1);
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown(&ran), @"
              # lake is blocked  lake.yaml:1
              ! Databricks Unity Catalog
                  integration 1 belongs to connection Sales & Ops/EU %1, so integrationd never writes to it
                  help: remove the file, and make the change in connection Sales & Ops/EU %1 in Immuta

            Plan: 1 blocked, 1 unchanged.
            ");
        }
        let action = &ran.json()["plan"]["actions"][0];
        assert_eq!(action["code"], "OwnedByConnection", "{action:#}");
        let asked = reads(&simulator);
        assert_eq!(
            asked.last().unwrap(),
            "GET /data/connection/Sales%20%26%20Ops%2FEU%20%251"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_connection_took_over_is_never_deleted() {
    let (simulator, journal) = taken_over().await;
    let ran = synced(&base(), &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert_eq!(ran.exit_code(), 0, "{}", ran.shown());
    let shown = shown(&ran);
    let line = "id 1: Databricks, lake.example.com, belongs to connection Sales & Ops/EU %1";
    assert!(shown.contains(line), "{shown}");
    let unmanaged = &ran.json()["plan"]["unmanaged"][0];
    assert_eq!(unmanaged["connection"], KEY, "{unmanaged:#}");
    assert!(!journal.ledger().records["lake"].state.owned);
    // It is not deleted either if its connection is no longer known, and the plan says why.
    let ran = synced(&base(), &simulator, &journal, |request| {
        pruning(request);
        request.connections = LookForConnections::None;
    })
    .await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    let told = "not deleted, because integrationd does not own the integration; delete it in Immuta, or restore its file and run `integrationd adopt lake`";
    let shown = self::shown(&ran);
    assert!(shown.contains(told), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn replacement_of_what_a_connection_took_over_is_blocked() {
    let (simulator, journal) = taken_over().await;
    let other = base().file("lake.yaml", lake_file("other.example.com"));
    let ran = synced(&other, &simulator, &journal, |request| {
        pruning(request);
        request.allow_replace.insert("lake".to_owned());
    })
    .await;
    assert_eq!(write_lines(&simulator), [""; 0]);
    assert!(
        shown(&ran).contains("belongs to connection"),
        "{}",
        ran.shown()
    );
}

#[tokio::test(start_paused = true)]
async fn integration_behind_a_connection_is_not_adopted() {
    let (simulator, _) = taken_over().await;
    let key = ApiKey::new(integrationd::secret::Secret::new(
        integrationd::simulator::API_KEY.to_owned(),
    ));
    let reader = Reader::new(
        integrationd::embedded::Embedded(simulator.clone()),
        Credentials::ApiKey(key.unwrap()),
        RetryPolicy::NEVER,
        KnownSecrets::none(),
    );
    let request = Request::new(jiff::Timestamp::UNIX_EPOCH);
    let (desired, names) = (with_lake().desired(false), ["lake"].into());
    let ledger = integrationd::ledger::Ledger::default();
    let secrets = integrationd::plan::AdoptedSecrets::Unknown;
    let adopted = || sync::adopt(&reader, &desired, &request, &ledger, &names, secrets);
    let code = |verdict: &AdoptionResult| match verdict {
        AdoptionResult::Blocked(block) => Some(block.reason().as_str()),
        AdoptionResult::Adopted(_)
        | AdoptionResult::SecretsOnly(_)
        | AdoptionResult::Owned
        | AdoptionResult::Absent => None,
    };
    let adoptions = adopted().await.unwrap();
    assert_eq!(code(&adoptions[0].verdict), Some("OwnedByConnection"));
    behind(&simulator, ConnectionsApi::Paged, Some(1));
    let adoptions = adopted().await.unwrap();
    assert_eq!(code(&adoptions[0].verdict), Some("OwnersUnknown"));
    assert_eq!(reader.list().await.unwrap().integrations.len(), 2);
}

/// Files that update one, delete one, and create one of each kind.
fn everything() -> Texts {
    moved()
        .without("stays.yaml")
        .file("new.yaml", lake_file("new.example.com"))
        .file("wh.yaml", warehouse_file("${env:PASSWORD}"))
}

async fn with_everything(
    set: impl FnOnce(&Simulator),
    change: impl Fn(&mut Request),
) -> (Vec<String>, Ran) {
    let (simulator, journal) = in_sync(&with_lake()).await;
    ask_again(&journal);
    set(&simulator);
    let ran = synced(&everything(), &simulator, &journal, |request| {
        pruning(request);
        change(request);
    })
    .await;
    let mut lines = write_lines(&simulator);
    lines.sort();
    (lines, ran)
}

const ALL: [&str; 4] = [
    "DELETE /integrations/2",
    "POST /integrations",
    "POST /integrations",
    "PUT /integrations/1",
];

#[tokio::test(start_paused = true)]
async fn missing_connections_api_is_not_asked_again_for_a_day() {
    for api in [ConnectionsApi::Missing, ConnectionsApi::Html] {
        let set = |simulator: &Simulator| behind(simulator, api, None);
        let (lines, ran) = with_everything(set, |_| {}).await;
        assert_eq!(lines, ALL, "{}", ran.shown());
    }
    let (simulator, journal) = in_sync(&with_lake()).await;
    let asked = |hours: i64| {
        let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        journal
            .ledger()
            .connections
            .unwrap()
            .spares_the_question(now)
    };
    assert_eq!(
        (asked(0), asked(23), asked(25), asked(-1)),
        (true, true, false, false)
    );
    synced(&with_lake(), &simulator, &journal, |_| {}).await;
    assert_eq!(reads(&simulator), [""; 0]);
}

const SEARCH: &str = "POST /data/object/search";

const REDSHIFT: &str = "type: Redshift\nautoBootstrap: false\nconfig:\n  host: r.example.com\n  \
    database: immuta\n  initialDatabase: dev\n  authenticationType: userPassword\n  \
    username: immuta\n  password: ${env:PASSWORD}\n";

#[tokio::test(start_paused = true)]
async fn run_that_removes_asks_for_connections_again() {
    let other = base().file("lake.yaml", lake_file("other.example.com"));
    for texts in [base(), other] {
        let replacing = |request: &mut Request| {
            pruning(request);
            request.allow_replace.insert("lake".to_owned());
        };
        let details = "GET /data/connection/Sales%20%26%20Ops%2FEU%20%251";
        let (simulator, journal) = in_sync(&with_lake()).await;
        // The tenant gets the API within the day, and a connection takes the lake over.
        behind(&simulator, ConnectionsApi::Works, Some(1));
        simulator.clear_log();
        let dry = Run::of(&texts, &simulator).remembering(&journal);
        let dry = dry.with(replacing).dry_run().await;
        assert!(
            shown(&dry).contains("belongs to connection"),
            "{}",
            dry.shown()
        );
        assert_eq!(reads(&simulator), [SEARCH, details]);
        let ran = synced(&texts, &simulator, &journal, replacing).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
        assert_eq!(reads(&simulator), [SEARCH, details]);
        assert_eq!(journal.ledger().connections, Some(KnownConnections::Some));

        // A failed answer removes nothing, either.
        let (simulator, journal) = in_sync(&with_lake()).await;
        behind(&simulator, ConnectionsApi::Paged, Some(1));
        let ran = synced(&texts, &simulator, &journal, replacing).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
        let why = "the tenant's connections could not be read";
        assert!(shown(&ran).contains(why), "{}", ran.shown());

        // Neither the operator who says that there are none nor one without them is stopped.
        let (simulator, journal) = in_sync(&with_lake()).await;
        let ran = synced(&texts, &simulator, &journal, replacing).await;
        let delete = "DELETE /integrations/1".to_owned();
        assert!(write_lines(&simulator).contains(&delete), "{}", ran.shown());
        assert_eq!(reads(&simulator), [SEARCH]);
    }
}

#[tokio::test(start_paused = true)]
async fn run_that_removes_nothing_of_a_connection_does_not_ask_again() {
    let (simulator, journal) = in_sync(&with_lake()).await;
    behind(&simulator, ConnectionsApi::Works, None);
    // Updates and creates go by what was said within a day.
    let more = moved().file("new.yaml", lake_file("new.example.com"));
    synced(&more, &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator).len(), 2);
    assert_eq!(reads(&simulator), [""; 0]);
    // The operator's word counts.
    synced(&moved(), &simulator, &journal, |request| {
        pruning(request);
        request.connections = LookForConnections::None;
    })
    .await;
    assert_eq!(write_lines(&simulator), ["DELETE /integrations/3"]);
    assert_eq!(reads(&simulator), [""; 0]);
    // No connection has a Redshift integration behind it.
    let (simulator, journal) = in_sync(&base().file("cluster.yaml", REDSHIFT)).await;
    synced(&base(), &simulator, &journal, pruning).await;
    assert_eq!(write_lines(&simulator), ["DELETE /integrations/1"]);
    assert_eq!(reads(&simulator), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn failed_read_of_connections_blocks_writes() {
    let unread = [
        FaultKind::ServerError {
            code: 503,
            after_effect: false,
        },
        FaultKind::Truncate,
        FaultKind::DropAfter,
        FaultKind::PartialContent,
        FaultKind::TooManyRequests { retry_after: None },
    ];
    for kind in unread {
        let (lines, ran) = with_everything(
            |simulator| {
                behind(simulator, ConnectionsApi::Works, None);
                let search = Fault::new(kind.clone()).on(&Method::POST, "/data/object/search");
                simulator.fault(search.always());
            },
            |_| {},
        )
        .await;
        assert_eq!(lines, [""; 0], "{kind:?}");
        let shown = shown(&ran);
        assert!(
            shown.contains(
                "the integration may belong to a connection: the tenant's connections could not be read"
            ),
            "{shown}"
        );
        assert!(shown.contains("--connections none"), "{shown}");
    }
    let (lines, ran) = with_everything(
        |simulator| behind(simulator, ConnectionsApi::Paged, None),
        |_| {},
    )
    .await;
    assert_eq!(lines, [""; 0], "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn operator_can_say_that_there_are_no_connections() {
    let (lines, ran) = with_everything(
        |simulator| behind(simulator, ConnectionsApi::Paged, Some(1)),
        |request| request.connections = LookForConnections::None,
    )
    .await;
    assert_eq!(lines, ALL, "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn connection_that_names_no_integration_blocks_its_technology() {
    for readable in [true, false] {
        let connection = |shows_technology| SimulatedConnection {
            readable,
            shows_technology,
            ..SimulatedConnection::new(KEY, "Databricks", None)
        };
        let (lines, ran) = with_everything(
            |simulator| {
                behind(simulator, ConnectionsApi::Works, None);
                simulator.connect(connection(true));
            },
            |_| {},
        )
        .await;
        assert_eq!(
            lines,
            ["DELETE /integrations/2", "POST /integrations"],
            "{}",
            ran.shown()
        );
    }
    let unknown = SimulatedConnection {
        readable: false,
        shows_technology: false,
        ..SimulatedConnection::new(KEY, "Databricks", None)
    };
    let (lines, _) = with_everything(
        |simulator| {
            behind(simulator, ConnectionsApi::Works, None);
            simulator.connect(unknown);
        },
        |_| {},
    )
    .await;
    assert_eq!(lines, [""; 0]);
    let (lines, ran) = with_everything(
        |simulator| {
            behind(simulator, ConnectionsApi::Works, None);
            simulator.connect(SimulatedConnection::new(KEY, "Glue", None));
        },
        |_| {},
    )
    .await;
    assert_eq!(lines, ALL, "{}", ran.shown());
}

#[tokio::test(start_paused = true)]
async fn hidden_connections_block_deletes_of_their_types() {
    let (lines, ran) = with_everything(
        |simulator| behind(simulator, ConnectionsApi::Forbidden, Some(1)),
        |_| {},
    )
    .await;
    assert_eq!(
        lines,
        [
            "POST /integrations",
            "POST /integrations",
            "PUT /integrations/1"
        ]
    );
    let why = "the integration may belong to a connection: the API key is not allowed to read the tenant's connections";
    assert!(shown(&ran).contains(why), "{}", ran.shown());

    // Another type belongs to no connection.
    let bucket = json!({"name": "b", "awsAccountId": "1"});
    let (simulator, journal) = in_sync(&base()).await;
    ask_again(&journal);
    simulator.seed(Seed::new("Native S3", Some(false), Some(bucket)));
    behind(&simulator, ConnectionsApi::Forbidden, None);
    let ran = synced(&base(), &simulator, &journal, pruning).await;
    assert_eq!(ran.exit_code(), 0, "{}", ran.shown());
    assert_eq!(journal.ledger().connections, Some(KnownConnections::Hidden));
}

#[tokio::test(start_paused = true)]
async fn connections_that_vanish_at_once_are_a_failed_read() {
    for api in [
        ConnectionsApi::Html,
        ConnectionsApi::Missing,
        ConnectionsApi::Forbidden,
    ] {
        let (simulator, journal) = taken_over().await;
        synced(&with_lake(), &simulator, &journal, |_| {}).await;
        assert_eq!(journal.ledger().connections, Some(KnownConnections::Some));
        behind(&simulator, api, Some(1));
        let ran = synced(&moved(), &simulator, &journal, |_| {}).await;
        assert_eq!(write_lines(&simulator), [""; 0], "{}", ran.shown());
        assert_eq!(journal.ledger().connections, Some(KnownConnections::Some));
    }
}

#[tokio::test(start_paused = true)]
async fn connections_are_read_once_a_run() {
    let (simulator, journal) = in_sync(&base()).await;
    ask_again(&journal);
    behind(&simulator, ConnectionsApi::Works, None);
    simulator.connect(SimulatedConnection::new(KEY, "Glue", None));
    let ran = synced(&with_lake(), &simulator, &journal, |_| {}).await;
    assert!(ran.is_proved(), "{}", ran.shown());
    assert_eq!(reads(&simulator).len(), 2, "{:?}", reads(&simulator));
    let texts = with_lake();
    let dry = Run::of(&texts, &simulator).remembering(&journal);
    assert!(dry.dry_run().await.is_in_sync());
}

#[test]
fn list_names_the_connection() {
    let tenant = Tenant::empty();
    let lake = json!({"workspaceUrl": "a.example.com", "httpPath": "/p"});
    tenant
        .simulator
        .seed(Seed::new("Databricks", Some(false), Some(lake)));
    tenant.simulator.seed(Seed::new("Glue", None, None));
    behind(&tenant.simulator, ConnectionsApi::Works, Some(1));
    tenant
        .simulator
        .connect(SimulatedConnection::new("lakes", "Glue", Some(2)));
    let list = |format| {
        Integrationd::new(["list", "-o", format])
            .on(&tenant)
            .run()
            .exits_with(0)
    };
    insta::assert_snapshot!(list("text").stdout, @"
    ID  TYPE        IDENTITY       SET-UP  STATUS   CONNECTION
    1   Databricks  a.example.com  manual  enabled  Sales & Ops/EU %1
    2   Glue                               enabled  lakes
    ");
    let json = list("json").json();
    assert_eq!(json["integrations"][0]["connection"], KEY);
    assert_eq!(json["integrations"][1]["connection"], "lakes");
    behind(&tenant.simulator, ConnectionsApi::Forbidden, Some(1));
    let ran = list("text");
    assert!(!ran.stdout.contains("CONNECTION"), "{}", ran.stdout);
    assert!(
        ran.stderr
            .contains("note: the API key is not allowed to read the tenant's connections"),
        "{}",
        ran.stderr
    );
}

#[test]
fn flag_says_that_there_are_no_connections() {
    let tenant = Tenant::empty();
    behind(&tenant.simulator, ConnectionsApi::Paged, None);
    let files = Files::none().with("a.yaml", &lake("a", "${env:LAKE}"));
    let sync = || {
        Integrationd::new(["sync", "--yes"])
            .on(&tenant)
            .with(&files)
            .env("LAKE", "the-token")
    };
    let ran = sync().run().exits_with(1);
    let why = "the integration may belong to a connection";
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
    assert_eq!(tenant.writes(), [""; 0]);
    let none = sync().env("INTEGRATIOND_CONNECTIONS", "none");
    none.run().exits_with(0);
    assert_eq!(tenant.writes(), ["POST /integrations"]);
}

/// A key that a browser and a terminal would both take for more than a name.
const STRANGE_KEY: &str = "Sales <b>&\"EU\"</b> \u{1b}[31m\u{202e}";

/// The same key, harmless on a page.
const KEY_ON_PAGE: &str = r"Sales &lt;b&gt;&amp;&quot;EU&quot;&lt;/b&gt; \u{1b}[31m\u{202e}";

fn seeded(simulator: &Simulator) {
    simulator.set_options(SimulatorOptions {
        connections: ConnectionsApi::Works,
        ..simulator.options()
    });
    for (id, host) in [(1, "a.example.com"), (2, "b.example.com")] {
        let lake = json!({"workspaceUrl": host, "httpPath": "/p"});
        simulator.seed(Seed::new("Databricks", Some(false), Some(lake)));
        let key = format!("{STRANGE_KEY}{id}");
        simulator.connect(SimulatedConnection::new(&key, "Databricks", Some(id)));
    }
}

#[test]
fn page_and_status_name_the_connection_escaped() {
    let web = Web::new(Files::none().with("a.yaml", &lake("a", "${env:LAKE_TOKEN}")));
    seeded(&web.tenant.simulator);
    let served = web.serve(&[]);
    eventually("it has seen them", || {
        served.get("/").body.contains("Unmanaged integrations")
    });
    let page = served.get("/").body;
    for line in [
        format!(
            "integration 1 belongs to connection {KEY_ON_PAGE}1, so integrationd never writes \
            to it"
        ),
        format!("enabled, belongs to connection {KEY_ON_PAGE}2"),
    ] {
        assert!(page.contains(&line), "{line}\n{page}");
    }
    assert!(!page.contains("<b>"), "{page}");
    assert!(!page.contains(['\u{1b}', '\u{202e}']), "{page}");

    let row = served.row("a");
    assert_eq!(row["reason"], "OwnedByConnection", "{row:#}");
    let status = served.get("/status").body;
    assert!(!status.contains(['\u{1b}', '\u{202e}']), "{status}");
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let unmanaged = &status["seen"]["unmanaged"][0];
    assert_eq!(unmanaged["id"], "2", "{status:#}");
    assert_eq!(unmanaged["connection"], format!("{STRANGE_KEY}2"));
    assert_eq!(web.tenant.writes(), [""; 0]);
}

#[test]
fn report_in_json_names_the_connection() {
    let tenant = Tenant::empty();
    seeded(&tenant.simulator);
    let files = Files::none().with("a.yaml", &lake("a", "${env:LAKE}"));
    let sync = Integrationd::new(["sync", "--yes", "-o", "json"]);
    let sync = sync.on(&tenant).with(&files).env("LAKE", "the-token");
    let ran = sync.run().exits_with(1);
    assert!(
        !ran.stdout.contains(['\u{1b}', '\u{202e}']),
        "{}",
        ran.stdout
    );
    let report = ran.json();
    let action = &report["plan"]["actions"][0];
    assert_eq!(action["code"], "OwnedByConnection", "{action:#}");
    let reason = action["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("belongs to connection Sales"), "{action:#}");
    let unmanaged = &report["plan"]["unmanaged"][0];
    assert_eq!(unmanaged["id"], "2", "{report:#}");
    assert_eq!(unmanaged["connection"], format!("{STRANGE_KEY}2"));
    assert_eq!(tenant.writes(), [""; 0]);
}

#[test]
fn adoption_of_all_fails_for_what_belongs_to_a_connection() {
    let tenant = Tenant::empty();
    let config = json!({
        "workspaceUrl": "a.example.com", "httpPath": "/p",
        "authenticationType": "token", "token": "t",
    });
    let seed = Seed::new("Databricks", Some(false), Some(config));
    tenant.simulator.seed(seed);
    behind(&tenant.simulator, ConnectionsApi::Works, Some(1));
    let files = Files::none().with("a.yaml", &lake("a", "${env:TOKEN}"));
    for which in ["--all", "a"] {
        let run = Integrationd::new(["adopt", which, "--dir"]).arg(files.path());
        let told = run.on(&tenant).run().exits_with(1).all();
        assert!(
            told.contains("✗ a: integration 1 belongs to connection"),
            "{told}"
        );
    }
}
