//! `resolve`: a human's word on a write of which nobody can tell how it ended.

use jiff::Timestamp;

use super::args::ResolveArgs;
use super::connect;
use super::failure::Failure;
use super::state;
use super::terminal::Terminal;
use crate::immuta::{ReadApi, RetryPolicy};
use crate::ledger::sqlite::SqliteLedger;
use crate::ledger::{Applied, Intent, Memory, Record};
use crate::live::RemoteId;
use crate::report::exit::Exit;

pub(super) async fn run(args: &ResolveArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let tenant = connect::tenant(&args.connection, RetryPolicy::default())?;
    let ledger = state::open_ledger(args.state.as_deref(), &tenant.url)?;
    let mut intents = ledger.read()?.intents;
    let Some(intent) = intents.remove(&args.name) else {
        return Err(Failure::new(
            Exit::Failed,
            format_args!("no write of `{}` is open", args.name),
            "`integrationd sync --dry-run` shows which integrations are in doubt",
        ));
    };
    match &args.adopt {
        None => ledger.abandon(&args.name)?,
        Some(id) => adopt(&ledger, &tenant, &args.name, &intent, &RemoteId::new(id)).await?,
    }
    terminal.out("Settled. `integrationd sync --dry-run` shows what is left to do.\n");
    Ok(Exit::Success)
}

/// Takes the integration for the one that the write made. Nothing of it counts
/// as applied, so that the next plan compares what can be compared.
async fn adopt(
    ledger: &SqliteLedger,
    tenant: &connect::Tenant,
    name: &str,
    intent: &Intent,
    id: &RemoteId,
) -> Result<(), Failure> {
    let found = tenant.reader.get(id).await?;
    match found {
        Some(found) if found.type_name == intent.type_name => {}
        Some(_) | None => {
            return Err(Failure::new(
                Exit::Failed,
                format_args!("integration {id} is not there, or of another type than `{name}`"),
                "`integrationd list` shows what is live",
            ));
        }
    }
    let record = Record {
        type_name: intent.type_name.clone(),
        id: id.clone(),
        memory: Memory {
            applied: Applied::default(),
            ..intent.memory.clone()
        },
        at: Timestamp::now(),
    };
    Ok(ledger.confirm(name, &record)?)
}
