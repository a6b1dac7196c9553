//! Trains networks of the MobileNet family on CPUs, from scratch or further.
//!
//! Feature maps are NHWC: images, rows, columns, channels. A [`Network`] consists of blocks of [`unit::Unit`]s. A
//! [`student::Student`] trains one, on the photos and at the sizes that a [`schedule::Schedule`] gives. [`onnx`] writes a
//! network to a file and reads it back.

mod depthwise;
pub mod design;
mod geometry;
pub mod linear;
pub mod loss;
mod matmul;
mod mixup;
pub mod model;
pub mod nearest_mean;
pub mod norm;
pub mod onnx;
pub mod optimizer;
pub mod random;
pub mod schedule;
mod simd;
pub mod student;
#[cfg(test)]
mod tests;
pub mod unit;
pub mod view;

pub use geometry::Geometry;
pub use model::{Block, Network};
