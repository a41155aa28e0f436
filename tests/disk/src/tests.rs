use rusqlite::Connection;
use tempfile::TempDir;

use super::{Call, Disk, Effect, Plan, install};

/// Rows committed before the machine went down at the `after`th call, and rows found once it is up.
struct Ended {
    committed: i64,
    found: i64,
    went_down: bool,
}

fn connect(disk: &Disk, synchronous: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(disk.folder().join("a.db"))?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = 8;
         CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, filler BLOB);"
    ))?;
    Ok(connection)
}

/// Commits rows one by one until the machine goes down or thirty stand.
fn play(plan: Plan, seed: u64, synchronous: &str) -> Ended {
    install();
    let folder = TempDir::new().unwrap();
    let disk = Disk::attach(folder.path(), seed).unwrap();
    drop(connect(&disk, synchronous).unwrap());
    disk.arm(Some(plan));
    let mut committed = 0;
    if let Ok(connection) = connect(&disk, synchronous) {
        for n in 1..=30 {
            let sql = "INSERT INTO t (n, filler) VALUES (?1, randomblob(700))";
            if connection.execute(sql, [n]).is_err() {
                break;
            }
            committed = n;
        }
    }
    let went_down = disk.down().is_some();
    disk.take_down(plan.effect);
    disk.bring_up().unwrap();
    let connection = connect(&disk, synchronous).unwrap();
    let sound: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    let found = connection
        .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    Ended {
        committed,
        found,
        went_down,
    }
}

fn at(call: Call, after: u32, effect: Effect) -> Plan {
    Plan {
        call,
        after,
        times: 1,
        effect,
    }
}

#[test]
fn what_was_committed_survives_a_kill_and_a_power_cut_at_every_call() {
    for effect in [Effect::Kill, Effect::PowerLoss] {
        for call in [Call::Write, Call::Sync, Call::Truncate, Call::Delete] {
            for after in 0.. {
                let ended = play(at(call, after, effect), u64::from(after), "FULL");
                assert!(
                    ended.found >= ended.committed,
                    "{effect:?} at {call:?} {after}: {} of {}",
                    ended.found,
                    ended.committed
                );
                assert!(ended.found <= ended.committed + 1);
                if !ended.went_down {
                    break;
                }
            }
        }
    }
}

#[test]
fn without_syncs_a_power_cut_loses_what_was_committed_and_a_kill_does_not() {
    let lost = |effect| {
        (0..40)
            .map(|after| play(at(Call::Write, after, effect), u64::from(after), "NORMAL"))
            .filter(|ended| ended.found < ended.committed)
            .count()
    };
    assert!(lost(Effect::PowerLoss) > 5);
    assert_eq!(lost(Effect::Kill), 0);
}

#[test]
fn errors_full_disks_and_held_locks_are_told_and_pass() {
    install();
    use rusqlite::ErrorCode::{DatabaseBusy, DiskFull, SystemIoFailure};
    for (call, effect, told) in [
        (Call::Write, Effect::Full, DiskFull),
        (Call::Write, Effect::Error, SystemIoFailure),
        (Call::Sync, Effect::Error, SystemIoFailure),
        (Call::Lock, Effect::Busy, DatabaseBusy),
    ] {
        let folder = TempDir::new().unwrap();
        let disk = Disk::attach(folder.path(), 1).unwrap();
        let connection = connect(&disk, "FULL").unwrap();
        connection.busy_timeout(std::time::Duration::ZERO).unwrap();
        // Reading first: what is locked afterwards is for writing.
        connection
            .execute_batch("BEGIN; SELECT count(*) FROM t")
            .unwrap();
        disk.arm(Some(at(call, 0, effect)));
        let refused = connection.execute_batch("INSERT INTO t (n) VALUES (2); COMMIT");
        assert_eq!(refused.unwrap_err().sqlite_error_code(), Some(told));
        assert_eq!((disk.fired(), disk.disarm()), (1, None));
        // The engine may have rolled back by itself.
        let _ = connection.execute_batch("ROLLBACK");
        connection
            .execute_batch("INSERT INTO t (n) VALUES (3), (1)")
            .unwrap();
        drop(connection);
        disk.take_down(Effect::PowerLoss);
        disk.bring_up().unwrap();
        let connection = connect(&disk, "FULL").unwrap();
        let sum: i64 = connection
            .query_row("SELECT sum(n) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(sum, 4, "{call:?} {effect:?}");
    }
}

#[test]
fn a_connection_opened_before_the_machine_went_down_reaches_nothing_after() {
    install();
    let folder = TempDir::new().unwrap();
    let disk = Disk::attach(folder.path(), 1).unwrap();
    let old = connect(&disk, "FULL").unwrap();
    disk.take_down(Effect::Kill);
    assert!(old.execute("INSERT INTO t (n) VALUES (1)", []).is_err());
    drop(old);
    disk.bring_up().unwrap();
    let new = connect(&disk, "FULL").unwrap();
    new.execute("INSERT INTO t (n) VALUES (2)", []).unwrap();
    assert!(disk.flip("a.db").unwrap());
    assert!(!disk.flip("nothing").unwrap());
}
