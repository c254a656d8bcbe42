//! The live integrations, without secrets.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::document::Document;
use super::exit::Exit;
use super::overview::{ItemLevel, Overview, OverviewItem};
use crate::live::{FailingTest, IntegrationStatus, Live, LiveIntegration, RemoteId, StatusPhase};
use crate::text::{count, escaped};

/// The document of `list`.
#[derive(Serialize)]
pub struct Listing<'a> {
    tenant: &'a str,
    integrations: Vec<Listed<'a>>,
    unknown_owners: Vec<&'a str>,
    unreadable: Vec<&'a str>,
    exit_code: Exit,
    #[serde(skip)]
    live: &'a Live,
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a RemoteId,
    #[serde(rename = "type")]
    type_name: &'a str,
    identity: Option<&'a str>,
    #[serde(rename = "autoBootstrap")]
    auto_bootstrap: Option<bool>,
    status: &'a IntegrationStatus,
    connection: Option<&'a str>,
    failing_tests: &'a [FailingTest],
    config: Map<String, Json>,
}

impl<'a> Listing<'a> {
    /// Of what is live on a tenant.
    #[must_use]
    pub fn new(tenant: &'a str, live: &'a Live, exit: Exit) -> Self {
        let listed = |integration: &'a LiveIntegration| Listed {
            id: &integration.id,
            type_name: &integration.type_name,
            identity: identity(integration),
            auto_bootstrap: integration.auto_bootstrap,
            status: &integration.status,
            connection: live.owners.of_integration(&integration.id),
            failing_tests: &integration.failing_tests,
            config: integration.harmless_config(),
        };
        Self {
            tenant,
            integrations: live.integrations.iter().map(listed).collect(),
            unknown_owners: live.owners.unknown().collect(),
            unreadable: live
                .unreadable
                .iter()
                .map(|it| it.reason.as_str())
                .collect(),
            exit_code: exit,
            live,
        }
    }
}

impl<'a> Document for Listing<'a> {
    fn table(&self) -> String {
        table(self.live)
    }

    fn text(&self) -> String {
        unhealthy(self.live)
    }

    fn parts(&self) -> (&'static [(&'static str, &'static str)], &'static str) {
        (&[("/integrations", "integration")], "list")
    }

    fn overview(&self) -> Option<Overview<'_>> {
        let item = |listed: &'_ Listed<'a>| OverviewItem {
            name: listed.identity.unwrap_or(listed.id.as_str()),
            platform: listed.type_name,
            verdict: listed.status.as_str().to_owned(),
            level: ItemLevel::Notice,
            place: None,
            problem: String::new(),
            details: String::new(),
        };
        let unreadable = self.unreadable.iter();
        Some(Overview {
            title: format!("Integrations of {}", self.tenant),
            summary: format!("{}.", count(self.integrations.len(), "integration")),
            items: self.integrations.iter().map(item).collect(),
            remarks: unreadable
                .map(|reason| format!("Part of the tenant could not be read: {reason}."))
                .collect(),
            ..Overview::new(self.exit_code)
        })
    }
}

/// The columns of the table; the last one is left out where it has no value.
const HEADER: [&str; 6] = ["ID", "TYPE", "IDENTITY", "SET-UP", "STATUS", "CONNECTION"];

fn table(live: &Live) -> String {
    if live.integrations.is_empty() {
        return "The tenant has no integrations.\n".to_owned();
    }
    // Most tenants have no connections.
    let has_owner = |i: &LiveIntegration| live.owners.of_integration(&i.id).is_some();
    let columns = HEADER.len() - usize::from(!live.integrations.iter().any(has_owner));
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(HEADER.iter().take(columns));
    for integration in &live.integrations {
        let set_up = match integration.auto_bootstrap {
            Some(true) => "automatic",
            Some(false) => "manual",
            None => "",
        };
        let connection = live.owners.of_integration(&integration.id);
        let row = [
            integration.id.as_str(),
            &integration.type_name,
            identity(integration).unwrap_or_default(),
            set_up,
            integration.status.as_str(),
            connection.unwrap_or_default(),
        ];
        table.add_row(row.into_iter().take(columns).map(escaped));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table
        .to_string()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n") + "\n"
}

/// The tests that failed, of those whose status is not a good one.
fn unhealthy(live: &Live) -> String {
    let (bold, red) = (Style::new().bold(), AnsiColor::Red.on_default());
    let mut out = String::new();
    for integration in live.integrations.iter().filter(|i| is_unhealthy(i)) {
        let id = escaped(integration.id.as_str());
        let status = escaped(integration.status.as_str());
        let _ = writeln!(
            out,
            "\nIntegration {bold}{id}{bold:#} has status `{status}`:"
        );
        for test in &integration.failing_tests {
            let (name, message) = (escaped(&test.name), escaped(&test.message));
            let colon = if message.is_empty() { "" } else { ": " };
            let _ = writeln!(out, "  {red}✗{red:#} {name}{colon}{message}");
        }
    }
    out
}

fn is_unhealthy(integration: &LiveIntegration) -> bool {
    let is_busy = integration.status.phase() == StatusPhase::Busy;
    integration.status != IntegrationStatus::Enabled
        && !is_busy
        && !integration.failing_tests.is_empty()
}

fn identity(integration: &LiveIntegration) -> Option<&str> {
    let attribute = integration.platform?.pairing_attribute()?;
    integration.config.0.get(attribute)?.as_str()
}
