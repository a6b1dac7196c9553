//! Networks as ONNX files: written with every normalisation folded, and read back to be trained further.

mod read;
mod write;

pub use read::read;
pub use write::{Storage, write};

#[cfg(test)]
mod tests;
