//! The one writer: takes the jobs that wait, runs each in a savepoint of one transaction, commits to
//! the disk, and only then answers. A job that fails loses its own savepoint and nothing else.
//! Knows nothing of what jobs do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{StoreError, Tx, log};
use crate::clock::Stopwatch;

/// Jobs that share one commit at most.
const GROUP_JOBS_MAX: usize = 64;
/// A group that has run this long takes no more jobs, so that the first of it is answered soon.
const GROUP_TIME_MAX: Duration = Duration::from_millis(25);
/// Jobs that may wait before senders do.
pub(super) const QUEUE_JOBS_MAX: usize = 1024;

/// What the writer thread is sent.
pub(super) enum Message {
    /// A transaction to run.
    Run(Box<dyn Job>),
    /// Finish what waits, fold the log into the database, and end.
    Close(oneshot::Sender<()>),
}

/// How running a job ended, before the commit.
#[derive(PartialEq, Eq)]
pub(super) enum Ran {
    /// Keep what it wrote.
    Kept,
    /// Undo what it wrote; its caller hears why.
    Undone,
}

/// A transaction whose types have been forgotten. It may be run more than once; the last run counts.
pub(super) trait Job: Send {
    fn run(&mut self, tx: &Tx<'_>) -> Ran;
    /// Tells the caller the result of the last run, or that it did not last.
    fn answer(self: Box<Self>, lasted: Result<(), StoreError>);
    fn name(&self) -> &'static str;
}

/// A job with its types: the closure, its last result, and who waits for it.
pub(super) struct TypedJob<F, T, E> {
    pub(super) name: &'static str,
    pub(super) body: F,
    pub(super) result: Option<Result<T, E>>,
    pub(super) caller: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for TypedJob<F, T, E>
where
    F: FnMut(&Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> Ran {
        let body = &mut self.body;
        let result = catch_unwind(AssertUnwindSafe(|| body(tx)))
            .unwrap_or_else(|_| Err(StoreError::Abandoned(self.name).into()));
        let ran = if result.is_ok() {
            Ran::Kept
        } else {
            Ran::Undone
        };
        self.result = Some(result);
        ran
    }

    fn answer(self: Box<Self>, lasted: Result<(), StoreError>) {
        let told = match (lasted, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Abandoned(self.name).into()),
            // A job that failed by itself keeps its own reason.
            (Err(_), Some(Err(own))) => Err(own),
            (Err(error), _) => Err(error.into()),
        };
        // The caller may have stopped waiting; what was committed stays committed.
        let _ = self.caller.send(told);
    }

    fn name(&self) -> &'static str {
        self.name
    }
}

/// Runs until closed or until every sender is gone. `folded` says that the log was folded when the store was opened;
/// otherwise no job runs before it is.
pub(super) fn run(
    connection: &rusqlite::Connection,
    mut queue: mpsc::Receiver<Message>,
    mut folded: bool,
) {
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = queue.blocking_recv() else {
            break;
        };
        match first {
            Message::Close(done) => closing = Some(done),
            Message::Run(job) if folded => closing = run_group(connection, job, &mut queue),
            Message::Run(job) => match log::fold(connection) {
                Ok(()) => {
                    folded = true;
                    closing = run_group(connection, job, &mut queue);
                }
                Err(error) => job.answer(Err(error)),
            },
        }
    }
    queue.close();
    while let Some(message) = queue.blocking_recv() {
        if let Message::Run(job) = message {
            job.answer(Err(StoreError::Closed));
        }
    }
    if let Err(error) = log::fold(connection) {
        tracing::warn!(%error, "the write-ahead log could not be folded into the database");
    }
    if let Some(done) = closing {
        let _ = done.send(());
    }
}

/// Runs `first` and what waits behind it in one transaction. Gives who asked to close, if somebody did.
fn run_group(
    connection: &rusqlite::Connection,
    first: Box<dyn Job>,
    queue: &mut mpsc::Receiver<Message>,
) -> Option<oneshot::Sender<()>> {
    let watch = Stopwatch::start();
    let mut closing = None;
    let mut ran: Vec<Box<dyn Job>> = Vec::new();
    let mut next = Some(first);
    let mut lasted = begin(connection);
    while let Some(mut job) = next.take() {
        if lasted.is_ok() {
            lasted = run_in_savepoint(connection, job.as_mut());
        }
        ran.push(job);
        if lasted.is_err() || ran.len() >= GROUP_JOBS_MAX || watch.elapsed() >= GROUP_TIME_MAX {
            break;
        }
        match queue.try_recv() {
            Ok(Message::Run(job)) => next = Some(job),
            Ok(Message::Close(done)) => closing = Some(done),
            Err(_) => {}
        }
    }
    metrics::histogram!("sojourn_store_group_jobs").record(ran.len() as f64);
    match lasted.and_then(|()| commit(connection)) {
        Ok(()) => {
            for job in ran {
                job.answer(Ok(()));
            }
        }
        // The engine gave up the whole transaction. One job's trouble must not become its neighbours':
        // each is run again by itself.
        Err(error) if ran.len() > 1 => {
            tracing::warn!(%error, jobs = ran.len(), "a group commit failed; its jobs run one by one");
            roll_back(connection);
            for job in ran {
                run_alone(connection, job);
            }
        }
        Err(error) => {
            roll_back(connection);
            for job in ran {
                job.answer(Err(error.clone()));
            }
        }
    }
    closing
}

fn run_alone(connection: &rusqlite::Connection, mut job: Box<dyn Job>) {
    let lasted = begin(connection)
        .and_then(|()| run_in_savepoint(connection, job.as_mut()))
        .and_then(|()| commit(connection));
    if lasted.is_err() {
        roll_back(connection);
    }
    job.answer(lasted);
}

/// Runs one job. An error here means that the whole transaction is lost, not that the job failed.
fn run_in_savepoint(
    connection: &rusqlite::Connection,
    job: &mut dyn Job,
) -> Result<(), StoreError> {
    let watch = Stopwatch::start();
    statement(connection, "SAVEPOINT job")?;
    let tx = Tx::sqlite(connection);
    let ran = job.run(&tx);
    metrics::counter!("sojourn_store_statements_total").increment(tx.statements());
    metrics::histogram!("sojourn_store_transaction_seconds", "kind" => "write", "name" => job.name())
        .record(watch.elapsed().as_secs_f64());
    if connection.is_autocommit() {
        // A full disk or a failed read makes the engine roll back everything at once.
        return Err(StoreError::Io(
            "the engine gave up the transaction".to_owned(),
        ));
    }
    if ran == Ran::Undone {
        statement(connection, "ROLLBACK TO job")?;
    }
    statement(connection, "RELEASE job")
}

fn begin(connection: &rusqlite::Connection) -> Result<(), StoreError> {
    statement(connection, "BEGIN IMMEDIATE")
}

fn commit(connection: &rusqlite::Connection) -> Result<(), StoreError> {
    let watch = Stopwatch::start();
    let committed = statement(connection, "COMMIT");
    metrics::histogram!("sojourn_store_commit_seconds").record(watch.elapsed().as_secs_f64());
    committed
}

fn roll_back(connection: &rusqlite::Connection) {
    if !connection.is_autocommit()
        && let Err(error) = statement(connection, "ROLLBACK")
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
}

/// Runs a statement that begins or ends something.
pub(super) fn statement(connection: &rusqlite::Connection, sql: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]))
        .map(|_| ())
        .map_err(StoreError::from_sqlite)
}
