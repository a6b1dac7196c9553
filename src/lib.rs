//! Jicho recognises products with the camera, on the device, offline.
//!
//! The same code prepares pixels, reads heads and decides in the browser (wasm) and in the native companion that
//! trains, so the two cannot drift apart. Dependencies run one way:
//! `web → sync, recognize, vault → teach, manifest, quality, frame, location → error`. Only `web` knows a browser; nothing here
//! knows a clock.

#![deny(missing_docs)]
#![warn(unreachable_pub)]
#![deny(unsafe_code)]

mod codec;
pub mod color;
pub mod engine;
pub mod error;
pub mod frame;
pub mod golden;
mod hash;
pub mod location;
pub mod manifest;
pub mod names;
pub mod quality;
pub mod recognize;
pub mod sync;
pub mod teach;
pub mod vault;
#[cfg(all(target_arch = "wasm32", any(feature = "channel", feature = "vault")))]
pub mod web;

pub use error::{Error, ErrorKind, Result};
pub use frame::Frame;
pub use location::Geohash;
pub use manifest::Manifest;
pub use quality::Quality;
pub use recognize::{Recognition, Recognizer};
