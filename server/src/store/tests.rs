use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::params;

const FIRST: Step = (
    "notes",
    "CREATE TABLE notes (id BIGINT NOT NULL PRIMARY KEY, body BLOB NOT NULL);
     CREATE TABLE ledger (id BIGINT NOT NULL PRIMARY KEY, note BIGINT NOT NULL REFERENCES notes(id) DEFERRABLE INITIALLY DEFERRED)",
);
const SECOND: Step = ("tags", "CREATE TABLE tags (name TEXT NOT NULL PRIMARY KEY)");

fn open(dir: &Path) -> Store {
    Store::open_steps(dir, StoreOptions::default(), &[FIRST]).unwrap()
}

async fn insert(store: &Store, id: i64) -> Result<(), StoreError> {
    store
        .write("insert", move |tx| {
            tx.execute(
                "INSERT INTO notes (id, body) VALUES (?1, ?2)",
                params![id, [7u8; 100]],
            )
            .map(|_| ())
        })
        .await
}

async fn count(store: &Store) -> u64 {
    store
        .read("count", |tx| {
            tx.query_opt("SELECT COUNT(*) FROM notes", &[], |row| row.u64(0))
        })
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn many_writers_share_commits_and_every_answer_is_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let writes: Vec<_> = (0..200)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { insert(&store, id).await })
        })
        .collect();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    // A second connection sees them all: they are committed, not merely visible to the writer.
    let other = rusqlite::Connection::open(dir.path().join(DATABASE_FILE)).unwrap();
    let seen: i64 = other
        .query_row("SELECT COUNT(*) FROM notes", [], |row| row.get(0))
        .unwrap();
    assert_eq!(seen, 200);
}

#[tokio::test]
async fn a_failing_job_takes_nothing_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    // Holds the writer until all three wait behind it, so that they share one transaction.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let gate = store.write("gate", move |_| {
        held.recv().expect("released below");
        Ok::<_, StoreError>(())
    });
    let bad = store.write("bad", |tx| {
        tx.execute(
            "INSERT INTO notes (id, body) VALUES (2, ?1)",
            params![[1u8; 4]],
        )?;
        Err::<(), _>(StoreError::Constraint("refused by the job".to_owned()))
    });
    let panics = store.write("panics", |tx| -> Result<(), StoreError> {
        tx.execute(
            "INSERT INTO notes (id, body) VALUES (3, ?1)",
            params![[1u8; 4]],
        )?;
        panic!("a mistake in a job")
    });
    let (gate, good, bad, panics, after, ()) = tokio::join!(
        gate,
        insert(&store, 1),
        bad,
        panics,
        insert(&store, 4),
        async move { release.send(()).unwrap() }
    );
    gate.unwrap();
    good.unwrap();
    after.unwrap();
    assert_eq!(
        bad.unwrap_err(),
        StoreError::Constraint("refused by the job".to_owned())
    );
    assert_eq!(panics.unwrap_err(), StoreError::Abandoned("panics"));
    assert_eq!(count(&store).await, 2);
}

#[tokio::test]
async fn a_failed_commit_fails_its_job_and_spares_its_neighbours() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let gate = store.write("gate", move |_| {
        // The second run finds the sender gone.
        let _ = held.recv();
        Ok::<_, StoreError>(())
    });
    let neighbour = store.write("neighbour", move |tx| {
        counted.fetch_add(1, Ordering::SeqCst);
        tx.execute(
            "INSERT INTO notes (id, body) VALUES (1, ?1)",
            params![[1u8; 4]],
        )
    });
    // A deferred foreign key is judged at COMMIT only.
    let dangling = store.write("dangling", |tx| {
        tx.execute("INSERT INTO ledger (id, note) VALUES (1, 99)", &[])
    });
    let (gate, neighbour, dangling, ()) = tokio::join!(gate, neighbour, dangling, async move {
        release.send(()).unwrap();
    });
    gate.unwrap();
    assert_eq!(neighbour.unwrap(), 1);
    assert!(
        matches!(dangling, Err(StoreError::Constraint(_))),
        "{dangling:?}"
    );
    assert_eq!(count(&store).await, 1);
    assert!(runs.load(Ordering::SeqCst) >= 1);
}

#[tokio::test]
async fn a_read_sees_one_snapshot_and_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    insert(&store, 1).await.unwrap();
    let (began, begun) = tokio::sync::oneshot::channel();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let reader = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .read("two counts", move |tx| {
                    let count = || {
                        tx.query_opt("SELECT COUNT(*) FROM notes", &[], |row| row.u64(0))
                            .map(|found| found.unwrap())
                    };
                    let before = count()?;
                    began.send(()).unwrap();
                    gone.recv().unwrap();
                    Ok::<_, StoreError>((before, count()?))
                })
                .await
        }
    });
    begun.await.unwrap();
    insert(&store, 2).await.unwrap();
    go.send(()).unwrap();
    assert_eq!(reader.await.unwrap().unwrap(), (1, 1));
    let refused = store
        .read("write", |tx| tx.execute("DELETE FROM notes", &[]))
        .await;
    assert!(refused.is_err());
    assert_eq!(count(&store).await, 2);
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_store_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        bytes_max: Some(64 * 1024),
        ..StoreOptions::default()
    };
    let store = Store::open_steps(dir.path(), options, &[FIRST]).unwrap();
    let big = store
        .write("big", |tx| {
            tx.execute(
                "INSERT INTO notes (id, body) VALUES (1, ?1)",
                params![vec![0u8; 200_000]],
            )
        })
        .await;
    assert_eq!(big.unwrap_err(), StoreError::DiskFull);
    insert(&store, 2).await.unwrap();
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn migrations_run_once_and_a_newer_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    insert(&store, 1).await.unwrap();
    drop(store);
    let store = Store::open_steps(dir.path(), StoreOptions::default(), &[FIRST, SECOND]).unwrap();
    assert_eq!(count(&store).await, 1);
    drop(store);
    let refused = Store::open_steps(dir.path(), StoreOptions::default(), &[FIRST]).unwrap_err();
    assert_eq!(refused, StoreError::Newer { found: 2, known: 1 });
    drop(Store::open_steps(dir.path(), StoreOptions::default(), &[FIRST, SECOND]).unwrap());
}

#[tokio::test]
async fn one_folder_has_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let second = Store::open_steps(dir.path(), StoreOptions::default(), &[FIRST]).unwrap_err();
    assert_eq!(second, StoreError::Locked(dir.path().to_owned()));
    drop(store);
    drop(open(dir.path()));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_damaged() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(DATABASE_FILE), vec![0x5a; 8192]).unwrap();
    let refused = Store::open_steps(dir.path(), StoreOptions::default(), &[FIRST]).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused:?}");
}

#[tokio::test]
async fn closing_finishes_what_waits_and_refuses_what_comes_after() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (wrote, ()) = tokio::join!(insert(&store, 1), store.close());
    wrote.unwrap();
    assert_eq!(insert(&store, 2).await.unwrap_err(), StoreError::Closed);
    let log = dir.path().join("sojourn.db-wal");
    assert_eq!(fs::metadata(log).map_or(0, |found| found.len()), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn the_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let store = open(&data);
    insert(&store, 1).await.unwrap();
    for name in ["", DATABASE_FILE, "sojourn.db-wal"] {
        let mode = fs::metadata(data.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name:?}");
    }
}

#[tokio::test]
async fn what_was_kept_aside_before_it_had_a_state_gets_the_one_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let new = "how what was kept aside stands";
    let before = migrations::STEPS
        .iter()
        .position(|(name, _)| *name == new)
        .unwrap();
    let options = StoreOptions::default();
    let store = Store::open_steps(dir.path(), options, &migrations::STEPS[..before]).unwrap();
    // Device, batch, place, hash, arrival.
    let rows: [(u8, u8, i64, u8, i64); 5] = [
        (1, 1, 0, 7, 50),
        (2, 1, 0, 7, 30),
        (2, 2, 0, 7, 30),
        (1, 1, 1, 8, 50),
        (1, 1, 2, 9, 50),
    ];
    let filled = store.write("fill", move |tx| {
        for (device, batch, place, hash, at) in rows {
            tx.execute(
                "INSERT INTO quarantine (device, batch, place, household, kind, epoch, hash, bytes, reason, area,
                    arrived_at)
                 VALUES (?1, ?2, ?3, ?4, 1, 1, ?5, ?5, 'fork', 'a', ?6)",
                params![[device; 16], [batch; 32], place, [4u8; 16], [hash; 32], at],
            )?;
        }
        // One of them was accepted since.
        tx.execute(
            "INSERT INTO changes (household, kind, hash, position, actor, seq, deps, bytes, device, staff, area,
                grant_version, batch, arrived_at, late, unknown_areas, feed_area, feed_seq)
             VALUES (?1, 1, ?2, 1, ?1, 1, ?1, ?1, ?1, ?1, 'a', 1, ?1, 60, 0, '', 'a', 1)",
            params![[4u8; 16], [8u8; 32]],
        )
        .map(|_| ())
    });
    filled.await.unwrap();
    store.close().await;
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    let states = store.read("states", |tx| {
        tx.query(
            "SELECT state FROM quarantine ORDER BY device, batch, place",
            &[],
            |row| row.text(0),
        )
    });
    let states: Result<Vec<String>, StoreError> = states.await;
    assert_eq!(
        states.unwrap(),
        ["again", "accepted", "waits", "waits", "again"]
    );
}
