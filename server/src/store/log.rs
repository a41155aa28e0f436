//! The write-ahead log between two openings. A commit whose sync failed stands in it as the system reads it, and is not on
//! the disk: a later sync does not write it either. So a log that was left is written anew before the engine reads it, and
//! then folded into the database before anything is promised on top of it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::error::BUSY_RETRY;
use super::{StoreError, unreachable};

/// Puts a copy that is on the disk in the place of the log of the database `file`, if one was left. Without room for it the
/// log stays as it is.
pub(super) fn write_anew(file: &Path) -> Result<(), StoreError> {
    let (log, copy) = (beside(file, "-wal"), beside(file, "-wal.fresh"));
    let write = || -> io::Result<()> {
        match fs::remove_file(&copy) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match fs::metadata(&log) {
            Ok(found) if found.len() > 0 => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        fs::copy(&log, &copy)?;
        File::options().write(true).open(&copy)?.sync_all()?;
        fs::rename(&copy, &log)?;
        log.parent()
            .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    };
    match write().map_err(|error| unreachable(&log, &error)) {
        Err(StoreError::DiskFull) => {
            // What was copied of it takes room; if it cannot be removed now, the next opening does.
            let _ = fs::remove_file(&copy);
            Ok(())
        }
        done => done,
    }
}

/// Writes all that is in the log into the database and empties the log.
pub(super) fn fold(connection: &rusqlite::Connection) -> Result<(), StoreError> {
    let busy = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, bool>(0)
        })
        .map_err(StoreError::from_sqlite)?;
    if busy {
        return Err(StoreError::Busy {
            retry_after: BUSY_RETRY,
        });
    }
    Ok(())
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
