//! Simulated tenants that are full from the start.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Simulator;
use super::connections::SimulatedConnection;
use super::control::Seed;
use super::options::{ConnectionsApi, SimulatorOptions};

/// A tenant that is full from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Twelve integrations of all types, as set up in Immuta's UI; one belongs to a connection
    Ui,
}

/// The content of a preset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PresetContent {
    integrations: Vec<Seed>,
    connections: Vec<SimulatedConnection>,
}

static UI: LazyLock<PresetContent> = LazyLock::new(|| embedded(include_str!("preset_ui.json")));

#[expect(
    clippy::expect_used,
    reason = "the document is part of the program, and a test parses it"
)]
fn embedded(text: &str) -> PresetContent {
    serde_json::from_str(text).expect("a preset is valid")
}

impl Preset {
    /// The tenant. It has a connections API.
    #[must_use]
    pub fn simulator(self, options: SimulatorOptions) -> Simulator {
        let content = match self {
            Self::Ui => &*UI,
        };
        let simulator = Simulator::new(SimulatorOptions {
            connections: ConnectionsApi::Works,
            ..options
        });
        for seed in &content.integrations {
            simulator.seed(seed.clone());
        }
        for connection in &content.connections {
            simulator.connect(connection.clone());
        }
        simulator
    }
}
