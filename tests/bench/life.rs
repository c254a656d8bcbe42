//! Resources that a process used during its life.

use std::time::{Duration, Instant};

use crate::process::Process;
use crate::table::median;

/// Interval of the samples.
const EVERY: Duration = Duration::from_millis(100);

/// A process, watched.
pub(crate) struct Life {
    process: Process,
    begun: Instant,
    looked: Instant,
    samples: Vec<Sample>,
}

/// Its resources at a moment, or the median of a period.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    pub(crate) resident_kib: u64,
    pub(crate) threads: u64,
    /// Nothing where that is not for us to know.
    pub(crate) files: Option<u64>,
}

impl Life {
    pub(crate) fn of(id: u32) -> Self {
        let now = Instant::now();
        Self {
            process: Process::of(id),
            begun: now,
            looked: now,
            samples: Vec::new(),
        }
    }

    /// Looks, if it is time.
    pub(crate) fn look(&mut self) {
        if self.looked.elapsed() < EVERY && !self.samples.is_empty() {
            return;
        }
        self.looked = Instant::now();
        self.samples.push(Sample {
            resident_kib: self.process.resident_kib(),
            threads: self.process.threads(),
            files: self.process.files(),
        });
    }

    /// Duration of the observation.
    pub(crate) fn length(&self) -> Duration {
        self.looked - self.begun
    }

    /// The medians of a quarter of it, counted from 1.
    pub(crate) fn quarter(&self, nth: usize) -> Sample {
        let len = self.samples.len();
        let samples = &self.samples[len * (nth - 1) / 4..len * nth / 4];
        Sample {
            resident_kib: median(samples.iter().map(|sample| sample.resident_kib)),
            threads: median(samples.iter().map(|sample| sample.threads)),
            files: median(samples.iter().map(|sample| sample.files)),
        }
    }
}
