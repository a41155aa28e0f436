//! What became of many mutants: how often each outcome was met, the slowest, the most memory. Knows nothing of how they
//! were tried.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, fs, time::Duration};

/// The sum over some mutants. Stands as one line of JSON in a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many mutants were tried.
    pub mutants: u64,
    /// How often each outcome was met.
    pub met: BTreeMap<String, u64>,
    /// The longest that one mutant took, in microseconds.
    pub slowest_us: u64,
    /// The most memory of the process, in MiB; 0 where the system does not tell.
    pub peak_mib: u64,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

impl Tally {
    /// Counts one more of an outcome.
    pub(crate) fn meet(&mut self, what: &str) {
        match self.met.get_mut(what) {
            Some(times) => *times += 1,
            None => drop(self.met.insert(what.to_owned(), 1)),
        }
    }

    /// Takes note of how long one mutant took.
    pub(crate) fn took(&mut self, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.slowest_us = self.slowest_us.max(time);
    }

    /// The slowest of all, the most memory of all, everything else added.
    pub fn add(&mut self, other: &Self) {
        self.mutants += other.mutants;
        for (what, times) in &other.met {
            *self.met.entry(what.clone()).or_default() += times;
        }
        self.slowest_us = self.slowest_us.max(other.slowest_us);
        self.peak_mib = self.peak_mib.max(other.peak_mib);
        self.ms += other.ms;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} mutants in {:.1} s, slowest {:.1} ms, peak {} MiB",
            self.mutants,
            self.ms as f64 / 1e3,
            self.slowest_us as f64 / 1e3,
            self.peak_mib
        )?;
        for (what, times) in &self.met {
            writeln!(f, "{times:>10} {what}")?;
        }
        Ok(())
    }
}

/// The most memory that this process has used, in MiB; `None` where the system does not tell.
pub fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}
