use sojourn_sync_protocol::record::{Edit, HandOverState, NewHandOver};
use sojourn_sync_protocol::{MoveId, Timestamp};

use super::{CLOSED_MS, Filter, Page, page};
use crate::handover::Group;
use crate::handover::answer::{Answer, Deed, answer};
use crate::handover::page as opened;
use crate::rehearsal::{NOW, household};
use crate::review::decide::Reviewer;
use crate::review::scene::Office;

/// Household 1 of village `a` with a move to `e` prepared, and reviewers of both.
async fn proposed() -> (Office, Reviewer, Reviewer) {
    let mut office = Office::new().await;
    let new = NewHandOver {
        id: Some(MoveId::new(NOW, [7; 10])),
        to: "e".to_owned(),
        on: "2026-12-01".to_owned(),
        ..NewHandOver::default()
    };
    office.one.edit(1, &Edit::ProposeMove(new));
    office.meet().await;
    let (giving, asked) = (
        office.reviewer(1, &["a"]).await,
        office.reviewer(2, &["e"]).await,
    );
    (office, giving, asked)
}

async fn listed(office: &Office, by: &Reviewer, closed: bool, now: Timestamp) -> Page {
    let areas = by.areas.clone();
    let filter = Filter {
        closed,
        ..Filter::default()
    };
    let read = office.register.store.read("hand-overs", move |tx| {
        page(tx, &areas, &filter, None, 100, now)
    });
    read.await.unwrap()
}

async fn answered(office: &Office, by: &Reviewer, deed: Deed) {
    let (who, entry) = (by.clone(), MoveId::new(NOW, [7; 10]));
    let read = office.register.store.read("hand-over", move |tx| {
        opened::read(tx, &who, (household(1), entry), NOW)
    });
    let order = Answer {
        household: household(1),
        entry,
        seen: read.await.unwrap().seen,
        deed,
        reason: "已联系".to_owned(),
        family: None,
        family_agrees: true,
    };
    let (store, live) = (&office.register.store, &office.register.live);
    answer(store, live, &office.clock, by.clone(), order)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_was_closed_of_late_is_listed_for_both_sides_and_what_waits_is_not() {
    for (deed, state, giver_opens) in [
        (Deed::Reject, HandOverState::Rejected, true),
        (Deed::Accept, HandOverState::Accepted, false),
    ] {
        let (office, giving, asked) = proposed().await;
        let stranger = office.reviewer(3, &["b"]).await;
        assert!(listed(&office, &asked, true, NOW).await.waiting.is_empty());
        answered(&office, &asked, deed).await;
        let none = listed(&office, &asked, false, NOW).await;
        assert!(none.waiting.is_empty());
        for (who, group, opens) in [
            (&giving, Group::Outgoing, giver_opens),
            (&asked, Group::Incoming, true),
        ] {
            let [one] = &listed(&office, who, true, NOW).await.waiting[..] else {
                panic!("one is closed");
            };
            assert_eq!((one.group, one.state, one.opens), (group, state, opens));
            assert!(one.answered_at.is_some());
        }
        let others = listed(&office, &stranger, true, NOW).await;
        assert!(others.waiting.is_empty());
        let long_after = NOW.plus_millis(CLOSED_MS + 1);
        let gone = listed(&office, &asked, true, long_after).await;
        assert!(gone.waiting.is_empty());
    }
}
