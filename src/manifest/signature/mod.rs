//! Signatures of metadata.json: Ed25519 (RFC 8032).
//!
//! A signed file is the JSON object as it was, with `signatures` as one more member at its end, in a fixed form. All bytes
//! before that member are signed, together with the file's [`Role`]. So nobody needs to write JSON twice the same way, and
//! a reader that does not care for signatures parses the file as ever. For apps that know only the first form, a member
//! `signature` follows, by one key and without a role. Format: `docs/formats/metadata.md`.

mod key_list;
mod keys;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::{Error, ErrorKind, Result};
pub use key_list::{KeyList, KeySignature, TrustedKeys};
pub use keys::{PublicKey, SigningKey};

/// Hex digits of a key's name and of a signature.
const NAME_DIGITS: usize = 16;
const SIGNATURE_DIGITS: usize = 128;
/// The most signatures of a file that are looked at.
const MOST_SIGNATURES: usize = 32;

/// What a metadata.json may be used as. It is part of what is signed, so that nobody can serve a candidate, which only some
/// devices should take, as the release in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The release in force: `latest/metadata.json`.
    Latest,
    /// A release on trial: the file that `latest/metadata.json` names as its candidate.
    Candidate,
}

/// How a file is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// By one key, without a role.
    First,
    /// By one or more keys, for one role.
    Second,
}

impl Role {
    /// Comes before the file's bytes in what is signed.
    fn domain(self) -> &'static [u8] {
        match self {
            Role::Latest => b"jicho metadata v2 latest\n",
            Role::Candidate => b"jicho metadata v2 candidate\n",
        }
    }
}

/// What the first form puts before the file's bytes.
const FIRST_DOMAIN: &[u8] = b"jicho metadata v1\n";

/// Signs a file by every one of `keys`, for `role`, and by the first of them in the form that older apps know.
///
/// # Errors
/// [`ErrorKind::InvalidManifest`] for anything but a JSON object with members and without a signature;
/// [`ErrorKind::InvalidArgument`] without keys.
pub fn sign(json: &[u8], role: Role, keys: &[SigningKey]) -> Result<Vec<u8>> {
    let first = keys.first().ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "a key is needed to sign"))?;
    let before = unsigned(json)?;
    let message = [role.domain(), before].concat();
    let entries: Vec<String> = keys.iter().map(|key| entry(key, &message)).collect();
    let second = [before, format!(",\"signatures\":[{}]", entries.join(",")).as_bytes()].concat();
    let first = entry(first, &[FIRST_DOMAIN, &second].concat());
    Ok([second, format!(",\"signature\":{first}}}\n").into_bytes()].concat())
}

/// Signs a file in the first form alone, as companions did before files had roles.
///
/// # Errors
/// As [`sign`].
pub fn sign_first_form(json: &[u8], key: &SigningKey) -> Result<Vec<u8>> {
    let before = unsigned(json)?;
    let value = entry(key, &[FIRST_DOMAIN, before].concat());
    Ok([before, format!(",\"signature\":{value}}}\n").as_bytes()].concat())
}

/// The bytes of an unsigned JSON object before its closing brace.
fn unsigned(json: &[u8]) -> Result<&[u8]> {
    let members = Members::of(json).map_err(|e| Error::new(ErrorKind::InvalidManifest, e))?;
    let is_unsigned = members.signature.is_none() && members.signatures.is_none();
    let before = json.trim_ascii_end().strip_suffix(b"}").map(<[u8]>::trim_ascii_end);
    before.filter(|before| is_unsigned && before.trim_ascii_start() != b"{").ok_or_else(|| {
        Error::new(ErrorKind::InvalidManifest, "only an unsigned JSON object with members can be signed")
    })
}

fn entry(key: &SigningKey, message: &[u8]) -> String {
    format!("{{\"key\":\"{}\",\"value\":\"{}\"}}", key.public().name(), key.sign(message))
}

/// Checks that a file is signed for `role` by as many of the trusted keys as they ask for. A file of the first form has no
/// role: it passes only where `accepted` is [`Form::First`], that is where no file of the second form came from the channel
/// yet, and where one key is enough. Which form it has.
///
/// # Errors
/// [`ErrorKind::BadSignature`], with what is wrong.
pub fn verify(file: &[u8], role: Role, trusted: &TrustedKeys, accepted: Form) -> Result<Form> {
    let bad = |what: String| Error::new(ErrorKind::BadSignature, format!("metadata.json {what}"));
    let signed = Signed::of(file);
    let form = if signed.second.is_empty() { Form::First } else { Form::Second };
    let (message, signatures) = match form {
        Form::Second => ([role.domain(), signed.before].concat(), &signed.second),
        Form::First => ([FIRST_DOMAIN, signed.before].concat(), &signed.first),
    };
    if signatures.is_empty() {
        return Err(bad("is not signed, but this app asks for a signature: publish with --sign".into()));
    }
    if form < accepted {
        let what = "is signed in the old form, which this channel no longer uses: a replayed file, or an older `jicho`";
        return Err(bad(what.into()));
    }
    let is_trusted = |name: &[u8]| trusted.keys.iter().any(|key| key.name().as_bytes() == name);
    if !signatures.iter().any(|s| is_trusted(s.name)) {
        let names: Vec<_> = signatures.iter().map(|s| String::from_utf8_lossy(s.name)).collect();
        return Err(bad(format!("is signed with the key {}, which this app does not trust", names.join(", "))));
    }
    let count = trusted.count(&message, signatures.iter().map(|s| (s.name, s.value)));
    if count == 0 {
        let role = if role == Role::Latest { "the release in force" } else { "a candidate" };
        return Err(bad(format!("was changed after it was signed, or was not signed as {role}")));
    }
    if count < trusted.threshold {
        return Err(bad(format!("is signed by {count} trusted keys, but {} are needed", trusted.threshold)));
    }
    // Else another `signature` could be read than the one that was verified.
    Members::of(file).map_err(bad)?;
    Ok(form)
}

/// The names of the keys that a file says it is signed with, in its newest form; none of an unsigned file. Proves nothing.
#[must_use]
pub fn signed_by(file: &[u8]) -> Vec<String> {
    let Signed { second, first, .. } = Signed::of(file);
    let signatures = if second.is_empty() { first } else { second };
    signatures.iter().map(|s| String::from_utf8_lossy(s.name).into_owned()).collect()
}

/// A file's parts.
struct Signed<'a> {
    /// What the newest form in the file signed: all bytes before its member.
    before: &'a [u8],
    /// The entries of `signatures`, the last first.
    second: Vec<Entry<'a>>,
    /// `signature`: one entry, or none.
    first: Vec<Entry<'a>>,
}

struct Entry<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Read from the end, where the members have their fixed form; what has another form counts as unsigned.
    fn of(file: &'a [u8]) -> Self {
        let file = file.strip_suffix(b"\n").unwrap_or(file);
        let Some(mut rest) = file.strip_suffix(b"}") else {
            return Signed { before: file, second: Vec::new(), first: Vec::new() };
        };
        let mut first = Vec::new();
        if let Some((before, entry)) = last_entry(rest)
            && let Some(before) = before.strip_suffix(b",\"signature\":")
        {
            first.push(entry);
            rest = before;
        }
        let mut second = Vec::new();
        let mut entries = rest.strip_suffix(b"]");
        while let Some((before, entry)) = entries.and_then(last_entry) {
            second.push(entry);
            if let Some(before) = before.strip_suffix(b",\"signatures\":[") {
                return Signed { before, second, first };
            }
            entries = before.strip_suffix(b",").filter(|_| second.len() < MOST_SIGNATURES);
        }
        Signed { before: rest, second: Vec::new(), first }
    }
}

/// The entry at the end of `text`, and what is before it.
fn last_entry(text: &[u8]) -> Option<(&[u8], Entry<'_>)> {
    const KEY: &[u8] = br#"{"key":""#;
    const VALUE: &[u8] = br#"","value":""#;
    const END: &[u8] = br#""}"#;
    const LENGTH: usize = KEY.len() + NAME_DIGITS + VALUE.len() + SIGNATURE_DIGITS + END.len();
    let (before, entry) = text.split_at_checked(text.len().checked_sub(LENGTH)?)?;
    let (name, rest) = entry.strip_prefix(KEY)?.split_at_checked(NAME_DIGITS)?;
    let (value, end) = rest.strip_prefix(VALUE)?.split_at_checked(SIGNATURE_DIGITS)?;
    let is_hex = |text: &[u8]| text.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (end == END && is_hex(name) && is_hex(value)).then_some((before, Entry { name, value }))
}

/// Whether the members that matter are there; one that is there twice is an error.
#[derive(Deserialize)]
struct Members {
    #[serde(default)]
    signatures: Option<IgnoredAny>,
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
