//! `list`: what is live, and nothing secret.

use comfy_table::{Table, presets};
use serde_json::{Value as Json, json};

use super::args::{Format, ListArgs};
use super::connect;
use super::terminal::Terminal;
use crate::immuta::ReadApi;
use crate::live::{Live, LiveIntegration, Phase, Status};
use crate::report::exit::Exit;
use crate::report::json::FORMAT_VERSION;
use crate::text::escaped;

pub(super) async fn run(args: &ListArgs, terminal: Terminal) -> Exit {
    let tenant = match connect::tenant(&args.connection) {
        Ok(tenant) => tenant,
        Err(error) => return connect::invalid_settings(terminal, &error),
    };
    let mut live = match tenant.reader.list().await {
        Ok(live) => live,
        Err(error) => return connect::unread(terminal, &error),
    };
    live.integrations.sort_by(|a, b| a.id.cmp(&b.id));
    match args.output {
        Format::Text => terminal.out(&text(&live)),
        Format::Json => terminal.out(&format!("{:#}\n", json(&tenant.url, &live))),
    }
    for hole in &live.unreadable {
        terminal.failure(&hole.reason, "the list above is not whole");
    }
    if live.unreadable.is_empty() {
        Exit::Success
    } else {
        Exit::Failed
    }
}

fn text(live: &Live) -> String {
    if live.integrations.is_empty() {
        return "The tenant has no integrations.\n".to_owned();
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["ID", "TYPE", "IDENTITY", "SET-UP", "STATUS"]);
    for integration in &live.integrations {
        let set_up = match integration.auto_bootstrap {
            Some(true) => "automatic",
            Some(false) => "manual",
            None => "",
        };
        table.add_row([
            escaped(integration.id.as_str()).as_ref(),
            escaped(&integration.type_name).as_ref(),
            &identity(integration)
                .map(|i| escaped(i).into_owned())
                .unwrap_or_default(),
            set_up,
            &status(integration),
        ]);
    }
    let lines: Vec<String> = table
        .to_string()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n") + "\n"
}

/// The status, with the tests that failed where it is not a good one.
fn status(integration: &LiveIntegration) -> String {
    let word = escaped(integration.status.as_str()).into_owned();
    let is_busy = integration.status.phase() == Phase::Busy;
    if integration.status == Status::Enabled || is_busy || integration.failing_tests.is_empty() {
        return word;
    }
    let names: Vec<_> = integration
        .failing_tests
        .iter()
        .map(|t| escaped(&t.name))
        .collect();
    format!("{word}: {}", names.join("; "))
}

fn identity(integration: &LiveIntegration) -> Option<&str> {
    let attribute = integration.platform?.pairing_attribute()?;
    integration.config.0.get(attribute)?.as_str()
}

fn json(tenant: &str, live: &Live) -> Json {
    let integrations: Vec<Json> = live
        .integrations
        .iter()
        .map(|integration| {
            json!({
                "id": integration.id.as_str(),
                "type": integration.type_name,
                "identity": identity(integration),
                "autoBootstrap": integration.auto_bootstrap,
                "status": integration.status.as_str(),
                "failing_tests": integration
                    .failing_tests
                    .iter()
                    .map(|t| json!({ "name": t.name, "message": t.message }))
                    .collect::<Vec<_>>(),
                "config": integration.harmless_config(),
            })
        })
        .collect();
    json!({
        "format_version": FORMAT_VERSION,
        "tenant": tenant,
        "integrations": integrations,
        "unreadable": live.unreadable.iter().map(|u| &u.reason).collect::<Vec<_>>(),
    })
}
