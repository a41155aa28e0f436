//! The door to the engine: opening, editing, reading, and the transactions the session works in.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use sojourn_sync_protocol::message::Grant;
use sojourn_sync_protocol::record::{Edit, HouseholdView, Leaving, NewHousehold};
use sojourn_sync_protocol::{
    AreaCode, Card, DeviceId, DocKind, DocumentId, HouseholdId, StaffId, Timestamp,
};

use crate::cache::Cache;
use crate::clock::Random;
use crate::duplicates::{self, Similar};
use crate::edits::{self, Edited, Import};
use crate::error::Error;
use crate::held::{self, HeldEdit};
use crate::history::{self, Written};
use crate::identity::{self, Identity};
use crate::outbox::{self, OutboxRow};
use crate::projection::{self, HouseholdRow, ListQuery, Screen};
use crate::search;
use crate::store::{KeyCost, Salvage, Store, StoreError, Tx, migrations};
use crate::work::Work;
use crate::{documents, settle};

/// Households read at once while all of them are exported.
const EXPORT_AT_ONCE: usize = 200;

/// An open tablet.
pub struct Tablet {
    store: Store,
    cache: Cache,
    random: Mutex<Box<dyn Random>>,
    /// A session follows every edit at once.
    online: AtomicBool,
}

/// A tablet, and what had to be done to open it.
pub struct Opened {
    /// The tablet.
    pub tablet: Tablet,
    /// What was carried over, if the database was corrupt.
    pub salvage: Option<Salvage>,
}

/// A household found by searching.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Found {
    /// The household.
    #[serde(flatten)]
    pub household: HouseholdRow,
    /// Whose name or number was found; `None` for the household's own telephone.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub person: Option<sojourn_sync_protocol::PersonId>,
    /// Their name.
    pub person_name: String,
    /// How well, up to 1.
    pub score: f64,
}

/// Who the tablet is and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Status {
    /// The device; `None` before the tablet is enrolled, like the four fields after it.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub device: Option<DeviceId>,
    /// The member of staff.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub staff: Option<StaffId>,
    /// Their name.
    pub staff_name: Option<String>,
    /// The server.
    pub server: Option<String>,
    /// Version of the grant.
    pub grant: Option<u32>,
    /// Areas granted.
    #[cfg_attr(test, ts(as = "Vec<String>"))]
    pub areas: Vec<AreaCode>,
    /// Kinds of document granted.
    #[cfg_attr(test, ts(type = "DocKind[]"))]
    pub kinds: Vec<DocKind>,
    /// Households on this tablet.
    pub households: u64,
    /// Their persons.
    pub persons: u64,
    /// Contradicted fields.
    pub contradictions: u64,
    /// Edits not yet acknowledged.
    pub pending: u64,
    /// Edits held that nobody has decided about.
    pub held: u64,
    /// When the last session ended in agreement.
    #[cfg_attr(test, ts(as = "Option<i64>"))]
    pub synced_at: Option<Timestamp>,
}

impl Tablet {
    /// Opens the tablet in `dir`, making it when there is none.
    ///
    /// # Errors
    /// As [`Store::open`]; a corrupt database is no error, see [`Opened::salvage`].
    pub fn open(
        dir: &Path,
        passphrase: &str,
        now: Timestamp,
        random: Box<dyn Random>,
    ) -> Result<Opened, Error> {
        Self::open_at_cost(dir, passphrase, KeyCost::STANDARD, now, random)
    }

    /// The same with another cost for a key that has to be made.
    ///
    /// # Errors
    /// As [`Tablet::open`].
    pub fn open_at_cost(
        dir: &Path,
        passphrase: &str,
        cost: KeyCost,
        now: Timestamp,
        mut random: Box<dyn Random>,
    ) -> Result<Opened, Error> {
        let mut opened = Store::open(dir, passphrase, cost, &migrations::TABLET, &mut *random)?;
        // A folder that was closed in order is not looked through, so damage may show here. It is noted, and the next
        // opening salvages.
        if let Err(StoreError::Corrupt(_)) = wants_rebuild(&opened.store) {
            drop(opened);
            opened = Store::open(dir, passphrase, cost, &migrations::TABLET, &mut *random)?;
        }
        let tablet = Self {
            store: opened.store,
            cache: Cache::default(),
            random: Mutex::new(random),
            online: AtomicBool::new(false),
        };
        if wants_rebuild(&tablet.store)? {
            tablet.write("rebuild", now, rebuild)?;
        }
        Ok(Opened {
            tablet,
            salvage: opened.salvage,
        })
    }

    /// Runs `body` in a write transaction; what it changed is projected before the commit.
    ///
    /// # Errors
    /// What `body` returns, or [`Error::Store`]; then nothing has been written.
    pub fn write<T, E: From<Error> + From<StoreError>>(
        &self,
        name: &'static str,
        now: Timestamp,
        body: impl FnOnce(&mut Work<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.write(name, |tx| {
            let mut work = Work::new(tx, &self.cache, now, &mut **random);
            let value = body(&mut work)?;
            work.project()?;
            Ok(value)
        })
    }

    /// Runs `body` on one snapshot.
    ///
    /// # Errors
    /// What `body` returns, or [`StoreError`].
    pub fn read<T, E: From<StoreError>>(
        &self,
        name: &'static str,
        body: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.read(name, body)
    }

    /// Takes on an identity and its grant. Edits made under an earlier one are made again under the new one.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn enrol(&self, now: Timestamp, identity: &Identity, grant: &Grant) -> Result<(), Error> {
        self.write("enrol", now, |work| {
            let actor = work.fresh_actor();
            identity::enrol(work.tx, identity, grant, actor)?;
            if outbox::counts(work.tx)?.0 > 0 {
                settle::rewrite_all(work)?;
            }
            Ok(())
        })
    }

    /// Registers a household.
    ///
    /// # Errors
    /// [`Error::NotEnrolled`], [`Error::UnknownArea`], [`Error::AreaNotGranted`], [`Error::Edit`].
    pub fn register(&self, now: Timestamp, new: NewHousehold) -> Result<Edited, Error> {
        self.write("register household", now, |work| {
            edits::register(work, None, new)
        })
    }

    /// Registers households, all or none.
    ///
    /// # Errors
    /// [`Error::At`] with the number of the first that cannot be registered.
    pub fn import(
        &self,
        now: Timestamp,
        households: Vec<NewHousehold>,
    ) -> Result<Vec<Edited>, Error> {
        self.write("import households", now, |work| {
            let mut registered = Vec::with_capacity(households.len());
            for (index, new) in households.into_iter().enumerate() {
                registered
                    .push(edits::register(work, None, new).map_err(|error| at(index, error))?);
            }
            Ok(registered)
        })
    }

    /// Takes in edits of any kind and of any households, in order, all or none.
    ///
    /// # Errors
    /// [`Error::At`] with the number of the first that cannot be made.
    pub fn import_edits(&self, now: Timestamp, edits: Vec<Import>) -> Result<Vec<Edited>, Error> {
        self.write("import edits", now, |work| {
            let make =
                |(index, import)| edits::import(work, import).map_err(|error| at(index, error));
            edits.into_iter().enumerate().map(make).collect()
        })
    }

    /// Lets some members of a household leave it and be one of their own, all of it or nothing; gives its id and every edit made.
    ///
    /// # Errors
    /// [`Error::Split`] with what stands against it; [`Error::KindNotGranted`] where this tablet does not hold their health
    /// records, which would stay behind; otherwise as [`Tablet::edit`].
    pub fn split(
        &self,
        now: Timestamp,
        household: HouseholdId,
        leaving: &Leaving,
    ) -> Result<(HouseholdId, Vec<Edited>), Error> {
        self.write("split household", now, |work| {
            edits::split(work, household, leaving)
        })
    }

    /// Makes one edit.
    ///
    /// # Errors
    /// [`Error::NotEnrolled`], [`Error::UnknownHousehold`], [`Error::AreaNotGranted`],
    /// [`Error::UnknownPerson`], [`Error::UnknownArea`], [`Error::KindNotGranted`], [`Error::Edit`].
    pub fn edit(
        &self,
        now: Timestamp,
        household: HouseholdId,
        edit: Edit,
    ) -> Result<Edited, Error> {
        self.write("edit household", now, |work| {
            let edited = edits::edit(work, household, edit)?;
            if self.online.load(Ordering::Relaxed) {
                outbox::fix_next(work.tx)?;
            }
            Ok(edited)
        })
    }

    /// Says that a session follows every edit at once, as while a stream of hints is open. The transaction that makes an
    /// edit then also fixes the batch it goes in, so that nothing has to be written before it is sent. Offline it would only
    /// make the first batch a small one.
    pub fn set_online(&self, online: bool) {
        self.online.store(online, Ordering::Relaxed);
    }

    /// Makes several edits of one household, all or none.
    ///
    /// # Errors
    /// [`Error::At`] with the number of the first that cannot be made.
    pub fn edit_all(
        &self,
        now: Timestamp,
        household: HouseholdId,
        all: Vec<Edit>,
    ) -> Result<Vec<Edited>, Error> {
        self.write("edit household", now, |work| {
            let make = |(index, edit)| {
                edits::edit(work, household, edit).map_err(|error| at(index, error))
            };
            all.into_iter().enumerate().map(make).collect()
        })
    }

    /// Households in order of area and name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn list(&self, query: &ListQuery) -> Result<Vec<HouseholdRow>, Error> {
        Ok(self
            .store
            .read::<_, StoreError>("list", |tx| projection::list(tx, query))?)
    }

    /// Households found by a name, its pinyin or initials, a telephone number or the last digits of an
    /// identity number; best first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn search(&self, text: &str, limit: usize) -> Result<Vec<Found>, Error> {
        Ok(self.store.read::<_, StoreError>("search", |tx| {
            let mut found = Vec::new();
            for hit in search::search(tx, text, limit)? {
                if let Some(household) = projection::household(tx, hit.household)? {
                    found.push(Found {
                        household,
                        person: hit.person,
                        person_name: hit.name,
                        score: hit.score,
                    });
                }
            }
            Ok(found)
        })?)
    }

    /// The households here that may be the one that is being registered, by whatever of it is known so far; best first. `own` is
    /// the household to which somebody is being added.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Record`] when a document cannot be read.
    pub fn similar(
        &self,
        draft: &NewHousehold,
        own: Option<HouseholdId>,
        limit: usize,
    ) -> Result<Vec<(HouseholdRow, Similar)>, Error> {
        self.store.read::<_, Error>("similar", |tx| {
            let mut found = Vec::new();
            for similar in duplicates::similar(tx, &self.cache, draft, own, limit)? {
                if let Some(row) = projection::household(tx, similar.household)? {
                    found.push((row, similar));
                }
            }
            Ok(found)
        })
    }

    /// The household an id, or the beginning of one, names.
    ///
    /// # Errors
    /// [`Error::NoSingleHousehold`].
    pub fn resolve(&self, text: &str) -> Result<HouseholdId, Error> {
        let none = |found| Error::NoSingleHousehold {
            text: text.chars().take(40).collect(),
            found,
        };
        let digits: Vec<u8> = text
            .trim()
            .chars()
            .filter(|c| *c != '-')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()
            .ok_or_else(|| none(0))?;
        if digits.is_empty() || digits.len() > 32 {
            return Err(none(0));
        }
        let bound = |fill: u8| {
            let digit = |at: usize| digits.get(at).copied().unwrap_or(fill);
            std::array::from_fn::<u8, 16, _>(|at| digit(at * 2) << 4 | digit(at * 2 + 1))
        };
        let ids = self.store.read::<_, StoreError>("resolve", |tx| {
            projection::ids_between(tx, &bound(0), &bound(15), 100)
        })?;
        match ids.as_slice() {
            [one] => Ok(*one),
            several => Err(none(several.len())),
        }
    }

    /// One household: its line in the list, and whole.
    ///
    /// # Errors
    /// [`Error::UnknownHousehold`].
    pub fn show(&self, id: HouseholdId) -> Result<(HouseholdRow, HouseholdView), Error> {
        let found = self.store.read::<_, Error>("show", |tx| {
            let view = projection::view(tx, &self.cache, id)?;
            Ok((projection::household(tx, id)?, view))
        })?;
        match found {
            (Some(row), Some(view)) => Ok((row, view)),
            _ => Err(Error::UnknownHousehold(id)),
        }
    }

    /// The card that a family can carry, by which another area can say that it stands at its door.
    ///
    /// # Errors
    /// [`Error::UnknownHousehold`].
    pub fn card(&self, id: HouseholdId) -> Result<Card, Error> {
        let core = DocumentId::new(id, DocKind::Core);
        let card = self.store.read::<_, Error>("card", |tx| {
            let loaded = documents::load(tx, &self.cache, core)?;
            Ok(loaded.and_then(|(_, document)| document.card()))
        })?;
        card.ok_or(Error::UnknownHousehold(id))
    }

    /// Who wrote what when, of a household or of one field and the fields below it.
    ///
    /// # Errors
    /// [`Error::UnknownHousehold`].
    pub fn history(&self, id: HouseholdId, path: Option<&str>) -> Result<Vec<Written>, Error> {
        self.store
            .read("history", |tx| history::history(tx, &self.cache, id, path))
    }

    /// Held edits with their reasons, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn held(&self) -> Result<Vec<OutboxRow>, Error> {
        Ok(self.store.read::<_, StoreError>("held", outbox::held)?)
    }

    /// Held edits with what a reviewer decided about them since, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Record`] when a document cannot be read.
    pub fn held_and_decided(&self) -> Result<Vec<HeldEdit>, Error> {
        self.store.read("held", |tx| held::all(tx, &self.cache))
    }

    /// Edits not yet acknowledged, first to be sent first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn pending(&self) -> Result<Vec<OutboxRow>, Error> {
        Ok(self
            .store
            .read::<_, StoreError>("pending", outbox::pending)?)
    }

    /// Who the tablet is and what it holds.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn status(&self) -> Result<Status, Error> {
        self.store.read::<_, Error>("status", |tx| {
            let identity = identity::identity(tx)?;
            let grant = identity::grant(tx)?;
            let (households, persons, contradictions) = projection::totals(tx)?;
            let (pending, _) = outbox::counts(tx)?;
            Ok(Status {
                device: identity.as_ref().map(|identity| identity.device),
                staff: identity.as_ref().map(|identity| identity.staff),
                staff_name: identity
                    .as_ref()
                    .map(|identity| identity.staff_name.clone()),
                server: identity.map(|identity| identity.server),
                grant: grant.as_ref().map(|grant| grant.version),
                areas: grant
                    .as_ref()
                    .map(|grant| grant.areas.clone())
                    .unwrap_or_default(),
                kinds: grant.map(|grant| grant.kinds).unwrap_or_default(),
                households,
                persons,
                contradictions,
                pending,
                held: held::waiting(tx, &self.cache)?,
                synced_at: identity::synced_at(tx)?,
            })
        })
    }

    /// Every household, whole, a few in memory at a time, in order of area and name.
    ///
    /// # Errors
    /// What `each` returns, or [`StoreError`].
    pub fn export<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(HouseholdView) -> Result<(), E>,
    ) -> Result<(), E> {
        self.store.read("export", |tx| {
            let mut query = ListQuery {
                limit: Some(EXPORT_AT_ONCE),
                ..ListQuery::default()
            };
            loop {
                let rows = projection::list(tx, &query)?;
                for row in &rows {
                    let view = projection::view(tx, &self.cache, row.id).map_err(stored)?;
                    if let Some(view) = view {
                        each(view)?;
                    }
                }
                match rows.last() {
                    Some(last) if rows.len() == EXPORT_AT_ONCE => {
                        query.screen = Screen::After(last.place());
                    }
                    _ => return Ok(()),
                }
            }
        })
    }

    /// Makes everything people read again from the documents.
    ///
    /// # Errors
    /// [`Error`].
    pub fn rebuild(&self, now: Timestamp) -> Result<(), Error> {
        self.write("rebuild", now, projection::rebuild)
    }

    /// The database, for its bounds and counters.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The documents in memory.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }
}

fn at(index: usize, error: Error) -> Error {
    match error {
        // A full disk or a corrupt page is nobody's line.
        Error::Store(_) | Error::NotEnrolled => error,
        other => Error::At {
            index,
            source: Box::new(other),
        },
    }
}

/// An error of reading alone as one of the store: bytes that are no document are damage.
fn stored(error: Error) -> StoreError {
    match error {
        Error::Store(error) => error,
        other => StoreError::Corrupt(other.to_string()),
    }
}

fn wants_rebuild(store: &Store) -> Result<bool, StoreError> {
    store.read("state", |tx| is_set(tx, migrations::REBUILD))
}

fn is_set(tx: &Tx<'_>, name: &str) -> Result<bool, StoreError> {
    Ok(tx
        .one("SELECT 1 FROM store_state WHERE name = ?1", [name], |_| {
            Ok(())
        })?
        .is_some())
}

/// After a salvage: makes again what was not carried over, and asks the server for what was lost.
fn rebuild(work: &mut Work<'_>) -> Result<(), Error> {
    let dropped = documents::recount(work)?;
    if !dropped.is_empty() || is_set(work.tx, migrations::REFETCH)? {
        identity::forget_cursors(work.tx)?;
    }
    settle::restore(work)?;
    projection::rebuild(work)?;
    work.tx.execute(
        "DELETE FROM store_state WHERE name IN (?1, ?2)",
        [migrations::REBUILD, migrations::REFETCH],
    )?;
    Ok(())
}
