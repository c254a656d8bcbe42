//! Groups of flags that several commands have: shells around the settings, without
//! behaviour. The arguments of a command stand in its own file.

mod git;
mod guard;
mod handover;
mod ledger;
mod listen;
mod notify;
mod output;
mod references;
mod run;
mod socket;
mod webhook;

pub(super) use git::GitArgs;
pub(super) use guard::ConnectionsArgs;
pub(super) use handover::{HandOver, HandOverArgs, NotifiedDaemonArgs};
pub(super) use ledger::{LedgerArgs, StateArgs};
pub(super) use listen::ListenArgs;
pub(super) use notify::NotifyArgs;
pub(super) use output::OutputArgs;
pub(super) use references::{ReferenceArgs, VaultArgs};
pub(super) use run::{CheckArgs, ConnectionArgs, FILES, FilesArgs, RunArgs};
pub(super) use socket::SocketArgs;
pub(super) use webhook::WebhookArgs;

pub(super) use crate::settings::parse::duration;
