//! Twenty tablets come back at once with 150 edits each; it is over when everybody holds the same.
//!
//! Each serves a village of its own and two hamlets, each shared with a neighbour, so a third of what is edited is
//! edited by two.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde_json::Value;
use sojourn_client_core::{clock, documents, store::StoreError};
use sojourn_sync_protocol::{
    AreaCode, DocKind, HouseholdId,
    record::{Assignments, Edit, Value as Field},
};
use sojourn_tests::{generate::Generator, numbers};

use crate::{
    Result,
    measure::{self, Floor, Spread},
    report::Report,
    scene::{Bound, Client, Cost, NOW, Register, at_once},
};

const TABLETS: usize = 20;
const VILLAGE_HOUSEHOLDS: usize = 90;
const HAMLET_HOUSEHOLDS: usize = 10;
/// Of the village; of its two hamlets a tablet edits every household.
const VILLAGE_EDITED: usize = 30;
const STORMS: u32 = 5;
/// Two rounds are enough; more would mean that something is handed round for ever.
const ROUNDS_MAX: u32 = 5;

/// Seconds until all agree.
const WALL_S_MAX: f64 = 1.0;
/// Bodies both ways, as a multiple of the floor both ways.
const BODIES_OVER_FLOOR_MAX: f64 = 1.3;
const SERVER_BYTES_MAX: f64 = 150e6;

struct Post {
    client: Client,
    areas: [String; 3],
    edited: Vec<HouseholdId>,
}

/// What one storm came to.
struct Storm {
    took: Duration,
    rounds: u32,
    requests: u64,
    body_up: u64,
    body_down: u64,
    cost: Cost,
    up_floor: Floor,
    down_floor: Floor,
}

/// Measures it several times on the same tablets.
pub(crate) fn run(bound: &Bound) -> Result<Report> {
    let village = |at: usize| format!("v{at}");
    let hamlet = |at: usize| format!("h{}", at % TABLETS);
    let codes: Vec<String> = (0..TABLETS)
        .flat_map(|at| [village(at), hamlet(at)])
        .collect();
    let register = Register::open(&codes, bound)?;
    let mut posts = Vec::new();
    let mut hamlets: Vec<Vec<HouseholdId>> = Vec::new();
    let (in_village, in_hamlet) = (
        bound.count(VILLAGE_HOUSEHOLDS),
        bound.count(HAMLET_HOUSEHOLDS),
    );
    for at in 0..TABLETS {
        let areas = [village(at), hamlet(at), hamlet(at + 1)];
        let granted: Vec<&str> = areas.iter().map(String::as_str).collect();
        let client = register.tablet(&format!("tablet-{at}"), &granted)?;
        let mut generator = Generator::new(at as u64, NOW);
        let own = client.fill(&areas[0], in_village, &mut generator)?;
        let shared = client.fill(&areas[1], in_hamlet, &mut generator)?;
        let edited = own
            .iter()
            .take(VILLAGE_EDITED)
            .map(|household| household.id);
        hamlets.push(shared.iter().map(|household| household.id).collect());
        posts.push(Post {
            client,
            areas,
            edited: edited.collect(),
        });
    }
    for (at, post) in posts.iter_mut().enumerate() {
        post.edited.extend(&hamlets[at]);
        post.edited.extend(&hamlets[(at + 1) % TABLETS]);
        post.client.sync()?;
    }
    let mut storms = Vec::new();
    for number in 0..STORMS {
        bound.check()?;
        storms.push(storm(&register, &posts, number)?);
    }
    same(&register, &posts, in_village + 2 * in_hamlet)?;
    let report = reported(&register, &posts, storms)?;
    register.close();
    Ok(report)
}

fn storm(register: &Register, posts: &[Post], number: u32) -> Result<Storm> {
    let written: Vec<Vec<(HouseholdId, Vec<u8>)>> = at_once(posts, |at, post| {
        edit_offline(post, number, at as u64)?;
        let pending = post.client.tablet.pending()?;
        Ok(pending
            .into_iter()
            .map(|row| (row.document.household, row.bytes))
            .collect())
    })?;
    let (up_floor, down_floor) = floors(posts, &written)?;

    let before = register.meter()?;
    measure::forget_peak(std::process::id())?;
    let begun = Instant::now();
    let (mut rounds, mut requests, mut body_up, mut body_down) = (0, 0, 0, 0);
    loop {
        let sessions = at_once(posts, |_, post| post.client.sync())?;
        rounds += 1;
        let mut pushed = 0;
        for session in &sessions {
            pushed += session.report.progress.pushed;
            requests += session.report.tally.requests;
            body_up += session.report.tally.body_bytes_up;
            body_down += session.report.tally.body_bytes_down;
        }
        // Each of these sessions agreed with the server by digest after the last edit had been handed in.
        if pushed == 0 {
            break;
        }
        if rounds == ROUNDS_MAX {
            return Err("the tablets still hand in after five rounds".into());
        }
    }
    let took = begun.elapsed();
    Ok(Storm {
        took,
        rounds,
        requests,
        body_up,
        body_down,
        cost: register.since(&before)?,
        up_floor,
        down_floor,
    })
}

/// Three edits to each household, as after three calls.
fn edit_offline(post: &Post, storm: u32, tablet: u64) -> Result<()> {
    let mut rng = Pcg64Mcg::seed_from_u64(u64::from(storm) << 32 | tablet);
    for household in &post.edited {
        let texts = [
            ("contact/phone", numbers::phone(&mut rng)),
            (
                "contact/note",
                format!("第{}次电话：周末在家，{tablet}号平板", storm + 1),
            ),
            (
                "residence/address",
                format!("村东{}号院{tablet}门", 100 + storm),
            ),
        ];
        for (path, text) in texts {
            let set = Assignments::from([(path.to_owned(), Some(Field::Text(text)))]);
            post.client
                .tablet
                .edit(clock::now(), *household, Edit::Set { set })?;
        }
    }
    Ok(())
}

/// What each tablet lacks at the server, and what the server lacks at each tablet, all tablets together.
fn floors(posts: &[Post], written: &[Vec<(HouseholdId, Vec<u8>)>]) -> Result<(Floor, Floor)> {
    let (mut up, mut down) = (Floor::default(), Floor::default());
    for (at, post) in posts.iter().enumerate() {
        let own: Vec<u8> = written[at]
            .iter()
            .flat_map(|(_, bytes)| bytes.clone())
            .collect();
        up = up.and(Floor::of(&own)?);
        let held: BTreeSet<HouseholdId> = post.edited.iter().copied().collect();
        let mut lacking = Vec::new();
        for (other, changes) in written.iter().enumerate().filter(|(other, _)| *other != at) {
            let shared = (other + 1) % TABLETS == at || (at + 1) % TABLETS == other;
            for (_, bytes) in changes.iter().filter(|(id, _)| shared && held.contains(id)) {
                lacking.extend_from_slice(bytes);
            }
        }
        down = down.and(Floor::of(&lacking)?);
    }
    Ok((up, down))
}

/// Compares every tablet with its neighbour by digest, and with the server by field.
fn same(register: &Register, posts: &[Post], each: usize) -> Result<()> {
    let digest = |post: &Post, area: &str| -> Result<_> {
        let area: AreaCode = area.parse()?;
        Ok(post.client.tablet.read::<_, StoreError>("digest", |tx| {
            documents::area_digest(tx, &area, &DocKind::ALL)
        })?)
    };
    for (at, post) in posts.iter().enumerate() {
        let next = &posts[(at + 1) % TABLETS];
        if digest(post, &post.areas[2])? != digest(next, &next.areas[1])? {
            return Err(format!("tablets {at} and its neighbour differ").into());
        }
        let mut on_tablet = BTreeMap::new();
        post.client.tablet.export(|view| {
            let line = serde_json::to_value(view).unwrap_or_default();
            on_tablet.extend(by_id(line));
            Ok::<_, StoreError>(())
        })?;
        let exported = post
            .areas
            .iter()
            .flat_map(|area| register.server.export(area));
        let on_server: BTreeMap<_, _> = exported.filter_map(by_id).collect();
        if on_tablet != on_server || on_tablet.len() != each {
            return Err(format!("tablet {at} and the server differ in a field").into());
        }
    }
    Ok(())
}

/// A household without what the office adds, and without the identity numbers that it sees masked.
fn by_id(mut line: Value) -> Option<(String, Value)> {
    let fields = line.as_object_mut()?;
    for added in ["area", "contested", "reviews"] {
        fields.remove(added);
    }
    let persons = fields.get_mut("persons").and_then(Value::as_object_mut);
    for person in persons.into_iter().flat_map(|all| all.values_mut()) {
        person.as_object_mut()?.remove("id_number");
    }
    let id = line["id"].as_str()?.to_owned();
    Some((id, line))
}

fn reported(register: &Register, posts: &[Post], mut storms: Vec<Storm>) -> Result<Report> {
    let edits = posts
        .iter()
        .map(|post| post.edited.len() as u64 * 3)
        .sum::<u64>();
    let what = format!(
        "{TABLETS} tablets with neighbours, {edits} edits made offline, all at once until all agree; the median of {STORMS} such storms"
    );
    storms.sort_by_key(|storm| storm.took);
    let walls = Spread::of(storms.iter().map(|storm| storm.took).collect());
    let (fastest, slowest) = (walls.percentile(0), walls.percentile(100));
    let median = &storms[storms.len() / 2];
    let mut report = Report::new("storm", what);
    report.seconds("wall", median.took);
    report.seconds("wall_fastest", fastest);
    report.seconds("wall_slowest", slowest);
    report.count("rounds", median.rounds);
    report.count("round_trips", median.requests);
    report.count("bytes_up", median.cost.up);
    report.count("bytes_down", median.cost.down);
    report.count("body_bytes_up", median.body_up);
    report.count("body_bytes_down", median.body_down);
    report.floor("up", median.up_floor);
    report.floor("down", median.down_floor);
    let bodies = (median.body_up + median.body_down) as f64;
    let floor = (median.up_floor.packed + median.down_floor.packed) as f64;
    report.number("bodies_over_floor", bodies / floor);
    report.number("server_cpu_s", median.cost.server_cpu);
    report.count("server_peak_bytes", median.cost.server_peak);
    report.target("wall_s", WALL_S_MAX);
    report.target("bodies_over_floor", BODIES_OVER_FLOOR_MAX);
    report.target("server_peak_bytes", SERVER_BYTES_MAX);
    let me = std::process::id();
    let together = measure::peak_bytes(me).ok_or("this process runs")?;
    report.count("tablets_together_peak_bytes", together);
    report.count("server_disk_bytes", register.disk_bytes()?);
    report.count(
        "tablet_disk_bytes",
        measure::disk_bytes(&posts[0].client.folder)?,
    );
    Ok(report)
}
