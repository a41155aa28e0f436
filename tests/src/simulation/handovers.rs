//! Families that are handed over: prepared on tablets, answered by the reviewers of the village that is asked. Who is not asked
//! is refused, whatever was answered is not answered again, and as many families come as go.

use std::collections::BTreeMap;

use sojourn_server::handover::{
    ANSWER_MS, Group,
    answer::{self, Answer, Deed, NotAnswered},
    counts::{self, Flow, Period},
    list::{self, Filter, PAGE_MAX, Waiting},
    page::{self, Seen},
};
use sojourn_server::review::decide::Reviewer;
use sojourn_sync_protocol::{
    AreaCode, HouseholdId, MoveId, Timestamp,
    record::{Edit, HandOverState, NewHandOver},
};

use super::{
    deeds::{DAY, Into},
    world::World,
};

/// How one is answered that is kept waiting first.
const PAST_ITS_TIME: usize = 3;

impl World {
    /// Prepares a move of one of the households that a tablet holds.
    pub(super) fn propose(&mut self, at: usize, household: usize, to: usize) {
        let held = self.held_by(at);
        if held.is_empty() {
            return;
        }
        let edit = Edit::ProposeMove(NewHandOver {
            to: self.village(to).into(),
            on: DAY.into(),
            ..NewHandOver::default()
        });
        let slot = &self.slots[at];
        let now = self.now().plus_millis(slot.wrong_by_ms);
        let id = held[household % held.len()];
        if slot.tablet().edit(now, id, edit).is_ok() {
            self.figures.edits += 1;
            self.fired("move prepared offline");
        }
    }

    /// Takes a move back that is prepared in one of the households that a tablet holds.
    pub(super) fn stay(&mut self, at: usize, household: usize) {
        if self.prepared_on(at).is_empty() {
            self.propose(at, household, household);
        }
        let all = self.prepared_on(at);
        if all.is_empty() {
            return;
        }
        let (id, prepared) = all[household % all.len()];
        if self.edit_this(at, id, Into::Stay { prepared }) {
            self.fired("prepared move taken back offline");
        }
    }

    /// The moves that are prepared in the households that a tablet holds.
    fn prepared_on(&self, at: usize) -> Vec<(HouseholdId, MoveId)> {
        let tablet = self.slots[at].tablet();
        let prepared = |id: &HouseholdId| {
            let (_, view) = tablet.show(*id).ok()?;
            let (entry, _) = view.prepared_moves().next()?;
            Some((*id, entry))
        };
        self.held_by(at).iter().filter_map(prepared).collect()
    }

    fn open_hand_overs(&self, reviewer: &Reviewer) -> Vec<Waiting> {
        let (areas, now) = (reviewer.areas.clone(), self.now());
        let state = self.state.as_ref().expect("the server runs between steps");
        let read = state.store.read("hand-overs", move |tx| {
            list::page(tx, &areas, &Filter::default(), None, PAGE_MAX, now)
        });
        let page = self.runtime.block_on(read);
        page.map(|page| page.waiting).unwrap_or_default()
    }

    pub(super) fn hand_over(
        &self,
        reviewer: &Reviewer,
        which: (HouseholdId, MoveId),
    ) -> Result<Seen, NotAnswered> {
        let (reviewer, now) = (reviewer.clone(), self.now());
        let state = self.state.as_ref().expect("the server runs between steps");
        let read = state
            .store
            .read("hand-over", move |tx| page::read(tx, &reviewer, which, now));
        self.runtime.block_on(read)
    }

    pub(super) fn answer_as(
        &self,
        reviewer: &Reviewer,
        order: &Answer,
    ) -> Result<HandOverState, NotAnswered> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let (reviewer, order) = (reviewer.clone(), order.clone());
        let answer = answer::answer(&state.store, &state.live, &self.clock, reviewer, order);
        self.runtime.block_on(answer)
    }

    /// Answers one of the hand-overs that wait; prepares one before, when there is none.
    pub(super) fn answer(&mut self, which: usize, how: usize) -> Result<(), String> {
        let Some([everywhere, _]) = self.reviewers() else {
            return self.only_if_struck("reviewers cannot be found");
        };
        let mut open = self.open_hand_overs(&everywhere);
        if open.is_empty() {
            let at = which % self.slots.len();
            self.propose(at, which, how + 1);
            self.sync(at, 1)?;
            open = self.open_hand_overs(&everywhere);
        }
        if open.is_empty() {
            return Ok(());
        }
        if how == PAST_ITS_TIME {
            self.hour.pass(ANSWER_MS);
            open = self.open_hand_overs(&everywhere);
        }
        let asked = open[which % open.len()].clone();
        if asked.group == Group::Escalated {
            self.fired("hand-over past its time");
        }
        let of = |area: &AreaCode| Reviewer {
            areas: vec![area.clone()],
            ..everywhere.clone()
        };
        if asked.at_door {
            return self.answer_for_the_door(&asked, how, [of(&asked.from), of(&asked.to)]);
        }
        let id = (asked.household, asked.entry);
        // Who is responsible may differ from who proposed, where several residences stand.
        let owner = match self.owner_of(asked.household)? {
            Some(owner) => owner,
            None => return self.only_if_struck("a household that waits has no owner"),
        };
        let (giver, receiver) = (of(&owner), of(&asked.to));
        let seen = match self.hand_over(&receiver, id) {
            Ok(seen) => seen,
            Err(error) => return self.only_if_struck(&format!("{id:?} cannot be read: {error}")),
        };
        let (deed, by) = match how {
            0 | PAST_ITS_TIME => (Deed::Accept, &receiver),
            1 => (Deed::Reject, &receiver),
            _ => (Deed::Withdraw, &giver),
        };
        let mut order = Answer {
            household: asked.household,
            entry: asked.entry,
            seen: seen.seen,
            deed,
            reason: "已联系家人".into(),
            family: None,
            family_agrees: false,
        };
        self.others_are_refused(&order, &giver, &owner, &asked.to)?;
        let mut answered = self.answer_as(by, &order);
        if deed == Deed::Accept && matches!(answered, Err(NotAnswered::Unconfirmed)) {
            // The family refused that its records follow it: it is asked, and agrees.
            order.family_agrees = true;
            answered = self.answer_as(by, &order);
        }
        match answered {
            Ok(_) => {}
            Err(error) => return self.only_if_struck(&format!("{id:?} is not answered: {error}")),
        }
        self.answered.push(id);
        self.figures.checked += 1;
        let lives = self.owner_of(asked.household)?;
        let (wanted, name) = match deed {
            Deed::Accept => (&asked.to, "family taken over"),
            Deed::Reject => (&owner, "family not taken over"),
            Deed::Withdraw => (&owner, "prepared move taken back at a desk"),
        };
        if lives.as_ref() != Some(wanted) {
            return self.only_if_struck(&format!("{id:?}: {deed:?} leaves it in {lives:?}"));
        }
        if deed != Deed::Withdraw {
            self.fired(name);
        }
        self.is_answered_once(&order, &receiver)
    }

    /// Those who are not asked cannot answer.
    pub(super) fn others_are_refused(
        &self,
        order: &Answer,
        giver: &Reviewer,
        owner: &AreaCode,
        to: &AreaCode,
    ) -> Result<(), String> {
        let accept = Answer {
            deed: Deed::Accept,
            ..order.clone()
        };
        if owner != to {
            match self.answer_as(giver, &accept) {
                Err(NotAnswered::NotYours) => {}
                other => self.only_if_struck(&format!("whoever gives is told {other:?}"))?,
            }
        }
        let villages = self.everywhere();
        let third = villages.iter().find(|code| *code != owner && *code != to);
        let Some(third) = third else {
            return Ok(());
        };
        let stranger = Reviewer {
            areas: vec![third.clone()],
            ..giver.clone()
        };
        match self.answer_as(&stranger, &accept) {
            Err(NotAnswered::Unknown) => Ok(()),
            other => self.only_if_struck(&format!("a stranger is told {other:?}")),
        }
    }

    /// What was answered does not wait any more, and is not answered again by who sees how it stands.
    pub(super) fn is_answered_once(
        &self,
        order: &Answer,
        receiver: &Reviewer,
    ) -> Result<(), String> {
        let id = (order.household, order.entry);
        let now = match self.hand_over(receiver, id) {
            Ok(now) => now,
            Err(error) => return self.only_if_struck(&format!("{id:?} cannot be read: {error}")),
        };
        let again = Answer {
            deed: Deed::Accept,
            seen: now.seen,
            ..order.clone()
        };
        for order in [order, &again] {
            match self.answer_as(receiver, order) {
                Err(NotAnswered::Answered(_) | NotAnswered::NotYours) => {}
                other => {
                    self.only_if_struck(&format!("{id:?} is answered twice: {other:?}"))?;
                }
            }
        }
        if now.state == HandOverState::Proposed || now.group.is_some() {
            return self.only_if_struck(&format!("{id:?} is answered and waits"));
        }
        Ok(())
    }

    pub(super) fn owner_of(&self, household: HouseholdId) -> Result<Option<AreaCode>, String> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let read = self.runtime.block_on(state.store.read("owner", move |tx| {
            let id = sojourn_server::store::Value::from(household.as_bytes());
            tx.query_opt(
                "SELECT area FROM households WHERE household = ?1",
                &[id],
                |row| row.parse::<AreaCode>(0),
            )
        }));
        match read {
            Ok(owner) => Ok(owner),
            Err(error @ sojourn_server::store::StoreError::Corrupt(_)) => Err(error.to_string()),
            Err(error) => self.only_if_struck(&error.to_string()).map(|()| None),
        }
    }

    /// As many families came as went, and nothing waits that a reviewer has answered.
    pub(super) fn hand_overs_add_up(&mut self) -> Result<(), String> {
        let state = self.state.as_ref().expect("the server runs between steps");
        let villages = self.everywhere();
        let ever = Period {
            since: Timestamp::from_millis(i64::MIN),
            until: Timestamp::from_millis(i64::MAX),
        };
        let read = state
            .store
            .read("counts", move |tx| counts::of_areas(tx, &villages, ever));
        let flows: BTreeMap<AreaCode, Flow> = self
            .runtime
            .block_on(read)
            .map_err(|error: sojourn_server::store::StoreError| error.to_string())?;
        let sum = |count: fn(&Flow) -> u64| flows.values().map(count).sum::<u64>();
        let (came, went) = (
            sum(|f| f.in_handed_over + f.in_at_once),
            sum(|f| f.out_handed_over + f.out_at_once),
        );
        if came != went || sum(|f| f.open_in) != sum(|f| f.open_out) {
            return Err(format!("{came} families came and {went} went: {flows:?}"));
        }
        let Some([everywhere, _]) = self.reviewers() else {
            return Err("reviewers cannot be found".into());
        };
        let open = self.open_hand_overs(&everywhere);
        let answered = |one: &&Waiting| self.answered.contains(&(one.household, one.entry));
        match open.iter().find(answered) {
            // A register put back to a copy may hear of the answer from nobody.
            Some(one) if !self.went_back => Err(format!("{one:?} was answered and waits")),
            _ => Ok(()),
        }
    }
}
