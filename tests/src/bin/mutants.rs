//! Puts deliberate bugs into a copy of the programs, one at a time, and plays the simulated world until a seed catches
//! each: `mutants [--seeds N] [--ops M] [--only WORDS]`. Exit code 1 when one was not caught. Never writes outside
//! `target/mutants`.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use clap::Parser;
use sojourn_tests::mutants::{self, Bug};

/// What the copy is made of.
const TREE: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "sync-protocol",
    "client-core",
    "server",
    "tests",
];

/// Plays deliberate bugs.
#[derive(Debug, Parser)]
struct Wanted {
    /// Seeds within which a bug must be caught.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// Operations in each run.
    #[arg(long, default_value_t = 80)]
    ops: usize,
    /// Only bugs whose name contains this.
    #[arg(long)]
    only: Option<String>,
}

/// What the world made of a bug.
enum Met {
    /// A seed broke a promise: which, and what it said.
    Caught(String),
    /// Every seed passed.
    Missed,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let wanted = Wanted::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the tests have a folder above them")?;
    let bugs = mutants::bugs(root)?;
    let copy = root.join("target/mutants/tree");
    fs::create_dir_all(&copy)?;
    for part in TREE {
        carry_over(&root.join(part), &copy.join(part))?;
    }
    let bench = Bench {
        target: root.join("target/mutants/build"),
        copy,
    };
    bench
        .build()
        .map_err(|said| format!("without any bug: {said}"))?;
    let named = |bug: &&Bug| {
        let only = wanted.only.as_ref();
        only.is_none_or(|words| bug.name.contains(words.as_str()))
    };
    let (mut played, mut missed) = (0, 0);
    for bug in bugs.iter().filter(named) {
        let begun = Instant::now();
        let sound = fs::read_to_string(root.join(&bug.file))?;
        fs::write(bench.copy.join(&bug.file), bug.put_into(&sound)?)?;
        let met = bench
            .build()
            .map_err(|said| format!("{}: {said}", bug.name))
            .and_then(|()| bench.play(&wanted));
        fs::write(bench.copy.join(&bug.file), &sound)?;
        let (verdict, what) = match met? {
            Met::Caught(what) => ("caught", what),
            Met::Missed => {
                missed += 1;
                ("MISSED", format!("{} seeds passed", wanted.seeds))
            }
        };
        played += 1;
        let took = begun.elapsed().as_secs();
        println!(
            "{verdict}  {took:>4} s  {}\n                {what}",
            bug.name
        );
    }
    println!(
        "{} bugs, {} caught, {missed} missed",
        played,
        played - missed
    );
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Where a bug is built and played.
struct Bench {
    target: PathBuf,
    copy: PathBuf,
}

impl Bench {
    fn build(&self) -> Result<(), String> {
        let built = Command::new("cargo")
            .args([
                "build",
                "--locked",
                "--quiet",
                "-p",
                "sojourn-tests",
                "--bin",
                "simulate",
            ])
            .current_dir(&self.copy)
            .env("CARGO_TARGET_DIR", &self.target)
            .output()
            .map_err(|error| error.to_string())?;
        if built.status.success() {
            Ok(())
        } else {
            Err(format!(
                "does not build: {}",
                String::from_utf8_lossy(&built.stderr)
            ))
        }
    }

    fn play(&self, wanted: &Wanted) -> Result<Met, String> {
        let played = Command::new(self.target.join("debug/simulate"))
            .args(["--failures", "1", "--raw"])
            .args(["--seeds", &wanted.seeds.to_string()])
            .args(["--ops", &wanted.ops.to_string()])
            .stdout(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&played.stderr);
        match (
            played.status.success(),
            said.lines().find(|line| line.starts_with("seed ")),
        ) {
            (true, _) => Ok(Met::Missed),
            (false, Some(line)) => Ok(Met::Caught(line.chars().take(160).collect())),
            (false, None) => Err(format!("the world ended by itself: {said}")),
        }
    }
}

/// Copies what differs, so that a build of the copy begins where the last one ended.
fn carry_over(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            carry_over(&entry.path(), &to.join(entry.file_name()))?;
        }
        for entry in fs::read_dir(to)? {
            let entry = entry?;
            if !from.join(entry.file_name()).exists() && entry.path().is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        return Ok(());
    }
    let wanted = fs::read(from)?;
    if fs::read(to).ok().as_ref() != Some(&wanted) {
        fs::write(to, wanted)?;
    }
    Ok(())
}
