//! The companion's modules that read and compile networks, under the paths by which they name each other.

#[path = "../../../companion/src/model/compile/mod.rs"]
pub mod compile;
#[path = "../../../companion/src/model/onnx/mod.rs"]
pub mod onnx;
