//! Neural networks as files: ONNX, the compiled plan that devices run, and the backbones that training starts from.

pub mod backbone;
pub mod compile;
pub mod export;
pub mod import;
pub mod isolated;
pub mod onnx;
pub mod plan;
pub mod plan_file;
#[cfg(test)]
mod sweep;
