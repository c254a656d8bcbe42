//! `resume`: ends what `suspend` began.

use clap::Args;

use super::args::{LedgerArgs, NotifiedDaemonArgs, ReferenceArgs};
use super::command::{CommandArgs, CommandContext};
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::suspended::named;
use crate::session::suspend::resume;

/// Resume writes that `suspend` stopped
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// Names of the integrations [default: all]
    #[arg(value_name = "NAME")]
    pub name: Vec<String>,
    #[command(flatten)]
    pub place: LedgerArgs,
    #[command(flatten)]
    pub daemon: NotifiedDaemonArgs,
}

impl CommandArgs for ResumeArgs {
    fn references(&mut self) -> Option<&mut ReferenceArgs> {
        None
    }

    async fn run(self, context: CommandContext<'_>) -> Result<Exit, CommandFailure> {
        let settings = self.place.into();
        resume(&settings, self.daemon.access(), &self.name).await?;
        context.terminal.out(&format!(
            "Resumed: {}. Writes continue with the next run.\n",
            named(&self.name)
        ));
        self.daemon.notify(&settings, &context.terminal).await;
        Ok(Exit::Success)
    }
}
