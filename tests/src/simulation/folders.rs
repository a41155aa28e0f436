//! Folders of the world: in memory, and copied as a kill or a backup leaves them.

use std::{fs, path::Path};

use tempfile::TempDir;

/// A folder in memory where the machine has one: the world ends with it.
pub(super) fn memory_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a temporary folder")
}

/// A copy as a kill would leave it: nobody writes meanwhile, and the engine's shared memory is not on the disk.
pub(super) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a temporary folder");
    for entry in fs::read_dir(from).expect("a folder of this world") {
        let path = entry.expect("a folder of this world").path();
        let name = path.file_name().expect("an entry has a name");
        if path.is_file() && !name.to_string_lossy().ends_with("-shm") {
            fs::copy(&path, to.join(name)).expect("a file of this world");
        }
    }
}
