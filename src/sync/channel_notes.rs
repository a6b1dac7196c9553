//! What a device notes of a channel beside its release: which signatures it accepts, and which releases it cannot run.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::build;
use crate::error::{Error, ErrorKind};
use crate::manifest::signature::KeyList;

/// How many refused releases are remembered. A channel offers one in force and one on trial.
const MOST_REFUSED: usize = 4;

/// Kept as JSON ([`super::Store::notes`]; `docs/formats/device.md`). Fields that are missing have their default, so that an
/// older version's notes are read; unknown ones are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChannelNotes {
    /// 2 once a signature with a role was accepted: from then on none without is.
    pub(super) signature_form: u8,
    /// Which keys the app pinned when `key_list` was adopted.
    pub(super) pinned: String,
    /// The keys that took the place of the pinned ones.
    pub(super) key_list: Option<KeyList>,
    /// The highest `releaseSeq` that was stored while this device's clock did not say that it is from the future. A release up
    /// to this number goes on keeping older ones out when the clock falls back.
    pub(super) checked_seq: u64,
    /// Releases whose files are as published and that this device cannot run; they are not fetched again.
    pub(super) refused: Vec<Refused>,
}

/// A release that this device cannot run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refused {
    /// Of its metadata.json.
    sha256: String,
    /// The version and build of the library that could not run it; another one tries again.
    #[serde(rename = "libraryVersion")]
    refused_by: String,
    /// Why: the code and message of the error.
    code: String,
    message: String,
}

impl ChannelNotes {
    /// What can be read of stored notes: a field that is damaged takes no other along. The stored release stands in for notes
    /// that are lost ([`super::Session::stored`]).
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut fields: Map<String, Value> = serde_json::from_slice(bytes).unwrap_or_default();
        ChannelNotes {
            signature_form: field(&mut fields, "signatureForm"),
            pinned: field(&mut fields, "pinned"),
            key_list: field(&mut fields, "keyList"),
            checked_seq: field(&mut fields, "checkedSeq"),
            refused: field(&mut fields, "refused"),
        }
    }

    /// Takes over what another tab has noted: whatever tightens what is accepted stays.
    pub(super) fn merge(&mut self, other: Self) {
        self.signature_form = self.signature_form.max(other.signature_form);
        self.checked_seq = self.checked_seq.max(other.checked_seq);
        if self.pinned.is_empty() {
            self.pinned.clone_from(&other.pinned);
        }
        let version = |list: &Option<KeyList>| list.as_ref().map(|list| list.version);
        if self.pinned == other.pinned && version(&other.key_list) > version(&self.key_list) {
            self.key_list = other.key_list;
        }
        for refused in other.refused {
            if self.refused.iter().all(|r| r.sha256 != refused.sha256) {
                self.refused.push(refused);
            }
        }
        self.refused.truncate(MOST_REFUSED);
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Strings and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Why this build cannot run the release whose metadata.json has that hash, if that was found out before.
    pub(super) fn refusal(&self, sha256: &str) -> Option<Error> {
        let refused = self.refused.iter().find(|r| r.sha256 == sha256 && r.refused_by == library_version())?;
        let kind = ErrorKind::ALL.iter().find(|kind| kind.code() == refused.code)?;
        Some(Error::new(*kind, refused.message.clone()))
    }

    /// Notes that this build cannot run a release. Whether that is news.
    pub(super) fn refuse(&mut self, sha256: &str, error: &Error) -> bool {
        // Only what lies in the release itself: another attempt gives the same result.
        if !matches!(error.kind(), ErrorKind::InvalidModel | ErrorKind::GoldenMismatch) {
            return false;
        }
        self.refused.retain(|r| r.sha256 != sha256);
        self.refused.insert(
            0,
            Refused {
                sha256: sha256.to_owned(),
                refused_by: library_version(),
                code: error.code().to_owned(),
                message: error.message().to_owned(),
            },
        );
        self.refused.truncate(MOST_REFUSED);
        true
    }
}

/// A field's value, or its default where it is missing or damaged.
fn field<T: DeserializeOwned + Default>(fields: &mut Map<String, Value>, name: &str) -> T {
    fields.remove(name).and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}

fn library_version() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), build())
}
