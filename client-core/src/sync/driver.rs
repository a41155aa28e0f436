//! Runs a session: carries out what it decides, against the store, the network and a clock.
//!
//! Nothing is lost wherever this stops: a request is fixed in the store before it is sent, and its answer is
//! taken in by one transaction. While a page is taken in the next one is on its way, and over a quick link one that is here is
//! read and the one after it on its way; each is used only if it answers what the store asks for then. Cancelling takes effect between requests and within one.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sojourn_sync_protocol::limits::PAGE_BYTES_TARGET;
use sojourn_sync_protocol::message::{
    AreasReply, SyncReply, SyncRequest, TokenReply, TokenRequest, VerifyAnswer, VerifyAsk,
    VerifyReply, VerifyRequest, WholeDocument,
};
use sojourn_sync_protocol::refusal::Refusal;
use sojourn_sync_protocol::{DocumentId, Timestamp};
use tokio_util::sync::CancellationToken;

use super::call::{Call, Caller, Tally};
use super::incoming::{self, Offered};
use super::outgoing;
use super::session::{Action, Failure, Outcome, Progress, Reply, RetryPolicy, Session, VerifyStep};
use super::transport::{Method, Transport};
use crate::arrivals::{self, MadeReady};
use crate::clock::{self, Random};
use crate::enrol::local_token;
use crate::error::Error;
use crate::identity::{self, Identity};
use crate::outbox::{self, BatchBounds};
use crate::{Tablet, Work};

/// The time, and waiting for it.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Waits until this moment.
    fn wait_until(&self, moment: Timestamp) -> impl Future<Output = ()> + Send;
}

/// The tablet's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    async fn wait_until(&self, moment: Timestamp) {
        let left = u64::try_from(moment.since(self.now())).unwrap_or(0);
        clock::pause(left).await;
    }
}

/// How to run a session.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Bytes wanted in one page, before compression.
    pub page_bytes: u32,
    /// How much one batch holds.
    pub batch: BatchBounds,
    /// How to try again.
    pub retry: RetryPolicy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            page_bytes: u32::try_from(PAGE_BYTES_TARGET).unwrap_or(u32::MAX),
            batch: BatchBounds::default(),
            retry: RetryPolicy::default(),
        }
    }
}

/// What a session came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// What was exchanged.
    pub progress: Progress,
    /// What travelled.
    pub tally: Tally,
}

/// What a session needs of its surroundings.
pub struct Surroundings<'a, T, C> {
    /// The tablet.
    pub tablet: &'a Tablet,
    /// The network.
    pub transport: &'a T,
    /// The clock.
    pub clock: &'a C,
    /// Fresh random bytes.
    pub random: &'a mut dyn Random,
    /// Ends the session early.
    pub cancel: &'a CancellationToken,
}

/// Runs one session to its end. `on_progress` hears of every step.
///
/// # Errors
/// [`Error`] of the tablet itself: not enrolled, a full disk, a damaged database. What the network and the
/// server do is in the report.
pub async fn run<T: Transport, C: Clock>(
    around: Surroundings<'_, T, C>,
    options: Options,
    on_progress: &mut (dyn FnMut(Progress, Tally) + Send),
) -> Result<Report, Error> {
    let Surroundings {
        tablet,
        transport,
        clock,
        random,
        cancel,
    } = around;
    let (identity, token, queued) = tablet.read("begin session", |tx| {
        let identity = identity::identity(tx)?.ok_or(Error::NotEnrolled)?;
        Ok::<_, Error>((identity, identity::token(tx)?, outbox::counts(tx)?.0))
    })?;
    let token_until = token.as_ref().map(|token| token.expires_at);
    let mut session = Session::new(options.retry, token_until, queued);
    let mut driver = Driver {
        tablet,
        transport,
        clock,
        random,
        identity,
        token: token.map(|token| token.token).unwrap_or_default(),
        options,
        tally: Tally::default(),
        offered: Offered::default(),
        ahead: VecDeque::new(),
    };
    let mut noted = false;
    loop {
        let now = clock.now();
        if cancel.is_cancelled() {
            session.cancel();
        }
        let action = session.next_action(now);
        on_progress(session.progress(&action), driver.tally);
        match action {
            Action::Done(outcome) => {
                if outcome == Outcome::Agreed && !noted {
                    tablet.write("end session", now, |work| {
                        Ok::<_, Error>(identity::set_synced_at(work.tx, now)?)
                    })?;
                }
                let progress = session.progress(&Action::Done(outcome.clone()));
                return Ok(Report {
                    outcome,
                    progress,
                    tally: driver.tally,
                });
            }
            Action::Wait(until) => {
                tokio::select! {
                    () = clock.wait_until(until) => {}
                    () = cancel.cancelled() => {}
                }
            }
            action => {
                let done = tokio::select! {
                    done = driver.perform(&action) => done,
                    () = cancel.cancelled() => continue,
                };
                match done {
                    Ok(reply) => {
                        noted = matches!(&reply, Reply::Synced(synced) if synced.agreed);
                        session.on_reply(clock.now(), reply);
                    }
                    Err(Stop::Failed(failure)) => {
                        let jitter = u64::from_le_bytes(clock::draw(driver.random));
                        session.on_failure(clock.now(), &action, failure, jitter);
                    }
                    Err(Stop::Tablet(error)) => return Err(error),
                }
            }
        }
    }
}

struct Driver<'a, T, C> {
    tablet: &'a Tablet,
    transport: &'a T,
    clock: &'a C,
    random: &'a mut dyn Random,
    identity: Identity,
    /// The access token in use; empty before the first.
    token: String,
    options: Options,
    tally: Tally,
    /// What was handed in again in this session.
    offered: Offered,
    /// Pages that were asked for while one before them was taken in, the next one first.
    ahead: VecDeque<Ahead>,
}

/// An answer that came before it was needed.
struct Ahead {
    request: SyncRequest,
    answer: Result<SyncReply, Failure>,
    /// What of it was read already.
    made: MadeReady,
}

/// How long the next page is waited for before this one is taken in, milliseconds. Over a quick link it comes, and is read on
/// other threads meanwhile.
const SOON_MS: i64 = 20;

/// Asks for a page, and says what travelled.
async fn ask_ahead<T: Transport>(
    caller: &Caller<'_, T>,
    call: Call<'_>,
    request: SyncRequest,
) -> (Ahead, Tally) {
    let mut tally = Tally::default();
    let answer = caller.post(call, &request, &mut tally).await;
    let made = MadeReady::default();
    (
        Ahead {
            request,
            answer,
            made,
        },
        tally,
    )
}

/// How often the tasks that carry a request have their turn before the processor is used for a page: enough to open
/// a connection and write the request.
const TURNS: usize = 16;

enum Stop {
    Failed(Failure),
    Tablet(Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            // The answer did not fit what was asked, or brought bytes that are no document. Nothing of it
            // was taken in.
            Error::Fates { .. } | Error::Record { .. } => {
                Self::Failed(Failure::Unusable(error.to_string()))
            }
            other => Self::Tablet(other),
        }
    }
}

impl<T: Transport, C: Clock> Driver<'_, T, C> {
    async fn perform(&mut self, action: &Action) -> Result<Reply, Stop> {
        match action {
            Action::Renew => self.renew().await,
            Action::Sync => self.exchange().await,
            Action::Areas => self.areas().await,
            Action::Verify(step) => self.verify(step).await,
            Action::Wait(_) | Action::Done(_) => unreachable!("the loop itself waits and ends"),
        }
    }

    async fn renew(&mut self) -> Result<Reply, Stop> {
        let request = TokenRequest {
            device: self.identity.device,
        };
        let reply: TokenReply = self.post("/v1/token", None, &request).await?;
        let now = self.clock.now();
        let token = local_token(&reply, now);
        let until = token.expires_at;
        self.tablet.write("store token", now, |work| {
            Ok::<_, Error>(identity::set_token(work.tx, &token)?)
        })?;
        self.token = token.token;
        Ok(Reply::Renewed(until))
    }

    async fn exchange(&mut self) -> Result<Reply, Stop> {
        let (page_bytes, bounds) = (self.options.page_bytes, self.options.batch);
        let request = self.tablet.write("fix batch", self.clock.now(), |work| {
            outgoing::request(work, page_bytes, bounds)
        })?;
        let token = self.token.clone();
        let (reply, made) = match self.ahead.pop_front() {
            Some(ahead) if ahead.request == request => (ahead.answer?, ahead.made),
            _ => {
                self.ahead.clear();
                let reply = self.post("/v1/sync", Some(&token), &request).await?;
                (reply, MadeReady::default())
            }
        };
        let take_in = |driver: &Self| {
            driver.take_in("apply page", |work| {
                incoming::apply_page(work, &request, &reply, made)
            })
        };
        let synced = match outgoing::following(&request, &reply) {
            Some(next) => self.meanwhile(&token, next, take_in).await,
            None => take_in(self),
        };
        Ok(Reply::Synced(synced?))
    }

    /// Takes a page in while the next one is on its way, and waits for that unless taking in failed. A next one that is here, or
    /// comes soon, is made ready meanwhile, and the one after it is on its way.
    async fn meanwhile<R>(
        &mut self,
        token: &str,
        next: SyncRequest,
        take_in: impl FnOnce(&Self) -> Result<R, Stop>,
    ) -> Result<R, Stop> {
        let mut here = self.ahead.pop_front();
        let now = self.clock.now();
        let calls: [Call<'_>; 2] =
            [clock::draw(self.random), clock::draw(self.random)].map(|random| Call {
                method: Method::Post,
                path: "/v1/sync",
                token: Some(token),
                now,
                random,
            });
        let key = self.identity.signing_key();
        let caller = Caller {
            transport: self.transport,
            server: &self.identity.server,
            key: &key,
        };
        let mut tally = Tally::default();
        let mut asking = None;
        if here.is_none() {
            let mut first = Box::pin(ask_ahead(&caller, calls[0], next));
            tokio::select! {
                biased;
                (page, travelled) = &mut first => {
                    tally.add(&travelled);
                    here = Some(page);
                }
                () = self.clock.wait_until(now.plus_millis(SOON_MS)) => asking = Some(first),
            }
        }
        let answer = here.as_ref().and_then(|here| here.answer.as_ref().ok());
        let after = here.as_ref().zip(answer);
        let after = after.and_then(|(here, answer)| outgoing::following(&here.request, answer));
        let mut then = None;
        if let Some(after) = after {
            let mut second = Box::pin(ask_ahead(&caller, calls[1], after));
            for _ in 0..TURNS {
                tokio::select! {
                    biased;
                    early = &mut second => {
                        then = Some(early);
                        break;
                    }
                    () = tokio::task::yield_now() => {}
                }
            }
            if then.is_none() {
                asking = Some(second);
            }
        }
        let wholes = answer.map(incoming::wholes).unwrap_or_default();
        let (taken, made) = arrivals::make_ready_beside(&wholes, || take_in(self));
        if let Some(asking) = asking
            && taken.is_ok()
        {
            then = Some(asking.await);
        }
        if let Some(here) = &mut here {
            here.made = made;
        }
        let (then, travelled) = then.unzip();
        self.tally.add(&tally);
        self.tally.add(&travelled.unwrap_or_default());
        self.ahead.extend(here.into_iter().chain(then));
        taken
    }

    async fn areas(&mut self) -> Result<Reply, Stop> {
        let token = self.token.clone();
        let call = Call {
            method: Method::Get,
            path: "/v1/areas",
            token: Some(&token),
            now: self.clock.now(),
            random: clock::draw(self.random),
        };
        let key = self.identity.signing_key();
        let caller = Caller {
            transport: self.transport,
            server: &self.identity.server,
            key: &key,
        };
        let tree: AreasReply = caller.get(call, &mut self.tally).await?;
        self.tablet.write("store areas", self.clock.now(), |work| {
            incoming::store_areas(work, &tree)
        })?;
        Ok(Reply::Areas)
    }

    async fn verify(&mut self, step: &VerifyStep) -> Result<Reply, Stop> {
        let token = self.token.clone();
        let request = VerifyRequest {
            area: step.area.clone(),
            ask: step.ask.clone(),
        };
        let answered: Result<VerifyReply, Failure> =
            self.post("/v1/verify", Some(&token), &request).await;
        let now = self.clock.now();
        let reply = match (&step.ask, answered) {
            (
                VerifyAsk::Fetch { documents },
                Err(Failure::Refused(Refusal::UnknownArea { .. })),
            ) => {
                // The area left the grant: no copy of the server's will come.
                return self.fetched(documents, &[]);
            }
            (_, answered) => answered?,
        };
        match (&step.ask, reply.answer) {
            (VerifyAsk::Buckets, VerifyAnswer::Buckets(theirs)) => {
                let differing = self.tablet.read("compare buckets", |tx| {
                    Ok::<_, Error>(incoming::compare_buckets(tx, &step.area, &theirs)?)
                })?;
                Ok(Reply::Buckets(differing))
            }
            (VerifyAsk::Documents(asked), VerifyAnswer::Documents(theirs)) => {
                // Remembered only once committed.
                let mut offered = self.offered.clone();
                let (fetch, repaired) = self.tablet.write("compare documents", now, |work| {
                    incoming::compare_documents(
                        work,
                        &step.area,
                        asked,
                        &theirs,
                        reply.seq,
                        &mut offered,
                    )
                })?;
                self.offered = offered;
                Ok(Reply::Leaves { fetch, repaired })
            }
            (VerifyAsk::Fetch { documents }, VerifyAnswer::Fetched(fetched)) => {
                self.fetched(documents, &fetched)
            }
            _ => Err(Failure::Unusable("it answers another question".into()).into()),
        }
    }

    /// Puts fetched documents in place.
    fn fetched(&mut self, asked: &[DocumentId], found: &[WholeDocument]) -> Result<Reply, Stop> {
        let mut offered = self.offered.clone();
        self.take_in("install documents", |work| {
            incoming::install_fetched(work, asked, found, &mut offered)
        })?;
        self.offered = offered;
        Ok(Reply::Fetched)
    }

    /// Takes in an answer by one transaction. An answer whose documents make a reader panic is one that cannot
    /// be used, like any other that is not what it should be: nothing of it is written.
    fn take_in<R>(
        &self,
        name: &'static str,
        body: impl FnOnce(&mut Work<'_>) -> Result<R, Error>,
    ) -> Result<R, Stop> {
        let now = self.clock.now();
        let taken = catch_unwind(AssertUnwindSafe(|| self.tablet.write(name, now, body)));
        let unreadable = |_| Failure::Unusable("it brings documents that cannot be read".into());
        Ok(taken.map_err(unreadable)??)
    }

    async fn post<R: serde::de::DeserializeOwned>(
        &mut self,
        path: &str,
        token: Option<&str>,
        message: &impl serde::Serialize,
    ) -> Result<R, Failure> {
        let call = Call {
            method: Method::Post,
            path,
            token,
            now: self.clock.now(),
            random: clock::draw(self.random),
        };
        let key = self.identity.signing_key();
        let caller = Caller {
            transport: self.transport,
            server: &self.identity.server,
            key: &key,
        };
        caller.post(call, message, &mut self.tally).await
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
