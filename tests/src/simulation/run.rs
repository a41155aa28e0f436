//! Plays lists of operations: from a seed, from a pinned list, and shorter and shorter while they still fail.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use super::{draw::draw, layout::Layout, op::Op, world::World};

/// Runs spent on shrinking one failure.
const SHRINK_RUNS_MAX: usize = 300;

/// What one or many runs came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Runs.
    pub runs: u64,
    /// Operations carried out.
    pub ops: u64,
    /// Sessions.
    pub sessions: u64,
    /// Edits that a tablet took.
    pub edits: u64,
    /// Statements compared with the promise made.
    pub checked: u64,
    /// Edits that died with the only disk that had them.
    pub excused: u64,
    /// Faults and disasters that happened, by name.
    pub faults: BTreeMap<String, u64>,
    /// Fates given, by kind.
    pub fates: BTreeMap<String, u64>,
    /// Edits held at rest, by reason.
    pub held: BTreeMap<String, u64>,
}

impl Figures {
    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.ops += other.ops;
        self.sessions += other.sessions;
        self.edits += other.edits;
        self.checked += other.checked;
        self.excused += other.excused;
        for (ours, theirs) in [
            (&mut self.faults, &other.faults),
            (&mut self.fates, &other.fates),
            (&mut self.held, &other.held),
        ] {
            for (name, count) in theirs {
                *ours.entry(name.clone()).or_default() += count;
            }
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "runs                {}", self.runs)?;
        writeln!(f, "operations          {}", self.ops)?;
        writeln!(f, "sessions            {}", self.sessions)?;
        writeln!(f, "edits               {}", self.edits)?;
        writeln!(f, "invariants checked  {}", self.checked)?;
        writeln!(f, "died with a disk    {}", self.excused)?;
        for (title, counts) in [
            ("fired", &self.faults),
            ("fates", &self.fates),
            ("held at rest", &self.held),
        ] {
            writeln!(f, "{title}")?;
            for (name, count) in counts {
                writeln!(f, "  {count:>8}  {name}")?;
            }
        }
        Ok(())
    }
}

/// A run that broke a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was broken.
    pub what: String,
    /// The operations that led to it.
    pub ops: Vec<Op>,
}

/// Plays operations in a world of this layout until it is at rest.
///
/// # Errors
/// [`Failure`], with the operations up to where it showed.
pub fn play(layout: &Layout, seed: u64, ops: &[Op]) -> Result<Figures, Failure> {
    let mut done = 0;
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(layout, seed);
        for op in ops {
            done += 1;
            world.act(op)?;
        }
        world.rest()
    }));
    let played = played.unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panicked: {}", said.unwrap_or_default()))
    });
    played.map_err(|what| Failure {
        what,
        ops: ops[..done].to_vec(),
    })
}

/// Plays what a seed draws. A panic is a failure like any other and is not printed.
///
/// # Errors
/// [`Failure`].
pub fn play_quietly(seed: u64, count: usize) -> Result<Figures, Failure> {
    quietly(|| play(&Layout::two_counties(), seed, &draw(seed, count)))
}

thread_local! {
    /// This thread plays, and its panics are told as failures.
    static PLAYING: Cell<bool> = const { Cell::new(false) };
}

/// Lets nothing be printed of panics in `played`, nor of those on threads that have no test's name.
fn quietly<T>(played: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            let of_a_world = thread
                .name()
                .is_none_or(|name| name == "store-writer" || name.starts_with("tokio"));
            if !of_a_world && !PLAYING.get() {
                before(panic);
            }
        }));
    });
    PLAYING.set(true);
    let result = played();
    PLAYING.set(false);
    result
}

/// The first words of what was broken, without its numbers.
fn alike(what: &str) -> Vec<&str> {
    let words = what.split_whitespace();
    words
        .filter(|word| word.chars().all(char::is_alphabetic))
        .take(4)
        .collect()
}

/// Leaves out operations for as long as the list still fails.
pub fn shrink(seed: u64, failure: Failure) -> Failure {
    quietly(|| shorter(seed, failure))
}

fn shorter(seed: u64, failure: Failure) -> Failure {
    let layout = Layout::two_counties();
    let mut best = failure;
    let mut runs = 0;
    let mut size = best.ops.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        let mut shorter = false;
        while at < best.ops.len() && runs < SHRINK_RUNS_MAX {
            let mut ops = best.ops.clone();
            ops.drain(at..(at + size).min(ops.len()));
            runs += 1;
            match play(&layout, seed, &ops) {
                Err(still) if alike(&still.what) == alike(&best.what) => {
                    best = still;
                    shorter = true;
                }
                _ => at += size,
            }
        }
        if runs >= SHRINK_RUNS_MAX || (size == 1 && !shorter) {
            return best;
        }
        size = (size / 2).max(1);
    }
}

/// A failure as Rust that can be pinned.
pub fn pinned(seed: u64, failure: &Failure) -> String {
    let ops: Vec<String> = failure
        .ops
        .iter()
        .map(|op| format!("    {op:?},\n"))
        .collect();
    format!("holds({seed}, &[\n{}]);", ops.concat())
}
