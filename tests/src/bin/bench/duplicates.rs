//! Looking for duplicates as households come in, beside a register of 100,000: what a look costs, how many of the families that
//! were planted again in other villages are found, and how many others are put before a person.
//!
//! Every household is handed in through the whole gate. What a look takes, the server measures itself around the one call that
//! does all of it: keys, candidates, comparison, pairs. Visits are left out; they are none of its business.

use std::{
    collections::BTreeSet,
    sync::Mutex,
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sojourn_sync_protocol::{
    DocumentId, HouseholdId,
    record::{Document, Edit, NewHousehold},
};
use sojourn_tests::{generate::Generator, linkage::again};

use crate::{
    Result,
    pusher::Pusher,
    report::Report,
    review::Console,
    scene::{Bound, NOW, Register, at_once, village},
};

const VILLAGES: usize = 200;
const VILLAGE_HOUSEHOLDS: usize = 500;
/// Households that come later, and of them those that are a family of the register again.
const LATER: usize = 1_000;
const PLANTED: usize = 200;
/// Handed in together.
const HOUSEHOLDS_A_PUSH: usize = 20;
/// Villages registered at the same time.
const WRITERS: usize = 4;
const LOOK_MS_MAX: f64 = 2.0;
/// What the server says of its looks, in milliseconds.
const LOOK: &str = "sojourn_duplicates_look_milliseconds";

/// Fills a register, plants families in it again, and counts what was found.
pub(crate) fn run(bound: &Bound) -> Result<Report> {
    let in_village = bound.count(VILLAGE_HOUSEHOLDS);
    let (later, planted) = (bound.count(LATER), bound.count(PLANTED));
    let what = format!(
        "{later} households come to a register of {VILLAGES} villages of {in_village}; {planted} of them are a family of another village, written down again with slips"
    );
    let mut report = Report::new("duplicates", what);
    let villages: Vec<String> = (0..VILLAGES).map(|at| format!("v{at}")).collect();
    let register = Register::open(&villages, bound)?;
    let numbers = Numbers::default();
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
    let begun = Instant::now();
    let filled = at_once(&shares, |_, share| {
        let mut families = Vec::new();
        for (at, code) in share {
            families.extend(fill(&register, code, *at, in_village, &numbers, bound)?);
        }
        Ok(families)
    })?;
    report.seconds("registering", begun.elapsed());
    let families: Vec<(HouseholdId, NewHousehold)> = filled.into_iter().flatten().collect();
    let (looks, spent) = (count(&register)?, sum(&register)?);
    report.number("look_mean_while_registering_ms", spent / looks.max(1.0));

    let console = Console::sign_in(&register)?;
    let before = pairs(&console)?;
    report.count("pairs_among_strangers", before.len() as u64);
    let mut rng = Pcg64Mcg::seed_from_u64(7);
    let mut truth = BTreeSet::new();
    let mut took: Vec<Duration> = Vec::new();
    let mut handed = 0;
    while handed < later {
        bound.check()?;
        let at = rng.random_range(0..VILLAGES);
        let mut pusher = Pusher::enrol(&register, &villages[at])?;
        let mut generator = Generator::new(10_000 + handed as u64, NOW);
        let mut changes = Vec::new();
        let mut here = 0;
        while here < HOUSEHOLDS_A_PUSH.min(later - handed) {
            let made = generator.household(&village(&villages[at])?, None);
            let mut new = made.new;
            if truth.len() < planted && rng.random_bool(0.5) {
                let (id, family) = &families[rng.random_range(0..families.len())];
                new = again::household(&mut rng, family, &village(&villages[at])?);
                truth.insert(in_order(*id, made.id));
            } else {
                numbers.keep_apart(&mut new);
            }
            changes.push(register_as(&pusher, made.id, new)?);
            here += 1;
        }
        let push = pusher.push(changes);
        let begun = Instant::now();
        pusher.hand_in(&push)?;
        took.push(begun.elapsed() / u32::try_from(here)?);
        handed += here;
    }
    let (later_looks, later_spent) = (count(&register)?, sum(&register)?);
    report.number(
        "look_mean_ms",
        (later_spent - spent) / (later_looks - looks).max(1.0),
    );
    report.target("look_mean_ms", LOOK_MS_MAX);
    for (quantile, name) in [("0.5", "look_p50_ms"), ("0.99", "look_p99_ms")] {
        let series = format!("{LOOK}{{quantile=\"{quantile}\"}}");
        report.number(name, register.metric(&series)?);
    }
    report.target("look_p50_ms", LOOK_MS_MAX);
    took.sort_unstable();
    let median = took[took.len() / 2];
    report.number("push_of_a_household_p50_ms", median.as_secs_f64() * 1e3);
    let after = pairs(&console)?;
    let raised: BTreeSet<_> = after.difference(&before).copied().collect();
    let found = truth.intersection(&after).count();
    report.count("planted", truth.len() as u64);
    report.count("planted_found", found as u64);
    report.number(
        "planted_found_share",
        found as f64 / truth.len().max(1) as f64,
    );
    report.target_at_least("planted_found_share", 0.97);
    report.count("others_raised", raised.difference(&truth).count() as u64);
    report.count("server_disk_bytes", register.disk_bytes()?);
    register.close();
    Ok(report)
}

/// Identity numbers that were given out. The generator has few, so that some would be two people's, which real ones never are.
#[derive(Default)]
struct Numbers(Mutex<BTreeSet<String>>);

impl Numbers {
    /// Takes away numbers that somebody has already.
    fn keep_apart(&self, household: &mut NewHousehold) {
        let mut known = self.0.lock().expect("nobody panics while counting");
        for person in &mut household.persons {
            let number = person.id_number.clone();
            if number.is_some_and(|number| !known.insert(number)) {
                (person.id_kind, person.id_number) = (None, None);
            }
        }
    }
}

fn in_order(one: HouseholdId, other: HouseholdId) -> (HouseholdId, HouseholdId) {
    (one.min(other), one.max(other))
}

fn count(register: &Register) -> Result<f64> {
    register.metric(&format!("{LOOK}_count"))
}

fn sum(register: &Register) -> Result<f64> {
    register.metric(&format!("{LOOK}_sum"))
}

fn register_as(
    pusher: &Pusher,
    id: HouseholdId,
    new: NewHousehold,
) -> Result<sojourn_sync_protocol::batch::PushedChange> {
    let edit = Edit::RegisterHousehold(new).with_ids(NOW, &mut crate::pusher::random);
    let mut core = Document::new(DocumentId::new(id, edit.document()));
    pusher.edit(&mut core, &edit)
}

/// Registers a village; gives what was registered.
fn fill(
    register: &Register,
    code: &str,
    at: usize,
    households: usize,
    numbers: &Numbers,
    bound: &Bound,
) -> Result<Vec<(HouseholdId, NewHousehold)>> {
    let mut pusher = Pusher::enrol(register, code)?;
    let mut generator = Generator::new(at as u64, NOW);
    let mut families = Vec::with_capacity(households);
    while families.len() < households {
        bound.check()?;
        let mut changes = Vec::new();
        for _ in 0..HOUSEHOLDS_A_PUSH.min(households - families.len()) {
            let mut made = generator.household(&village(code)?, None);
            numbers.keep_apart(&mut made.new);
            changes.push(register_as(&pusher, made.id, made.new.clone())?);
            families.push((made.id, made.new));
        }
        let push = pusher.push(changes);
        pusher.hand_in(&push)?;
    }
    Ok(families)
}

/// Every pair that waits, as a reviewer of the county sees it.
fn pairs(console: &Console) -> Result<BTreeSet<(HouseholdId, HouseholdId)>> {
    let mut found = BTreeSet::new();
    let mut after = String::new();
    loop {
        let path = format!("queue?kind=possible-duplicate&most=200{after}");
        let page = console.get(&path)?.1;
        for question in page["questions"].as_array().ok_or("a page of questions")? {
            let id = |key: &str| -> Result<HouseholdId> {
                Ok(question[key].as_str().ok_or("an id")?.parse()?)
            };
            found.insert((id("household")?, id("subject")?));
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(found),
        }
    }
}
