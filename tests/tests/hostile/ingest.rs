//! The server's ingest: every mutant meets a fate, its bytes wait when they are kept aside, and an honest tablet's next
//! push is accepted.

use super::{hush_the_library, mutants, peak_mib, seed, village::*};
use rusqlite::{Connection, OpenFlags};
use sojourn_sync_protocol::{
    DocKind,
    batch::PushedChange,
    gate,
    limits::BATCH_BYTES_MAX,
    message::Fate,
    record::{Document, Edit, NewMove, NewNeed, NewPerson, NewVisit, Value},
};
use sojourn_tests::hostile::{Dice, change as mutator};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

/// Mutants of one household; then a new one, so that documents stay as small as families make them.
const ROUND: u64 = 100;
/// One change, at the slowest and on a busy machine.
const CHANGE_AT_MOST: Duration = Duration::from_secs(2);
/// This whole process, server and tablets in it.
const MEMORY_MIB_MAX: u64 = 256;

/// What became of mutants, by name.
type Met = BTreeMap<String, u64>;

/// An edit of the document, to be spoilt.
fn an_edit(dice: &mut Dice, kind: DocKind, n: u64) -> Edit {
    let set = |path: &str, value: String| Edit::Set {
        set: [(path.to_owned(), Some(Value::Text(value)))].into(),
    };
    let on = "2026-11-25".to_owned();
    match (kind, dice.below(5)) {
        (DocKind::Health, _) => Edit::RecordVisit(NewVisit {
            on,
            kind: "follow-up".into(),
            ..NewVisit::default()
        }),
        (_, 0) => set("contact/phone", format!("1000{:07}", n % 10_000_000)),
        (_, 1) => set("residence/address", format!("{n} 号")),
        (_, 2) => Edit::AddPerson(NewPerson {
            name: format!("王{n}"),
            ..NewPerson::default()
        }),
        (_, 3) => Edit::NoteNeed(NewNeed {
            kind: "school".into(),
            text: "书本".into(),
            ..NewNeed::default()
        }),
        _ => Edit::Move(NewMove {
            to: "v1".into(),
            on,
            ..NewMove::default()
        }),
    }
}

/// What the document library makes of a mutant that passed the first gate, with nothing of ours around it.
fn library_alone(met: &mut Met, document: &Document, mutant: &[u8]) {
    if gate::read_head(mutant).is_err() {
        return;
    }
    let saved = document.save();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut document = automerge::Automerge::load(&saved).expect("a document of ours");
        let change = automerge::Change::try_from(mutant).ok()?;
        document.apply_changes([change]).ok()?;
        Some(automerge::Automerge::load(&document.save()).is_ok())
    }));
    let name = match outcome {
        Err(_) => "panics",
        Ok(Some(false)) => "is saved and cannot be loaded",
        Ok(Some(true)) => "is taken",
        Ok(None) => "is refused",
    };
    *met.entry(format!("library alone: {name}")).or_default() += 1;
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
        .prepare_cached("SELECT place, reason, bytes FROM quarantine WHERE batch = ?1")
        .expect("the table is there");
    let rows = query.query_map([digest.as_slice()], |row| {
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

/// The mutants of one round, each with an actor of its own, so that none takes another's number.
fn spoilt(
    bad: &mut BadDevice,
    documents: &[Document; 2],
    first: u64,
    count: u64,
    met: &mut Met,
) -> Vec<PushedChange> {
    let mut donor = Vec::new();
    let mut changes = Vec::new();
    for n in first..first + count {
        let mut dice = Dice::new(seed(n));
        let document = &documents[usize::from(dice.one_in(4))];
        let (edit, actor) = (an_edit(&mut dice, document.id().kind, n), bad.fresh_actor());
        let good = bad.edit(&mut document.clone(), actor, edit);
        let mutant = mutator::mutate(&mut dice, &good, &donor);
        if n % 4 == 0 {
            library_alone(met, document, &mutant);
        }
        donor = good;
        changes.push(change(document.id(), mutant));
    }
    changes
}

/// Batches within the protocol's bounds, or one change at a time.
fn batches(changes: Vec<PushedChange>, singly: bool) -> Vec<Vec<PushedChange>> {
    let mut batches: Vec<Vec<PushedChange>> = Vec::new();
    let mut bytes = BATCH_BYTES_MAX;
    for change in changes {
        bytes += change.bytes.len();
        if singly || bytes > BATCH_BYTES_MAX {
            batches.push(Vec::new());
            bytes = change.bytes.len();
        }
        batches.last_mut().expect("one was just begun").push(change);
    }
    batches
}

#[test]
fn ingest_survives_and_serves_the_honest() {
    hush_the_library();
    let village = Village::new();
    let honest = village.tablet();
    let mut bad = village.bad_device();
    let database =
        Connection::open_with_flags(village.database(), OpenFlags::SQLITE_OPEN_READ_ONLY);
    let database = database.expect("the register's database");
    let (count, begun) = (mutants(20_000), Instant::now());
    let (mut met, mut slowest) = (Met::new(), Duration::ZERO);
    for round in 0..count.div_ceil(ROUND) {
        let documents = bad.register(&village);
        let household = documents[0].id().household;
        village.sync(&honest);
        let first = round * ROUND;
        let changes = spoilt(
            &mut bad,
            &documents,
            first,
            ROUND.min(count - first),
            &mut met,
        );
        for batch in batches(changes, round % 10 == 0) {
            let watch = Instant::now();
            let (fates, digest) = bad.push(&village, batch.clone());
            slowest = slowest.max(watch.elapsed() / u32::try_from(batch.len()).expect("few"));
            assert_eq!(
                fates.len(),
                batch.len(),
                "mutants from seed {}",
                seed(first)
            );
            expect_kept(&database, &digest, &batch, &fates);
            for fate in &fates {
                *met.entry(name(fate)).or_default() += 1;
            }
        }
        let address = Edit::Set {
            set: [(
                "residence/address".to_owned(),
                Some(Value::Text(format!("东 {round} 号"))),
            )]
            .into(),
        };
        let edited = honest.edit(clock_now(), household, address);
        edited.unwrap_or_else(|error| panic!("after mutants from seed {}: {error}", seed(first)));
        village.sync(&honest);
    }
    println!(
        "{count} mutants in {:.1?}, slowest {slowest:?} a change, {:?} MiB",
        begun.elapsed(),
        peak_mib()
    );
    met.iter()
        .for_each(|(what, times)| println!("{times:>9} {what}"));
    village.expect_sound();
    let newcomer = village.tablet();
    village.sync(&newcomer);
    assert_eq!(village.held(&newcomer), village.register());
    assert_eq!(village.held(&honest), village.register());
    for needed in [
        "accepted",
        "malformed",
        "structure",
        "unsafe",
        "too-large",
        "library alone: panics",
    ] {
        assert!(
            met.keys().any(|name| name.contains(needed)),
            "no mutant was {needed}: {met:?}"
        );
    }
    assert!(slowest < CHANGE_AT_MOST, "{slowest:?}");
    if let Some(peak) = peak_mib() {
        assert!(peak < MEMORY_MIB_MAX, "{peak} MiB");
    }
}

fn clock_now() -> sojourn_sync_protocol::Timestamp {
    sojourn_server::clock::now()
}
