//! Any interleaving of edits, moves and sessions, with requests and replies lost on the way, ends with every
//! tablet and the server holding the same. Drawn and shrunk here; played in the simulated world.

use proptest::{prelude::*, test_runner::Config as Runs};
use sojourn_tests::simulation::{Fault, Layout, Op, play};

const TABLETS: usize = 4;
const VILLAGES: usize = 3;

fn op() -> impl Strategy<Value = Op> {
    let on = (0..TABLETS, 0..6usize);
    let fault = prop_oneof![
        Just(Fault::RequestLost),
        Just(Fault::ReplyLost),
        Just(Fault::Duplicated)
    ];
    let fault = prop::option::of((0..4usize, fault));
    prop_oneof![
        2 => (0..TABLETS, 0..VILLAGES).prop_map(|(tablet, area)| Op::Register { tablet, area }),
        2 => on.clone().prop_map(|(tablet, household)| Op::Phone { tablet, household }),
        3 => on.clone().prop_map(|(tablet, household)| Op::Address { tablet, household }),
        2 => on.clone().prop_map(|(tablet, household)| Op::Visit { tablet, household }),
        2 => (on, 0..VILLAGES).prop_map(|((tablet, household), to)| Op::Move { tablet, household, to }),
        5 => (0..TABLETS, fault).prop_map(|(tablet, fault)| Op::Sync { tablet, retries: 0, fault }),
    ]
}

fn holds(ops: &[Op]) {
    if let Err(failure) = play(&Layout::three_villages(), 1, ops) {
        panic!("{}", failure.what);
    }
}

proptest! {
    #![proptest_config(Runs { cases: 48, ..Runs::default() })]

    #[test]
    fn every_interleaving_ends_in_agreement(ops in prop::collection::vec(op(), 10..60)) {
        holds(&ops);
    }
}

#[test]
fn two_moves_and_an_edit_made_apart_end_in_agreement() {
    use Op::{Address, Move, Register, Sync};
    let sync = |tablet| Sync {
        tablet,
        retries: 0,
        fault: None,
    };
    let on = |tablet, to| Move {
        tablet,
        household: 0,
        to,
    };
    let address = |tablet| Address {
        tablet,
        household: 0,
    };
    holds(&[
        Register { tablet: 0, area: 0 },
        sync(0),
        sync(1),
        on(0, 1),
        on(1, 2),
        address(1),
        Sync {
            tablet: 1,
            retries: 0,
            fault: Some((0, Fault::ReplyLost)),
        },
        sync(0),
        sync(2),
        address(2),
    ]);
}
