use super::*;
use crate::clock::{SeededRandom, draw};
use std::io::{Read, Seek, SeekFrom, Write};

const V1: &[&str] = &[
    "CREATE TABLE store_state (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE outbox (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);",
    "CREATE TABLE outbox_twin (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);",
    "CREATE TABLE documents (id INTEGER PRIMARY KEY, household BLOB NOT NULL, bytes BLOB NOT NULL);",
    "CREATE UNIQUE INDEX documents_household ON documents (household);",
    "CREATE TABLE computed (id INTEGER PRIMARY KEY);",
];
const KEPT: &[Kept] = &[
    Kept {
        tables: &["outbox", "outbox_twin"],
        key: "id",
    },
    Kept {
        tables: &["documents"],
        key: "id",
    },
];
const SCHEMA: Schema = Schema {
    migrations: &[V1],
    kept: KEPT,
};
const NEWER: Schema = Schema {
    migrations: &[
        V1,
        &["ALTER TABLE documents ADD COLUMN note TEXT NOT NULL DEFAULT '';"],
    ],
    kept: KEPT,
};
const ROWS: u64 = 3000;
const EDITS: u64 = 500;

fn open_as(dir: &Path, passphrase: &str, schema: &Schema) -> Result<Opened, StoreError> {
    Store::open(
        dir,
        passphrase,
        KeyCost::TESTS,
        schema,
        &mut SeededRandom::new(7),
    )
}

fn open(dir: &Path) -> Opened {
    open_as(dir, "pass", &SCHEMA).unwrap_or_else(|error| panic!("{error}"))
}

fn count(store: &Store, table: &str) -> u64 {
    store
        .read::<_, StoreError>("count", |tx| {
            tx.one(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get::<_, i64>(0)
            })
        })
        .unwrap()
        .unwrap()
        .try_into()
        .unwrap()
}

fn id(n: u64) -> [u8; 16] {
    // Spread over the key space as the ids of households made over years are.
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes());
    id
}

fn filled(dir: &Path) {
    let store = open(dir).store;
    store
        .write::<_, StoreError>("fill", |tx| {
            for n in 0..ROWS {
                let bytes = vec![
                    u8::try_from(n % 251).unwrap();
                    300 + usize::try_from(n % 7).unwrap() * 900
                ];
                let sql = "INSERT INTO documents (household, bytes) VALUES (?1, ?2)";
                tx.execute(sql, rusqlite::params![id(n), bytes])?;
            }
            for n in 0..EDITS {
                for table in ["outbox", "outbox_twin"] {
                    let sql = format!("INSERT INTO {table} (bytes) VALUES (?1)");
                    tx.execute(&sql, [n.to_be_bytes().repeat(20)])?;
                }
            }
            Ok(())
        })
        .unwrap();
}

/// Overwrites `len` bytes at `at` of the database.
fn damage(dir: &Path, at: u64, len: usize) {
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(dir.join(open::DATABASE))
        .unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    let mut bytes = vec![0; len];
    file.read_exact(&mut bytes).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 0xa5);
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&bytes).unwrap();
}

fn pretend_unclean(dir: &Path) {
    std::fs::write(dir.join("tablet.lock"), "open").unwrap();
}

#[test]
fn a_wrong_key_does_not_touch_the_file() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let before = std::fs::read(dir.path().join(open::DATABASE)).unwrap();
    assert!(matches!(
        open_as(dir.path(), "other", &SCHEMA),
        Err(StoreError::WrongKey)
    ));
    assert_eq!(
        std::fs::read(dir.path().join(open::DATABASE)).unwrap(),
        before
    );
    assert_eq!(count(&open(dir.path()).store, "outbox"), EDITS);
}

#[test]
fn nothing_readable_is_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).store;
    store
        .write::<_, StoreError>("one", |tx| {
            tx.execute(
                "INSERT INTO outbox (bytes) VALUES (?1)",
                [b"a sentence in plain words".as_slice()],
            )
        })
        .unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(25)
                .any(|window| window == b"a sentence in plain words")
        );
        assert!(!bytes.starts_with(b"SQLite format 3"));
    }
}

#[test]
fn a_second_process_is_told_that_the_folder_is_busy() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    assert!(matches!(
        open_as(dir.path(), "pass", &SCHEMA),
        Err(StoreError::Busy(_))
    ));
    drop(first);
    open(dir.path());
}

#[test]
fn a_newer_database_is_an_error_and_an_older_one_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    drop(open_as(dir.path(), "pass", &NEWER).unwrap());
    match open_as(dir.path(), "pass", &SCHEMA) {
        Err(StoreError::Newer { found: 2, known: 1 }) => {}
        other => panic!("{:?}", other.err()),
    }
    assert_eq!(
        count(
            &open_as(dir.path(), "pass", &NEWER).unwrap().store,
            "documents"
        ),
        ROWS
    );
}

#[test]
fn a_failing_body_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).store;
    let failed: Result<(), StoreError> = store.write("fail", |tx| {
        tx.execute("INSERT INTO computed (id) VALUES (1)", [])?;
        Err(StoreError::DiskFull)
    });
    assert!(failed.is_err());
    assert_eq!(count(&store, "computed"), 0);
    assert_eq!(store.committed("fail"), 0);
}

#[test]
fn a_full_disk_rolls_back_and_the_store_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let store = open(dir.path()).store;
    store.limit_pages(store.pages().unwrap() + 4).unwrap();
    let full = store.write::<_, StoreError>("too much", |tx| {
        tx.execute("INSERT INTO outbox (bytes) VALUES (zeroblob(1000000))", [])
    });
    assert!(matches!(full, Err(StoreError::DiskFull)), "{full:?}");
    assert_eq!(count(&store, "outbox"), EDITS);
    store
        .write::<_, StoreError>("a little", |tx| {
            tx.execute("INSERT INTO outbox (bytes) VALUES (zeroblob(10))", [])
        })
        .unwrap();
    assert_eq!(count(&store, "outbox"), EDITS + 1);
}

/// The aside copy is the damaged file, whole.
fn assert_aside(dir: &Path, salvage: &Salvage, damaged: &[u8]) {
    assert_eq!(std::fs::read(&salvage.aside).unwrap(), damaged);
    assert!(salvage.aside.starts_with(dir));
    let left: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            name.contains("patched") || name.contains("fill") || name.contains("stand-in")
        })
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_lost_first_page_loses_no_row() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    for (round, (at, len)) in [(0, 16), (16, 100), (0, 4096)].into_iter().enumerate() {
        damage(dir.path(), at, len);
        let damaged = std::fs::read(dir.path().join(open::DATABASE)).unwrap();
        let opened = open(dir.path());
        // The first 16 bytes are the cipher's salt, which the key file knows: no damage at all.
        if round > 0 {
            let salvage = opened.salvage.expect("the first page cannot be read");
            assert!(salvage.is_whole(), "{salvage:?}");
            assert_aside(dir.path(), &salvage, &damaged);
        }
        assert_eq!(count(&opened.store, "outbox"), EDITS);
        assert_eq!(count(&opened.store, "documents"), ROWS);
    }
}

#[test]
fn a_corrupt_page_in_the_middle_loses_no_edit_and_few_documents() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let pages = std::fs::metadata(dir.path().join(open::DATABASE))
        .unwrap()
        .len()
        / place::PAGE_BYTES;
    let pristine = std::fs::read(dir.path().join(open::DATABASE)).unwrap();
    // Every page near the start (roots, the outbox) and a sample of the rest.
    let sample = (1..12).chain((12..pages).step_by(usize::try_from(pages / 8).unwrap()));
    for page in sample {
        std::fs::write(dir.path().join(open::DATABASE), &pristine).unwrap();
        damage(dir.path(), page * place::PAGE_BYTES + 100, 8);
        pretend_unclean(dir.path());
        let opened = open(dir.path());
        assert_eq!(count(&opened.store, "outbox"), EDITS, "page {page}");
        assert_eq!(count(&opened.store, "outbox_twin"), EDITS, "page {page}");
        let documents = count(&opened.store, "documents");
        // Page 4 holds the root of the documents, which the server has too.
        assert!(
            documents + 30 > ROWS || page == 4,
            "page {page}: {documents} of {ROWS}"
        );
    }
}

#[test]
fn damage_met_by_an_operation_is_salvaged_by_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let pages = std::fs::metadata(dir.path().join(open::DATABASE))
        .unwrap()
        .len()
        / place::PAGE_BYTES;
    damage(dir.path(), pages / 2 * place::PAGE_BYTES + 100, 8);
    let opened = open(dir.path());
    assert!(
        opened.salvage.is_none(),
        "a folder left clean is not checked"
    );
    let read = opened.store.read::<_, StoreError>("all", |tx| {
        tx.all("SELECT bytes FROM documents", [], |row| {
            row.get::<_, Vec<u8>>(0)
        })
    });
    assert!(
        matches!(read, Err(StoreError::Corrupt(_))),
        "{:?}",
        read.map(|rows| rows.len())
    );
    drop(opened);
    let opened = open(dir.path());
    assert!(opened.salvage.is_some());
    assert_eq!(count(&opened.store, "outbox"), EDITS);
}

#[test]
fn half_a_file_and_no_file_at_all_still_open() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = dir.path().join(open::DATABASE);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2 + 1000]).unwrap();
    pretend_unclean(dir.path());
    let opened = open(dir.path());
    let salvage = opened.salvage.clone().expect("half a file");
    assert!(!salvage.is_whole());
    assert!(count(&opened.store, "documents") > 0);
    drop(opened);

    std::fs::write(&path, vec![0x5a; 50_000]).unwrap();
    let opened = open(dir.path());
    let second = opened.salvage.expect("noise");
    assert_ne!(second.aside, salvage.aside);
    assert!(
        second
            .tables
            .iter()
            .all(|table| table.rows == 0 && !table.whole)
    );
    assert_eq!(count(&opened.store, "store_state"), 2);
}

#[test]
fn a_salvage_cut_between_its_renames_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let path = dir.path().join(open::DATABASE);
    std::fs::copy(&path, dir.path().join("tablet.db.filled")).unwrap();
    std::fs::write(&path, b"damaged").unwrap();
    let opened = open(dir.path());
    assert!(opened.salvage.is_none());
    assert_eq!(count(&opened.store, "outbox"), EDITS);
    assert_eq!(
        std::fs::read(dir.path().join("tablet.db.corrupt-1")).unwrap(),
        b"damaged"
    );
}

/// Rows of many sizes are written day by day and some taken off. Gives the households of those.
fn emptied(store: &Store, seed: u64) -> Vec<[u8; 16]> {
    let mut random = SeededRandom::new(seed);
    let (mut standing, mut gone) = (Vec::new(), Vec::new());
    for _ in 0..6 {
        let fresh: Vec<[u8; 16]> = (0..200).map(|_| draw(&mut random)).collect();
        let off: Vec<[u8; 16]> = standing
            .extract_if(.., |id: &mut [u8; 16]| id[5].is_multiple_of(3))
            .collect();
        store
            .write::<_, StoreError>("a day", |tx| {
                for id in &fresh {
                    // Anywhere among the others, so that pages are split and rows move.
                    let place = i64::from(u32::from_be_bytes([id[0], id[1], id[2], id[3]]));
                    let bytes = id.repeat(1 + usize::from(id[4]) % 80);
                    let sql = "INSERT INTO documents (id, household, bytes) VALUES (?1, ?2, ?3)";
                    tx.execute(sql, rusqlite::params![place, id, bytes])?;
                }
                for id in &off {
                    tx.execute("DELETE FROM documents WHERE household = ?1", [id])?;
                }
                scrub::ask(tx)
            })
            .unwrap();
        standing.extend(fresh);
        gone.extend(off);
    }
    gone
}

/// How many of these are somewhere in the file.
fn traces(store: &Store, gone: &[[u8; 16]]) -> usize {
    let image = store.image().unwrap();
    let found: std::collections::HashSet<&[u8]> = image.windows(16).collect();
    gone.iter().filter(|id| found.contains(&id[..])).count()
}

#[test]
fn what_was_taken_off_leaves_no_trace_from_the_next_opening_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).store;
    let gone = emptied(&store, 1);
    assert!(traces(&store, &gone) > 0, "SQLite overwrites all of it now");
    let stand = count(&store, "documents");
    drop(store);
    let opened = open(dir.path());
    assert_eq!(opened.salvage, None);
    assert_eq!(traces(&opened.store, &gone), 0);
    assert_eq!(count(&opened.store, "documents"), stand);
    assert_eq!(count(&opened.store, "store_state"), 0);
    drop(opened);
    // Where the tables begin is known of the new file: it can be salvaged without its first page.
    damage(dir.path(), 0, 4096);
    pretend_unclean(dir.path());
    let salvaged = open(dir.path());
    assert!(salvaged.salvage.unwrap().tables[1].whole);
    assert_eq!(count(&salvaged.store, "documents"), stand);
}

#[test]
fn a_rewriting_that_was_cut_is_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).store;
    let gone = emptied(&store, 2);
    drop(store);
    std::fs::write(dir.path().join(place::ANEW), b"half of a file").unwrap();
    let opened = open(dir.path());
    assert_eq!(traces(&opened.store, &gone), 0);
    assert!(!dir.path().join(place::ANEW).exists());
}
