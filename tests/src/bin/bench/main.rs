//! `make bench`: what the project promises, measured with the real server over loopback.
//!
//! Prints, and judges nothing but that everybody ends with the same content. Bounded in count and in time. What the machine
//! itself does comes first; the figures of one are in docs/PERFORMANCE.md.

mod duplicates;
mod five;
mod growth;
mod ingest;
mod linkage;
mod live;
mod machine;
mod measure;
mod pusher;
mod report;
mod review;
mod scene;
mod storm;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};

use five::Five;
use report::Report;
use scene::Bound;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Households on the server, without and with `--large`.
const GROWTH: [usize; 3] = [1_000, 10_000, 100_000];
const GROWTH_LARGE: [usize; 2] = [1_000, 1_000_000];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Workload {
    /// 20 tablets hand in 3,000 edits at once, until all hold the same
    Storm,
    /// An empty tablet fetches 5,000 households
    Bootstrap,
    /// A tablet of 5,000 households connects again and nothing has changed
    Idle,
    /// An edit on one online tablet until it can be read on another
    Live,
    /// One tablet beside 1,000, 10,000 and 100,000 households on the server
    Growth,
    /// Changes a second, and how long each push waits
    Ingest,
    /// List, search, open and edit on a tablet of 5,000 households
    Local,
    /// Which records are of one person: FEBRL's files and generated families, truth known to the bench alone
    Linkage,
    /// What looking for duplicates costs as households come in beside 100,000, and what it finds
    Duplicates,
    /// A reviewer at the console, beside 100,000 households with 5,000 open questions
    Review,
}

/// Measures the register over loopback, on generated families.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Which; all of them when none is named
    workloads: Vec<Workload>,
    /// Print one line of JSON for each
    #[arg(long)]
    json: bool,
    /// With growth: 1,000 and 1,000,000 households (takes hours; see --minutes)
    #[arg(long)]
    large: bool,
    /// With linkage: a file of FEBRL's more, or two in each of which nobody stands twice (may be given twice)
    #[arg(long, value_name = "CSV")]
    febrl: Vec<PathBuf>,
    /// Print the weights that come with the program as they are learned from generated families, and nothing else
    #[arg(long)]
    weights: bool,
    /// A tenth of everything, to see that it works
    #[arg(long)]
    tenth: bool,
    /// Stop after so many minutes
    #[arg(long, default_value_t = 60)]
    minutes: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if arguments.weights {
        print!("{}", sojourn_tests::linkage::families::weights().to_json());
        return Ok(());
    }
    let bound = Bound::after(
        Duration::from_secs(arguments.minutes * 60),
        if arguments.tenth { 10 } else { 1 },
    );
    let workloads = if arguments.workloads.is_empty() {
        Workload::value_variants()
    } else {
        arguments.workloads.as_slice()
    };
    print(&machine::run()?, arguments.json);
    // Three workloads share one village of 5,000, which takes a while to register.
    let mut five = None;
    for workload in workloads {
        let report = match workload {
            Workload::Storm => storm::run(&bound)?,
            Workload::Bootstrap => village(&mut five, &bound)?.bootstrap()?,
            Workload::Idle => village(&mut five, &bound)?.idle()?,
            Workload::Local => village(&mut five, &bound)?.local()?,
            Workload::Live => live::run(&bound)?,
            Workload::Growth if arguments.large => growth::run(&GROWTH_LARGE, &bound)?,
            Workload::Growth => growth::run(&GROWTH, &bound)?,
            Workload::Ingest => ingest::run(&bound)?,
            Workload::Duplicates => duplicates::run(&bound)?,
            Workload::Review => review::run(&bound)?,
            Workload::Linkage => linkage::run(&arguments.febrl, &bound)?,
        };
        print(&report, arguments.json);
    }
    if let Some(five) = five {
        five.close();
    }
    Ok(())
}

fn village<'f>(five: &'f mut Option<Five>, bound: &Bound) -> Result<&'f mut Five> {
    if five.is_none() {
        *five = Some(Five::open(bound)?);
    }
    Ok(five.as_mut().ok_or("it was registered above")?)
}

fn print(report: &Report, json: bool) {
    if json {
        println!("{}", report.json());
    } else {
        println!("{}", report.text());
    }
}
