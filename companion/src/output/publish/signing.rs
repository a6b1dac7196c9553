//! Signing what is published: by which keys, for how long it is good, and which keys take the place of others.

use std::path::{Path, PathBuf};

use jicho::ErrorKind;
use jicho::manifest::signature::{self, Form, KeyList, PublicKey, Role, SigningKey, TrustedKeys};

use super::{key, sequence};
use crate::error::{Error, Result, at};
use crate::json;
use crate::output::store::local;

/// What the user asked of signatures.
#[derive(Debug, Clone, Default)]
pub struct SigningTerms {
    /// The files of the keys to sign with; older apps know the signature of the first only.
    pub keys: Vec<PathBuf>,
    /// Whether a signed channel may become an unsigned one.
    pub unsigned: bool,
    /// Whether a release that is not signed by one of the keys may be signed anew.
    pub resign: bool,
    /// After how many days `latest/metadata.json` must have been written anew.
    pub expires_days: Option<u32>,
    /// The file of key lists ([`extend_list`]).
    pub key_lists: Option<PathBuf>,
}

/// The same, with the keys read.
pub(super) struct Signing {
    keys: Vec<SigningKey>,
    pub(super) unsigned: bool,
    resign: bool,
    expires_days: Option<u32>,
    key_lists: Option<Vec<KeyList>>,
}

impl Signing {
    pub(super) fn read(terms: &SigningTerms) -> Result<Self> {
        Ok(Signing {
            keys: terms.keys.iter().map(|file| key::read(file)).collect::<Result<_>>()?,
            unsigned: terms.unsigned,
            resign: terms.resign,
            expires_days: terms.expires_days,
            key_lists: terms.key_lists.as_deref().map(read_lists).transpose()?,
        })
    }

    pub(super) fn is_on(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The names of the keys, joined by commas.
    pub(super) fn names(&self) -> String {
        self.keys.iter().map(|key| key.public().name()).collect::<Vec<_>>().join(", ")
    }

    /// When what is written now expires, Unix seconds.
    pub(super) fn expires(&self) -> Option<u64> {
        self.expires_days.map(|days| sequence::now() + 86_400 * u64::from(days))
    }

    /// The key lists to publish, where others are given than those that are published.
    pub(super) fn key_lists(&self) -> Option<&[KeyList]> {
        self.key_lists.as_deref()
    }

    /// The file signed for `role`, or as it is where nothing is to be signed.
    pub(super) fn sign(&self, json: &[u8], role: Role) -> Result<Vec<u8>> {
        if !self.is_on() {
            return Ok(json.to_vec());
        }
        Ok(signature::sign(json, role, &self.keys)?)
    }

    /// Checks that a published file may be signed anew: whoever can write to the store must not be able to have their own
    /// file signed by a rollback.
    pub(super) fn check_before_resigning(&self, file: &[u8], shown: &str) -> Result<()> {
        if !self.is_on() || self.resign {
            return Ok(());
        }
        let own = TrustedKeys::pinned(self.keys.iter().map(SigningKey::public).collect(), 1)?;
        let verify = |role| signature::verify(file, role, &own, Form::First);
        verify(Role::Latest).or_else(|_| verify(Role::Candidate)).map(drop).map_err(|_| {
            let message = format!(
                "{shown} is not signed by the key that you sign with, so signing it anew would vouch for whatever lies \
                 there; check it, and pass --resign"
            );
            Error::from(jicho::Error::new(ErrorKind::BadSignature, message))
        })
    }
}

/// Reads a file of key lists: a JSON array.
fn read_lists(file: &Path) -> Result<Vec<KeyList>> {
    let text = std::fs::read(file).map_err(at(file))?;
    let unusable = |why: String| Error::BadInput(format!("{} is no file of key lists: {why}", file.display()));
    let lists: Vec<KeyList> = serde_json::from_slice(&text).map_err(|e| unusable(e.to_string()))?;
    match lists.iter().find(|list| list.trusted_keys().is_none()) {
        Some(list) => Err(unusable(format!("list {} makes no sense", list.version))),
        None => Ok(lists),
    }
}

/// Appends a list to a file of key lists, which is made where it is missing: from now on `trusted` sign, `threshold` of them
/// at a time. `signers` are the files of keys that are trusted so far.
///
/// # Errors
/// I/O errors; keys or a threshold that cannot be; signers that the list before does not trust.
pub fn extend_list(file: &Path, trusted: &[String], threshold: usize, signers: &[PathBuf]) -> Result<KeyList> {
    let mut lists = if file.exists() { read_lists(file)? } else { Vec::new() };
    let keys = trusted.iter().map(|key| PublicKey::parse(key)).collect::<jicho::Result<Vec<_>>>()?;
    let signers = signers.iter().map(|file| key::read(file)).collect::<Result<Vec<_>>>()?;
    let version = lists.last().map_or(1, |list| list.version + 1);
    let list = KeyList::sign(version, threshold, &keys, &signers)?;
    if let Some(before) = lists.last().and_then(KeyList::trusted_keys)
        && before.followed(std::slice::from_ref(&list)).version != version
    {
        let message = format!(
            "list {} trusts other keys: {} of its keys must sign the next one (--sign)",
            before.version, before.threshold
        );
        return Err(Error::BadInput(message));
    }
    lists.push(list.clone());
    local::write_atomically(file, &json::pretty(&lists)?)?;
    Ok(list)
}
