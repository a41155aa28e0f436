//! The staff: who carries a tablet or sits at the console, and which kinds of document their role may hold.
//! Knows no area: a device's grant names those.

use sojourn_sync_protocol::{DocKind, StaffId, Timestamp};

use crate::params;
use crate::store::{Row, StoreError, Tx};

/// The tables of this module.
pub(crate) const SCHEMA: &str = "
CREATE TABLE staff (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    added_at BIGINT NOT NULL
);
";

/// Bytes of a name.
pub const NAME_BYTES_MAX: usize = 64;

/// What somebody does, and so what their tablet may hold.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    clap::ValueEnum,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Visits families: everything.
    Worker,
    /// A school or civil clerk: never the health document.
    Clerk,
    /// Settles contradictions: everything.
    Reviewer,
    /// Answers for privacy: reads who did what, and no household.
    Officer,
}

impl Role {
    /// Kinds of document that a tablet of this role may hold.
    pub const fn kinds(self) -> &'static [DocKind] {
        match self {
            Role::Worker | Role::Reviewer => &[DocKind::Core, DocKind::Health],
            Role::Clerk => &[DocKind::Core],
            Role::Officer => &[],
        }
    }

    /// Whether some of what they do is done in the console.
    pub const fn has_console(self) -> bool {
        self.settles() || self.reads_trail()
    }

    /// Whether they settle questions.
    pub const fn settles(self) -> bool {
        matches!(self, Role::Reviewer)
    }

    /// Whether they read the audit trail.
    pub const fn reads_trail(self) -> bool {
        matches!(self, Role::Officer)
    }

    /// The name used in stored rows and in text.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Worker => "worker",
            Role::Clerk => "clerk",
            Role::Reviewer => "reviewer",
            Role::Officer => "officer",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Role::Worker, Role::Clerk, Role::Reviewer, Role::Officer]
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or(())
    }
}

/// One member of staff.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Staff {
    /// Their id; it stands in the attribution of every change they make.
    pub id: StaffId,
    /// Their name, for screens.
    pub name: String,
    /// What they do.
    pub role: Role,
}

/// Adds somebody.
pub fn add(tx: &Tx<'_>, staff: &Staff, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO staff (id, name, role, added_at) VALUES (?1, ?2, ?3, ?4)",
        params![
            staff.id.as_bytes(),
            &staff.name,
            staff.role.name(),
            now.millis()
        ],
    )?;
    Ok(())
}

/// Everybody, in the order in which they were added.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Staff>, StoreError> {
    tx.query(
        "SELECT id, name, role FROM staff ORDER BY added_at, id",
        &[],
        read,
    )
}

/// One of them.
pub fn get(tx: &Tx<'_>, id: StaffId) -> Result<Option<Staff>, StoreError> {
    tx.query_opt(
        "SELECT id, name, role FROM staff WHERE id = ?1",
        params![id.as_bytes()],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Staff, StoreError> {
    read_from(row, 0)
}

/// Reads somebody whose id, name and role begin at a column.
pub(crate) fn read_from(row: &Row<'_>, column: usize) -> Result<Staff, StoreError> {
    Ok(Staff {
        id: StaffId::from_bytes(row.array(column)?),
        name: row.text(column + 1)?,
        role: row.parse(column + 2)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_clerk_never_holds_the_health_document() {
        assert_eq!(Role::Clerk.kinds(), [DocKind::Core]);
        assert_eq!(Role::Worker.kinds(), DocKind::ALL);
    }

    #[test]
    fn who_reads_the_trail_reads_no_household() {
        assert!(Role::Officer.kinds().is_empty() && !Role::Officer.settles());
        assert!(Role::Reviewer.settles() && !Role::Reviewer.reads_trail());
        assert!(!Role::Worker.has_console() && !Role::Clerk.has_console());
    }

    #[tokio::test]
    async fn staff_come_back_as_they_were_added() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let somebody = Staff {
            id: StaffId::from_bytes([3; 16]),
            name: "丁一".to_owned(),
            role: Role::Clerk,
        };
        let added = somebody.clone();
        store
            .write("add", move |tx| add(tx, &added, Timestamp::from_millis(1)))
            .await
            .unwrap();
        let (all, one, nobody) = store
            .read("read", |tx| {
                Ok::<_, StoreError>((
                    list(tx)?,
                    get(tx, StaffId::from_bytes([3; 16]))?,
                    get(tx, StaffId::from_bytes([4; 16]))?,
                ))
            })
            .await
            .unwrap();
        assert_eq!(all, std::slice::from_ref(&somebody));
        assert_eq!((one, nobody), (Some(somebody), None));
    }
}
