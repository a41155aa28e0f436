//! `hostile ingest|inbox [--villages N] [--seed S] [--log FILE]`: puts mutants through the server's ingest or a tablet's inbox,
//! village by village, and says what became of them. With a log each finished village is one line of it, those that stand there are not played again,
//! and the sum is over all of them; so a long run can be stopped and gone on with. Ends with a panic, naming the seeds, when
//! anything did not hold. `hostile examples --into FOLDER` writes what each decoder takes, as the inputs that fuzzing begins with.

use clap::{Args, Parser};
use serde::{Deserialize, Serialize};
use sojourn_tests::hostile::{
    Tally, hush_the_library,
    inbox::{self, VILLAGE_SESSIONS},
    ingest::{self, VILLAGE_MUTANTS},
    targets::TARGETS,
};
use std::{
    collections::BTreeMap,
    error::Error,
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

/// What to do.
#[derive(Debug, Parser)]
enum Wanted {
    /// Mutants to the server, by a device that is not honest: 50,000 in each village.
    Ingest(Villages),
    /// Mutants to a tablet, by a server that lies: 5,000 sessions in each village.
    Inbox(Villages),
    /// Write the examples of every decoder.
    Examples {
        /// A folder, in which each decoder gets one.
        #[arg(long)]
        into: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Villages {
    /// How many villages.
    #[arg(long, default_value_t = 1)]
    villages: u64,
    /// The number of the first village.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where finished villages are written down.
    #[arg(long)]
    log: Option<PathBuf>,
}

/// One line of the log.
#[derive(Debug, Serialize, Deserialize)]
struct Finished {
    village: u64,
    #[serde(flatten)]
    tally: Tally,
}

fn main() -> Result<(), Box<dyn Error>> {
    hush_the_library();
    match Wanted::parse() {
        Wanted::Ingest(wanted) => {
            play(&wanted, |village| ingest::village(village, VILLAGE_MUTANTS))
        }
        Wanted::Inbox(wanted) => play(&wanted, |village| {
            inbox::sessions(village, VILLAGE_SESSIONS)
        }),
        Wanted::Examples { into } => write_examples(&into),
    }
}

fn play(wanted: &Villages, village: impl Fn(u64) -> Tally) -> Result<(), Box<dyn Error>> {
    let mut finished = BTreeMap::new();
    if let Some(log) = wanted.log.as_ref().filter(|log| log.exists()) {
        for line in fs::read_to_string(log)?.lines() {
            let line: Finished = serde_json::from_str(line)?;
            finished.insert(line.village, line.tally);
        }
    }
    for number in wanted.seed..wanted.seed + wanted.villages {
        if finished.contains_key(&number) {
            continue;
        }
        let tally = village(number);
        if let Some(log) = &wanted.log {
            let line = Finished {
                village: number,
                tally: tally.clone(),
            };
            let mut log = OpenOptions::new().create(true).append(true).open(log)?;
            log.write_all(format!("{}\n", serde_json::to_string(&line)?).as_bytes())?;
        }
        finished.insert(number, tally);
    }
    let mut sum = Tally::default();
    finished.values().for_each(|tally| sum.add(tally));
    print!("{} villages, nothing escaped: {sum}", finished.len());
    Ok(())
}

fn write_examples(into: &Path) -> Result<(), Box<dyn Error>> {
    for target in TARGETS {
        let folder = into.join(target.name);
        fs::create_dir_all(&folder)?;
        for (n, example) in (target.examples)().into_iter().enumerate() {
            fs::write(folder.join(format!("example-{n:02}")), example)?;
        }
    }
    Ok(())
}
