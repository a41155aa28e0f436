//! How a seed draws a list of operations. Which faults and disasters a run has is drawn too, so that some runs have many
//! of few kinds.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sojourn_disk::{Call, Effect, Plan};

use super::op::{Fault, Op};

/// Longer than a hand-over may wait for its answer.
const HAND_OVER_MINUTES: i64 = 15 * 24 * 60;
/// Days by which a clock jumps: ten years.
const TEN_YEARS: i64 = 3652;
/// Kinds of disaster, of which a run draws some.
const DISASTERS: usize = 25;
/// A kind of disaster is part of one run in so many.
const DISASTER_IN: usize = 3;
/// Per cent of operations that break a disk; which of them a run has is drawn.
const WEAR: [u32; 4] = [0, 8, 16, 32];
/// Calls of a disk that succeed before one is struck: few, so that plans are used up, or many, so that every call is struck.
const CALLS: [u32; 3] = [6, 25, 150];

/// Draws `count` operations.
pub(super) fn draw(seed: u64, count: usize) -> Vec<Op> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let wear = WEAR[rng.random_range(0..WEAR.len())];
    let disasters: Vec<usize> = (0..DISASTERS)
        .filter(|_| rng.random_range(0..DISASTER_IN) == 0)
        .collect();
    let mut ops: Vec<Op> = (0..count.min(6))
        .map(|tablet| Op::Register {
            tablet,
            area: rng.random_range(0..4),
        })
        .collect();
    while ops.len() < count {
        ops.push(if rng.random_range(0..100) < wear {
            wear_out(&mut rng)
        } else {
            one(&mut rng, &disasters)
        });
    }
    ops
}

fn one(rng: &mut Pcg64Mcg, disasters: &[usize]) -> Op {
    let tablet = rng.random_range(0..8);
    let household = rng.random_range(0..8);
    let to = rng.random_range(0..4);
    match rng.random_range(0..100) {
        0..2 => Op::Register { tablet, area: to },
        2..4 => Op::RegisterTwice {
            tablet,
            other: household,
            area: to,
        },
        4..7 => Op::Phone { tablet, household },
        7 => Op::Split { tablet, household },
        8..10 => Op::Propose {
            tablet,
            household,
            to,
        },
        10..14 => Op::Address { tablet, household },
        14..17 => Op::Answer {
            which: household,
            how: to,
        },
        17..19 => Op::LateParts {
            tablet: rng.random_range(0..2),
            other: [0, 1, 4][rng.random_range(0..3)],
            household,
            to,
        },
        19..22 => Op::Person { tablet, household },
        22 => Op::Stay { tablet, household },
        23..25 => Op::Visit { tablet, household },
        25 => Op::JoinContradicted {
            tablet: tablet % 2,
            other: 1 - tablet % 2,
            area: to,
            how: household,
        },
        // The third and the fourth tablet work where that device does not.
        26..28 => Op::Meddle {
            tablet: rng.random_range(2..4),
            household,
            choice: to,
        },
        28..33 => Op::Move {
            tablet,
            household,
            to,
        },
        // The first two tablets share a village, and the fifth has it too.
        33..35 => Op::Contest {
            tablet: rng.random_range(0..2),
            other: [0, 1, 4][rng.random_range(0..3)],
            household,
            to,
        },
        35..37 => Op::LateEdit {
            tablet: rng.random_range(0..2),
            other: [0, 1, 4][rng.random_range(0..3)],
            household,
            to,
        },
        37..39 => Op::Contradict {
            tablet: rng.random_range(0..2),
            other: [0, 1, 4][rng.random_range(0..3)],
            household,
        },
        39..44 => Op::Decide {
            question: household,
            choice: to,
        },
        44..46 => Op::TakeBack {
            decision: household,
        },
        46 if to < 2 => Op::Join {
            which: household,
            how: tablet,
        },
        46 => Op::Part { which: household },
        47..49 => Op::LateInJoined {
            tablet,
            other: household,
            area: to,
            how: rng.random_range(0..8),
        },
        49..51 => Op::Arrive {
            tablet,
            other: household,
            area: to,
            card: rng.random_bool(0.75),
        },
        51..75 => Op::Sync {
            tablet,
            retries: rng.random_range(0..3),
            fault: rng
                .random_bool(0.6)
                .then(|| (rng.random_range(0..4) / 2, fault(rng))),
        },
        75..78 => Op::DeliverLate,
        // Now and then longer than a hand-over may wait.
        78..80 if rng.random_bool(0.5) => Op::Pass {
            minutes: HAND_OVER_MINUTES,
        },
        78..80 => Op::Pass {
            minutes: rng.random_range(1..30),
        },
        _ if disasters.is_empty() => Op::LockTablet { tablet },
        _ => disaster(rng, disasters),
    }
}

fn fault(rng: &mut Pcg64Mcg) -> Fault {
    let at = rng.random_range(0..100_000);
    match rng.random_range(0..17) {
        0 => Fault::RequestLost,
        1 => Fault::ReplyLost,
        2 => Fault::Duplicated,
        3 => Fault::Delayed,
        4 => Fault::ReplyCut { at },
        5 => Fault::Portal,
        6 => Fault::KilledBefore,
        7 => Fault::KilledAfter,
        8 => Fault::ServerKilled,
        9 => Fault::RequestCut { at },
        10 => Fault::RenewalLost,
        11 => Fault::HalfOpen,
        12 => Fault::Reordered,
        13 if at % 2 == 0 => Fault::NewerTablet,
        13 => Fault::LaterTablet,
        14 if at % 2 == 0 => Fault::NewerServer,
        14 => Fault::LaterServer,
        _ => Fault::Slow,
    }
}

fn disaster(rng: &mut Pcg64Mcg, disasters: &[usize]) -> Op {
    let tablet = rng.random_range(0..8);
    let area = rng.random_range(0..4);
    let first = rng.random_bool(0.5);
    match disasters[rng.random_range(0..disasters.len())] {
        0 => Op::KillTablet { tablet },
        1 => Op::KillServer,
        2 => Op::RestartServer,
        // Few tablets, so that one that has a copy is put back to it.
        one @ (3 | 20 | 22) => {
            let tablet = match one {
                3 => tablet % 2,
                20 => 0,
                _ => 1,
            };
            if first {
                Op::BackUpTablet { tablet }
            } else {
                Op::RestoreTablet { tablet }
            }
        }
        4 => Op::CloneTablet { tablet },
        5 | 21 | 23 if first => Op::BackUpServer,
        5 | 21 | 23 => Op::RestoreServer,
        6 if first => Op::SetClock {
            tablet,
            days: TEN_YEARS,
        },
        7 if first => Op::SetClock {
            tablet,
            days: -TEN_YEARS,
        },
        6 | 7 => Op::SetClock { tablet, days: 0 },
        24 => Op::LoseThenNarrow {
            tablet,
            household: rng.random_range(0..8),
            area,
        },
        8 | 9 if first => Op::Narrow { tablet, area },
        8 | 9 => Op::Widen { tablet },
        10 => Op::Withdraw { tablet },
        11 => Op::Reenrol { tablet },
        12 if first => Op::CutTablet { tablet },
        12 => Op::CutServer,
        13 => Op::Poison {
            seed: rng.random_range(0..1_000_000),
        },
        14 => Op::Orphans {
            many: rng.random_range(1..40),
        },
        15 | 16 => Op::FlipTablet {
            tablet,
            log: rng.random_bool(0.5),
            closed: first,
        },
        17 | 18 => Op::FlipServer {
            log: rng.random_bool(0.35),
        },
        _ => Op::LockTablet { tablet },
    }
}

fn wear_out(rng: &mut Pcg64Mcg) -> Op {
    if rng.random_bool(0.5) {
        return Op::BreakServer { plan: plan(rng) };
    }
    Op::BreakTablet {
        tablet: rng.random_range(0..8),
        plan: plan(rng),
    }
}

/// What goes wrong with a disk. Calls are counted over operations, so that each of them is struck now and then.
fn plan(rng: &mut Pcg64Mcg) -> Plan {
    let many = CALLS[rng.random_range(0..CALLS.len())];
    let plan = |call, effect| Plan {
        call,
        after: 0,
        times: 1,
        effect,
    };
    let made = match rng.random_range(0..16) {
        14 | 15 => plan(Call::Sync, Effect::Error),
        0 | 1 => plan(Call::Write, Effect::Kill),
        2 => plan(Call::Sync, Effect::Kill),
        3 => plan(Call::Write, Effect::PowerLoss),
        4 | 5 => plan(Call::Sync, Effect::PowerLoss),
        6..8 => plan(Call::Sync, Effect::Error),
        8 => plan(Call::Write, Effect::Error),
        9 => plan(Call::Read, Effect::Error),
        10 | 11 => Plan {
            times: rng.random_range(1..20),
            ..plan(Call::Write, Effect::Full)
        },
        12 => Plan {
            times: rng.random_range(1..90),
            ..plan(Call::Lock, Effect::Busy)
        },
        _ => match rng.random_range(0..3) {
            0 => plan(Call::Open, Effect::Error),
            1 => plan(Call::Truncate, Effect::PowerLoss),
            _ => plan(Call::Delete, Effect::PowerLoss),
        },
    };
    Plan {
        // Syncs are rare: one for each transaction.
        after: rng.random_range(0..if made.call == Call::Sync { 8 } else { many }),
        ..made
    }
}
