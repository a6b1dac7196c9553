//! The browser's side, wasm only: thin edges around [`crate::sync`] and [`crate::recognize`].

mod channel;
mod failure;
mod fetch;
mod indexed_db;
mod start;
mod storage;

pub use channel::Channel;
pub use failure::error_codes;
pub use indexed_db::IndexedDb;
pub use start::construct;
