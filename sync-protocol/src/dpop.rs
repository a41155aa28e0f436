//! Proof of possession: a DPoP proof (RFC 9449) by the device's Ed25519 key, with the body's digest as
//! claim `bd`. Made here for the tablet; the server checks it with its JWT library.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::time::Timestamp;

/// The `typ` of a proof's header.
pub const PROOF_TYPE: &str = "dpop+jwt";
/// The HTTP header that carries it.
pub const PROOF_HEADER: &str = "dpop";
/// The scheme in the `Authorization` header.
pub const TOKEN_SCHEME: &str = "DPoP";

/// Random bytes of a proof's `jti`.
pub const JTI_BYTES: usize = 12;
/// Bytes of a body's digest in a proof.
const BODY_DIGEST_BYTES: usize = 16;

/// What a proof claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofClaims {
    /// HTTP method, upper case.
    pub htm: String,
    /// Address of the request without query or fragment.
    pub htu: String,
    /// When it was made, in seconds since the epoch.
    pub iat: i64,
    /// Twelve random bytes, base64url; a proof is good once.
    pub jti: String,
    /// base64url SHA-256 of the access token; absent where no token goes along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ath: Option<String>,
    /// base64url of the first half of SHA-256 over the body as it travels (over no bytes when there is none).
    pub bd: String,
}

/// A public key as a JSON Web Key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// The 32 bytes of the key, base64url.
    pub x: String,
}

impl Jwk {
    /// The key of a device.
    pub fn of(key: &VerifyingKey) -> Self {
        Self {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: BASE64URL.encode(key.as_bytes()),
        }
    }

    /// The key again; `None` when it is of another sort or not a point of the curve.
    pub fn key(&self) -> Option<VerifyingKey> {
        if self.kty != "OKP" || self.crv != "Ed25519" {
            return None;
        }
        let bytes: [u8; 32] = BASE64URL.decode(&self.x).ok()?.try_into().ok()?;
        VerifyingKey::from_bytes(&bytes).ok()
    }
}

/// base64url SHA-256: the form of `ath`.
pub fn sha256_text(bytes: &[u8]) -> String {
    BASE64URL.encode(Sha256::digest(bytes))
}

/// base64url of the first half of SHA-256: the form of `bd`. Nobody finds other bytes with the same 128 bits.
pub fn body_text(bytes: &[u8]) -> String {
    BASE64URL.encode(&Sha256::digest(bytes)[..BODY_DIGEST_BYTES])
}

/// What a proof is made for.
#[derive(Debug, Clone, Copy)]
pub struct ProofFor<'a> {
    /// HTTP method, upper case.
    pub method: &'a str,
    /// Full address without query or fragment.
    pub url: &'a str,
    /// The access token that goes along.
    pub token: Option<&'a str>,
    /// The body as it travels.
    pub body: &'a [u8],
}

/// Makes a proof: a compact JWT.
pub fn prove(
    key: &SigningKey,
    request: ProofFor<'_>,
    now: Timestamp,
    random: [u8; JTI_BYTES],
) -> String {
    let header = serde_json::json!({
        "typ": PROOF_TYPE, "alg": "EdDSA", "jwk": Jwk::of(&key.verifying_key()),
    });
    let claims = ProofClaims {
        htm: request.method.into(),
        htu: request.url.into(),
        iat: now.seconds(),
        jti: BASE64URL.encode(random),
        ath: request.token.map(|token| sha256_text(token.as_bytes())),
        bd: body_text(request.body),
    };
    let claims = serde_json::to_vec(&claims).expect("claims are plain strings and numbers");
    let signed = format!(
        "{}.{}",
        BASE64URL.encode(header.to_string()),
        BASE64URL.encode(claims)
    );
    let signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", BASE64URL.encode(signature.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_signed_and_names_the_request() {
        let key = SigningKey::from_bytes(&[5; 32]);
        let request = ProofFor {
            method: "POST",
            url: "http://a/v1/sync",
            token: Some("t"),
            body: b"b",
        };
        let proof = prove(&key, request, Timestamp::from_millis(1999), [0; 12]);
        let (signed, signature) = proof.rsplit_once('.').unwrap();
        let signature: [u8; 64] = BASE64URL.decode(signature).unwrap().try_into().unwrap();
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        assert!(
            key.verifying_key()
                .verify_strict(signed.as_bytes(), &signature)
                .is_ok()
        );
        let claims = BASE64URL.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: ProofClaims = serde_json::from_slice(&claims).unwrap();
        assert_eq!((claims.iat, claims.htm.as_str()), (1, "POST"));
        assert_eq!(claims.ath, Some(sha256_text(b"t")));
        assert_eq!((claims.bd.len(), claims.bd), (22, body_text(b"b")));
    }
}
