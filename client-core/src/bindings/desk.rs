//! Does what a command says, with one tablet. Reading goes on while a session runs; there is one session at a time, and one stream of
//! hints, after each of which there is a session. A tablet that was shut is opened again only when nobody holds it any more: where it
//! is kept there may be one connection.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use sojourn_sync_protocol::record::{Edit, HouseholdView, Shown};
use sojourn_sync_protocol::{AreaCode, HouseholdId};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::fault::{Fault, Obstacle};
use super::message::{Answer, Command, Door, Ending, Event, Household, Likely, Synced};
use crate::areas;
use crate::clock::{self, SystemRandom};
use crate::duplicates::Similar;
use crate::enrol::{self, Enrolment};
use crate::error::Error;
use crate::projection::{ListQuery, Place, Screen};
use crate::store::{Store, StoreError};
use crate::sync::driver::{self, Options, Surroundings, SystemClock};
use crate::sync::live::{self, LiveError};
use crate::sync::session::{Outcome, RetryPolicy};
use crate::sync::transport::Http;
use crate::tablet::Tablet;

/// Failures in a row that a session bears while somebody waits for it; another one follows with the next edit or connection.
const RETRIES: u32 = 1;

/// One tablet, open or not, and what goes on with it.
pub struct Desk {
    dir: PathBuf,
    held: RefCell<Option<Rc<Held>>>,
    /// Cancelled once nobody holds the tablet that was open last.
    gone: RefCell<CancellationToken>,
    syncing: Cell<bool>,
    listening: Cell<bool>,
    made: Cell<bool>,
}

/// An open tablet.
struct Held {
    tablet: Tablet,
    /// Ends whatever goes on with it.
    shut: CancellationToken,
    // Last: when it is dropped, the tablet is closed.
    _gone: DropGuard,
}

/// Hears what happens while a command is done.
pub type Tell<'t> = &'t (dyn Fn(Event) + Send + Sync);

impl Desk {
    /// The tablet in this folder, or the one that will be made there.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.into(),
            held: RefCell::default(),
            gone: RefCell::new(cancelled()),
            syncing: Cell::default(),
            listening: Cell::default(),
            made: Cell::new(Store::exists(dir)),
        }
    }

    /// Does a command and gives what came of it.
    pub async fn answer(&self, command: Command, tell: Tell<'_>) -> Answer {
        self.perform(command, tell)
            .await
            .unwrap_or_else(|fault| Answer::Failed { fault })
    }

    async fn perform(&self, command: Command, tell: Tell<'_>) -> Result<Answer, Fault> {
        match command {
            Command::Look => self.look(),
            Command::Open { passphrase } => self.open(&passphrase, tell).await,
            Command::Close => self.close(tell).await,
            Command::Enrol {
                server,
                code,
                label,
            } => self.enrol(&server, &code, &label, tell).await,
            Command::Sync => Ok(Answer::Synced(self.sync(tell).await?)),
            Command::Listen => self.listen(tell).await,
            Command::List { after, limit } => {
                let screen = after.map_or(Screen::First, |after| {
                    Screen::After(Place {
                        area: after.area,
                        name: after.name,
                        household: after.id,
                    })
                });
                let query = ListQuery {
                    screen,
                    limit: Some(limit.into()),
                    ..ListQuery::default()
                };
                let rows = self.held()?.tablet.list(&query)?;
                Ok(Answer::Households { rows })
            }
            Command::Search { text, limit } => {
                let found = self.held()?.tablet.search(&text, limit.into())?;
                Ok(Answer::Found { found })
            }
            Command::Show { household } => self.show(household),
            Command::Card { household } => {
                let card = self.held()?.tablet.card(household)?.to_string();
                Ok(Answer::Card { card })
            }
            Command::Similar { household, limit } => {
                let found = self
                    .held()?
                    .tablet
                    .similar(&household, None, limit.into())?;
                let likely = |(row, similar): (_, Similar)| Likely {
                    row,
                    probability: similar.probability,
                    people: similar.people.into_iter().map(|one| one.name).collect(),
                };
                let similar = found.into_iter().map(likely).collect();
                Ok(Answer::Similar { similar })
            }
            Command::Areas => {
                let all = self.held()?.tablet.read("areas", areas::all);
                let areas = all.map_err(stored)?;
                Ok(Answer::Areas { areas })
            }
            Command::Register { household } => {
                let edited = self.held()?.tablet.register(clock::now(), *household)?;
                tell(Event::Changed);
                Ok(Answer::Edited {
                    household: edited.household,
                })
            }
            Command::AddPerson { household, person } => {
                self.edit(household, Edit::AddPerson(*person), tell)
            }
            Command::CorrectPerson {
                household,
                person,
                set,
            } => self.edit(household, Edit::CorrectPerson { person, set }, tell),
            Command::RemovePerson {
                household,
                person,
                reason,
                on,
                note,
            } => {
                let to = None;
                let removed = Edit::RemovePerson {
                    person,
                    reason,
                    on,
                    note,
                    to,
                };
                self.edit(household, removed, tell)
            }
            Command::RestorePerson {
                household,
                person,
                note,
            } => self.edit(household, Edit::RestorePerson { person, note }, tell),
            Command::Correct { household, set } => self.edit(household, Edit::Set { set }, tell),
            Command::NoteNeed { household, need } => {
                self.edit(household, Edit::NoteNeed(need), tell)
            }
            Command::RecordVisit { household, visit } => {
                self.edit(household, Edit::RecordVisit(*visit), tell)
            }
            Command::Move { household, to } => self.edit(household, Edit::Move(to), tell),
            Command::Arrive { household, from } => self.edit(household, Edit::AskMove(from), tell),
        }
    }

    fn held(&self) -> Result<Rc<Held>, Fault> {
        let held = self.held.borrow().clone();
        held.ok_or_else(|| Fault::of(Obstacle::Shut, "the tablet is not open"))
    }

    fn look(&self) -> Result<Answer, Fault> {
        let held = self.held.borrow().clone();
        let door = match (&held, self.made.get()) {
            (Some(_), _) => Door::Open,
            (None, true) => Door::Shut,
            (None, false) => Door::New,
        };
        let status = held.map(|held| held.tablet.status()).transpose()?;
        Ok(Answer::State {
            door,
            status: status.map(Box::new),
        })
    }

    async fn open(&self, passphrase: &str, tell: Tell<'_>) -> Result<Answer, Fault> {
        if self.held.borrow().is_some() {
            return self.look();
        }
        let gone = self.gone.borrow().clone();
        gone.cancelled().await;
        // Somebody else may have waited for the same.
        if self.held.borrow().is_none() {
            let random = Box::new(SystemRandom);
            let opened = Tablet::open(&self.dir, passphrase, clock::now(), random)?;
            let gone = CancellationToken::new();
            self.gone.replace(gone.clone());
            self.held.replace(Some(Rc::new(Held {
                tablet: opened.tablet,
                shut: CancellationToken::new(),
                _gone: gone.drop_guard(),
            })));
            self.made.set(true);
            tell(Event::Changed);
        }
        self.look()
    }

    /// Ends what goes on, and is done when the tablet is closed.
    async fn close(&self, tell: Tell<'_>) -> Result<Answer, Fault> {
        if let Some(held) = self.held.take() {
            held.shut.cancel();
            drop(held);
            tell(Event::Changed);
        }
        let gone = self.gone.borrow().clone();
        gone.cancelled().await;
        self.look()
    }

    async fn enrol(
        &self,
        server: &str,
        code: &str,
        label: &str,
        tell: Tell<'_>,
    ) -> Result<Answer, Fault> {
        let held = self.held()?;
        let tablet = &held.tablet;
        let http = Http::new().map_err(|error| Fault::of(Obstacle::NoConnection, error))?;
        let wanted = Enrolment {
            server,
            code: code.trim(),
            label,
        };
        let mut random = SystemRandom;
        tokio::select! {
            enrolled = enrol::enrol(tablet, &http, &clock::now, &mut random, wanted) => {
                enrolled?;
            }
            () = held.shut.cancelled() => {
                return Err(Fault::of(Obstacle::Interrupted, "the tablet was shut"));
            }
        }
        tell(Event::Changed);
        self.look()
    }

    async fn sync(&self, tell: Tell<'_>) -> Result<Synced, Fault> {
        let held = self.held()?;
        if self.syncing.replace(true) {
            return Err(Fault::of(Obstacle::Syncing, "a session is running"));
        }
        let ended = Self::exchange(&held, tell).await;
        self.syncing.set(false);
        if let Ok(synced) = &ended {
            tell(Event::Synced(synced.clone()));
        }
        tell(Event::Changed);
        ended
    }

    /// Hears which areas moved, and has a session after each hint, until the stream ends.
    async fn listen(&self, tell: Tell<'_>) -> Result<Answer, Fault> {
        if !self.listening.replace(true) {
            let heard = self.hear(tell).await;
            self.listening.set(false);
            heard?;
        }
        self.look()
    }

    async fn hear(&self, tell: Tell<'_>) -> Result<(), Fault> {
        let held = self.held()?;
        let http = Http::new().map_err(|error| Fault::of(Obstacle::NoConnection, error))?;
        let mut random = SystemRandom;
        let opening = live::open(&held.tablet, &http, clock::now(), &mut random);
        let mut hints = opening.await.map_err(|error| match error {
            LiveError::Failed(failure) => Fault::from(failure),
            LiveError::Engine(error) => error.into(),
        })?;
        loop {
            let hint = tokio::select! {
                hint = hints.next() => hint?,
                () = held.shut.cancelled() => None,
            };
            if hint.is_none() {
                return Ok(());
            }
            match self.sync(tell).await {
                // The session that is running asks until both sides have nothing left.
                Ok(_)
                | Err(Fault {
                    obstacle: Obstacle::Syncing,
                    ..
                }) => {}
                Err(fault) => return Err(fault),
            }
        }
    }

    async fn exchange(held: &Held, tell: Tell<'_>) -> Result<Synced, Fault> {
        let http = Http::new().map_err(|error| Fault::of(Obstacle::NoConnection, error))?;
        let around = Surroundings {
            tablet: &held.tablet,
            transport: &http,
            clock: &SystemClock,
            random: &mut SystemRandom,
            cancel: &held.shut,
        };
        let options = Options {
            retry: RetryPolicy {
                retries: RETRIES,
                ..RetryPolicy::default()
            },
            ..Options::default()
        };
        let report = driver::run(around, options, &mut |progress, _| {
            tell(Event::Syncing {
                pushed: progress.pushed,
                to_push: progress.to_push,
                received: progress.entries,
                to_receive: progress.entries_total,
            });
        })
        .await?;
        let status = held.tablet.status()?;
        let (outcome, fault, differing) = match report.outcome {
            Outcome::Agreed => (Ending::Agreed, None, Vec::new()),
            Outcome::Differs(areas) => (Ending::Differs, None, areas),
            Outcome::GaveUp(failure) => (Ending::GaveUp, Some(failure.into()), Vec::new()),
            Outcome::Cancelled => (Ending::Cancelled, None, Vec::new()),
        };
        Ok(Synced {
            outcome,
            fault,
            differing,
            pushed: report.progress.pushed,
            received: report.progress.entries,
            queued: status.pending,
            held: status.held,
            bytes_up: report.tally.body_bytes_up,
            bytes_down: report.tally.body_bytes_down,
        })
    }

    fn show(&self, id: HouseholdId) -> Result<Answer, Fault> {
        let held = self.held()?;
        let tablet = &held.tablet;
        let (row, record) = tablet.show(id)?;
        let history = tablet.history(id, None)?;
        let names = tablet
            .read("name areas", |tx| {
                let named = |code: &String| {
                    let path = match code.parse::<AreaCode>() {
                        Ok(area) => areas::path_names(tx, &area)?,
                        Err(_) => Vec::new(),
                    };
                    Ok::<_, StoreError>((code.clone(), path))
                };
                areas_of(&record)
                    .map(named)
                    .collect::<Result<BTreeMap<_, _>, _>>()
            })
            .map_err(stored)?;
        Ok(Answer::Household(Box::new(Household {
            row,
            record,
            areas: names,
            history,
        })))
    }

    fn edit(&self, household: HouseholdId, edit: Edit, tell: Tell<'_>) -> Result<Answer, Fault> {
        let edited = self.held()?.tablet.edit(clock::now(), household, edit)?;
        tell(Event::Changed);
        Ok(Answer::Edited {
            household: edited.household,
        })
    }
}

fn cancelled() -> CancellationToken {
    let token = CancellationToken::new();
    token.cancel();
    token
}

fn stored(error: StoreError) -> Fault {
    Error::Store(error).into()
}

/// Every area that a record names, contradicted ones too.
fn areas_of(record: &HouseholdView) -> impl Iterator<Item = &String> {
    let moves = record.moves.values();
    let fields = [record.residence.area.as_ref()]
        .into_iter()
        .chain(moves.flat_map(|entry| [entry.from.as_ref(), entry.to.as_ref()]));
    fields.flatten().flat_map(Shown::values)
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
