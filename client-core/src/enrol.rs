//! Makes a folder a tablet of the register: a key of its own, a one-time code, and the area tree.
//!
//! The private key is made here and only ever stored encrypted. The server learns its public half from
//! the proof. Edits made before, under another identity, stay in the outbox and are written again.

use ed25519_dalek::SigningKey;
use sojourn_sync_protocol::Timestamp;
use sojourn_sync_protocol::message::{AreasReply, EnrolReply, EnrolRequest, TokenReply};
use sojourn_sync_protocol::version::SCHEMA_VERSION;

use crate::Tablet;
use crate::clock::{self, Random};
use crate::error::Error;
use crate::identity::{self, Identity, Token};
use crate::outbox;
use crate::sync::call::{Call, Caller, Tally};
use crate::sync::incoming;
use crate::sync::session::Failure;
use crate::sync::transport::{Method, Transport};

/// Bytes of a tablet's label that the server accepts.
const LABEL_BYTES_MAX: usize = 64;

/// Why enrolment did not succeed. The tablet is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The server could not be asked, or said no.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The tablet could not store its identity. The code is used up; ask for another.
    #[error(transparent)]
    Engine(#[from] Error),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Enrolment<'a> {
    /// Address of the server.
    pub server: &'a str,
    /// The one-time code.
    pub code: &'a str,
    /// What people call the tablet.
    pub label: &'a str,
}

/// Enrols the tablet.
///
/// # Errors
/// [`EnrolError`].
pub async fn enrol<T: Transport>(
    tablet: &Tablet,
    transport: &T,
    now: &dyn Fn() -> Timestamp,
    random: &mut dyn Random,
    wanted: Enrolment<'_>,
) -> Result<EnrolReply, EnrolError> {
    let server = wanted.server.trim_end_matches('/');
    let key = SigningKey::from_bytes(&clock::draw(random));
    let caller = Caller {
        transport,
        server,
        key: &key,
    };
    let mut tally = Tally::default();
    let request = EnrolRequest {
        code: wanted.code.into(),
        label: shortened(wanted.label).into(),
        schema: SCHEMA_VERSION,
    };
    let call = Call {
        method: Method::Post,
        path: "/v1/enrol",
        token: None,
        now: now(),
        random: clock::draw(random),
    };
    let reply: EnrolReply = caller.post(call, &request, &mut tally).await?;

    let identity = Identity::new(
        reply.device,
        reply.staff,
        reply.staff_name.clone(),
        server.into(),
        &key,
    );
    let actor = clock::draw_actor(random);
    let token = local_token(&reply.token, now());
    tablet.write("enrol", now(), |work| {
        identity::enrol(work.tx, &identity, &reply.grant, actor)?;
        identity::set_token(work.tx, &token)?;
        outbox::rewrite_all(work)?;
        Ok::<_, Error>(())
    })?;

    let call = Call {
        method: Method::Get,
        path: "/v1/areas",
        token: Some(&reply.token.token),
        now: now(),
        random: clock::draw(random),
    };
    // Without the tree the tablet works all the same, and the first session fetches it.
    if let Ok(tree) = caller.get::<AreasReply>(call, &mut tally).await {
        tablet.write("store areas", now(), |work| {
            incoming::store_areas(work, &tree)
        })?;
    }
    Ok(reply)
}

/// The token with its end by the tablet's own clock, so that a clock that is a little off does not
/// shorten it.
pub(crate) fn local_token(reply: &TokenReply, now: Timestamp) -> Token {
    let valid_ms = reply.expires_at.since(reply.server_time);
    Token {
        token: reply.token.clone(),
        expires_at: now.plus_millis(valid_ms),
    }
}

fn shortened(label: &str) -> &str {
    let mut end = label.len().min(LABEL_BYTES_MAX);
    while !label.is_char_boundary(end) {
        end -= 1;
    }
    &label[..end]
}
