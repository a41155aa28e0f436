//! What the machine does by itself, measured before every run: figures of two machines, or of one on two days, can be compared
//! only beside it. Knows nothing of registers.

use std::{
    io::Write as _,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use crate::{Result, measure::Spread, report::Report};

/// Bytes compressed, of words drawn from a fixed seed.
const TEXT_BYTES: usize = 2 * 1024 * 1024;
/// The level at which pages are prepared.
const LEVEL: i32 = 19;
/// Writes that are synced, each of one page of a database.
const SYNCS: usize = 200;
const PAGE_BYTES: usize = 4096;
/// Messages to a thread that has been idle, and back.
const HAND_OVERS: usize = 200;
/// How long that thread has been idle by then.
const IDLE: Duration = Duration::from_millis(1);

/// Measures it; takes about two seconds.
pub(crate) fn run() -> Result<Report> {
    let mut report = Report::new(
        "machine",
        "2 MiB compressed with zstd -19, 4 KiB written and synced, and a message to an idle thread and back",
    );
    let text = text();
    let begun = Instant::now();
    let packed = zstd::encode_all(&text[..], LEVEL)?;
    report.seconds("compress", begun.elapsed());
    report.count("compressed_bytes", packed.len() as u64);
    report.spread("sync", &syncs()?);
    report.spread("hand_over", &hand_overs()?);
    Ok(report)
}

fn text() -> Vec<u8> {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let mut text = Vec::with_capacity(TEXT_BYTES + 8);
    while text.len() < TEXT_BYTES {
        let word: u32 = rng.random_range(0..40_000);
        // Short words are drawn more often, as in speech.
        text.extend(format!("{:x} ", word >> rng.random_range(0..12)).bytes());
    }
    text.truncate(TEXT_BYTES);
    text
}

fn syncs() -> Result<Spread> {
    let mut file = tempfile::tempfile()?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[1; PAGE_BYTES])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    Ok(Spread::of(times))
}

fn hand_overs() -> Result<Spread> {
    let (ask, asked) = mpsc::channel::<()>();
    let (answer, answered) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        while asked.recv().is_ok() {
            if answer.send(()).is_err() {
                return;
            }
        }
    });
    let mut times = Vec::with_capacity(HAND_OVERS);
    for _ in 0..HAND_OVERS {
        // Nobody answers unasked: both have been idle when this ends.
        let _ = answered.recv_timeout(IDLE);
        let begun = Instant::now();
        ask.send(())?;
        answered.recv()?;
        times.push(begun.elapsed());
    }
    drop(ask);
    other.join().map_err(|_| "a thread that only answers")?;
    Ok(Spread::of(times))
}
