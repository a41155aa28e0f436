//! A tablet reduced to what the server sees of it: a key, an actor, a chain, and one connection. What it hands in is made and
//! signed before the clock runs, so that on one machine the server gets the processor.

use std::{
    collections::BTreeSet,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use ed25519_dalek::SigningKey;
use sojourn_client_core::clock::{self, SystemRandom, draw};
use sojourn_sync_protocol::{
    ActorId, AreaCode, DocumentId, StaffId,
    batch::{Batch, CHAIN_START, PushedChange},
    codec::{self, CONTENT_TYPE, Effort},
    dpop::{ProofFor, prove},
    limits::REPLY_FRAME_BYTES_MAX,
    message::{AreaCursor, EnrolReply, EnrolRequest, Fate, SyncReply, SyncRequest},
    record::{Authorship, Document, Edit},
};
use sojourn_tests::generate::{Generator, Household};

use crate::{
    Result,
    scene::{NOW, PERSONS, Register, VISITS, village},
};

const EPOCH: u64 = 1;

/// One tablet's key, chain and connection.
pub(crate) struct Pusher {
    server: SocketAddr,
    connection: BufReader<TcpStream>,
    key: SigningKey,
    token: String,
    staff: StaffId,
    area: AreaCode,
    grant: u32,
    actor: ActorId,
    number: u64,
    previous: [u8; 32],
    /// The place in the feed of its area, which nobody else writes to.
    place: u64,
}

/// A batch ready to be sent: the body, and how many changes it holds.
pub(crate) struct Push {
    body: Vec<u8>,
    /// Changes in it.
    pub(crate) changes: usize,
}

/// What the server said to a push.
pub(crate) enum Answer {
    /// Every change has its fate.
    Fates(Vec<Fate>),
    /// Later, after so many milliseconds.
    Busy(u64),
}

impl Pusher {
    /// Enrols a tablet for an area of its own.
    pub(crate) fn enrol(register: &Register, area: &str) -> Result<Self> {
        let server = register.server.address();
        let key = SigningKey::from_bytes(&random());
        let mut connection = connect(server)?;
        let request = EnrolRequest {
            code: register.code(&[area])?,
            label: "pusher".into(),
            schema: 1,
        };
        let body = codec::encode(&request, Effort::Quick);
        send(&mut connection, server, "/v1/enrol", (&key, None), &body)?;
        let answer = receive(&mut connection)?;
        let (status, body, _) = answer.ok_or("the server does not answer")?;
        if status != 200 {
            return Err(format!("enrolment was answered {status}").into());
        }
        let reply: EnrolReply = codec::decode(&body, REPLY_FRAME_BYTES_MAX)?;
        Ok(Self {
            server,
            connection,
            key,
            token: reply.token.token,
            staff: reply.staff,
            area: area.parse()?,
            grant: reply.grant.version,
            actor: ActorId(random()),
            number: 0,
            previous: CHAIN_START,
            place: 0,
        })
    }

    /// Makes one edit of a document.
    pub(crate) fn edit(&self, document: &mut Document, edit: &Edit) -> Result<PushedChange> {
        let by = Authorship {
            actor: self.actor,
            staff: self.staff,
            area: self.area.clone(),
            at: NOW,
        };
        Ok(PushedChange {
            document: document.id(),
            epoch: EPOCH,
            bytes: document.edit(edit, &by)?.bytes,
        })
    }

    /// Makes a household of four persons and ten visits; gives its core document and every change.
    pub(crate) fn household(
        &self,
        generator: &mut Generator,
    ) -> Result<(Household, Document, Vec<PushedChange>)> {
        let household = generator.household(&village(self.area.as_str())?, Some(PERSONS));
        let document = |kind| Document::new(DocumentId::new(household.id, kind));
        let mut draw = || random();
        let register = Edit::RegisterHousehold(household.new.clone()).with_ids(NOW, &mut draw);
        let mut core = document(register.document());
        let mut changes = vec![self.edit(&mut core, &register)?];
        let mut health: Option<Document> = None;
        for visit in generator.visits(&household, VISITS) {
            let visit = Edit::RecordVisit(visit).with_ids(NOW, &mut draw);
            let health = health.get_or_insert_with(|| document(visit.document()));
            changes.push(self.edit(health, &visit)?);
        }
        Ok((household, core, changes))
    }

    /// Signs the next batch of the chain. Batches are to be sent in the order in which they were made.
    pub(crate) fn push(&mut self, changes: Vec<PushedChange>) -> Push {
        let count = changes.len();
        let cursor = AreaCursor {
            area: self.area.clone(),
            seq: self.place,
        };
        let touched: BTreeSet<DocumentId> = changes.iter().map(|one| one.document).collect();
        self.place += touched.len() as u64;
        self.number += 1;
        let batch = Batch::sign(
            &self.key,
            self.actor,
            self.number,
            self.previous,
            self.grant,
            changes,
        );
        self.previous = batch.digest();
        let request = SyncRequest {
            schema: 1,
            grant: self.grant,
            areas_version: 1,
            cursor: vec![cursor],
            page_bytes: 0,
            push: Some(batch),
            watermark: None,
        };
        Push {
            body: codec::encode(&request, Effort::Quick),
            changes: count,
        }
    }

    /// Sends a push and waits for the answer.
    pub(crate) fn send(&mut self, push: &Push) -> Result<Answer> {
        let (status, body, retry_after) = match self.ask(&push.body)? {
            Some(answer) => answer,
            // The server closes connections on which nothing was asked for a while, as HTTP allows. The same batch
            // gets the same fates.
            None => {
                self.connection = connect(self.server)?;
                let answer = self.ask(&push.body)?;
                answer.ok_or("the server answers nobody")?
            }
        };
        match status {
            200 => {
                let reply: SyncReply = codec::decode(&body, REPLY_FRAME_BYTES_MAX)?;
                Ok(Answer::Fates(reply.fates))
            }
            429 | 503 => {
                let seconds = retry_after.ok_or("a refusal says when to come back")?;
                Ok(Answer::Busy(seconds * 1000))
            }
            other => Err(format!("a push was answered {other}").into()),
        }
    }

    /// One request on the connection; `None` when it was closed.
    fn ask(&mut self, body: &[u8]) -> Result<Option<Received>> {
        let by = (&self.key, Some(self.token.as_str()));
        let sent = send(&mut self.connection, self.server, "/v1/sync", by, body);
        if sent.is_err() {
            return Ok(None);
        }
        receive(&mut self.connection)
    }

    /// Sends a push, which must be accepted at once.
    pub(crate) fn hand_in(&mut self, push: &Push) -> Result<()> {
        match self.send(push)? {
            Answer::Fates(fates) if all_accepted(&fates, push) => Ok(()),
            _ => Err("a change was not accepted".into()),
        }
    }
}

/// Whether every change of a push was accepted.
pub(crate) fn all_accepted(fates: &[Fate], push: &Push) -> bool {
    let accepted = |fate: &Fate| matches!(fate, Fate::Accepted { late: false });
    fates.len() == push.changes && fates.iter().all(accepted)
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    draw(&mut SystemRandom)
}

fn connect(server: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

fn send(
    connection: &mut BufReader<TcpStream>,
    server: SocketAddr,
    path: &str,
    (key, token): (&SigningKey, Option<&str>),
    body: &[u8],
) -> io::Result<()> {
    let url = format!("http://{server}{path}");
    let request = ProofFor {
        method: "POST",
        url: &url,
        token,
        body,
    };
    let proof = prove(key, request, clock::now(), random());
    let length = body.len();
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nhost: {server}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {length}\r\ndpop: {proof}\r\n"
    );
    if let Some(token) = token {
        head += &format!("authorization: DPoP {token}\r\n");
    }
    head += "\r\n";
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    connection.get_mut().write_all(&bytes)
}

/// Status, body, and the seconds of `retry-after`.
type Received = (u16, Vec<u8>, Option<u64>);

/// Reads an answer; `None` when the connection was closed before it began.
fn receive(connection: &mut BufReader<TcpStream>) -> Result<Option<Received>> {
    let mut line = String::new();
    if connection.read_line(&mut line).unwrap_or(0) == 0 {
        return Ok(None);
    }
    let status = line.split(' ').nth(1).ok_or("an answer has a status")?;
    let status: u16 = status.parse()?;
    let (mut length, mut retry_after) = (0, None);
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse()?,
            "retry-after" => retry_after = Some(value.trim().parse()?),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok(Some((status, body, retry_after)))
}
