//! The tablet's inbox, behind a server that lies: pages with spoilt documents, spoilt changes, absurd cursors and digests,
//! and spoilt frames. Once the server is honest again, both sides agree.

use super::{hush_the_library, mutants, seed, village::*};
use sojourn_sync_protocol::{
    codec::{self, Effort},
    limits::REPLY_FRAME_BYTES_MAX,
    message::{AreaCursor, Entry, Leave, NewChanges, SyncReply, WholeDocument},
    record::{Document, Edit, NewMove, Value},
};
use sojourn_tests::hostile::{Dice, change as change_mutator, frame, saved};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Instant,
};

/// Sessions with a lying server before one with an honest server.
const LIES: u64 = 20;

/// A document of the village and a change that could come next.
#[derive(Clone)]
struct Sample {
    document: Document,
    next: Vec<u8>,
}

impl Sample {
    /// Something to put into a page.
    fn entry(&self, dice: &mut Dice) -> Entry {
        let (document, area) = (self.document.id(), "v1".parse().expect("a code"));
        // A later epoch is believed for ever: an older copy may hold what was redacted.
        let epoch = u64::from(!dice.one_in(12));
        match dice.below(8) {
            0 => Entry::Leave(Leave {
                household: document.household,
                area,
                to: "P".parse().expect("a code"),
            }),
            1..4 => {
                let saved = saved::mutate(dice, &self.document.save(), &self.next);
                Entry::Document(WholeDocument {
                    document,
                    area,
                    epoch,
                    saved,
                })
            }
            _ => {
                let changes =
                    [&self.next, &self.next].map(|next| change_mutator::mutate(dice, next, next));
                let many = 1 + dice.below(2);
                let changes = changes
                    .into_iter()
                    .take(many)
                    .map(serde_bytes::ByteBuf::from)
                    .collect();
                Entry::Changes(NewChanges {
                    document,
                    area,
                    epoch,
                    changes,
                })
            }
        }
    }
}

/// Spoils the first page of a session.
fn liar(samples: Arc<Vec<Sample>>, seed: u64) -> Spoiler {
    let mut dice = Dice::new(seed);
    let mut told = false;
    Box::new(move |path, honest| {
        if path != "/v1/sync" || told {
            return honest;
        }
        told = true;
        if dice.one_in(4) {
            return frame::mutate(&mut dice, &honest);
        }
        let Ok(mut reply) = codec::decode::<SyncReply>(&honest, REPLY_FRAME_BYTES_MAX) else {
            return honest;
        };
        for _ in 0..=dice.below(2) {
            let sample = dice.pick(&samples).expect("there are samples").clone();
            reply.entries.push(sample.entry(&mut dice));
        }
        match dice.below(8) {
            0 => {
                let area = ["v1", "P", "nowhere"][dice.below(3)]
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
            3 => reply.areas_version = dice.number(1),
            4 => reply.fates.clear(),
            _ => {}
        }
        codec::encode(&reply, Effort::Quick)
    })
}

#[test]
fn a_tablet_survives_a_server_that_lies() {
    hush_the_library();
    let village = Village::new();
    let (honest, victim) = (village.tablet(), village.tablet());
    let mut bad = village.bad_device();
    let samples: Vec<_> = (0..12u64)
        .flat_map(|n| bad.register(&village).map(|document| (n, document)))
        .collect();
    let samples = samples.into_iter().map(|(n, document)| {
        let actor = bad.fresh_actor();
        let edit = match document.id().kind {
            sojourn_sync_protocol::DocKind::Core => {
                let (to, on) = ("v1".into(), "2026-11-25".into());
                Edit::Move(NewMove {
                    to,
                    on,
                    address: Some(format!("{n} 号")),
                    ..NewMove::default()
                })
            }
            sojourn_sync_protocol::DocKind::Health => visit(),
        };
        let next = bad.edit(&mut document.clone(), actor, edit);
        Sample { document, next }
    });
    let samples = Arc::new(samples.collect::<Vec<_>>());
    village.sync(&honest);
    village.sync(&victim);
    let (count, begun) = (mutants(20_000) / 10, Instant::now());
    let outcomes: Mutex<BTreeMap<String, u64>> = Mutex::default();
    for n in 0..count {
        let at = usize::try_from(n).expect("few") % samples.len();
        let household = samples[at].document.id().household;
        let phone = format!("1000{:07}", n % 10_000_000);
        let edit = Edit::Set {
            set: [("contact/phone".to_owned(), Some(Value::Text(phone)))].into(),
        };
        // A household that the lying server said to have left cannot be edited until it is back.
        let _ = victim.edit(sojourn_server::clock::now(), household, edit);
        let report = village.sync_spoilt(&victim, Some(liar(Arc::clone(&samples), seed(n))));
        let outcome = format!("{:?}", report.outcome);
        let outcome = outcome
            .split(['(', '{'])
            .next()
            .expect("a split has a first part")
            .to_owned();
        *outcomes
            .lock()
            .expect("no holder of this lock panics")
            .entry(outcome)
            .or_default() += 1;
        victim
            .status()
            .unwrap_or_else(|error| panic!("after seed {}: {error}", seed(n)));
        if n % LIES == LIES - 1 || n + 1 == count {
            let report = village.sync_spoilt(&victim, None);
            assert_eq!(
                format!("{:?}", report.outcome),
                "Agreed",
                "after seeds up to {}",
                seed(n)
            );
            assert_eq!(
                victim.status().expect("it can be read").pending,
                0,
                "after seeds up to {}",
                seed(n)
            );
            assert_eq!(
                village.held(&victim),
                village.register(),
                "after seeds up to {}",
                seed(n)
            );
        }
    }
    println!(
        "{count} lying sessions in {:.1?}: {:?}",
        begun.elapsed(),
        outcomes.lock().expect("nobody holds it")
    );
    village.sync(&honest);
    assert_eq!(village.held(&honest), village.register());
    village.expect_sound();
}

fn visit() -> Edit {
    Edit::RecordVisit(sojourn_sync_protocol::record::NewVisit {
        on: "2026-11-25".into(),
        kind: "follow-up".into(),
        ..sojourn_sync_protocol::record::NewVisit::default()
    })
}
