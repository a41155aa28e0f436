//! Every reader of bytes by itself: frames of each message, saved documents, changes on a copy. What a reader takes, it can
//! write and read again.

use super::{hush_the_library, mutants, seed, village::*};
use serde::{Serialize, de::DeserializeOwned};
use sojourn_sync_protocol::{
    DocKind, DocumentId,
    codec::{self, Effort},
    limits::{REPLY_FRAME_BYTES_MAX, REQUEST_FRAME_BYTES_MAX},
    message::{
        AreaCursor, Entry, SyncReply, SyncRequest, VerifyAnswer, VerifyReply, VerifyRequest,
        WholeDocument,
    },
    record::{Document, Edit, NewPerson, contradictions, edits_of_removed, history, view},
    refusal::Refusal,
};
use sojourn_tests::hostile::{Dice, change as change_mutator, frame, saved};
use std::{fmt::Debug, time::Instant};

/// Reads a frame as a message; one that is taken can be written and read again.
fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8], max: usize) -> bool {
    let Ok(message) = codec::decode::<T>(bytes, max) else {
        return false;
    };
    let again = codec::encode(&message, Effort::Quick);
    assert_eq!(
        codec::decode::<T>(&again, REPLY_FRAME_BYTES_MAX * 4).as_ref(),
        Ok(&message)
    );
    true
}

#[test]
fn every_decoder_survives() {
    hush_the_library();
    let village = Village::new();
    let mut bad = village.bad_device();
    let [core, health] = bad.register(&village);
    let person = NewPerson {
        name: "王芳".into(),
        ..NewPerson::default()
    };
    let actor = bad.fresh_actor();
    let next = bad.edit(&mut core.clone(), actor, Edit::AddPerson(person));
    let whole = |document: &Document| WholeDocument {
        document: document.id(),
        area: "v1".parse().expect("a code"),
        epoch: 1,
        saved: document.save(),
    };
    let reply = VerifyReply {
        seq: 7,
        answer: VerifyAnswer::Fetched(vec![whole(&core), whole(&health)]),
    };
    let request = SyncRequest {
        schema: 1,
        grant: 1,
        areas_version: 1,
        cursor: vec![AreaCursor {
            area: "v1".parse().expect("a code"),
            seq: 7,
        }],
        page_bytes: 1000,
        push: None,
        last: Some([7; 32]),
    };
    let page = SyncReply {
        server_time: sojourn_server::clock::now(),
        fates: Vec::new(),
        entries: vec![
            Entry::Document(whole(&core)),
            Entry::Document(whole(&health)),
        ],
        cursor: request.cursor.clone(),
        remaining: 0,
        digests: Vec::new(),
        grant: None,
        areas_version: 1,
        lost: true,
    };
    let frames = [
        codec::encode(&reply, Effort::Quick),
        codec::encode(&request, Effort::Quick),
        codec::encode(&page, Effort::Quick),
    ];
    let (count, begun) = (mutants(20_000), Instant::now());
    let (mut taken, mut loaded, mut merged, mut unreadable) = (0u64, 0u64, 0u64, 0u64);
    for n in 0..count {
        let mut dice = Dice::new(seed(n));
        let good = dice.below(frames.len());
        let bytes = frame::mutate(&mut dice, &frames[good]);
        let asked = read::<SyncRequest>(&bytes, REQUEST_FRAME_BYTES_MAX)
            || read::<VerifyRequest>(&bytes, REQUEST_FRAME_BYTES_MAX);
        let answered = read::<SyncReply>(&bytes, REPLY_FRAME_BYTES_MAX)
            || read::<VerifyReply>(&bytes, REPLY_FRAME_BYTES_MAX)
            || read::<Refusal>(&bytes, REPLY_FRAME_BYTES_MAX);
        taken += u64::from(asked || answered);
        let document = if dice.one_in(2) { &core } else { &health };
        let mutant = saved::mutate(&mut dice, &document.save(), &next);
        if let Ok(mutant) = Document::load(document.id(), &mutant) {
            loaded += 1;
            read_all(&mutant);
        }
        let mut copy = core.clone();
        let mutant = change_mutator::mutate(&mut dice, &next, &next);
        if copy.take_in(&[&mutant]).is_ok() {
            merged += 1;
            read_all(&copy);
        } else if core.clone().apply_changes(&[&mutant]).is_ok() {
            unreadable += 1;
        }
    }
    println!(
        "{count} mutants of each in {:.1?}: {taken} frames, {loaded} documents, {merged} changes taken; {unreadable} could \
         be merged and not read again",
        begun.elapsed()
    );
    assert!(
        unreadable > 0,
        "the changes that `take_in` is for were not met"
    );
    assert!(codec::decode::<SyncRequest>(&frame::bomb(), REQUEST_FRAME_BYTES_MAX).is_err());
}

/// Everything that reads a document.
fn read_all(document: &Document) {
    let seen = match document.id().kind {
        DocKind::Core => view(document.id().household, document, None).map(drop),
        DocKind::Health => {
            let id = document.id().household;
            view(
                id,
                &Document::new(DocumentId::new(id, DocKind::Core)),
                Some(document),
            )
            .map(drop)
        }
    };
    let told = (
        history(document, None),
        contradictions(document),
        edits_of_removed(document),
    );
    drop((seen, told));
}
