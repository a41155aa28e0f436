//! Frozen bytes: each message encodes to the vector in `vectors.txt`, and the vector decodes to the
//! message. A vector stays for ever; a new version adds its own. A client in another language can use
//! the file as its own test.

use ed25519_dalek::SigningKey;
use serde::{Serialize, de::DeserializeOwned};
use sojourn_sync_protocol::{
    ActorId, AreaCode, DeviceId, DocKind, DocumentId, HouseholdId, StaffId, Timestamp,
    area::Area,
    batch::{Batch, CHAIN_START, PushedChange},
    codec,
    digest::{Digest, leaf},
    dpop::{ProofFor, prove},
    ids::ChangeHash,
    message::*,
    refusal::Refusal,
};
use std::{collections::BTreeMap, fmt::Debug};

const VECTORS: &str = include_str!("vectors.txt");

/// Lines of `name hex`, `#` for comments.
fn vectors() -> BTreeMap<&'static str, &'static str> {
    VECTORS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            line.split_once(' ')
                .expect("a line is a name and hexadecimal digits")
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// Collects what differs, so that one run shows every line.
#[derive(Default)]
struct Frozen {
    seen: Vec<&'static str>,
    wrong: Vec<String>,
}

impl Frozen {
    fn bytes(&mut self, name: &'static str, bytes: &[u8]) {
        self.seen.push(name);
        let found = hex(bytes);
        if vectors().get(name) != Some(&found.as_str()) {
            self.wrong.push(format!("{name} {found}"));
        }
    }

    fn message<T: Serialize + DeserializeOwned + PartialEq + Debug>(
        &mut self,
        name: &'static str,
        value: &T,
    ) {
        let cbor = codec::to_cbor(value);
        self.bytes(name, &cbor);
        if let Some(vector) = vectors().get(name) {
            let frame = [&[1, 0][..], &unhex(vector)].concat();
            assert_eq!(
                codec::decode::<T>(&frame, 1 << 20).as_ref(),
                Ok(value),
                "{name}"
            );
        }
    }
}

fn area(code: &str) -> AreaCode {
    code.parse().expect("a code")
}

#[test]
fn every_message_keeps_its_bytes() {
    let mut frozen = Frozen::default();
    let household = HouseholdId::from_bytes(*b"\x01\x99\0\0\0\x01\x70\0\x80\0\0\0\0\0\0\x01");
    let core = DocumentId::new(household, DocKind::Core);
    let health = DocumentId::new(household, DocKind::Health);
    let village = area("370281001001");
    let now = Timestamp::from_millis(1_795_507_200_123);
    let key = SigningKey::from_bytes(&[7; 32]);
    let grant = Grant {
        version: 3,
        areas: vec![village.clone()],
        kinds: DocKind::ALL.to_vec(),
    };
    let token = TokenReply {
        token: "a.b.c".into(),
        expires_at: now.plus_millis(600_000),
        server_time: now,
    };

    let enrol = EnrolRequest {
        code: "7K3M-Q9TX-2HVD".into(),
        label: "东村平板".into(),
        schema: 1,
    };
    frozen.message("enrol-request", &enrol);
    frozen.message(
        "enrol-reply",
        &EnrolReply {
            device: DeviceId::from_bytes([2; 16]),
            staff: StaffId::from_bytes([3; 16]),
            staff_name: "甲".into(),
            grant: grant.clone(),
            token: token.clone(),
        },
    );
    frozen.message(
        "token-request",
        &TokenRequest {
            device: DeviceId::from_bytes([2; 16]),
        },
    );
    frozen.message("token-reply", &token);
    let root = Area {
        code: area("37"),
        parent: None,
        level: "province".into(),
        name: "山东省".into(),
    };
    let city = Area {
        code: area("3702"),
        parent: Some(area("37")),
        level: "city".into(),
        name: "青岛市".into(),
    };
    frozen.message(
        "areas-reply",
        &AreasReply {
            version: 1,
            areas: vec![root, city],
        },
    );

    let watermark = Watermark([8; 24]);
    let idle = SyncRequest {
        schema: 1,
        grant: 3,
        areas_version: 1,
        cursor: vec![AreaCursor {
            area: village.clone(),
            seq: 10_000,
        }],
        page_bytes: 4_194_304,
        push: None,
        watermark: None,
    };
    frozen.message("sync-request-idle", &idle);
    frozen.message(
        "sync-request-after-a-batch",
        &SyncRequest {
            watermark: Some(watermark),
            ..idle.clone()
        },
    );
    let change = PushedChange {
        document: core,
        epoch: 1,
        bytes: vec![1, 2, 3],
    };
    let batch = Batch::sign(&key, ActorId([4; 16]), 1, CHAIN_START, 3, vec![change]);
    assert!(batch.is_signed_by(&key.verifying_key()));
    frozen.bytes("batch-digest", &batch.digest());
    frozen.message(
        "sync-request-push",
        &SyncRequest {
            push: Some(batch),
            ..idle
        },
    );

    let digest = Digest {
        count: 2,
        sum: [9; 32],
    };
    let idle = SyncReply {
        server_time: now,
        fates: vec![],
        entries: vec![],
        cursor: vec![],
        remaining: 0,
        digests: vec![AreaDigest {
            area: village.clone(),
            digest,
        }],
        grant: None,
        areas_version: None,
        lost: false,
        watermark: None,
    };
    frozen.message("sync-reply-idle", &idle);
    frozen.message(
        "sync-reply-lost",
        &SyncReply {
            lost: true,
            watermark: Some(watermark),
            ..idle.clone()
        },
    );
    let mut fates = vec![
        Fate::Accepted { late: false },
        Fate::Accepted { late: true },
        Fate::Duplicate,
        Fate::MissingDeps,
        Fate::Fork,
        Fate::OldEpoch { epoch: 2 },
    ];
    let reasons = [
        QuarantineReason::Malformed,
        QuarantineReason::TooLarge,
        QuarantineReason::WrongActor,
        QuarantineReason::WrongAuthor,
        QuarantineReason::NotAuthorised,
        QuarantineReason::Structure,
        QuarantineReason::Unsafe,
        QuarantineReason::Descendant,
    ];
    fates.extend(reasons.map(|reason| Fate::Quarantined { reason }));
    let document = WholeDocument {
        document: core,
        area: village.clone(),
        epoch: 1,
        saved: vec![5; 4],
    };
    let changes = NewChanges {
        document: health,
        area: village.clone(),
        epoch: 1,
        changes: vec![serde_bytes::ByteBuf::from(vec![6; 3])],
    };
    let leave = Leave {
        household,
        area: village.clone(),
        to: area("370281002001"),
    };
    frozen.message(
        "sync-reply-page",
        &SyncReply {
            fates,
            entries: vec![
                Entry::Document(document.clone()),
                Entry::Changes(changes),
                Entry::Leave(leave),
            ],
            cursor: vec![AreaCursor {
                area: village.clone(),
                seq: 12,
            }],
            remaining: 30,
            digests: vec![],
            grant: Some(grant),
            ..idle
        },
    );

    let asks = [
        ("verify-request-buckets", VerifyAsk::Buckets),
        (
            "verify-request-documents",
            VerifyAsk::Documents(vec![0, 255]),
        ),
        (
            "verify-request-fetch",
            VerifyAsk::Fetch {
                documents: vec![core, health],
            },
        ),
    ];
    for (name, ask) in asks {
        frozen.message(
            name,
            &VerifyRequest {
                area: village.clone(),
                ask,
            },
        );
    }
    let answers = [
        (
            "verify-reply-buckets",
            VerifyAnswer::Buckets(vec![BucketDigest {
                bucket: 255,
                digest,
            }]),
        ),
        (
            "verify-reply-documents",
            VerifyAnswer::Documents(vec![DocumentLeaf {
                document: core,
                leaf: [8; 32],
            }]),
        ),
        (
            "verify-reply-fetched",
            VerifyAnswer::Fetched(vec![document]),
        ),
    ];
    for (name, answer) in answers {
        frozen.message(name, &VerifyReply { seq: 12, answer });
    }

    let refusals = [
        (
            "refusal-malformed",
            Refusal::Malformed {
                detail: "not a frame".into(),
            },
        ),
        ("refusal-version", Refusal::Version { min: 1, max: 1 }),
        ("refusal-schema", Refusal::Schema { known: 1 }),
        ("refusal-too-large", Refusal::TooLarge { max: 1_048_576 }),
        ("refusal-unauthenticated", Refusal::Unauthenticated),
        (
            "refusal-clock-skew",
            Refusal::ClockSkew { server_time: now },
        ),
        ("refusal-withdrawn", Refusal::Withdrawn),
        ("refusal-code", Refusal::Code),
        (
            "refusal-unknown-area",
            Refusal::UnknownArea { area: village },
        ),
        (
            "refusal-busy",
            Refusal::Busy {
                retry_after_ms: 500,
            },
        ),
        (
            "refusal-unavailable",
            Refusal::Unavailable {
                retry_after_ms: 30_000,
            },
        ),
        ("refusal-not-found", Refusal::NotFound),
        ("refusal-internal", Refusal::Internal { id: "r1".into() }),
    ];
    for (name, refusal) in refusals {
        frozen.message(name, &refusal);
    }

    frozen.bytes(
        "leaf",
        &leaf(core, 1, &[ChangeHash([2; 32]), ChangeHash([1; 32])]),
    );
    frozen.bytes("bucket", &[Digest::bucket(core)]);
    let request = ProofFor {
        method: "POST",
        url: "http://127.0.0.1/v1/sync",
        token: Some("a.b.c"),
        body: b"\x01\x00",
    };
    frozen.bytes("proof", prove(&key, request, now, [0; 12]).as_bytes());

    assert!(
        frozen.wrong.is_empty(),
        "these bytes differ:\n{}",
        frozen.wrong.join("\n")
    );
    let unused: Vec<_> = vectors()
        .into_keys()
        .filter(|name| !frozen.seen.contains(name))
        .collect();
    assert!(unused.is_empty(), "vectors that nothing checks: {unused:?}");
}

#[test]
fn a_frame_compressed_long_ago_still_opens() {
    // Only decoding is frozen: a compressor may improve.
    let frame = unhex(include_str!("frame-zstd.hex").trim());
    let text: String = codec::decode(&frame, 4096).expect("the frozen frame");
    assert_eq!(text, "一户人家。".repeat(60));
}
