//! The tablet's inbox, behind a server that lies: pages with spoilt documents, spoilt changes, absurd cursors and digests,
//! and spoilt frames. Once the server is honest again, both sides agree.

use super::{Dice, Tally, change as change_mutator, frame, peak_mib, saved, village::*};
use sojourn_client_core::{Tablet, sync::session::Outcome};
use sojourn_sync_protocol::{
    AreaCode, DocKind,
    codec::{self, Effort},
    limits::REPLY_FRAME_BYTES_MAX,
    message::{AreaCursor, Entry, Leave, NewChanges, SyncReply, WholeDocument},
    record::{Document, Edit, NewMove, NewVisit, Value},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Sessions with a lying server before one with an honest server.
const LIES: u64 = 20;
/// Entries of spoilt changes in one page.
const CHANGES_MAX: usize = 16;
/// Households that the lies are about.
const HOUSEHOLDS: usize = 12;

/// A document of the village and a change that could come next.
#[derive(Clone)]
struct Sample {
    document: Document,
    next: Vec<u8>,
}

impl Sample {
    /// Spoilt changes to put into a page.
    fn changes(&self, dice: &mut Dice) -> Entry {
        let spoilt = [&self.next, &self.next].map(|next| change_mutator::mutate(dice, next, next));
        let many = 1 + dice.below(2);
        Entry::Changes(NewChanges {
            document: self.document.id(),
            area: area(),
            epoch: epoch(dice),
            changes: spoilt
                .into_iter()
                .take(many)
                .map(serde_bytes::ByteBuf::from)
                .collect(),
        })
    }

    /// A household that is said to have left, or a spoilt document. One of those can make the tablet refuse a page, so
    /// it stands at the end.
    fn last(&self, dice: &mut Dice) -> Entry {
        let document = self.document.id();
        if dice.one_in(4) {
            return Entry::Leave(Leave {
                household: document.household,
                area: area(),
                to: "P".parse().expect("a code"),
            });
        }
        Entry::Document(WholeDocument {
            document,
            area: area(),
            epoch: epoch(dice),
            saved: saved::mutate(dice, &self.document.save(), &self.next),
        })
    }
}

fn area() -> AreaCode {
    AREA.parse().expect("a code")
}

/// The epoch that documents are in, or now and then one that is past.
fn epoch(dice: &mut Dice) -> u64 {
    u64::from(!dice.one_in(12))
}

/// Spoils the first page of a session.
fn liar(samples: Arc<Vec<Sample>>, seed: u64, lies: Arc<AtomicU64>) -> Spoiler {
    let mut dice = Dice::new(seed);
    let mut told = false;
    Box::new(move |path, honest| {
        if path != "/v1/sync" || told {
            return honest;
        }
        told = true;
        if dice.one_in(8) {
            lies.fetch_add(1, Ordering::Relaxed);
            return frame::mutate(&mut dice, &honest);
        }
        let Ok(mut reply) = codec::decode::<SyncReply>(&honest, REPLY_FRAME_BYTES_MAX) else {
            return honest;
        };
        let pick = |dice: &mut Dice| dice.pick(&samples).expect("there are samples").clone();
        for _ in 0..=dice.below(CHANGES_MAX) {
            let sample = pick(&mut dice);
            reply.entries.push(sample.changes(&mut dice));
        }
        for _ in 0..dice.below(3) {
            let sample = pick(&mut dice);
            reply.entries.push(sample.last(&mut dice));
        }
        lies.fetch_add(reply.entries.len() as u64, Ordering::Relaxed);
        match dice.below(8) {
            0 => {
                let area = [AREA, "P", "nowhere"][dice.below(3)]
                    .parse()
                    .expect("a code");
                reply.cursor.push(AreaCursor {
                    area,
                    seq: dice.number(9),
                });
            }
            1 => reply.digests.clear(),
            2 => reply
                .digests
                .iter_mut()
                .for_each(|digest| digest.digest.add(&[7; 32])),
            3 => reply.areas_version = Some(dice.number(1)),
            4 => reply.fates.clear(),
            _ => {}
        }
        codec::encode(&reply, Effort::Quick)
    })
}

/// Sessions of one village at most.
pub const VILLAGE_SESSIONS: u64 = 5_000;

/// Puts a tablet through so many sessions, each with one spoilt page of up to 18 mutants; the seed of the first is `number` times 2³².
///
/// # Panics
/// When anything does not hold, naming the seed.
pub fn sessions(number: u64, count: u64) -> Tally {
    let begun = Instant::now();
    let village = Village::new();
    let (honest, victim) = (village.tablet(), village.tablet());
    let samples = Arc::new(samples(&village));
    village.sync(&honest);
    village.sync(&victim);
    let (mut tally, lies) = (Tally::default(), Arc::new(AtomicU64::new(0)));
    for n in 0..count {
        let (watch, seed) = (Instant::now(), (number << 32) + n);
        let at = usize::try_from(n).expect("few") % samples.len();
        let household = samples[at].document.id().household;
        let phone = format!("1000{:07}", n % 10_000_000);
        let edit = Edit::Set {
            set: [("contact/phone".to_owned(), Some(Value::Text(phone)))].into(),
        };
        // A household that the lying server said to have left cannot be edited until it is back.
        let _ = victim.edit(sojourn_server::clock::now(), household, edit);
        let report = village.sync_spoilt(
            &victim,
            Some(liar(Arc::clone(&samples), seed, Arc::clone(&lies))),
        );
        let outcome = format!("{:?}", report.outcome);
        let outcome = outcome.split(['(', '{', ' ']).next();
        tally.meet(outcome.expect("a split has a first part"));
        let status = victim.status();
        status.unwrap_or_else(|error| panic!("after seed {seed}: {error}"));
        let told = lies.load(Ordering::Relaxed);
        let each = u32::try_from(told - tally.mutants).expect("few").max(1);
        tally.took(watch.elapsed() / each);
        tally.mutants = told;
        if n % LIES == LIES - 1 || n + 1 == count {
            agree_again(&village, &victim, seed);
        }
    }
    village.sync(&honest);
    assert_eq!(village.held(&honest), village.register());
    village.expect_sound();
    tally.peak_mib = peak_mib().unwrap_or(0);
    tally.ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tally
}

/// The server is honest again, and one session mends everything.
fn agree_again(village: &Village, victim: &Tablet, seed: u64) {
    let report = village.sync_spoilt(victim, None);
    let status = victim.status().expect("it can be read");
    assert_eq!(
        (report.outcome, status.pending),
        (Outcome::Agreed, 0),
        "after seeds up to {seed}"
    );
    assert_eq!(
        village.held(victim),
        village.register(),
        "after seeds up to {seed}"
    );
}

/// Documents of the village, each with a change that could come next.
fn samples(village: &Village) -> Vec<Sample> {
    let mut bad = village.bad_device();
    let documents = bad.register(village, HOUSEHOLDS).into_iter().flatten();
    let documents: Vec<_> = documents.enumerate().collect();
    let sample = |(n, document): (usize, Document)| {
        let edit = match document.id().kind {
            DocKind::Core => Edit::Move(NewMove {
                to: AREA.into(),
                on: "2026-11-25".into(),
                address: Some(format!("{n} 号")),
                ..NewMove::default()
            }),
            DocKind::Health => Edit::RecordVisit(NewVisit {
                on: "2026-11-25".into(),
                kind: "follow-up".into(),
                ..NewVisit::default()
            }),
        };
        let actor = bad.fresh_actor();
        let next = bad.edit(&mut document.clone(), actor, edit);
        Sample { document, next }
    };
    documents.into_iter().map(sample).collect()
}
