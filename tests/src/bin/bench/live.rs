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
use sojourn_tests::{generate::Generator, numbers};

use crate::{
    Result,
    measure::{self, Spread},
    report::Report,
    scene::{Bound, Client, NOW, Register},
};

const AREA: &str = "v1";
const HOUSEHOLDS: usize = 500;
const EDITS: usize = 200;
/// Milliseconds until an edit can be read elsewhere, durable on both tablets and the server.
const READABLE_MS_MAX: f64 = 5.0;
/// The same of one in a hundred.
const READABLE_MS_AT_WORST: f64 = 15.0;
/// An edit that has not arrived by then is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures it.
pub(crate) fn run(bound: &Bound) -> Result<Report> {
    let register = Register::open(&[AREA.to_owned()], bound)?;
    let writer = register.tablet("writer", &[AREA])?;
    let households = writer.fill(AREA, bound.count(HOUSEHOLDS), &mut Generator::new(4, NOW))?;
    let reader = register.tablet("reader", &[AREA])?;
    reader.sync()?;
    writer.tablet.set_online(true);

    let edits = bound.count(EDITS);
    let before = register.meter()?;
    let (awaited, waits) = mpsc::channel::<(HouseholdId, String)>();
    let (arrived, arrivals) = mpsc::channel();
    let (mut edited, mut handed_in, mut readable) = (Vec::new(), Vec::new(), Vec::new());
    thread::scope(|scope| -> Result<()> {
        let following = scope.spawn(|| follow(reader, waits, &arrived));
        arrivals.recv_timeout(PATIENCE)?;
        let mut rng = Pcg64Mcg::seed_from_u64(5);
        for at in 0..edits {
            bound.check()?;
            let (household, phone) = (
                households[at % households.len()].id,
                numbers::phone(&mut rng),
            );
            awaited.send((household, phone.clone()))?;
            let begun = Instant::now();
            let set = Assignments::from([("contact/phone".to_owned(), Some(Value::Text(phone)))]);
            writer
                .tablet
                .edit(clock::now(), household, Edit::Set { set })?;
            edited.push(begun.elapsed());
            writer.sync()?;
            handed_in.push(begun.elapsed());
            let read_at: Instant = arrivals.recv_timeout(PATIENCE)?;
            readable.push(read_at.duration_since(begun));
        }
        drop(awaited);
        following
            .join()
            .map_err(|_| "the reader's thread panicked")?
    })?;
    let cost = register.since(&before)?;

    let what = format!(
        "an edit on one online tablet until it can be read on another, which is told by /v1/live; {edits} times, {} households",
        households.len()
    );
    let mut report = Report::new("live", what);
    report.spread("readable", &Spread::of(readable));
    report.spread("of_which_edit_and_commit", &Spread::of(edited));
    report.spread("edited_and_handed_in", &Spread::of(handed_in));
    report.count("bytes_up_per_edit", cost.up / edits as u64);
    report.count("bytes_down_per_edit", cost.down / edits as u64);
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

/// Syncs at every hint, and says when what is awaited can be read; says once when the stream is open.
fn follow(
    reader: Client,
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
