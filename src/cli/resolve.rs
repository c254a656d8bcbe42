//! `resolve`: the operator's decision on a write whose outcome is unknown.

use clap::Args;
use jiff::Timestamp;

use super::args::{ConnectionArgs, ReferenceArgs, StateArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::immuta::{KnownSecrets, ReadApi, RetryPolicy};
use crate::ledger::place::Trust;
use crate::ledger::{Applied, Intent, LedgerStore, Record, RecordedState};
use crate::live::{LiveIntegration, RemoteId};
use crate::plan::identity_of;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::session::{Access, Session};
use crate::settings::run::RunSettings;

/// Resolve a write whose outcome is unknown
#[derive(Debug, Args)]
#[command(after_help = help::RESOLVE)]
#[command(group = clap::ArgGroup::new("verdict").required(true))]
pub(super) struct ResolveArgs {
    /// Name of the integration
    pub name: String,
    /// The write created or changed this integration
    #[arg(long, value_name = "ID", group = "verdict")]
    pub adopt: Option<String>,
    /// The write had no effect: the next sync repeats it
    #[arg(long, group = "verdict")]
    pub retry: bool,
    #[command(flatten)]
    pub place: StateArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

impl CommandArgs for ResolveArgs {
    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(
        self,
        CommandContext { terminal, .. }: CommandContext<'_>,
    ) -> Result<Exit, CommandFailure> {
        run(self, terminal).await
    }
}

async fn run(args: ResolveArgs, terminal: Terminal) -> Result<Exit, CommandFailure> {
    let ResolveArgs {
        name,
        adopt: adopted,
        retry: _,
        place,
        connection,
    } = args;
    let settings = RunSettings {
        state: place.state,
        tenant: connection.into(),
        ..RunSettings::default()
    };
    let session = Session::open(&settings, Trust::AnyForRoot, Access::Write)?;
    let tenant = session.connect(&settings, RetryPolicy::default())?;
    let ledger = session.store();
    let mut intents = ledger.read().await?.intents;
    let Some(intent) = intents.remove(&name) else {
        return Err(CommandFailure::new(
            Exit::Failed,
            format_args!("no write of `{name}` is open"),
            "`integrationd sync --dry-run` shows which integrations are in doubt",
        ));
    };
    match adopted {
        None => ledger.abandon(&name).await?,
        Some(id) => {
            // Nothing of what is read is shown.
            let reader = tenant.reader(KnownSecrets::none());
            adopt(ledger, &reader, &name, &intent, &RemoteId::new(id)).await?;
        }
    }
    terminal.out("Settled. `integrationd sync --dry-run` shows what is left to do.\n");
    Ok(Exit::Success)
}

/// Takes the integration for the one that the write made. Nothing of it counts
/// as applied, so that the next plan compares what can be compared.
async fn adopt(
    ledger: &dyn LedgerStore,
    reader: &impl ReadApi,
    name: &str,
    intent: &Intent,
    id: &RemoteId,
) -> Result<(), CommandFailure> {
    let found = reader.get(id).await?;
    let refused = |what: std::fmt::Arguments<'_>| {
        Err(CommandFailure::new(
            Exit::Failed,
            what,
            "`integrationd list` shows what is live",
        ))
    };
    match found {
        Some(found) if found.type_name != intent.type_name => {
            return refused(format_args!(
                "integration {id} is of another type than `{name}`"
            ));
        }
        Some(found) if !may_be(&found, intent) => {
            return refused(format_args!(
                "integration {id} is not the one that `{name}` describes"
            ));
        }
        Some(_) => {}
        None => return refused(format_args!("integration {id} is not there")),
    }
    let records = ledger.read().await?.records;
    let owner = records
        .iter()
        .find(|(other, r)| r.id == *id && *other != name);
    if let Some((other, _)) = owner {
        return refused(format_args!("integration {id} belongs to `{other}`"));
    }
    let record = Record {
        type_name: intent.type_name.clone(),
        id: id.clone(),
        state: RecordedState {
            applied: Applied::default(),
            ..intent.state.clone()
        },
        at: Timestamp::now(),
    };
    Ok(ledger.confirm(name, &record).await?)
}

/// Whether it can be what the write made: the identity, where there is one, is the same.
fn may_be(found: &LiveIntegration, intent: &Intent) -> bool {
    found.platform.is_none_or(|platform| {
        !platform.pairs_with_certainty() || identity_of(platform, found) == intent.state.identity
    })
}
