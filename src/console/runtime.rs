//! The asynchronous runtime of a command, and the end of a command that panics.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::panic;
use crate::process::limits;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;

/// Runs a command in a runtime of its own. A panic becomes a failure: the hook reports it as
/// it happens. It ends the run, not the process, so that a requested document is printed, with
/// the exit code of a failure.
///
/// # Errors
/// The command failed, panicked, or could not be started.
pub(crate) fn in_runtime(
    command: impl Future<Output = Result<Exit, CommandFailure>>,
) -> Result<Exit, CommandFailure> {
    // No state that a panic may have left inconsistent is used afterwards.
    catch_unwind(AssertUnwindSafe(|| run(command))).unwrap_or_else(|_| {
        Err(CommandFailure::new(
            Exit::Failed,
            "a bug in integrationd ended the run",
            panic::HELP,
        ))
    })
}

fn run(
    command: impl Future<Output = Result<Exit, CommandFailure>>,
) -> Result<Exit, CommandFailure> {
    let workers = limits::workers();
    limits::check(workers)?;
    // Where the system gives it no thread after all, it panics.
    let runtime = panic::expected(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
    })
    .ok_or_else(|| cannot_start(&"the system provides no thread for it"))?
    .map_err(|error| cannot_start(&error))?;
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(command)));
    // A prompt at the terminal or a name resolution may hang in a thread: do not wait for it.
    runtime.shutdown_background();
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}

fn cannot_start(why: &dyn std::fmt::Display) -> CommandFailure {
    CommandFailure::new(
        Exit::Failed,
        format_args!("cannot start the asynchronous runtime: {why}"),
        "check the limits of this process, such as `ulimit -u` and `ulimit -n`",
    )
}
