//! Networks whose tensors have the same sizes whatever the picture shows.

use jicho::engine::read_onnx;
use jicho::manifest::Layout;
use tract_onnx::prelude::*;

use super::invalid;
use crate::error::Result;

/// Checks that the size of every tensor is known once the size of the picture is: else a single photo could make a
/// network ask for any amount of memory, long after it was tried.
///
/// # Errors
/// `INVALID_MODEL` names the node whose result depends on what the picture shows.
pub fn check_steady(onnx: &[u8], layout: Layout, size: usize) -> Result<()> {
    let model = read_onnx(onnx, layout, size).and_then(|model| model.into_typed()?.into_decluttered());
    let model = model.map_err(|e| invalid(format!("the network could not be loaded: {e:#}")))?;
    for node in model.nodes() {
        let branches = node.op.name() == "IfThenElse";
        if branches || node.outputs.iter().any(|output| output.fact.shape.as_concrete().is_none()) {
            return Err(invalid(format!(
                "what its node `{}` ({}) gives depends on the picture in its size, which is not supported",
                node.name,
                node.op.name()
            )));
        }
    }
    Ok(())
}
