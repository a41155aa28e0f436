//! Any interleaving of edits, moves and sessions, with requests and replies lost on the way, ends with every
//! tablet and the server holding the same: proved by digests, compared field by field, and checked from the log.

mod world;

use proptest::{prelude::*, test_runner::Config as Runs};
use sojourn_client_core::sync::session::Outcome;
use sojourn_sync_protocol::{
    HouseholdId,
    record::{Edit, NewHousehold, NewMove, NewPerson, NewVisit, Value},
};
use std::collections::BTreeMap;
use world::{Fault, TABLETS, VILLAGES, World};

/// Something that happens.
#[derive(Debug, Clone)]
enum Op {
    /// A tablet registers a household.
    Register { tablet: usize },
    /// A tablet that holds the household writes a telephone number (the later one stands).
    Phone {
        tablet: usize,
        household: usize,
        digit: u8,
    },
    /// … or an address (contradictions are reviewed).
    Address {
        tablet: usize,
        household: usize,
        house: u8,
    },
    /// … or a visit.
    Visit { tablet: usize, household: usize },
    /// … or a move.
    Move {
        tablet: usize,
        household: usize,
        to: usize,
    },
    /// A session, in which one request may meet a fault.
    Sync {
        tablet: usize,
        fault: Option<(usize, Fault)>,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let tablet = 0..TABLETS.len();
    let on = (tablet.clone(), 0..6usize);
    let fault = prop_oneof![
        Just(Fault::RequestLost),
        Just(Fault::ReplyLost),
        Just(Fault::Duplicated)
    ];
    let fault = prop::option::of((0..4usize, fault));
    prop_oneof![
        2 => tablet.clone().prop_map(|tablet| Op::Register { tablet }),
        2 => (on.clone(), 0..3u8).prop_map(|((tablet, household), digit)| Op::Phone { tablet, household, digit }),
        3 => (on.clone(), 0..3u8).prop_map(|((tablet, household), house)| Op::Address { tablet, household, house }),
        2 => on.clone().prop_map(|(tablet, household)| Op::Visit { tablet, household }),
        2 => (on, 0..VILLAGES.len()).prop_map(|((tablet, household), to)| Op::Move { tablet, household, to }),
        5 => (tablet, fault).prop_map(|(tablet, fault)| Op::Sync { tablet, fault }),
    ]
}

/// Carries out one operation, if the tablet can. What a tablet accepted must be found again at the end.
fn act(
    world: &World,
    households: &mut Vec<HouseholdId>,
    visits: &mut BTreeMap<HouseholdId, usize>,
    op: &Op,
) {
    let now = sojourn_server::clock::now();
    let edit = |tablet: usize, household: usize, edit: Edit| -> Option<HouseholdId> {
        let id = *households.get(household)?;
        world.tablets[tablet].edit(now, id, edit).ok().map(|_| id)
    };
    let set = |path: &str, value: String| Edit::Set {
        set: [(path.to_owned(), Some(Value::Text(value)))].into(),
    };
    match op {
        Op::Register { tablet } => {
            let person = NewPerson {
                name: "王小明".into(),
                ..NewPerson::default()
            };
            let new = NewHousehold {
                persons: vec![person],
                ..NewHousehold::default()
            };
            let made = world.tablets[*tablet]
                .register(now, new)
                .expect("a household can always be registered");
            households.push(made.household);
        }
        Op::Phone {
            tablet,
            household,
            digit,
        } => {
            edit(
                *tablet,
                *household,
                set("contact/phone", format!("1000000000{digit}")),
            );
        }
        Op::Address {
            tablet,
            household,
            house,
        } => {
            edit(
                *tablet,
                *household,
                set("residence/address", format!("{house}号")),
            );
        }
        Op::Visit { tablet, household } => {
            let visit = NewVisit {
                on: "2026-11-24".into(),
                kind: "follow-up".into(),
                ..NewVisit::default()
            };
            if let Some(id) = edit(*tablet, *household, Edit::RecordVisit(visit)) {
                *visits.entry(id).or_default() += 1;
            }
        }
        Op::Move {
            tablet,
            household,
            to,
        } => {
            let moved = NewMove {
                to: VILLAGES[*to].into(),
                on: "2026-11-24".into(),
                ..NewMove::default()
            };
            edit(*tablet, *household, Edit::Move(moved));
        }
        Op::Sync { tablet, fault } => {
            world.sync(*tablet, *fault);
        }
    }
}

/// Plays the operations, lets everybody sync until quiet, and compares.
fn play(ops: &[Op]) {
    let world = World::new();
    let mut households = Vec::new();
    let mut visits = BTreeMap::new();
    for op in ops {
        act(&world, &mut households, &mut visits, op);
    }
    // Two rounds: in the first everything is handed in, in the second everybody hears of it.
    for round in 0..2 {
        for tablet in 0..TABLETS.len() {
            let report = world.sync(tablet, None);
            assert_eq!(
                report.outcome,
                Outcome::Agreed,
                "tablet {tablet}, round {round}"
            );
        }
    }
    let register: Vec<_> = VILLAGES.iter().map(|area| world.register(area)).collect();
    for (tablet, area) in TABLETS.into_iter().enumerate() {
        let status = world.tablets[tablet]
            .status()
            .expect("the tablet can be read");
        assert_eq!((status.pending, status.held), (0, 0), "tablet {tablet}");
        let at = VILLAGES
            .iter()
            .position(|village| *village == area)
            .expect("a village");
        assert_eq!(
            world.held(tablet),
            register[at],
            "tablet {tablet} of {area}"
        );
    }
    let all: BTreeMap<_, _> = register.into_iter().flatten().collect();
    assert_eq!(
        all.len(),
        households.len(),
        "each household has one owner and none is lost"
    );
    for (household, count) in visits {
        let record = &all[&household.to_string()];
        let found = record["visits"].as_object().map_or(0, serde_json::Map::len);
        assert_eq!(found, count, "visits of {household}");
    }
    let check = world.check();
    assert!(check.is_sound(), "{check:?}");
}

proptest! {
    #![proptest_config(Runs { cases: 48, ..Runs::default() })]

    #[test]
    fn every_interleaving_ends_in_agreement(ops in prop::collection::vec(op(), 10..60)) {
        play(&ops);
    }
}

#[test]
fn two_moves_and_an_edit_made_apart_end_in_agreement() {
    use Op::{Address, Move, Register, Sync};
    let sync = |tablet| Sync {
        tablet,
        fault: None,
    };
    play(&[
        Register { tablet: 0 },
        sync(0),
        sync(1),
        Move {
            tablet: 0,
            household: 0,
            to: 1,
        },
        Move {
            tablet: 1,
            household: 0,
            to: 2,
        },
        Address {
            tablet: 1,
            household: 0,
            house: 1,
        },
        Sync {
            tablet: 1,
            fault: Some((0, Fault::ReplyLost)),
        },
        sync(0),
        sync(2),
        Address {
            tablet: 2,
            household: 0,
            house: 2,
        },
    ]);
}
