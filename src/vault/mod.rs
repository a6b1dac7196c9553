//! The sealed store: what scans leave on a device is its owner's.
//!
//! Nothing here does I/O or knows a clock: a [`Store`] keeps bytes, a [`Device`] gives time, randomness and its own key.
//! What unlocks a vault makes a wrapping key, that opens the data keys, those open the records. Every write is one
//! transaction that replaces the header it was planned against, or is planned anew: so tabs cannot harm each other, and
//! whatever dies leaves a whole vault. What this buys and what it does not: docs/formats/vault.md.

#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
mod device;
mod diagnosis;
mod envelope;
mod export;
mod header;
mod id;
mod import;
mod key;
mod keyring;
mod memory;
mod passphrase;
mod plain;
mod queue;
mod record;
mod records;
mod retention;
mod rotation;
mod session;
mod store;
mod transaction;
mod unlock;

pub use device::{AesGcm, Device};
pub use diagnosis::Diagnosis;
pub use envelope::{Envelope, FORMAT};
pub use export::{ExportFile, Exported};
pub use header::{Header, KeyEntry, Lock};
pub use id::{RecordId, VaultId};
pub use import::Imported;
pub use memory::MemoryStore;
pub use passphrase::{Cost, Passphrase};
pub use plain::{to_csv, to_json};
pub use record::{Correction, Entry, Kind, LessonName, Prediction, Prototype, Record, Sale, Scan};
pub use records::{Damaged, Page, Query};
pub use retention::{Compaction, Retention};
pub use rotation::Rotation;
pub use session::{Settings, Vault, destroy};
pub use store::{Change, Position, Row, Select, Store, Usage};
pub use unlock::Unlock;
