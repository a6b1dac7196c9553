//! The sealed store in a browser: what JavaScript calls, and where the browser keeps vaults.

mod arguments;
#[cfg(jicho_bench)]
mod bench;
mod browser;
mod file;
mod handle;
mod indexed_db;
mod storage;

pub use handle::VaultHandle;
pub use indexed_db::VaultDatabase;
