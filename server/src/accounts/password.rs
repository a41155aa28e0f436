//! Passwords: which may be chosen, and their slow hash (Argon2id, RFC 9106; cost as OWASP's cheat sheet has it). A bounded number
//! is worked on at once, so that strangers cannot fill the machine's memory with tries.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::AccountName;

/// Characters of a password, at least.
pub const CHARS_MIN: usize = 12;
/// Bytes of a password, at most.
pub const BYTES_MAX: usize = 256;
/// Memory of one hash, KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Hashes worked on at once.
const AT_ONCE: usize = 2;
/// What stands for the hash of who has none: of the same cost, and opened by nothing, whatever is typed.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$+DMg0Hsxx2CZGOKL/waFFg82zXwGXdCIU5N1SN6XKPQ";
/// Distinct characters that a password needs.
const DISTINCT_MIN: usize = 5;

/// Whether somebody may choose this password: long enough, more than a few characters over and over, and not their own name.
pub fn may_be_chosen(password: &str, name: &AccountName) -> bool {
    let distinct: std::collections::BTreeSet<char> = password.chars().collect();
    password.chars().count() >= CHARS_MIN
        && password.len() <= BYTES_MAX
        && distinct.len() >= DISTINCT_MIN
        && !password.to_lowercase().contains(name.as_str())
}

/// Where hashes are worked out.
#[derive(Debug)]
pub struct Hashing {
    turns: Semaphore,
}

impl Default for Hashing {
    fn default() -> Self {
        Hashing {
            turns: Semaphore::new(AT_ONCE),
        }
    }
}

impl Hashing {
    /// The slow hash of a password.
    pub async fn hash(&self, password: String, salt: [u8; 16]) -> String {
        self.slowly(move || hash(&password, &salt)).await
    }

    /// Whether a password is the one of this hash. Without a hash it takes as long and is not.
    pub async fn verify(&self, password: String, kept: Option<String>) -> bool {
        let known = kept.is_some();
        let kept = kept.unwrap_or_else(|| DECOY.to_owned());
        self.slowly(move || verify(&password, &kept)).await && known
    }

    async fn slowly<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let _turn = self.turns.acquire().await;
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the cost is in bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str, salt: &[u8; 16]) -> String {
    argon2()
        .hash_password_with_salt(password.as_bytes(), salt)
        .expect("a salt of 16 bytes, a password within bounds")
        .to_string()
}

/// The cost is the one in the hash, so that it can be raised.
fn verify(password: &str, kept: &str) -> bool {
    PasswordHash::new(kept)
        .is_ok_and(|kept| argon2().verify_password(password.as_bytes(), &kept).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_not_ones_own_name() {
        let name: AccountName = "ding-1".parse().unwrap();
        for good in ["correct horse battery", "春眠不觉晓处处闻啼鸟夜来"] {
            assert!(may_be_chosen(good, &name), "{good}");
        }
        for bad in [
            "short",
            "aaaaaaaaaaaaaaaa",
            "my name is Ding-1 indeed",
            "春眠不觉晓",
        ] {
            assert!(!may_be_chosen(bad, &name), "{bad}");
        }
        assert!(!may_be_chosen(&"abcdefgh".repeat(40), &name));
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_alone() {
        let hashing = Hashing::default();
        let kept = hashing
            .hash("correct horse battery".to_owned(), [2; 16])
            .await;
        let cost = |hash: &str| hash.rsplitn(3, '$').last().unwrap().to_owned();
        assert_eq!(cost(&kept), "$argon2id$v=19$m=19456,t=2,p=1");
        assert_eq!(cost(&kept), cost(DECOY), "both take as long");
        for (typed, kept, good) in [
            ("correct horse battery", Some(kept.clone()), true),
            ("correct horse batterz", Some(kept), false),
            (
                "correct horse battery",
                Some("not a hash".to_owned()),
                false,
            ),
            // Of an empty password, and yet it opens nothing.
            ("", None, false),
        ] {
            assert_eq!(
                hashing.verify(typed.to_owned(), kept).await,
                good,
                "{typed}"
            );
        }
    }
}
