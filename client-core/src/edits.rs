//! Making an edit: the document's new bytes, the outbox row and what people read are written in one
//! transaction, so an edit is either made and safe or not made at all.

use sojourn_sync_protocol::message::Grant;
use sojourn_sync_protocol::record::{
    self, Authorship, Document, Edit, EditError, Leaving, NewHousehold,
};
use sojourn_sync_protocol::{AreaCode, ChangeHash, DocKind, DocumentId, HouseholdId, Timestamp};

use crate::again::write_edited;
use crate::documents::{self, FIRST_EPOCH};
use crate::error::Error;
use crate::identity::{self, Chain, Identity};
use crate::outbox::{self, NewRow};
use crate::work::Work;
use crate::{areas, projection};

/// An edit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The household.
    pub household: HouseholdId,
    /// The document it was made in.
    pub document: DocKind,
    /// The change it became.
    pub change: ChangeHash,
    /// The edit with every id filled in.
    pub edit: Edit,
}

/// One edit of many to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The household; may be absent for one to register.
    pub household: Option<HouseholdId>,
    /// When it was made; now when absent.
    pub at: Option<Timestamp>,
    /// The edit.
    pub edit: Edit,
}

/// Takes in one edit of many.
pub(crate) fn import(work: &mut Work<'_>, import: Import) -> Result<Edited, Error> {
    let now = work.now;
    work.now = import.at.unwrap_or(now);
    let done = match (import.household, import.edit) {
        (id, Edit::RegisterHousehold(new)) => register(work, id, new),
        (Some(household), edit) => self::edit(work, household, edit),
        (None, _) => Err(Error::Edit(EditError::NotRegistered)),
    };
    work.now = now;
    done
}

/// Who edits, with what authority.
struct Author {
    identity: Identity,
    grant: Grant,
    chain: Chain,
}

fn author(work: &Work<'_>) -> Result<Author, Error> {
    let whole = (
        identity::identity(work.tx)?,
        identity::grant(work.tx)?,
        identity::chain(work.tx)?,
    );
    let (Some(identity), Some(grant), Some(chain)) = whole else {
        return Err(Error::NotEnrolled);
    };
    Ok(Author {
        identity,
        grant,
        chain,
    })
}

impl Author {
    fn works_for(&self) -> Result<&AreaCode, Error> {
        self.grant.areas.first().ok_or(Error::NotEnrolled)
    }
}

/// Registers a household, under a fresh id unless it has one.
pub(crate) fn register(
    work: &mut Work<'_>,
    id: Option<HouseholdId>,
    new: NewHousehold,
) -> Result<Edited, Error> {
    let author = author(work)?;
    let area = match &new.area {
        Some(area) => area.clone(),
        None => author.works_for()?.clone(),
    };
    known(work, &author, &area)?;
    if !areas::is_within(work.tx, &area, &author.grant.areas)? {
        return Err(Error::AreaNotGranted(area));
    }
    let household = id.unwrap_or_else(|| HouseholdId::new(work.now, work.draw()));
    make(
        work,
        &author,
        household,
        Edit::RegisterHousehold(new),
        Some(&area),
    )
}

/// Makes an edit of a household that is on this tablet.
pub(crate) fn edit(
    work: &mut Work<'_>,
    household: HouseholdId,
    edit: Edit,
) -> Result<Edited, Error> {
    let author = author(work)?;
    let core = documents::stored(work.tx, DocumentId::new(household, DocKind::Core))?
        .ok_or(Error::UnknownHousehold(household))?;
    // What a narrowed grant no longer covers stays until it is handed in, and the server would refuse more of it.
    if !areas::is_within(work.tx, &core.area, &author.grant.areas)? {
        return Err(Error::AreaNotGranted(core.area));
    }
    let to = match &edit {
        Edit::Move(new) => Some(&new.to),
        Edit::ProposeMove(new) => Some(&new.to),
        _ => None,
    };
    if let Some(Ok(to)) = to.map(|to| to.parse::<AreaCode>()) {
        known(work, &author, &to)?;
    }
    let about = edit.persons();
    if !about.is_empty() {
        // The health document does not list persons; the core does.
        let view = projection::view(work.tx, work.cache, household)?
            .ok_or(Error::UnknownHousehold(household))?;
        if let Some(stranger) = about
            .into_iter()
            .find(|person| !view.persons.contains_key(person))
        {
            return Err(Error::UnknownPerson(stranger));
        }
    }
    make(work, &author, household, edit, Some(&core.area))
}

/// Lets some members of a household leave it and be one of their own.
pub(crate) fn split(
    work: &mut Work<'_>,
    from: HouseholdId,
    leaving: &Leaving,
) -> Result<(HouseholdId, Vec<Edited>), Error> {
    let author = author(work)?;
    if !author.grant.kinds.contains(&DocKind::Health) {
        return Err(Error::KindNotGranted(DocKind::Health));
    }
    let view = projection::view(work.tx, work.cache, from)?.ok_or(Error::UnknownHousehold(from))?;
    let household = HouseholdId::new(work.now, work.draw());
    let found = record::split(&view, leaving, household)?;
    let mut made = vec![register(work, Some(household), found.registered)?];
    for (id, edits) in [(household, found.theirs), (from, found.ours)] {
        for edit in edits {
            made.push(self::edit(work, id, edit)?);
        }
    }
    Ok((household, made))
}

fn known(work: &Work<'_>, author: &Author, area: &AreaCode) -> Result<(), Error> {
    let known = author.grant.areas.contains(area) || areas::area(work.tx, area)?.is_some();
    if known {
        Ok(())
    } else {
        Err(Error::UnknownArea(area.clone()))
    }
}

fn make(
    work: &mut Work<'_>,
    author: &Author,
    household: HouseholdId,
    edit: Edit,
    begins_in: Option<&AreaCode>,
) -> Result<Edited, Error> {
    let now = work.now;
    let edit = edit.with_ids(now, &mut || work.draw());
    let id = DocumentId::new(household, edit.document());
    if !author.grant.kinds.contains(&id.kind) {
        return Err(Error::KindNotGranted(id.kind));
    }
    let mut by = Authorship {
        actor: author.chain.actor,
        staff: author.identity.staff,
        area: author.works_for()?.clone(),
        at: now,
    };
    let (mut stored, mut document) = match documents::load(work.tx, work.cache, id)? {
        Some(found) => found,
        None => {
            let mut stored = documents::first_stored(begins_in.unwrap_or(&by.area));
            // A household on its way off takes along what begins meanwhile: no later page tells of that.
            let core = documents::stored(work.tx, DocumentId::new(household, DocKind::Core))?;
            stored.leaving = core.is_some_and(|core| core.leaving);
            if stored.leaving {
                // What this actor wrote in it before may have gone from here already: its numbers are not used twice.
                by.actor = work.fresh_actor();
                identity::rotate(work.tx, by.actor)?;
            }
            (stored, work.cache.adopt(FIRST_EPOCH, Document::new(id)))
        }
    };
    let change = document.edit(&edit, &by)?;
    stored.heads = document.heads();
    write_edited(work, &document, &stored, &change)?;
    drop(document);
    outbox::add(
        work.tx,
        &NewRow {
            document: id,
            epoch: stored.epoch,
            change: &change,
            by: &by,
            edit: Some(&edit),
            grant: author.grant.version,
        },
    )?;
    work.changed(household)?;
    Ok(Edited {
        household,
        document: id.kind,
        change: change.hash,
        edit,
    })
}
