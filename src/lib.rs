//! Jicho recognises products with the camera, on the device, offline.
//!
//! The companion program `jicho` trains on photos and publishes releases into a models folder. This library reads a
//! release, and answers what a frame shows:
//!
//! ```no_run
//! use std::fs;
//! use std::path::Path;
//!
//! use jicho::manifest::FileRole;
//! use jicho::recognize::Decision;
//! use jicho::{Error, ErrorKind, Frame, Manifest, Recognizer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A release in a folder: what `jicho train photos --channel T_1 --out ml-models` has published.
//! let models = Path::new("ml-models");
//! let manifest = Manifest::parse(&fs::read(models.join("T_1/latest/metadata.json"))?)?;
//! let mut files = Vec::new();
//! for file in manifest.needed() {
//!     files.push((file.role, fs::read(models.join(&file.url))?));
//! }
//! let recognizer = Recognizer::load(manifest, |role: FileRole| {
//!     let file = files.iter().find(|(of, _)| *of == role);
//!     file.map(|(_, bytes)| bytes.as_slice()).ok_or_else(|| Error::new(ErrorKind::InvalidModel, "a file is missing"))
//! })?;
//! recognizer.check_golden()?;
//!
//! // A photo as straight 8-bit RGBA.
//! let photo = image::open("photo.jpg")?.to_rgba8();
//! let frame = Frame::new(photo.width(), photo.height(), &photo)?;
//!
//! // An answer.
//! let answer = recognizer.recognize(&frame)?;
//! match answer.decision {
//!     Decision::Match => println!("{}", answer.predictions[0].label),
//!     Decision::Unsure => println!("one of {:?}", answer.predictions.iter().take(3).collect::<Vec<_>>()),
//!     Decision::Unknown => println!("none of the products ({:?})", answer.reason),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `examples/recognize.rs` is this as a program. A device that fetches its releases from a host and keeps them opens a
//! [`sync::Session`] instead; the npm package `jicho` does that in browsers.
//!
//! The same code prepares pixels, reads heads and decides in the browser (wasm) and in the native companion that
//! trains, so the two cannot drift apart. The companion therefore needs more than a user of this library: items that
//! are public for it alone are hidden from this documentation, and may change in any version.
//!
//! Dependencies run one way: `web → sync, vault → recognize → engine, teach, color, golden → frame → manifest → error`;
//! `quality` needs `frame`, and `location` needs `error` alone. Only `web` knows a browser, and nothing here knows a
//! clock: time, randomness and bytes are arguments.

#![deny(missing_docs)]
#![warn(unreachable_pub)]
#![deny(unsafe_code)]

#[cfg(any(test, all(target_arch = "wasm32", any(feature = "channel", feature = "vault"))))]
mod boundary;
mod codec;
#[doc(hidden)]
pub mod color;
pub mod engine;
pub mod error;
pub mod frame;
#[doc(hidden)]
pub mod golden;
mod hash;
mod jpeg;
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
