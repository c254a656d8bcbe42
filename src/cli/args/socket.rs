//! The socket for clients on this machine.

use std::path::PathBuf;

use clap::Args;

use crate::settings::daemon::SocketSettings;

/// Socket for clients on this machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Socket for `hook run` and `status`")]
pub(crate) struct SocketArgs {
    /// Socket through which local clients can trigger a run, or `none`; requests such as `status`
    /// use a second socket, with `.control` appended to the path [default:
    /// $RUNTIME_DIRECTORY/integrationd.sock, if RUNTIME_DIRECTORY is set]
    #[arg(long, value_name = "PATH", env = "INTEGRATIOND_SOCKET")]
    pub socket: Option<PathBuf>,
    /// User who may trigger a run, in addition to root and the daemon's own user: a user name or a
    /// UID; may be repeated
    #[arg(
        long,
        value_name = "NAME",
        env = "INTEGRATIOND_SOCKET_USER",
        value_delimiter = ','
    )]
    pub socket_user: Vec<String>,
}

impl From<SocketArgs> for SocketSettings {
    fn from(args: SocketArgs) -> Self {
        let SocketArgs {
            socket,
            socket_user,
        } = args;
        Self {
            path: socket,
            users: socket_user,
        }
    }
}
