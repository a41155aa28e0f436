//! The same tablet beside ever more households that are none of its business: what it pays must not grow.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use sojourn_client_core::clock;
use sojourn_sync_protocol::record::{Assignments, Edit, Value};
use sojourn_tests::{generate::Generator, numbers};

use crate::{
    Result,
    measure::Spread,
    report::Report,
    scene::{Bound, Client, NOW, Register, at_once},
};

/// Households of a village; the tablet holds one village.
const VILLAGE_HOUSEHOLDS: usize = 500;
const SESSIONS: usize = 41;
/// Villages registered at the same time.
const WRITERS: usize = 4;

/// Measures with so many households on the server, one number after the other.
pub(crate) fn run(sizes: &[usize], bound: &Bound) -> Result<Report> {
    let village = bound.count(VILLAGE_HOUSEHOLDS);
    let what = format!(
        "a tablet of {village} households, beside so many on the server; {SESSIONS} sessions of each kind"
    );
    let mut report = Report::new("growth", what);
    for households in sizes {
        one(bound.count(*households), bound, &mut report)?;
    }
    Ok(report)
}

fn one(households: usize, bound: &Bound, report: &mut Report) -> Result<()> {
    let village = bound.count(VILLAGE_HOUSEHOLDS);
    let villages: Vec<String> = (0..households.div_ceil(village))
        .map(|at| format!("v{at}"))
        .collect();
    let register = Register::open(&villages, bound)?;
    for (number, some) in villages.chunks(WRITERS).enumerate() {
        let writers: Vec<Client> = some
            .iter()
            .map(|code| register.tablet(&format!("writer-{code}"), &[code]))
            .collect::<Result<_>>()?;
        at_once(&writers, |at, writer| {
            let mut generator = Generator::new((number * WRITERS + at) as u64, NOW);
            writer.fill(&some[at], village, &mut generator).map(|_| ())
        })?;
    }
    let mut tablet = register.tablet("measured", &[&villages[0]])?;
    tablet.sync()?;
    let ids: Vec<_> = tablet
        .tablet
        .list(&sojourn_client_core::projection::ListQuery::default())?
        .into_iter()
        .map(|row| row.id)
        .collect();

    let name = |kind: &str| format!("{households}_{kind}");
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    for kind in ["idle", "one_edit"] {
        let (mut took, mut trips) = (Vec::new(), 0);
        let before = register.meter()?;
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
        let runs = SESSIONS as u64;
        report.spread(&name(kind), &Spread::of(took));
        report.count(&name(&format!("{kind}_round_trips")), trips);
        report.count(&name(&format!("{kind}_bytes_up")), cost.up / runs);
        report.count(&name(&format!("{kind}_bytes_down")), cost.down / runs);
        report.number(
            &name(&format!("{kind}_server_cpu_ms")),
            cost.server_cpu * 1e3 / runs as f64,
        );
    }
    report.count(&name("server_disk_bytes"), register.disk_bytes()?);
    register.close();
    Ok(())
}
