//! What a session decides after each reply and failure.

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const POLICY: RetryPolicy = RetryPolicy {
    first_ms: 500,
    longest_ms: 60_000,
    retries: 4,
};

fn session() -> Session {
    Session::new(POLICY, Some(NOW.plus_millis(600_000)), 3)
}

fn area(code: &str) -> AreaCode {
    code.parse().unwrap()
}

fn document(n: u8) -> DocumentId {
    use sojourn_sync_protocol::{DocKind, HouseholdId};
    DocumentId::new(HouseholdId::from_bytes([n; 16]), DocKind::Core)
}

fn last_page() -> Reply {
    Reply::Synced(Synced {
        pushed: 3,
        ..Synced::default()
    })
}

fn fail(session: &mut Session, now: Timestamp, failure: Failure, jitter: u64) {
    let action = session.next_action(now);
    session.on_failure(now, &action, failure, jitter);
}

fn cut() -> Failure {
    Failure::Transport(TransportError::Cut("reset".into()))
}

#[test]
fn nothing_new_is_one_request() {
    let mut session = session();
    assert_eq!(session.next_action(NOW), Action::Sync);
    session.on_reply(NOW, last_page());
    assert_eq!(session.next_action(NOW), Action::Done(Outcome::Agreed));
}

#[test]
fn a_token_near_its_end_is_renewed_first() {
    for until in [None, Some(NOW.plus_millis(TOKEN_MARGIN_MS))] {
        let mut session = Session::new(POLICY, until, 0);
        assert_eq!(session.next_action(NOW), Action::Renew);
        // A useless token is used once rather than renewed for ever.
        session.on_reply(NOW, Reply::Renewed(NOW));
        assert_eq!(session.next_action(NOW), Action::Sync);
    }
}

#[test]
fn pages_follow_until_both_sides_have_nothing_left() {
    let mut session = session();
    session.on_reply(
        NOW,
        Reply::Synced(Synced {
            pushed: 2,
            queued: 1,
            entries: 10,
            remaining: 5,
            areas_stale: true,
            ..Synced::default()
        }),
    );
    assert_eq!(session.next_action(NOW), Action::Areas);
    session.on_reply(NOW, Reply::Areas);
    assert_eq!(session.next_action(NOW), Action::Sync);
    let progress = session.progress(&Action::Sync);
    assert_eq!((progress.pushed, progress.to_push), (2, 3));
    assert_eq!((progress.entries, progress.entries_total), (10, 15));
    session.on_reply(
        NOW,
        Reply::Synced(Synced {
            pushed: 1,
            entries: 5,
            ..Synced::default()
        }),
    );
    assert_eq!(session.next_action(NOW), Action::Done(Outcome::Agreed));
}

#[test]
fn a_refused_token_is_renewed_once_then_it_is_over() {
    let mut session = session();
    let refused = || Failure::Refused(Refusal::Unauthenticated);
    fail(&mut session, NOW, refused(), 0);
    assert_eq!(session.next_action(NOW), Action::Renew);
    session.on_reply(NOW, Reply::Renewed(NOW.plus_millis(600_000)));
    assert_eq!(session.next_action(NOW), Action::Sync);
    fail(&mut session, NOW, refused(), 0);
    assert_eq!(
        session.next_action(NOW),
        Action::Done(Outcome::GaveUp(refused()))
    );
}

#[test]
fn a_success_between_allows_another_renewal() {
    let mut session = session();
    for _ in 0..3 {
        fail(
            &mut session,
            NOW,
            Failure::Refused(Refusal::Unauthenticated),
            0,
        );
        assert_eq!(session.next_action(NOW), Action::Renew);
        session.on_reply(NOW, Reply::Renewed(NOW.plus_millis(600_000)));
        session.on_reply(
            NOW,
            Reply::Synced(Synced {
                remaining: 1,
                ..Synced::default()
            }),
        );
        assert_eq!(session.next_action(NOW), Action::Sync);
    }
}

#[test]
fn a_refused_renewal_is_final_and_so_is_what_waiting_cannot_mend() {
    let mut session = Session::new(POLICY, None, 0);
    fail(
        &mut session,
        NOW,
        Failure::Refused(Refusal::Unauthenticated),
        0,
    );
    assert!(matches!(
        session.next_action(NOW),
        Action::Done(Outcome::GaveUp(_))
    ));
    let finals = [
        Failure::Refused(Refusal::ClockSkew { server_time: NOW }),
        Failure::Refused(Refusal::Version { min: 2, max: 3 }),
        Failure::Refused(Refusal::Withdrawn),
        Failure::Version(9),
        Failure::Unusable("x".into()),
        Failure::Transport(TransportError::TooLarge { max: 1 }),
    ];
    for failure in finals {
        let mut session = self::session();
        fail(&mut session, NOW, failure.clone(), 0);
        assert_eq!(
            session.next_action(NOW),
            Action::Done(Outcome::GaveUp(failure))
        );
    }
}

#[test]
fn pauses_double_between_half_and_whole_and_end() {
    let mut session = session();
    let mut now = NOW;
    for (jitter, pause) in [(0, 500), (u64::MAX, 1000), (1000, 2000), (7, 4000)] {
        fail(&mut session, now, cut(), jitter);
        let Action::Wait(until) = session.next_action(now) else {
            panic!("waits")
        };
        let waited = until.since(now);
        assert!((pause / 2..=pause).contains(&waited), "{waited} of {pause}");
        assert_eq!(
            session.next_action(until.plus_millis(-1)),
            Action::Wait(until)
        );
        now = until;
        assert_eq!(session.next_action(now), Action::Sync);
    }
    fail(&mut session, now, cut(), 0);
    assert_eq!(
        session.next_action(now),
        Action::Done(Outcome::GaveUp(cut()))
    );
    assert_eq!(POLICY.pause_ms(64, 0, None), 30_000);
    assert_eq!(POLICY.pause_ms(200, 30_000, None), 60_000);
}

#[test]
fn a_success_forgets_earlier_failures_and_the_server_sets_the_pause() {
    let mut session = session();
    let busy = Failure::Refused(Refusal::Busy {
        retry_after_ms: 90_000,
    });
    for _ in 0..10 {
        fail(&mut session, NOW, busy.clone(), 0);
        assert_eq!(
            session.next_action(NOW),
            Action::Wait(NOW.plus_millis(90_000))
        );
        session.on_reply(
            NOW,
            Reply::Synced(Synced {
                remaining: 1,
                ..Synced::default()
            }),
        );
        assert_eq!(session.next_action(NOW), Action::Sync);
    }
}

#[test]
fn a_portal_is_waited_for_as_long_as_it_asks() {
    let mut session = session();
    let portal = TransportError::NotOurServer {
        status: 503,
        retry_after_ms: Some(7000),
    };
    fail(&mut session, NOW, Failure::Transport(portal), 0);
    assert_eq!(
        session.next_action(NOW),
        Action::Wait(NOW.plus_millis(7000))
    );
}

#[test]
fn a_difference_is_narrowed_fetched_and_proven() {
    let mut session = session();
    session.on_reply(
        NOW,
        Reply::Synced(Synced {
            differing: vec![area("a"), area("b")],
            ..Synced::default()
        }),
    );
    let ask = |session: &Session| match session.next_action(NOW) {
        Action::Verify(step) => (step.area.to_string(), step.ask),
        other => panic!("{other:?}"),
    };
    assert_eq!(ask(&session), ("a".into(), VerifyAsk::Buckets));
    session.on_reply(NOW, Reply::Buckets(vec![4, 9]));
    assert_eq!(
        ask(&session),
        ("a".into(), VerifyAsk::Documents(vec![4, 9]))
    );
    let documents: Vec<_> = (0..70).map(document).collect();
    session.on_reply(
        NOW,
        Reply::Leaves {
            fetch: documents.clone(),
            repaired: false,
        },
    );
    let (_, VerifyAsk::Fetch { documents: first }) = ask(&session) else {
        panic!("fetches")
    };
    assert_eq!(first, documents[..FETCH_DOCUMENTS]);
    session.on_reply(NOW, Reply::Fetched);
    let (_, VerifyAsk::Fetch { documents: rest }) = ask(&session) else {
        panic!("fetches")
    };
    assert_eq!(rest, documents[FETCH_DOCUMENTS..]);
    session.on_reply(NOW, Reply::Fetched);
    assert_eq!(ask(&session), ("b".into(), VerifyAsk::Buckets));
    session.on_reply(NOW, Reply::Buckets(vec![]));
    assert_eq!(session.next_action(NOW), Action::Sync);
    session.on_reply(NOW, last_page());
    assert_eq!(session.next_action(NOW), Action::Done(Outcome::Agreed));
}

#[test]
fn what_repair_cannot_mend_is_reported_not_repeated_for_ever() {
    let mut session = session();
    let mut exchanges = 0;
    loop {
        match session.next_action(NOW) {
            Action::Sync => {
                exchanges += 1;
                session.on_reply(
                    NOW,
                    Reply::Synced(Synced {
                        differing: vec![area("a")],
                        ..Synced::default()
                    }),
                );
            }
            Action::Verify(_) => session.on_reply(NOW, Reply::Buckets(vec![])),
            Action::Done(outcome) => {
                assert_eq!(outcome, Outcome::Differs(vec![area("a")]));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(exchanges, REPAIRS_MAX + 1);
}

#[test]
fn a_document_fetched_in_vain_does_not_keep_another_area_from_being_compared() {
    let mut session = session();
    let page = || {
        Reply::Synced(Synced {
            fetch: vec![(area("a"), document(1))],
            differing: vec![area("b")],
            ..Synced::default()
        })
    };
    let mut asked = Vec::new();
    loop {
        match session.next_action(NOW) {
            Action::Sync => session.on_reply(NOW, page()),
            Action::Verify(step) => {
                asked.push(step.area.to_string());
                let reply = match step.ask {
                    VerifyAsk::Buckets => Reply::Buckets(vec![]),
                    _ => Reply::Fetched,
                };
                session.on_reply(NOW, reply);
            }
            Action::Done(outcome) => {
                assert_eq!(outcome, Outcome::Differs(vec![area("a"), area("b")]));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(asked, ["a", "a", "b", "a", "b", "a", "b"]);
}

#[test]
fn a_refused_change_is_put_right_before_more_is_pushed() {
    let mut session = session();
    session.on_reply(
        NOW,
        Reply::Synced(Synced {
            pushed: 1,
            queued: 2,
            fetch: vec![(area("a"), document(1))],
            ..Synced::default()
        }),
    );
    assert!(matches!(session.next_action(NOW), Action::Verify(step)
        if step.ask == VerifyAsk::Fetch { documents: vec![document(1)] }));
    session.on_reply(NOW, Reply::Fetched);
    assert_eq!(session.next_action(NOW), Action::Sync);
}

#[test]
fn an_area_that_left_the_grant_is_passed_over() {
    let mut session = session();
    session.on_reply(
        NOW,
        Reply::Synced(Synced {
            differing: vec![area("a")],
            ..Synced::default()
        }),
    );
    let gone = Refusal::UnknownArea { area: area("a") };
    fail(&mut session, NOW, Failure::Refused(gone), 0);
    assert_eq!(session.next_action(NOW), Action::Sync);
}

#[test]
fn cancelling_ends_it() {
    let mut session = session();
    session.cancel();
    assert_eq!(session.next_action(NOW), Action::Done(Outcome::Cancelled));
}
