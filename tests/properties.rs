//! Properties of every set of files and every state of the tenant.
//!
//! The sets are made from the platforms' tables: several platforms, any names, attributes given
//! or omitted, secrets in the file or named by it; the tenant has none, some or all of them,
//! equal to the files or not, and others.

use std::collections::BTreeMap;
use std::future::Future;

use integrationd::platform::{Need, PLATFORMS, PayloadShape, Platform, Rule};
use integrationd::simulator::{
    FailedTest, Fault, FaultKind, Ids, Seed, SimulatedStatus, Simulator, SimulatorOptions,
    StoredSecrets,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::in_process::{Auth, Ran, Run, write_lines, writes};
use crate::payload::{Case, every_case, file_of, put, remove, value, with_secrets};
use crate::texts::Texts;

/// So many sets for each property: together they take seconds.
const SETS: u32 = 24;

/// State of the tenant for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Absent,
    InSync,
    Drifted,
    CreateError,
}

/// One file.
#[derive(Debug, Clone)]
struct Item {
    case: Case,
    name: String,
    /// The omitted optional attributes.
    left_out: u64,
    standing: Standing,
    /// True if its secrets are literal in the file.
    literal: bool,
    /// Salt that makes its secrets unique.
    salt: String,
}

/// Everything there is.
#[derive(Debug, Clone)]
struct Set {
    items: Vec<Item>,
    strangers: usize,
    masks: bool,
    numbers: bool,
    token: bool,
}

fn item() -> impl Strategy<Value = Item> {
    let standing = prop_oneof![
        Just(Standing::Absent),
        Just(Standing::InSync),
        Just(Standing::Drifted),
        Just(Standing::CreateError),
    ];
    // Whatever a secret may hold; `$` begins a reference.
    let salt = "[A-Za-z0-9!#%&/=?+*~^\"'\\\\<>| é\n\t-]{16,40}";
    (
        proptest::sample::select(every_case()),
        "[a-z][a-z0-9-]{0,8}",
        any::<u64>(),
        standing,
        any::<bool>(),
        salt,
    )
        .prop_map(|(case, name, left_out, standing, literal, salt)| Item {
            case,
            name,
            left_out,
            standing,
            literal,
            salt,
        })
}

fn set() -> impl Strategy<Value = Set> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (proptest::collection::vec(item(), 0..7), 0..4_usize, flags).prop_map(
        |(mut items, strangers, (masks, numbers, token))| {
            for (number, item) in items.iter_mut().enumerate() {
                // Names are unique.
                item.name = format!("{}-{number}", item.name);
                // An integration without a certain match cannot be updated without an id.
                if !item.case.platform.pairs_with_certainty() && item.standing != Standing::Absent {
                    item.standing = Standing::InSync;
                }
            }
            // Two of a kind without any attribute are ambiguous.
            let mut seen = false;
            items.retain(|item| {
                let alike = item.case.platform.payload == PayloadShape::TypeOnly;
                !alike || !std::mem::replace(&mut seen, true)
            });
            Set {
                items,
                strangers,
                masks,
                numbers,
                token,
            }
        },
    )
}

/// The attributes by which two integrations of a platform differ.
fn distinct(platform: &'static Platform) -> impl Iterator<Item = &'static str> {
    let unique = platform.rules.iter().map(|Rule::Unique(name, _)| *name);
    unique.chain(platform.pairing_attribute())
}

fn numbered(case: &Case, number: usize) -> Value {
    let mut payload = case.payload();
    for name in distinct(case.platform) {
        let attribute = case.platform.attribute(name).unwrap();
        let number = u16::try_from(number + 10).unwrap();
        put(&mut payload, name, value(attribute, number));
    }
    payload
}

impl Set {
    /// The files and the tenant.
    fn world(&self) -> (Texts, Simulator) {
        let simulator = Simulator::new(SimulatorOptions {
            secrets: if self.masks {
                StoredSecrets::Mask
            } else {
                StoredSecrets::Omit
            },
            ids: if self.numbers { Ids::Number } else { Ids::Text },
            ..SimulatorOptions::default()
        });
        self.strangers_move_in(&simulator);
        let mut texts = Texts::none();
        for (number, item) in self.items.iter().enumerate() {
            let whole = item.whole(number);
            item.moves_in(&whole, &simulator);
            texts = item.written(whole, texts);
        }
        (texts, simulator)
    }

    /// Integrations that no file describes.
    fn strangers_move_in(&self, simulator: &Simulator) {
        let certain = |case: &Case| case.platform.pairs_with_certainty();
        let cases: Vec<Case> = every_case().into_iter().filter(certain).collect();
        for number in 0..self.strangers {
            let case = &cases[number * 5 % cases.len()];
            let payload = numbered(case, 100 + number);
            let config = payload.get("config").cloned();
            simulator.seed(Seed::new(case.platform.wire, case.auto, config));
            let later = json!({ "host": "later.example.com", "nested": { "n": number } });
            simulator.seed(Seed::new("Later Lake", Some(true), Some(later)));
        }
    }

    fn auth(&self) -> Auth {
        if self.token { Auth::Token } else { Auth::Key }
    }

    /// Every secret, as it is.
    fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        for (number, item) in self.items.iter().enumerate() {
            let (_, texts) = file_of(item.case.platform, &item.whole(number));
            secrets.extend(texts.values().map(str::to_owned));
        }
        secrets
    }
}

impl Item {
    /// Its payload with every attribute, and secrets of its own.
    fn whole(&self, number: usize) -> Value {
        let payload = numbered(&self.case, number);
        with_secrets(self.case.platform, payload, &self.salt)
    }

    fn moves_in(&self, whole: &Value, simulator: &Simulator) {
        let mut live = whole.clone();
        let status = match self.standing {
            Standing::Absent => return,
            Standing::InSync => SimulatedStatus::Enabled,
            Standing::CreateError => SimulatedStatus::CreateError,
            Standing::Drifted => {
                let own: Vec<_> = distinct(self.case.platform).collect();
                for (path, attribute) in self.case.comparable() {
                    let moves = self.left_out.count_ones() as usize + path.len();
                    if moves.is_multiple_of(3) && !own.contains(&&*path) {
                        put(&mut live, &path, value(attribute, 2));
                    }
                }
                SimulatedStatus::Enabled
            }
        };
        let config = live.get("config").cloned();
        let seed = Seed::new(self.case.platform.wire, self.case.auto, config);
        simulator.seed(seed.status(status));
    }

    fn written(&self, mut payload: Value, texts: Texts) -> Texts {
        let own: Vec<_> = distinct(self.case.platform).collect();
        for (bit, (path, attribute)) in self.case.comparable().into_iter().enumerate() {
            let is_left_out = self.left_out >> (bit % 64) & 1 == 1;
            // A server may ask for what is only recalled to be required.
            let is_required = !matches!(attribute.need, Need::Optional);
            if is_left_out && !is_required && !own.contains(&&*path) {
                remove(&mut payload, &path);
            }
        }
        payload["sync"] = json!({ "name": self.name });
        let path = format!("{}.yaml", self.name);
        if self.literal {
            return texts.file(&path, format!("{payload:#}"));
        }
        let (file, secrets) = file_of(self.case.platform, &payload);
        let names: BTreeMap<_, _> = secrets.environment().clone();
        let names = names.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        texts.file(&path, file).secrets(names)
    }
}

/// Runs in paused time.
fn paused<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// True if a body is the one of the plan, with values in place of secrets.
fn fills(planned: &Value, sent: &Value) -> bool {
    match (planned, sent) {
        (Value::Object(planned), _) if planned.get("secret") == Some(&json!(true)) => {
            // A number or a boolean of which nothing is known is covered too.
            sent.is_string() || sent.is_number() || sent.is_boolean()
        }
        (Value::Object(planned), Value::Object(sent)) => {
            let keys = |o: &serde_json::Map<String, Value>| o.keys().cloned().collect::<Vec<_>>();
            keys(planned) == keys(sent)
                && planned.iter().all(|(key, value)| fills(value, &sent[key]))
        }
        (Value::Array(planned), Value::Array(sent)) => {
            planned.len() == sent.len()
                && planned
                    .iter()
                    .zip(sent)
                    .all(|(planned, sent)| fills(planned, sent))
        }
        (planned, sent) => planned == sent,
    }
}

/// The writes that a plan announces, in order: the request and its body.
fn announced(ran: &Ran) -> Vec<(String, Value)> {
    let json = ran.json();
    let actions = json["plan"]["actions"].as_array().unwrap().iter();
    let announced = actions.filter_map(|action| {
        let line = match action["action"].as_str().unwrap() {
            "create" => "POST /integrations".to_owned(),
            "update" => format!("PUT /integrations/{}", action["id"].as_str().unwrap()),
            _ => return None,
        };
        let mut body = action["body"].clone();
        let is_bare = action["type"] == "Trino";
        let object = body.as_object_mut().unwrap();
        object.retain(|key, _| !is_bare || key == "type");
        Some((line, body))
    });
    announced.collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: SETS,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_plan_after_an_apply_is_empty(set in set()) {
        paused(async {
            let (texts, simulator) = set.world();
            let before = simulator.state().len();
            let first = Run::of(&texts, &simulator).auth(set.auth()).sync().await;
            prop_assert!(first.is_proved(), "{}\n{}", first.shown(), texts.diagnostics());
            let absent = set.items.iter().filter(|i| i.standing == Standing::Absent).count();
            prop_assert_eq!(simulator.state().len(), before + absent);
            simulator.clear_log();
            let second = Run::of(&texts, &simulator).auth(set.auth()).sync().await;
            prop_assert!(second.is_in_sync(), "{}", second.shown());
            prop_assert_eq!(write_lines(&simulator), [""; 0]);
            Ok(())
        })?;
    }

    #[test]
    fn the_writes_of_an_apply_are_exactly_those_of_its_plan(set in set()) {
        paused(async {
            let (texts, simulator) = set.world();
            let dry = Run::of(&texts, &simulator).dry_run().await;
            let ran = Run::of(&texts, &simulator).one_at_a_time().sync().await;
            let planned = announced(&ran);
            prop_assert_eq!(&planned, &announced(&dry));
            let sent = writes(&simulator);
            prop_assert_eq!(sent.len(), planned.len());
            for (entry, (line, body)) in sent.iter().zip(&planned) {
                prop_assert_eq!(&format!("{} {}", entry.method, entry.path), line);
                let sent = entry.body.as_ref().unwrap();
                prop_assert!(fills(body, sent), "{body:#}\n{sent:#}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn plan_is_independent_of_the_order_of_files_and_list(set in set()) {
        paused(async {
            let (texts, simulator) = set.world();
            let texts = texts.file("m.yaml", "type: none such\n").file("b.yaml", "- list\n");
            let one = Run::of(&texts, &simulator).dry_run().await;
            prop_assert!(one.plan().actions.is_sorted_by_key(|action| &action.name));
            let other = Run::of(&texts, &simulator).reversed().dry_run().await;
            prop_assert_eq!(one.shown(), other.shown());
            prop_assert_eq!(one.json().to_string(), other.json().to_string());
            Ok(())
        })?;
    }

    #[test]
    fn a_dry_run_sends_only_reads_and_changes_nothing(set in set()) {
        paused(async {
            let (texts, simulator) = set.world();
            let before = simulator.state();
            let ran = Run::of(&texts, &simulator).auth(set.auth()).dry_run().await;
            prop_assert!(ran.result.is_ok());
            prop_assert_eq!(write_lines(&simulator), [""; 0]);
            prop_assert_eq!(simulator.state(), before);
            Ok(())
        })?;
    }

    #[test]
    fn no_secret_shows_when_the_server_says_the_body_back(set in set()) {
        paused(async {
            let (texts, simulator) = set.world();
            let secrets = set.secrets();
            simulator.fault(Fault::new(FaultKind::EchoBody).times(3));
            shows_nothing(&set, &texts, &simulator, &secrets).await
        })?;
    }

    #[test]
    fn no_secret_shows_when_a_failed_test_says_it(set in set()) {
        paused(async {
            // What is said about one holds no secrets of another.
            let mut set = set;
            set.items.truncate(1);
            let (texts, simulator) = set.world();
            let secrets = set.secrets();
            let message = secrets.join(" and ");
            let failed = || FailedTest { test: message.clone(), message: message.clone() };
            let unprocessable = FaultKind::Unprocessable { message: message.clone() };
            simulator.fault(Fault::new(unprocessable));
            simulator.fault(Fault::new(FaultKind::CreateError(failed())).skip(1));
            simulator.fault(Fault::new(FaultKind::EditError(failed())).times(2));
            shows_nothing(&set, &texts, &simulator, &secrets).await
        })?;
    }
}

/// Runs a few times, and looks for secrets in everything that could be shown.
async fn shows_nothing(
    set: &Set,
    texts: &Texts,
    simulator: &Simulator,
    secrets: &[String],
) -> Result<(), TestCaseError> {
    for _ in 0..4 {
        let dry = Run::of(texts, simulator).dry_run().await;
        let ran = Run::of(texts, simulator).auth(set.auth()).sync().await;
        for output in [dry.output(), ran.output(), texts.diagnostics()] {
            for secret in secrets {
                prop_assert!(!shows(&output, secret), "{secret:?}\n{output}");
            }
        }
    }
    Ok(())
}

/// True if a text contains a secret, as it is or escaped.
fn shows(output: &str, secret: &str) -> bool {
    let json = Value::from(secret).to_string();
    let debug = format!("{secret:?}");
    let inner = |quoted: &str| quoted[1..quoted.len() - 1].to_owned();
    let forms = [secret.to_owned(), inner(&json), inner(&debug)];
    forms.iter().any(|form| output.contains(form))
}

#[test]
fn every_platform_can_be_in_a_set() {
    let cases = every_case();
    for platform in PLATFORMS {
        assert!(cases.iter().any(|case| case.platform == *platform));
    }
}
