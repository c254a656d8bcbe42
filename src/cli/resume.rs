//! `resume`: ends what `suspend` began.

use clap::Args;

use super::args::{LedgerArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use super::suspend::open;
use crate::console::Terminal;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::suspended::{meant, named};

/// Resume writes that `suspend` stopped
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// Names of the integrations [default: all]
    #[arg(value_name = "NAME")]
    pub name: Vec<String>,
    #[command(flatten)]
    pub place: LedgerArgs,
}

impl CommandArgs for ResumeArgs {
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

async fn run(args: ResumeArgs, terminal: Terminal) -> Result<Exit, CommandFailure> {
    let (session, mut suspensions) = open(args.place).await?;
    let before: Vec<String> = suspensions.names.keys().cloned().collect();
    let was_not = suspensions.resume(&args.name);
    if !was_not.is_empty() {
        let what = format!("{} was not suspended", was_not.join(" and "));
        let meant = meant(&was_not, &before.iter().map(String::as_str).collect());
        let help =
            format!("{meant}run `integrationd resume` without a name to end all suspensions");
        return Err(CommandFailure::new(Exit::Failed, what, help));
    }
    session.store().set_suspensions(&suspensions).await?;
    terminal.out(&format!(
        "Resumed: {}. Writes continue with the next run.\n",
        named(&args.name)
    ));
    Ok(Exit::Success)
}
