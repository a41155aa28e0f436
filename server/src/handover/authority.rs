//! What a desk may write in a household that is not of its areas: the answer to a hand-over that they are asked about, or the move of a
//! family that showed its card at their door; and nothing else. Pure: from what a change would write and from the hand-overs as they
//! stand.

use std::collections::BTreeMap;

use sojourn_sync_protocol::record::{HandOver, HandOverState, Touch, Value, about_hand_over};
use sojourn_sync_protocol::{AreaCode, Card, MoveId};

use crate::review::RESIDENCE;

/// Whether a change lets a household follow its family, which showed its card: the move to an area of its author, and nothing else.
/// `standing` are all hand-overs of the household.
pub(crate) fn follows_card(
    touches: &[Touch],
    standing: &[HandOver],
    is_right: impl Fn(&Card) -> bool,
    covers: impl Fn(&AreaCode) -> bool,
) -> bool {
    let writes = last_values(touches);
    let shown = writes.iter().find_map(|(path, card)| {
        let entry = path.strip_prefix("moves/")?.strip_suffix("/card")?;
        let card = card.and_then(|card| card.parse().ok())?;
        is_right(&card).then_some(entry)
    });
    let to = writes.get(RESIDENCE).copied().flatten();
    let theirs = to
        .and_then(|to| to.parse().ok())
        .is_some_and(|to| covers(&to));
    let (Some(entry), true) = (shown, theirs) else {
        return false;
    };
    let belongs = |(path, value): (&&str, &Option<&str>)| match *path {
        RESIDENCE | "residence/address" | "residence/since" => true,
        path => {
            let Some((id, key)) = path
                .strip_prefix("moves/")
                .and_then(|rest| rest.split_once('/'))
            else {
                return false;
            };
            if id != entry {
                return waits(standing, id) && key == "state" && *value == Some("withdrawn");
            }
            match key {
                "to" => *value == to,
                "state" => *value == Some("accepted"),
                "from" | "on" | "reason" | "until" | "card" => true,
                _ => false,
            }
        }
    };
    writes.iter().all(belongs)
}

/// Whether an entry is a hand-over that nobody has answered.
fn waits(standing: &[HandOver], id: &str) -> bool {
    let unanswered = |one: &HandOver| {
        matches!(
            one.state,
            HandOverState::Proposed | HandOverState::Overtaken
        )
    };
    standing
        .iter()
        .any(|one| one.id.to_string() == id && unanswered(one))
}

/// What a change writes, by path. A field that is decided is written twice in one change; the last value is the one that stands.
fn last_values(touches: &[Touch]) -> BTreeMap<&str, Option<&str>> {
    touches
        .iter()
        .map(|touch| (touch.path.as_str(), text(touch.value.as_ref())))
        .collect()
}

/// Whether a change is the answer to one of the hand-overs that its author was asked about. `standing` are all of the household;
/// `is_asked` says which of those that wait ask the author's areas.
pub(crate) fn is_answer(
    touches: &[Touch],
    standing: &[HandOver],
    is_asked: impl Fn(&HandOver) -> bool,
) -> bool {
    let writes = last_values(touches);
    let of = |id: MoveId, key: &str| {
        let path = format!("moves/{id}/{key}");
        writes.get(path.as_str()).copied().flatten()
    };
    let answered = standing.iter().find(|one| {
        let answer = of(one.id, "state");
        one.state == HandOverState::Proposed
            && is_asked(one)
            && (answer == Some("accepted") || answer == Some("rejected"))
    });
    let Some(answered) = answered else {
        return false;
    };
    let others = standing.iter().filter(|one| {
        one.id != answered.id
            && matches!(
                one.state,
                HandOverState::Proposed | HandOverState::Overtaken
            )
    });
    let others: Vec<String> = others
        .map(|one| format!("moves/{}/state", one.id))
        .collect();
    let own = |key: &str| format!("moves/{}/{key}", answered.id);
    // At the door the family is where it is to live already.
    if answered.at_door || of(answered.id, "state") == Some("rejected") {
        return writes
            .keys()
            .all(|path| *path == own("state") || *path == own("answer"));
    }
    let to = answered.to.as_ref().map(|to| to.as_str());
    let about = about_hand_over(answered.id);
    let belongs = |(path, value): (&&str, &Option<&str>)| match *path {
        RESIDENCE => *value == to,
        "residence/address" => value.is_none(),
        "residence/since" => true,
        path if path == own("state") => true,
        path if others.iter().any(|other| other == path) => *value == Some("withdrawn"),
        path => match path
            .strip_prefix("decisions/")
            .and_then(|rest| rest.split_once('/'))
        {
            Some((_, "about")) => *value == Some(about.as_str()),
            Some((_, "reason")) => true,
            _ => false,
        },
    };
    writes.get(RESIDENCE).copied().flatten() == to && writes.iter().all(belongs)
}

fn text(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}
