//! The write-ahead log between two openings. A commit whose sync failed stands in it as the system reads it, and is not on
//! the disk: a later sync does not write it either. So a log that was left is written anew before the engine reads it, and
//! then folded into the database before anything is promised on top of it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::salvage::{remove, sync_names};
use crate::store::StoreError;
use crate::store::open::DATABASE;

const COPY: &str = "tablet.db-wal.fresh";

/// Puts a copy that is on the disk in the place of the log in `dir`, if one was left. Without room for it the log stays as
/// it is.
pub(super) fn write_anew(dir: &Path) -> Result<(), StoreError> {
    let (log, copy) = (dir.join(format!("{DATABASE}-wal")), dir.join(COPY));
    let write = || -> io::Result<()> {
        fs::copy(&log, &copy)?;
        File::options().write(true).open(&copy)?.sync_all()?;
        fs::rename(&copy, &log)
    };
    remove(dir, COPY)?;
    if fs::metadata(&log).is_ok_and(|found| found.len() > 0) {
        match write().map_err(|error| StoreError::io(&log, error)) {
            Err(StoreError::DiskFull) => remove(dir, COPY)?,
            written => written.and_then(|()| sync_names(dir))?,
        }
    }
    Ok(())
}
