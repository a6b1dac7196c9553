//! [`crate::sync::Diagnosis`] with what only this side knows.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::storage::Storage;
use crate::sync::{Diagnosis, Session};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    #[serde(flatten)]
    diagnosis: Diagnosis,
    /// Which of the package's modules this is.
    build: &'static str,
    /// Of this module. Shared by all channels in it, and never less than it once was.
    memory_bytes: usize,
    /// Null where releases are kept in memory only.
    schema: Option<u32>,
}

impl Report {
    pub(super) fn new(session: &Session<Storage>) -> Self {
        Report {
            diagnosis: session.diagnose(),
            build: crate::sync::build(),
            memory_bytes: core::arch::wasm32::memory_size(0) << 16,
            schema: session.store().schema(),
        }
    }
}

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r"
/** An error as data. */
export interface Problem {
  code: string;
  message: string;
}

/** An open channel, described for a support person. Nothing in it is personal. */
export interface ChannelDiagnosis {
  /** Of the library. */
  version: string;
  /** Which of the package's modules runs. */
  build: 'scalar' | 'simd' | 'relaxed' | 'tract';
  /** Of the module; it never shrinks. */
  memoryBytes: number;
  models: string;
  channel: string;
  /** How many public keys the app pinned; 0 asks for no signature. */
  keys: number;
  /** How many different keys must have signed a release. */
  threshold: number;
  /** The version of the key list that took the place of the pinned keys; 0 where none did. */
  keyList: number;
  /** How many products the app knows; null where it did not say. */
  products: number | null;
  model: {
    version: string;
    releaseSeq: number;
    /** The number of the latest/metadata.json that named it; another than its own while it is on trial. */
    latestSeq: number;
    /** When that file should have been replaced, Unix seconds; null where it does not say. */
    expires: number | null;
    candidate: boolean;
    /** The names of the keys that it says it is signed with, joined by commas; verified only where `keys` is above 0. */
    signedBy: string | null;
    /** What runs its network. */
    engine: string;
    /** The files that it was loaded from. */
    files: { role: 'backbone' | 'plan' | 'space' | 'head'; sha256: string; bytes: number }[];
    stored: boolean;
    /** Why it is not. */
    storedProblem: string | null;
  } | null;
  /** Whether what is stored survives the page. */
  durable: boolean;
  /** Of the database; null where there is none. */
  schema: number | null;
  /** Bytes of a failed download that wait in memory for the next sync. */
  keptBytes: number;
  /** The last sync since the channel was opened. */
  lastCheck: {
    /** Milliseconds since 1970, by the device's clock. */
    at: number;
    outcome: 'updated' | 'current' | 'offline' | 'absent' | 'host-older' | 'expired' | null;
    error: Problem | null;
    /** Why the host could not be reached, where the outcome is `offline`. */
    cause: Problem | null;
    /** Why the candidate that this device should have taken was not. */
    candidateError: Problem | null;
    /** The `releaseSeq` of the host's latest/metadata.json; null where it was not read. */
    hostSeq: number | null;
    /** When that file should have been replaced, Unix seconds; null where it does not say. */
    expires: number | null;
  } | null;
}
";
