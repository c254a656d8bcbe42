//! Limits of the process that are too small for any run.
//!
//! A library that gets no thread or no memory panics, aborts or waits for ever, and names
//! neither the limit nor the remedy. So the program checks before it starts that its minimum is
//! available. A limit that only a large run reaches is not foreseen.

use std::num::NonZero;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::{Arc, RwLock};
use std::thread::{self, Builder};

use rustix::process::{Resource, getrlimit};

use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;

/// Threads that a run needs besides the workers of the runtime: the worker and the watcher
/// of the daemon, the files, the names of hosts, the settings on a reload, and a spare one.
const OTHER_THREADS: usize = 6;

/// Address space of a run besides its threads: a simulated run over the examples takes some
/// 10 MiB more than at its start, measured with one arena of the allocator.
const ADDRESS_SPACE: u64 = 12 * MEBIBYTE;

/// Address space of a thread: its stack of 2 MiB, and the page that guards it.
const THREAD: u64 = 2 * MEBIBYTE + 4096;

/// Variable of glibc with the number of arenas of its allocator.
const ARENAS: &str = "MALLOC_ARENA_MAX";

const MEBIBYTE: u64 = 1024 * 1024;

/// Runs this program again with one arena of the allocator where the address space is
/// limited. glibc reserves 64 MiB for the arena of each thread, so that little is left for
/// anything else: with limits up to 448 MiB, runs on two cores were aborted or got too few
/// threads, now and then. With one arena the need is small and always the same. The process
/// keeps its id.
pub(crate) fn use_one_arena() {
    let is_limited = getrlimit(Resource::As).current.is_some();
    if !is_limited || std::env::var_os(ARENAS).is_some() {
        return;
    }
    let mut line = std::env::args_os();
    let mut again = Command::new("/proc/self/exe");
    if let Some(name) = line.next() {
        again.arg0(name);
    }
    // It returns only where that is not possible: then this process goes on as it is.
    let _ = again.args(line).env(ARENAS, "1").exec();
}

/// Number of workers of the runtime, as the runtime itself would choose it.
pub(crate) fn workers() -> usize {
    let asked = std::env::var("TOKIO_WORKER_THREADS").ok();
    let asked = asked.and_then(|text| text.parse().ok());
    let asked = asked.filter(|workers| *workers > 0);
    asked.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get))
}

/// Checks that a run with so many workers gets its memory and its threads.
pub(crate) fn check(workers: usize) -> Result<(), CommandFailure> {
    let threads = workers + OTHER_THREADS;
    check_address_space(threads)?;
    check_threads(threads)
}

fn check_address_space(threads: usize) -> Result<(), CommandFailure> {
    let Some(limit) = getrlimit(Resource::As).current else {
        return Ok(());
    };
    let reserved = THREAD.saturating_mul(threads as u64);
    let needed = taken()
        .saturating_add(ADDRESS_SPACE)
        .saturating_add(reserved);
    if limit >= needed {
        return Ok(());
    }
    let what = format!(
        "the address space limit is {} MiB (`ulimit -v`), but a run needs {} MiB",
        limit / MEBIBYTE,
        needed.div_ceil(MEBIBYTE)
    );
    let help = "raise the limit with `ulimit -v`, or with `LimitAS=` in the systemd unit; to limit \
        memory, use `MemoryMax=` instead";
    Err(CommandFailure::new(Exit::Failed, what, help))
}

/// Address space that the program uses already; zero if the system does not show it.
fn taken() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').next().and_then(|pages| pages.parse().ok());
    let pages: u64 = pages.unwrap_or_default();
    pages.saturating_mul(rustix::param::page_size() as u64)
}

/// Starts all threads at once, as a run may, and ends them.
fn check_threads(threads: usize) -> Result<(), CommandFailure> {
    let started = started(threads);
    if started == threads {
        return Ok(());
    }
    let limit = match getrlimit(Resource::Nproc).current {
        Some(limit) => format!("`ulimit -u` is {limit} for all processes of this user"),
        None => "`ulimit -u` is unlimited, so another limit applies".to_owned(),
    };
    let what = format!(
        "the system allows only {started} of the {threads} threads that a run needs: \
            {limit}"
    );
    let help = "raise the limit with `ulimit -u`, or with `LimitNPROC=` and `TasksMax=` in the \
        systemd unit";
    Err(CommandFailure::new(Exit::Failed, what, help))
}

/// Number of threads that can be there at the same time, at most this many.
fn started(threads: usize) -> usize {
    let mut waiting = Vec::new();
    // No thread passes before this one arrives, too.
    let gate = Arc::new(RwLock::new(()));
    let closed = gate.write();
    for _ in 0..threads {
        let gate = Arc::clone(&gate);
        let waits = move || drop(gate.read());
        match Builder::new().spawn(waits) {
            Ok(thread) => waiting.push(thread),
            Err(_) => break,
        }
    }
    drop(closed);
    let started = waiting.len();
    for thread in waiting {
        // It cannot panic.
        let _ = thread.join();
    }
    started
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_there_at_the_same_time() {
        assert_eq!(started(3), 3);
    }

    #[test]
    fn program_takes_some_address_space() {
        assert!(taken() > MEBIBYTE);
    }
}
