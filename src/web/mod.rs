//! The browser's side, wasm only: thin edges around [`crate::sync`] and [`crate::recognize`].

mod channel;
mod diagnosis;
mod digest;
mod failure;
mod fetch;
mod indexed_db;
mod line;
mod network;
#[cfg(feature = "tract")]
mod onnx;
mod options;
mod random;
mod start;
mod storage;

pub use channel::Channel;
pub use failure::error_codes;
pub use indexed_db::IndexedDb;
pub use network::Network;
#[cfg(feature = "tract")]
pub use onnx::OnnxNetwork;
pub use start::construct;
