//! What is to go wrong: the Nth call of a kind from now on, and how. Plain values.

/// A call that SQLite makes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// Opening one.
    Open,
    /// Reading a part.
    Read,
    /// Writing a part.
    Write,
    /// Making durable what was written.
    Sync,
    /// Cutting it short.
    Truncate,
    /// Deleting it.
    Delete,
    /// Taking a lock, of the file or of the index of its log.
    Lock,
}

impl Call {
    /// How many kinds there are.
    pub(crate) const KINDS: usize = 7;

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// How it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// The program is killed at this call: it is not carried out, nor is any later one. The system lives, so all that
    /// was written is in the files.
    Kill,
    /// Power is lost at this call: what was not synced may be lost, wholly or in part, this write included.
    PowerLoss,
    /// The call fails with an I/O error. A write may have reached the file in part; what a failed sync did not
    /// make durable no later sync will, as on Linux.
    Error,
    /// There is no room. A write may have reached the file in part.
    Full,
    /// Somebody else holds the lock.
    Busy,
}

/// One thing that is to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The kind of call.
    pub call: Call,
    /// How many calls of this kind succeed before.
    pub after: u32,
    /// How many fail in a row; a disk that lost its program or its power stays so.
    pub times: u32,
    /// How.
    pub effect: Effect,
}
