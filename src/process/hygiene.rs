//! First steps of the process, which protect its memory and its files.
//!
//! Secrets are wiped when they are dropped, but stay in memory until then, and unreachable
//! copies for longer: in the environment that the process was started with, and in the buffers
//! of the HTTP and TLS libraries. So no image of the memory may reach a disk, and no user but
//! root may read it.

use std::io;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit, umask};

/// Makes every file private that the process makes from now on, and keeps its
/// memory out of core dumps and from other processes of the same user.
///
/// # Errors
/// The system did not let it, as a filter for system calls may do.
pub(crate) fn protect() -> io::Result<()> {
    umask(Mode::RWXG | Mode::RWXO);
    // The limit is inherited by whatever is started; the attribute is not.
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    not_dumpable()
}

/// A core pattern that begins with `|` hands the image to a program whatever
/// the limit is (core(5)): this attribute stops that too.
#[cfg(target_os = "linux")]
fn not_dumpable() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(not(target_os = "linux"))]
fn not_dumpable() -> io::Result<()> {
    Ok(())
}
