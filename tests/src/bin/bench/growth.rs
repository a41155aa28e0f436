//! The same tablet beside ever more households that are none of its business: what it pays must not grow.
//!
//! The others are handed in through the whole gate by several tablets at once.

use std::time::Instant;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use sojourn_client_core::{clock, projection::ListQuery};
use sojourn_sync_protocol::{
    HouseholdId,
    record::{Assignments, Edit, Value},
};
use sojourn_tests::{generate::Generator, numbers};

use crate::{
    Result,
    measure::{self, Spread},
    pusher::Pusher,
    report::Report,
    scene::{Bound, Client, NOW, Register, at_once},
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
    wall_ms: f64,
    cpu_ms: f64,
    bytes: f64,
    statements: f64,
}

/// A server with so many households, and the tablet that is measured beside them.
struct Side {
    households: usize,
    register: Register,
    tablet: Client,
    ids: Vec<HouseholdId>,
}

impl Side {
    fn name(&self, kind: &str) -> String {
        format!("{}_{kind}", self.households)
    }
}

/// Measures with so many households on the server. The servers take turns, so that what the machine does meanwhile
/// costs them alike.
pub(crate) fn run(sizes: &[usize], bound: &Bound) -> Result<Report> {
    let village = bound.count(VILLAGE_HOUSEHOLDS);
    let what = format!(
        "a tablet of {village} households, beside so many on the server; {SESSIONS} sessions of each kind, the servers by turns"
    );
    let mut report = Report::new("growth", what);
    let mut sides = Vec::new();
    for households in sizes {
        sides.push(prepare(bound.count(*households), bound, &mut report)?);
    }
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    for kind in ["idle", "one_edit"] {
        let paid = by_turns(kind, &mut sides, &mut rng, bound, &mut report)?;
        if let [small, .., large] = paid.as_slice() {
            let ratios = [
                ("wall", large.wall_ms / small.wall_ms),
                ("server_cpu", large.cpu_ms / small.cpu_ms),
                ("bytes", large.bytes / small.bytes),
                ("statements", large.statements / small.statements),
            ];
            for (what, ratio) in ratios {
                let name = format!("largest_over_smallest_{kind}_{what}");
                report.number(&name, ratio);
                report.target(&name, GROWTH_MAX);
            }
        }
    }
    for side in sides {
        let peak =
            measure::peak_bytes(side.register.server.pid()).ok_or("the server is running")?;
        report.count(&side.name("server_peak_bytes"), peak);
        report.target(&side.name("server_peak_bytes"), SERVER_BYTES_MAX);
        report.count(&side.name("server_disk_bytes"), side.register.disk_bytes()?);
        side.register.close();
    }
    Ok(report)
}

/// Fills a server, and lets the tablet fetch its village.
fn prepare(households: usize, bound: &Bound, report: &mut Report) -> Result<Side> {
    let village = bound.count(VILLAGE_HOUSEHOLDS);
    let villages: Vec<String> = (0..households.div_ceil(village))
        .map(|at| format!("v{at}"))
        .collect();
    let register = Register::open(&villages, bound)?;
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
    let took = begun.elapsed();

    let tablet = register.tablet("measured", &[&villages[0]])?;
    tablet.sync()?;
    register.pages_prepared()?;
    let rows = tablet.tablet.list(&ListQuery::default())?;
    let side = Side {
        households,
        register,
        tablet,
        ids: rows.into_iter().map(|row| row.id).collect(),
    };
    report.seconds(&side.name("registering"), took);
    report.number(&side.name("registering_server_cpu_s"), filling.server_cpu);
    report.count(
        &side.name("registering_server_peak_bytes"),
        filling.server_peak,
    );
    Ok(side)
}

/// One kind of session, again and again, with each server in turn.
fn by_turns(
    kind: &'static str,
    sides: &mut [Side],
    rng: &mut Pcg64Mcg,
    bound: &Bound,
    report: &mut Report,
) -> Result<Vec<Paid>> {
    let mut before = Vec::new();
    for side in &*sides {
        before.push((side.register.meter()?, side.register.metric(STATEMENTS)?));
    }
    let mut took = vec![Vec::new(); sides.len()];
    let mut trips = vec![0; sides.len()];
    for at in 0..SESSIONS {
        bound.check()?;
        for (side, (took, trips)) in sides.iter_mut().zip(took.iter_mut().zip(&mut trips)) {
            if kind == "one_edit" {
                let phone = Some(Value::Text(numbers::phone(rng)));
                let set = Assignments::from([("contact/phone".to_owned(), phone)]);
                let household = side.ids[at % side.ids.len()];
                side.tablet
                    .tablet
                    .edit(clock::now(), household, Edit::Set { set })?;
            }
            side.tablet.disconnect()?;
            let session = side.tablet.sync()?;
            took.push(session.took);
            *trips = session.report.tally.requests;
        }
    }
    let mut paid = Vec::new();
    for (at, side) in sides.iter().enumerate() {
        let cost = side.register.since(&before[at].0)?;
        let runs = SESSIONS as f64;
        let spread = Spread::of(std::mem::take(&mut took[at]));
        let one = Paid {
            wall_ms: spread.median().as_secs_f64() * 1e3,
            cpu_ms: cost.server_cpu * 1e3 / runs,
            bytes: (cost.up + cost.down) as f64 / runs,
            statements: (side.register.metric(STATEMENTS)? - before[at].1) / runs,
        };
        report.spread(&side.name(kind), &spread);
        report.count(&side.name(&format!("{kind}_round_trips")), trips[at]);
        report.number(&side.name(&format!("{kind}_bytes")), one.bytes);
        report.number(&side.name(&format!("{kind}_server_cpu_ms")), one.cpu_ms);
        report.number(&side.name(&format!("{kind}_statements")), one.statements);
        paid.push(one);
    }
    Ok(paid)
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
