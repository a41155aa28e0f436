//! Proofs of possession: DPoP (RFC 9449) with the body's digest as `bd`.
//!
//! Contract: a proof is good once, for one method, address, body and token, within five minutes of this
//! server's clock. Proofs already seen are remembered as long as they could be good, within a bound per key
//! and over all. The memory does not outlive the process: what a proof repeated after a restart could do is
//! bounded by the five minutes, and every request it could repeat has the same effect twice as once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ed25519_dalek::VerifyingKey;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use sojourn_sync_protocol::dpop::{Jwk, PROOF_TYPE, ProofClaims, body_text, sha256_text};
use sojourn_sync_protocol::{Timestamp, limits};
use subtle::ConstantTimeEq as _;

/// Bytes of a proof as it travels.
const PROOF_BYTES_MAX: usize = 4096;
/// Bytes of a `jti`.
const JTI_BYTES_MAX: usize = 128;
/// Proofs remembered for one key.
const SEEN_PER_KEY_MAX: usize = 65_536;
/// Keys whose proofs are remembered.
const KEYS_MAX: usize = 65_536;

/// What a proof must have been made for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// HTTP method, upper case.
    pub method: &'a str,
    /// Path of the request, without query.
    pub path: &'a str,
    /// Where tablets may reach this server.
    pub origins: &'a Origins,
    /// The access token that came along.
    pub token: Option<&'a str>,
    /// The body as it travelled.
    pub body: &'a [u8],
}

/// A good proof, not yet compared with those seen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The key that made it.
    pub key: VerifyingKey,
    jti: [u8; 16],
    made_at: Timestamp,
}

/// Why a proof is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadProof {
    /// Forged, malformed, made for something else, or seen before. Deliberately says no more.
    #[error("not a valid proof of possession")]
    Refused,
    /// All is well but the tablet's clock is too far from the server's.
    #[error("the clocks differ")]
    ClockSkew,
    /// The key has made more proofs in a short time than are remembered.
    #[error("too many requests")]
    TooMany,
}

/// The addresses at which tablets may reach this server. A proof made for another server is no good here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Exactly these, each as `https://host[:port]`.
    Listed(Vec<String>),
    /// Any port of this machine itself: what a server that listens only there accepts.
    Loopback,
}

impl Origins {
    /// Whether `url` is `path` at one of these addresses.
    fn have(&self, url: &str, path: &str) -> bool {
        url.strip_suffix(path)
            .is_some_and(|origin| self.include(origin))
    }

    /// Whether every one of these addresses is reached over TLS.
    pub fn are_secure(&self) -> bool {
        match self {
            Origins::Listed(listed) => listed.iter().all(|known| known.starts_with("https://")),
            Origins::Loopback => false,
        }
    }

    /// Whether `origin`, as `https://host[:port]`, is one of these addresses.
    pub fn include(&self, origin: &str) -> bool {
        match self {
            Origins::Listed(listed) => listed
                .iter()
                .any(|known| known.trim_end_matches('/').eq_ignore_ascii_case(origin)),
            Origins::Loopback => origin.strip_prefix("http://").is_some_and(is_loopback),
        }
    }
}

fn is_loopback(authority: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
        authority.strip_prefix(host).is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix(':')
                    .is_some_and(|port| port.parse::<u16>().is_ok())
        })
    })
}

/// Checks a proof against what it must have been made for.
pub fn check(proof: &str, wanted: &Wanted<'_>, now: Timestamp) -> Result<Proof, BadProof> {
    if proof.len() > PROOF_BYTES_MAX {
        return Err(BadProof::Refused);
    }
    let key = key_of(proof).ok_or(BadProof::Refused)?;
    let claims = claims_of(proof, &key).ok_or(BadProof::Refused)?;
    let right = claims.htm == wanted.method
        && wanted.origins.have(&claims.htu, wanted.path)
        && claims.jti.len() <= JTI_BYTES_MAX
        && !claims.jti.is_empty()
        && claims.ath == wanted.token.map(|token| sha256_text(token.as_bytes()))
        && same_text(&claims.bd, &body_text(wanted.body));
    if !right {
        return Err(BadProof::Refused);
    }
    let made_at = Timestamp::from_millis(claims.iat.saturating_mul(1000));
    if now.since(made_at).saturating_abs() > limits::CLOCK_SKEW_MS_MAX {
        return Err(BadProof::ClockSkew);
    }
    let digest: [u8; 32] = Sha256::digest(claims.jti.as_bytes()).into();
    let mut jti = [0; 16];
    jti.copy_from_slice(&digest[..16]);
    Ok(Proof { key, jti, made_at })
}

/// The key in the header of a proof, if the header is as it must be.
fn key_of(proof: &str) -> Option<VerifyingKey> {
    let (header, _) = proof.split_once('.')?;
    let header: ProofHeader = serde_json::from_slice(&BASE64URL.decode(header).ok()?).ok()?;
    // A private key must never travel (RFC 9449, section 4.3).
    let right = header.typ == PROOF_TYPE
        && header.alg == "EdDSA"
        && header.crit.is_none()
        && header.jwk.get("d").is_none();
    if !right {
        return None;
    }
    serde_json::from_value::<Jwk>(header.jwk).ok()?.key()
}

#[derive(Deserialize)]
struct ProofHeader {
    typ: String,
    alg: String,
    jwk: serde_json::Value,
    crit: Option<serde_json::Value>,
}

fn claims_of(proof: &str, key: &VerifyingKey) -> Option<ProofClaims> {
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_aud = false;
    let check = DecodingKey::from_ed_components(&Jwk::of(key).x).ok()?;
    jsonwebtoken::decode(proof, &check, &rules)
        .ok()
        .map(|read| read.claims)
}

/// Compares texts in a time that does not tell where they differ.
pub(crate) fn same_text(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The proofs seen lately.
#[derive(Debug, Default)]
pub struct Seen {
    keys: Mutex<HashMap<[u8; 32], KeySeen>>,
}

#[derive(Debug, Default)]
struct KeySeen {
    ids: HashSet<[u8; 16]>,
    /// Oldest arrival first, with the moment after which the proof is refused for its age anyway.
    order: VecDeque<(Timestamp, [u8; 16])>,
}

impl KeySeen {
    fn forget_old(&mut self, now: Timestamp) {
        while let Some((until, id)) = self.order.front()
            && *until < now
        {
            self.ids.remove(id);
            self.order.pop_front();
        }
    }
}

impl Seen {
    /// Remembers a proof; refuses one that was seen before. Call it last, once the key is known to be a device's.
    pub fn remember(&self, proof: &Proof, now: Timestamp) -> Result<(), BadProof> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let key = proof.key.to_bytes();
        if keys.len() >= KEYS_MAX && !keys.contains_key(&key) {
            keys.retain(|_, seen| {
                seen.forget_old(now);
                !seen.ids.is_empty()
            });
            if keys.len() >= KEYS_MAX {
                return Err(BadProof::TooMany);
            }
        }
        let seen = keys.entry(key).or_default();
        seen.forget_old(now);
        if seen.ids.contains(&proof.jti) {
            return Err(BadProof::Refused);
        }
        if seen.ids.len() >= SEEN_PER_KEY_MAX {
            return Err(BadProof::TooMany);
        }
        // The latest moment at which a proof that is good now can still be good. Kept for all alike, so
        // that the order of arrival is the order of forgetting.
        let until = now.plus_millis(2 * limits::CLOCK_SKEW_MS_MAX);
        debug_assert!(proof.made_at.plus_millis(limits::CLOCK_SKEW_MS_MAX) <= until);
        seen.ids.insert(proof.jti);
        seen.order.push_back((until, proof.jti));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};
    use sojourn_sync_protocol::dpop::{ProofFor, prove};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const WANTED: Wanted<'_> = Wanted {
        method: "POST",
        path: "/v1/sync",
        origins: &Origins::Loopback,
        token: Some("token"),
        body: b"body",
    };
    const MADE: ProofFor<'_> = ProofFor {
        method: "POST",
        url: "http://127.0.0.1:8080/v1/sync",
        token: Some("token"),
        body: b"body",
    };

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[5; 32])
    }

    #[test]
    fn a_proof_is_good_for_what_it_was_made_for_and_nothing_else() {
        let proof = |made| prove(&key(), made, NOW, [1; 12]);
        assert_eq!(
            check(&proof(MADE), &WANTED, NOW).unwrap().key,
            key().verifying_key()
        );
        let others = [
            ProofFor {
                method: "GET",
                ..MADE
            },
            ProofFor {
                url: "http://127.0.0.1:8080/v1/verify",
                ..MADE
            },
            ProofFor {
                url: "http://elsewhere:8080/v1/sync",
                ..MADE
            },
            ProofFor {
                url: "http://127.0.0.1.elsewhere/v1/sync",
                ..MADE
            },
            ProofFor {
                url: "http://127.0.0.1:80@elsewhere/v1/sync",
                ..MADE
            },
            ProofFor {
                token: None,
                ..MADE
            },
            ProofFor {
                token: Some("other"),
                ..MADE
            },
            ProofFor {
                body: b"other",
                ..MADE
            },
        ];
        for made in others {
            assert_eq!(
                check(&proof(made), &WANTED, NOW),
                Err(BadProof::Refused),
                "{made:?}"
            );
        }
        let listed = Origins::Listed(vec!["https://register.example/".to_owned()]);
        let wanted = Wanted {
            origins: &listed,
            ..WANTED
        };
        assert_eq!(check(&proof(MADE), &wanted, NOW), Err(BadProof::Refused));
        let made = ProofFor {
            url: "https://register.example/v1/sync",
            ..MADE
        };
        assert!(check(&proof(made), &wanted, NOW).is_ok());
    }

    #[test]
    fn a_clock_that_is_off_is_told_only_to_a_good_proof() {
        let skew = limits::CLOCK_SKEW_MS_MAX + 1000;
        for off in [skew, -skew] {
            let proof = prove(&key(), MADE, NOW.plus_millis(off), [1; 12]);
            assert_eq!(check(&proof, &WANTED, NOW), Err(BadProof::ClockSkew));
            let wanted = Wanted {
                body: b"x",
                ..WANTED
            };
            assert_eq!(check(&proof, &wanted, NOW), Err(BadProof::Refused));
        }
    }

    fn signed(header: &serde_json::Value, claims: &serde_json::Value) -> String {
        let signed = format!(
            "{}.{}",
            BASE64URL.encode(header.to_string()),
            BASE64URL.encode(claims.to_string())
        );
        let signature = key().sign(signed.as_bytes());
        format!("{signed}.{}", BASE64URL.encode(signature.to_bytes()))
    }

    #[test]
    fn headers_and_signatures_are_held_to() {
        let jwk = serde_json::to_value(Jwk::of(&key().verifying_key())).unwrap();
        let claims = serde_json::json!({
            "htm": "POST", "htu": MADE.url, "iat": NOW.seconds(), "jti": "j",
            "ath": sha256_text(b"token"), "bd": body_text(b"body"),
        });
        let header = serde_json::json!({"typ": PROOF_TYPE, "alg": "EdDSA", "jwk": jwk});
        assert!(check(&signed(&header, &claims), &WANTED, NOW).is_ok());
        let other =
            serde_json::to_value(Jwk::of(&SigningKey::from_bytes(&[6; 32]).verifying_key()));
        let mut private = jwk.clone();
        private["d"] = "secret".into();
        let headers = [
            serde_json::json!({"typ": PROOF_TYPE, "alg": "EdDSA", "jwk": private}),
            serde_json::json!({"typ": "JWT", "alg": "EdDSA", "jwk": jwk}),
            serde_json::json!({"typ": PROOF_TYPE, "alg": "HS256", "jwk": jwk}),
            serde_json::json!({"typ": PROOF_TYPE, "alg": "EdDSA"}),
            serde_json::json!({"typ": PROOF_TYPE, "alg": "EdDSA", "jwk": jwk, "crit": ["x"]}),
            serde_json::json!({"typ": PROOF_TYPE, "alg": "EdDSA", "jwk": other.unwrap()}),
        ];
        for header in headers {
            assert_eq!(
                check(&signed(&header, &claims), &WANTED, NOW),
                Err(BadProof::Refused),
                "{header}"
            );
        }
        for claim in ["htm", "htu", "iat", "jti", "ath", "bd"] {
            let mut without = claims.clone();
            without.as_object_mut().unwrap().remove(claim);
            let proof = signed(&header, &without);
            assert_eq!(
                check(&proof, &WANTED, NOW),
                Err(BadProof::Refused),
                "{claim}"
            );
        }
        for text in ["", "a.b.c", &"x".repeat(PROOF_BYTES_MAX + 1)] {
            assert_eq!(check(text, &WANTED, NOW), Err(BadProof::Refused));
        }
    }

    #[test]
    fn a_proof_is_good_once_and_forgotten_when_too_old_to_repeat() {
        let seen = Seen::default();
        let proof =
            |random: u8, at| check(&prove(&key(), MADE, at, [random; 12]), &WANTED, at).unwrap();
        let first = proof(1, NOW);
        assert_eq!(seen.remember(&first, NOW), Ok(()));
        assert_eq!(seen.remember(&first, NOW), Err(BadProof::Refused));
        assert_eq!(seen.remember(&proof(2, NOW), NOW), Ok(()));
        let later = NOW.plus_millis(2 * limits::CLOCK_SKEW_MS_MAX + 1);
        assert_eq!(seen.remember(&proof(3, later), later), Ok(()));
        let keys = seen.keys.lock().unwrap();
        assert_eq!(keys[&key().verifying_key().to_bytes()].ids.len(), 1);
    }
}
