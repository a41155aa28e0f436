//! What a run costs, as Linux counts it: processor time, peak memory, bytes on disk, and the floor that no exchange of
//! the same changes goes below by much.

use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::Result;

/// Clock ticks in a second, as `/proc` counts them on every Linux platform of Rust's.
const TICKS: f64 = 100.0;
/// How often the peak of a process that ends by itself is read.
const SAMPLE: Duration = Duration::from_millis(2);
/// zstd's hardest ordinary level.
const FLOOR_LEVEL: i32 = 19;

/// Seconds of processor time a process has used.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th after it.
    let (_, rest) = stat
        .rsplit_once(')')
        .ok_or("a stat line names its process")?;
    let ticks = |at: usize| -> Result<f64> {
        let field = rest.split_whitespace().nth(at);
        Ok(field.ok_or("a stat line has its times")?.parse::<f64>()?)
    };
    Ok((ticks(11)? + ticks(12)?) / TICKS)
}

/// The most memory a process has held, in bytes; `None` when it is gone.
pub(crate) fn peak_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// The peak counts from now on.
pub(crate) fn forget_peak(pid: u32) -> io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

/// Bytes of the files in a folder.
pub(crate) fn disk_bytes(folder: &Path) -> io::Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        total += if entry.file_type()?.is_dir() {
            disk_bytes(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(total)
}

/// A command that ran to its end.
pub(crate) struct Ran {
    /// From start to end.
    pub(crate) took: Duration,
    /// The most memory it held.
    pub(crate) peak: u64,
}

/// Runs a command that prints little, and watches its memory.
pub(crate) fn watched(mut command: Command) -> Result<Ran> {
    let begun = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        peak = peak_bytes(child.id()).unwrap_or(0).max(peak);
        std::thread::sleep(SAMPLE);
    }
    let took = begun.elapsed();
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(Ran { took, peak })
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}

/// Bytes that have to travel, and what zstd's hardest level makes of them put one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Floor {
    /// As they are.
    pub(crate) raw: u64,
    /// Compressed.
    pub(crate) packed: u64,
}

impl Floor {
    /// Of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> io::Result<Self> {
        let packed = zstd::bulk::compress(bytes, FLOOR_LEVEL)?.len();
        Ok(Self {
            raw: bytes.len() as u64,
            packed: packed as u64,
        })
    }

    /// Two exchanges.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            raw: self.raw + other.raw,
            packed: self.packed + other.packed,
        }
    }
}

/// Times of one thing done many times.
pub(crate) struct Spread(Vec<Duration>);

impl Spread {
    /// Of these times.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// So many of a hundred took no longer.
    pub(crate) fn percentile(&self, of_hundred: usize) -> Duration {
        let rank = (self.0.len() * of_hundred).div_ceil(100);
        self.0
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }

    /// Half took no longer.
    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let spread = Spread::of(times);
        assert_eq!(spread.median(), Duration::from_millis(100));
        assert_eq!(spread.percentile(99), Duration::from_millis(198));
        assert_eq!(Spread::of(Vec::new()).median(), Duration::ZERO);
    }

    #[test]
    fn a_running_process_has_a_peak_that_can_begin_anew() {
        let me = std::process::id();
        let held = vec![1u8; 64 << 20];
        assert!(held.iter().all(|byte| *byte == 1));
        let before = peak_bytes(me).unwrap();
        drop(held);
        forget_peak(me).unwrap();
        assert!(before > 64 << 20 && peak_bytes(me).unwrap() < before);
        assert!(cpu_seconds(me).unwrap() >= 0.0);
    }

    #[test]
    fn the_floor_of_repetition_is_low() {
        let floor = Floor::of(&[7; 10_000]).unwrap();
        assert!(floor.raw == 10_000 && floor.packed < 100);
        assert_eq!(floor.and(floor).raw, 20_000);
    }
}
