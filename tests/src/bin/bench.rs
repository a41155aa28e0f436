//! `make bench`: how long, and how many bytes, with the programs as people run them, over loopback.
//!
//! Three figures that other systems are known by: a storm of edits until twenty tablets agree, an empty tablet that
//! fetches 5,000 households, and the same tablet with nothing new. Times include starting a process and deriving the
//! key from the passphrase, which the last line tells apart. Prints; judges nothing.

use std::{
    error::Error,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use sojourn_sync_protocol::Timestamp;
use sojourn_tests::{
    files,
    generate::{Generator, Household, Village},
    processes::{Server, Tablet},
};

/// 2026-11-24, ten in the morning in UTC+8: a moment of the generated families, not of the tablets' clocks.
const NOW: Timestamp = Timestamp::from_millis(1_795_485_600_000);
const AREA: &str = "370724113259";

const STORM_TABLETS: usize = 20;
const STORM_HOUSEHOLDS: usize = 200;
const STORM_EDITS_EACH: usize = 150;

const BOOTSTRAP_HOUSEHOLDS: usize = 5_000;
const BOOTSTRAP_PERSONS: usize = 4;
const BOOTSTRAP_VISITS: usize = 10;
const IDLE_RUNS: usize = 11;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    storm(&folder.path().join("storm"))?;
    bootstrap(&folder.path().join("bootstrap"))
}

/// A running register and so many tablets enrolled in it for one village.
fn register(folder: &Path, tablets: usize) -> Result<(Server, Vec<Tablet>), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let mut server = Server::new(folder.join("server"));
    let codes = server.start_demo(&vec![AREA; tablets]);
    let mut enrolled = Vec::with_capacity(tablets);
    for (number, code) in codes.iter().enumerate() {
        let tablet = Tablet::new(folder.join(format!("tablet-{number}")));
        let code = code["code"]
            .as_str()
            .ok_or("the server prints a code for each area")?;
        tablet
            .run(["enrol", "--server", &server.url(), "--code", code])
            .ok();
        enrolled.push(tablet);
    }
    Ok((server, enrolled))
}

fn village() -> Result<Village, Box<dyn Error>> {
    Ok(Village {
        code: AREA.parse()?,
        name: "演练村委会".to_owned(),
    })
}

fn import(tablet: &Tablet, lines: &[Value]) -> Result<(), Box<dyn Error>> {
    let file = tablet.data.with_extension("jsonl");
    fs::write(&file, files::text(lines))?;
    tablet.run([Path::new("import"), &file]).ok();
    Ok(())
}

fn storm(folder: &Path) -> Result<(), Box<dyn Error>> {
    let (mut server, tablets) = register(folder, STORM_TABLETS)?;
    let mut generator = Generator::new(1, NOW);
    let village = village()?;
    let households: Vec<Household> = (0..STORM_HOUSEHOLDS)
        .map(|_| generator.household(&village, None))
        .collect();
    let lines: Vec<_> = households
        .iter()
        .map(|household| files::household_line(household, NOW))
        .collect();
    import(&tablets[0], &lines)?;
    for tablet in &tablets {
        agreed(tablet);
    }
    for (number, tablet) in tablets.iter().enumerate() {
        let mut staff = Generator::new(100 + number as u64, NOW);
        let day = staff.working_day(&mut households.clone(), NOW, STORM_EDITS_EACH);
        import(tablet, &files::day_lines(&day))?;
    }
    // Once to hand in, and once for what the others handed in meanwhile.
    let begun = Instant::now();
    let (mut up, mut down) = (0, 0);
    for _ in 0..2 {
        for report in all_at_once(&tablets) {
            up += bytes(&report, "body_bytes_up");
            down += bytes(&report, "body_bytes_down");
        }
    }
    let took = begun.elapsed();
    let cursors: Vec<_> = tablets
        .iter()
        .map(|tablet| tablet.run(["status", "--json"]).json()["cursor"].clone())
        .collect();
    if cursors.iter().any(|cursor| *cursor != cursors[0]) {
        return Err("the tablets did not converge in two rounds".into());
    }
    println!(
        "storm: {STORM_TABLETS} tablets, {} edits, until all agree: {}, {} up, {} down",
        STORM_TABLETS * STORM_EDITS_EACH,
        seconds(took),
        megabytes(up),
        megabytes(down)
    );
    server.stop();
    server.run(["check"]).ok();
    Ok(())
}

fn bootstrap(folder: &Path) -> Result<(), Box<dyn Error>> {
    let (mut server, tablets) = register(folder, 2)?;
    let [writer, empty] = tablets.as_slice() else {
        return Err("two tablets were enrolled".into());
    };
    let mut generator = Generator::new(2, NOW);
    let village = village()?;
    let mut lines = Vec::new();
    for _ in 0..BOOTSTRAP_HOUSEHOLDS {
        let household = generator.household(&village, Some(BOOTSTRAP_PERSONS));
        lines.extend(files::household_with_visits(
            &mut generator,
            &household,
            BOOTSTRAP_VISITS,
            NOW,
        ));
    }
    let begun = Instant::now();
    import(writer, &lines)?;
    println!(
        "import: {} edits on one tablet: {}",
        lines.len(),
        seconds(begun.elapsed())
    );

    let (report, took) = timed(|| agreed(writer));
    println!(
        "hand in: {} changes: {}, {} up",
        report["pushed"],
        seconds(took),
        megabytes(bytes(&report, "body_bytes_up"))
    );
    let (report, took) = timed(|| agreed(empty));
    println!(
        "bootstrap: {BOOTSTRAP_HOUSEHOLDS} households of {BOOTSTRAP_PERSONS} persons and {BOOTSTRAP_VISITS} visits: {}, {} down, {} requests",
        seconds(took),
        megabytes(bytes(&report, "body_bytes_down")),
        report["round_trips"]
    );
    let mut idle: Vec<_> = (0..IDLE_RUNS).map(|_| timed(|| agreed(empty))).collect();
    idle.sort_by_key(|(_, took)| *took);
    let (report, took) = &idle[IDLE_RUNS / 2];
    println!(
        "idle: {BOOTSTRAP_HOUSEHOLDS} households unchanged: {} (median of {IDLE_RUNS}), {} bytes of bodies, {} request(s)",
        seconds(*took),
        bytes(report, "body_bytes_up") + bytes(report, "body_bytes_down"),
        report["round_trips"]
    );
    let mut opened: Vec<_> = (0..IDLE_RUNS)
        .map(|_| timed(|| empty.run(["status", "--json"]).ok()).1)
        .collect();
    opened.sort_unstable();
    println!(
        "of which starting the program and deriving the key: {}",
        seconds(opened[IDLE_RUNS / 2])
    );
    server.stop();
    server.run(["check"]).ok();
    Ok(())
}

/// Syncs, and takes nothing less than agreement.
fn agreed(tablet: &Tablet) -> Value {
    let report = tablet.run(["sync", "--json"]).json();
    assert_eq!(report["outcome"], "agreed", "{report}");
    report
}

fn all_at_once(tablets: &[Tablet]) -> Vec<Value> {
    thread::scope(|scope| {
        let running: Vec<_> = tablets
            .iter()
            .map(|tablet| scope.spawn(move || agreed(tablet)))
            .collect();
        running
            .into_iter()
            .map(|one| one.join().expect("every tablet agrees"))
            .collect()
    })
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}

fn bytes(report: &Value, key: &str) -> u64 {
    report[key].as_u64().unwrap_or_default()
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}
