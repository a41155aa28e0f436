//! Accounts and sessions on a real store, by a clock that the test holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::sessions::{self, Gate, IDLE_MS, LENGTH_MS, NotIn, Secret, SignedIn};
use super::*;
use crate::audit::{self, Action};
use crate::clock::{Clock, Source};
use crate::devices::tests::{NOW, STAFF, area, small_world};
use crate::store::Store;

const REVIEWER: StaffId = StaffId::from_bytes([8; 16]);
const PASSWORD: &str = "correct horse battery";

/// A clock that a test puts forward, whose random bytes never repeat.
#[derive(Debug, Clone)]
struct Hand {
    millis: Arc<AtomicI64>,
    drawn: Arc<AtomicU64>,
}

impl Source for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.drawn.fetch_add(1, Ordering::SeqCst).to_le_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
    }
}

struct World {
    _dir: tempfile::TempDir,
    store: Store,
    hand: Hand,
    clock: Clock,
    gate: Gate,
}

impl World {
    async fn new() -> World {
        let (dir, store) = small_world().await;
        store
            .write("a reviewer", |tx| {
                let reviewer = Staff {
                    id: REVIEWER,
                    name: "丁二".to_owned(),
                    role: Role::Reviewer,
                };
                staff::add(tx, &reviewer, NOW)
            })
            .await
            .unwrap();
        let hand = Hand {
            millis: Arc::new(AtomicI64::new(NOW.millis())),
            drawn: Arc::new(AtomicU64::new(1)),
        };
        let clock = Clock::new(hand.clone());
        let gate = Gate::default();
        World {
            _dir: dir,
            store,
            hand,
            clock,
            gate,
        }
    }

    fn later(&self, millis: i64) {
        self.hand.millis.fetch_add(millis, Ordering::SeqCst);
    }

    /// Gives the reviewer an account for area `a`, and answers with its code.
    async fn given(&self) -> String {
        let (code, now) = (Code::from_random(self.clock.random()), self.clock.now());
        let shown = code.grouped();
        self.store
            .write("give", move |tx| {
                give(tx, &name("ding.er"), REVIEWER, &[area("a")], &code, now)
            })
            .await
            .unwrap();
        shown
    }

    async fn welcome(&self, code: &str, password: &str) -> Result<(Secret, SignedIn), NotIn> {
        let account = ("ding.er", code);
        self.gate
            .welcome(&self.store, &self.clock, account, password.to_owned())
            .await
    }

    async fn sign_in(&self, name: &str, password: &str) -> Result<(Secret, SignedIn), NotIn> {
        self.gate
            .sign_in(&self.store, &self.clock, name, password.to_owned())
            .await
    }

    async fn holds(&self, secret: &Secret) -> bool {
        self.shown(secret, true).await
    }

    async fn shown(&self, secret: &Secret, attended: bool) -> bool {
        sessions::signed_in(&self.store, secret, self.clock.now(), attended)
            .await
            .unwrap()
            .is_some()
    }
}

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

#[test]
fn a_name_is_plain_to_type() {
    for good in ["ab", "ding.yi", "li-01"] {
        assert_eq!(name(good).to_string(), good);
    }
    for bad in ["a", "Ding", "丁一", "a b", &"a".repeat(33), ""] {
        assert_eq!(bad.parse::<AccountName>(), Err(BadName), "{bad}");
    }
}

#[tokio::test]
async fn a_code_opens_an_account_once_and_the_password_from_then_on() {
    let world = World::new().await;
    let code = world.given().await;
    assert_eq!(
        world.sign_in("ding.er", PASSWORD).await,
        Err(NotIn::Wrong),
        "no password has been chosen yet"
    );
    assert_eq!(
        world.welcome(&code, "short").await,
        Err(NotIn::WeakPassword),
        "and the code is not spent"
    );
    let (secret, first) = world.welcome(&code, PASSWORD).await.unwrap();
    assert_eq!(
        (first.staff.name.as_str(), &first.areas[..]),
        ("丁二", &[area("a")][..])
    );
    assert!(world.holds(&secret).await);
    assert_eq!(world.welcome(&code, PASSWORD).await, Err(NotIn::Wrong));
    let (again, _) = world.sign_in("ding.er", PASSWORD).await.unwrap();
    assert_ne!(secret, again);
    sessions::sign_out(&world.store, &world.clock, &again)
        .await
        .unwrap();
    assert!(!world.holds(&again).await && world.holds(&secret).await);
}

#[tokio::test]
async fn nobody_is_told_whether_a_name_exists() {
    let world = World::new().await;
    let code = world.given().await;
    world.welcome(&code, PASSWORD).await.unwrap();
    for (name, password) in [
        ("ding.er", "wrong horse battery"),
        ("nobody", PASSWORD),
        ("NOT A NAME", PASSWORD),
    ] {
        assert_eq!(world.sign_in(name, password).await, Err(NotIn::Wrong));
    }
    for name in ["ding.er", "nobody"] {
        let mut last = NotIn::Wrong;
        while last == NotIn::Wrong {
            last = world
                .sign_in(name, "wrong horse battery")
                .await
                .unwrap_err();
        }
        assert_eq!(last, NotIn::Wait { ms: 30_000 }, "{name}");
    }
    assert_eq!(
        world.sign_in("ding.er", PASSWORD).await,
        Err(NotIn::Wait { ms: 30_000 })
    );
    world.later(30_000);
    assert!(world.sign_in("ding.er", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_session_ends_unused_in_an_hour_and_used_in_twelve() {
    let world = World::new().await;
    let code = world.given().await;
    let (idle, _) = world.welcome(&code, PASSWORD).await.unwrap();
    let (used, _) = world.sign_in("ding.er", PASSWORD).await.unwrap();
    let mut passed = 0;
    while passed + IDLE_MS / 2 < LENGTH_MS {
        world.later(IDLE_MS / 2);
        passed += IDLE_MS / 2;
        assert!(world.holds(&used).await, "after {passed} ms");
    }
    assert!(!world.holds(&idle).await);
    world.later(IDLE_MS / 2);
    assert!(!world.holds(&used).await);
    world.later(-100 * LENGTH_MS);
    assert!(
        !world.holds(&used).await,
        "nor on a clock that was put back"
    );
}

#[tokio::test]
async fn a_page_with_nobody_before_it_does_not_keep_a_session() {
    let world = World::new().await;
    let code = world.given().await;
    let (secret, _) = world.welcome(&code, PASSWORD).await.unwrap();
    for _ in 0..3 {
        world.later(IDLE_MS / 4);
        assert!(world.shown(&secret, false).await);
    }
    world.later(IDLE_MS / 4);
    assert!(!world.shown(&secret, false).await);
}

#[tokio::test]
async fn an_account_taken_away_or_given_again_ends_its_sessions() {
    let world = World::new().await;
    let code = world.given().await;
    let (first, _) = world.welcome(&code, PASSWORD).await.unwrap();
    let code = world.given().await;
    assert!(!world.holds(&first).await);
    assert_eq!(world.sign_in("ding.er", PASSWORD).await, Err(NotIn::Wrong));
    let (second, _) = world.welcome(&code, PASSWORD).await.unwrap();
    let now = world.clock.now();
    let withdrawn = world
        .store
        .write("withdraw", move |tx| withdraw(tx, &name("ding.er"), now))
        .await
        .unwrap();
    assert_eq!(withdrawn.unwrap().staff.id, REVIEWER);
    assert!(!world.holds(&second).await);
    assert_eq!(world.sign_in("ding.er", PASSWORD).await, Err(NotIn::Wrong));
}

#[tokio::test]
async fn a_code_expires() {
    let world = World::new().await;
    let code = world.given().await;
    world.later(CODE_MS + 1);
    assert_eq!(world.welcome(&code, PASSWORD).await, Err(NotIn::Wrong));
}

#[tokio::test]
async fn accounts_are_for_known_people_areas_and_work() {
    let world = World::new().await;
    world.given().await;
    let code = Code::from_random([7; 8]);
    let nobody = StaffId::from_bytes([1; 16]);
    let refused = world
        .store
        .write("give", move |tx| {
            let mut refused = Vec::new();
            for (called, staff, areas) in [
                ("x1", nobody, vec![area("a")]),
                ("x1", STAFF, vec![area("a")]),
                ("x1", REVIEWER, vec![]),
                ("x1", REVIEWER, vec![area("z")]),
            ] {
                let given = give(tx, &name(called), staff, &areas, &code, NOW);
                refused.push(given.unwrap_err());
            }
            let another = Staff {
                id: nobody,
                name: "丁三".to_owned(),
                role: Role::Officer,
            };
            staff::add(tx, &another, NOW)?;
            let given = give(tx, &name("ding.er"), nobody, &[area("a")], &code, NOW);
            refused.push(given.unwrap_err());
            Ok::<_, StoreError>(refused)
        })
        .await
        .unwrap();
    assert_eq!(
        refused,
        [
            NotGiven::UnknownStaff(nobody),
            NotGiven::NoConsole(Role::Worker),
            NotGiven::NoArea,
            NotGiven::UnknownArea(area("z")),
            NotGiven::Taken(name("ding.er")),
        ]
    );
}

#[tokio::test]
async fn the_store_holds_neither_code_nor_password_nor_secret() {
    let world = World::new().await;
    let code = world.given().await;
    let (secret, _) = world.welcome(&code, PASSWORD).await.unwrap();
    world.store.close().await;
    let file = world._dir.path().join(crate::store::DATABASE_FILE);
    let file = std::fs::read(file).unwrap();
    let held = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(held(b"ding.er"));
    assert!(!held(PASSWORD.as_bytes()) && !held(code.as_bytes()));
    assert!(!held(secret.to_text().as_bytes()) && !held(&Secret::bytes(&secret)));
}

#[tokio::test]
async fn the_trail_tells_officers_of_an_area_what_was_done_there() {
    let world = World::new().await;
    let code = world.given().await;
    let (secret, _) = world.welcome(&code, PASSWORD).await.unwrap();
    world.later(1);
    sessions::sign_out(&world.store, &world.clock, &secret)
        .await
        .unwrap();
    for n in 0..5 {
        world.later(1);
        let stamp = audit::Stamp::new(&world.clock);
        let at = if n % 2 == 0 { "a" } else { "b" };
        world
            .store
            .write("note", move |tx| {
                let deed = audit::Deed {
                    staff: Some(REVIEWER),
                    action: Action::HouseholdRead,
                    household: None,
                    subject: "",
                };
                audit::note(tx, &stamp, &[area(at)], &deed)
            })
            .await
            .unwrap();
    }
    let (all, below) = world
        .store
        .read("trail", |tx| {
            let mut pages = Vec::new();
            let mut before = None;
            loop {
                let page = audit::page(tx, &[area("a"), area("b")], before, 3)?;
                pages.extend(page.entries);
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            Ok::<_, StoreError>((pages, audit::page(tx, &[area("b")], None, 100)?))
        })
        .await
        .unwrap();
    let told: Vec<_> = all.iter().map(|entry| entry.action).collect();
    let read = [Action::HouseholdRead; 5];
    assert_eq!(told[..5], read);
    assert_eq!(told[5..], [Action::SignedOut, Action::SignedInFirst]);
    assert_eq!(all[6].name.as_deref(), Some("丁二"));
    assert_eq!(below.entries.len(), 2);
    assert_eq!(below.next, None);
}
