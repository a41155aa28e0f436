//! What becomes of every table when two records of one family are joined or parted. A table or a column that is not named here has
//! not been thought about, and fails the test.

use std::collections::BTreeSet;

use crate::store::{Store, Tx};

/// What becomes of rows that name a household or somebody in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handling {
    /// They are of that record, which stays as it is: its log, its area, what was done with it.
    Stays,
    /// They are made from the documents, in the transaction that writes these.
    Follows,
    /// They end with the question whether the two are one; those of other questions stay.
    Ends,
}

use Handling::{Ends, Follows, Stays};

/// Every table, how it is treated, and its columns that name a household or somebody in one.
const TABLES: &[(&str, Handling, &[&str])] = &[
    ("households", Stays, &["household"]),
    ("stays", Stays, &["household"]),
    ("documents", Stays, &["household", "saved"]),
    ("changes", Stays, &["household", "bytes"]),
    ("feed", Stays, &["household"]),
    // A change kept aside is meant for that record; once it is adopted there, it is a later change of it like any other.
    (
        "quarantine",
        Stays,
        &["household", "bytes", "reason", "refused_why"],
    ),
    ("audit_trail", Stays, &["household", "subject"]),
    // A hand-over that is prepared stays where it was prepared, and can be answered.
    (
        "handovers",
        Follows,
        &["household", "reason", "entry", "card"],
    ),
    ("reviews", Follows, &["household", "subject"]),
    ("review_claims", Ends, &["household", "subject"]),
    (
        "proposals",
        Ends,
        &["household", "subject", "choice", "reason"],
    ),
    (
        "persons",
        Follows,
        &[
            "household",
            "person",
            "name",
            "latin_name",
            "birth",
            "sex",
            "phone",
            "id_masked",
            "id_hashes",
        ],
    ),
    (
        "families",
        Follows,
        &["household", "people", "phone", "address", "keys"],
    ),
    ("family_keys", Follows, &["household", "hash"]),
    ("duplicate_decisions", Follows, &["household", "other"]),
    ("possible_duplicates", Follows, &["one", "other", "people"]),
    ("families_unread", Stays, &["household"]),
    (
        "review_deferrals",
        Ends,
        &["household", "subject", "reason"],
    ),
    ("search_lines", Follows, &["household", "lines", "letters"]),
    ("search_unread", Stays, &["household"]),
    // What a tablet handed in, and what is laid ready for tablets, whatever the households are to each other.
    ("batches", Stays, &["manifest"]),
    ("prepared_pages", Stays, &["content"]),
];

/// Tables that name no household and nobody in one.
const OF_NOBODY: &[&str] = &[
    "accounts",
    "area_digests",
    "area_feeds",
    "area_successors",
    "area_tree",
    "areas",
    "chains",
    "console_sessions",
    "desks",
    "device_actors",
    "device_grants",
    "devices",
    "enrolment_codes",
    "id_hash_key",
    "schema_steps",
    "staff",
    "watermarks",
];

/// Names of columns that name no household and nobody in one, whatever table they are in.
const NAMES_NOBODY: &[&str] = &[
    "action",
    "actor",
    "after_seq",
    "answered_at",
    "answered_position",
    "area",
    "arrived_at",
    "at_door",
    "asked",
    "at",
    "batch",
    "between_changes",
    "bits",
    "bytes",
    "change",
    "checksum",
    "contested",
    "continues",
    "day",
    "decision",
    "deps",
    "device",
    "digest",
    "document",
    "entered_seq",
    "epoch",
    "fates",
    "feed_area",
    "feed_seq",
    "found_at",
    "from_area",
    "goes_on",
    "grant_version",
    "hash",
    "heads",
    "id",
    "items",
    "kind",
    "kinds",
    "last_position",
    "late",
    "leaf",
    "moved_to",
    "number",
    "outcome",
    "packed",
    "place",
    "position",
    "previous",
    "proposed_at",
    "refused_at",
    "refused_by",
    "removed",
    "seq",
    "signature",
    "since",
    "staff",
    "state",
    "to_area",
    "unknown_areas",
    "until",
    "until_day",
    "up_to_seq",
    "waits",
];

#[tokio::test]
async fn every_table_has_its_place_when_two_records_are_joined() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let read = |tx: &Tx<'_>| {
        tx.query(
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid",
            &[],
            |row| Ok((row.text(0)?, row.text(1)?)),
        )
    };
    let columns: Vec<(String, String)> = store.read("schema", read).await.unwrap();
    let mut unthought = Vec::new();
    for (table, column) in &columns {
        let speaks = ["household", "person", "people", "one", "other"].contains(&column.as_str());
        if OF_NOBODY.contains(&table.as_str()) && !speaks {
            continue;
        }
        let stated = TABLES.iter().find(|(name, ..)| name == table);
        let named = stated.is_some_and(|(.., named)| named.contains(&column.as_str()));
        let names_nobody = stated.is_some() && NAMES_NOBODY.contains(&column.as_str());
        if !named && !names_nobody {
            unthought.push(format!("{table}.{column}"));
        }
    }
    assert!(unthought.is_empty(), "what becomes of {unthought:#?}?");
    let there: BTreeSet<&str> = columns.iter().map(|(table, _)| table.as_str()).collect();
    let gone = TABLES.iter().map(|(name, ..)| name).chain(OF_NOBODY);
    let gone: Vec<_> = gone.filter(|name| !there.contains(*name)).collect();
    assert!(gone.is_empty(), "there is no table {gone:?}");
}
