//! How many changes the server takes in a second through the whole gate, and how long each push waits.
//!
//! Pushes come at a given rate whatever the server answers, as from many villages; each is timed from the moment at which it
//! was due. What is refused is sent again when the server says, and in the end every change has been accepted once.

use std::{
    thread,
    time::{Duration, Instant},
};

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use sojourn_sync_protocol::record::{Assignments, Document, Edit, Value};
use sojourn_tests::{generate::Generator, numbers};

use crate::{
    Result,
    measure::Spread,
    pusher::{Answer, Push, Pusher, all_accepted},
    report::Report,
    scene::{Bound, NOW, Register, at_once},
};

/// More than the server works for and lets wait at once.
const TABLETS: usize = 512;
/// Of each tablet.
const HOUSEHOLDS: usize = 16;
/// In a push, two to each household.
const EDITS: usize = 32;
/// Of each household at a time.
const EDITS_TOGETHER: usize = 2;
/// One edit a push, one push after the other.
const LONE_PUSHES: usize = 300;
/// Changes a second that come in. The last is more than any server of this size takes.
const RATES: [usize; 5] = [1_000, 2_000, 3_200, 4_000, 20_000];
/// How long each rate is kept up, at least about: every tablet pushes once or more.
const SECONDS: usize = 6;
/// The rate promised, and how long a push may wait at it.
const PROMISED: f64 = 3_000.0;
const WAIT_MAX_MS: f64 = 250.0;

struct Post {
    pusher: Pusher,
    households: Vec<Document>,
    next: usize,
    rng: Pcg64Mcg,
}

/// What came of one rate.
#[derive(Default)]
struct Outcome {
    waits: Vec<Duration>,
    refused: u64,
}

/// Measures every rate.
pub(crate) fn run(bound: &Bound) -> Result<Report> {
    let villages: Vec<String> = (0..TABLETS).map(|at| format!("v{at}")).collect();
    let register = Register::open(&villages, bound)?;
    let mut posts = Vec::new();
    for (at, village) in villages.iter().enumerate() {
        let mut post = Post {
            pusher: Pusher::enrol(&register, village)?,
            households: Vec::new(),
            next: 0,
            rng: Pcg64Mcg::seed_from_u64(at as u64),
        };
        let mut generator = Generator::new(at as u64, NOW);
        for _ in 0..HOUSEHOLDS {
            let (_, core, changes) = post.pusher.household(&mut generator)?;
            post.households.push(core);
            let push = post.pusher.push(changes);
            post.pusher.hand_in(&push)?;
        }
        posts.push(post);
    }
    let what = format!(
        "{TABLETS} tablets push {EDITS} edits at a time, to half as many households, signed beforehand; pushes come at \
         the rate whatever the server says, {SECONDS} s or more at each, on the server's machine; the last rate is beyond it"
    );
    let mut report = Report::new("ingest", what);
    lone(&register, &mut posts[0], bound, &mut report)?;
    let mut held = 0.0;
    for rate in RATES {
        bound.check()?;
        let pushes = bound.count(rate * SECONDS / EDITS / TABLETS).max(1);
        let prepared = at_once_mut(&mut posts, |_, post| {
            (0..pushes)
                .map(|_| post.prepare(EDITS))
                .collect::<Result<Vec<_>>>()
        })?;
        let every = Duration::from_secs_f64((EDITS * TABLETS) as f64 / rate as f64);
        let before = register.meter()?;
        let accepted = register.metric("sojourn_ingest_changes_total{fate=\"accepted\"}")?;
        let begun = Instant::now();
        let mut all = Outcome::default();
        let outcomes = at_once_mut(&mut posts, |at, post| {
            // Tablets are spread evenly over the time between two pushes of one.
            let first = begun + every.mul_f64(at as f64 / TABLETS as f64);
            post.keep_up(&prepared[at], first, every)
        })?;
        let took = begun.elapsed();
        let cost = register.since(&before)?;
        let changes = (pushes * TABLETS * EDITS) as f64;
        let now = register.metric("sojourn_ingest_changes_total{fate=\"accepted\"}")?;
        if now - accepted != changes {
            return Err(format!("{changes} were handed in, {} accepted", now - accepted).into());
        }
        for outcome in outcomes {
            all.waits.extend(outcome.waits);
            all.refused += outcome.refused;
        }
        let waits = Spread::of(all.waits);
        let reached = changes / took.as_secs_f64();
        let p99 = waits.percentile(99).as_secs_f64() * 1e3;
        if p99 <= WAIT_MAX_MS && all.refused == 0 {
            held = reached.max(held);
        }
        let name = |what: &str| format!("{rate}_changes_a_second_{what}");
        report.number(&name("taken_in_per_s"), reached);
        report.spread(&name("wait"), &waits);
        report.count(&name("pushes_refused"), all.refused);
        report.number(
            &name("server_cpu_ms_per_change"),
            cost.server_cpu * 1e3 / changes,
        );
        report.count(&name("server_peak_bytes"), cost.server_peak);
    }
    let beyond = RATES[RATES.len() - 1];
    let refused = format!("{beyond}_changes_a_second_pushes_refused");
    report.target_at_least(&refused, 1.0);
    report.number("changes_per_s_with_p99_under_250_ms", held);
    report.target_at_least("changes_per_s_with_p99_under_250_ms", PROMISED);
    register.close();
    Ok(report)
}

/// One edit a push, each once the last was answered.
fn lone(register: &Register, post: &mut Post, bound: &Bound, report: &mut Report) -> Result<()> {
    let pushes = bound.count(LONE_PUSHES);
    let prepared = (0..pushes)
        .map(|_| post.prepare(1))
        .collect::<Result<Vec<_>>>()?;
    let before = register.meter()?;
    let mut waits = Vec::new();
    for push in &prepared {
        let begun = Instant::now();
        post.pusher.hand_in(push)?;
        waits.push(begun.elapsed());
    }
    let cost = register.since(&before)?;
    report.spread("one_edit_a_push_wait", &Spread::of(waits));
    report.number(
        "one_edit_a_push_server_cpu_ms",
        cost.server_cpu * 1e3 / pushes as f64,
    );
    Ok(())
}

impl Post {
    /// Makes and signs the next push.
    fn prepare(&mut self, edits: usize) -> Result<Push> {
        let mut changes = Vec::with_capacity(edits);
        for at in 0..edits {
            if at % EDITS_TOGETHER == 0 {
                self.next = (self.next + 1) % self.households.len();
            }
            let phone = Some(Value::Text(numbers::phone(&mut self.rng)));
            let set = Assignments::from([("contact/phone".to_owned(), phone)]);
            let document = &mut self.households[self.next];
            changes.push(self.pusher.edit(document, &Edit::Set { set })?);
        }
        Ok(self.pusher.push(changes))
    }

    /// Sends these pushes, one every so often, and those that were refused again until they are accepted.
    fn keep_up(&mut self, pushes: &[Push], first: Instant, every: Duration) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut due = first;
        for push in pushes {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            loop {
                match self.pusher.send(push)? {
                    Answer::Fates(fates) if all_accepted(&fates, push) => break,
                    Answer::Fates(_) => return Err("a change was not accepted".into()),
                    Answer::Busy(ms) => {
                        outcome.refused += 1;
                        thread::sleep(Duration::from_millis(ms));
                    }
                }
            }
            outcome.waits.push(due.elapsed());
            due += every;
        }
        Ok(outcome)
    }
}

/// As [`at_once`], for work that changes each.
fn at_once_mut<T: Send, R: Send>(
    all: &mut [T],
    work: impl Fn(usize, &mut T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let each: Vec<std::sync::Mutex<&mut T>> = all.iter_mut().map(std::sync::Mutex::new).collect();
    at_once(&each, |at, one| {
        let mut one = one.lock().map_err(|_| "a tablet's thread panicked")?;
        work(at, &mut one)
    })
}
