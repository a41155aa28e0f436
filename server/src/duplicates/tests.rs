use sojourn_sync_protocol::record::{Edit, NewHousehold, Shown};

use super::scene::{Counties, FAMILY, correct, decided, family, question, same, someone};
use crate::check::Row;
use crate::params;
use crate::rehearsal::{NOW, area, household, move_to, phone, set};
use crate::review::ReviewKind;
use crate::review::claims;
use crate::review::decide::{Choice, Objection, Outcome};
use crate::review::queue::Filter;
use crate::review::severity::Severity;

#[tokio::test]
async fn the_same_family_in_two_counties_waits_where_both_lie() {
    let counties = Counties::new().await;
    let waiting = counties.queue(&["p"]).await;
    let [found] = &waiting[..] else {
        panic!("one question waits: {waiting:#?}");
    };
    assert_eq!(found.kind, ReviewKind::PossibleDuplicate);
    assert_eq!(
        (found.household, found.subject.clone()),
        (household(1), household(2).to_string())
    );
    assert_eq!(
        (found.area.clone(), found.severity),
        (area("p"), Severity::Identity)
    );
    assert_eq!(found.between, [area("a"), area("e")]);
    assert!(counties.queue(&["n"]).await.is_empty() && counties.queue(&["s"]).await.is_empty());
    assert_eq!(
        counties.queue(&["a", "e"]).await.len(),
        1,
        "who answers for both"
    );
    let below = Filter {
        area: Some(area("n")),
        ..Filter::default()
    };
    assert!(counties.queue_of(&["p"], below).await.is_empty());
    let above = counties.reviewer(1, &["p"]).await;
    let case = counties.case(&above).await.unwrap();
    let twin = case.twin.expect("two households");
    assert_eq!((twin.household, twin.people.len()), (household(2), 3));
    assert!(twin.probability > 990, "{twin:#?}");
    for pair in &twin.people {
        assert_eq!(pair.here.as_bytes()[7], pair.there.as_bytes()[7]);
        assert!(pair.rules.iter().any(|rule| rule.field == "birth"));
    }
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn who_answers_for_one_of_two_households_learns_nothing() {
    let counties = Counties::new().await;
    let (above, beside) = (
        counties.reviewer(1, &["p"]).await,
        counties.reviewer(2, &["n"]).await,
    );
    assert_eq!(counties.case(&beside).await, Err(Objection::Unknown));
    let seen = counties.case(&above).await.unwrap().heads;
    let tried = counties
        .decide_as_seen(&beside, Choice::Different {}, seen)
        .await;
    assert_eq!(tried, Err(Objection::Unknown));
    let by = beside.clone();
    let claim = counties.register.store.write("claim", move |tx| {
        let stamp = crate::audit::Stamp::fixed(NOW);
        claims::claim(tx, &by, &question(), (by.staff, claims::OPEN_MS), &stamp)
    });
    assert_eq!(claim.await, Err(Objection::Unknown));
    let decision = decided(counties.decide(&above, Choice::Different {}).await);
    assert_eq!(
        counties.undo(&beside, 1, decision).await,
        Err(Objection::Unknown)
    );
    for told in counties.told(decision).await {
        assert!(!told.is_undone());
    }
}

#[tokio::test]
async fn that_two_are_two_families_one_person_says_and_both_documents_keep_it() {
    let mut counties = Counties::new().await;
    let above = counties.reviewer(1, &["p"]).await;
    let decision = decided(counties.decide(&above, Choice::Different {}).await);
    let [one, other] = counties.told(decision).await;
    let about = |n| {
        Some(Shown::Agreed(format!(
            "possible-duplicate {}",
            household(n)
        )))
    };
    assert_eq!((&one.about, &other.about), (&about(2), &about(1)));
    for told in [&one, &other] {
        assert_eq!(told.outcome, Some(Shown::Agreed("different".to_owned())));
        assert_eq!(told.reason, Some(Shown::Agreed("问过两边".to_owned())));
    }
    assert!(counties.queue(&["p"]).await.is_empty());
    counties.register.expect_sound().await;
    // Settled once, it cannot be settled again; changes that say nothing new do not ask again.
    let again = counties
        .decide_as_seen(&above, Choice::Different {}, Vec::new())
        .await;
    assert_eq!(again, Err(Objection::Stale));
    counties.north.edit(1, &phone(77));
    counties.meet().await;
    assert!(counties.queue(&["p"]).await.is_empty());
    assert_eq!(
        counties.undo(&above, 2, decision).await,
        Ok(Outcome::Undone)
    );
    for told in counties.told(decision).await {
        assert!(told.is_undone());
    }
    assert_eq!(counties.queue(&["p"]).await.len(), 1);
    assert_eq!(
        counties.undo(&above, 1, decision).await,
        Err(Objection::UndoneAlready)
    );
    let earlier = counties.case(&above).await.unwrap().earlier;
    assert!(earlier[&decision].is_undone());
    counties.register.expect_sound().await;
    counties.meet().await;
}

#[tokio::test]
async fn that_two_are_one_family_takes_two_people_and_links_them() {
    let counties = Counties::new().await;
    let (first, second) = (
        counties.reviewer(1, &["p"]).await,
        counties.reviewer(2, &["n", "s"]).await,
    );
    for _ in 0..2 {
        assert_eq!(counties.decide(&first, same()).await, Ok(Outcome::Proposed));
        let waiting = counties.queue(&["p"]).await;
        assert_eq!(waiting[0].proposed_by, Some(first.staff));
    }
    assert!(counties.linked(&first, 1).await.is_empty());
    let decision = decided(counties.decide(&second, same()).await);
    for told in counties.told(decision).await {
        assert_eq!(told.seconded, Some(Shown::Agreed(first.staff.to_string())));
        assert_eq!(told.outcome, Some(Shown::Agreed("same".to_owned())));
    }
    let asked = Filter {
        kind: Some(ReviewKind::PossibleDuplicate),
        ..Filter::default()
    };
    assert!(counties.queue_of(&["p"], asked).await.is_empty());
    assert_eq!(counties.linked(&first, 1).await, [household(2).to_string()]);
    assert_eq!(counties.linked(&first, 2).await, [household(1).to_string()]);
    let beside = counties.reviewer(3, &["n"]).await;
    assert!(counties.linked(&beside, 1).await.is_empty(), "not theirs");
    counties.register.expect_sound().await;
    assert_eq!(
        counties.undo(&second, 1, decision).await,
        Ok(Outcome::Undone)
    );
    assert!(counties.linked(&first, 1).await.is_empty());
    assert_eq!(counties.queue(&["p"]).await[0].proposed_by, None);
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn what_changed_since_in_either_household_is_not_settled_by_what_was_seen() {
    let mut counties = Counties::new().await;
    let above = counties.reviewer(1, &["p"]).await;
    let seen = counties.case(&above).await.unwrap().heads;
    counties.south.edit(2, &set("contact/note", "晚上在家"));
    counties.meet().await;
    let tried = counties
        .decide_as_seen(&above, Choice::Different {}, seen)
        .await;
    assert_eq!(tried, Err(Objection::Stale));
    for choice in [Choice::Keep {}, Choice::Restore {}, Choice::PutBack {}] {
        assert_eq!(
            counties.decide(&above, choice).await,
            Err(Objection::NotAChoice)
        );
    }
    assert_eq!(counties.queue(&["p"]).await.len(), 1);
}

#[tokio::test]
async fn a_pair_goes_when_its_evidence_does() {
    let mut counties = Counties::empty().await;
    let one = [("李强", "1986-02-11"), ("王海燕", "1988-03-07")];
    counties
        .north
        .edit(1, &family(1, "a", &one, 1, "河头村前街8号"));
    counties
        .south
        .edit(2, &family(2, "e", &one, 2, "南苑社区3号"));
    counties.meet().await;
    assert_eq!(counties.queue(&["p"]).await.len(), 1);
    for (at, birth, name) in [(0, "1951-06-30", "张伟"), (1, "1949-10-12", "刘淑英")] {
        counties.south.edit(2, &correct(2, at, "birth", birth));
        counties.south.edit(2, &correct(2, at, "name", name));
    }
    counties.meet().await;
    assert!(counties.queue(&["p"]).await.is_empty());
    counties.register.expect_sound().await;
    for (at, (name, birth)) in one.iter().enumerate() {
        counties.south.edit(2, &correct(2, at, "birth", birth));
        counties.south.edit(2, &correct(2, at, "name", name));
    }
    counties.meet().await;
    assert_eq!(
        counties.queue(&["p"]).await.len(),
        1,
        "and comes back with it"
    );
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn somebody_removed_does_not_stand_in_the_household() {
    let mut counties = Counties::new().await;
    for at in 0..3 {
        let gone = Edit::RemovePerson {
            person: someone(2, at),
            reason: "moved-away".to_owned(),
            on: None,
            note: None,
            to: None,
        };
        counties.south.edit(2, &gone);
    }
    counties.meet().await;
    assert!(counties.queue(&["p"]).await.is_empty());
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn found_different_it_is_asked_again_only_when_much_more_speaks_for_one() {
    let mut counties = Counties::new().await;
    let above = counties.reviewer(1, &["p"]).await;
    let decision = decided(counties.decide(&above, Choice::Different {}).await);
    for (at, (name, birth)) in FAMILY.iter().enumerate() {
        if at > 0 {
            counties.south.edit(2, &correct(2, at, "name", name));
        } else {
            counties.south.edit(2, &correct(2, at, "birth", birth));
        }
    }
    counties.south.edit(2, &phone(1));
    for (tablet, n) in [(&mut counties.north, 1), (&mut counties.south, 2)] {
        tablet.edit(n, &correct(n, 0, "id_number", "990000198602110019"));
    }
    counties.meet().await;
    assert_eq!(counties.queue(&["p"]).await.len(), 1);
    let case = counties.case(&above).await.unwrap();
    assert_eq!(case.earlier.len(), 1, "what was decided before is shown");
    let again = decided(counties.decide(&above, Choice::Different {}).await);
    assert!(counties.queue(&["p"]).await.is_empty());
    counties.register.expect_sound().await;
    // The later one taken back, the earlier stands, and was made on less.
    assert_eq!(counties.undo(&above, 1, again).await, Ok(Outcome::Undone));
    assert_eq!(counties.queue(&["p"]).await.len(), 1);
    assert!(!counties.told(decision).await[0].is_undone());
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn the_question_follows_a_household_that_moves() {
    let mut counties = Counties::new().await;
    counties.south.edit(2, &move_to("b", 5));
    counties.meet().await;
    assert!(counties.queue(&["s"]).await.is_empty());
    let waiting = counties.queue(&["n"]).await;
    assert_eq!((waiting.len(), waiting[0].area.clone()), (1, area("n")));
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn a_household_of_which_only_the_area_is_known_is_kept_too() {
    let mut counties = Counties::empty().await;
    let bare = Edit::RegisterHousehold(NewHousehold {
        area: Some(area("a")),
        ..NewHousehold::default()
    });
    counties.north.edit(1, &bare);
    counties.meet().await;
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn a_number_that_many_share_finds_nobody() {
    let mut counties = Counties::empty().await;
    for n in 1..=60 {
        let name = format!("测试{n}");
        let people = [(name.as_str(), "1970-01-01")];
        counties
            .north
            .edit(n, &family(n, "a", &people, 1, &format!("前街{n}号")));
    }
    counties.meet().await;
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn a_database_from_before_is_read_a_few_at_a_time() {
    let counties = Counties::new().await;
    for sql in [
        "DELETE FROM possible_duplicates",
        "DELETE FROM family_keys",
        "DELETE FROM families",
        "INSERT INTO families_unread (household) SELECT household FROM households",
    ] {
        counties.execute(sql).await;
    }
    counties.register.expect_sound().await;
    assert!(counties.queue(&["p"]).await.is_empty());
    for expected in [1, 1, 0] {
        let read = counties
            .register
            .store
            .write("families", |tx| super::read_some(tx, 1));
        assert_eq!(read.await.unwrap(), expected);
    }
    assert_eq!(counties.queue(&["p"]).await.len(), 1);
    counties.register.expect_sound().await;
}

#[tokio::test]
async fn the_check_names_what_is_not_as_it_should_be() {
    let counties = Counties::new().await;
    let above = counties.reviewer(1, &["p"]).await;
    let (one, other) = (household(1), household(2));
    let pair = |household, other| Row::Pair { household, other };
    let damage: [(&str, Vec<Row>); 5] = [
        (
            "UPDATE families SET phone = 'x' WHERE people = 3",
            vec![
                Row::Family { household: one },
                Row::Family { household: other },
            ],
        ),
        (
            "UPDATE possible_duplicates SET bits = bits + 9",
            vec![pair(one, other)],
        ),
        (
            "UPDATE possible_duplicates SET waits = 0",
            vec![pair(one, other)],
        ),
        ("DELETE FROM possible_duplicates", vec![pair(one, other)]),
        (
            "INSERT INTO family_keys (hash, household) SELECT 7, MIN(household) FROM families",
            vec![Row::Family { household: one }],
        ),
    ];
    let copy = |counties: Counties| async move {
        let mut counties = counties;
        let copy = counties.register.back_up().await;
        (counties, copy)
    };
    let (mut counties, backup) = copy(counties).await;
    for (sql, expected) in damage {
        counties.execute(sql).await;
        let found = counties.faults().await;
        assert!(
            expected.iter().all(|row| found.contains(row)),
            "{sql}: {found:#?}"
        );
        counties.register.restore(&backup).await;
    }
    let decision = decided(counties.decide(&above, Choice::Different {}).await);
    counties.register.expect_sound().await;
    let forget = move |tx: &crate::store::Tx<'_>| {
        tx.execute(
            "DELETE FROM duplicate_decisions WHERE decision = ?1 AND household = ?2",
            params![decision.as_bytes(), household(2).as_bytes()],
        )
    };
    counties.register.store.write("test", forget).await.unwrap();
    assert_eq!(counties.faults().await, [pair(other, one)]);
}
