//! The limits of a plan.

use clap::Args;

use crate::immuta::Nesting;
use crate::plan::{GuardLimits, Limit, Policy, Share};
use crate::settings::parse::percent;
use crate::settings::run::GuardSettings;
use crate::sync::LookForConnections;

/// Limits of a plan.
#[derive(Debug, Args)]
#[command(next_help_heading = "Guard")]
pub(crate) struct GuardArgs {
    /// Kinds of actions to allow
    #[arg(long, value_name = "POLICY", value_enum, env = "INTEGRATIOND_POLICY",
          default_value_t = Policy::UpsertOnly)]
    pub policy: Policy,
    /// Refuse a plan with more writes than this [default: no limit]
    #[arg(long, value_name = "N", env = "INTEGRATIOND_MAX_CHANGES")]
    pub max_changes: Option<usize>,
    /// Refuse a plan that changes more than this percentage of the integrations that exist or that
    /// the files describe, whichever are more [default: 50 % of the existing integrations, where
    /// creates do not count and ten changes are always allowed]
    #[arg(long, value_name = "PERCENT", env = "INTEGRATIOND_MAX_CHANGE_PERCENT",
          value_parser = percent)]
    pub max_change_percent: Option<u8>,
    /// Refuse a plan with more deletions than this
    #[arg(
        long,
        value_name = "N",
        env = "INTEGRATIOND_MAX_DELETES",
        default_value_t = 10
    )]
    pub max_deletes: usize,
    /// Refuse a plan that deletes more than this percentage of the integrations that exist or that
    /// the files describe, whichever are more [default: 20 % of the existing integrations, where
    /// one deletion is always allowed]
    #[arg(long, value_name = "PERCENT", env = "INTEGRATIOND_MAX_DELETE_PERCENT",
          value_parser = percent)]
    pub max_delete_percent: Option<u8>,
    /// Delete and recreate this integration if it cannot be edited; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub allow_replace: Vec<String>,
    /// Delete this integration even if the file that described it still exists; may be repeated
    #[arg(
        long,
        value_name = "NAME",
        env = "INTEGRATIOND_ALLOW_REMOVAL",
        value_delimiter = ','
    )]
    pub allow_removal: Vec<String>,
    /// Position of the setup credentials in the body of a DELETE request
    #[arg(long, value_name = "WHERE", value_enum, env = "INTEGRATIOND_DELETE_CREDENTIALS",
          default_value_t = Nesting::Config)]
    pub delete_credentials: Nesting,
    #[command(flatten)]
    pub connections: ConnectionsArgs,
}

/// Source of the tenant's connections.
#[derive(Debug, Args)]
#[command(next_help_heading = "Guard")]
pub(crate) struct ConnectionsArgs {
    /// Method of finding the tenant's connections, whose integrations are never written: ask the
    /// tenant, or assume that the tenant has no connections
    #[arg(long, value_name = "HOW", value_enum, env = "INTEGRATIOND_CONNECTIONS",
          default_value_t = LookForConnections::Auto)]
    pub connections: LookForConnections,
}

impl From<GuardArgs> for GuardSettings {
    fn from(args: GuardArgs) -> Self {
        let GuardArgs {
            policy,
            max_changes,
            max_change_percent,
            max_deletes,
            max_delete_percent,
            allow_replace,
            allow_removal,
            delete_credentials,
            connections,
        } = args;
        let GuardLimits { changes, deletes } = GuardLimits::default();
        Self {
            policy,
            limits: GuardLimits {
                changes: Limit {
                    most: max_changes,
                    share: max_change_percent.map_or(changes.share, Share::Given),
                },
                deletes: Limit {
                    most: Some(max_deletes),
                    share: max_delete_percent.map_or(deletes.share, Share::Given),
                },
            },
            allow_replace: allow_replace.into_iter().collect(),
            allow_removal: allow_removal.into_iter().collect(),
            delete_credentials,
            connections: connections.connections,
        }
    }
}
