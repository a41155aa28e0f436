//! Tests of `check`: one byte changed anywhere that matters is found, and its row is named.

use super::*;
use crate::export;
use crate::params;
use crate::rehearsal::{Register, Tablet, area, move_to, phone, register, rename, visit};
use crate::staff::Role;

/// Two households, one of them moved and contradicted.
async fn lived() -> (Register, Tablet) {
    let mut register_ = Register::new().await;
    let mut one = register_.tablet(Role::Worker, &["p"]).await;
    one.area = area("a");
    one.edit(1, &register(1, "a"));
    one.edit(1, &visit(1, 1));
    one.edit(2, &register(2, "b"));
    one.sync(&register_).await;
    let mut two = one.clone();
    two.actor = sojourn_sync_protocol::ActorId([88; 16]);
    (two.number, two.previous) = (0, [0; 32]);
    one.edit(1, &rename(1, "孙一"));
    two.edit(1, &rename(1, "孙二"));
    one.edit(1, &move_to("e", 1));
    two.edit(1, &phone(5));
    one.sync(&register_).await;
    two.sync(&register_).await;
    (register_, one)
}

async fn execute(register: &Register, sql: &'static str) {
    let changed = register
        .store
        .write("tamper", move |tx| tx.execute(sql, params![]))
        .await
        .unwrap();
    assert!(changed > 0, "{sql}");
}

/// The rows named after `sql`, as text.
async fn named_after(sql: &'static str) -> Vec<String> {
    let (register, _) = lived().await;
    execute(&register, sql).await;
    let report = check(&register.store).await.unwrap();
    assert!(!report.is_sound(), "{sql}");
    report
        .faults
        .iter()
        .map(|fault| format!("{:?} {}", fault.problem, fault.row))
        .collect()
}

#[tokio::test]
async fn what_nobody_touched_is_sound() {
    let (register, _) = lived().await;
    let report = check(&register.store).await.unwrap();
    assert!(report.is_sound(), "{:#?}", report.faults);
    assert_eq!(
        (report.households, report.documents, report.changes),
        (2, 3, 7)
    );
}

#[tokio::test]
async fn every_byte_of_a_stored_change_is_guarded_and_its_row_named() {
    let (register, _) = lived().await;
    let (hash, bytes) = register
        .store
        .read("one", |tx| {
            tx.query_opt(
                "SELECT hash, bytes FROM changes ORDER BY household, position LIMIT 1 OFFSET 1",
                &[],
                |row| Ok((row.blob(0)?, row.blob(1)?)),
            )
        })
        .await
        .unwrap()
        .unwrap();
    let name: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        write_bytes(&register, hash.clone(), flipped).await;
        let report = check(&register.store).await.unwrap();
        let told: Vec<String> = report.faults.iter().map(|f| f.row.to_string()).collect();
        assert!(
            told.len() == 1 && told[0].contains(&name),
            "byte {at}: {told:?}"
        );
    }
    write_bytes(&register, hash, bytes).await;
    register.expect_sound().await;
}

async fn write_bytes(register: &Register, hash: Vec<u8>, bytes: Vec<u8>) {
    register
        .store
        .write("tamper", move |tx| {
            tx.execute(
                "UPDATE changes SET bytes = ?2 WHERE hash = ?1",
                params![&hash, &bytes],
            )
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn columns_beside_the_bytes_are_guarded_too() {
    for sql in [
        "UPDATE changes SET hash = zeroblob(32) WHERE position = 2",
        "UPDATE changes SET actor = zeroblob(16) WHERE position = 2",
        "UPDATE changes SET deps = zeroblob(32) WHERE position = 2",
        "UPDATE changes SET device = zeroblob(16) WHERE position = 2",
        "UPDATE changes SET staff = zeroblob(16) WHERE position = 2",
        "UPDATE changes SET area = 'b' WHERE position = 2",
        "UPDATE changes SET area = 'no code!' WHERE position = 2",
        "UPDATE changes SET grant_version = 7 WHERE position = 2",
        "UPDATE changes SET batch = zeroblob(32) WHERE position = 2",
        "UPDATE changes SET arrived_at = 7 WHERE position = 2",
        "UPDATE changes SET position = 70 WHERE position = 2",
    ] {
        let named = named_after(sql).await;
        assert!(
            named.iter().any(|row| row.contains(" change ")),
            "{sql}: {named:?}"
        );
    }
}

#[tokio::test]
async fn what_follows_from_the_log_is_compared_with_it() {
    for (sql, wanted) in [
        (
            "UPDATE documents SET saved = zeroblob(40) WHERE kind = 2",
            "Unreadable document",
        ),
        (
            "UPDATE documents SET leaf = zeroblob(32) WHERE kind = 2",
            "Differs document",
        ),
        (
            "UPDATE documents SET heads = zeroblob(32) WHERE kind = 2",
            "Differs document",
        ),
        (
            "UPDATE documents SET epoch = 2 WHERE kind = 2",
            "Differs document",
        ),
        ("DELETE FROM documents WHERE kind = 2", "Missing document"),
        (
            "UPDATE households SET area = 'n' WHERE area = 'e'",
            "Differs household",
        ),
        ("UPDATE households SET contested = 1", "Differs household"),
        ("DELETE FROM stays", "Differs household"),
        ("DELETE FROM households", "Missing household"),
        ("DELETE FROM reviews", "Missing review item contradiction"),
        (
            "UPDATE reviews SET change = zeroblob(32)",
            "Differs review item",
        ),
        ("UPDATE persons SET name = 'x'", "Differs person"),
        ("DELETE FROM persons", "Missing person"),
        ("DELETE FROM feed WHERE area = 'e'", "Missing feed of e"),
        ("DELETE FROM feed WHERE area = 'a'", "Missing feed of a"),
        (
            "UPDATE feed SET seq = seq + 100 WHERE area = 'e'",
            "Differs feed of e",
        ),
        (
            "UPDATE feed SET moved_to = NULL WHERE area = 'a'",
            "Differs feed of a",
        ),
        (
            "UPDATE feed SET moved_to = 'a' WHERE area = 'e'",
            "Differs feed of e",
        ),
        (
            "UPDATE area_digests SET total = zeroblob(32) WHERE area = 'e'",
            "Differs digest of e",
        ),
        (
            "UPDATE area_digests SET documents = 9 WHERE area = 'a'",
            "Differs digest of a",
        ),
        ("DELETE FROM changes WHERE kind = 2", "Stray document"),
    ] {
        let named = named_after(sql).await;
        assert!(
            named.iter().any(|row| row.starts_with(wanted)),
            "{sql}: {named:?}"
        );
    }
}

#[tokio::test]
async fn a_cache_that_cannot_be_read_is_made_again_from_the_log() {
    let (register, mut tablet) = lived().await;
    execute(&register, "UPDATE documents SET saved = zeroblob(40)").await;
    tablet.edit(2, &phone(9));
    assert_eq!(tablet.sync(&register).await.len(), 1);
    let report = check(&register.store).await.unwrap();
    // The document that was edited is whole again; the other two are still named.
    assert_eq!(report.faults_total, 2, "{:#?}", report.faults);
}

#[tokio::test]
async fn an_export_is_one_masked_household_a_line() {
    let (register, _) = lived().await;
    let file = register.dir.path().join("out.jsonl");
    let lines = |code: Option<&str>| {
        let out = std::fs::File::create(&file).unwrap();
        export::households(&register.store, code.map(area), out)
    };
    assert_eq!(lines(None).await.unwrap(), 2);
    assert_eq!(lines(Some("n")).await.unwrap(), 1);
    assert_eq!(lines(Some("e")).await.unwrap(), 1);
    let text = std::fs::read_to_string(&file).unwrap();
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["area"], "e");
    assert_eq!(line["reviews"][0]["kind"], "contradiction");
    assert!(text.contains("孙一") && text.contains("孙二"));
    let unknown = lines(Some("zz")).await.unwrap_err();
    assert!(matches!(unknown, export::ExportError::UnknownArea(_)));
}
