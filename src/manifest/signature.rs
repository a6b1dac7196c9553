//! Signatures of metadata.json: Ed25519 (RFC 8032). A signed file is the JSON object as it was, with one more member,
//! its last, in a fixed form: `,"signature":{"key":"…","value":"…"}}`. All bytes before that are signed, so nobody needs
//! to write JSON twice the same way, and whoever does not care for signatures reads the file as ever.

use ed25519_dalek::{Signature, Signer};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::hash::hex;

/// Comes before what is signed, so that a signature of something else is never one of metadata.json.
const DOMAIN: &[u8] = b"jicho metadata v1\n";
const KEY: &[u8] = br#","signature":{"key":""#;
const VALUE: &[u8] = br#"","value":""#;
const END: &[u8] = br#""}}"#;
/// Hex digits of a key's name and of a signature.
const NAME: usize = 16;
const SIGNATURE: usize = 128;
const SUFFIX: usize = KEY.len() + NAME + VALUE.len() + SIGNATURE + END.len();

/// A key that an app trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// Reads 64 hex digits.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`].
    pub fn parse(text: &str) -> Result<Self> {
        let key = from_hex::<32>(text.as_bytes()).and_then(|b| ed25519_dalek::VerifyingKey::from_bytes(&b).ok());
        // A weak key would accept signatures that nobody made.
        key.filter(|key| !key.is_weak()).map(PublicKey).ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "a public key is the 64 hex digits that `jicho keygen` prints")
        })
    }

    /// Its 64 hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(self.0.as_bytes())
    }

    /// Its name in a signature: the first 16 hex digits of its SHA-256.
    #[must_use]
    pub fn name(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes())[..NAME / 2])
    }
}

/// The secret that signs. Never in an app.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of a seed of random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The key that apps are given.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey of {}", self.public().name())
    }
}

/// The file signed.
///
/// # Errors
/// [`ErrorKind::InvalidManifest`] for anything but a JSON object with members and without a signature.
pub fn sign(json: &[u8], key: &SigningKey) -> Result<Vec<u8>> {
    let members = Members::of(json).map_err(|e| Error::new(ErrorKind::InvalidManifest, e))?;
    let before = json.trim_ascii_end().strip_suffix(b"}").map(<[u8]>::trim_ascii_end);
    let Some(before) = before.filter(|b| members.signature.is_none() && b.trim_ascii_start() != b"{") else {
        return Err(Error::new(ErrorKind::InvalidManifest, "only an unsigned JSON object with members can be signed"));
    };
    let value = hex(&key.0.sign(&message(before)).to_bytes());
    Ok([before, KEY, key.public().name().as_bytes(), VALUE, value.as_bytes(), END, b"\n"].concat())
}

/// Checks that the file has a signature by one of `keys`.
///
/// # Errors
/// [`ErrorKind::BadSignature`], with what is wrong.
pub fn verify(file: &[u8], keys: &[PublicKey]) -> Result<()> {
    let bad = |what: String| Error::new(ErrorKind::BadSignature, format!("metadata.json {what}"));
    let Some(Signed { before, name, value }) = Signed::of(file) else {
        return Err(bad("is not signed, but this app asks for a signature: publish with --sign".into()));
    };
    let mut named = keys.iter().filter(|key| key.name().as_bytes() == name).peekable();
    if named.peek().is_none() {
        let name = String::from_utf8_lossy(name);
        return Err(bad(format!("is signed with the key {name}, which this app does not trust")));
    }
    let signature = from_hex(value).map(|bytes| Signature::from_bytes(&bytes));
    let message = message(before);
    if !signature.is_some_and(|s| named.any(|key| key.0.verify_strict(&message, &s).is_ok())) {
        return Err(bad("was changed after it was signed".into()));
    }
    // Else another `signature` could be read than the one that was verified.
    Members::of(file).map(drop).map_err(bad)
}

/// The name of the key that a file says it is signed with; none of an unsigned file. Proves nothing.
#[must_use]
pub fn signed_by(file: &[u8]) -> Option<String> {
    Signed::of(file).map(|signed| String::from_utf8_lossy(signed.name).into_owned())
}

/// A signed file's parts.
struct Signed<'a> {
    before: &'a [u8],
    name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Signed<'a> {
    fn of(file: &'a [u8]) -> Option<Self> {
        let file = file.strip_suffix(b"\n").unwrap_or(file);
        let (before, suffix) = file.split_at_checked(file.len().checked_sub(SUFFIX)?)?;
        let (name, rest) = suffix.strip_prefix(KEY)?.split_at_checked(NAME)?;
        let (value, end) = rest.strip_prefix(VALUE)?.split_at_checked(SIGNATURE)?;
        let is_hex = |text: &[u8]| text.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (end == END && is_hex(name) && is_hex(value)).then_some(Signed { before, name, value })
    }
}

/// What matters of the members; one that is there twice is an error.
#[derive(Deserialize)]
struct Members {
    #[serde(default)]
    signature: Option<IgnoredAny>,
}

impl Members {
    fn of(file: &[u8]) -> Result<Self, String> {
        if file.trim_ascii_start().first() != Some(&b'{') {
            return Err("is no JSON object".into());
        }
        serde_json::from_slice(file).map_err(|e| format!("is no JSON object with one signature: {e}"))
    }
}

fn message(before: &[u8]) -> Vec<u8> {
    [DOMAIN, before].concat()
}

fn from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
