//! Mutants through the server's ingest with a real store, village by village: every mutant meets a fate, its bytes wait when
//! they are kept aside, and an honest tablet's next push is accepted.
//!
//! A village is drawn from its number alone, so one that fails can be played again by itself.

use super::{Dice, Tally, change as mutator, peak_mib, village::*};
use rusqlite::{Connection, OpenFlags};
use sojourn_sync_protocol::{
    DocKind, HouseholdId,
    batch::PushedChange,
    gate,
    limits::BATCH_BYTES_MAX,
    message::Fate,
    record::{Document, Edit, NewMove, NewNeed, NewPerson, NewVisit, Value},
};
use std::{
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

/// Mutants of one village at most; then a new one, so that a register stays as small as villages make it.
pub const VILLAGE_MUTANTS: u64 = 50_000;
/// One change pushed by itself, at the slowest and on a busy machine.
pub const CHANGE_AT_MOST: Duration = Duration::from_secs(2);
/// The whole process, server and tablets in it.
pub const MEMORY_MIB_MAX: u64 = 256;

/// Mutants made from the same state of the documents.
const GENERATION: u64 = 500;
/// Generations of the same households: the second builds on what was accepted of the first.
const GENERATIONS: u64 = 2;
/// Households spoilt at a time.
const HOUSEHOLDS: usize = 8;
/// Of every tenth generation so many are pushed one by one.
const SINGLY: usize = 20;
/// One mutant in so many is tried on the document library alone.
const ALONE: u64 = 8;

/// What the honest tablet does meanwhile.
struct Honest {
    tablet: sojourn_client_core::Tablet,
    /// A household that it holds and edits next.
    next: Option<HouseholdId>,
}

/// Plays a village with so many mutants; its seeds begin at `number` times 2³².
///
/// # Panics
/// When anything does not hold, naming the seeds.
pub fn village(number: u64, mutants: u64) -> Tally {
    let begun = Instant::now();
    let village = Village::new();
    let mut honest = Honest {
        tablet: village.tablet(),
        next: None,
    };
    let mut bad = village.bad_device();
    let database =
        Connection::open_with_flags(village.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)
            .expect("the register's database");
    let mut tally = Tally::default();
    while tally.mutants < mutants {
        let mut families = bad.register(&village, HOUSEHOLDS);
        for _ in 0..GENERATIONS {
            let first = (number << 32) + tally.mutants;
            let many = GENERATION.min(mutants - tally.mutants);
            let changes = spoilt(&mut bad, &families, first..first + many, &mut tally);
            let singly = if (tally.mutants / GENERATION).is_multiple_of(10) {
                SINGLY
            } else {
                0
            };
            for batch in batches(changes, singly) {
                let watch = Instant::now();
                let (fates, digest) = bad.push(&village, batch.clone());
                let each = u32::try_from(batch.len()).expect("few");
                tally.took(watch.elapsed() / each);
                assert_eq!(fates.len(), batch.len(), "mutants from seed {first}");
                expect_kept(&database, &digest, &batch, &fates);
                take_accepted(&mut families, &batch, &fates);
                fates.iter().for_each(|fate| tally.meet(&name(fate)));
            }
            tally.mutants += many;
        }
        honest.work(&village, tally.mutants, families[0][0].id().household);
    }
    village.sync(&honest.tablet);
    village.expect_sound();
    let newcomer = village.tablet();
    village.sync(&newcomer);
    let register = village.register();
    assert_eq!(village.held(&newcomer), register);
    assert_eq!(village.held(&honest.tablet), register);
    tally.peak_mib = peak_mib().unwrap_or(0);
    tally.ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tally
}

impl Honest {
    /// Edits a household whose documents were spoilt, hands it in, and fetches those of the next.
    fn work(&mut self, village: &Village, n: u64, next: HouseholdId) {
        if let Some(household) = self.next.replace(next) {
            let address = Value::Text(format!("东 {n} 号"));
            let edit = Edit::Set {
                set: [("residence/address".to_owned(), Some(address))].into(),
            };
            let edited = self
                .tablet
                .edit(sojourn_server::clock::now(), household, edit);
            edited.unwrap_or_else(|error| panic!("after {n} mutants: {error}"));
        }
        village.sync(&self.tablet);
    }
}

/// Edits of a document, to be spoilt.
fn edits(kind: DocKind, n: u64) -> Vec<Edit> {
    let set = |path: &str, value: String| Edit::Set {
        set: [(path.to_owned(), Some(Value::Text(value)))].into(),
    };
    let on = "2026-11-25".to_owned();
    match kind {
        DocKind::Health => vec![Edit::RecordVisit(NewVisit {
            on,
            kind: "follow-up".into(),
            ..NewVisit::default()
        })],
        DocKind::Core => vec![
            set("contact/phone", format!("1000{:07}", n % 10_000_000)),
            set("residence/address", format!("{n} 号")),
            Edit::AddPerson(NewPerson {
                name: format!("王{n}"),
                ..NewPerson::default()
            }),
            Edit::NoteNeed(NewNeed {
                kind: "school".into(),
                text: "书本".into(),
                ..NewNeed::default()
            }),
            Edit::Move(NewMove {
                to: AREA.into(),
                on,
                ..NewMove::default()
            }),
        ],
    }
}

/// What the document library makes of a mutant that passed the first gate, with nothing of ours around it.
fn library_alone(tally: &mut Tally, document: &[u8], mutant: &[u8]) {
    if gate::read_head(mutant).is_err() {
        return;
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut document = automerge::Automerge::load(document).expect("a document of ours");
        let change = automerge::Change::try_from(mutant).ok()?;
        document.apply_changes([change]).ok()?;
        Some(automerge::Automerge::load(&document.save()).is_ok())
    }));
    tally.meet(match outcome {
        Err(_) => "library alone: panics",
        Ok(Some(false)) => "library alone: is saved and cannot be loaded",
        Ok(Some(true)) => "library alone: is taken",
        Ok(None) => "library alone: is refused",
    });
}

fn name(fate: &Fate) -> String {
    match fate {
        Fate::Quarantined { reason } => format!("kept aside: {}", reason.name()),
        Fate::Accepted { .. } => "accepted".into(),
        other => format!("{other:?}"),
    }
}

/// Every change that was kept aside waits with its very bytes.
fn expect_kept(database: &Connection, digest: &[u8; 32], changes: &[PushedChange], fates: &[Fate]) {
    let mut query = database
        .prepare_cached(
            "SELECT place, reason, bytes FROM quarantine WHERE device = ?1 AND batch = ?2",
        )
        .expect("the table is there");
    let rows = query.query_map([&BAD_DEVICE[..], digest], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            (row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?),
        ))
    });
    let kept: BTreeMap<_, _> = rows
        .expect("it can be read")
        .map(|row| row.expect("a row"))
        .collect();
    for (place, fate) in fates.iter().enumerate() {
        let reason = match fate {
            Fate::Quarantined { reason } => Some(reason.name()),
            Fate::Fork => Some("fork"),
            _ => None,
        };
        let found = kept
            .get(&(place as i64))
            .map(|(why, bytes)| (why.as_str(), bytes));
        assert_eq!(found, reason.map(|reason| (reason, &changes[place].bytes)));
    }
}

/// The bad device's own copies follow what was accepted, as a tablet's would.
fn take_accepted(families: &mut [[Document; 2]], changes: &[PushedChange], fates: &[Fate]) {
    for (change, fate) in changes.iter().zip(fates) {
        if !matches!(fate, Fate::Accepted { .. }) {
            continue;
        }
        let mut documents = families.iter_mut().flatten();
        let document = documents
            .find(|document| document.id() == change.document)
            .expect("a mutant belongs to a household of its generation");
        let taken = document.take_in(&[&change.bytes]);
        taken.unwrap_or_else(|error| panic!("accepted by the server, not here: {error}"));
    }
}

/// The mutants of one generation, nearly each with an actor of its own, so that few take another's number.
fn spoilt(
    bad: &mut BadDevice,
    families: &[[Document; 2]],
    seeds: std::ops::Range<u64>,
    tally: &mut Tally,
) -> Vec<PushedChange> {
    let documents: Vec<&Document> = families.iter().flatten().collect();
    let good: Vec<Vec<Vec<u8>>> = documents
        .iter()
        .map(|document| {
            let edits = edits(document.id().kind, seeds.start);
            let made = edits.into_iter().filter_map(|edit| {
                let actor = bad.fresh_actor();
                bad.try_edit(&mut (*document).clone(), actor, edit)
            });
            made.collect()
        })
        .collect();
    let mut saved = HashMap::new();
    let mut changes = Vec::new();
    for seed in seeds {
        let mut dice = Dice::new(seed);
        // Three of four are spoilt in the household's own document.
        let at = dice.below(families.len()) * 2 + usize::from(dice.one_in(4));
        let donor = dice.below(documents.len());
        let donor = dice.pick(&good[donor]).expect("a document has edits");
        let mut change_made = dice.pick(&good[at]).expect("a document has edits").clone();
        if !dice.one_in(50) {
            change_made = mutator::by(&change_made, bad.fresh_actor().0);
        }
        let mutant = mutator::mutate(&mut dice, &change_made, donor);
        if seed % ALONE == 0 {
            let saved = saved.entry(at).or_insert_with(|| documents[at].save());
            library_alone(tally, saved, &mutant);
        }
        changes.push(change(documents[at].id(), mutant));
    }
    changes
}

/// Batches within the protocol's bounds; the first `singly` changes each in one of its own.
fn batches(mut changes: Vec<PushedChange>, singly: usize) -> Vec<Vec<PushedChange>> {
    let rest = changes.split_off(singly.min(changes.len()));
    let mut batches: Vec<_> = changes.into_iter().map(|change| vec![change]).collect();
    // The first of the rest begins a batch, even one without a byte.
    let mut bytes = usize::MAX;
    for change in rest {
        bytes = bytes.saturating_add(change.bytes.len());
        if bytes > BATCH_BYTES_MAX {
            batches.push(Vec::new());
            bytes = change.bytes.len();
        }
        batches.last_mut().expect("one was just begun").push(change);
    }
    batches
}
