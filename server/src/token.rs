//! Access tokens: EdDSA JWTs of ten minutes, bound to a device's key, signed by the key in the data folder.
//!
//! Contract: a token without `iss aud sub exp cnf`, of another type, or with critical headers is no token.
//! A token alone opens nothing: `proof` shows possession of the key it names.

use std::io::{Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ed25519_dalek::SigningKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sojourn_sync_protocol::dpop::thumbprint;
use sojourn_sync_protocol::message::TokenReply;
use sojourn_sync_protocol::{DeviceId, Timestamp, limits};

/// Name of the key file inside the data folder.
pub const KEY_FILE: &str = "server-key";
/// The `typ` of an access token (RFC 9068).
const TOKEN_TYPE: &str = "at+jwt";
/// Who tokens are for.
const AUDIENCE: &str = "sojourn-server";
/// Seconds by which the clocks of two servers that share a key may differ.
const LEEWAY_SECONDS: i64 = 5;
/// What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Signs and checks access tokens.
pub struct Tokens {
    issuer: String,
    sign: EncodingKey,
    check: DecodingKey,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: DeviceId,
    exp: i64,
    nbf: i64,
    iat: i64,
    cnf: Confirmation,
}

/// The key that must be shown along with the token (RFC 9449, section 6.1).
#[derive(Serialize, Deserialize)]
struct Confirmation {
    jkt: String,
}

/// Whom a good token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The device.
    pub device: DeviceId,
    /// Thumbprint of the key that must sign the proof.
    pub thumbprint: String,
    /// When the token ceases to be valid.
    pub expires_at: Timestamp,
}

/// Not a token of ours, or not any more. Deliberately says no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid access token")]
pub struct BadToken;

impl Tokens {
    /// Uses a signing key.
    ///
    /// # Panics
    /// Never: 32 bytes are an Ed25519 key.
    pub fn new(seed: [u8; 32]) -> Self {
        let public = SigningKey::from_bytes(&seed).verifying_key();
        let pkcs8 = [PKCS8_PREFIX.as_slice(), &seed].concat();
        let x = BASE64URL.encode(public.as_bytes());
        Tokens {
            // Another data folder is another issuer: its tokens are refused here.
            issuer: format!("sojourn:{}", thumbprint(&public)),
            sign: EncodingKey::from_ed_der(&pkcs8),
            check: DecodingKey::from_ed_components(&x).expect("base64url of 32 bytes"),
        }
    }

    /// Reads the key in `dir`, or makes it from `random` and writes it for its owner's eyes alone.
    pub fn open(dir: &Path, random: [u8; 32]) -> std::io::Result<Self> {
        let path = dir.join(KEY_FILE);
        match std::fs::File::open(&path) {
            Ok(mut file) => {
                let mut seed = Vec::new();
                file.read_to_end(&mut seed)?;
                let seed = <[u8; 32]>::try_from(seed.as_slice()).map_err(|_| {
                    let said = format!("{} is not a key of 32 bytes", path.display());
                    std::io::Error::new(std::io::ErrorKind::InvalidData, said)
                })?;
                Ok(Tokens::new(seed))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                write_private(dir, &path, &random)?;
                Ok(Tokens::new(random))
            }
            Err(error) => Err(error),
        }
    }

    /// A token for a device whose key has this thumbprint.
    ///
    /// # Panics
    /// Never: the key was checked when it was read.
    pub fn issue(&self, device: DeviceId, thumbprint: String, now: Timestamp) -> TokenReply {
        let expires_at = now.plus_millis(limits::TOKEN_MS);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: device,
            exp: expires_at.seconds(),
            nbf: now.seconds(),
            iat: now.seconds(),
            cnf: Confirmation { jkt: thumbprint },
        };
        let header = Header {
            typ: Some(TOKEN_TYPE.to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        TokenReply {
            token: jsonwebtoken::encode(&header, &claims, &self.sign)
                .expect("a 32-byte key signs plain claims"),
            expires_at,
            server_time: now,
        }
    }

    /// Whom `token` speaks for at `now`.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<Bearer, BadToken> {
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        // Times are judged below, by the clock that is an argument.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        let read =
            jsonwebtoken::decode::<Claims>(token, &self.check, &rules).map_err(|_| BadToken)?;
        let typed = read.header.typ.as_deref() == Some(TOKEN_TYPE);
        let claims = read.claims;
        let live = claims.exp.saturating_add(LEEWAY_SECONDS) > now.seconds()
            && claims.nbf.saturating_sub(LEEWAY_SECONDS) <= now.seconds();
        if !typed || read.header.crit.is_some() || !live {
            return Err(BadToken);
        }
        Ok(Bearer {
            device: claims.sub,
            thumbprint: claims.cnf.jkt,
            expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1000)),
        })
    }
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

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const DEVICE: DeviceId = DeviceId::from_bytes([1; 16]);

    fn tokens() -> Tokens {
        Tokens::new([7; 32])
    }

    /// Signs any header and claims with the server's own key.
    fn forge(header: serde_json::Value, change: impl FnOnce(&mut serde_json::Value)) -> String {
        let mut claims = serde_json::json!({
            "iss": tokens().issuer, "aud": AUDIENCE, "sub": DEVICE.to_string(),
            "exp": NOW.seconds() + 600, "nbf": NOW.seconds(), "iat": NOW.seconds(), "cnf": {"jkt": "k"},
        });
        change(&mut claims);
        let signed = format!(
            "{}.{}",
            BASE64URL.encode(header.to_string()),
            BASE64URL.encode(claims.to_string())
        );
        let signature =
            ed25519_dalek::Signer::sign(&SigningKey::from_bytes(&[7; 32]), signed.as_bytes());
        format!("{signed}.{}", BASE64URL.encode(signature.to_bytes()))
    }

    fn header() -> serde_json::Value {
        serde_json::json!({"typ": TOKEN_TYPE, "alg": "EdDSA"})
    }

    #[test]
    fn a_token_speaks_for_its_device_until_it_expires() {
        let reply = tokens().issue(DEVICE, "k".to_owned(), NOW);
        let bearer = tokens().check(&reply.token, NOW).unwrap();
        assert_eq!((bearer.device, bearer.thumbprint.as_str()), (DEVICE, "k"));
        assert_eq!(bearer.expires_at, reply.expires_at);
        assert!(
            tokens()
                .check(&reply.token, NOW.plus_millis(limits::TOKEN_MS - 1000))
                .is_ok()
        );
        assert!(
            tokens()
                .check(&reply.token, NOW.plus_millis(limits::TOKEN_MS + 6000))
                .is_err()
        );
        assert!(
            tokens()
                .check(&reply.token, NOW.plus_millis(-60_000))
                .is_err()
        );
    }

    #[test]
    fn every_wrong_token_is_refused_alike() {
        assert!(tokens().check(&forge(header(), |_| ()), NOW).is_ok());
        for claim in ["iss", "aud", "sub", "exp", "nbf", "cnf"] {
            let token = forge(header(), |claims| {
                claims.as_object_mut().unwrap().remove(claim);
            });
            assert_eq!(
                tokens().check(&token, NOW),
                Err(BadToken),
                "without {claim}"
            );
        }
        for (claim, value) in [("iss", "sojourn:other"), ("aud", "other"), ("sub", "other")] {
            let token = forge(header(), |claims| claims[claim] = value.into());
            assert_eq!(tokens().check(&token, NOW), Err(BadToken), "other {claim}");
        }
        let headers = [
            serde_json::json!({"typ": "JWT", "alg": "EdDSA"}),
            serde_json::json!({"alg": "EdDSA"}),
            serde_json::json!({"typ": TOKEN_TYPE, "alg": "EdDSA", "crit": ["b64"]}),
            serde_json::json!({"typ": TOKEN_TYPE, "alg": "HS256"}),
            serde_json::json!({"typ": TOKEN_TYPE, "alg": "none"}),
        ];
        for header in headers {
            assert_eq!(
                tokens().check(&forge(header.clone(), |_| ()), NOW),
                Err(BadToken),
                "{header}"
            );
        }
        let other = Tokens::new([8; 32])
            .issue(DEVICE, "k".to_owned(), NOW)
            .token;
        let mut cut = forge(header(), |_| ());
        cut.pop();
        for token in ["", "a.b.c", "....", &other, &cut] {
            assert_eq!(tokens().check(token, NOW), Err(BadToken), "{token}");
        }
    }

    #[test]
    fn the_key_is_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let first = Tokens::open(dir.path(), [1; 32]).unwrap();
        let token = first.issue(DEVICE, "k".to_owned(), NOW).token;
        let again = Tokens::open(dir.path(), [2; 32]).unwrap();
        assert!(again.check(&token, NOW).is_ok());
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
