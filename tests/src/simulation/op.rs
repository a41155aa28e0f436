//! What can happen in the world, as plain values.

use sojourn_disk::Plan;

/// What one request of a session meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives.
    RequestLost,
    /// It ends at this byte, counted modulo its length, and so does the connection.
    RequestCut {
        /// Where.
        at: usize,
    },
    /// The server does its work; the reply is lost.
    ReplyLost,
    /// The same, of the request that renews the token: later requests pass until there is one.
    RenewalLost,
    /// From this request on everything arrives and no reply does, until the session ends.
    HalfOpen,
    /// It arrives twice; the second answer is the one that counts.
    Duplicated,
    /// It seems lost, and arrives long after: see [`Op::DeliverLate`].
    Delayed,
    /// It seems lost, and arrives after the next request.
    Reordered,
    /// The reply ends at this byte, counted modulo its length.
    ReplyCut {
        /// Where.
        at: usize,
    },
    /// The page of a captive portal comes instead, with status 200.
    Portal,
    /// The tablet's program speaks a newer protocol than the server.
    NewerTablet,
    /// The tablet's program writes a field that the server does not know.
    LaterTablet,
    /// The server speaks a newer protocol than the tablet's program.
    NewerServer,
    /// The server writes a field that the tablet's program does not know.
    LaterServer,
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
            Self::RequestCut { .. } => "request cut at a byte",
            Self::ReplyLost => "reply lost after commit",
            Self::RenewalLost => "renewal's reply lost",
            Self::HalfOpen => "link half open",
            Self::Duplicated => "request duplicated",
            Self::Delayed => "request delayed",
            Self::Reordered => "request overtaken",
            Self::ReplyCut { .. } => "reply cut at a byte",
            Self::Portal => "captive portal",
            Self::NewerTablet | Self::LaterTablet => "newer tablet, older server",
            Self::NewerServer | Self::LaterServer => "older tablet, newer server",
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
    /// A family is registered on one tablet, and with slips on another.
    RegisterTwice {
        tablet: usize,
        other: usize,
        area: usize,
    },
    /// A family that one tablet wrote down arrives at another, which asks for it where it lived; with its card its record follows.
    Arrive {
        tablet: usize,
        other: usize,
        area: usize,
        card: bool,
    },
    /// A telephone number is written: the later one stands.
    Phone { tablet: usize, household: usize },
    /// An address is written: contradictions are reviewed.
    Address { tablet: usize, household: usize },
    /// A person is added.
    Person { tablet: usize, household: usize },
    /// A visit is recorded.
    Visit { tablet: usize, household: usize },
    /// One of several members leaves the household and is one of their own.
    Split { tablet: usize, household: usize },
    /// The household moves.
    Move {
        tablet: usize,
        household: usize,
        to: usize,
    },
    /// A move of the household is prepared.
    Propose {
        tablet: usize,
        household: usize,
        to: usize,
    },
    /// A move that is prepared is taken back.
    Stay { tablet: usize, household: usize },
    /// A reviewer answers one of the hand-overs that wait, now and then past its time, after others tried who may not.
    Answer { which: usize, how: usize },
    /// Two tablets that hold the same household move it to different villages, neither knowing of the other.
    Contest {
        tablet: usize,
        other: usize,
        household: usize,
        to: usize,
    },
    /// A tablet moves a household and hands that in; another that holds it edits it without knowing.
    LateEdit {
        tablet: usize,
        other: usize,
        household: usize,
        to: usize,
    },
    /// The same with two edits, handed in one by one, and the link goes between them: the household has left and an edit of
    /// it still waits.
    LateParts {
        tablet: usize,
        other: usize,
        household: usize,
        to: usize,
    },
    /// Two tablets that hold the same household write different addresses of it, neither knowing of the other, and hand them
    /// in.
    Contradict {
        tablet: usize,
        other: usize,
        household: usize,
    },
    /// A reviewer settles one of the open questions; a second one agrees where two must.
    Decide { question: usize, choice: usize },
    /// A reviewer takes one of the decisions back.
    TakeBack { decision: usize },
    /// Two reviewers find one of the pairs that wait to be one family; one of its records goes on.
    Join { which: usize, how: usize },
    /// A reviewer takes one of those back.
    Part { which: usize },
    /// A family registered on two tablets is found to be one; the tablet that wrote the record which does not go on edits it without
    /// knowing, and reviewers carry that over. The joining may be taken back after.
    LateInJoined {
        tablet: usize,
        other: usize,
        area: usize,
        how: usize,
    },
    /// A family registered on two tablets, in villages of both, is found to be one while the two contradict each other in one of
    /// its records.
    JoinContradicted {
        tablet: usize,
        other: usize,
        area: usize,
        how: usize,
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
    /// An edit is handed in, the server is put back to before that, and the tablet that wrote it is granted one village alone.
    LoseThenNarrow {
        tablet: usize,
        household: usize,
        area: usize,
    },
    /// The tablet is granted what its post has.
    Widen { tablet: usize },
    /// The tablet is taken out of service.
    Withdraw { tablet: usize },
    /// The tablet is enrolled anew for its post.
    Reenrol { tablet: usize },
    /// A device that is enrolled like any other hands in spoilt changes.
    Poison { seed: u64 },
    /// The same device writes in the record of a family that a tablet of another village holds, and a reviewer settles that.
    Meddle {
        tablet: usize,
        household: usize,
        choice: usize,
    },
    /// The same device hands in changes whose parents never come.
    Orphans { many: usize },
    /// A bit of the tablet's database turns, or of its log, while the program is closed: in order, or killed.
    FlipTablet {
        tablet: usize,
        log: bool,
        closed: bool,
    },
    /// A bit of the server's database turns, or of its log, while the server is down.
    FlipServer { log: bool },
}
