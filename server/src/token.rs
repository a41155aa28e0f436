//! Access tokens: opaque to whoever carries them, good for ten minutes, for one device with one key.
//!
//! A token is base64url of the device's id, the second in which it ends, and a code over both and the device's public key, under
//! the key in the data folder (HMAC-SHA-256, shortened to 16 bytes). Only this server reads tokens, so it needs no signature, and
//! the key that `proof` shows possession of is bound without being written into it.

use std::io::{Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ed25519_dalek::VerifyingKey;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sojourn_sync_protocol::message::TokenReply;
use sojourn_sync_protocol::{DeviceId, Timestamp, limits};

/// Name of the key file inside the data folder.
pub const KEY_FILE: &str = "server-key";
/// What a code is made over begins with this, so that it is good for nothing else.
const PURPOSE: &[u8] = b"sojourn-token-1\0";
/// Seconds by which the clocks of two servers that share a key may differ.
const LEEWAY_SECONDS: i64 = 5;
const ID_BYTES: usize = 16;
const END_BYTES: usize = 4;
const CODE_BYTES: usize = 16;

/// Makes and checks access tokens.
pub struct Tokens {
    code: Hmac<Sha256>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// Whom a good token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The device.
    pub device: DeviceId,
    /// When the token ceases to be valid.
    pub expires_at: Timestamp,
}

/// Not a token of ours, or not any more. Deliberately says no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid access token")]
pub struct BadToken;

impl Tokens {
    /// Uses a key. Another data folder has another one, and its tokens are refused here.
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length.
    pub fn new(key: [u8; 32]) -> Self {
        Tokens {
            code: Hmac::new_from_slice(&key).expect("a key of any length"),
        }
    }

    /// Reads the key in `dir`, or makes it from `random` and writes it for its owner's eyes alone.
    pub fn open(dir: &Path, random: [u8; 32]) -> std::io::Result<Self> {
        let path = dir.join(KEY_FILE);
        match std::fs::File::open(&path) {
            Ok(mut file) => {
                let mut key = Vec::new();
                file.read_to_end(&mut key)?;
                let key = <[u8; 32]>::try_from(key.as_slice()).map_err(|_| {
                    let said = format!("{} is not a key of 32 bytes", path.display());
                    std::io::Error::new(std::io::ErrorKind::InvalidData, said)
                })?;
                Ok(Tokens::new(key))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                write_private(dir, &path, &random)?;
                Ok(Tokens::new(random))
            }
            Err(error) => Err(error),
        }
    }

    fn code_over(&self, said: &[u8], key: &VerifyingKey) -> Hmac<Sha256> {
        self.code
            .clone()
            .chain_update(PURPOSE)
            .chain_update(said)
            .chain_update(key.as_bytes())
    }

    /// A token for a device with this key.
    pub fn issue(&self, device: DeviceId, key: &VerifyingKey, now: Timestamp) -> TokenReply {
        let end = u32::try_from(now.plus_millis(limits::TOKEN_MS).seconds()).unwrap_or(u32::MAX);
        let mut token = [device.as_bytes().as_slice(), &end.to_be_bytes()].concat();
        let code = self.code_over(&token, key).finalize().into_bytes();
        token.extend_from_slice(&code[..CODE_BYTES]);
        TokenReply {
            token: BASE64URL.encode(token),
            expires_at: moment(end),
            server_time: now,
        }
    }

    /// Whom `token` speaks for at `now`, shown by whoever has `key`.
    pub fn check(
        &self,
        token: &str,
        key: &VerifyingKey,
        now: Timestamp,
    ) -> Result<Bearer, BadToken> {
        let token = BASE64URL.decode(token).map_err(|_| BadToken)?;
        let token: &[u8; ID_BYTES + END_BYTES + CODE_BYTES] =
            token.as_slice().try_into().map_err(|_| BadToken)?;
        let (said, code) = token.split_at(ID_BYTES + END_BYTES);
        self.code_over(said, key)
            .verify_truncated_left(code)
            .map_err(|_| BadToken)?;
        let Some((id, end)) = said.split_first_chunk::<ID_BYTES>() else {
            return Err(BadToken);
        };
        let end = u32::from_be_bytes(end.try_into().map_err(|_| BadToken)?);
        let left = i64::from(end) - now.seconds();
        // One that ends later than any that could be given now was given by a clock that has been put back since.
        if left + LEEWAY_SECONDS <= 0 || left > limits::TOKEN_MS / 1000 + LEEWAY_SECONDS {
            return Err(BadToken);
        }
        Ok(Bearer {
            device: DeviceId::from_bytes(*id),
            expires_at: moment(end),
        })
    }
}

fn moment(seconds: u32) -> Timestamp {
    Timestamp::from_millis(i64::from(seconds) * 1000)
}

/// Writes beside and renames, so that a key file is whole or absent.
fn write_private(dir: &Path, path: &Path, key: &[u8; 32]) -> std::io::Result<()> {
    let beside = dir.join("server-key.new");
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(key)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    std::fs::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const DEVICE: DeviceId = DeviceId::from_bytes([1; 16]);

    fn tokens() -> Tokens {
        Tokens::new([7; 32])
    }

    fn key(n: u8) -> VerifyingKey {
        SigningKey::from_bytes(&[n; 32]).verifying_key()
    }

    #[test]
    fn a_token_speaks_for_its_device_until_it_expires() {
        let reply = tokens().issue(DEVICE, &key(1), NOW);
        let bearer = tokens().check(&reply.token, &key(1), NOW).unwrap();
        assert_eq!(
            (bearer.device, bearer.expires_at),
            (DEVICE, reply.expires_at)
        );
        for (off, good) in [
            (limits::TOKEN_MS - 1000, true),
            (limits::TOKEN_MS + 6000, false),
            (-4000, true),
            (-60_000, false),
        ] {
            let then = NOW.plus_millis(off);
            assert_eq!(
                tokens().check(&reply.token, &key(1), then).is_ok(),
                good,
                "{off}"
            );
        }
    }

    #[test]
    fn every_wrong_token_is_refused_alike() {
        let good = tokens().issue(DEVICE, &key(1), NOW).token;
        assert_eq!(
            tokens().check(&good, &key(2), NOW),
            Err(BadToken),
            "stolen by another key"
        );
        let bytes = BASE64URL.decode(&good).unwrap();
        for at in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[at / 8] ^= 1 << (at % 8);
            let forged = BASE64URL.encode(forged);
            assert_eq!(
                tokens().check(&forged, &key(1), NOW),
                Err(BadToken),
                "bit {at}"
            );
        }
        let other = Tokens::new([8; 32]).issue(DEVICE, &key(1), NOW).token;
        let (cut, longer) = (&good[..good.len() - 4], format!("{good}AAAA"));
        for token in ["", "a.b.c", "....", &other, cut, &longer] {
            assert_eq!(
                tokens().check(token, &key(1), NOW),
                Err(BadToken),
                "{token}"
            );
        }
    }

    #[test]
    fn the_key_is_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let first = Tokens::open(dir.path(), [1; 32]).unwrap();
        let token = first.issue(DEVICE, &key(1), NOW).token;
        let again = Tokens::open(dir.path(), [2; 32]).unwrap();
        assert!(again.check(&token, &key(1), NOW).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let file = std::fs::metadata(dir.path().join(KEY_FILE)).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(dir.path().join(KEY_FILE), b"short").unwrap();
        assert!(Tokens::open(dir.path(), [1; 32]).is_err());
    }
}
