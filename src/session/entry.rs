//! The way of a command to the ledger: its own, or that of the daemon which carries it out.

use std::sync::Arc;

use super::Session;
use crate::ledger::place::Trust;
use crate::settings::daemon::DaemonSettings;
use crate::settings::run::RunSettings;

/// The way of a command to the ledger.
#[derive(Clone)]
pub enum LedgerEntry {
    /// It opens the ledger, if its owner can be trusted.
    Own(Trust),
    /// The daemon carries it out, and has the ledger open.
    Held(Session),
}

impl From<Trust> for LedgerEntry {
    fn from(trust: Trust) -> Self {
        Self::Own(trust)
    }
}

/// The session of a daemon, for a command that it carries out.
pub struct HeldSession {
    /// The session, which has the ledger open for writing.
    pub session: Session,
    /// The settings in effect.
    pub settings: Arc<DaemonSettings>,
}

impl HeldSession {
    /// The settings of a command that the daemon carries out: its flags say how far the plan may
    /// go, and everything else is the daemon's.
    #[must_use]
    pub fn completed(&self, command: RunSettings) -> RunSettings {
        let RunSettings {
            files,
            git,
            tenant,
            state,
            vault,
            ..
        } = self.settings.run.clone();
        RunSettings {
            files,
            git,
            tenant,
            state,
            vault,
            ..command
        }
    }
}
