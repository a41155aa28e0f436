//! What can happen in the world, as plain values, and how a seed draws a list of them.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sojourn_disk::{Call, Effect, Plan};

/// What one request of a session meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives.
    RequestLost,
    /// The server does its work; the reply is lost.
    ReplyLost,
    /// It arrives twice; the second answer is the one that counts.
    Duplicated,
    /// It seems lost, and arrives long after: see [`Op::DeliverLate`].
    Delayed,
    /// The reply ends at this byte, counted modulo its length.
    ReplyCut {
        /// Where.
        at: usize,
    },
    /// The page of a captive portal comes instead, with status 200.
    Portal,
    /// The tablet's program is killed before the request leaves.
    KilledBefore,
    /// The tablet's program is killed after the server did its work.
    KilledAfter,
    /// The server is killed after its work, before its reply leaves.
    ServerKilled,
    /// The reply takes eleven minutes: longer than a token lives.
    Slow,
}

impl Fault {
    /// Its name in counts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestLost => "request lost",
            Self::ReplyLost => "reply lost after commit",
            Self::Duplicated => "request duplicated",
            Self::Delayed => "request delayed",
            Self::ReplyCut { .. } => "reply cut at a byte",
            Self::Portal => "captive portal",
            Self::KilledBefore => "tablet killed before a request",
            Self::KilledAfter => "tablet killed before a reply",
            Self::ServerKilled => "server killed after commit",
            Self::Slow => "token expired in a session",
        }
    }
}

/// Something that happens. `tablet` is a number, counted modulo how many there are; a household is one of those
/// the tablet holds, counted modulo their number; an area is one of the villages.
#[expect(missing_docs, reason = "the fields mean the same everywhere")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A household is registered.
    Register { tablet: usize, area: usize },
    /// A telephone number is written: the later one stands.
    Phone { tablet: usize, household: usize },
    /// An address is written: contradictions are reviewed.
    Address { tablet: usize, household: usize },
    /// A person is added.
    Person { tablet: usize, household: usize },
    /// A visit is recorded.
    Visit { tablet: usize, household: usize },
    /// The household moves.
    Move {
        tablet: usize,
        household: usize,
        to: usize,
    },
    /// A session that bears so many failures in a row; after some requests one of them meets a fault.
    Sync {
        tablet: usize,
        retries: u32,
        fault: Option<(usize, Fault)>,
    },
    /// Every delayed request arrives now; nobody waits for the answers.
    DeliverLate,
    /// The tablet's program is killed; its folder is opened as it lay on the disk.
    KillTablet { tablet: usize },
    /// The tablet loses its power and gets it back.
    CutTablet { tablet: usize },
    /// Something will go wrong with the tablet's disk when it is next used.
    BreakTablet { tablet: usize, plan: Plan },
    /// The tablet is locked, a wrong passphrase is tried, and it is opened.
    LockTablet { tablet: usize },
    /// The server is killed; its folder is opened as it lay on the disk.
    KillServer,
    /// The server loses its power and gets it back.
    CutServer,
    /// Something will go wrong with the server's disk when it is next used.
    BreakServer { plan: Plan },
    /// The server stops in order and starts.
    RestartServer,
    /// A copy of the tablet's folder is put away.
    BackUpTablet { tablet: usize },
    /// The tablet is put back to its copy.
    RestoreTablet { tablet: usize },
    /// The tablet's folder is copied and both are used from now on.
    CloneTablet { tablet: usize },
    /// A copy of the server's folder is put away.
    BackUpServer,
    /// The server is put back to its copy.
    RestoreServer,
    /// The tablet's clock is wrong by so many days; 0 puts it right.
    SetClock { tablet: usize, days: i64 },
    /// Time passes.
    Pass { minutes: i64 },
    /// The tablet is granted one village alone.
    Narrow { tablet: usize, area: usize },
    /// The tablet is granted what its post has.
    Widen { tablet: usize },
    /// The tablet is taken out of service.
    Withdraw { tablet: usize },
    /// The tablet is enrolled anew for its post.
    Reenrol { tablet: usize },
}

/// Days by which a clock jumps: ten years.
const TEN_YEARS: i64 = 3652;
/// Kinds of disaster, of which a run draws some.
const DISASTERS: usize = 15;
/// A kind of disaster is part of one run in so many.
const DISASTER_IN: usize = 3;

/// Per cent of operations that break a disk; which of them a run has is drawn.
const WEAR: [u32; 4] = [0, 3, 10, 25];

/// Draws `count` operations. Which disasters a run has is drawn too, so that some runs have many of few kinds.
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
    let area = rng.random_range(0..4);
    match rng.random_range(0..100) {
        0..5 => Op::Register { tablet, area },
        5..13 => Op::Phone { tablet, household },
        13..23 => Op::Address { tablet, household },
        23..29 => Op::Person { tablet, household },
        29..37 => Op::Visit { tablet, household },
        37..45 => Op::Move {
            tablet,
            household,
            to: area,
        },
        45..84 => Op::Sync {
            tablet,
            retries: rng.random_range(0..3),
            fault: (rng.random_range(0..2) == 0).then(|| (rng.random_range(0..4) / 2, fault(rng))),
        },
        84..86 => Op::DeliverLate,
        86..88 => Op::Pass {
            minutes: rng.random_range(1..30),
        },
        _ if disasters.is_empty() => Op::LockTablet { tablet },
        _ => disaster(rng, disasters),
    }
}

fn fault(rng: &mut Pcg64Mcg) -> Fault {
    match rng.random_range(0..10) {
        0 => Fault::RequestLost,
        1 => Fault::ReplyLost,
        2 => Fault::Duplicated,
        3 => Fault::Delayed,
        4 => Fault::ReplyCut {
            at: rng.random_range(0..100_000),
        },
        5 => Fault::Portal,
        6 => Fault::KilledBefore,
        7 => Fault::KilledAfter,
        8 => Fault::ServerKilled,
        _ => Fault::Slow,
    }
}

fn disaster(rng: &mut Pcg64Mcg, disasters: &[usize]) -> Op {
    let tablet = rng.random_range(0..8);
    let area = rng.random_range(0..4);
    let first = rng.random_range(0..2) == 0;
    match disasters[rng.random_range(0..disasters.len())] {
        0 => Op::KillTablet { tablet },
        1 => Op::KillServer,
        2 => Op::RestartServer,
        3 if first => Op::BackUpTablet { tablet },
        3 => Op::RestoreTablet { tablet },
        4 => Op::CloneTablet { tablet },
        5 if first => Op::BackUpServer,
        5 => Op::RestoreServer,
        6 if first => Op::SetClock {
            tablet,
            days: TEN_YEARS,
        },
        7 if first => Op::SetClock {
            tablet,
            days: -TEN_YEARS,
        },
        6 | 7 => Op::SetClock { tablet, days: 0 },
        8 | 9 if first => Op::Narrow { tablet, area },
        8 | 9 => Op::Widen { tablet },
        10 => Op::Withdraw { tablet },
        14 if first => Op::CutTablet { tablet },
        14 => Op::CutServer,
        11 | 12 => Op::Reenrol { tablet },
        _ => Op::LockTablet { tablet },
    }
}

fn wear_out(rng: &mut Pcg64Mcg) -> Op {
    if rng.random_bool(0.4) {
        return Op::BreakServer { plan: plan(rng) };
    }
    Op::BreakTablet {
        tablet: rng.random_range(0..8),
        plan: plan(rng),
    }
}

/// What goes wrong with a disk. Calls are counted over operations, so that each of them is struck now and then.
fn plan(rng: &mut Pcg64Mcg) -> Plan {
    let many = if rng.random_bool(0.5) { 12 } else { 120 };
    let plan = |call, effect| Plan {
        call,
        after: 0,
        times: 1,
        effect,
    };
    let made = match rng.random_range(0..12) {
        0 => plan(Call::Write, Effect::Kill),
        1 => plan(Call::Sync, Effect::Kill),
        2 | 3 => plan(Call::Write, Effect::PowerLoss),
        4 | 5 => plan(Call::Sync, Effect::PowerLoss),
        6 => plan(Call::Sync, Effect::Error),
        7 => plan(Call::Write, Effect::Error),
        8 => plan(Call::Read, Effect::Error),
        9 => Plan {
            times: rng.random_range(1..20),
            ..plan(Call::Write, Effect::Full)
        },
        10 => Plan {
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
        after: rng.random_range(0..many),
        ..made
    }
}
