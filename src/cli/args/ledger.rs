//! Flags for the ledger.

use std::path::PathBuf;

use clap::Args;

use crate::settings::run::{RunSettings, TenantSettings};

/// Directory of the ledger.
#[derive(Debug, Clone, Args)]
pub(crate) struct StateArgs {
    /// Directory of the ledger [env: STATE_DIRECTORY, XDG_STATE_HOME, HOME]
    #[arg(
        long,
        value_name = "DIR",
        help_heading = "Ledger",
        env = "INTEGRATIOND_STATE"
    )]
    pub state: Option<PathBuf>,
}

/// Ledger of a command that does not contact the tenant.
#[derive(Debug, Clone, Args)]
pub(crate) struct LedgerArgs {
    #[command(flatten)]
    pub place: StateArgs,
    /// URL of the tenant, such as https://acme.hosted.immutacloud.com [env: IMMUTA_URL,
    /// IMMUTA_HOST]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

impl From<LedgerArgs> for RunSettings {
    fn from(args: LedgerArgs) -> Self {
        let LedgerArgs { place, url } = args;
        Self {
            state: place.state,
            tenant: TenantSettings {
                url,
                ..TenantSettings::default()
            },
            ..Self::default()
        }
    }
}
