//! Identifiers and secrets.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use sha2::{Digest, Sha256};

/// A new id such as `job_2m7q…`: what it is of, and 80 random bits, which nobody has twice.
pub fn new(kind: &str) -> String {
    format!("{kind}_{}", BASE32_NOPAD.encode(&random::<10>()).to_lowercase())
}

/// A new secret: 256 random bits as 43 characters of base64url.
pub fn secret() -> String {
    BASE64URL_NOPAD.encode(&random::<32>())
}

/// What is stored of a secret. It has 256 random bits, so that nobody finds it from a plain hash by guessing.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Random bytes of the system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    bytes
}
