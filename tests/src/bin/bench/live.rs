//! Two tablets of one village are online: from an edit on one until it can be read on the other.
//!
//! The second keeps `GET /v1/live` open and syncs at every hint.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use sojourn_client_core::{
    clock::{self, SystemRandom},
    sync::live,
};
use sojourn_sync_protocol::{
    HouseholdId,
    record::{Assignments, Edit, Value},
};
use sojourn_tests::{
    generate::{Generator, Household},
    numbers,
};

use crate::{
    Result,
    measure::{self, Spread},
    report::Report,
    scene::{Bound, Client, NOW, Register},
};

const AREA: &str = "v1";
const HOUSEHOLDS: usize = 500;
const EDITS: usize = 200;
/// Of which the bytes are counted.
const EDITS_COUNTED: usize = 50;
/// Milliseconds until an edit can be read elsewhere, durable on both tablets and the server.
const READABLE_MS_MAX: f64 = 5.0;
/// The same of one in a hundred.
const READABLE_MS_AT_WORST: f64 = 15.0;
/// An edit that has not arrived by then is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures it: the times beside the link, whose two hops each way would count as the register's, the bytes behind it.
pub(crate) fn run(bound: &Bound) -> Result<Report> {
    let register = Register::open(&[AREA.to_owned()], bound)?;
    let writer = register.tablet_beside_the_link("writer", &[AREA])?;
    let households = writer.fill(AREA, bound.count(HOUSEHOLDS), &mut Generator::new(4, NOW))?;
    let reader = register.tablet_beside_the_link("reader", &[AREA])?;
    reader.sync()?;
    register.pages_prepared()?;

    let mut rng = Pcg64Mcg::seed_from_u64(5);
    let mut pair = Pair {
        bound,
        households: &households,
        writer: &writer,
        reader: &reader,
        rng: &mut rng,
    };
    let edits = bound.count(EDITS);
    let before = register.meter()?;
    let took = pair.edits(edits)?;
    let cost = register.since(&before)?;

    let (counted_writer, counted_reader) = (
        register.tablet("counted-writer", &[AREA])?,
        register.tablet("counted-reader", &[AREA])?,
    );
    counted_writer.sync()?;
    counted_reader.sync()?;
    (pair.writer, pair.reader) = (&counted_writer, &counted_reader);
    let before = register.meter()?;
    pair.edits(EDITS_COUNTED)?;
    let counted = register.since(&before)?;

    let what = format!(
        "an edit on one online tablet until it can be read on another, which is told by /v1/live; {edits} times, {} households",
        households.len()
    );
    let mut report = Report::new("live", what);
    report.spread("readable", &Spread::of(took.readable));
    report.spread("of_which_edit_and_commit", &Spread::of(took.edited));
    report.spread("edited_and_handed_in", &Spread::of(took.handed_in));
    report.count("bytes_up_per_edit", counted.up / EDITS_COUNTED as u64);
    report.count("bytes_down_per_edit", counted.down / EDITS_COUNTED as u64);
    report.number(
        "server_cpu_ms_per_edit",
        cost.server_cpu * 1e3 / edits as f64,
    );
    report.count("server_peak_bytes", cost.server_peak);
    report.count("tablet_disk_bytes", measure::disk_bytes(&writer.folder)?);
    report.target("readable_p50_ms", READABLE_MS_MAX);
    report.target("readable_p99_ms", READABLE_MS_AT_WORST);
    register.close();
    Ok(report)
}

/// Who edits and who reads.
struct Pair<'a> {
    bound: &'a Bound,
    households: &'a [Household],
    writer: &'a Client,
    reader: &'a Client,
    rng: &'a mut Pcg64Mcg,
}

/// From the beginning of each edit.
#[derive(Default)]
struct Took {
    edited: Vec<Duration>,
    handed_in: Vec<Duration>,
    readable: Vec<Duration>,
}

impl Pair<'_> {
    /// Makes edits, each once the one before can be read.
    fn edits(&mut self, edits: usize) -> Result<Took> {
        let (awaited, waits) = mpsc::channel::<(HouseholdId, String)>();
        let (arrived, arrivals) = mpsc::channel();
        let (writer, reader) = (self.writer, self.reader);
        writer.tablet.set_online(true);
        let mut took = Took::default();
        thread::scope(|scope| -> Result<()> {
            let following = scope.spawn(move || follow(reader, waits, &arrived));
            arrivals.recv_timeout(PATIENCE)?;
            for at in 0..edits {
                self.bound.check()?;
                let household = self.households[at % self.households.len()].id;
                let phone = numbers::phone(self.rng);
                awaited.send((household, phone.clone()))?;
                let begun = Instant::now();
                let phone = Some(Value::Text(phone));
                let set = Assignments::from([("contact/phone".to_owned(), phone)]);
                let edit = Edit::Set { set };
                writer.tablet.edit(clock::now(), household, edit)?;
                took.edited.push(begun.elapsed());
                writer.sync()?;
                took.handed_in.push(begun.elapsed());
                let read_at: Instant = arrivals.recv_timeout(PATIENCE)?;
                took.readable.push(read_at.duration_since(begun));
            }
            drop(awaited);
            following
                .join()
                .map_err(|_| "the reader's thread panicked")?
        })?;
        Ok(took)
    }
}

/// Syncs at every hint, and says when what is awaited can be read; says once when the stream is open.
fn follow(
    reader: &Client,
    waits: mpsc::Receiver<(HouseholdId, String)>,
    arrived: &mpsc::Sender<Instant>,
) -> Result<()> {
    let (tablet, runtime) = (&reader.tablet, &reader.runtime);
    let mut random = SystemRandom;
    let opening = live::open(tablet, &reader.http, clock::now(), &mut random);
    let mut hints = runtime.block_on(opening)?;
    arrived.send(Instant::now())?;
    for (household, phone) in waits {
        loop {
            let hint = async { tokio::time::timeout(PATIENCE, hints.next()).await };
            runtime.block_on(hint)??.ok_or("the stream ended early")?;
            reader.sync()?;
            if tablet.show(household)?.0.phone == phone {
                arrived.send(Instant::now())?;
                break;
            }
        }
    }
    Ok(())
}
