//! A register in memory, as a transport: what a session meets in tests. It keeps the protocol's promises (a
//! batch sent again gets the same fates, a number is never used twice) and fails where it is told to.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sojourn_sync_protocol::batch::{Batch, CHAIN_START, PushedChange};
use sojourn_sync_protocol::codec::{self, Effort};
use sojourn_sync_protocol::digest::{self, Digest};
use sojourn_sync_protocol::message::{
    AreaCursor, AreaDigest, AreasReply, BucketDigest, DocumentLeaf, Entry, Fate, Grant, SyncReply,
    SyncRequest, TokenReply, VerifyAnswer, VerifyAsk, VerifyReply, VerifyRequest, WholeDocument,
};
use sojourn_sync_protocol::record::Document;
use sojourn_sync_protocol::refusal::Refusal;
use sojourn_sync_protocol::{ActorId, AreaCode, DocumentId};

use super::transport::{Request, Response, Transport, TransportError};
use crate::documents::FIRST_EPOCH;
use crate::testing::NOW;

/// What happens to one request instead of an answer at once.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It never arrives.
    Lost,
    /// It arrives and is dealt with; the answer is lost.
    AnswerLost,
    /// It is refused.
    Refused(Refusal),
    /// Another program answers.
    Portal,
    /// Nothing ever comes.
    Silence,
    /// It is answered when the tablet has turned to something else.
    Late,
}

pub(crate) type Judge = Box<dyn Fn(&PushedChange) -> Option<Fate> + Send>;

/// What the register holds.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) documents: BTreeMap<DocumentId, (AreaCode, Document)>,
    /// What is still to be sent, oldest first, per area.
    pub(crate) feeds: BTreeMap<AreaCode, Vec<Entry>>,
    pub(crate) batches: HashMap<(ActorId, u64), (Batch, Vec<Fate>)>,
    chains: HashMap<ActorId, (u64, [u8; 32])>,
    pub(crate) faults: VecDeque<Option<Fault>>,
    pub(crate) grant: Option<Grant>,
    pub(crate) tree: Option<AreasReply>,
    pub(crate) paths: Vec<String>,
    pub(crate) judge: Option<Judge>,
    /// Entries in one page.
    pub(crate) page: usize,
}

/// The register.
pub(crate) struct Register {
    held: Mutex<Held>,
}

impl Register {
    pub(crate) fn new() -> Self {
        let held = Held {
            page: 100,
            ..Held::default()
        };
        Self {
            held: Mutex::new(held),
        }
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }
}

impl Transport for Register {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let fault = self.held().faults.pop_front().flatten();
        let cut = || Err(TransportError::Cut("reset".into()));
        match fault {
            Some(Fault::Lost) => return cut(),
            Some(Fault::Portal) => {
                let (status, retry_after_ms) = (200, None);
                return Err(TransportError::NotOurServer {
                    status,
                    retry_after_ms,
                });
            }
            Some(Fault::Silence) => std::future::pending().await,
            Some(Fault::Refused(refusal)) => {
                let body = codec::encode(&refusal, Effort::Quick);
                let status = refusal.status();
                return Ok(Response { status, body });
            }
            Some(Fault::Late) => tokio::task::yield_now().await,
            Some(Fault::AnswerLost) | None => {}
        }
        let body = self.held().answer(&request);
        if matches!(fault, Some(Fault::AnswerLost)) {
            return cut();
        }
        Ok(Response { status: 200, body })
    }
}

fn read<T: DeserializeOwned>(request: &Request) -> T {
    codec::decode(&request.body, 1 << 24).unwrap()
}

fn frame(message: &impl Serialize) -> Vec<u8> {
    codec::encode(message, Effort::Page)
}

impl Held {
    fn answer(&mut self, request: &Request) -> Vec<u8> {
        let path = request.url.strip_prefix("http://127.0.0.1:1").unwrap();
        self.paths.push(path.to_owned());
        match path {
            "/v1/token" => frame(&TokenReply {
                token: "t".into(),
                expires_at: NOW.plus_millis(600_000),
                server_time: NOW,
            }),
            "/v1/areas" => frame(self.tree.as_ref().unwrap()),
            "/v1/sync" => frame(&self.sync(&read(request))),
            "/v1/verify" => frame(&self.verify(&read(request))),
            other => panic!("{other}"),
        }
    }

    fn sync(&mut self, request: &SyncRequest) -> SyncReply {
        let fates = request.push.as_ref().map_or(Vec::new(), |b| self.push(b));
        let mut entries = Vec::new();
        let mut cursor = Vec::new();
        let mut remaining = 0;
        for (area, feed) in &self.feeds {
            let at = request.cursor.iter().find(|cursor| cursor.area == *area);
            let at = at.map_or(0, |cursor| usize::try_from(cursor.seq).unwrap());
            let end = feed.len().min(at + self.page - entries.len());
            entries.extend_from_slice(&feed[at..end]);
            remaining += (feed.len() - end) as u64;
            if end > at {
                let (area, seq) = (area.clone(), end as u64);
                cursor.push(AreaCursor { area, seq });
            }
        }
        let digests = if remaining == 0 {
            self.digests()
        } else {
            Vec::new()
        };
        SyncReply {
            server_time: NOW,
            fates,
            entries,
            cursor,
            remaining,
            digests,
            grant: self
                .grant
                .clone()
                .filter(|grant| grant.version != request.grant),
            areas_version: Some(self.tree.as_ref().map_or(1, |tree| tree.version)),
            lost: false,
            watermark: None,
        }
    }

    fn push(&mut self, batch: &Batch) -> Vec<Fate> {
        let key = (batch.actor, batch.number);
        if let Some((stored, fates)) = self.batches.get(&key) {
            assert_eq!(stored, batch, "a batch sent again is the same");
            return fates.clone();
        }
        let last = self.chains.get(&batch.actor).copied();
        assert_eq!(
            (batch.number - 1, batch.previous),
            last.unwrap_or((0, CHAIN_START))
        );
        let fates: Vec<Fate> = batch.changes.iter().map(|c| self.merge(c)).collect();
        self.chains
            .insert(batch.actor, (batch.number, batch.digest()));
        self.batches.insert(key, (batch.clone(), fates.clone()));
        fates
    }

    fn merge(&mut self, change: &PushedChange) -> Fate {
        if let Some(fate) = self.judge.as_ref().and_then(|judge| judge(change)) {
            return fate;
        }
        let id = change.document;
        let home: AreaCode = crate::testing::HOME.parse().unwrap();
        let begun = self
            .documents
            .entry(id)
            .or_insert_with(|| (home, Document::new(id)));
        if begun.1.has(&change.hash()) {
            return Fate::Duplicate;
        }
        match begun.1.apply_changes(&[&change.bytes]) {
            Ok(_) => Fate::Accepted { late: false },
            Err(_) => {
                self.documents
                    .retain(|_, (_, document)| !document.changes().is_empty());
                Fate::MissingDeps
            }
        }
    }

    pub(crate) fn leaves(&self, area: &AreaCode) -> Vec<DocumentLeaf> {
        let granted = |kind| {
            self.grant
                .as_ref()
                .is_none_or(|grant| grant.kinds.contains(&kind))
        };
        let here = self.documents.values();
        let here = here.filter(|(at, document)| at == area && granted(document.id().kind));
        here.map(|(_, document)| DocumentLeaf {
            document: document.id(),
            leaf: digest::leaf(document.id(), FIRST_EPOCH, &document.heads()),
        })
        .collect()
    }

    fn digests(&self) -> Vec<AreaDigest> {
        let mut areas: Vec<AreaCode> = self
            .documents
            .values()
            .map(|(area, _)| area.clone())
            .collect();
        // The tablet's grant covers every area but this one.
        areas.retain(|area| area.as_str() != crate::testing::FAR);
        areas.sort();
        areas.dedup();
        let sum = |area: AreaCode| {
            let mut digest = Digest::default();
            for leaf in self.leaves(&area) {
                digest.add(&leaf.leaf);
            }
            AreaDigest { area, digest }
        };
        areas.into_iter().map(sum).collect()
    }

    fn verify(&self, request: &VerifyRequest) -> VerifyReply {
        let leaves = self.leaves(&request.area);
        let answer = match &request.ask {
            VerifyAsk::Buckets => {
                let mut buckets: BTreeMap<u8, Digest> = BTreeMap::new();
                for leaf in &leaves {
                    let bucket = buckets.entry(Digest::bucket(leaf.document)).or_default();
                    bucket.add(&leaf.leaf);
                }
                let of = |(bucket, digest)| BucketDigest { bucket, digest };
                VerifyAnswer::Buckets(buckets.into_iter().map(of).collect())
            }
            VerifyAsk::Documents(asked) => {
                let wanted = |leaf: &DocumentLeaf| asked.contains(&Digest::bucket(leaf.document));
                VerifyAnswer::Documents(leaves.into_iter().filter(wanted).collect())
            }
            VerifyAsk::Fetch { documents } => {
                let whole = |id: &DocumentId| self.whole(*id, &request.area);
                VerifyAnswer::Fetched(documents.iter().filter_map(whole).collect())
            }
        };
        let seq = self.feeds.get(&request.area).map_or(0, Vec::len) as u64;
        VerifyReply { seq, answer }
    }

    fn whole(&self, id: DocumentId, area: &AreaCode) -> Option<WholeDocument> {
        let (at, document) = self.documents.get(&id)?;
        (at == area).then(|| WholeDocument {
            document: id,
            area: area.clone(),
            epoch: FIRST_EPOCH,
            saved: document.save(),
        })
    }
}
