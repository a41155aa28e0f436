//! From a passphrase to the database's key.
//!
//! `key.json` holds what is needed to derive the key again (never the key): the cost of Argon2id, its
//! salt, the cipher's own salt and a check tag. The tag tells a wrong passphrase before the database is
//! touched, so a wrong key and a corrupt file are two different answers. A second copy, `key.json.copy`,
//! stands in when the first cannot be read: without its salt a database is lost.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{StoreError, place};
use crate::clock::{Random, draw};

const KEY_FILE: &str = "key.json";
const KEY_FILE_COPY: &str = "key.json.copy";
const FORMAT: u32 = 1;
/// Most memory a key file may ask for, in KiB: a damaged file must not exhaust the tablet.
const MEMORY_KIB_MAX: u32 = 192 * 1024;
const PASSES_MAX: u32 = 16;

/// What deriving a key costs. Kept in the key file, so it may be raised for new tablets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl KeyCost {
    /// For tablets: above the OWASP minimum for Argon2id (19 MiB, 2 passes), a fifth of a second or so.
    pub const STANDARD: Self = Self {
        memory_kib: 64 * 1024,
        passes: 2,
    };
    /// For tests that open many databases; it protects nothing.
    pub const TESTS: Self = Self {
        memory_kib: 8,
        passes: 1,
    };
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    format: u32,
    kdf: String,
    cost: KeyCost,
    salt: String,
    cipher_salt: String,
    check: String,
}

/// The raw key and salt of one database.
pub(crate) struct DatabaseKey {
    key: Zeroizing<[u8; 32]>,
    salt: [u8; 16],
}

impl DatabaseKey {
    /// The statement that gives SQLCipher the key, to be the first on a connection. Naming the salt too
    /// means that damage to the file's first bytes does not change the key.
    pub(crate) fn pragma(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(128));
        text.push_str("PRAGMA key = \"x'");
        for byte in self.key.iter().chain(&self.salt) {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        }
        text.push_str("'\"");
        text
    }
}

/// Whether `dir` has a key file already.
pub(crate) fn exists(dir: &Path) -> bool {
    [KEY_FILE, KEY_FILE_COPY]
        .iter()
        .any(|name| place::exists(&dir.join(name)))
}

/// Makes a key for a new database and writes both key files.
pub(crate) fn create(
    dir: &Path,
    passphrase: &str,
    cost: KeyCost,
    random: &mut dyn Random,
) -> Result<DatabaseKey, StoreError> {
    let (salt, cipher_salt): ([u8; 16], [u8; 16]) = (draw(random), draw(random));
    let (key, check) = derive(passphrase, &salt, cost)?;
    let file = KeyFile {
        format: FORMAT,
        kdf: "argon2id-19".into(),
        cost,
        salt: hex(&salt),
        cipher_salt: hex(&cipher_salt),
        check: hex(&check),
    };
    let text = serde_json::to_vec_pretty(&file).expect("a key file is plain data");
    // The copy first: when the second write fails, the next opening finds a whole key.
    for name in [KEY_FILE_COPY, KEY_FILE] {
        place::write_whole(&dir.join(name), &text)?;
    }
    Ok(DatabaseKey {
        key,
        salt: cipher_salt,
    })
}

/// Derives the key of the database in `dir` and compares it with the check tag.
pub(crate) fn open(dir: &Path, passphrase: &str) -> Result<DatabaseKey, StoreError> {
    let mut failure = None;
    for name in [KEY_FILE, KEY_FILE_COPY] {
        let path = dir.join(name);
        match read(&path) {
            Ok((file, salt, cipher_salt, check)) => {
                let (key, found) = derive(passphrase, &salt, file.cost)?;
                return if found == check {
                    Ok(DatabaseKey {
                        key,
                        salt: cipher_salt,
                    })
                } else {
                    Err(StoreError::WrongKey)
                };
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.unwrap_or(StoreError::KeyFile {
        path: dir.join(KEY_FILE),
        reason: "not found".into(),
    }))
}

type ReadKey = (KeyFile, [u8; 16], [u8; 16], [u8; 32]);

fn read(path: &Path) -> Result<ReadKey, StoreError> {
    let wrong = |reason: String| StoreError::KeyFile {
        path: PathBuf::from(path),
        reason,
    };
    let text = place::read(path).map_err(|error| wrong(error.to_string()))?;
    let file: KeyFile = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    if file.format != FORMAT {
        return Err(wrong(format!("format {} is not known", file.format)));
    }
    let field = || wrong("a field has the wrong length".into());
    let salt = unhex(&file.salt).ok_or_else(field)?;
    let cipher_salt = unhex(&file.cipher_salt).ok_or_else(field)?;
    let check = unhex(&file.check).ok_or_else(field)?;
    if file.cost.memory_kib > MEMORY_KIB_MAX || file.cost.passes > PASSES_MAX {
        return Err(wrong("the cost is out of bounds".into()));
    }
    Ok((file, salt, cipher_salt, check))
}

type Derived = (Zeroizing<[u8; 32]>, [u8; 32]);

fn derive(passphrase: &str, salt: &[u8; 16], cost: KeyCost) -> Result<Derived, StoreError> {
    let wrong = |error: argon2::Error| StoreError::KeyFile {
        path: PathBuf::from(KEY_FILE),
        reason: error.to_string(),
    };
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(64)).map_err(wrong)?;
    let mut out = Zeroizing::new([0u8; 64]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, out.as_mut_slice())
        .map_err(wrong)?;
    let mut key = Zeroizing::new([0u8; 32]);
    key.copy_from_slice(&out[..32]);
    let check = Sha256::new()
        .chain_update(b"sojourn key check 1")
        .chain_update(&out[32..])
        .finalize();
    Ok((key, check.into()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N * 2 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededRandom;

    fn key_of(made: &DatabaseKey) -> String {
        made.pragma().to_string()
    }

    #[test]
    fn the_right_passphrase_gives_the_key_again_and_a_wrong_one_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let made = create(
            dir.path(),
            "spring tea",
            KeyCost::TESTS,
            &mut SeededRandom::new(1),
        )
        .unwrap();
        assert_eq!(
            key_of(&open(dir.path(), "spring tea").unwrap()),
            key_of(&made)
        );
        assert!(matches!(
            open(dir.path(), "spring teb"),
            Err(StoreError::WrongKey)
        ));
    }

    #[test]
    fn a_damaged_key_file_is_replaced_by_its_copy() {
        let dir = tempfile::tempdir().unwrap();
        let made = create(
            dir.path(),
            "spring tea",
            KeyCost::TESTS,
            &mut SeededRandom::new(2),
        )
        .unwrap();
        std::fs::write(dir.path().join(KEY_FILE), b"{").unwrap();
        assert_eq!(
            key_of(&open(dir.path(), "spring tea").unwrap()),
            key_of(&made)
        );
        std::fs::remove_file(dir.path().join(KEY_FILE_COPY)).unwrap();
        assert!(matches!(
            open(dir.path(), "spring tea"),
            Err(StoreError::KeyFile { .. })
        ));
    }

    #[test]
    fn a_key_file_that_asks_for_all_memory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), "x", KeyCost::TESTS, &mut SeededRandom::new(3)).unwrap();
        for name in [KEY_FILE, KEY_FILE_COPY] {
            let path = dir.path().join(name);
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(
                &path,
                text.replace("\"memory_kib\": 8", "\"memory_kib\": 4000000000"),
            )
            .unwrap();
        }
        assert!(matches!(
            open(dir.path(), "x"),
            Err(StoreError::KeyFile { .. })
        ));
    }
}
