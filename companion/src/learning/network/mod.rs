//! Training networks of the MobileNet family from scratch or further, on CPUs.
//!
//! Maps are NHWC: images, rows, columns, channels side by side. A [`Network`] is blocks of [`unit::Unit`]s; a
//! [`student::Student`] trains one. [`onnx`] writes a network down and reads it again.

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
