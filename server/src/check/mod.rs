//! Proves the store from its log: every change is what its key says, every saved document is what its changes
//! make, and owners, hand-overs, review items, projections, feeds and digests are what the log calls for.
//!
//! Reads one snapshot household by household, so that memory stays with the largest household. Names each row
//! that differs; repairs nothing.

mod report;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use sojourn_sync_protocol::{
    AreaCode, ChangeHash, DocKind, DocumentId, HouseholdId, digest,
    digest::Digest,
    gate,
    record::{Attribution, Document, hand_overs},
};

pub use report::{CheckReport, Fault, Problem, Row};

use crate::documents::{self, LoggedChange, Saved, UnreadableChange};
use crate::duplicates::{self, Claimed};
use crate::feed::{self, Whereabouts};
use crate::ingest::{
    chain,
    quarantine::{self, State},
    standing::{Standing, Step},
};
use crate::projection::{self, IdHashKey};
use crate::store::{Store, StoreError, Tx};
use crate::{digests, handover, residence, review, review::aside, search};

/// Whether what is kept beside a saved document is what follows from the document. The bytes of two copies that have seen the
/// same changes may differ, since each lists what was written side by side as it came; heads name every change.
fn keeps(cache: &Saved, document: &Document) -> bool {
    let follows = Saved::with_bytes(document, cache.epoch, Vec::new());
    cache.heads == follows.heads && cache.leaf == follows.leaf
}

/// Checks everything on one snapshot.
///
/// # Errors
/// [`StoreError::Corrupt`] when the file itself does not fit together, and when the store cannot be read at all; what is wrong
/// with its rows is in the report.
pub async fn check(store: &Store) -> Result<CheckReport, StoreError> {
    store.read("check", check_all).await
}

fn check_all(tx: &Tx<'_>) -> Result<CheckReport, StoreError> {
    // Rows that happen to be readable say nothing of a file of which half is older than the other.
    tx.check_pages()?;
    let mut checking = Checking {
        tx,
        report: CheckReport::default(),
        digests: BTreeMap::new(),
        key: IdHashKey::get(tx)?,
    };
    documents::each_household(tx, |household| match checking.household(household) {
        Err(StoreError::Shape { .. }) => {
            let row = Row::Household { household };
            checking.report.add(row, Problem::Unreadable);
            Ok(())
        }
        other => other,
    })?;
    checking.strays()?;
    checking.area_digests()?;
    Ok(checking.report)
}

/// A check under way.
struct Checking<'a, 'c> {
    tx: &'a Tx<'c>,
    report: CheckReport,
    digests: BTreeMap<(AreaCode, DocKind), Digest>,
    key: Option<IdHashKey>,
}

/// A household made again from its log.
#[derive(Default)]
struct Rebuilt {
    documents: BTreeMap<DocKind, Document>,
    standing: Standing,
    told: BTreeMap<DocKind, BTreeMap<AreaCode, u64>>,
    came: BTreeMap<ChangeHash, handover::Came>,
    broken: bool,
}

impl Checking<'_, '_> {
    fn household(&mut self, household: HouseholdId) -> Result<(), StoreError> {
        self.report.households += 1;
        let mut rebuilt = Rebuilt::default();
        let mut changes = 0;
        let report = &mut self.report;
        let tx = self.tx;
        documents::log(tx, household, |change| {
            changes += 1;
            match change {
                Ok(change) => {
                    if replay(&mut rebuilt, &change, report) {
                        compare_with_batch(tx, &change, report)?;
                    }
                }
                Err(UnreadableChange { hash }) => {
                    rebuilt.broken = true;
                    report.add(
                        Row::UnreadableChange { household, hash },
                        Problem::Unreadable,
                    );
                }
            }
            Ok(())
        })?;
        self.report.changes += changes;
        if rebuilt.broken {
            // What follows from a log that cannot be replayed would only repeat the first fault.
            return self.count_leaves(household);
        }
        self.caches(household, &rebuilt)?;
        self.standing(household, &rebuilt.standing)?;
        self.kept_aside(household, &rebuilt.documents)?;
        self.persons(household, &rebuilt)?;
        self.hand_overs(household, &rebuilt)?;
        self.search_lines(household, &rebuilt)?;
        self.families(household, &rebuilt)?;
        self.feed_rows(household, &rebuilt)
    }

    /// The saved documents against those that the log makes.
    fn caches(&mut self, household: HouseholdId, rebuilt: &Rebuilt) -> Result<(), StoreError> {
        let caches = documents::caches(self.tx, household)?;
        let mut seen = BTreeSet::new();
        for cache in &caches {
            self.report.documents += 1;
            seen.insert(cache.id.kind);
            let row = Row::Document { document: cache.id };
            match rebuilt.documents.get(&cache.id.kind) {
                None => self.report.add(row, Problem::Stray),
                Some(document) => {
                    let problem = match Document::load(cache.id, &cache.bytes) {
                        Err(_) => Some(Problem::Unreadable),
                        Ok(loaded) => (loaded.heads() != document.heads()
                            || !keeps(cache, document))
                        .then_some(Problem::Differs),
                    };
                    if let Some(problem) = problem {
                        self.report.add(row, problem);
                    }
                    self.count_leaf(rebuilt.standing.owner.as_ref(), document, cache.epoch);
                }
            }
        }
        for kind in rebuilt.documents.keys().filter(|kind| !seen.contains(kind)) {
            let document = DocumentId::new(household, *kind);
            self.report
                .add(Row::Document { document }, Problem::Missing);
        }
        Ok(())
    }

    fn count_leaf(&mut self, owner: Option<&AreaCode>, document: &Document, epoch: u64) {
        if let Some(area) = owner {
            let leaf = digest::leaf(document.id(), epoch, &document.heads());
            let kind = document.id().kind;
            self.digests
                .entry((area.clone(), kind))
                .or_default()
                .add(&leaf);
        }
    }

    /// Counts a household whose log is broken by what is stored of it, so that its area is not named as well.
    fn count_leaves(&mut self, household: HouseholdId) -> Result<(), StoreError> {
        let Some(area) = residence::owner(self.tx, household)? else {
            return Ok(());
        };
        for (kind, leaf) in documents::leaves(self.tx, household)? {
            self.report.documents += 1;
            self.digests
                .entry((area.clone(), kind))
                .or_default()
                .add(&leaf);
        }
        Ok(())
    }

    /// Owner, stays and review items.
    fn standing(&mut self, household: HouseholdId, standing: &Standing) -> Result<(), StoreError> {
        let stored = residence::get(self.tx, household)?;
        let row = Row::Household { household };
        match (&stored, standing.residence()) {
            (Some(stored), Some(residence)) if *stored == residence => {}
            (Some(_), Some(_)) => self.report.add(row, Problem::Differs),
            (None, Some(_)) => self.report.add(row, Problem::Missing),
            (Some(_), None) => self.report.add(row, Problem::Stray),
            (None, None) => {}
        }
        let items = review::of_household(self.tx, household)?;
        let named = |item: &review::Item| Row::Review {
            household,
            item: format!("{} {}", item.kind, item.subject),
        };
        for (item, change) in &standing.items {
            match items.get(item) {
                Some(stored) if stored == change => {}
                Some(_) => self.report.add(named(item), Problem::Differs),
                None => self.report.add(named(item), Problem::Missing),
            }
        }
        for item in items
            .keys()
            .filter(|item| !standing.items.contains_key(item))
        {
            self.report.add(named(item), Problem::Stray);
        }
        Ok(())
    }

    /// How what was kept aside stands: as the log's documents call for, and once for each change.
    fn kept_aside(
        &mut self,
        household: HouseholdId,
        documents: &BTreeMap<DocKind, Document>,
    ) -> Result<(), StoreError> {
        let kept = quarantine::of_household(self.tx, household)?;
        let mut firsts: BTreeMap<(DocKind, ChangeHash), usize> = BTreeMap::new();
        for row in &kept {
            let first = firsts.entry((row.kind, row.hash)).or_default();
            *first += usize::from(row.state != State::Again);
        }
        let twice = firsts.into_iter().filter(|(_, first)| *first != 1);
        let mut wrong: BTreeSet<_> = twice.map(|(key, _)| key).collect();
        for kind in DocKind::ALL {
            let empty = Document::new(DocumentId::new(household, kind));
            let document = documents.get(&kind).unwrap_or(&empty);
            let standing = aside::standing(&kept, document).into_iter();
            let differs = standing.filter(|(row, state)| row.state != *state);
            wrong.extend(differs.map(|(row, _)| (kind, row.hash)));
        }
        for (kind, hash) in wrong {
            let document = DocumentId::new(household, kind);
            let row = Row::Aside { document, hash };
            self.report.add(row, Problem::Differs);
        }
        Ok(())
    }

    /// The searchable rows of persons.
    fn persons(&mut self, household: HouseholdId, rebuilt: &Rebuilt) -> Result<(), StoreError> {
        let stored = projection::stored(self.tx, household)?;
        let wanted = match (rebuilt.documents.get(&DocKind::Core), &self.key) {
            (Some(core), Some(key)) => projection::rows_of(core, key),
            _ => BTreeMap::new(),
        };
        for person in stored.keys().chain(wanted.keys()).collect::<BTreeSet<_>>() {
            let problem = match (stored.get(person), wanted.get(person)) {
                (Some(stored), Some(wanted)) if stored == wanted => continue,
                (Some(_), Some(_)) => Problem::Differs,
                (None, _) => Problem::Missing,
                (_, None) => Problem::Stray,
            };
            let row = Row::Person {
                household,
                person: person.to_string(),
            };
            self.report.add(row, problem);
        }
        Ok(())
    }

    /// The rows of hand-overs.
    fn hand_overs(&mut self, household: HouseholdId, rebuilt: &Rebuilt) -> Result<(), StoreError> {
        let stored = handover::stored(self.tx, household)?;
        let wanted = match rebuilt.documents.get(&DocKind::Core) {
            Some(core) => handover::rows_of(&hand_overs(core), |change| {
                Ok::<_, StoreError>(rebuilt.came.get(change).copied())
            })?,
            None => BTreeMap::new(),
        };
        for entry in stored.keys().chain(wanted.keys()).collect::<BTreeSet<_>>() {
            let problem = match (stored.get(entry), wanted.get(entry)) {
                (Some(stored), Some(wanted)) if stored == wanted => continue,
                (Some(_), Some(_)) => Problem::Differs,
                (None, _) => Problem::Missing,
                (_, None) => Problem::Stray,
            };
            let entry = entry.to_string();
            self.report.add(Row::HandOver { household, entry }, problem);
        }
        Ok(())
    }

    /// The texts by which the console finds the household.
    fn search_lines(
        &mut self,
        household: HouseholdId,
        rebuilt: &Rebuilt,
    ) -> Result<(), StoreError> {
        if let Some(core) = rebuilt.documents.get(&DocKind::Core)
            && let Some(problem) = search::fault(self.tx, core)?
        {
            self.report.add(Row::Search { household }, problem);
        }
        Ok(())
    }

    /// What the household is found by, and the pairs that it is in.
    fn families(&mut self, household: HouseholdId, rebuilt: &Rebuilt) -> Result<(), StoreError> {
        let (Some(core), Some(key)) = (rebuilt.documents.get(&DocKind::Core), &self.key) else {
            return Ok(());
        };
        let rows = projection::rows_of(core, key);
        for (claimed, problem) in duplicates::faults(self.tx, household, core, &rows, key)? {
            let row = match claimed {
                Claimed::Family => Row::Family { household },
                Claimed::Decision(other) | Claimed::Pair(other) => Row::Pair { household, other },
            };
            self.report.add(row, problem);
        }
        Ok(())
    }

    /// The rows of the household in every feed: here in the owner's area, gone from the others, in places
    /// that no tablet can have passed unseen.
    fn feed_rows(&mut self, household: HouseholdId, rebuilt: &Rebuilt) -> Result<(), StoreError> {
        let rows = feed::of_household(self.tx, household)?;
        let owner = rebuilt.standing.owner.as_ref();
        let stayed: BTreeSet<&AreaCode> = rebuilt
            .standing
            .stays
            .iter()
            .map(|stay| &stay.area)
            .collect();
        for (area, row) in &rows {
            let kind = row.document.kind;
            let named = Row::Feed {
                area: area.to_string(),
                document: row.document,
            };
            if !stayed.contains(area) || !rebuilt.documents.contains_key(&kind) {
                self.report.add(named, Problem::Stray);
                continue;
            }
            let told = rebuilt.told.get(&kind).and_then(|areas| areas.get(area));
            let last = feed::last_seq(self.tx, area)?;
            let in_place = match &row.whereabouts {
                // The row is where its last change was told, or where it entered with its household.
                Whereabouts::Here { entered_seq } => {
                    Some(area) == owner
                        && *entered_seq <= row.seq
                        && (told == Some(&row.seq) || *entered_seq == row.seq)
                }
                Whereabouts::Gone { to } => Some(area) != owner && stayed.contains(to),
            };
            let unseen = told.is_none_or(|told| *told <= row.seq) && row.seq <= last;
            if !in_place || !unseen {
                self.report.add(named, Problem::Differs);
            }
        }
        let here = rebuilt
            .documents
            .keys()
            .filter_map(|kind| Some((*kind, owner?)));
        let told = rebuilt
            .told
            .iter()
            .flat_map(|(kind, areas)| areas.keys().map(|area| (*kind, area)));
        for (kind, area) in here.chain(told).collect::<BTreeSet<_>>() {
            let document = DocumentId::new(household, kind);
            if !rows
                .iter()
                .any(|(at, row)| at == area && row.document == document)
            {
                let area = area.to_string();
                self.report
                    .add(Row::Feed { area, document }, Problem::Missing);
            }
        }
        Ok(())
    }

    /// Rows of households that have no log.
    fn strays(&mut self) -> Result<(), StoreError> {
        let mut strays = BTreeSet::new();
        let tx = self.tx;
        let mut look = |household| -> Result<(), StoreError> {
            if !documents::has_log(tx, household)? {
                strays.insert(household);
            }
            Ok(())
        };
        residence::each(tx, None, &mut look)?;
        feed::each_household(tx, &mut look)?;
        projection::each_household(tx, &mut look)?;
        handover::each_household(tx, &mut look)?;
        search::each_household(tx, &mut look)?;
        let mut unregistered = Vec::new();
        quarantine::each_household(tx, |household| {
            if !documents::has_log(tx, household)? {
                unregistered.push(household);
            }
            Ok::<_, StoreError>(())
        })?;
        for household in unregistered {
            self.kept_aside(household, &BTreeMap::new())?;
        }
        duplicates::each_household(tx, &mut look)?;
        for household in strays {
            self.report
                .add(Row::Household { household }, Problem::Stray);
        }
        for household in duplicates::strays(tx)? {
            self.report.add(Row::Family { household }, Problem::Stray);
        }
        Ok(())
    }

    fn area_digests(&mut self) -> Result<(), StoreError> {
        let stored = digests::all(self.tx)?;
        let keys: BTreeSet<_> = stored.keys().chain(self.digests.keys()).cloned().collect();
        for key in keys {
            self.report.areas += 1;
            let kept = stored.get(&key).copied().unwrap_or_default();
            if kept != self.digests.get(&key).copied().unwrap_or_default() {
                let (area, kind) = key;
                let area = area.to_string();
                self.report
                    .add(Row::Digest { area, kind }, Problem::Differs);
            }
        }
        Ok(())
    }
}

/// Who handed a change in, as its row, its own message and its batch say.
fn compare_with_batch(
    tx: &Tx<'_>,
    change: &LoggedChange,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let head = gate::read_head(&change.bytes).ok();
    let claimed = head.and_then(|head| head.message.parse::<Attribution>().ok());
    let author_agrees =
        claimed.is_none_or(|claim| claim.staff == change.staff && claim.area == change.area);
    let came = chain::came(
        tx,
        change.device,
        &change.batch,
        change.document,
        &change.hash,
    )?;
    let batch_agrees = came.is_some_and(|came| {
        came.named
            && came.grant_version == change.grant_version
            && came.arrived_at == change.arrived_at
    });
    if !author_agrees || !batch_agrees {
        let row = Row::Change {
            document: change.document,
            hash: change.hash,
        };
        report.add(row, Problem::ColumnsDiffer);
    }
    Ok(())
}

/// Takes one change of the log again; gives whether its bytes are its own.
fn replay(rebuilt: &mut Rebuilt, change: &LoggedChange, report: &mut CheckReport) -> bool {
    let row = || Row::Change {
        document: change.document,
        hash: change.hash,
    };
    let head = match gate::read_head(&change.bytes) {
        Ok(head) if head.hash == change.hash => head,
        _ => {
            rebuilt.broken = true;
            report.add(row(), Problem::BytesDiffer);
            return false;
        }
    };
    if (head.actor, head.seq, &head.deps) != (change.actor, change.seq, &change.deps) {
        report.add(row(), Problem::ColumnsDiffer);
    }
    if rebuilt.broken {
        // A change after a broken one cannot be placed; that is no fault of its own.
        return true;
    }
    if change.position != rebuilt.standing.last_position + 1 {
        report.add(row(), Problem::ColumnsDiffer);
    }
    let kind = change.document.kind;
    let document = rebuilt
        .documents
        .entry(kind)
        .or_insert_with(|| Document::new(change.document));
    if document.apply_changes(&[&change.bytes]).is_err() {
        rebuilt.broken = true;
        report.add(row(), Problem::DoesNotApply);
        return true;
    }
    let step = Step {
        change: change.hash,
        late: change.late,
        unknown: &change.unknown_areas,
    };
    rebuilt.standing.advance(&step, document);
    if kind == DocKind::Core {
        let came = (change.arrived_at, change.position);
        rebuilt.came.insert(change.hash, came);
    }
    let told = rebuilt.told.entry(kind).or_default();
    let before = told.insert(change.feed_area.clone(), change.feed_seq);
    if before.is_some_and(|before| before > change.feed_seq) {
        report.add(row(), Problem::ColumnsDiffer);
    }
    true
}
