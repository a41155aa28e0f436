//! The schema's history: an ordered list of steps, each written beside the SQL that uses its tables.
//! A step's number is its position. Steps are appended, never changed, reordered or removed.

use super::{StoreError, Tx};

/// A name for people and the statements, run once.
pub(crate) type Step = (&'static str, &'static str);

/// Every step of the schema, oldest first.
pub(crate) const STEPS: &[Step] = &[
    ("areas", crate::areas::SCHEMA),
    ("staff", crate::staff::SCHEMA),
    ("devices", crate::devices::SCHEMA),
    ("documents", crate::documents::SCHEMA),
    ("residence", crate::residence::SCHEMA),
    ("feeds", crate::feed::SCHEMA),
    ("digests", crate::digests::SCHEMA),
    ("reviews", crate::review::SCHEMA),
    ("persons", crate::projection::SCHEMA),
    crate::ingest::SCHEMAS[0],
    crate::ingest::SCHEMAS[1],
    ("prepared pages", crate::pages::SCHEMA),
    crate::ingest::SCHEMAS[2],
    ("desks", crate::desk::SCHEMA),
    ("proposals", crate::review::proposals::SCHEMA),
    ("claims", crate::review::claims::SCHEMA),
    ("accounts", crate::accounts::SCHEMA),
    ("audit trail", crate::audit::SCHEMA),
    ("hand-overs", crate::handover::SCHEMA),
    crate::ingest::SCHEMAS[3],
    ("duplicates", crate::duplicates::SCHEMA),
    ("duplicates read again", crate::duplicates::READ_AGAIN),
    ("search lines", crate::search::SCHEMA),
    ("questions put off", crate::review::deferrals::SCHEMA),
    ("records joined", crate::duplicates::JOINED),
    ("hand-overs begun at the door", crate::handover::AT_DOOR),
];

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_steps (
    position BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
)";

/// Brings the database up to `steps` and gives how many were new. Refuses a database that has had more steps than that.
pub(super) fn migrate(tx: &Tx<'_>, steps: &[Step]) -> Result<usize, StoreError> {
    tx.execute(LEDGER, &[])?;
    let done = tx
        .query_opt("SELECT COUNT(*) FROM schema_steps", &[], |row| row.u64(0))?
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(0);
    if done > steps.len() {
        return Err(StoreError::Newer {
            found: done,
            known: steps.len(),
        });
    }
    for (position, (name, sql)) in steps.iter().enumerate().skip(done) {
        tx.execute_step(sql)?;
        tx.execute(
            "INSERT INTO schema_steps (position, name) VALUES (?1, ?2)",
            crate::params![position, *name],
        )?;
    }
    Ok(steps.len() - done)
}
