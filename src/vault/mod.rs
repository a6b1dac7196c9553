//! The sealed store: an encrypted store on the device for scans, corrections, lessons and queued sales.
//!
//! Nothing here does I/O or reads a clock: a [`Store`] keeps bytes, a [`Device`] gives time, randomness and keys of its own.
//! A passphrase or key makes the wrapping key, which opens the data keys, which open the records. Every write is one
//! transaction that compares the header with the one the write was planned against and replaces it; a write that another
//! tab overtook is planned again. So tabs cannot overwrite each other's work, and a crash at any point leaves a whole
//! vault. docs/formats/vault.md tells the format, what it protects against and what it does not.

#[cfg(jicho_bench)]
#[doc(hidden)]
pub mod bench;
mod cipher;
mod cleanup;
mod device;
mod diagnosis;
mod envelope;
mod export;
mod export_file;
mod header;
mod ids;
mod import;
mod keyring;
mod keys;
mod kind;
mod memory_store;
mod opening;
mod padding;
mod passphrase;
mod plaintext_export;
mod queue;
mod record;
mod records;
mod rotation;
mod session;
mod settings;
mod store;
mod transaction;
mod unlock;

pub use cleanup::Compaction;
pub use device::{AesGcm, Device, DeviceKey};
pub use diagnosis::Diagnosis;
pub use envelope::{Envelope, FORMAT};
pub use export::Exported;
pub use export_file::{ExportFile, ExportSource};
pub use header::{HEADER_FORMAT, Header, KeyEntry, Lock};
pub use ids::{RecordId, VaultId};
pub use import::Imported;
pub use kind::Kind;
pub use memory_store::MemoryStore;
pub use opening::destroy;
pub use passphrase::{Cost, Passphrase};
pub use plaintext_export::{to_csv, to_json};
pub use record::{Correction, Entry, Lesson, LessonName, Prediction, Prototype, Record, Sale, Scan};
pub use records::{Damaged, Page, Query};
pub use rotation::Rotation;
pub use session::Vault;
pub use settings::{Retention, Settings};
pub use store::{Change, KeyChange, Position, Row, Select, Store, Usage};
pub use unlock::Unlock;
