//! Moves that are prepared between two areas: proposed by the one, answered by the other. What the entries under `moves` say
//! together with the residence, and what each step of a hand-over writes.
//!
//! A hand-over waits only while `proposed` is the one value of its state, its two areas are beyond doubt, and the household
//! still lives where it is to leave. Whatever moves the household answers every proposal that waits.
//! One that the receiving area began, with the family at its door, stands in the record that the family was given there: it waits
//! while the household lives where it is to stay, and asks the area where it says that it lived.
//! Knows no deadline and nobody who may answer: the register does.

use automerge::{ObjId, ReadDoc as _};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::document::Document;
use super::edit::EditError;
use super::input::{MoveAnswer, NewArrival, NewHandOver, NewMove};
use super::maps::Maps;
use super::plan::Draft;
use super::shown::Shown;
use super::value::Value;
use super::view::{HouseholdView, MoveView, ResidenceView};
use crate::{AreaCode, Card, ChangeHash, DocKind, MoveId};

/// How a hand-over stands in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HandOverState {
    /// It waits for the area moved to.
    Proposed,
    /// That area took the household over.
    Accepted,
    /// That area did not.
    Rejected,
    /// It was taken back.
    Withdrawn,
    /// It was proposed, and the household has moved otherwise since.
    Overtaken,
    /// People wrote its state, or one of its areas, in contradiction: somebody must decide first.
    Unclear,
}

impl HandOverState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Proposed,
        Self::Accepted,
        Self::Rejected,
        Self::Withdrawn,
        Self::Overtaken,
        Self::Unclear,
    ];

    /// The name used in JSON and in stored rows; of the first four, the word in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Overtaken => "overtaken",
            Self::Unclear => "unclear",
        }
    }
}

impl fmt::Display for HandOverState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HandOverState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or(())
    }
}

/// A hand-over as its household's core document has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// The entry under `moves`.
    pub id: MoveId,
    /// The area that hands over; `None` where it is not beyond doubt.
    pub from: Option<AreaCode>,
    /// The area that takes over; `None` where it is not beyond doubt.
    pub to: Option<AreaCode>,
    /// Day of the move; of several the one that Automerge shows.
    pub on: Option<String>,
    /// When a stay for a time ends; likewise.
    pub until: Option<String>,
    /// Why; likewise.
    pub reason: Option<String>,
    /// How it stands.
    pub state: HandOverState,
    /// The receiving area began it: the family is at its door.
    pub at_door: bool,
    /// The card that the family showed there.
    pub card: Option<Card>,
    /// The change that made the entry.
    pub proposed_by: ChangeHash,
    /// The changes that wrote what its state says now; none while nobody has answered.
    pub answered_by: BTreeSet<ChangeHash>,
    /// The changes whose values stand in the entry: whoever answers says that they saw these.
    pub written_by: BTreeSet<ChangeHash>,
}

impl HandOver {
    /// The area that is asked.
    pub fn asked(&self) -> Option<&AreaCode> {
        if self.at_door {
            self.from.as_ref()
        } else {
            self.to.as_ref()
        }
    }
}

/// The hand-overs of a household, in the order of their ids; a move that was done at once is none. None of a health document.
pub fn hand_overs(core: &Document) -> Vec<HandOver> {
    if core.id().kind != DocKind::Core {
        return Vec::new();
    }
    let maps = Maps::Document(core);
    let residence = ResidenceView::read(&maps.map("residence"));
    let moves: BTreeMap<MoveId, MoveView> = maps.entries("moves", MoveView::read);
    let found = moves.iter().filter_map(|(id, entry)| {
        let state = entry.hand_over(&residence)?;
        hand_over(core, *id, entry, state)
    });
    found.collect()
}

fn hand_over(
    core: &Document,
    id: MoveId,
    entry: &MoveView,
    state: HandOverState,
) -> Option<HandOver> {
    let map = core.map_of("moves", Some(&id.to_string()))?;
    let hash = |op: &ObjId| core.inner().hash_for_opid(op).map(|h| ChangeHash::from(&h));
    let answers = match state {
        HandOverState::Proposed | HandOverState::Overtaken => Vec::new(),
        _ => core.values_in(&map, "state"),
    };
    let first = |shown: &Option<Shown<String>>| {
        let mut values = shown.iter().flat_map(Shown::values);
        values.next().cloned()
    };
    Some(HandOver {
        id,
        from: only_area(entry.from.as_ref()),
        to: only_area(entry.to.as_ref()),
        on: first(&entry.on),
        until: first(&entry.until),
        reason: first(&entry.reason),
        state,
        at_door: entry.is_at_door(),
        card: first(&entry.card).and_then(|card| card.parse().ok()),
        proposed_by: hash(&map)?,
        answered_by: answers.iter().filter_map(|(_, op)| hash(op)).collect(),
        written_by: core
            .inner()
            .keys(&map)
            .flat_map(|key| core.values_in(&map, &key))
            .filter_map(|(_, op)| hash(&op))
            .collect(),
    })
}

fn only_area(shown: Option<&Shown<String>>) -> Option<AreaCode> {
    shown?.agreed()?.parse().ok()
}

impl MoveView {
    /// How this entry stands between the two areas, given where the household lives; `None` of a move that was done at once.
    pub fn hand_over(&self, residence: &ResidenceView) -> Option<HandOverState> {
        let Some(word) = self.state.as_ref()?.agreed() else {
            return Some(HandOverState::Unclear);
        };
        let areas = only_area(self.from.as_ref()).zip(only_area(self.to.as_ref()));
        let Some((from, to)) = areas else {
            return Some(HandOverState::Unclear);
        };
        let lives = residence.area.iter().flat_map(Shown::values);
        let home = if self.is_at_door() { to } else { from };
        let stays = lives.into_iter().any(|area| area == home.as_str());
        Some(match word.parse() {
            Ok(HandOverState::Proposed) if stays => HandOverState::Proposed,
            Ok(HandOverState::Proposed) => HandOverState::Overtaken,
            Ok(
                answered @ (HandOverState::Accepted
                | HandOverState::Rejected
                | HandOverState::Withdrawn),
            ) => answered,
            _ => HandOverState::Unclear,
        })
    }
}

impl MoveView {
    /// Whether the receiving area began it, with the family at its door.
    pub fn is_at_door(&self) -> bool {
        let mut said = self.begun_by.iter().flat_map(Shown::values);
        said.any(|word| word == RECEIVING)
    }
}

impl HouseholdView {
    /// Moves of this household that are prepared and wait for an answer.
    pub fn prepared_moves(&self) -> impl Iterator<Item = (MoveId, &MoveView)> {
        self.waiting_moves()
            .filter(|(_, entry)| !entry.is_at_door())
    }

    /// What other areas were asked since this family came to the door, and have not answered.
    pub fn asked_moves(&self) -> impl Iterator<Item = (MoveId, &MoveView)> {
        self.waiting_moves().filter(|(_, entry)| entry.is_at_door())
    }

    /// Hand-overs of this household that wait for an answer, whoever began them.
    pub fn waiting_moves(&self) -> impl Iterator<Item = (MoveId, &MoveView)> {
        let waits =
            |entry: &MoveView| entry.hand_over(&self.residence) == Some(HandOverState::Proposed);
        let moves = self.moves.iter().filter(move |(_, entry)| waits(entry));
        moves.map(|(id, entry)| (*id, entry))
    }
}

/// The distinct values of a field, in order.
fn distinct(document: &Document, path: &str) -> Vec<Option<Value>> {
    let values: BTreeSet<_> = document.values_at(path).into_iter().collect();
    values.into_iter().collect()
}

/// How a decision says that it accepted a hand-over.
pub fn about_hand_over(id: MoveId) -> String {
    format!("{ABOUT} moves/{id}")
}

const ABOUT: &str = "hand-over";
/// Who began a hand-over, where it was not the area that the family leaves.
const RECEIVING: &str = "receiving";

/// The hand-over that a decision says it accepted.
pub fn answered_hand_over(about: &str) -> Option<MoveId> {
    let (kind, path) = about.split_once(' ')?;
    let id = path.strip_prefix("moves/")?;
    (kind == ABOUT).then(|| id.parse().ok()).flatten()
}

impl Draft<'_> {
    pub(super) fn move_to(&mut self, new: &NewMove) -> Result<(), EditError> {
        let mut prepared = false;
        for proposed in self.unanswered() {
            let here = !proposed.at_door
                && proposed.state == HandOverState::Proposed
                && proposed
                    .to
                    .as_ref()
                    .is_some_and(|to| to.as_str() == new.to.trim());
            if !here {
                self.put_state(proposed.id, "withdrawn")?;
                continue;
            }
            // The household went where it was to go: that entry tells the story, and says what is known now.
            prepared = true;
            self.put_state(proposed.id, "accepted")?;
            for (key, value) in new.given() {
                self.put(format!("moves/{}/{key}", proposed.id), Some(value))?;
            }
        }
        if !prepared {
            let mut given = new.given();
            given.extend(self.lives_in().map(|from| ("from".to_owned(), from)));
            if new.agreed {
                given.push(("state".to_owned(), Value::from("accepted")));
            }
            self.entry("moves", "move", new.id.map(|id| id.to_string()), given, "")?;
        }
        self.settle_in(&new.to, Some(&new.on), new.address.clone())
    }

    pub(super) fn propose_move(&mut self, new: &NewHandOver) -> Result<(), EditError> {
        for earlier in self.unanswered().into_iter().filter(|one| !one.at_door) {
            if let (HandOverState::Proposed, Some(to)) = (earlier.state, &earlier.to) {
                return Err(EditError::MoveProposed { to: to.to_string() });
            }
            self.put_state(earlier.id, "withdrawn")?;
        }
        let from = self.lives_in();
        if from == Some(Value::from(new.to.trim())) {
            return Err(EditError::NothingChanged);
        }
        let mut given = new.given();
        given.extend(from.map(|from| ("from".to_owned(), from)));
        given.push(("state".to_owned(), Value::from("proposed")));
        self.entry("moves", "move", new.id.map(|id| id.to_string()), given, "")
    }

    pub(super) fn ask_move(&mut self, new: &NewArrival) -> Result<(), EditError> {
        let to = self.lives_in();
        if to == Some(Value::from(new.from.trim())) {
            return Err(EditError::NothingChanged);
        }
        for earlier in self.unanswered().into_iter().filter(|one| one.at_door) {
            self.put_state(earlier.id, "withdrawn")?;
        }
        let mut given = new.given();
        given.extend(to.map(|to| ("to".to_owned(), to)));
        if let Some(card) = &new.card {
            let read = card.parse::<Card>().map_err(|wrong| EditError::BadValue {
                field: "card".to_owned(),
                problem: wrong.into(),
            })?;
            given.push(("card".to_owned(), Value::Text(read.to_string())));
        }
        given.push(("begun_by".to_owned(), Value::from(RECEIVING)));
        given.push(("state".to_owned(), Value::from("proposed")));
        self.entry("moves", "move", new.id.map(|id| id.to_string()), given, "")
    }

    pub(super) fn withdraw_move(&mut self, id: MoveId, reason: &str) -> Result<(), EditError> {
        let waits = self.unanswered().into_iter().any(|one| one.id == id);
        if !waits {
            return Err(not_proposed(id));
        }
        self.put_state(id, "withdrawn")?;
        self.put_answer(id, reason)
    }

    pub(super) fn answer_move(&mut self, answer: &MoveAnswer) -> Result<(), EditError> {
        let id = answer.r#move;
        let mut waiting = self.unanswered();
        let at = waiting
            .iter()
            .position(|one| one.id == id && one.state == HandOverState::Proposed)
            .ok_or_else(|| not_proposed(id))?;
        let asked = waiting.swap_remove(at);
        if !answer.accept {
            self.put_state(id, "rejected")?;
            return self.put_answer(id, answer.reason.as_deref().unwrap_or_default());
        }
        let to = asked.to.ok_or_else(|| not_proposed(id))?;
        self.put_state(id, "accepted")?;
        if asked.at_door {
            // The family is there already; its own record follows.
            return match &answer.reason {
                Some(reason) => self.put_answer(id, reason),
                None => Ok(()),
            };
        }
        for other in waiting {
            self.put_state(other.id, "withdrawn")?;
        }
        if let Some(reason) = &answer.reason {
            let decision = answer.decision.map(|id| id.to_string());
            let given = [("about", &about_hand_over(id)), ("reason", reason)]
                .map(|(key, text)| (key.to_owned(), Value::from(text.as_str())));
            self.entry("decisions", "decision", decision, given.into(), "")?;
        }
        self.settle_in(to.as_str(), asked.on.as_ref(), None)
    }

    /// The state of a hand-over is changed by its own edits; only a contradicted one is decided by setting it.
    pub(super) fn may_set_in_move(&self, path: &str) -> Result<(), EditError> {
        let fixed = ["/state", "/begun_by", "/card"];
        let own = path.starts_with("moves/") && fixed.iter().any(|key| path.ends_with(key));
        if own && distinct(self.document, path).len() < 2 {
            return Err(EditError::OtherEdit {
                field: path.to_owned(),
                edit: "propose-move",
            });
        }
        Ok(())
    }

    /// What was proposed and nobody has answered.
    fn unanswered(&self) -> Vec<HandOver> {
        let mut found = hand_overs(self.document);
        found.retain(|one| {
            matches!(
                one.state,
                HandOverState::Proposed | HandOverState::Overtaken
            )
        });
        found
    }

    fn lives_in(&self) -> Option<Value> {
        self.document.values_at("residence/area").pop().flatten()
    }

    fn settle_in(
        &mut self,
        area: &str,
        since: Option<&String>,
        address: Option<String>,
    ) -> Result<(), EditError> {
        self.put("residence/area".to_owned(), Some(Value::from(area)))?;
        let since = since.map(|since| Value::Text(since.clone()));
        self.put("residence/since".to_owned(), since)?;
        // Without a new address the old one would send visitors to where nobody lives.
        self.put("residence/address".to_owned(), address.map(Value::Text))
    }

    fn put_state(&mut self, id: MoveId, state: &str) -> Result<(), EditError> {
        self.put(format!("moves/{id}/state"), Some(Value::from(state)))
    }

    fn put_answer(&mut self, id: MoveId, reason: &str) -> Result<(), EditError> {
        self.put(format!("moves/{id}/answer"), Some(Value::from(reason)))
    }
}

fn not_proposed(id: MoveId) -> EditError {
    EditError::NotProposed {
        entry: format!("moves/{id}"),
    }
}

#[cfg(test)]
#[path = "handover_tests.rs"]
mod tests;
