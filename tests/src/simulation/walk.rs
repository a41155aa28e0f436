//! One scene, cut at its first call of a disk, at its second, and so on until it ends by itself: no call of it is left out.

use sojourn_disk::{Call, Effect, Plan};

use super::{
    layout::Layout,
    op::Op,
    run::{Failure, Figures, play},
};

/// Walks past this many cuts mean that the scene does not end.
const CUTS_MAX: u32 = 3000;

/// The side that is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The tablet of this number.
    Tablet(usize),
    /// The server.
    Server,
}

/// Plays `before`, then `scene` with the `n`th call of this kind struck, for every `n` from 0 until the scene outlives its
/// plan; each time to the end, with everything checked. Gives how many calls were struck.
///
/// # Errors
/// [`Failure`] of the first that broke a promise.
pub fn walk(
    layout: &Layout,
    before: &[Op],
    scene: &[Op],
    side: Side,
    (call, effect): (Call, Effect),
) -> Result<u32, Failure> {
    for after in 0..CUTS_MAX {
        let plan = Plan {
            call,
            after,
            times: 1,
            effect,
        };
        let strike = match side {
            Side::Tablet(tablet) => Op::BreakTablet { tablet, plan },
            Side::Server => Op::BreakServer { plan },
        };
        let ops = [before, &[strike], scene].concat();
        let figures = play(layout, u64::from(after) + 1, &ops)?;
        if !struck(&figures, effect) {
            return Ok(after);
        }
    }
    Err(Failure {
        what: "the scene does not end".into(),
        ops: scene.to_vec(),
    })
}

fn struck(figures: &Figures, effect: Effect) -> bool {
    let names: &[&str] = match effect {
        Effect::Kill => &[
            "tablet killed in a call of its disk",
            "server killed in a call of its disk",
        ],
        Effect::PowerLoss => &["tablet lost power", "server lost power"],
        Effect::Error => &[
            "tablet's sync failed",
            "server's sync failed",
            "I/O error on a tablet",
            "I/O error on the server",
        ],
        Effect::Full => &["tablet's disk full", "server's disk full"],
        Effect::Busy => &["tablet's database busy", "server's database busy"],
    };
    names.iter().any(|name| figures.faults.contains_key(*name))
}
