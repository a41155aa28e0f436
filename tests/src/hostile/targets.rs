//! Every reader of bytes as a function of bytes that must return, with examples of what it reads. The same functions are run
//! by `make test` on the kept inputs and on mutants of them, and by cargo-fuzz (`tests/fuzz`) for as long as one likes.
//!
//! What a reader takes, it can write and read again. Readers that need a register or a tablet are in `worlds`.

use super::{chunk, samples, worlds};
use ed25519_dalek::SigningKey;
use serde::{Serialize, de::DeserializeOwned};
use sojourn_client_core::sync::live::Events;
use sojourn_server::{
    areas,
    proof::{self, Origins, Wanted},
    token::Tokens,
};
use sojourn_sync_protocol::{
    ActorId, AreaCode, ChangeHash, DocKind, DocumentId, HouseholdId, PartialDate, StaffId,
    batch::{Batch, PushedChange},
    codec::{self, Effort},
    digest::Digest,
    gate,
    limits::{REPLY_FRAME_BYTES_MAX, REQUEST_FRAME_BYTES_MAX},
    message::{
        AreasReply, EnrolReply, EnrolRequest, Fate, Grant, SyncReply, SyncRequest, TokenReply,
        TokenRequest, VerifyReply, VerifyRequest,
    },
    record::{
        Attribution, Document, Edit, NewHousehold, contradictions, edits_of_removed, history,
        id_number, inspect, residence_values, upgrade, view, view_saved,
    },
    refusal::Refusal,
};
use std::{cell::RefCell, fmt::Debug, fmt::Display, str::FromStr};

/// How inputs of a reader are best spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A frame: version, encoding, CBOR.
    Frame,
    /// One change.
    Change,
    /// A saved document.
    Saved,
    /// Anything else.
    Plain,
}

/// One reader of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its fuzz target and of the folder of its kept inputs.
    pub name: &'static str,
    /// Reads.
    ///
    /// # Panics
    /// When the reader does not hold what it promises.
    pub read: fn(&[u8]),
    /// Inputs that it takes.
    pub examples: fn() -> Vec<Vec<u8>>,
    /// How to spoil them.
    pub shape: Shape,
    /// How many inputs are read in the time of one change at the ingest, roughly: cheap readers are tried more often.
    pub share: u64,
}

/// All of them.
pub const TARGETS: [Target; 17] = {
    use Shape::{Change, Frame, Plain, Saved};
    const fn target(
        name: &'static str,
        read: fn(&[u8]),
        examples: fn() -> Vec<Vec<u8>>,
        shape: Shape,
        share: u64,
    ) -> Target {
        Target {
            name,
            read,
            examples,
            shape,
            share,
        }
    }
    [
        target("requests", requests, samples::requests, Frame, 4),
        target("replies", replies, samples::replies, Frame, 4),
        target("stored", stored, samples::stored, Plain, 4),
        target("change", change, samples::changes, Change, 2),
        target("saved", saved, samples::saved, Saved, 2),
        target("texts", texts, samples::texts, Plain, 8),
        target("edits", edits, samples::edits, Plain, 2),
        target("area_csv", area_csv, samples::area_csv, Plain, 4),
        target("proof", a_proof, samples::proofs, Plain, 2),
        target("token", a_token, samples::tokens, Plain, 2),
        target("events", events, samples::events, Plain, 8),
        target("enrolment", worlds::enrolment, samples::texts, Plain, 1),
        target("config", worlds::config, samples::config, Plain, 2),
        target("cursor", worlds::cursor, samples::requests, Frame, 1),
        target("ingest", worlds::ingest, samples::changes, Change, 1),
        target("inbox", worlds::inbox, samples::pages, Plain, 1),
        target(
            "tablet_files",
            worlds::tablet_files,
            samples::tablet_files,
            Plain,
            0,
        ),
    ]
};

/// The target with this name.
///
/// # Panics
/// When there is none.
pub fn named(name: &str) -> Target {
    let found = TARGETS.into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no target is named {name}"))
}

/// Bytes that are no chunk are taken for the data of one, so that the search need not find a checksum.
pub(super) fn sealed(kind: u8, bytes: &[u8]) -> Vec<u8> {
    if chunk::open(bytes).is_some() {
        bytes.to_vec()
    } else {
        chunk::seal(kind, bytes)
    }
}

/// Reads a frame as a message; one that is taken can be written and read again.
fn taken<T>(bytes: &[u8], max: usize) -> Option<T>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let message = codec::decode::<T>(bytes, max).ok()?;
    let again = codec::encode(&message, Effort::Quick);
    assert_eq!(
        codec::decode::<T>(&again, REPLY_FRAME_BYTES_MAX * 4).as_ref(),
        Ok(&message)
    );
    Some(message)
}

fn requests(bytes: &[u8]) {
    let max = REQUEST_FRAME_BYTES_MAX;
    if let Some(batch) = taken::<SyncRequest>(bytes, max).and_then(|sync| sync.push) {
        let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
        let _ = (batch.digest(), batch.is_signed_by(&key));
    }
    taken::<VerifyRequest>(bytes, max);
    taken::<EnrolRequest>(bytes, max);
    taken::<TokenRequest>(bytes, max);
}

fn replies(bytes: &[u8]) {
    let max = REPLY_FRAME_BYTES_MAX;
    if let Some(reply) = taken::<SyncReply>(bytes, max) {
        let mut sum = Digest::default();
        for area in &reply.digests {
            sum.merge(&area.digest);
        }
    }
    taken::<VerifyReply>(bytes, max);
    taken::<EnrolReply>(bytes, max);
    taken::<TokenReply>(bytes, max);
    taken::<AreasReply>(bytes, max);
    taken::<Refusal>(bytes, max);
}

/// Reads what databases keep as CBOR.
fn stored(bytes: &[u8]) {
    fn kept<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
        if let Ok(value) = codec::from_cbor::<T>(bytes) {
            assert_eq!(
                codec::from_cbor::<T>(&codec::to_cbor(&value)).as_ref(),
                Ok(&value)
            );
        }
    }
    kept::<Vec<Fate>>(bytes);
    kept::<Edit>(bytes);
    kept::<Grant>(bytes);
    kept::<Batch>(bytes);
    kept::<PushedChange>(bytes);
}

fn change(bytes: &[u8]) {
    let bytes = sealed(chunk::CHANGE, bytes);
    drop(gate::read_head(&bytes));
    for document in samples::documents() {
        if let Ok(facts) = inspect(&bytes) {
            drop(document.touches(&facts));
            drop(document.reading(&facts));
        }
        let mut copy = document.clone();
        if copy.take_in(&[&bytes]).is_ok() {
            read_all(&copy);
        } else {
            assert_eq!(
                copy.save(),
                document.save(),
                "a refused change left its mark"
            );
        }
    }
}

fn saved(bytes: &[u8]) {
    let bytes = sealed(chunk::DOCUMENT, bytes);
    for document in samples::documents() {
        let Ok(mut loaded) = Document::load(document.id(), &bytes) else {
            continue;
        };
        let household = document.id().household;
        if document.id().kind == DocKind::Core {
            let seen = view(household, &loaded, None).expect("the documents are this household's");
            let quick = view_saved(household, &bytes, None);
            assert!(quick.is_none_or(|quick| quick == seen));
        }
        read_all(&loaded);
        upgrade(&mut loaded);
        for edit in samples::possible_edits(document.id().kind) {
            drop(loaded.clone().edit(&edit, &samples::authorship()));
        }
    }
}

/// Everything that reads a document.
fn read_all(document: &Document) {
    let household = document.id().household;
    let seen = match document.id().kind {
        DocKind::Core => view(household, document, None).map(drop),
        DocKind::Health => {
            let core = Document::new(DocumentId::new(household, DocKind::Core));
            view(household, &core, Some(document)).map(drop)
        }
    };
    drop((seen, history(document, None), residence_values(document)));
    drop((contradictions(document), edits_of_removed(document)));
    drop((document.heads(), document.changes(), document.save()));
}

fn texts(bytes: &[u8]) {
    fn read<T: FromStr + Display + PartialEq + Debug>(text: &str) {
        if let Ok(value) = text.parse::<T>() {
            let again = value.to_string().parse::<T>().ok();
            assert_eq!(again, Some(value), "{text:?}");
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    read::<AreaCode>(text);
    read::<HouseholdId>(text);
    read::<StaffId>(text);
    read::<ActorId>(text);
    read::<ChangeHash>(text);
    read::<PartialDate>(text);
    read::<Attribution>(text);
    let _ = (id_number::check(text), id_number::check_digit(text));
    drop(id_number::mask(text));
}

/// Reads the lines of an import, and makes the edits where they can be made.
fn edits(bytes: &[u8]) {
    let read = serde_json::from_slice::<Edit>(bytes).ok();
    let new = serde_json::from_slice::<NewHousehold>(bytes).ok();
    for edit in read.into_iter().chain(new.map(Edit::RegisterHousehold)) {
        let edit = edit.with_ids(samples::AT, &mut || [8; 10]);
        let text = serde_json::to_vec(&edit).expect("an edit is plain JSON");
        assert_eq!(
            serde_json::from_slice::<Edit>(&text).ok(),
            Some(edit.clone())
        );
        let empty = samples::documents().map(|document| Document::new(document.id()));
        for mut document in samples::documents().into_iter().chain(empty) {
            if document.edit(&edit, &samples::authorship()).is_ok() {
                let again = Document::load(document.id(), &document.save());
                let again = again.expect("what an edit made can be read");
                assert!(again.shows_the_same(&document));
                read_all(&again);
            }
        }
    }
}

fn area_csv(bytes: &[u8]) {
    drop(areas::read_csv(bytes));
}

fn a_proof(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let wanted = Wanted {
        method: "POST",
        path: "/v1/sync",
        origins: &Origins::Loopback,
        token: None,
        body: &[],
    };
    if let Ok(proof) = proof::check(text, &wanted, samples::AT) {
        assert_eq!(proof.key, samples::key().verifying_key());
    }
}

fn a_token(bytes: &[u8]) {
    thread_local! {
        static TOKENS: Tokens = samples::token_keys();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let read =
            TOKENS.with(|tokens| tokens.check(text, &samples::key().verifying_key(), samples::AT));
        assert!(
            read.is_err() || samples::tokens().iter().any(|token| token == bytes),
            "a token that was not given: {text}"
        );
    }
}

/// Reads events, in one piece and byte by byte, to the same end.
fn events(bytes: &[u8]) {
    let whole = Events::default().read(bytes);
    let pieces = RefCell::new(Events::default());
    let piecewise = bytes
        .iter()
        .map(|byte| pieces.borrow_mut().read(&[*byte]))
        .collect::<Result<Vec<_>, _>>();
    match (whole, piecewise) {
        (Ok(whole), Ok(piecewise)) => assert_eq!(whole, piecewise.concat()),
        (whole, piecewise) => assert_eq!(whole.is_err(), piecewise.is_err()),
    }
}
