//! How many pushes the server takes in a second, and how long each waits.
//!
//! Tablets hand in what they wrote before, as fast as they are answered, one request after the other. They work on the
//! same machine as the server, so a rate here is a lower bound.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use sojourn_client_core::{clock, outbox::BatchBounds};
use sojourn_sync_protocol::{
    HouseholdId,
    record::{Assignments, Edit, Value},
};
use sojourn_tests::{generate::Generator, numbers};

use crate::{
    Result,
    measure::Spread,
    report::Report,
    scene::{Bound, Client, NOW, Register, at_once},
};

const TABLETS: usize = 16;
const HOUSEHOLDS: usize = 20;

/// Tablets at once, edits in one push, pushes of each tablet.
const LEVELS: [(usize, usize, usize); 4] = [(1, 1, 300), (4, 1, 100), (16, 1, 50), (16, 64, 10)];

struct Post {
    client: Client,
    households: Vec<HouseholdId>,
}

/// Measures every level.
pub(crate) fn run(bound: &Bound) -> Result<Report> {
    let villages: Vec<String> = (0..TABLETS).map(|at| format!("v{at}")).collect();
    let register = Register::open(&villages, bound)?;
    let mut posts = Vec::new();
    for (at, village) in villages.iter().enumerate() {
        let client = register.tablet(&format!("tablet-{at}"), &[village])?;
        let all = client.fill(village, HOUSEHOLDS, &mut Generator::new(at as u64, NOW))?;
        posts.push(Post {
            client,
            households: all.iter().map(|household| household.id).collect(),
        });
    }
    let what = "tablets push what they wrote before, one request after the other; all on the server's machine";
    let mut report = Report::new("ingest", what);
    let seed = AtomicU64::new(0);
    for (tablets, edits, pushes) in LEVELS {
        let pushes = bound.count(pushes);
        bound.check()?;
        let posts = &posts[..tablets];
        at_once(posts, |_, post| {
            write(post, edits * pushes, seed.fetch_add(1, Ordering::Relaxed))
        })?;
        let bounds = BatchBounds {
            changes: edits,
            ..BatchBounds::default()
        };
        let before = register.meter()?;
        let begun = Instant::now();
        let sessions = at_once(posts, |_, post| post.client.sync_in_batches(bounds))?;
        let wall = begun.elapsed();
        let cost = register.since(&before)?;
        let requests: Vec<_> = sessions.into_iter().flat_map(|one| one.requests).collect();
        let count = requests.len();
        if count < tablets * pushes {
            return Err("fewer pushes than meant".into());
        }
        let name = |what: &str| format!("{tablets}_tablets_{edits}_edits_a_push_{what}");
        report.number(&name("pushes_per_s"), count as f64 / wall.as_secs_f64());
        let made = (tablets * pushes * edits) as f64;
        report.number(&name("edits_per_s"), made / wall.as_secs_f64());
        report.spread(&name("answer"), &Spread::of(requests));
        report.number(
            &name("server_cpu_ms_per_push"),
            cost.server_cpu * 1e3 / count as f64,
        );
        report.count(&name("server_peak_bytes"), cost.server_peak);
    }
    register.close();
    Ok(report)
}

fn write(post: &Post, edits: usize, seed: u64) -> Result<()> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    for at in 0..edits {
        let household = post.households[at % post.households.len()];
        let phone = Some(Value::Text(numbers::phone(&mut rng)));
        let set = Assignments::from([("contact/phone".to_owned(), phone)]);
        post.client
            .tablet
            .edit(clock::now(), household, Edit::Set { set })?;
    }
    Ok(())
}
