use super::*;
use crate::record::scene::*;
use crate::record::{Edit, EditError, NewHousehold, RawChange, Shown, contradictions, inspect};

fn move_id(number: u8) -> MoveId {
    MoveId::new(by(1).at, [number; 10])
}

fn propose(number: u8, to: &str) -> Edit {
    Edit::ProposeMove(NewHandOver {
        id: Some(move_id(number)),
        to: to.into(),
        on: "2026-12-01".into(),
        reason: Some("school".into()),
        until: Some("2027-07".into()),
    })
}

fn go(number: u8, to: &str) -> Edit {
    Edit::Move(NewMove {
        id: Some(move_id(number)),
        to: to.into(),
        on: "2026-12-03".into(),
        ..NewMove::default()
    })
}

fn withdraw(number: u8) -> Edit {
    Edit::WithdrawMove {
        r#move: move_id(number),
        reason: "留下来了".into(),
    }
}

fn answer(number: u8, accept: bool, reason: Option<&str>) -> Edit {
    let answer = MoveAnswer {
        r#move: move_id(number),
        accept,
        reason: reason.map(str::to_owned),
        decision: None,
    };
    Edit::AnswerMove(answer).with_ids(by(1).at, &mut || [90 + number; 10])
}

fn states(core: &Document) -> Vec<(MoveId, HandOverState)> {
    let all = hand_overs(core).into_iter();
    all.map(|one| (one.id, one.state)).collect()
}

fn lives_in(core: &Document) -> String {
    let shown = seen(core).residence.area.unwrap();
    shown.agreed().unwrap().clone()
}

/// A household with a move to `b` prepared, and the change that prepared it.
fn proposed() -> (Document, RawChange) {
    let mut core = registered();
    let change = core.edit(&propose(7, "b"), &by(2)).unwrap();
    (core, change)
}

#[test]
fn a_proposal_says_where_to_and_moves_nobody() {
    let (core, change) = proposed();
    let [waiting] = &hand_overs(&core)[..] else {
        panic!("one hand-over waits");
    };
    assert_eq!(waiting.state, HandOverState::Proposed);
    assert_eq!(waiting.from, Some(by(1).area));
    assert_eq!(waiting.to, Some(area("b")));
    assert_eq!(waiting.until.as_deref(), Some("2027-07"));
    assert_eq!(waiting.proposed_by, change.hash);
    assert!(waiting.answered_by.is_empty());
    assert_eq!(lives_in(&core), by(1).area.as_str());
    assert!(seen(&core).residence.address.is_some());
}

#[test]
fn only_one_move_is_prepared_at_a_time() {
    let (mut core, _) = proposed();
    let before = core.save();
    let error = core.edit(&propose(8, "c"), &by(2)).unwrap_err();
    assert_eq!(error, EditError::MoveProposed { to: "b".into() });
    assert_eq!(core.save(), before);
    core.edit(&withdraw(7), &by(2)).unwrap();
    core.edit(&propose(8, "c"), &by(2)).unwrap();
    let home = by(1).area.to_string();
    core.edit(&withdraw(8), &by(2)).unwrap();
    assert_eq!(
        core.edit(&propose(9, &home), &by(2)),
        Err(EditError::NothingChanged),
        "nobody moves to where they live"
    );
}

#[test]
fn accepting_moves_the_household_and_tells_why() {
    let (mut core, _) = proposed();
    let change = core.edit(&answer(7, true, Some("已联系")), &by(3)).unwrap();
    let [done] = &hand_overs(&core)[..] else {
        panic!("it is still one");
    };
    assert_eq!(done.state, HandOverState::Accepted);
    assert_eq!(done.answered_by, [change.hash].into());
    let view = seen(&core);
    assert_eq!(lives_in(&core), "b");
    assert_eq!(view.residence.address, None);
    assert_eq!(
        view.residence.since,
        Some(Shown::Agreed("2026-12-01".into()))
    );
    let (_, decision) = view.decisions.first_key_value().unwrap();
    let about = decision.about.as_ref().unwrap().agreed().unwrap();
    assert_eq!(answered_hand_over(about), Some(move_id(7)));
    assert_eq!(answered_hand_over("contradiction moves/x"), None);

    let (mut silent, _) = proposed();
    silent.edit(&answer(7, true, None), &by(3)).unwrap();
    assert!(seen(&silent).decisions.is_empty());
}

#[test]
fn rejecting_leaves_the_household_and_says_why() {
    let (mut core, _) = proposed();
    assert!(matches!(
        core.edit(&answer(7, false, None), &by(3)),
        Err(EditError::BadValue { .. })
    ));
    core.edit(&answer(7, false, Some("没有学位")), &by(3))
        .unwrap();
    assert_eq!(states(&core), [(move_id(7), HandOverState::Rejected)]);
    assert_eq!(lives_in(&core), by(1).area.as_str());
    let told = seen(&core).moves[&move_id(7)].answer.clone();
    assert_eq!(told, Some(Shown::Agreed("没有学位".into())));
}

#[test]
fn what_was_answered_is_not_answered_again() {
    let not_proposed = EditError::NotProposed {
        entry: format!("moves/{}", move_id(7)),
    };
    for first in [
        answer(7, true, None),
        answer(7, false, Some("没有学位")),
        withdraw(7),
        go(8, "c"),
    ] {
        let (mut core, _) = proposed();
        core.edit(&first, &by(2)).unwrap();
        for again in [
            answer(7, true, None),
            answer(7, false, Some("x")),
            withdraw(7),
        ] {
            assert_eq!(core.edit(&again, &by(3)), Err(not_proposed.clone()));
        }
    }
    let mut core = registered();
    assert_eq!(core.edit(&withdraw(7), &by(3)), Err(not_proposed));
    core.edit(&go(8, "c"), &by(2)).unwrap();
    assert!(hand_overs(&core).is_empty(), "a move at once is none");
    assert!(core.edit(&answer(8, true, None), &by(3)).is_err());
}

#[test]
fn moving_answers_what_is_prepared() {
    let (mut there, _) = proposed();
    there.edit(&go(8, "b"), &by(2)).unwrap();
    assert_eq!(states(&there), [(move_id(7), HandOverState::Accepted)]);
    let view = seen(&there);
    assert_eq!(view.moves.len(), 1, "the entry that was prepared tells it");
    assert_eq!(
        view.moves[&move_id(7)].on,
        Some(Shown::Agreed("2026-12-03".into()))
    );

    let (mut elsewhere, _) = proposed();
    elsewhere.edit(&go(8, "c"), &by(2)).unwrap();
    assert_eq!(states(&elsewhere), [(move_id(7), HandOverState::Withdrawn)]);
    assert_eq!(seen(&elsewhere).moves.len(), 2);
    assert_eq!(lives_in(&elsewhere), "c");
}

#[test]
fn two_proposals_made_apart_both_wait_and_one_answer_ends_both() {
    let mut a = registered();
    let mut b = a.clone();
    a.edit(&propose(7, "b"), &by(2)).unwrap();
    b.edit(&propose(8, "c"), &by(3)).unwrap();
    merge(&mut a, &mut b);
    let both = [7, 8].map(|number| (move_id(number), HandOverState::Proposed));
    assert_eq!((states(&a), states(&b)), (both.to_vec(), both.to_vec()));
    a.edit(&answer(8, true, None), &by(4)).unwrap();
    assert_eq!(
        states(&a),
        [
            (move_id(7), HandOverState::Withdrawn),
            (move_id(8), HandOverState::Accepted)
        ]
    );
    assert_eq!(lives_in(&a), "c");
}

#[test]
fn withdrawn_against_accepted_is_a_question_for_people() {
    let (mut a, _) = proposed();
    let mut b = a.clone();
    a.edit(&withdraw(7), &by(3)).unwrap();
    b.edit(&answer(7, true, None), &by(4)).unwrap();
    merge(&mut a, &mut b);
    for copy in [&mut a, &mut b] {
        assert_eq!(states(copy), [(move_id(7), HandOverState::Unclear)]);
        let found = contradictions(copy);
        let path = format!("moves/{}/state", move_id(7));
        assert!(found.iter().any(|one| one.path == path), "{found:?}");
        assert_eq!(lives_in(copy), "b", "the household went on one side alone");
    }
    // A person's decision ends it.
    let path = format!("moves/{}/state", move_id(7));
    a.edit(&set(&[(&path, "accepted")]), &by(5)).unwrap();
    assert_eq!(states(&a), [(move_id(7), HandOverState::Accepted)]);
    let error = a.edit(&set(&[(&path, "rejected")]), &by(5)).unwrap_err();
    assert!(error.to_string().contains("is changed with propose-move"));
}

#[test]
fn two_who_accept_apart_agree() {
    let (mut a, _) = proposed();
    let mut b = a.clone();
    a.edit(&answer(7, true, None), &by(3)).unwrap();
    b.edit(&answer(7, true, None), &by(4)).unwrap();
    merge(&mut a, &mut b);
    assert_eq!(states(&a), [(move_id(7), HandOverState::Accepted)]);
    assert_eq!(hand_overs(&a)[0].answered_by.len(), 2);
    assert!(contradictions(&a).is_empty());
}

#[test]
fn a_move_that_knew_of_no_proposal_overtakes_it() {
    let (mut a, _) = proposed();
    let mut b = registered();
    b.edit(&go(8, "c"), &by(3)).unwrap();
    merge(&mut a, &mut b);
    assert_eq!(states(&a), [(move_id(7), HandOverState::Overtaken)]);
    assert!(a.edit(&answer(7, true, None), &by(4)).is_err());
    // It blocks nobody, and goes with the next.
    a.edit(&propose(9, "d"), &by(4)).unwrap();
    assert_eq!(
        states(&a),
        [
            (move_id(7), HandOverState::Withdrawn),
            (move_id(9), HandOverState::Proposed)
        ]
    );
}

#[test]
fn an_area_in_doubt_waits_for_nobody_until_it_is_decided() {
    let (mut a, _) = proposed();
    let mut b = a.clone();
    let path = format!("moves/{}/to", move_id(7));
    a.edit(&set(&[(&path, "c")]), &by(3)).unwrap();
    b.edit(&set(&[(&path, "d")]), &by(4)).unwrap();
    merge(&mut a, &mut b);
    assert_eq!(states(&a), [(move_id(7), HandOverState::Unclear)]);
    assert!(a.edit(&answer(7, true, None), &by(5)).is_err());
    a.edit(&set(&[(&path, "d")]), &by(5)).unwrap();
    assert_eq!(states(&a), [(move_id(7), HandOverState::Proposed)]);
}

#[test]
fn every_step_touches_declared_fields_alone() {
    let mut core = registered();
    for edit in [
        propose(7, "b"),
        withdraw(7),
        propose(8, "b"),
        answer(8, true, Some("好")),
    ] {
        let change = core.edit(&edit, &by(2)).unwrap();
        let facts = inspect(&change.bytes).unwrap();
        let touches = core.touches(&facts).unwrap();
        assert!(touches.iter().all(|touch| touch.field.is_some()));
    }
}

fn ask(number: u8, from: &str, card: Option<String>) -> Edit {
    Edit::AskMove(NewArrival {
        id: Some(move_id(number)),
        from: from.into(),
        on: "2026-11-20".into(),
        card,
        ..NewArrival::default()
    })
}

#[test]
fn what_is_asked_at_the_door_waits_where_the_family_is_and_is_no_prepared_move() {
    let mut core = registered();
    let card = Card::of(household(), b"another record").to_string();
    let mistyped = core.edit(&ask(7, "b", Some("0000".into())), &by(2));
    assert!(
        matches!(mistyped, Err(EditError::BadValue { .. })),
        "{mistyped:?}"
    );
    let here = core.edit(&ask(7, by(1).area.as_str(), None), &by(2));
    assert_eq!(here, Err(EditError::NothingChanged));
    let typed = card.to_lowercase().replace('-', "");
    core.edit(&ask(7, "b", Some(typed)), &by(2)).unwrap();
    let [waiting] = &hand_overs(&core)[..] else {
        panic!("one waits");
    };
    assert_eq!(waiting.state, HandOverState::Proposed);
    assert!(waiting.at_door);
    assert_eq!(
        (waiting.asked(), &waiting.to),
        (Some(&area("b")), &Some(by(1).area))
    );
    assert_eq!(waiting.card.unwrap().to_string(), card);
    let view = seen(&core);
    assert_eq!(view.prepared_moves().count(), 0);
    assert_eq!(view.asked_moves().count(), 1);
    // It keeps nobody from moving on, and a move elsewhere takes it back.
    core.edit(&propose(8, "c"), &by(3)).unwrap();
    core.edit(&go(9, "c"), &by(4)).unwrap();
    assert_eq!(
        states(&core),
        [
            (move_id(7), HandOverState::Withdrawn),
            (move_id(8), HandOverState::Accepted)
        ]
    );
}

#[test]
fn asked_again_the_earlier_asking_is_taken_back_and_an_answer_moves_nobody() {
    let mut core = registered();
    core.edit(&ask(7, "b", None), &by(2)).unwrap();
    core.edit(&ask(8, "c", None), &by(2)).unwrap();
    let first = (move_id(7), HandOverState::Withdrawn);
    assert_eq!(
        states(&core),
        [first, (move_id(8), HandOverState::Proposed)]
    );
    let before = lives_in(&core);
    core.edit(&answer(8, true, Some("是我们这里的")), &by(5))
        .unwrap();
    assert_eq!(
        states(&core),
        [first, (move_id(8), HandOverState::Accepted)]
    );
    assert_eq!(lives_in(&core), before);
    assert_eq!(
        seen(&core).moves[&move_id(8)].answer,
        Some(Shown::Agreed("是我们这里的".to_owned()))
    );
    let begun = format!("moves/{}/begun_by", move_id(8));
    let own = core.edit(&set(&[(begun.as_str(), "receiving")]), &by(6));
    assert!(matches!(own, Err(EditError::OtherEdit { .. })), "{own:?}");
}

#[test]
fn every_copy_of_a_record_makes_the_same_card_and_another_record_another() {
    assert_eq!(document(DocKind::Core).card(), None);
    let mut core = registered();
    let card = core.card().unwrap();
    assert!(card.households().contains(&household()));
    core.edit(&propose(7, "b"), &by(2)).unwrap();
    assert_eq!(core.card(), Some(card));
    let loaded = Document::load(core.id(), &core.save()).unwrap();
    assert_eq!(loaded.card(), Some(card));
    let stored = Document::load_stored(core.id(), &core.save()).unwrap();
    assert_eq!(stored.cards(), [card].into());
    let mut other = document(DocKind::Core);
    other
        .edit(&Edit::RegisterHousehold(NewHousehold::default()), &by(1))
        .unwrap();
    assert_ne!(other.card(), Some(card));
}
