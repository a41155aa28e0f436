//! A place in a feed as the number that a tablet hands back. Knows nothing of what stands there.

/// Where a tablet stands in one area's feed, as the one number of its cursor.
///
/// A row moves up whenever its document changes, so while a tablet reads a feed in several pages a place
/// reached does not say that everything told before it has been read. Between pages the number therefore
/// also keeps the place from which the reading began: what a row tells is counted from there. Once the end
/// is reached it is a plain place again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Everything told up to here has been read.
    pub(super) base: u64,
    /// Rows up to here have been read.
    pub(super) reached: u64,
}

impl Place {
    pub(super) const START: Self = Self::at(0);
    const REACHED_BITS: u32 = 32;

    /// Where everything has been read.
    pub(super) const fn at(seq: u64) -> Self {
        Self {
            base: seq,
            reached: seq,
        }
    }

    /// The number of a cursor: the place, and while reading the base plus one above its 32 bits.
    pub(super) const fn to_seq(self) -> u64 {
        if self.base == self.reached {
            return self.reached;
        }
        ((self.base + 1) << Self::REACHED_BITS) | self.reached
    }

    /// Reads a cursor; `last` is the end of the feed. A number past it was given by a server that has since
    /// been restored from a backup: the feed is read again from the start.
    pub(super) fn from_seq(seq: u64, last: u64) -> Self {
        let place = Self::written(seq);
        if place.base > place.reached || place.reached > last {
            return Self::START;
        }
        place
    }

    const fn written(seq: u64) -> Self {
        match seq >> Self::REACHED_BITS {
            0 => Self::at(seq),
            base => Self {
                base: base - 1,
                reached: seq & ((1 << Self::REACHED_BITS) - 1),
            },
        }
    }
}
