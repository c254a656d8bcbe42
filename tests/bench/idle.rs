//! Resources that a daemon uses while there is nothing to do.

use std::thread::sleep;

use crate::Options;
use crate::common::eventually;
use crate::process::Process;
use crate::stage::{Source, Stage, is_ready};
use crate::web::Served;

/// Measurements of a daemon.
pub(crate) struct Idle {
    /// Its memory after it has created everything, in KiB.
    pub(crate) created_kib: u64,
    /// After a start at which everything was in sync already.
    pub(crate) idle_kib: u64,
    /// After its page was fetched, too.
    pub(crate) page_kib: u64,
    pub(crate) threads: u64,
    /// Context switches while nothing was due.
    pub(crate) switches: u64,
    /// Context switches from the end of that until the files were read once.
    pub(crate) look: u64,
}

/// A daemon in sync.
struct Quiet {
    stage: Stage,
    served: Served,
    created_kib: u64,
}

impl Quiet {
    fn new(source: Source) -> Self {
        let stage = Stage::new(source);
        let served = stage.in_sync(&[]);
        let created_kib = Process::of(served.daemon.id()).resident_kib();
        served.end();
        let served = stage.in_sync(&[]);
        stage.tenant.simulator.clear_log();
        Self {
            stage,
            served,
            created_kib,
        }
    }

    fn process(&self) -> Process {
        Process::of(self.served.daemon.id())
    }
}

/// Watches a daemon of a directory, and one of a repository.
pub(crate) fn measure(options: &Options) -> [Idle; 2] {
    let sources = [
        Source::directory(options.files),
        Source::repository(options.files),
    ];
    let quiet = sources.map(Quiet::new);
    // Threads for blocking work end ten seconds after the last of it.
    sleep(options.calm);
    let idle_kib = quiet.each_ref().map(|one| one.process().resident_kib());
    for one in &quiet {
        let page = one.served.get_as_bearer("/");
        let rows = page.body.matches("<tr").count();
        assert!(rows > options.files, "{}", page.body);
    }
    sleep(options.calm);
    let page_kib = quiet.each_ref().map(|one| one.process().resident_kib());
    let begun = quiet.each_ref().map(|one| one.process().switches());
    sleep(options.window);
    let ended = quiet.each_ref().map(|one| one.process().switches());
    sleep(options.look);
    let mut nth = 0;
    quiet.map(|one| {
        let (begun, ended) = (&begun[nth], &ended[nth]);
        let process = one.process();
        let idle = Idle {
            created_kib: one.created_kib,
            idle_kib: idle_kib[nth],
            page_kib: page_kib[nth],
            threads: process.threads(),
            switches: ended.since(begun),
            look: process.switches().since(ended),
        };
        nth += 1;
        assert_eq!(one.stage.tenant.requests(), [""; 0], "it was to be idle");
        eventually("it is as it was", || is_ready(&one.served));
        one.served.end();
        idle
    })
}
