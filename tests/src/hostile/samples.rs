//! What our programs write, for each reader of bytes: the examples that mutants are made of. All of it is made by the code
//! itself with fixed ids and one fixed moment, so it is the same each time.

use super::worlds;
use ed25519_dalek::SigningKey;
use sojourn_server::token::Tokens;
use sojourn_sync_protocol::{
    ActorId, AreaCode, DeviceId, DocKind, DocumentId, HouseholdId, PersonId, StaffId, Timestamp,
    area::Area,
    batch::{Batch, CHAIN_START, PushedChange},
    codec::{self, Effort},
    digest::{self, Digest},
    dpop::{self, ProofFor},
    message::{
        AreaCursor, AreaDigest, AreasReply, BucketDigest, DocumentLeaf, Entry, Fate, Grant, Leave,
        NewChanges, QuarantineReason, SyncReply, SyncRequest, TokenReply, TokenRequest,
        VerifyAnswer, VerifyAsk, VerifyReply, VerifyRequest, Watermark, WholeDocument,
    },
    message::{EnrolReply, EnrolRequest},
    record::{
        Assignments, Authorship, Document, Edit, NewHandOver, NewHousehold, NewMove, NewNeed,
        NewPerson, NewVisit, Value,
    },
    refusal::Refusal,
};

/// The moment of everything here.
pub(super) const AT: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const HOUSEHOLD: HouseholdId =
    HouseholdId::from_bytes([1, 161, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 7]);
const WATERMARK: Watermark = Watermark([7; 24]);

/// The device's key.
pub(super) fn key() -> SigningKey {
    SigningKey::from_bytes(&[66; 32])
}

/// The server's key for tokens.
pub(super) fn token_keys() -> Tokens {
    Tokens::new([5; 32])
}

fn area() -> AreaCode {
    super::village::AREA.parse().expect("a code")
}

pub(super) fn authorship() -> Authorship {
    Authorship {
        actor: ActorId([3; 16]),
        staff: StaffId::from_bytes([4; 16]),
        area: area(),
        at: AT,
    }
}

fn person() -> PersonId {
    PersonId::new(AT, [9; 10])
}

/// A household's two documents.
pub(super) fn documents() -> [Document; 2] {
    thread_local! {
        static MADE: [Document; 2] = made();
    }
    MADE.with(Clone::clone)
}

fn made() -> [Document; 2] {
    let [mut core, mut health] =
        DocKind::ALL.map(|kind| Document::new(DocumentId::new(HOUSEHOLD, kind)));
    let new = NewHousehold {
        area: Some(area()),
        address: Some("1 号".into()),
        persons: vec![NewPerson {
            id: Some(person()),
            name: "王小明".into(),
            ..NewPerson::default()
        }],
        ..NewHousehold::default()
    };
    let first = [
        (&mut core, Edit::RegisterHousehold(new)),
        (&mut health, visit()),
    ];
    for (document, edit) in first {
        let edit = edit.with_ids(AT, &mut || [9; 10]);
        document
            .edit(&edit, &authorship())
            .expect("an edit of the record");
    }
    [core, health]
}

fn visit() -> Edit {
    Edit::RecordVisit(NewVisit {
        person: Some(person()),
        on: "2026-11-25".into(),
        kind: "follow-up".into(),
        ..NewVisit::default()
    })
}

fn set(path: &str, value: Option<Value>) -> Assignments {
    [(path.to_owned(), value)].into()
}

/// Edits that can be made in the documents here.
pub(super) fn possible_edits(kind: DocKind) -> Vec<Edit> {
    if kind == DocKind::Health {
        return vec![visit().with_ids(AT, &mut || [10; 10])];
    }
    let edits = vec![
        Edit::Set {
            set: set("contact/phone", Some(Value::Text("10000000001".into()))),
        },
        Edit::Set {
            set: set("residence/address", None),
        },
        Edit::CorrectPerson {
            person: person(),
            set: set("name", Some(Value::Text("王芳".into()))),
        },
        Edit::RemovePerson {
            person: person(),
            reason: "moved-away".into(),
            on: Some("2026".into()),
            note: None,
            to: None,
        },
        Edit::AddPerson(NewPerson {
            name: "王强".into(),
            ..NewPerson::default()
        }),
        Edit::Move(NewMove {
            to: area().to_string(),
            on: "2026-11-25".into(),
            ..NewMove::default()
        }),
        Edit::ProposeMove(NewHandOver {
            to: "elsewhere".into(),
            on: "2026-12".into(),
            ..NewHandOver::default()
        }),
        Edit::NoteNeed(NewNeed {
            kind: "school".into(),
            text: "书本".into(),
            ..NewNeed::default()
        }),
    ];
    let with_ids = |edit: Edit| edit.with_ids(AT, &mut || [10; 10]);
    edits.into_iter().map(with_ids).collect()
}

pub(super) fn changes() -> Vec<Vec<u8>> {
    let by = Authorship {
        actor: ActorId([6; 16]),
        ..authorship()
    };
    let mut changes = Vec::new();
    for document in documents() {
        changes.extend(document.changes().into_iter().map(|change| change.bytes));
        for edit in possible_edits(document.id().kind) {
            let made = document.clone().edit(&edit, &by);
            changes.push(made.expect("an edit of the record").bytes);
        }
    }
    changes
}

pub(super) fn saved() -> Vec<Vec<u8>> {
    documents().iter().map(Document::save).collect()
}

fn whole(document: &Document) -> WholeDocument {
    WholeDocument {
        document: document.id(),
        area: area(),
        epoch: 1,
        saved: document.save(),
    }
}

fn batch() -> Batch {
    let document = DocumentId::new(HOUSEHOLD, DocKind::Core);
    let change = |bytes| PushedChange {
        document,
        epoch: 1,
        bytes,
    };
    let changes = changes().into_iter().take(3).map(change).collect();
    Batch::sign(&key(), ActorId([3; 16]), 1, CHAIN_START, 1, changes)
}

fn grant() -> Grant {
    Grant {
        version: 1,
        areas: vec![area()],
        kinds: DocKind::ALL.to_vec(),
    }
}

fn cursor() -> Vec<AreaCursor> {
    let at = |seq| AreaCursor { area: area(), seq };
    vec![at(7), at((3 << 32) | 5)]
}

fn framed<T: serde::Serialize>(message: &T) -> Vec<u8> {
    codec::encode(message, Effort::Quick)
}

pub(super) fn requests() -> Vec<Vec<u8>> {
    let sync = SyncRequest {
        schema: 1,
        grant: 1,
        areas_version: 1,
        cursor: cursor(),
        page_bytes: 1000,
        push: None,
        watermark: Some(WATERMARK),
    };
    let ask = |ask| VerifyRequest { area: area(), ask };
    let documents = vec![DocumentId::new(HOUSEHOLD, DocKind::Core)];
    vec![
        framed(&sync),
        framed(&SyncRequest {
            push: Some(batch()),
            ..sync
        }),
        framed(&ask(VerifyAsk::Buckets)),
        framed(&ask(VerifyAsk::Documents(vec![0, 7, 255]))),
        framed(&ask(VerifyAsk::Fetch { documents })),
        framed(&TokenRequest {
            device: DeviceId::from_bytes([66; 16]),
        }),
        framed(&EnrolRequest {
            code: "ABCD-EFGH-JKMN".into(),
            label: "tablet".into(),
            schema: 1,
        }),
    ]
}

fn digest_of(documents: &[Document; 2]) -> Digest {
    let mut sum = Digest::default();
    for document in documents {
        sum.add(&digest::leaf(document.id(), 1, &document.heads()));
    }
    sum
}

pub(super) fn replies() -> Vec<Vec<u8>> {
    let documents = documents();
    let [core, health] = &documents;
    let changes = changes().into_iter().take(2);
    let page = SyncReply {
        server_time: AT,
        fates: fates(),
        entries: vec![
            Entry::Document(whole(core)),
            Entry::Document(whole(health)),
            Entry::Changes(NewChanges {
                document: core.id(),
                area: area(),
                epoch: 1,
                changes: changes.map(serde_bytes::ByteBuf::from).collect(),
            }),
            Entry::Leave(Leave {
                household: HOUSEHOLD,
                area: area(),
                to: area(),
            }),
        ],
        cursor: cursor(),
        remaining: 0,
        digests: vec![AreaDigest {
            area: area(),
            digest: digest_of(&documents),
        }],
        grant: Some(grant()),
        areas_version: Some(1),
        lost: true,
        watermark: Some(WATERMARK),
    };
    let answer = |answer| VerifyReply { seq: 7, answer };
    let token = TokenReply {
        token: String::from_utf8(tokens().remove(0)).expect("a token is text"),
        expires_at: AT,
        server_time: AT,
    };
    vec![
        framed(&page),
        framed(&answer(VerifyAnswer::Fetched(vec![whole(core)]))),
        framed(&answer(VerifyAnswer::Buckets(vec![BucketDigest {
            bucket: 7,
            digest: digest_of(&documents),
        }]))),
        framed(&answer(VerifyAnswer::Documents(vec![DocumentLeaf {
            document: core.id(),
            leaf: digest::leaf(core.id(), 1, &core.heads()),
        }]))),
        framed(&token),
        framed(&EnrolReply {
            device: DeviceId::from_bytes([66; 16]),
            staff: StaffId::from_bytes([4; 16]),
            staff_name: "office".into(),
            grant: grant(),
            token,
        }),
        framed(&AreasReply {
            version: 1,
            areas: vec![Area {
                code: area(),
                parent: None,
                level: "village".into(),
                name: "甲".into(),
            }],
        }),
        framed(&Refusal::Busy { retry_after_ms: 9 }),
        framed(&Refusal::Malformed {
            detail: "why".into(),
        }),
    ]
}

fn fates() -> Vec<Fate> {
    vec![
        Fate::Accepted { late: true },
        Fate::Duplicate,
        Fate::MissingDeps,
        Fate::Quarantined {
            reason: QuarantineReason::Unsafe,
        },
        Fate::Fork,
        Fate::OldEpoch { epoch: 2 },
    ]
}

pub(super) fn stored() -> Vec<Vec<u8>> {
    let mut stored: Vec<_> = possible_edits(DocKind::Core)
        .iter()
        .map(codec::to_cbor)
        .collect();
    stored.push(codec::to_cbor(&fates()));
    stored.push(codec::to_cbor(&grant()));
    stored.push(codec::to_cbor(&batch()));
    stored.push(codec::to_cbor(&batch().changes[0]));
    stored
}

pub(super) fn texts() -> Vec<Vec<u8>> {
    let staff = StaffId::from_bytes([4; 16]);
    let texts = [
        area().to_string(),
        "370281105270".into(),
        HOUSEHOLD.to_string(),
        ActorId([3; 16]).to_string(),
        "ab".repeat(32),
        "2026-11".into(),
        "2026-11-24".into(),
        format!("1;record-visit;{staff};v1"),
        "99010119000101001X".into(),
        "ABCD-efgh-JKMN".into(),
        "0O1I-lL23-4567".into(),
    ];
    texts.map(String::into_bytes).to_vec()
}

pub(super) fn edits() -> Vec<Vec<u8>> {
    let edits = DocKind::ALL.into_iter().flat_map(possible_edits);
    let mut lines: Vec<_> = edits
        .map(|edit| serde_json::to_vec(&edit).expect("an edit is plain JSON"))
        .collect();
    lines.push(
        br#"{"address":"1","persons":[{"name":"a","born":"1990-02","consents":[{"kind":"x"}]}]}"#
            .to_vec(),
    );
    lines
}

pub(super) fn area_csv() -> Vec<Vec<u8>> {
    vec![
        b"code,parent,level,name\nP,,county,c\nv1,P,village,a\nv2,P,village,\"b,\"\"c\"\n".to_vec(),
        b"code,parent,level,name,successors\r\nP,,county,c,\r\nv1,P,village,a,v2 v3\r\n".to_vec(),
    ]
}

pub(super) fn proofs() -> Vec<Vec<u8>> {
    let prove = |token| {
        let request = ProofFor {
            method: "POST",
            url: "http://127.0.0.1:8080/v1/sync",
            token,
            body: &[],
        };
        dpop::prove(&key(), request, AT, [7; 12]).into_bytes()
    };
    vec![prove(None), prove(Some("token"))]
}

pub(super) fn tokens() -> Vec<Vec<u8>> {
    let device = DeviceId::from_bytes([66; 16]);
    vec![
        token_keys()
            .issue(device, &key().verifying_key(), AT)
            .token
            .into_bytes(),
    ]
}

pub(super) fn events() -> Vec<Vec<u8>> {
    vec![
        b"event: areas\ndata: {\"areas\":[\"a\",\"b\"]}\n\n: still here\n\n".to_vec(),
        b"data: {\"areas\":\r\ndata:[\"c\"]}\r\n\r\ndata: {\"areas\":[\"cut".to_vec(),
    ]
}

pub(super) fn config() -> Vec<Vec<u8>> {
    vec![
        b"listen = \"127.0.0.1:8080\"\npublic_urls = [\"https://a:1\"]\n[limits]\nrequests = 4\nqueue_ms = 9\n".to_vec(),
        b"[store]\nreaders = 2\nbytes_max = 1000000\n[log]\nfilter = \"info\"\nformat = \"json\"\n".to_vec(),
    ]
}

/// Lies for a tablet: which document, what kind of lie, then the bytes.
pub(super) fn pages() -> Vec<Vec<u8>> {
    let mut pages: Vec<Vec<u8>> = Vec::new();
    pages.extend(
        changes()
            .into_iter()
            .map(|bytes| [vec![0, 1], bytes].concat()),
    );
    pages.extend(
        saved()
            .into_iter()
            .map(|bytes| [vec![0, 2], bytes].concat()),
    );
    pages.extend(
        replies()
            .into_iter()
            .map(|bytes| [vec![0, 0], bytes].concat()),
    );
    pages
}

/// Damage to a tablet's files: the key file as it is, or places in the database and what stands there instead.
pub(super) fn tablet_files() -> Vec<Vec<u8>> {
    let damage = |file: u8, places: &[(u32, u8)]| {
        let mut bytes = vec![file];
        for (at, byte) in places {
            bytes.extend(at.to_be_bytes());
            bytes.push(*byte);
        }
        bytes
    };
    vec![
        [vec![0], worlds::key_file()].concat(),
        damage(1, &[(0, 7)]),
        damage(1, &[(4096, 7), (9000, 1)]),
        damage(1, &[(40_000, 7), (60_000, 255), (120_000, 1)]),
        damage(2, &[(0, 1), (100, 7)]),
    ]
}
