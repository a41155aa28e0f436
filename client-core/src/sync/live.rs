//! Hears, while online, which areas have moved, so that a tablet syncs at once rather than at the next round.
//!
//! A hint is never the data and never in the path of correctness: a stream that ends, or that was never opened, loses
//! nothing, since the cursor is the truth. It ends with the access token; sync, which renews it, and open another.

use std::collections::VecDeque;

use ed25519_dalek::SigningKey;
use sojourn_sync_protocol::codec;
use sojourn_sync_protocol::dpop::{self, ProofFor};
use sojourn_sync_protocol::limits::REPLY_FRAME_BYTES_MAX;
use sojourn_sync_protocol::message::LiveEvent;
use sojourn_sync_protocol::refusal::Refusal;
use sojourn_sync_protocol::{AreaCode, Timestamp};

use super::session::Failure;
use super::transport::{ByteStream, Http, Method, Request, Streamed};
use crate::Tablet;
use crate::clock::{self, Random};
use crate::error::Error;
use crate::identity;

const PATH: &str = "/v1/live";
/// Bytes of one event that are kept. Every area of the largest cursor fits.
const EVENT_BYTES_MAX: usize = 256 * 1024;

/// Why no stream was opened. Nothing is lost; sync as if there were none.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The server could not be asked, or said no.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The tablet is not enrolled, or its database fails.
    #[error(transparent)]
    Engine(#[from] Error),
}

/// An open stream of hints.
#[derive(Debug)]
pub struct Hints {
    bytes: ByteStream,
    events: Events,
}

/// Opens a stream with the tablet's present token.
///
/// # Errors
/// [`LiveError`]; a token that has ended is a refusal, and the next session renews it.
pub async fn open(
    tablet: &Tablet,
    http: &Http,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<Hints, LiveError> {
    let (identity, token) = tablet.read("open stream", |tx| {
        let identity = identity::identity(tx)?.ok_or(Error::NotEnrolled)?;
        Ok::<_, Error>((identity, identity::token(tx)?))
    })?;
    let token = token.map(|token| token.token).unwrap_or_default();
    let key = identity.signing_key();
    Ok(ask(http, &identity.server, &key, &token, now, random).await?)
}

async fn ask(
    http: &Http,
    server: &str,
    key: &SigningKey,
    token: &str,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<Hints, Failure> {
    let url = format!("{server}{PATH}");
    let proven = ProofFor {
        method: Method::Get.name(),
        url: &url,
        token: Some(token),
        body: &[],
    };
    let proof = dpop::prove(key, proven, now, clock::draw(random));
    let request = Request {
        method: Method::Get,
        headers: vec![
            (dpop::PROOF_HEADER, proof),
            ("authorization", format!("{} {token}", dpop::TOKEN_SCHEME)),
        ],
        url,
        body: Vec::new(),
        reply_max: REPLY_FRAME_BYTES_MAX,
    };
    match http.stream(request).await? {
        Streamed::Open(bytes) => Ok(Hints {
            bytes,
            events: Events::default(),
        }),
        Streamed::Frame(refused) => Err(
            match codec::decode::<Refusal>(&refused.body, REPLY_FRAME_BYTES_MAX) {
                Ok(refusal) => Failure::Refused(refusal),
                Err(error) => Failure::Unusable(error.to_string()),
            },
        ),
    }
}

impl Hints {
    /// The areas of the next hint; `None` when the stream has ended.
    ///
    /// # Errors
    /// [`Failure`]: the connection was cut or fell silent, or what arrives is no event of this protocol.
    pub async fn next(&mut self) -> Result<Option<Vec<AreaCode>>, Failure> {
        loop {
            if let Some(areas) = self.events.ready.pop_front() {
                return Ok(Some(areas));
            }
            match self.bytes.next().await? {
                Some(bytes) => self.events.take(&bytes)?,
                None => return Ok(None),
            }
        }
    }
}

/// Reads server-sent events from bytes cut anywhere. Of fields only `data` says anything here; comments and events
/// without data are passed over, and so is what an end cut off.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    after_return: bool,
    data: Vec<u8>,
    ready: VecDeque<Vec<AreaCode>>,
}

impl Events {
    /// Takes in bytes, and gives the areas of the events that end in them.
    ///
    /// # Errors
    /// [`Failure::Unusable`]: an event that is no hint, or one without end.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<Vec<AreaCode>>, Failure> {
        self.take(bytes)?;
        Ok(self.ready.drain(..).collect())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for byte in bytes {
            let second_of_two = *byte == b'\n' && self.after_return;
            self.after_return = *byte == b'\r';
            match byte {
                b'\n' if second_of_two => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    self.end_of_line(&line)?;
                }
                other if self.line.len() + self.data.len() < EVENT_BYTES_MAX => {
                    self.line.push(*other);
                }
                _ => return Err(Failure::Unusable("an event without end".into())),
            }
        }
        Ok(())
    }

    fn end_of_line(&mut self, line: &[u8]) -> Result<(), Failure> {
        if let Some(value) = line.strip_prefix(b"data:") {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
        } else if line.is_empty() && !self.data.is_empty() {
            let event: LiveEvent = serde_json::from_slice(&self.data)
                .map_err(|error| Failure::Unusable(format!("a hint: {error}")))?;
            self.data.clear();
            self.ready.push_back(event.areas);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededRandom;
    use crate::sync::transport::TransportError;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const STREAM: &str = "event: areas\ndata: {\"areas\":[\"a\",\"b\"]}\n\n: still here\n\n\
                          data: {\"areas\":\r\ndata:[\"c\"]}\r\n\r\ndata: {\"areas\":[\"cut";

    fn area(code: &str) -> AreaCode {
        code.parse().unwrap()
    }

    fn expected() -> Vec<Vec<AreaCode>> {
        vec![vec![area("a"), area("b")], vec![area("c")]]
    }

    proptest! {
        #[test]
        fn bytes_may_be_cut_anywhere(mut cuts in prop::collection::vec(0..STREAM.len(), 0..8)) {
            cuts.push(0);
            cuts.push(STREAM.len());
            cuts.sort_unstable();
            let mut events = Events::default();
            for pair in cuts.windows(2) {
                events.take(&STREAM.as_bytes()[pair[0]..pair[1]]).unwrap();
            }
            prop_assert_eq!(Vec::from(events.ready), expected());
        }
    }

    #[test]
    fn what_is_no_hint_is_an_error_and_so_is_an_event_without_end() {
        let mut events = Events::default();
        assert!(events.take(b"data: <html>\n\n").is_err());
        let mut events = Events::default();
        assert!(events.take(&vec![b'x'; EVENT_BYTES_MAX + 1]).is_err());
        let mut events = Events::default();
        let endless = b"data: xxxxxxxxxxxxxxxx\n".repeat(EVENT_BYTES_MAX / 16 + 1);
        assert!(events.take(&endless).is_err());
    }

    /// Answers one request with these bytes and closes; gives what was asked, and what `ask` made of the answer.
    async fn answered(answer: &'static [u8]) -> (String, Result<Hints, Failure>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(socket.read_u8().await.unwrap());
            }
            socket.write_all(answer).await.unwrap();
            String::from_utf8(asked).unwrap()
        });
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut random = SeededRandom::new(1);
        let http = Http::new().unwrap();
        let now = Timestamp::from_millis(1_795_000_000_000);
        let hints = ask(&http, &server, &key, "token", now, &mut random).await;
        (serving.await.unwrap(), hints)
    }

    #[tokio::test]
    async fn hints_arrive_until_the_stream_ends() {
        let (asked, hints) = answered(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
              event: areas\ndata: {\"areas\":[\"a\",\"b\"]}\n\ndata: {\"areas\":[\"c\"]}\n\ndata: {",
        )
        .await;
        assert!(asked.starts_with("GET /v1/live HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("authorization: DPoP token\r\n"), "{asked}");
        let mut hints = hints.unwrap();
        for areas in expected() {
            assert_eq!(hints.next().await.unwrap(), Some(areas));
        }
        assert_eq!(hints.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn somebody_else_who_answers_is_told_apart() {
        let (_, hints) =
            answered(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi")
                .await;
        assert!(matches!(
            hints.unwrap_err(),
            Failure::Transport(TransportError::NotOurServer { status: 200, .. })
        ));
    }
}
