//! The same tablet beside ever more households that are none of its business: what it pays must not grow.
//!
//! The others are handed in through the whole gate by several tablets at once.

use std::time::Instant;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use sojourn_client_core::clock;
use sojourn_sync_protocol::record::{Assignments, Edit, Value};
use sojourn_tests::{generate::Generator, numbers};

use crate::{
    Result,
    measure::{self, Spread},
    pusher::Pusher,
    report::Report,
    scene::{Bound, NOW, Register, at_once},
};

/// Households of a village; the tablet holds one village.
const VILLAGE_HOUSEHOLDS: usize = 500;
/// Handed in together.
const HOUSEHOLDS_A_PUSH: usize = 20;
const SESSIONS: usize = 101;
/// Villages registered at the same time.
const WRITERS: usize = 4;
/// What the largest may cost of the smallest.
const GROWTH_MAX: f64 = 1.3;
const SERVER_BYTES_MAX: f64 = 300e6;
const STATEMENTS: &str = "sojourn_store_statements_total";

/// What the tablet pays for one kind of session.
struct Paid {
    kind: &'static str,
    wall_ms: f64,
    cpu_ms: f64,
    bytes: f64,
    statements: f64,
}

/// Measures with so many households on the server, one number after the other.
pub(crate) fn run(sizes: &[usize], bound: &Bound) -> Result<Report> {
    let village = bound.count(VILLAGE_HOUSEHOLDS);
    let what = format!(
        "a tablet of {village} households, beside so many on the server; {SESSIONS} sessions of each kind"
    );
    let mut report = Report::new("growth", what);
    let mut all = Vec::new();
    for households in sizes {
        all.push(one(bound.count(*households), bound, &mut report)?);
    }
    if let [first, .., last] = all.as_slice() {
        for (small, large) in first.iter().zip(last) {
            let ratios = [
                ("wall", large.wall_ms / small.wall_ms),
                ("server_cpu", large.cpu_ms / small.cpu_ms),
                ("bytes", large.bytes / small.bytes),
                ("statements", large.statements / small.statements),
            ];
            for (what, ratio) in ratios {
                let name = format!("largest_over_smallest_{}_{what}", small.kind);
                report.number(&name, ratio);
                report.target(&name, GROWTH_MAX);
            }
        }
    }
    Ok(report)
}

fn one(households: usize, bound: &Bound, report: &mut Report) -> Result<Vec<Paid>> {
    let village = bound.count(VILLAGE_HOUSEHOLDS);
    let villages: Vec<String> = (0..households.div_ceil(village))
        .map(|at| format!("v{at}"))
        .collect();
    let register = Register::open(&villages, bound)?;
    let name = |kind: &str| format!("{households}_{kind}");
    let before = register.meter()?;
    let begun = Instant::now();
    let shares: Vec<Vec<(usize, &String)>> = (0..WRITERS)
        .map(|writer| {
            villages
                .iter()
                .enumerate()
                .skip(writer)
                .step_by(WRITERS)
                .collect()
        })
        .collect();
    at_once(&shares, |_, share| {
        share
            .iter()
            .try_for_each(|(at, code)| fill(&register, code, *at, village, bound))
    })?;
    let filling = register.since(&before)?;
    report.seconds(&name("registering"), begun.elapsed());
    report.number(&name("registering_server_cpu_s"), filling.server_cpu);
    report.count(&name("registering_server_peak_bytes"), filling.server_peak);

    let mut tablet = register.tablet("measured", &[&villages[0]])?;
    tablet.sync()?;
    register.pages_prepared()?;
    let ids: Vec<_> = tablet
        .tablet
        .list(&sojourn_client_core::projection::ListQuery::default())?
        .into_iter()
        .map(|row| row.id)
        .collect();
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    let mut all = Vec::new();
    for kind in ["idle", "one_edit"] {
        let (mut took, mut trips) = (Vec::new(), 0);
        let (before, statements) = (register.meter()?, register.metric(STATEMENTS)?);
        for at in 0..SESSIONS {
            bound.check()?;
            if kind == "one_edit" {
                let phone = Some(Value::Text(numbers::phone(&mut rng)));
                let set = Assignments::from([("contact/phone".to_owned(), phone)]);
                tablet
                    .tablet
                    .edit(clock::now(), ids[at % ids.len()], Edit::Set { set })?;
            }
            tablet.disconnect()?;
            let session = tablet.sync()?;
            took.push(session.took);
            trips = session.report.tally.requests;
        }
        let cost = register.since(&before)?;
        let runs = SESSIONS as f64;
        let spread = Spread::of(took);
        let paid = Paid {
            kind,
            wall_ms: spread.median().as_secs_f64() * 1e3,
            cpu_ms: cost.server_cpu * 1e3 / runs,
            bytes: (cost.up + cost.down) as f64 / runs,
            statements: (register.metric(STATEMENTS)? - statements) / runs,
        };
        report.spread(&name(kind), &spread);
        report.count(&name(&format!("{kind}_round_trips")), trips);
        report.number(&name(&format!("{kind}_bytes")), paid.bytes);
        report.number(&name(&format!("{kind}_server_cpu_ms")), paid.cpu_ms);
        report.number(&name(&format!("{kind}_statements")), paid.statements);
        all.push(paid);
    }
    let peak = measure::peak_bytes(register.server.pid()).ok_or("the server is running")?;
    report.count(&name("server_peak_bytes"), peak);
    report.target(&name("server_peak_bytes"), SERVER_BYTES_MAX);
    report.count(&name("server_disk_bytes"), register.disk_bytes()?);
    register.close();
    Ok(all)
}

/// Registers a village with its visits.
fn fill(register: &Register, code: &str, at: usize, village: usize, bound: &Bound) -> Result<()> {
    let mut pusher = Pusher::enrol(register, code)?;
    let mut generator = Generator::new(at as u64, NOW);
    let mut left = village;
    while left > 0 {
        bound.check()?;
        let mut changes = Vec::new();
        for _ in 0..HOUSEHOLDS_A_PUSH.min(left) {
            changes.extend(pusher.household(&mut generator)?.2);
            left -= 1;
        }
        let push = pusher.push(changes);
        pusher.hand_in(&push)?;
    }
    Ok(())
}
