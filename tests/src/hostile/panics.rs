//! Which panics are worth a line: the document library's are expected by the thousand and caught, all others are not.

use std::{
    env, panic,
    panic::{Location, PanicHookInfo},
    process,
};

fn is_of_the_library(info: &PanicHookInfo<'_>) -> bool {
    let place = info.location().map_or("", Location::file);
    ["/automerge-", "/hexane-"]
        .iter()
        .any(|library| place.contains(library))
}

/// Says nothing of the library's panics, unless `HOSTILE_LOUD` asks for all.
pub fn hush_the_library() {
    if env::var_os("HOSTILE_LOUD").is_some() {
        return;
    }
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !is_of_the_library(info) {
            usual(info);
        }
    }));
}

/// For libFuzzer, which ends the process at the first panic, caught or not: here only at one that is not the library's. One
/// of the library's that nobody catches ends it as well.
pub fn end_at_our_panics() {
    drop(panic::take_hook());
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !is_of_the_library(info) {
            usual(info);
            process::abort();
        }
    }));
}
