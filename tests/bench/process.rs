//! The kernel's data about a process (proc(5)).

use std::collections::BTreeMap;

/// A process, by the name of its directory.
pub(crate) struct Process(String);

/// Number of switches to each thread.
pub(crate) struct Switches(BTreeMap<String, u64>);

impl Process {
    /// This one.
    pub(crate) fn own() -> Self {
        Self("self".to_owned())
    }

    pub(crate) fn of(id: u32) -> Self {
        Self(id.to_string())
    }

    /// The most memory that it ever had, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        self.number("VmHWM:")
    }

    /// The memory that it has now, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.number("VmRSS:")
    }

    pub(crate) fn threads(&self) -> u64 {
        self.number("Threads:")
    }

    /// Open files; nothing where that is not for us to know, as without being root.
    pub(crate) fn files(&self) -> Option<u64> {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.0)).ok()?;
        Some(files.count() as u64)
    }

    pub(crate) fn switches(&self) -> Switches {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.0)).unwrap();
        let threads = threads.filter_map(|thread| {
            let thread = thread.unwrap();
            // It may end at any moment.
            let status = std::fs::read_to_string(thread.path().join("status")).ok()?;
            let switches = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"];
            let switches = switches.map(|name| number(&status, name));
            let name = thread.file_name().into_string().unwrap();
            Some((name, switches.iter().sum()))
        });
        Switches(threads.collect())
    }

    fn number(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        number(&status, name)
    }
}

impl Switches {
    /// Number of switches since an earlier sample. The end of a thread counts as one.
    pub(crate) fn since(&self, earlier: &Self) -> u64 {
        let of = |switches: &Self, name| switches.0.get(name).copied();
        let now = self.0.iter();
        let now = now.map(|(name, count)| count - of(earlier, name).unwrap_or_default());
        let ended = earlier.0.keys().filter(|name| of(self, name).is_none());
        now.sum::<u64>() + ended.count() as u64
    }
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap()
}
