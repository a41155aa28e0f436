//! The VFS: SQLite's own for this system, with a look at the disk before each call.
//!
//! The only unsafe code of the project. What makes it sound: SQLite gives every open file `szOsFile` bytes, of which the
//! first are our [`File`] and the rest the system VFS's; it calls nothing on a file before `xOpen` or after `xClose`; the
//! system VFS is static and is never unregistered. Files outside any [`Disk`](super::Disk) are given to the system VFS as they are.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    ptr, slice,
    sync::{Arc, Once, OnceLock},
    time::Duration,
};

use rusqlite::ffi;

use super::{
    disk::{Answer, Shared, offset},
    plan::{Call, Effect},
};

/// SQLite waits for a lock by this share of the time it says: nobody else is there to give it back.
const WAIT_DIVISOR: u32 = 100;

/// SQLite's VFS for this system.
struct System(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite's VFSes are made to be used from every thread, and this one is only read.
unsafe impl Send for System {}
// SAFETY: as above.
unsafe impl Sync for System {}

static SYSTEM: OnceLock<System> = OnceLock::new();
static INSTALL: Once = Once::new();

/// An open file of ours; the system's lies behind it.
#[repr(C)]
struct File {
    methods: *const ffi::sqlite3_io_methods,
    opened: *mut Opened,
}

/// What we keep of an open file.
struct Opened {
    disk: Arc<Shared>,
    life: u64,
    inode: u64,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // With shared memory, without memory-mapped pages: every write is seen.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes this VFS the one of every connection opened from now on. Doing so again changes nothing.
///
/// # Panics
/// When SQLite has no VFS for this system.
pub fn install() {
    INSTALL.call_once(|| {
        // SAFETY: both calls are SQLite's own; the VFS found is static, and ours is leaked, so it is for ever too.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK, "SQLite starts");
            let system = ffi::sqlite3_vfs_find(ptr::null());
            assert!(!system.is_null(), "SQLite knows this system's files");
            let mut ours = *system;
            ours.iVersion = 2;
            ours.szOsFile += c_int::try_from(size_of::<File>()).expect("a small struct");
            ours.pNext = ptr::null_mut();
            ours.zName = c"failing".as_ptr();
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            ours.xSleep = Some(sleep);
            SYSTEM.get_or_init(|| System(system));
            let registered = ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 1);
            assert_eq!(registered, ffi::SQLITE_OK, "SQLite takes a VFS");
        }
    });
}

fn system() -> *mut ffi::sqlite3_vfs {
    SYSTEM.get().expect("set before ours is registered").0
}

/// # Safety
/// `file` is an open file of ours.
unsafe fn opened<'f>(file: *mut ffi::sqlite3_file) -> &'f Opened {
    // SAFETY: `open` put it there, and only `close` takes it away.
    unsafe { &*(*file.cast::<File>()).opened }
}

/// The system's file behind ours.
///
/// # Safety
/// `file` has `szOsFile` bytes.
unsafe fn behind(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: `szOsFile` counts both.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// Calls a method of the system's file.
macro_rules! real {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let file = behind($file);
        let method = (*(*file).pMethods).$method.expect("the system's VFS has every method of version 2");
        method(file $(, $argument)*)
    }};
}

/// # Safety
/// `name` ends with a zero byte.
unsafe fn path(name: *const c_char) -> PathBuf {
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    Path::new(OsStr::from_bytes(name.to_bytes())).to_owned()
}

const fn code(call: Call, effect: Effect) -> c_int {
    match (effect, call) {
        (Effect::Full, _) => ffi::SQLITE_FULL,
        (Effect::Busy, _) => ffi::SQLITE_BUSY,
        (_, Call::Open) => ffi::SQLITE_CANTOPEN,
        (_, Call::Read) => ffi::SQLITE_IOERR_READ,
        (_, Call::Write) => ffi::SQLITE_IOERR_WRITE,
        (_, Call::Sync) => ffi::SQLITE_IOERR_FSYNC,
        (_, Call::Truncate) => ffi::SQLITE_IOERR_TRUNCATE,
        (_, Call::Delete) => ffi::SQLITE_IOERR_DELETE,
        (_, Call::Lock) => ffi::SQLITE_IOERR_LOCK,
    }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives `szOsFile` bytes and a name that ends with a zero byte, or none for a file of its own.
    unsafe {
        let real_open = (*system()).xOpen.expect("the system's VFS can open a file");
        let path = (!name.is_null()).then(|| path(name));
        let Some((path, disk)) = path.and_then(|path| {
            let disk = Shared::of(&path)?;
            Some((path, disk))
        }) else {
            return real_open(system(), name, file, flags, out_flags);
        };
        (*file).pMethods = ptr::null();
        let life = disk.state().life();
        if let Answer::Fail(effect) = disk.state().answer(Call::Open, life) {
            return code(Call::Open, effect);
        }
        let fresh = !path.exists();
        let behind = behind(file);
        (*behind).pMethods = ptr::null();
        let answer = real_open(system(), name, behind, flags, out_flags);
        if answer != ffi::SQLITE_OK {
            return answer;
        }
        // The system's VFS syncs the folder with the first sync of a journal or a log.
        let journal =
            ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
        let syncs_folder = flags & journal != 0 && flags & ffi::SQLITE_OPEN_CREATE != 0;
        let inode = disk.state().opened(&path, fresh, syncs_folder);
        let opened = Box::new(Opened { disk, life, inode });
        file.cast::<File>().write(File {
            methods: &raw const METHODS,
            opened: Box::into_raw(opened),
        });
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn delete(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    syncs_folder: c_int,
) -> c_int {
    // SAFETY: SQLite gives a name that ends with a zero byte.
    unsafe {
        let path = path(name);
        if let Some(disk) = Shared::of(&path) {
            let mut state = disk.state();
            let life = state.life();
            if let Answer::Fail(effect) = state.answer(Call::Delete, life) {
                return code(Call::Delete, effect);
            }
            state.deleting(&path, syncs_folder != 0);
        }
        let real_delete = (*system())
            .xDelete
            .expect("the system's VFS can delete a file");
        real_delete(system(), name, syncs_folder)
    }
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    let asked = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
    std::thread::sleep(asked / WAIT_DIVISOR);
    micros
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: an open file of ours, closed once.
    unsafe {
        let ours = file.cast::<File>();
        drop(Box::from_raw((*ours).opened));
        (*ours).opened = ptr::null_mut();
        let answer = real!(file, xClose);
        (*file).pMethods = ptr::null();
        answer
    }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    bytes: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file of ours.
    unsafe {
        let ours = opened(file);
        if let Answer::Fail(effect) = ours.disk.state().answer(Call::Read, ours.life) {
            return code(Call::Read, effect);
        }
        real!(file, xRead, into, bytes, at)
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    bytes: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file of ours; SQLite gives that many bytes.
    unsafe {
        let ours = opened(file);
        let given = slice::from_raw_parts(from.cast::<u8>(), usize::try_from(bytes).unwrap_or(0));
        let start = offset(u64::try_from(at).unwrap_or(0));
        let mut state = ours.disk.state();
        let answer = state.answer(Call::Write, ours.life);
        let (written, answer) = match answer {
            Answer::Do => (given, ffi::SQLITE_OK),
            Answer::Fail(effect) => {
                // Killed: nothing of it. Out of power: it waits like every write. Failed: half of it.
                let part = match effect {
                    Effect::Error | Effect::Full => &given[..given.len() / 2],
                    Effect::PowerLoss | Effect::Kill | Effect::Busy => &given[..0],
                };
                if effect == Effect::PowerLoss
                    && let Some(log) = state.file(ours.inode)
                {
                    log.wrote(start, given);
                }
                (part, code(Call::Write, effect))
            }
        };
        if written.is_empty() {
            return answer;
        }
        let count = c_int::try_from(written.len()).unwrap_or(bytes);
        let done = real!(file, xWrite, written.as_ptr().cast(), count, at);
        if done != ffi::SQLITE_OK {
            return done;
        }
        if let Some(log) = state.file(ours.inode) {
            log.wrote(start, written);
        }
        answer
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: an open file of ours.
    unsafe {
        let ours = opened(file);
        let mut state = ours.disk.state();
        if let Answer::Fail(effect) = state.answer(Call::Truncate, ours.life) {
            return code(Call::Truncate, effect);
        }
        let done = real!(file, xTruncate, size);
        if done == ffi::SQLITE_OK
            && let Some(log) = state.file(ours.inode)
        {
            log.truncated(offset(u64::try_from(size).unwrap_or(0)));
        }
        done
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: an open file of ours. The system itself is not asked: what is durable is kept here.
    unsafe {
        let ours = opened(file);
        let mut state = ours.disk.state();
        match state.answer(Call::Sync, ours.life) {
            Answer::Do => {
                state.synced(ours.inode);
                ffi::SQLITE_OK
            }
            Answer::Fail(effect) => {
                if effect == Effect::Error {
                    state.sync_failed(ours.inode);
                }
                code(Call::Sync, effect)
            }
        }
    }
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    size: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file of ours.
    unsafe { real!(file, xFileSize, size) }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file of ours.
    unsafe {
        let ours = opened(file);
        if let Answer::Fail(effect) = ours.disk.state().answer(Call::Lock, ours.life) {
            return code(Call::Lock, effect);
        }
        real!(file, xLock, level)
    }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file of ours.
    unsafe { real!(file, xUnlock, level) }
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, found: *mut c_int) -> c_int {
    // SAFETY: an open file of ours.
    unsafe { real!(file, xCheckReservedLock, found) }
}

unsafe extern "C" fn file_control(
    file: *mut ffi::sqlite3_file,
    what: c_int,
    with: *mut c_void,
) -> c_int {
    // SAFETY: an open file of ours.
    unsafe { real!(file, xFileControl, what, with) }
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: an open file of ours.
    unsafe { real!(file, xSectorSize) }
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: an open file of ours.
    unsafe { real!(file, xDeviceCharacteristics) }
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    bytes: c_int,
    extend: c_int,
    into: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file of ours.
    unsafe { real!(file, xShmMap, region, bytes, extend, into) }
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    from: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: an open file of ours.
    unsafe {
        let ours = opened(file);
        if flags & ffi::SQLITE_SHM_LOCK != 0
            && let Answer::Fail(effect) = ours.disk.state().answer(Call::Lock, ours.life)
        {
            return code(Call::Lock, effect);
        }
        real!(file, xShmLock, from, count, flags)
    }
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: an open file of ours.
    unsafe { real!(file, xShmBarrier) }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    // SAFETY: an open file of ours.
    unsafe { real!(file, xShmUnmap, delete) }
}
