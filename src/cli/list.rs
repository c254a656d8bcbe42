//! `list`: what is live, and nothing secret.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value as Json, json};

use super::args::{ConnectionArgs, Format, ReferenceArgs};
use super::command::{CommandArgs, Context};
use super::help;
use super::terminal::Terminal;
use crate::immuta::{KnownSecrets, ReadApi, RetryPolicy};
use crate::live::{Live, LiveIntegration, Phase, Status};
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::json::{FORMAT_VERSION, printed};
use crate::session::{OpenError, Tenant};
use crate::sync::owners_of_tenant;
use crate::text::escaped;

/// Show what is live on the tenant; nothing secret
#[derive(Debug, Args)]
#[command(after_help = help::LIST, after_long_help = help::LIST_LONG)]
pub(super) struct ListArgs {
    /// The form of the result on standard output
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub output: Format,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl CommandArgs for ListArgs {
    fn format(&self) -> Format {
        self.output
    }

    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, Context { terminal, .. }: Context<'_>) -> Result<Exit, Failure> {
        run(self, terminal).await
    }
}

async fn run(args: ListArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let tenant = Tenant::new(&args.connection.into(), RetryPolicy::default(), None)
        .map_err(OpenError::from)?;
    let url = tenant.url.clone();
    let reader = tenant.reader(KnownSecrets::none());
    let (live, owners) = futures::join!(reader.list(), owners_of_tenant(&reader));
    let mut live = live?;
    live.owners = owners;
    live.integrations.sort_by(|a, b| a.id.cmp(&b.id));
    let is_whole = live.unreadable.is_empty();
    let exit = if is_whole {
        Exit::Success
    } else {
        Exit::Failed
    };
    match args.output {
        Format::Text => {
            terminal.out_unfolded(&table(&live));
            terminal.out(&unhealthy(&live));
            for reason in live.owners.unknown() {
                terminal.err(&format!("note: {}\n", escaped(reason)));
            }
            for hole in &live.unreadable {
                terminal.failure(
                    escaped(&hole.reason),
                    "the list is not whole, so nothing would be created from it: try again, or report it to Immuta",
                );
            }
        }
        Format::Json => {
            terminal.out_unfolded(&printed(&json(&url, &live, exit)));
        }
    }
    Ok(exit)
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
        let _ = writeln!(out, "\n{bold}{id}{bold:#} is in status `{status}`:");
        for test in &integration.failing_tests {
            let (name, message) = (escaped(&test.name), escaped(&test.message));
            let colon = if message.is_empty() { "" } else { ": " };
            let _ = writeln!(out, "  {red}✗{red:#} {name}{colon}{message}");
        }
    }
    out
}

fn is_unhealthy(integration: &LiveIntegration) -> bool {
    let is_busy = integration.status.phase() == Phase::Busy;
    integration.status != Status::Enabled && !is_busy && !integration.failing_tests.is_empty()
}

fn identity(integration: &LiveIntegration) -> Option<&str> {
    let attribute = integration.platform?.pairing_attribute()?;
    integration.config.0.get(attribute)?.as_str()
}

fn json(tenant: &str, live: &Live, exit: Exit) -> Json {
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
                "connection": live.owners.of_integration(&integration.id),
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
        "unknown_owners": live.owners.unknown().collect::<Vec<_>>(),
        "unreadable": live.unreadable.iter().map(|u| &u.reason).collect::<Vec<_>>(),
        "exit_code": exit as u8,
    })
}
