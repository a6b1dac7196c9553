//! What a support person asks for, as far as this side knows it. Nothing in it is personal.

use serde::Serialize;

use super::stored::seconds;
use super::sync_run::Findings;
use super::{Loaded, Outcome};
use crate::error::Error;
use crate::manifest::FileRole;
use crate::manifest::signature::signed_by;

/// An open channel, described.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Version of this library.
    pub version: &'static str,
    /// The models' base URL.
    pub models: String,
    /// The channel.
    pub channel: String,
    /// How many public keys the app pinned; 0 where it asks for no signature.
    pub keys: usize,
    /// How many different keys must have signed a release.
    pub threshold: usize,
    /// The version of the key list that took the place of the pinned keys; 0 where none did.
    pub key_list: u64,
    /// How many products the app knows; null where it did not say.
    pub products: Option<usize>,
    /// The model that answers, if there is one.
    pub model: Option<DiagnosedModel>,
    /// Whether what is stored survives the page.
    pub durable: bool,
    /// Bytes of failed downloads that the next sync will resume.
    pub kept_bytes: usize,
    /// The last sync since the channel was opened.
    pub last_check: Option<Check>,
}

/// The model that answers.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DiagnosedModel {
    /// Name of its release.
    pub version: String,
    /// The release's number.
    pub release_seq: u64,
    /// The number of the latest/metadata.json that named it: another than the release's own while it is on trial.
    pub latest_seq: u64,
    /// When that file should have been replaced, Unix seconds; null where it does not say.
    pub expires: Option<u64>,
    /// Whether it is a candidate, which only a share of the devices takes.
    pub candidate: bool,
    /// The names of the keys that it says it is signed with, joined by commas. Verified only where `keys` is above 0.
    pub signed_by: Option<String>,
    /// What runs its network.
    pub engine: &'static str,
    /// The files that it was loaded from.
    pub files: Vec<DiagnosedFile>,
    /// Whether it survives the page.
    pub stored: bool,
    /// Why it does not survive the page; null while it may.
    pub stored_problem: Option<String>,
}

/// A file that the model was loaded from.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DiagnosedFile {
    /// What it is for.
    pub role: FileRole,
    /// Lower-case hex of its SHA-256.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// How the last sync went.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// When it ended, milliseconds since 1970, by the device's clock.
    pub at: f64,
    /// How it ended; null where it failed.
    pub outcome: Option<Outcome>,
    /// Why it failed, or null.
    pub error: Option<Problem>,
    /// Why the host could not be reached, where the outcome is `offline`; else null.
    pub cause: Option<Problem>,
    /// Why the candidate that this device should have taken was not taken, or null.
    pub candidate_error: Option<Problem>,
    /// The `releaseSeq` of the host's latest/metadata.json; null where it was not read.
    pub host_seq: Option<u64>,
    /// When that file should have been replaced, Unix seconds; null where it does not say.
    pub expires: Option<u64>,
    /// Whether that time had passed, whatever the outcome: nobody publishes any more, or somebody withholds what is published.
    pub expired: bool,
}

/// An error as data.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The stable code.
    #[cfg_attr(test, ts(type = "CoreErrorCode"))]
    pub code: &'static str,
    /// What went wrong, for people.
    pub message: String,
}

impl Problem {
    fn new(error: &Error) -> Self {
        Problem { code: error.code(), message: error.message().to_owned() }
    }
}

impl Check {
    pub(super) fn new(at: f64, result: Result<Outcome, &Error>, findings: &Findings) -> Self {
        Check {
            at,
            outcome: result.ok(),
            error: result.err().map(Problem::new),
            cause: findings.offline_cause.as_ref().map(Problem::new),
            candidate_error: findings.candidate_error.as_ref().map(Problem::new),
            host_seq: findings.host_seq,
            expires: findings.expires,
            expired: findings.expires.is_some_and(|expires| expires < seconds(at)),
        }
    }
}

impl DiagnosedModel {
    pub(super) fn new(loaded: &Loaded) -> Self {
        let manifest = loaded.manifest();
        let file =
            |f: &crate::manifest::FileEntry| DiagnosedFile { role: f.role, sha256: f.sha256.clone(), bytes: f.bytes };
        DiagnosedModel {
            version: manifest.version.clone(),
            release_seq: loaded.rank.release,
            latest_seq: loaded.rank.latest,
            expires: loaded.latest.borrow().expires,
            candidate: loaded.is_candidate(),
            signed_by: Some(signed_by(&loaded.release.metadata).join(", ")).filter(|names| !names.is_empty()),
            engine: loaded.recognizer.engine(),
            files: manifest.needed().map(file).collect(),
            stored: loaded.stored(),
            stored_problem: loaded.stored_problem(),
        }
    }
}
