//! A sync session as a state machine: it says what to do next and hears what came of it.
//!
//! Pure. It does not know HTTP, the store or a clock; `driver` carries out its actions. One request at a
//! time: renew the token when it is near its end, exchange until both sides have nothing left, then
//! prove with digests that they agree and repair where they do not. What failed for a passing reason is
//! tried again after a growing, jittered pause, a bounded number of times in a row.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sojourn_sync_protocol::message::VerifyAsk;
use sojourn_sync_protocol::refusal::Refusal;
use sojourn_sync_protocol::{AreaCode, DocumentId, Timestamp};

use super::transport::TransportError;

/// A token with less than this left is renewed before it is used, in milliseconds.
const TOKEN_MARGIN_MS: i64 = 30_000;
/// Documents fetched whole in one request.
pub const FETCH_DOCUMENTS: usize = 64;
/// How often a session repairs and exchanges again before it reports that the sides still differ.
const REPAIRS_MAX: u32 = 4;

/// How to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// First pause, in milliseconds; each further one in a row is twice as long.
    pub first_ms: u64,
    /// Longest pause, in milliseconds.
    pub longest_ms: u64,
    /// How many failures in a row are borne before giving up; 0 gives up at the first.
    pub retries: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first_ms: 500,
            longest_ms: 60_000,
            retries: 4,
        }
    }
}

impl RetryPolicy {
    /// The pause after the `failures`-th failure in a row (from 1): between half and the whole of the
    /// doubled interval, as `jitter` decides; never shorter than the server asked for.
    pub fn pause_ms(&self, failures: u32, jitter: u64, asked_ms: Option<u64>) -> u64 {
        let doubled = 1u64
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u64::MAX);
        let whole = self.first_ms.saturating_mul(doubled).min(self.longest_ms);
        let half = whole / 2;
        let pause = half + jitter % (whole - half + 1);
        pause.max(asked_ms.unwrap_or(0))
    }
}

/// What the driver does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask for a new access token.
    Renew,
    /// Push at most one batch and take in a page.
    Sync,
    /// Fetch the area tree.
    Areas,
    /// One step of comparing an area with the server.
    Verify(VerifyStep),
    /// Nothing before this moment.
    Wait(Timestamp),
    /// The session is over.
    Done(Outcome),
}

/// One verify request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyStep {
    /// The area.
    pub area: AreaCode,
    /// What to ask.
    pub ask: VerifyAsk,
}

/// How a session ended. Whatever the end, every page taken in is kept and nothing unacknowledged is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was exchanged, and digests prove that both sides hold the same.
    Agreed,
    /// Everything was exchanged, but these areas still differ after every repair.
    Differs(Vec<AreaCode>),
    /// It could not go on.
    GaveUp(Failure),
    /// It was cancelled.
    Cancelled,
}

/// Why a request brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No usable answer came.
    #[error(transparent)]
    Transport(TransportError),
    /// The server said no.
    #[error(transparent)]
    Refused(Refusal),
    /// The answer is not one this program can use.
    #[error("the server's answer cannot be used: {0}")]
    Unusable(String),
    /// The server speaks a protocol this program does not.
    #[error("the server answers in protocol version {0}")]
    Version(u8),
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

/// What a page brought, after it was committed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Synced {
    /// Changes that the server has now.
    pub pushed: u64,
    /// Changes still to push.
    pub queued: u64,
    /// Entries taken in.
    pub entries: u64,
    /// Entries still to come.
    pub remaining: u64,
    /// The server has another area tree than the tablet.
    pub areas_stale: bool,
    /// Documents to fetch whole, each in the area it stands in.
    pub fetch: Vec<(AreaCode, DocumentId)>,
    /// Areas whose digest differs from the server's.
    pub differing: Vec<AreaCode>,
    /// Nothing is left to do: both sides agree, and the page was committed with that.
    pub agreed: bool,
}

/// What came of an action that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A token is stored; it is valid until this moment by the tablet's clock.
    Renewed(Timestamp),
    /// A page was committed.
    Synced(Synced),
    /// The area tree was stored.
    Areas,
    /// The buckets that differ.
    Buckets(Vec<u8>),
    /// The documents to fetch; `repaired` when documents were purged or changes queued again already.
    Leaves {
        /// To fetch whole.
        fetch: Vec<DocumentId>,
        /// Whether something was mended without fetching.
        repaired: bool,
    },
    /// The documents were put in place.
    Fetched,
}

/// What the session is busy with, for people to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Renewing the access token.
    #[default]
    Renewing,
    /// Pushing and taking in pages.
    Exchanging,
    /// Fetching the area tree.
    Areas,
    /// Comparing and repairing.
    Verifying,
    /// Pausing before the next attempt.
    Waiting,
    /// Over.
    Done,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What it is busy with.
    pub phase: Phase,
    /// Changes that the server has now.
    pub pushed: u64,
    /// Those and the ones still to push.
    pub to_push: u64,
    /// Entries taken in.
    pub entries: u64,
    /// Those and the ones still to come.
    pub entries_total: u64,
    /// Pages committed.
    pub pages: u64,
    /// Documents put right by comparing.
    pub repaired: u64,
}

/// The state machine.
#[derive(Debug, Clone)]
pub struct Session {
    policy: RetryPolicy,
    token_until: Option<Timestamp>,
    /// The token was renewed because the server refused the last one, and nothing has succeeded since.
    renewed_after_refusal: bool,
    failures: u32,
    wait_until: Option<Timestamp>,
    areas_stale: bool,
    exchange_due: bool,
    checks: VecDeque<Check>,
    differing: BTreeSet<AreaCode>,
    repairs: u32,
    progress: Progress,
    outcome: Option<Outcome>,
}

/// One area under comparison, at one of its steps.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    area: AreaCode,
    step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Buckets,
    Documents(Vec<u8>),
    Fetch(VecDeque<DocumentId>),
}

impl Session {
    /// A session that begins with an exchange. `token_until`: until when the stored token is valid by the
    /// tablet's clock; `queued`: changes waiting to be pushed.
    pub fn new(policy: RetryPolicy, token_until: Option<Timestamp>, queued: u64) -> Self {
        Self {
            policy,
            token_until,
            renewed_after_refusal: false,
            failures: 0,
            wait_until: None,
            areas_stale: false,
            exchange_due: true,
            checks: VecDeque::new(),
            differing: BTreeSet::new(),
            repairs: 0,
            progress: Progress {
                to_push: queued,
                ..Progress::default()
            },
            outcome: None,
        }
    }

    /// What to do now. Asking twice gives the same answer; only replies and failures move the session.
    pub fn next_action(&self, now: Timestamp) -> Action {
        if let Some(outcome) = &self.outcome {
            return Action::Done(outcome.clone());
        }
        if let Some(until) = self.wait_until.filter(|until| now < *until) {
            return Action::Wait(until);
        }
        if self
            .token_until
            .is_none_or(|until| now.plus_millis(TOKEN_MARGIN_MS) >= until)
        {
            return Action::Renew;
        }
        if self.areas_stale {
            return Action::Areas;
        }
        // Fetching comes before pushing more: what is queued may build on what was refused.
        let fetching = self
            .checks
            .front()
            .is_some_and(|check| matches!(check.step, Step::Fetch(_)));
        if self.exchange_due && !fetching {
            return Action::Sync;
        }
        match self.checks.front() {
            Some(check) => Action::Verify(VerifyStep {
                area: check.area.clone(),
                ask: check.ask(),
            }),
            None if self.differing.is_empty() => Action::Done(Outcome::Agreed),
            None => Action::Done(Outcome::Differs(self.differing.iter().cloned().collect())),
        }
    }

    /// Takes in what came of the action asked for last.
    pub fn on_reply(&mut self, now: Timestamp, reply: Reply) {
        self.failures = 0;
        self.wait_until = None;
        if !matches!(reply, Reply::Renewed(_)) {
            self.renewed_after_refusal = false;
        }
        match reply {
            // A token that is over before it came would be renewed for ever; it is used once instead.
            Reply::Renewed(until) => {
                self.token_until = Some(until.max(now.plus_millis(TOKEN_MARGIN_MS + 1000)));
            }
            Reply::Areas => self.areas_stale = false,
            Reply::Synced(synced) => self.on_synced(synced),
            Reply::Buckets(differing) => self.on_buckets(differing),
            Reply::Leaves { fetch, repaired } => self.on_leaves(fetch, repaired),
            Reply::Fetched => self.on_fetched(),
        }
    }

    fn on_synced(&mut self, synced: Synced) {
        self.progress.pushed += synced.pushed;
        self.progress.to_push = self.progress.pushed + synced.queued;
        self.progress.entries += synced.entries;
        self.progress.entries_total = self.progress.entries + synced.remaining;
        self.progress.pages += 1;
        self.areas_stale |= synced.areas_stale;
        self.exchange_due = synced.queued > 0 || synced.remaining > 0;
        self.checks.clear();

        let mut fetches: BTreeMap<AreaCode, VecDeque<DocumentId>> = BTreeMap::new();
        for (area, document) in synced.fetch {
            fetches.entry(area).or_default().push_back(document);
        }
        // A first fetch may put right what differs; one that changed nothing must not keep the rest from being compared.
        let compare = !self.exchange_due && (fetches.is_empty() || self.repairs > 0);
        let compared = if compare {
            synced.differing
        } else {
            Vec::new()
        };
        if fetches.is_empty() && self.exchange_due {
            return;
        }
        self.differing = fetches.keys().chain(&compared).cloned().collect();
        if self.differing.is_empty() {
            return;
        }
        if self.repairs >= REPAIRS_MAX {
            self.exchange_due &= synced.remaining > 0;
            return;
        }
        self.repairs += 1;
        let fetches = fetches.into_iter().map(|(area, documents)| Check {
            area,
            step: Step::Fetch(documents),
        });
        let compared = compared.into_iter().map(|area| Check {
            area,
            step: Step::Buckets,
        });
        self.checks = fetches.chain(compared).collect();
    }

    fn on_buckets(&mut self, differing: Vec<u8>) {
        if differing.is_empty() {
            // The area moved on since the digest was read: the next exchange tells.
            self.next_check();
        } else if let Some(check) = self.checks.front_mut() {
            check.step = Step::Documents(differing);
        }
    }

    fn on_leaves(&mut self, fetch: Vec<DocumentId>, repaired: bool) {
        if repaired {
            self.progress.repaired += 1;
        }
        if fetch.is_empty() {
            self.next_check();
        } else if let Some(check) = self.checks.front_mut() {
            check.step = Step::Fetch(fetch.into());
        }
    }

    fn on_fetched(&mut self) {
        let Some(Check {
            step: Step::Fetch(documents),
            ..
        }) = self.checks.front_mut()
        else {
            return;
        };
        let done = documents.len().min(FETCH_DOCUMENTS);
        documents.drain(..done);
        let over = documents.is_empty();
        self.progress.repaired += u64::try_from(done).unwrap_or(u64::MAX);
        if over {
            self.next_check();
        }
    }

    /// Goes on to the next area. After the last, one more exchange proves what was compared.
    fn next_check(&mut self) {
        self.checks.pop_front();
        self.exchange_due |= self.checks.is_empty();
    }

    /// Takes in that `action` failed. `jitter` is a fresh random number.
    pub fn on_failure(&mut self, now: Timestamp, action: &Action, failure: Failure, jitter: u64) {
        let renewing = *action == Action::Renew;
        let asked_ms = match &failure {
            Failure::Refused(Refusal::Unauthenticated)
                if !renewing && !self.renewed_after_refusal =>
            {
                self.token_until = None;
                self.renewed_after_refusal = true;
                return;
            }
            Failure::Refused(Refusal::UnknownArea { .. })
                if matches!(action, Action::Verify(_)) =>
            {
                // The area left the grant while it was compared.
                self.next_check();
                return;
            }
            Failure::Refused(refusal) => match refusal.retry_after_ms() {
                Some(asked) => Some(asked),
                None => return self.give_up(failure),
            },
            Failure::Transport(error) if error.may_pass() => error.retry_after_ms(),
            Failure::Transport(_) | Failure::Version(_) | Failure::Unusable(_) => {
                return self.give_up(failure);
            }
        };
        self.failures += 1;
        if self.failures > self.policy.retries {
            return self.give_up(failure);
        }
        let pause = self.policy.pause_ms(self.failures, jitter, asked_ms);
        self.wait_until = Some(now.plus_millis(i64::try_from(pause).unwrap_or(i64::MAX)));
    }

    fn give_up(&mut self, failure: Failure) {
        self.outcome = Some(Outcome::GaveUp(failure));
    }

    /// Ends the session at the next question.
    pub fn cancel(&mut self) {
        self.outcome.get_or_insert(Outcome::Cancelled);
    }

    /// How far it is, given what it does now.
    pub fn progress(&self, action: &Action) -> Progress {
        let phase = match action {
            Action::Renew => Phase::Renewing,
            Action::Sync => Phase::Exchanging,
            Action::Areas => Phase::Areas,
            Action::Verify(_) => Phase::Verifying,
            Action::Wait(_) => Phase::Waiting,
            Action::Done(_) => Phase::Done,
        };
        Progress {
            phase,
            ..self.progress
        }
    }
}

impl Check {
    fn ask(&self) -> VerifyAsk {
        match &self.step {
            Step::Buckets => VerifyAsk::Buckets,
            Step::Documents(buckets) => VerifyAsk::Documents(buckets.clone()),
            Step::Fetch(documents) => VerifyAsk::Fetch {
                documents: documents.iter().take(FETCH_DOCUMENTS).copied().collect(),
            },
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
