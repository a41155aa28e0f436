//! Plays the simulated world from many seeds: `simulate --seeds N [--seed S] [--ops M] [--threads T] [--at-least K]`. A seed
//! that fails is shrunk and printed as a list that can be pinned.
//!
//! Exit code 1 when a seed failed; 3 when none did and a kind of fault fired less often than was asked for.

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use clap::Parser;
use sojourn_tests::simulation::{Figures, KINDS, pinned, play_quietly, shrink};

/// Failures shrunk and printed; the rest are counted.
const SHRUNK_MAX: usize = 5;

/// Exit code when a kind of fault fired too seldom.
const SELDOM: u8 = 3;

/// Plays the simulated world.
#[derive(Debug, Parser)]
struct Wanted {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Operations in each run.
    #[arg(long, default_value_t = 90)]
    ops: usize,
    /// Runs at once.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Failures in all after which no further seed is begun.
    #[arg(long, default_value_t = 20)]
    failures: usize,
    /// Times that every kind of fault must have fired.
    #[arg(long, default_value_t = 0)]
    at_least: u64,
    /// Print a failure as it is, without shrinking it.
    #[arg(long)]
    raw: bool,
}

fn main() -> ExitCode {
    let wanted = Wanted::parse();
    let begun = Instant::now();
    let next = AtomicU64::new(wanted.seed);
    let end = wanted.seed.saturating_add(wanted.seeds);
    let total = Mutex::new(Figures::default());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..wanted.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = failed.lock().expect("no holder panics").len() >= wanted.failures;
                    if seed >= end || enough {
                        return;
                    }
                    match play_quietly(seed, wanted.ops) {
                        Ok(figures) => total.lock().expect("no holder panics").add(&figures),
                        Err(failure) => {
                            eprintln!("seed {seed} failed: {}", failure.what);
                            failed
                                .lock()
                                .expect("no holder panics")
                                .push((seed, failure));
                        }
                    }
                }
            });
        }
    });
    let figures = total.into_inner().expect("no holder panics");
    print!("{figures}");
    println!("time                {:.1} s", begun.elapsed().as_secs_f64());
    let failed = failed.into_inner().expect("no holder panics");
    for (seed, failure) in failed.into_iter().take(SHRUNK_MAX) {
        let failure = if wanted.raw {
            failure
        } else {
            shrink(seed, failure)
        };
        println!(
            "\nseed {seed}: {}\n{}",
            failure.what,
            pinned(seed, &failure)
        );
    }
    if figures.runs != wanted.seeds {
        return ExitCode::FAILURE;
    }
    let fired = |kind: &str| figures.faults.get(kind).copied().unwrap_or(0);
    let seldom = KINDS.map(|kind| (fired(kind), kind));
    let seldom: Vec<_> = seldom
        .iter()
        .filter(|(times, _)| *times < wanted.at_least)
        .collect();
    for (times, kind) in &seldom {
        println!("fired {times} times, of {}: {kind}", wanted.at_least);
    }
    if seldom.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(SELDOM)
    }
}
