//! What the daemon would refuse at its start, without starting it: nothing is made,
//! bound or connected.

use super::args::DaemonArgs;
use super::failure::Failure;
use super::{connect, listen, socket, webhook};

/// Everything that would be refused, each by itself.
pub(super) fn check(args: &DaemonArgs) -> Vec<Failure> {
    let DaemonArgs {
        interval: _,
        debounce: _,
        poll: _,
        settings_file: _,
        listen,
        notify,
        push,
        run,
    } = args;
    let others = [
        run.git.check(),
        listen::check(listen),
        notify.check(&run.connection.ca_file),
        webhook::check(&push.webhook),
        socket::check(&push.socket),
    ];
    connect::check(&run.connection)
        .chain(others.into_iter().filter_map(Result::err))
        .collect()
}
