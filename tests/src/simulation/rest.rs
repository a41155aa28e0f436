//! What must hold: at every step, and once faults have stopped and everybody has synced until nothing moves.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use sojourn_client_core::{
    Error,
    cache::DOCUMENTS_LOADED_MAX,
    documents,
    outbox::{EditState, HeldReason},
    sync::session::Outcome,
};
use sojourn_server::{check, export, store::StoreError};
use sojourn_sync_protocol::{AreaCode, DocKind, DocumentId, HouseholdId, record::Edit};

use super::{run::Figures, world::World};

/// Rounds in which everybody syncs once, within which the world must fall quiet.
const ROUNDS_MAX: usize = 10;

/// The kinds that a whole record has.
const ALL_KINDS: usize = 2;

impl World {
    /// What is checked after every operation.
    pub(super) fn step_holds(&mut self) -> Result<(), String> {
        let (log, logged) = self.log();
        self.figures.checked += 1;
        self.what_waited_met_its_fate(&logged)?;
        self.what_waits_is_shown()?;
        self.network.watching(|watch| {
            if let Some(broken) = watch.broken.pop() {
                return Err(broken);
            }
            match watch.accepted.difference(&log).next() {
                Some(hash) => Err(format!("change {hash} was accepted and is not in the log")),
                None => Ok(()),
            }
        })
    }

    /// Lets everybody sync until quiet, then checks everything.
    pub(super) fn rest(mut self) -> Result<Figures, String> {
        self.network.arm(None, None);
        self.runtime.block_on(self.network.deliver_late());
        for at in 0..self.slots.len() {
            let right = super::Op::SetClock {
                tablet: at,
                days: 0,
            };
            self.act(&right)?;
        }
        self.enrol_the_unknown();
        self.until_quiet()?;
        self.remedies_stood_idle()?;
        self.what_was_refused_waits()?;
        self.step_holds()?;
        self.outboxes_are_empty()?;
        self.nothing_written_is_lost()?;
        self.everybody_holds_the_same()?;
        self.server_is_sound()?;
        self.hand_overs_add_up()?;
        self.what_went_on_is_not_asked_about()?;
        self.tablets_are_sound()?;
        self.no_disk_holds_what_is_not_granted()?;
        self.figures.checked += 7;
        let figures = &mut self.figures;
        self.network.watching(|watch| {
            for (name, count) in &watch.faults {
                figures.faults.insert((*name).to_owned(), *count);
            }
            figures.fates.clone_from(&watch.fates);
        });
        Ok(self.figures)
    }

    /// A server put back to before a tablet was enrolled does not know it.
    fn enrol_the_unknown(&mut self) {
        let known: BTreeSet<_> = self.devices().iter().map(|row| row.device).collect();
        for at in 0..self.slots.len() {
            if self.slots[at]
                .device()
                .is_none_or(|id| !known.contains(&id))
            {
                let anew = super::Op::Reenrol { tablet: at };
                self.act(&anew).expect("enrolling breaks no promise");
            }
        }
    }

    /// Tablets in service, each with what it is granted.
    pub(super) fn in_service(&self) -> Vec<(usize, Vec<AreaCode>, Vec<DocKind>)> {
        let rows = self.devices();
        let granted = |at: usize| {
            let device = self.slots[at].device()?;
            let row = rows.iter().find(|row| row.device == device)?;
            (!row.withdrawn).then(|| (at, row.grant.areas.clone(), row.grant.kinds.clone()))
        };
        (0..self.slots.len()).filter_map(granted).collect()
    }

    fn until_quiet(&mut self) -> Result<(), String> {
        let serving: Vec<usize> = self.in_service().into_iter().map(|(at, ..)| at).collect();
        let mut last = String::new();
        for round in 0..ROUNDS_MAX {
            let mut quiet = true;
            for at in &serving {
                let report = self.sync(*at, 2)?.expect("nobody is killed any more");
                let progress = report.progress;
                let still = progress.pushed == 0 && progress.entries == 0;
                if report.outcome != Outcome::Agreed || !still {
                    let agreed = report.outcome == Outcome::Agreed
                        || matches!(report.outcome, Outcome::Differs(_)) && self.waits(*at);
                    if !agreed || !still {
                        quiet = false;
                        last = format!("tablet {at} in round {round}: {report:?}");
                    }
                }
            }
            if quiet {
                return Ok(());
            }
        }
        Err(format!("the world does not fall quiet: {last}"))
    }

    /// Whether a tablet has changes that build on what only a lost server had.
    fn waits(&self, at: usize) -> bool {
        let held = self.slots[at].tablet().held();
        let held = held.expect("the tablet can be read");
        let waits = held.iter().any(
            |row| matches!(&row.state, EditState::Held(why) if why.waits() && row.edit.is_none()),
        );
        waits && self.went_back
    }

    fn outboxes_are_empty(&mut self) -> Result<(), String> {
        for (at, ..) in self.in_service() {
            let tablet = self.slots[at].tablet();
            let pending = tablet.pending().map_err(said)?;
            if let Some(row) = pending.first() {
                return Err(format!("tablet {at} still has {:?} to hand in", row.edit));
            }
            for row in tablet.held().map_err(said)? {
                let EditState::Held(why) = &row.state else {
                    continue;
                };
                let name = match why {
                    HeldReason::CannotRepeat { why } => format!("cannot repeat: {why}"),
                    other => format!("{other:?}"),
                };
                // Another tablet has prepared or answered a move meanwhile: whoever wrote this is told, and decides.
                let overtaken = matches!(
                    row.edit,
                    Some(Edit::ProposeMove(_) | Edit::WithdrawMove { .. })
                );
                let forgotten = matches!(why, HeldReason::CannotRepeat { .. }) && !overtaken
                    || why.waits() && row.edit.is_some();
                if !self.disturbed || forgotten {
                    return Err(format!("tablet {at} holds {:?}: {name}", row.edit));
                }
                *self.figures.held.entry(name).or_default() += 1;
            }
        }
        Ok(())
    }

    fn nothing_written_is_lost(&mut self) -> Result<(), String> {
        let (log, logged) = self.log();
        let mut kept = BTreeSet::new();
        let serving: BTreeSet<usize> = self.in_service().into_iter().map(|(at, ..)| at).collect();
        for at in 0..self.slots.len() {
            // What a tablet out of service wrote stays on it, acknowledged or not.
            kept.extend(self.kept(at, !serving.contains(&at)));
        }
        self.figures.checked += self.marks.len() as u64;
        for mark in self.marks.iter().filter(|mark| !mark.excused) {
            if !logged.contains(&mark.number) && !kept.contains(&mark.number) {
                let (number, tablet) = (mark.number, mark.tablet);
                return Err(format!("edit {number} of tablet {tablet} is nowhere"));
            }
        }
        for hash in self.owed.difference(&log) {
            // Its content came back as another change, waits on a tablet, or died with its author's disk: the
            // marks say which, and none was missing.
            let holder = (0..self.slots.len())
                .filter(|at| serving.contains(at))
                .find(|at| {
                    let whole = self.documents(*at);
                    whole.iter().any(|(_, changes)| {
                        changes.iter().any(|bytes| {
                            sojourn_sync_protocol::gate::change_hash(bytes)
                                .is_ok_and(|found| found == *hash)
                        })
                    })
                });
            if let Some(at) = holder {
                return Err(format!(
                    "change {hash} stands on tablet {at} and the restored server lacks it"
                ));
            }
        }
        Ok(())
    }

    /// The documents of a tablet, each as its raw changes.
    pub(super) fn documents(&self, at: usize) -> Vec<(DocumentId, Vec<Vec<u8>>)> {
        let tablet = self.slots[at].tablet();
        let read = tablet.read("documents", |tx| {
            let mut found = Vec::new();
            for household in documents::households(tx)? {
                for kind in DocKind::ALL {
                    let id = DocumentId::new(household, kind);
                    if let Some((_, document)) = documents::load(tx, tablet.cache(), id)? {
                        let changes = document.changes();
                        found.push((id, changes.into_iter().map(|change| change.bytes).collect()));
                    }
                }
            }
            Ok::<_, Error>(found)
        });
        read.expect("the tablet can be read")
    }

    /// The leaves of the server's documents, by area.
    fn leaves(&self) -> Result<BTreeMap<(String, DocumentId), Vec<u8>>, String> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let read = self.runtime.block_on(state.store.read("leaves", |tx| {
            tx.query(
                "SELECT h.area, d.household, d.kind, d.leaf FROM documents d
                 JOIN households h ON h.household = d.household",
                &[],
                |row| {
                    let kind = if row.i64(2)? == i64::from(DocKind::Core.code()) {
                        DocKind::Core
                    } else {
                        DocKind::Health
                    };
                    let id = DocumentId::new(HouseholdId::from_bytes(row.array(1)?), kind);
                    Ok(((row.str(0)?.to_owned(), id), row.blob(3)?))
                },
            )
        }));
        let leaves = read.map_err(|error: StoreError| error.to_string())?;
        Ok(leaves.into_iter().collect())
    }

    fn everybody_holds_the_same(&mut self) -> Result<(), String> {
        let leaves = self.leaves()?;
        for (at, granted, kinds) in self.in_service() {
            let below: BTreeSet<String> =
                granted.iter().flat_map(|area| self.below(area)).collect();
            let wanted: BTreeMap<_, _> = leaves
                .iter()
                .filter(|((area, id), _)| below.contains(area) && kinds.contains(&id.kind))
                .map(|(place, leaf)| (place.clone(), leaf.clone()))
                .collect();
            let tablet = self.slots[at].tablet();
            let mut found = BTreeMap::new();
            let areas = tablet.read("areas", documents::areas).map_err(said)?;
            for area in areas {
                let here = tablet
                    .read("leaves", |tx| documents::leaves(tx, &area, &DocKind::ALL))
                    .map_err(said)?;
                found.extend(
                    here.into_iter()
                        .map(|leaf| ((area.to_string(), leaf.document), leaf.leaf.to_vec())),
                );
            }
            self.figures.checked += wanted.len() as u64;
            if wanted != found {
                let missing: Vec<_> = wanted
                    .keys()
                    .filter(|key| !found.contains_key(key))
                    .collect();
                let extra: Vec<_> = found
                    .keys()
                    .filter(|key| !wanted.contains_key(key))
                    .collect();
                return Err(format!(
                    "tablet {at} granted {granted:?} holds otherwise than the server: missing {missing:?}, not its own {extra:?}, of {} and {}",
                    wanted.len(),
                    found.len()
                ));
            }
            let outside: Vec<_> = self
                .documents(at)
                .into_iter()
                .map(|(id, _)| id)
                .filter(|id| !wanted.keys().any(|(_, known)| known == id))
                .collect();
            if !outside.is_empty() {
                return Err(format!("tablet {at} granted {granted:?} keeps {outside:?}"));
            }
            if kinds.len() == ALL_KINDS {
                let mut register = BTreeMap::new();
                for area in &granted {
                    register.extend(self.register(Some(area.clone()))?);
                }
                let held = self.held(at);
                // A household with a held edit shows that.
                if held != register {
                    return Err(format!(
                        "tablet {at} shows {held:#?} where the register shows {register:#?}"
                    ));
                }
            }
        }
        Ok(())
    }

    pub(super) fn below(&self, area: &AreaCode) -> BTreeSet<String> {
        let mut below = BTreeSet::from([area.to_string()]);
        for line in self.layout.tree.lines().skip(1) {
            let mut fields = line.split(',');
            let (code, parent) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
            if below.contains(parent) {
                below.insert(code.to_owned());
            }
        }
        below
    }

    pub(super) fn server_is_sound(&mut self) -> Result<(), String> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let report = self.runtime.block_on(check::check(&state.store));
        let report = report.map_err(|error| error.to_string())?;
        if !report.is_sound() {
            return Err(format!("the server's check finds {report:?}"));
        }
        let owned = self.register(None)?.len() as u64;
        if owned != report.households {
            let households = report.households;
            return Err(format!("{owned} households have an owner of {households}"));
        }
        Ok(())
    }

    fn tablets_are_sound(&mut self) -> Result<(), String> {
        for at in 0..self.slots.len() {
            let tablet = self.slots[at].tablet();
            let peak = tablet.cache().peak();
            if peak > DOCUMENTS_LOADED_MAX {
                return Err(format!("tablet {at} had {peak} documents in memory"));
            }
            let (before, status) = (self.held(at), tablet.status().map_err(said)?);
            let now = status.synced_at.unwrap_or_default();
            tablet.rebuild(now).map_err(said)?;
            let (after, rebuilt) = (self.held(at), tablet.status().map_err(said)?);
            if after != before || rebuilt != status {
                let shown: Vec<_> = before
                    .keys()
                    .filter(|id| before.get(*id) != after.get(*id))
                    .collect();
                return Err(format!(
                    "tablet {at} shows otherwise once rebuilt: {shown:?} of {} and {}, {status:?} and {rebuilt:?}",
                    before.len(),
                    after.len()
                ));
            }
        }
        Ok(())
    }

    /// What a tablet shows, by household, numbers of people masked.
    pub(super) fn held(&self, at: usize) -> BTreeMap<String, Value> {
        let mut held = BTreeMap::new();
        let export = self.slots[at].tablet().export(|mut view| {
            view.mask_id_numbers();
            let value = serde_json::to_value(&view).expect("plain JSON");
            held.insert(view.id.to_string(), value);
            Ok::<_, Error>(())
        });
        export.expect("the tablet can be read");
        held
    }

    /// What the register shows of an area and what lies below it, by household.
    pub(super) fn register(
        &self,
        area: Option<AreaCode>,
    ) -> Result<BTreeMap<String, Value>, String> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let out = Shared::default();
        self.runtime
            .block_on(export::households(&state.store, area, out.clone()))
            .map_err(|error| format!("the register cannot be read: {error}"))?;
        let bytes = out.0.lock().expect("no holder of this lock panics").clone();
        let line = |line: &str| -> (String, Value) {
            let mut value: Value = serde_json::from_str(line).expect("a line of JSON");
            let fields = value.as_object_mut().expect("an object");
            for added in ["area", "contested", "reviews"] {
                fields.remove(added);
            }
            (value["id"].as_str().expect("an id").to_owned(), value)
        };
        let text = String::from_utf8(bytes).expect("UTF-8");
        Ok(text.lines().map(line).collect())
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Somewhere to write that can be read afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.0.lock().expect("no holder of this lock panics");
        held.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
