//! `resolve`: the operator's decision on a write whose outcome is unknown.

use clap::Args;
use jiff::Timestamp;

use super::args::{ConnectionArgs, ReferenceArgs, StateArgs};
use super::command::{CommandArgs, CommandContext};
use super::help;
use crate::console::Terminal;
use crate::immuta::{KnownSecrets, ReadApi, RetryPolicy};
use crate::ledger::place::Trust;
use crate::live::RemoteId;
use crate::plan::resolve;
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
    let known = ledger.read().await?;
    let Some(intent) = known.intents.get(&name) else {
        return Err(CommandFailure::new(
            Exit::Failed,
            format_args!("`{name}` has no write with an unknown outcome"),
            "run `integrationd sync --dry-run` to see which integrations have one",
        ));
    };
    match adopted {
        None => ledger.abandon(&name).await?,
        Some(id) => {
            let id = RemoteId::new(id);
            // Nothing of what is read is shown.
            let found = tenant.reader(KnownSecrets::none()).get(&id).await?;
            let now = Timestamp::now();
            let record = resolve(&name, intent, &id, found.as_ref(), &known.records, now)?;
            ledger.confirm(&name, &record).await?;
        }
    }
    terminal.out("Resolved. Run `integrationd sync --dry-run` to see the remaining changes.\n");
    Ok(Exit::Success)
}
