//! One writer at a time.
//!
//! The lock is a file next to the ledger, locked by the kernel for as long as the process
//! lives: a killed process leaves no lock behind. The file stays; removing it would let two
//! processes lock two files of the same name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use super::error::LedgerError;
use crate::ledger::files::beside;
use crate::text::{cut, escaped};

/// The most that is repeated of what a holder says of itself.
const LONGEST_HOLDER: usize = 200;

/// Number of attempts to read the holder's description from the lock file.
const ATTEMPTS: u32 = 10;

/// Pause between two attempts: writing a line takes much less time.
const PAUSE: Duration = Duration::from_millis(20);

/// Files with the name of this machine; the second is for services that cannot see the first.
const HOST_NAME: [&str; 2] = ["/proc/sys/kernel/hostname", "/etc/hostname"];

/// The right to write a ledger, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a ledger, or says who has it.
    pub(super) fn take(ledger: &Path) -> Result<Self, LedgerError> {
        let path = beside(ledger, ".lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(LedgerError::file("open the lock file", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LedgerError::InUse {
                    file: ledger.to_owned(),
                    holder: holder(&path),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(LedgerError::file("lock", &path)(source));
            }
        }
        let now = jiff::Timestamp::now().round(jiff::Unit::Second);
        let since = now.unwrap_or_default();
        let line = format!("{} {} {since}\n", std::process::id(), host());
        file.set_len(0)
            .and_then(|()| file.write_all(line.as_bytes()))
            .map_err(LedgerError::file("write the lock file", &path))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // So that the next reader does not find a process that has ended.
        drop(self.file.set_len(0));
        // Closing is not enough: a child process has the file open too, until it
        // has become another program.
        drop(self.file.unlock());
    }
}

/// True if a process holds the lock of a ledger. Only a lock that someone has taken is tried,
/// so that a process which takes it at the same time does not find it in use.
#[must_use]
pub fn is_held(ledger: &Path) -> bool {
    let path = beside(ledger, ".lock");
    let Ok(file) = File::open(&path) else {
        return false;
    };
    let is_taken = file.metadata().is_ok_and(|metadata| metadata.len() > 0);
    is_taken && matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn host() -> String {
    let names = HOST_NAME.iter().filter_map(|p| fs::read_to_string(p).ok());
    let mut names = names.filter_map(|text| text.split_whitespace().next().map(str::to_owned));
    names.next().unwrap_or_else(|| "localhost".to_owned())
}

/// The holder of the lock. A holder that has just taken it gets time to write its description.
fn holder(path: &Path) -> String {
    let named = (0..ATTEMPTS).find_map(|attempt| {
        if attempt > 0 {
            std::thread::sleep(PAUSE);
        }
        read_holder(path)
    });
    named.unwrap_or_else(|| "another process".to_owned())
}

fn read_holder(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let text = cut(&text, LONGEST_HOLDER);
    let words: Vec<&str> = text.split_whitespace().collect();
    let [pid, host, since] = words.as_slice() else {
        return None;
    };
    Some(escaped(&format!("process {pid} on {host}, since {since}")).into())
}
