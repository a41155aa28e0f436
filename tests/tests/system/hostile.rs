//! A real server, spoken to in raw HTTP by somebody who means ill: tokens and proofs that are wrong, bodies that are no
//! messages, too large, too slow or bombs. Refusals are the same for all, nothing is stored, memory stays small, and
//! the honest tablet syncs as before.

use ed25519_dalek::SigningKey;
use sojourn_sync_protocol::{
    Timestamp,
    codec::{self, CONTENT_TYPE, Effort},
    dpop::{ProofFor, prove},
    limits::{REPLY_FRAME_BYTES_MAX, REQUEST_BYTES_MAX},
    message::{EnrolReply, EnrolRequest, SyncRequest, TokenReply, TokenRequest},
    refusal::Refusal,
};
use sojourn_tests::{
    files,
    generate::Generator,
    hostile::{Dice, frame},
    processes::Tablet,
};
use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::{
    NOW,
    office::{Office, sync, village},
};

/// Of the server's process, at any moment.
const MEMORY_MIB_MAX: u64 = 256;
const TWENTY_MINUTES_MS: i64 = 1_200_000;

/// Somebody with a key, and perhaps a token.
#[derive(Clone)]
struct Stranger {
    key: SigningKey,
    token: Option<String>,
    /// Added to this machine's clock.
    shift: i64,
    drawn: u8,
}

/// One request, so that any part of it can be spoilt.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    path: &'static str,
    authorization: Option<String>,
    proof: Option<String>,
    body: Vec<u8>,
}

impl Stranger {
    fn new(seed: u8) -> Self {
        Self {
            key: SigningKey::from_bytes(&[seed; 32]),
            token: None,
            shift: 0,
            drawn: 0,
        }
    }

    fn send(
        &mut self,
        method: &'static str,
        path: &'static str,
        body: Vec<u8>,
        server: SocketAddr,
    ) -> Sent {
        let now = sojourn_server::clock::now().plus_millis(self.shift);
        self.send_at(method, path, body, server, now)
    }

    fn send_at(
        &mut self,
        method: &'static str,
        path: &'static str,
        body: Vec<u8>,
        server: SocketAddr,
        now: Timestamp,
    ) -> Sent {
        self.drawn += 1;
        let url = format!("http://{server}{path}");
        let request = ProofFor {
            method,
            url: &url,
            token: self.token.as_deref(),
            body: &body,
        };
        let mut random = [self.drawn; 12];
        random[..8].copy_from_slice(&now.millis().to_be_bytes());
        let proof = prove(&self.key, request, now, random);
        let authorization = self.token.as_ref().map(|token| format!("DPoP {token}"));
        Sent {
            method,
            path,
            authorization,
            proof: Some(proof),
            body,
        }
    }

    fn enrol(&mut self, office: &Office) -> EnrolReply {
        let request = EnrolRequest {
            code: office.code("v1"),
            label: "stranger".into(),
            schema: 1,
        };
        let sent = self.send(
            "POST",
            "/v1/enrol",
            codec::encode(&request, Effort::Quick),
            office.server.address(),
        );
        let (status, body) = ask(office.server.address(), &sent).expect("an answer");
        assert_eq!(status, 200);
        let reply: EnrolReply = codec::decode(&body, REPLY_FRAME_BYTES_MAX).expect("a reply");
        self.token = Some(reply.token.token.clone());
        reply
    }
}

impl Sent {
    fn head(&self, server: SocketAddr, length: usize) -> String {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {length}\r\n",
            self.method, self.path
        );
        if let Some(authorization) = &self.authorization {
            head += &format!("authorization: {authorization}\r\n");
        }
        if let Some(proof) = &self.proof {
            head += &format!("dpop: {proof}\r\n");
        }
        head + "\r\n"
    }
}

/// Sends a request and reads status and body.
fn ask(server: SocketAddr, sent: &Sent) -> io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(sent.head(server, sent.body.len()).as_bytes())?;
    // A server that has refused already need not read on.
    let _ = stream.write_all(&sent.body);
    answer(stream)
}

fn answer(mut stream: TcpStream) -> io::Result<(u16, Vec<u8>)> {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let Some(split) = split else {
        read?;
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let head = String::from_utf8_lossy(&bytes[..split]).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok((
        status.ok_or(io::ErrorKind::InvalidData)?,
        bytes.split_off(split + 4),
    ))
}

#[track_caller]
fn refused(server: SocketAddr, sent: &Sent) -> Refusal {
    let (status, body) = ask(server, sent).expect("an answer");
    let refusal: Refusal = codec::decode(&body, REPLY_FRAME_BYTES_MAX).expect("a refusal");
    assert_eq!(status, refusal.status());
    refusal
}

fn idle() -> Vec<u8> {
    let request = SyncRequest {
        schema: 1,
        grant: 1,
        areas_version: 1,
        cursor: Vec::new(),
        page_bytes: 1000,
        push: None,
        watermark: None,
    };
    codec::encode(&request, Effort::Quick)
}

/// The server's most memory so far, in MiB.
fn peak_mib(office: &Office) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", office.server.pid()))
        .expect("the server runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("Linux tells the peak");
    line.trim()
        .trim_end_matches("kB")
        .trim()
        .parse::<u64>()
        .expect("a number")
        / 1024
}

/// An honest tablet with a household, all handed in.
fn honest(office: &Office) -> Tablet {
    let tablet = office.tablet("honest", "v1");
    let mut generator = Generator::new(77, NOW);
    let lines: Vec<_> = (0..5)
        .map(|_| files::household_line(&generator.household(&village("v1"), None), NOW))
        .collect();
    office.import(&tablet, &lines);
    sync(&tablet);
    tablet
}

#[track_caller]
fn still_serves(office: Office, honest: &Tablet, before: &[serde_json::Value]) {
    assert_eq!(office.server.export("v1"), before, "something was stored");
    let id = before[0]["id"].as_str().expect("an id");
    honest.run(["edit", id, "contact/phone=10000000001"]).ok();
    let synced = sync(honest);
    assert_eq!(
        (&synced["outcome"], &synced["pushed"]),
        (&"agreed".into(), &1.into()),
        "{synced}"
    );
    let peak = peak_mib(&office);
    assert!(peak < MEMORY_MIB_MAX, "{peak} MiB");
    office.close();
}

#[test]
fn wrong_tokens_and_proofs_get_one_answer() {
    let mut office = Office::open();
    let tablet = honest(&office);
    let before = office.server.export("v1");
    let server = office.server.address();
    let (mut owner, mut thief) = (Stranger::new(1), Stranger::new(2));
    let enrolled = owner.enrol(&office);
    thief.enrol(&office);
    let good = owner.send("POST", "/v1/sync", idle(), server);
    assert_eq!(ask(server, &good).expect("an answer").0, 200);
    let token = owner.token.clone().expect("it is enrolled");
    let forged = |token: &str| {
        let at = token.len() / 2;
        let other = if token.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        format!("{}{other}{}", &token[..at], &token[at + 1..])
    };
    let mut wrong = vec![("replayed", good.clone())];
    let mut add = |what, change: &dyn Fn(&mut Sent)| {
        let mut sent = owner.send("POST", "/v1/sync", idle(), server);
        change(&mut sent);
        wrong.push((what, sent));
    };
    add("no token", &|sent| sent.authorization = None);
    add("no proof", &|sent| sent.proof = None);
    add("a bearer", &|sent| {
        sent.authorization = Some(format!("Bearer {token}"))
    });
    add("a forged token", &|sent| {
        sent.authorization = Some(format!("DPoP {}", forged(&token)))
    });
    add("an empty token", &|sent| {
        sent.authorization = Some("DPoP ".into())
    });
    add("a forged proof", &|sent| {
        sent.proof = sent.proof.as_deref().map(forged)
    });
    add("no proof at all", &|sent| sent.proof = Some("x.y.z".into()));
    add("another body", &|sent| sent.body.push(0));
    add("another address", &|sent| sent.path = "/v1/verify");
    let mut stolen = thief.clone();
    stolen.token = Some(token);
    wrong.push((
        "a stolen token",
        stolen.send("POST", "/v1/sync", idle(), server),
    ));
    for (what, sent) in &wrong {
        assert_eq!(refused(server, sent), Refusal::Unauthenticated, "{what}");
    }
    // Somebody else's name in a request for a token.
    let renewal = codec::encode(
        &TokenRequest {
            device: enrolled.device,
        },
        Effort::Quick,
    );
    thief.token = None;
    let sent = thief.send("POST", "/v1/token", renewal.clone(), server);
    assert_eq!(refused(server, &sent), Refusal::Unauthenticated);
    // Twenty minutes on, the token has expired; whoever holds the key gets another.
    office.server.stop();
    office.server.set_clock_shift(TWENTY_MINUTES_MS);
    office.server.start_at(&server.to_string());
    let mut slow = owner.clone();
    slow.token = None;
    let sent = slow.send("POST", "/v1/token", renewal.clone(), server);
    assert!(matches!(refused(server, &sent), Refusal::ClockSkew { .. }));
    owner.shift = TWENTY_MINUTES_MS;
    let sent = owner.send("POST", "/v1/sync", idle(), server);
    assert_eq!(refused(server, &sent), Refusal::Unauthenticated);
    owner.token = None;
    let sent = owner.send("POST", "/v1/token", renewal, server);
    let (status, body) = ask(server, &sent).expect("an answer");
    assert_eq!(status, 200);
    let renewed: TokenReply = codec::decode(&body, REPLY_FRAME_BYTES_MAX).expect("a reply");
    owner.token = Some(renewed.token);
    let sent = owner.send("POST", "/v1/sync", idle(), server);
    assert_eq!(ask(server, &sent).expect("an answer").0, 200);
    office.server.stop();
    office.server.set_clock_shift(0);
    office.server.start_at(&server.to_string());
    still_serves(office, &tablet, &before);
}

#[test]
fn bodies_that_are_no_messages_cost_little_and_store_nothing() {
    let office = Office::open();
    let tablet = honest(&office);
    let before = office.server.export("v1");
    let server = office.server.address();
    let mut device = Stranger::new(3);
    device.enrol(&office);
    // Slow ones first: they hold on while everything else is served.
    let mut slow = Vec::new();
    for _ in 0..20 {
        let sent = device.send("POST", "/v1/sync", idle(), server);
        let mut stream = TcpStream::connect(server).expect("a connection");
        stream
            .write_all(sent.head(server, REQUEST_BYTES_MAX).as_bytes())
            .expect("it is taken");
        stream.write_all(&[1]).expect("it is taken");
        slow.push(stream);
    }
    let large = Sent {
        body: vec![0; REQUEST_BYTES_MAX + 1],
        ..device.send("POST", "/v1/sync", idle(), server)
    };
    if let Ok((status, _)) = ask(server, &large) {
        assert_eq!(status, 413);
    }
    for _ in 0..20 {
        let bomb = device.send("POST", "/v1/sync", frame::bomb(), server);
        assert!(matches!(
            refused(server, &bomb),
            Refusal::TooLarge { .. } | Refusal::Malformed { .. }
        ));
    }
    let deep = [&[1, 0][..], &[0x81; 500_000]].concat();
    let deep = device.send("POST", "/v1/sync", deep, server);
    assert!(matches!(refused(server, &deep), Refusal::Malformed { .. }));
    let mut met = [0u32; 6];
    for seed in 0..200 {
        let body = frame::mutate(&mut Dice::new(seed), &idle());
        let sent = device.send(
            "POST",
            ["/v1/sync", "/v1/verify", "/v1/token"][seed as usize % 3],
            body,
            server,
        );
        let (status, _) = ask(server, &sent).expect("an answer");
        assert!(
            matches!(status, 200 | 400 | 401 | 404 | 413 | 426),
            "seed {seed}: {status}"
        );
        met[usize::from(status / 100)] += 1;
    }
    assert!(met[4] > 50, "{met:?}");
    drop(slow);
    still_serves(office, &tablet, &before);
}
