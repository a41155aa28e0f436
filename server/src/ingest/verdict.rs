//! What is decided about a change before its content is looked at: values in, a fate or leave to go on out.

use sojourn_sync_protocol::{
    AreaCode, DocKind, DocumentId, StaffId,
    gate::ChangeHead,
    message::{Fate, Grant, QuarantineReason},
    record::Attribution,
};

/// Who hands in, and under which grant.
#[derive(Debug, Clone, Copy)]
pub(super) struct By<'a> {
    /// Whose it is.
    pub staff: StaffId,
    /// The grant that the batch names; `None` when the device never had it.
    pub grant: Option<&'a Grant>,
}

/// Who is responsible for the household, seen from the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Responsibility {
    /// The household is not there yet.
    Nobody,
    /// The grant covers the responsible area.
    Present,
    /// It does not, and it is a desk's: that may answer what its areas are asked, and let a family follow that showed its card.
    Asked,
    /// The grant covers an area that the household left.
    Former,
    /// Neither.
    Others,
}

/// What is known about one change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// The document already holds it.
    pub held: bool,
    /// The document's epoch.
    pub epoch: u64,
    /// Its actor is bound to a device of another member of staff. A tablet enrolled anew is another device of the
    /// same one, and hands in what it wrote before if the server has lost that.
    pub actor_of_others: bool,
    /// Number of the actor's last change of the document.
    pub last_seq: u64,
}

/// A change that may go on to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Allowed {
    /// What it says of its author.
    pub attribution: Attribution,
    /// The household had left the author's area.
    pub late: bool,
    /// It may be nothing but the answer to a hand-over, or what a card allows.
    pub only_answers: bool,
}

const fn aside(reason: QuarantineReason) -> Fate {
    Fate::Quarantined { reason }
}

/// Judges one change. `covers` says whether an area lies within the grant; `responsible` is asked only
/// when nothing speaks against the author.
pub(super) fn judge<E>(
    (document, epoch): (DocumentId, u64),
    head: &ChangeHead,
    by: &By<'_>,
    known: &Circumstances,
    covers: impl FnOnce(&AreaCode, &Grant) -> Result<bool, E>,
    responsible: impl FnOnce(&Grant) -> Result<Responsibility, E>,
) -> Result<Result<Allowed, Fate>, E> {
    if known.held {
        return Ok(Err(Fate::Duplicate));
    }
    if epoch != known.epoch {
        return Ok(Err(Fate::OldEpoch { epoch: known.epoch }));
    }
    if known.actor_of_others {
        return Ok(Err(aside(QuarantineReason::WrongActor)));
    }
    let Some(grant) = by.grant else {
        return Ok(Err(aside(QuarantineReason::NotAuthorised)));
    };
    let attribution = head.message.parse::<Attribution>().ok();
    let Some(attribution) = attribution.filter(|who| who.staff == by.staff) else {
        return Ok(Err(aside(QuarantineReason::WrongAuthor)));
    };
    if !covers(&attribution.area, grant)? {
        return Ok(Err(aside(QuarantineReason::WrongAuthor)));
    }
    if !may_write(grant, document.kind) {
        return Ok(Err(aside(QuarantineReason::NotAuthorised)));
    }
    let responsible = responsible(grant)?;
    let late = match responsible {
        Responsibility::Nobody | Responsibility::Present | Responsibility::Asked => false,
        Responsibility::Former => true,
        Responsibility::Others => return Ok(Err(aside(QuarantineReason::NotAuthorised))),
    };
    if head.seq <= known.last_seq {
        return Ok(Err(Fate::Fork));
    }
    Ok(Ok(Allowed {
        attribution,
        late,
        only_answers: responsible == Responsibility::Asked,
    }))
}

fn may_write(grant: &Grant, kind: DocKind) -> bool {
    grant.kinds.contains(&kind)
}
