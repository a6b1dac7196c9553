//! Signing what is published: by which keys, for how long it is good, and which keys take the place of others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jicho::ErrorKind;
use jicho::manifest::signature::{self, Form, KeyList, PublicKey, Role, SigningKey, TrustedKeys};
use serde::{Deserialize, Serialize};

use super::{key, sequence};
use crate::error::{Error, Result};
use crate::file::read_up_to;
use crate::json;
use crate::output::store::local;

/// Longer than any file of key lists.
const MAX_LISTS: u64 = 1 << 20;

/// What the user asked of signatures.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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

    /// Checks that devices will accept what is signed now. A device follows the key lists that it finds, and then asks for
    /// the keys of the last one; and a list that is gone again, or replaced, leaves devices behind that follow it.
    pub(super) fn check_key_lists(&self, published: &[KeyList]) -> Result<()> {
        if !self.is_on() {
            return Ok(());
        }
        let lists = self.key_lists().unwrap_or(published);
        if !lists.starts_with(published) {
            return Err(Error::BadInput(format!(
                "the file of --key-lists does not begin with the {} key lists that are published, which devices follow: \
                 add lists to the file that was published last (`keyLists` in latest/metadata.json)",
                published.len()
            )));
        }
        let Some(list) = lists.last() else { return Ok(()) };
        let trusted = list.trusted_keys().unwrap_or_default();
        let signers: BTreeSet<String> = self.keys.iter().map(|key| key.public().to_hex()).collect();
        let count = signers.iter().filter(|signer| trusted.keys.iter().any(|key| key.to_hex() == **signer)).count();
        if trusted.keys.is_empty() || count < trusted.threshold {
            return Err(Error::BadInput(format!(
                "key list {} of this channel asks for signatures by {} of its keys, and {count} of them sign: devices \
                 would refuse the release; pass --sign for each of them",
                list.version, list.threshold
            )));
        }
        Ok(())
    }

    /// Checks that a published file was signed by one of these keys for one of `roles`, before it is signed anew. In which
    /// form it is signed; `None` where nothing is signed, or the user has looked at the file (`--resign`).
    pub(super) fn check_before_resigning(&self, file: &[u8], roles: &[Role], shown: &str) -> Result<Option<Form>> {
        if !self.is_on() || self.resign {
            return Ok(None);
        }
        let own = TrustedKeys::pinned(self.keys.iter().map(SigningKey::public).collect(), 1)?;
        let form = roles.iter().find_map(|role| signature::verify(file, *role, &own, Form::First).ok());
        form.map(Some).ok_or_else(|| {
            unproven(format!(
                "{shown} is not signed by the key that you sign with, or not for this use, so signing it anew would vouch for \
                 whatever lies there; check it, and pass --resign"
            ))
        })
    }
}

/// The error of a published file that is not to be signed anew on its own word.
pub(super) fn unproven(why: String) -> Error {
    jicho::Error::new(ErrorKind::BadSignature, why).into()
}

/// Reads a file of key lists: a JSON array.
fn read_lists(file: &Path) -> Result<Vec<KeyList>> {
    let text = read_up_to(file, MAX_LISTS)?;
    let unusable = |why: String| Error::BadInput(format!("{} is no file of key lists: {why}", file.display()));
    let lists: Vec<KeyList> = serde_json::from_slice(&text).map_err(|e| unusable(e.to_string()))?;
    if let Some(list) = lists.iter().find(|list| list.trusted_keys().is_none()) {
        return Err(unusable(format!("list {} makes no sense", list.version)));
    }
    match lists.windows(2).find(|pair| !leads_on(pair[0].trusted_keys(), &pair[1])) {
        Some(pair) => Err(unusable(format!("list {} does not lead on to list {}", pair[0].version, pair[1].version))),
        None => Ok(lists),
    }
}

/// Whether a device that trusts `trusted` follows `list`.
fn leads_on(trusted: Option<TrustedKeys>, list: &KeyList) -> bool {
    trusted.is_some_and(|trusted| {
        trusted.version < list.version && trusted.followed(std::slice::from_ref(list)).version == list.version
    })
}

/// Appends a list to a file of key lists, which is made where it is missing: from now on `trusted` sign, `threshold` of them
/// at a time. `signers` are the files of keys that are trusted so far, and of as many of the new ones as must sign: a list of
/// keys that nobody holds would end the channel.
///
/// # Errors
/// I/O errors; keys or a threshold that cannot be; signers that the list before does not trust, or too few of the new keys.
pub fn extend_list(file: &Path, trusted: &[String], threshold: usize, signers: &[PathBuf]) -> Result<KeyList> {
    let mut lists = if file.exists() { read_lists(file)? } else { Vec::new() };
    let keys = trusted.iter().map(|key| PublicKey::parse(key)).collect::<jicho::Result<Vec<_>>>()?;
    let signers = signers.iter().map(|file| key::read(file)).collect::<Result<Vec<_>>>()?;
    let version = lists.last().map_or(Some(1), |list| list.version.checked_add(1)).ok_or_else(|| {
        Error::BadInput(format!("the last list of {} has the highest version that there is", file.display()))
    })?;
    let list = KeyList::sign(version, threshold, &keys, &signers)?;
    if let Some(before) = lists.last()
        && !leads_on(before.trusted_keys(), &list)
    {
        let message = format!(
            "list {} trusts other keys: {} of its keys must sign the next one (--sign)",
            before.version, before.threshold
        );
        return Err(Error::BadInput(message));
    }
    if !leads_on(Some(TrustedKeys::pinned(keys, threshold)?), &list) {
        let message = format!(
            "{threshold} of the new keys must sign the list too, so that it names no key that nobody holds (--sign)"
        );
        return Err(Error::BadInput(message));
    }
    lists.push(list.clone());
    local::write_atomically(file, &json::pretty(&lists)?)?;
    Ok(list)
}
