//! The server and a tablet, cut at every single call of their disks in one scene: an edit, a move and what follows from
//! them. After each cut everything the world promises is checked.

use sojourn_tests::simulation::{Call, Effect, Layout, Op, Op::*, Side, walk};

fn sync(tablet: usize) -> Op {
    Sync {
        tablet,
        retries: 0,
        fault: None,
    }
}

/// A household that two tablets of one village hold.
fn before() -> Vec<Op> {
    vec![Register { tablet: 0, area: 0 }, sync(0), sync(1)]
}

/// One tablet writes and moves the household away; the other edits it late.
fn scene() -> Vec<Op> {
    vec![
        Phone {
            tablet: 0,
            household: 0,
        },
        Visit {
            tablet: 0,
            household: 0,
        },
        sync(0),
        Move {
            tablet: 0,
            household: 0,
            to: 1,
        },
        Address {
            tablet: 1,
            household: 0,
        },
        sync(0),
        sync(1),
        sync(2),
    ]
}

/// At least `many` calls are there to be struck, and nothing promised is broken at any of them.
#[track_caller]
fn holds(side: Side, call: Call, effect: Effect, many: u32) {
    match walk(
        &Layout::three_villages(),
        &before(),
        &scene(),
        side,
        (call, effect),
    ) {
        Ok(struck) => assert!(struck >= many, "only {struck} calls were struck"),
        Err(failure) => panic!("{}\n{:#?}", failure.what, failure.ops),
    }
}

#[test]
fn the_server_is_killed_at_every_write() {
    holds(Side::Server, Call::Write, Effect::Kill, 40);
}

#[test]
fn the_server_loses_power_at_every_sync() {
    holds(Side::Server, Call::Sync, Effect::PowerLoss, 3);
}

#[test]
fn the_servers_syncs_fail_one_by_one() {
    holds(Side::Server, Call::Sync, Effect::Error, 3);
}

#[test]
fn the_tablet_is_killed_at_every_write() {
    holds(Side::Tablet(0), Call::Write, Effect::Kill, 40);
}

#[test]
fn the_tablet_loses_power_at_every_sync() {
    holds(Side::Tablet(0), Call::Sync, Effect::PowerLoss, 4);
}

#[test]
fn the_tablets_syncs_fail_one_by_one() {
    holds(Side::Tablet(0), Call::Sync, Effect::Error, 4);
}
