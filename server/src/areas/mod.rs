//! The tree of areas. Codes are opaque: a parent is what the parent column says, never a prefix.
//!
//! Contract: an area once known stays known, because households name it; a superseded one gets an end date
//! and successors. The version rises whenever the tree changes. Holds no household.

mod import;

use std::collections::BTreeSet;

pub use import::{AreaRow, ImportError, Imported, RowError, RowFault, read_csv};

use sojourn_sync_protocol::message::AreasReply;
use sojourn_sync_protocol::{Area, AreaCode};

use crate::params;
use crate::store::{Row, StoreError, Tx};

/// The tables of this module.
pub(crate) const SCHEMA: &str = "
CREATE TABLE areas (
    code TEXT NOT NULL PRIMARY KEY,
    parent TEXT,
    level TEXT NOT NULL,
    name TEXT NOT NULL,
    valid_from TEXT,
    valid_to TEXT
);
CREATE INDEX areas_by_parent ON areas (parent);
CREATE TABLE area_successors (
    code TEXT NOT NULL,
    successor TEXT NOT NULL,
    PRIMARY KEY (code, successor)
);
CREATE TABLE area_tree (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO area_tree (id, version) VALUES (1, 0);
";

/// Brings `rows` into the tree: new areas are added, known ones changed, none removed.
///
/// # Errors
/// The rows that do not fit the tree as it would then be; nothing is stored.
pub fn import(tx: &Tx<'_>, rows: &[AreaRow]) -> Result<Imported, ImportError> {
    let known = all_rows(tx)?;
    let changes = import::decide(&known, rows)?;
    for row in &changes.rows {
        put(tx, row)?;
    }
    if !changes.rows.is_empty() {
        tx.execute(
            "UPDATE area_tree SET version = version + 1 WHERE id = 1",
            &[],
        )?;
    }
    Ok(Imported {
        added: changes.added,
        changed: changes.rows.len() - changes.added,
        version: version(tx)?,
    })
}

fn put(tx: &Tx<'_>, row: &AreaRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO areas (code, parent, level, name, valid_from, valid_to) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (code) DO UPDATE SET parent = excluded.parent, level = excluded.level, \
         name = excluded.name, valid_from = excluded.valid_from, valid_to = excluded.valid_to",
        params![
            row.area.code.as_str(),
            row.area.parent.as_ref().map(AreaCode::as_str),
            &row.area.level,
            &row.area.name,
            row.valid_from.as_deref(),
            row.valid_to.as_deref()
        ],
    )?;
    tx.execute(
        "DELETE FROM area_successors WHERE code = ?1",
        params![row.area.code.as_str()],
    )?;
    for successor in &row.successors {
        tx.execute(
            "INSERT INTO area_successors (code, successor) VALUES (?1, ?2)",
            params![row.area.code.as_str(), successor.as_str()],
        )?;
    }
    Ok(())
}

fn all_rows(tx: &Tx<'_>) -> Result<Vec<AreaRow>, StoreError> {
    let mut rows = tx.query(
        "SELECT code, parent, level, name, valid_from, valid_to FROM areas ORDER BY code",
        &[],
        |row| {
            Ok(AreaRow {
                area: read_area(row)?,
                valid_from: row.optional(4, Row::text)?,
                valid_to: row.optional(5, Row::text)?,
                successors: BTreeSet::new(),
            })
        },
    )?;
    tx.scan("SELECT code, successor FROM area_successors", &[], |row| {
        let code: AreaCode = row.parse(0)?;
        if let Ok(at) = rows.binary_search_by(|known| known.area.code.cmp(&code)) {
            rows[at].successors.insert(row.parse(1)?);
        }
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok(rows)
}

fn read_area(row: &Row<'_>) -> Result<Area, StoreError> {
    Ok(Area {
        code: row.parse(0)?,
        parent: row.optional(1, Row::parse)?,
        level: row.text(2)?,
        name: row.text(3)?,
    })
}

/// The version of the tree; 0 before the first import.
pub fn version(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let found = tx.query_opt("SELECT version FROM area_tree WHERE id = 1", &[], |row| {
        row.u64(0)
    })?;
    Ok(found.unwrap_or(0))
}

/// Whether the tree has this area, superseded or not.
pub fn is_known(tx: &Tx<'_>, code: &AreaCode) -> Result<bool, StoreError> {
    Ok(get(tx, code)?.is_some())
}

/// One area.
pub fn get(tx: &Tx<'_>, code: &AreaCode) -> Result<Option<Area>, StoreError> {
    tx.query_opt(
        "SELECT code, parent, level, name FROM areas WHERE code = ?1",
        params![code.as_str()],
        read_area,
    )
}

/// The areas that took the place of a superseded one; empty for a current one.
pub fn successors(tx: &Tx<'_>, code: &AreaCode) -> Result<Vec<AreaCode>, StoreError> {
    tx.query(
        "SELECT successor FROM area_successors WHERE code = ?1 ORDER BY successor",
        params![code.as_str()],
        |row| row.parse(0),
    )
}

/// `roots` and every area below them, in the order of their codes. Unknown roots are left out.
pub fn subtree(tx: &Tx<'_>, roots: &[AreaCode]) -> Result<BTreeSet<AreaCode>, StoreError> {
    let mut found = BTreeSet::new();
    for root in roots {
        if found.contains(root) {
            continue;
        }
        found.extend(tx.query(
            "WITH RECURSIVE below (code) AS ( \
               SELECT code FROM areas WHERE code = ?1 \
               UNION SELECT areas.code FROM areas JOIN below ON areas.parent = below.code \
             ) SELECT code FROM below",
            params![root.as_str()],
            |row| row.parse::<AreaCode>(0),
        )?);
    }
    Ok(found)
}

/// Whether `code` is one of `roots` or lies below one of them.
pub fn is_within(tx: &Tx<'_>, code: &AreaCode, roots: &[AreaCode]) -> Result<bool, StoreError> {
    let above: Vec<AreaCode> = tx.query(
        "WITH RECURSIVE above (code, parent) AS ( \
           SELECT code, parent FROM areas WHERE code = ?1 \
           UNION SELECT areas.code, areas.parent FROM areas JOIN above ON areas.code = above.parent \
         ) SELECT code FROM above",
        params![code.as_str()],
        |row| row.parse(0),
    )?;
    Ok(above.iter().any(|area| roots.contains(area)))
}

/// The areas that one lies in, itself first and the root last; empty for an unknown one.
pub fn up_from(tx: &Tx<'_>, code: &AreaCode) -> Result<Vec<AreaCode>, StoreError> {
    tx.query(
        "WITH RECURSIVE above (code, parent, height) AS ( \
           SELECT code, parent, 0 FROM areas WHERE code = ?1 \
           UNION SELECT areas.code, areas.parent, above.height + 1 \
           FROM areas JOIN above ON areas.code = above.parent \
         ) SELECT code FROM above ORDER BY height",
        params![code.as_str()],
        |row| row.parse(0),
    )
}

/// The whole tree as tablets hold it, parents before children.
pub fn list(tx: &Tx<'_>) -> Result<AreasReply, StoreError> {
    let areas = tx.query(
        "WITH RECURSIVE tree (code, depth) AS ( \
           SELECT code, 0 FROM areas WHERE parent IS NULL \
           UNION SELECT areas.code, tree.depth + 1 FROM areas JOIN tree ON areas.parent = tree.code \
         ) SELECT areas.code, areas.parent, areas.level, areas.name \
           FROM tree JOIN areas ON areas.code = tree.code ORDER BY tree.depth, areas.code",
        &[],
        read_area,
    )?;
    Ok(AreasReply {
        version: version(tx)?,
        areas,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    const TREE: &str = "code,parent,level,name\n\
        37,,province,山东省\n\
        b,a,town,乙\n\
        a,37,county,甲\n\
        3702,37,county,丙\n";

    fn code(text: &str) -> AreaCode {
        text.parse().unwrap()
    }

    async fn import_text(store: &Store, text: &str) -> Result<Imported, ImportError> {
        let rows = read_csv(text.as_bytes())?;
        store.write("import", move |tx| import(tx, &rows)).await
    }

    #[tokio::test]
    async fn a_tree_is_walked_by_the_parent_column() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let imported = import_text(&store, TREE).await.unwrap();
        assert_eq!(
            (imported.added, imported.changed, imported.version),
            (4, 0, 1)
        );
        store
            .read("walk", |tx| {
                assert_eq!(
                    subtree(tx, &[code("a"), code("b"), code("none")])?,
                    [code("a"), code("b")].into()
                );
                assert!(is_within(tx, &code("b"), &[code("37")])?);
                assert!(!is_within(tx, &code("3702"), &[code("a")])?);
                assert!(!is_within(tx, &code("none"), &[code("none")])?);
                let order: Vec<_> = list(tx)?.areas.into_iter().map(|a| a.code).collect();
                assert_eq!(order, [code("37"), code("3702"), code("a"), code("b")]);
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn the_version_rises_only_when_the_tree_changes() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        import_text(&store, TREE).await.unwrap();
        let same = import_text(&store, TREE).await.unwrap();
        assert_eq!((same.added, same.changed, same.version), (0, 0, 1));
        let superseded = "code,parent,level,name,valid_to,successors\n\
            b,a,town,乙,2025-12-31,c d\nc,a,town,丁,,\nd,a,town,戊,,\n";
        let imported = import_text(&store, superseded).await.unwrap();
        assert_eq!(
            (imported.added, imported.changed, imported.version),
            (2, 1, 2)
        );
        let after = store
            .read("successors", |tx| {
                Ok::<_, StoreError>((successors(tx, &code("b"))?, is_known(tx, &code("b"))?))
            })
            .await
            .unwrap();
        assert_eq!(after, (vec![code("c"), code("d")], true));
    }

    #[tokio::test]
    async fn a_tree_that_does_not_hold_together_is_refused_whole() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        import_text(&store, TREE).await.unwrap();
        let circle = "code,parent,level,name\na,b,county,甲\n";
        let refused = import_text(&store, circle).await.unwrap_err();
        let ImportError::Rows { first, .. } = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((first[0].line, &first[0].fault), (2, &RowFault::Circle));
        let orphan = "code,parent,level,name\nx,a,town,己\ny,zz,town,庚\n";
        assert!(import_text(&store, orphan).await.is_err());
        let known = store
            .read("known", |tx| is_known(tx, &code("x")))
            .await
            .unwrap();
        assert!(!known);
    }

    #[tokio::test]
    async fn the_real_tree_imports() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let imported = import_text(&store, crate::demo::AREA_TREE).await.unwrap();
        assert_eq!(imported.added, 7434);
        let county = store
            .read("county", |tx| subtree(tx, &[code("370724")]))
            .await
            .unwrap();
        assert!(county.len() > 100, "{}", county.len());
    }
}
