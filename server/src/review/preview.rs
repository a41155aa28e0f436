//! What a decision would do, before anybody commits it: which fields would say something else, and whose tablets would learn of it.
//! Made by the very edit that the decision would make, on a copy that is thrown away; writes nothing, and refuses whatever the
//! decision would be refused for, but that a reason is still missing.

use std::collections::BTreeMap;

use serde::Serialize;
use sojourn_sync_protocol::record::{
    Document, Value, Written, is_decision, mask_id_number, residence_values, written_by,
};
use sojourn_sync_protocol::{AreaCode, DecisionId, DocKind, HouseholdId, Timestamp};

use super::decide::{Choice, Objection, Opened, Order, Reviewer, is_unregistered, mean, reason_of};
use super::joining_preview::{self, TakenOver};
use super::later::Later;
use super::pairs::Two;
use super::proposals::Proposal;
use super::{RESIDENCE, ReviewKind};
use crate::desk::Desk;
use crate::store::{StoreError, Tx};
use crate::{areas, residence};

/// Stands for a reason that has not been written yet.
const NO_REASON_YET: &str = "…";

/// What a decision would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Preview {
    /// Whether a second person would have to agree before any of it.
    pub waits_for_second: bool,
    /// The records that would change.
    pub records: Vec<Change>,
    /// What one record would take over from another, where that is the choice.
    pub takes_over: Option<TakenOver>,
}

/// What a decision would do to one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Change {
    /// The household.
    #[schema(value_type = String)]
    pub household: HouseholdId,
    /// The document.
    pub document: DocKind,
    /// Every field that would be written, beside the entry that says why.
    #[schema(value_type = Object)]
    pub fields: BTreeMap<String, Difference>,
    /// The areas whose tablets would learn of it.
    pub areas: Vec<Receives>,
}

/// A field before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Difference {
    /// The distinct values that stand; none where nobody has written it.
    #[schema(value_type = Vec<Object>)]
    pub before: Vec<Option<Value>>,
    /// What would stand.
    #[schema(value_type = Object)]
    pub after: Option<Value>,
}

/// An area whose tablets would learn of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Receives {
    /// Which.
    #[schema(value_type = String)]
    pub area: AreaCode,
    /// What becomes of the household there.
    pub how: How,
}

/// What becomes of a household in an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It is there and stays.
    Stays,
    /// It comes, whole.
    Enters,
    /// It goes from there.
    Leaves,
}

/// Says what an order would do.
///
/// # Errors
/// Those of the decision, but for a reason that is not written yet.
pub fn preview(
    tx: &Tx<'_>,
    reviewer: &Reviewer,
    order: &Order,
    id: DecisionId,
    now: Timestamp,
) -> Result<Preview, Objection> {
    let question = &order.question;
    if question.kind == ReviewKind::PossibleDuplicate {
        return of_pair(tx, reviewer, order);
    }
    if question.kind == ReviewKind::EditOfJoined {
        return of_later(tx, reviewer, order);
    }
    if is_unregistered(tx, question)? {
        // Its change can only be refused, and there is no record.
        return Ok(Preview {
            waits_for_second: false,
            records: Vec::new(),
            takes_over: None,
        });
    }
    let reason = if order.reason.trim().is_empty() {
        Ok(NO_REASON_YET.to_owned())
    } else {
        reason_of(&order.reason)
    };
    let meant = mean(tx, reviewer, order, id, reason, now)?;
    let owner = &meant.opened.owner;
    let mut after = meant.opened.held.document.clone();
    let made = after.edit(&meant.edit, &Desk::rehearsing(reviewer.staff, owner, now))?;
    let written = written_by(&after, &made.hash).into_iter();
    let fields = written
        .filter(|(path, _)| !is_decision(path))
        .map(|(path, written)| {
            let shown = difference(&path, written, &question.subject);
            (path, shown)
        });
    let fields: BTreeMap<String, Difference> = fields.collect();
    let areas = if fields.contains_key(RESIDENCE) {
        moved(tx, owner, &after)?
    } else {
        vec![stays(owner)]
    };
    Ok(Preview {
        waits_for_second: meant.waits_for_second,
        records: vec![Change {
            household: question.household,
            document: question.document,
            fields,
            areas,
        }],
        takes_over: None,
    })
}

/// Both records of a pair get an entry that says what was found; where they are one family, one takes over what the other has.
fn of_pair(tx: &Tx<'_>, reviewer: &Reviewer, order: &Order) -> Result<Preview, Objection> {
    let question = &order.question;
    let two = Two::of(tx, reviewer, question)?;
    if two.heads() != order.seen {
        return Err(Objection::Stale);
    }
    let (takes_over, waits_for_second) = match &order.choice {
        Choice::Same { survivor, persons } => {
            let choice = (*survivor, persons);
            let found = joining_preview::of_two(tx, reviewer, question.household, &two, choice)?;
            let proposed = Proposal::of(tx, question.household, &question.item())?;
            let agrees = proposed.is_some_and(|earlier| {
                earlier.staff != reviewer.staff && earlier.choice == order.choice
            });
            (Some(found), !agrees)
        }
        Choice::Different {} => (None, false),
        _ => return Err(Objection::NotAChoice),
    };
    Ok(Preview {
        waits_for_second,
        records: [&two.one, &two.other].map(only_told).into(),
        takes_over,
    })
}

/// An edit of a record that goes on in another is carried over or left; its own record is told which.
fn of_later(tx: &Tx<'_>, reviewer: &Reviewer, order: &Order) -> Result<Preview, Objection> {
    let found = Later::of(tx, reviewer, &order.question)?;
    if found.heads() != order.seen {
        return Err(Objection::Stale);
    }
    let (records, takes_over) = match order.choice {
        Choice::CarryOver {} => (vec![&found.edited, &found.into], Some(found.preview())),
        Choice::Keep {} => (vec![&found.edited], None),
        _ => return Err(Objection::NotAChoice),
    };
    Ok(Preview {
        waits_for_second: false,
        records: records.into_iter().map(only_told).collect(),
        takes_over,
    })
}

/// A record that gets an entry that says what was decided.
fn only_told(opened: &Opened) -> Change {
    let id = opened.held.document.id();
    Change {
        household: id.household,
        document: id.kind,
        fields: BTreeMap::new(),
        areas: vec![stays(&opened.owner)],
    }
}

/// Identity numbers are masked but where they are what the question is about.
fn difference(path: &str, written: Written, subject: &str) -> Difference {
    let mut shown = Difference {
        before: written.before,
        after: written.value,
    };
    if path != subject {
        shown
            .before
            .iter_mut()
            .for_each(|value| mask_id_number(path, value));
        mask_id_number(path, &mut shown.after);
    }
    shown
}

/// Whose tablets learn of a residence that is another.
fn moved(tx: &Tx<'_>, owner: &AreaCode, after: &Document) -> Result<Vec<Receives>, StoreError> {
    let values = residence_values(after);
    let mut unknown = Vec::new();
    for area in &values {
        if !areas::is_known(tx, area)? {
            unknown.push(area.clone());
        }
    }
    let next = residence::next_owner(Some(owner), &values, &unknown).owner;
    Ok(match next {
        Some(next) if next != *owner => vec![
            Receives {
                area: next,
                how: How::Enters,
            },
            Receives {
                area: owner.clone(),
                how: How::Leaves,
            },
        ],
        _ => vec![stays(owner)],
    })
}

fn stays(area: &AreaCode) -> Receives {
    Receives {
        area: area.clone(),
        how: How::Stays,
    }
}

#[cfg(test)]
mod tests {
    use sojourn_sync_protocol::record::contradictions;

    use super::*;
    use crate::rehearsal::{area, core, household, move_to};
    use crate::review::decide::{Choice, QuestionId};
    use crate::review::scene::{Office, address};

    async fn look(office: &Office, who: &Reviewer, order: &Order) -> Result<Preview, Objection> {
        let (who, order) = (who.clone(), order.clone());
        let id = DecisionId::new(crate::rehearsal::NOW, [7; 10]);
        let read = office.register.store.read("preview", move |tx| {
            preview(tx, &who, &order, id, crate::rehearsal::NOW)
        });
        read.await
    }

    fn text(value: &str) -> Option<Value> {
        Some(Value::from(value))
    }

    #[tokio::test]
    async fn it_says_what_the_decision_then_does_and_writes_nothing() {
        let mut office = Office::new().await;
        let reviewer = office.reviewer(1, &["a"]).await;
        office
            .contradict(&address("东一号"), &address("西二号"))
            .await;
        let mut order = office.order(office.value("东一号").await).await;
        order.reason.clear();
        let before = office.document(core(1)).await.heads();
        let seen = look(&office, &reviewer, &order).await.unwrap();
        assert_eq!(office.document(core(1)).await.heads(), before);
        assert!(!seen.waits_for_second);
        let [record] = &seen.records[..] else {
            panic!("one record");
        };
        assert_eq!(record.household, household(1));
        assert_eq!(record.areas, [stays(&area("a"))]);
        let paths: Vec<&str> = record.fields.keys().map(String::as_str).collect();
        assert_eq!(paths, ["residence/address"]);
        let address = &record.fields["residence/address"];
        assert_eq!(address.after, text("东一号"));
        assert_eq!(address.before.len(), 2);
        order.reason = "看过门牌".to_owned();
        office.decide(&reviewer, order).await.unwrap();
        office.expect_agreement().await;
    }

    #[tokio::test]
    async fn a_family_that_would_go_elsewhere_leaves_one_area_and_enters_the_other() {
        let mut office = Office::new().await;
        let reviewer = office.reviewer(1, &["p"]).await;
        office.contradict(&move_to("b", 1), &move_to("e", 2)).await;
        let owner = office.register.owner(1).await.unwrap();
        let other = if owner == "b" { "e" } else { "b" };
        // The second move came late too; this is about where they live.
        let document = office.document(core(1)).await;
        let mut standing = contradictions(&document).into_iter();
        let values = standing
            .find(|found| found.path == RESIDENCE)
            .unwrap()
            .values;
        let wanted = values.iter().find(|value| value.value == text(other));
        let order = Order {
            question: QuestionId {
                household: household(1),
                kind: ReviewKind::ContestedResidence,
                document: DocKind::Core,
                subject: RESIDENCE.to_owned(),
            },
            seen: document.heads(),
            choice: Choice::Value {
                change: wanted.unwrap().change,
            },
            reason: "问过两边".to_owned(),
        };
        let seen = look(&office, &reviewer, &order).await.unwrap();
        let areas: Vec<_> = seen.records[0]
            .areas
            .iter()
            .map(|one| (one.area.as_str(), one.how))
            .collect();
        assert_eq!(areas, [(other, How::Enters), (owner.as_str(), How::Leaves)]);
        office.decide(&reviewer, order).await.unwrap();
        assert_eq!(office.register.owner(1).await.as_deref(), Some(other));
    }

    #[tokio::test]
    async fn it_refuses_what_the_decision_is_refused_for() {
        let mut office = Office::new().await;
        let reviewer = office.reviewer(1, &["a"]).await;
        let elsewhere = office.reviewer(2, &["e"]).await;
        office
            .contradict(&address("东一号"), &address("西二号"))
            .await;
        let order = office.order(office.value("东一号").await).await;
        let not_theirs = look(&office, &elsewhere, &order).await;
        assert_eq!(not_theirs, Err(Objection::Unknown));
        let keep = Order {
            choice: Choice::Keep {},
            ..order.clone()
        };
        let no_answer = look(&office, &reviewer, &keep).await;
        assert_eq!(no_answer, Err(Objection::NotAChoice));
        let stale = Order {
            seen: Vec::new(),
            ..order
        };
        assert_eq!(
            look(&office, &reviewer, &stale).await,
            Err(Objection::Stale)
        );
    }
}
