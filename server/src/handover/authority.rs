//! What a desk may write in a household that is not of its areas: the answer to a hand-over that is proposed to them, and nothing
//! else. Pure: from what a change would write and from the hand-overs as they stand.

use std::collections::BTreeMap;

use sojourn_sync_protocol::MoveId;
use sojourn_sync_protocol::record::{HandOver, HandOverState, Touch, Value, about_hand_over};

use crate::review::RESIDENCE;

/// Whether a change is the answer to one of the hand-overs that its author was asked about. `standing` are all of the household;
/// `is_asked` says which of those that wait are proposed to the author's areas.
pub(crate) fn is_answer(
    touches: &[Touch],
    standing: &[HandOver],
    is_asked: impl Fn(&HandOver) -> bool,
) -> bool {
    // A field that is decided is written twice in one change; the last value is the one that stands.
    let writes: BTreeMap<&str, Option<&str>> = touches
        .iter()
        .map(|touch| (touch.path.as_str(), text(touch.value.as_ref())))
        .collect();
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
    if of(answered.id, "state") == Some("rejected") {
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
