//! From an ONNX network to a plan.
//!
//! tract parses the network and declutters it; [`lower`] turns each of its nodes into an operation over images,
//! [`fuse`] joins these into as few steps as it can, [`memory`] decides where tensors lie, and [`emit`] writes the
//! steps and their weights down.

pub mod bytes;
mod emit;
mod fold;
mod fuse;
mod gathers;
mod graph;
mod lower;
mod memory;
mod scalar;
mod scale;
pub mod summary;
#[cfg(test)]
mod tests;
mod view;
mod weights;

use std::panic::{AssertUnwindSafe, catch_unwind};

use jicho::engine::plan::Plan;
use jicho::engine::read_onnx;
use jicho::manifest::Layout;
use jicho::{Error, ErrorKind};
use tract_onnx::prelude::*;

use crate::digest::sha256;
pub use weights::Storage;

/// Why a network has no plan. It may still run through tract.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// tract does not read it, or its plan would break a limit.
    #[error("{0}")]
    Invalid(#[from] Error),
    /// A node that compiled plans have no step for.
    #[error("node `{node}` ({op}) has no place in a plan: {why}; the network runs through tract instead")]
    Unsupported {
        /// Its name in the network.
        node: String,
        /// What it does.
        op: String,
        /// What of it is not known.
        why: String,
    },
}

impl CompileError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CompileError::Invalid(error) => error.code(),
            CompileError::Unsupported { .. } => "UNSUPPORTED_STEP",
        }
    }

    fn invalid(why: &dyn std::fmt::Display) -> CompileError {
        let message = format!("the network could not be compiled: {why:#}");
        CompileError::Invalid(Error::new(ErrorKind::InvalidModel, message))
    }
}

/// Compiles an ONNX network that takes one image of `size`×`size` and gives one vector.
///
/// # Errors
/// See [`CompileError`].
pub fn compile(onnx: &[u8], layout: Layout, size: usize, storage: Storage) -> Result<Plan<'static>, CompileError> {
    // tract reports most bad networks as errors and panics on some; arithmetic on absurd shapes may overflow.
    let compiled = catch_unwind(AssertUnwindSafe(|| {
        let model = read_onnx(onnx, layout, size).and_then(|model| model.into_typed()?.into_decluttered());
        let model = model.map_err(|e| CompileError::invalid(&format!("{e:#}")))?;
        let mut graph = lower::lower(&model, layout, size)?;
        fuse::fuse(&mut graph);
        emit::emit(&graph, sha256(onnx), storage)
    }));
    let plan = compiled.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("unexpected structure");
        Err(CompileError::invalid(&text))
    })?;
    // What the limits are, the plan itself knows.
    plan.to_bytes()?;
    Ok(plan)
}
