//! Bytes that no program of ours would make, put through everything that reads bytes: the server's ingest with a real
//! store, the tablet's inbox behind a server that lies, and every decoder by itself.
//!
//! No panic or abort escapes, what is stored can always be read, and whoever is honest is served as before. `HOSTILE_MUTANTS`
//! sets how many mutants each test tries, `HOSTILE_SEED` from which seed on; a failure names the seed of its mutant.

mod decoders;
mod inbox;
mod ingest;
mod village;

use std::{env, fs, panic};

/// A number from the environment.
fn setting(name: &str, usual: u64) -> u64 {
    let given = env::var(name).ok();
    given.map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number"))
    })
}

/// How many mutants to try, when nothing else is asked for.
fn mutants(usual: u64) -> u64 {
    setting("HOSTILE_MUTANTS", usual)
}

/// The seed of the n-th mutant.
fn seed(n: u64) -> u64 {
    setting("HOSTILE_SEED", 1)
        .wrapping_mul(1 << 32)
        .wrapping_add(n)
}

/// Panics of the document library are expected here by the thousand and caught; only others are worth a line, unless
/// `HOSTILE_LOUD` asks for all.
fn hush_the_library() {
    if env::var_os("HOSTILE_LOUD").is_some() {
        return;
    }
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or("", |location| location.file());
        if !["/automerge-", "/hexane-"]
            .iter()
            .any(|library| place.contains(library))
        {
            usual(info);
        }
    }));
}

/// The most memory that this process has used, in MiB; `None` where the system does not tell.
fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}
