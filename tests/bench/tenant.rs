//! A simulated tenant in a process of its own.
//!
//! The process prints its URL once it listens. A line to its standard input is
//! answered by the requests since the last one; the end of the input ends it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use integrationd::embedded::Embedded;
use integrationd::ledger::MemoryLedger;
use integrationd::manifest::Manifest;
use integrationd::secret::Secrets;
use integrationd::simulator::{self, Simulator, SimulatorOptions};

use super::client;
use super::fleet::{self, Fleet};

/// Number of requests of each kind, without the ids in the paths.
pub(crate) type Requests = BTreeMap<String, usize>;

/// The process, seen from outside.
pub(crate) struct Tenant {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    url: String,
}

impl Tenant {
    /// Without integrations.
    pub(crate) fn empty() -> Self {
        Self::start(&["serve"])
    }

    /// As the files of a fleet say. The fleet's JSON is written on the way.
    pub(crate) fn in_sync_with(fleet: &Fleet) -> Self {
        Self::start(&["serve", fleet.directory()])
    }

    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut url = String::new();
        answers.read_line(&mut url).unwrap();
        Self {
            questions: process.stdin.take(),
            process,
            answers,
            url: url.trim().to_owned(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The requests since the last call.
    pub(crate) fn requests(&mut self) -> Requests {
        writeln!(self.questions.as_ref().unwrap()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ended = self.process.wait();
    }
}

/// The process itself.
pub(crate) fn serve(fleet: Option<&Path>) {
    let simulator = Simulator::new(SimulatorOptions {
        settle: Duration::ZERO,
        ..SimulatorOptions::default()
    });
    if let Some(fleet) = fleet {
        bring_into_sync(&simulator, fleet);
        simulator.clear_log();
    }
    let served = simulator.clone();
    std::thread::spawn(move || client::runtime().block_on(listen(served)));
    for _question in std::io::stdin().lines() {
        println!("{}", serde_json::to_string(&count(&simulator)).unwrap());
        simulator.clear_log();
    }
}

async fn listen(simulator: Simulator) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    simulator::serve(listener, simulator, std::future::pending()).await;
}

/// Applies the files of a fleet, and writes what came of it as JSON.
fn bring_into_sync(simulator: &Simulator, fleet: &Path) {
    let transport = Embedded(simulator.clone());
    let journal = MemoryLedger::default();
    let placeholders = |manifest: &Manifest| Secrets::placeholders(manifest.references());
    let synced =
        client::runtime().block_on(client::apply(fleet, transport, placeholders, &journal));
    client::created(&synced);
    let state = simulator.state();
    let write = |name: &str, value: &serde_json::Value| {
        let text = serde_json::to_vec(value).unwrap();
        std::fs::write(fleet::as_json(fleet).join(name), text).unwrap();
    };
    for (number, integration) in state.iter().enumerate() {
        let mut payload = integration.clone();
        let fields = payload.as_object_mut().unwrap();
        fields.retain(|key, _| ["type", "autoBootstrap", "config"].contains(&key.as_str()));
        write(&format!("{number:05}.json"), &payload);
    }
    write("list.json", &state.into());
}

fn count(simulator: &Simulator) -> Requests {
    let mut requests = Requests::new();
    for entry in simulator.log() {
        let path = entry.path.split('/').map(|segment| {
            let is_id = segment.parse::<u64>().is_ok();
            if is_id { "{id}" } else { segment }
        });
        let path = path.collect::<Vec<_>>().join("/");
        *requests
            .entry(format!("{} {path}", entry.method))
            .or_default() += 1;
    }
    requests
}
