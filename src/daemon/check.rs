//! Everything that the daemon would refuse at its start, without starting it: nothing is
//! created, bound or connected.

use super::endpoints;
use crate::report::failure::CommandFailure;
use crate::session::{OpenError, check_variables, git, tenant};
use crate::settings::daemon::DaemonSettings;

/// Everything that would be refused, each by itself.
#[must_use]
pub fn check(settings: &DaemonSettings) -> Vec<CommandFailure> {
    let run = &settings.run;
    let tenant = tenant::check(&run.tenant).map(|error| OpenError::from(error).into());
    let git = run.git.as_ref().and_then(|git| git::check(git).err());
    tenant
        .chain(git.map(CommandFailure::from))
        .chain(check_variables(run).map(CommandFailure::from))
        .chain(endpoints::check(settings))
        .collect()
}
