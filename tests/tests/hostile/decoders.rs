//! Every reader of bytes by itself, on the kept inputs of `tests/fuzz/corpus` and on mutants of them; and that the fuzz targets
//! are the readers.

use super::{seed, share};
use sojourn_sync_protocol::{codec, limits::REQUEST_FRAME_BYTES_MAX, message::SyncRequest};
use sojourn_tests::hostile::{
    Dice, change, frame, hush_the_library,
    ingest::MEMORY_MIB_MAX,
    peak_mib, saved,
    targets::{Shape, TARGETS, Target},
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The kept inputs of a target, in the order of their names.
fn kept(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = fuzz().join("corpus").join(target.name);
    let entries = fs::read_dir(&folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut kept: Vec<_> = entries
        .map(|entry| {
            let entry = entry.expect("a file");
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("it can be read"))
        })
        .collect();
    kept.sort();
    kept
}

/// Says which input a reader did not survive.
struct Reading<'a>(&'a str, String);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("target {}: {}", self.0, self.1);
        }
    }
}

#[test]
fn kept_inputs_are_survived() {
    hush_the_library();
    for target in TARGETS {
        let inputs = kept(&target);
        assert!(!inputs.is_empty(), "{} has no kept inputs", target.name);
        for (name, bytes) in inputs {
            let _reading = Reading(target.name, name);
            (target.read)(&bytes);
        }
    }
}

fn mutant(target: &Target, inputs: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let input = dice.pick(inputs).expect("a target has inputs");
    let other = dice.pick(inputs).expect("a target has inputs");
    match target.shape {
        Shape::Frame => frame::mutate(dice, input),
        Shape::Change => change::mutate(dice, input, other),
        Shape::Saved => saved::mutate(dice, input, other),
        Shape::Plain => {
            let mut bytes = input.clone();
            if dice.one_in(4) && !other.is_empty() {
                let (from, to) = (dice.below(bytes.len()), dice.below(other.len()));
                bytes.splice(from.., other[to..].iter().copied());
            }
            for _ in 0..=dice.below(3) {
                dice.spoil(&mut bytes);
            }
            bytes
        }
    }
}

#[test]
fn mutants_are_survived_by_every_decoder() {
    hush_the_library();
    let shares: u64 = TARGETS.iter().map(|target| target.share).sum();
    for target in TARGETS {
        let begun = Instant::now();
        let inputs = kept(&target).into_iter().map(|(_, bytes)| bytes);
        let inputs: Vec<_> = inputs.chain((target.examples)()).collect();
        let count = (share(40) * target.share / shares).max(200);
        for n in 0..count {
            let seed = (seed() << 32) + n;
            let bytes = mutant(&target, &inputs, &mut Dice::new(seed));
            let _reading = Reading(target.name, format!("seed {seed}"));
            (target.read)(&bytes);
        }
        let (name, time) = (target.name, begun.elapsed());
        println!(
            "{name}: {count} mutants of {} inputs in {time:.1?}",
            inputs.len()
        );
    }
    if let Some(peak) = peak_mib() {
        assert!(peak < MEMORY_MIB_MAX, "{peak} MiB");
    }
}

#[test]
fn a_bomb_is_refused() {
    let bomb = frame::bomb();
    assert!(codec::decode::<SyncRequest>(&bomb, REQUEST_FRAME_BYTES_MAX).is_err());
}

/// Each target stands in the manifest of the fuzz package and as a program of its own, and nothing else does.
#[test]
fn fuzz_targets_are_the_decoders() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the fuzz package");
    let mut listed: Vec<_> = manifest
        .lines()
        .filter_map(|line| {
            line.strip_prefix("path = \"fuzz_targets/")?
                .strip_suffix(".rs\"")
        })
        .collect();
    listed.sort_unstable();
    let mut names = TARGETS.map(|target| target.name);
    names.sort_unstable();
    assert_eq!(listed, names);
    for name in names {
        let source = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs")));
        let source = source.expect("a program for each target");
        assert!(source.contains(&format!("named(\"{name}\")")), "{name}");
    }
}
