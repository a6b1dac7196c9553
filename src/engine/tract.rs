//! ONNX through tract.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::bail;
use tract_onnx::tract_hir::infer::Factoid;

use super::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Layout;

/// An ONNX network optimised by tract for one image at a time.
pub struct TractEngine {
    plan: Arc<TypedRunnableModel>,
    layout: Layout,
    shape: [usize; 4],
    input_type: DatumType,
    output_len: usize,
    output_rank: usize,
}

impl TractEngine {
    /// Loads an ONNX file that takes one image of `size`×`size` and gives one vector.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidModel`]: not ONNX, not an image network, an operator that tract does not know.
    pub fn load(onnx: &[u8], layout: Layout, size: usize) -> Result<Self> {
        let shape = match layout {
            Layout::Nchw => [1, 3, size, size],
            Layout::Nhwc => [1, size, size, 3],
        };
        guarded("the network could not be loaded", || {
            let proto = tract_onnx::onnx().proto_model_for_read(&mut std::io::Cursor::new(onnx))?;
            if let Some(node) = proto.graph.iter().flat_map(|graph| &graph.node).find(|node| !permutes(node)) {
                bail!("its node `{}` transposes axes to an order that is none", node.name);
            }
            let mut model = tract_onnx::onnx().model_for_proto_model(&proto)?;
            if model.input_outlets()?.len() != 1 {
                bail!("it takes {} inputs, an image network takes one", model.input_outlets()?.len());
            }
            let declared = model.input_fact(0)?.datum_type.concretize();
            let input_type = declared.unwrap_or(f32::datum_type());
            if !input_type.is_float() {
                bail!("its input is {input_type:?}, not floating point");
            }
            model.set_input_fact(0, InferenceFact::dt_shape(input_type, shape))?;
            let plan = model.into_optimized()?.into_runnable()?;
            let mut engine = TractEngine { plan, layout, shape, input_type, output_len: 0, output_rank: 0 };
            let output = engine.infer(&vec![0.0; 3 * size * size])?;
            engine.output_len = output.len();
            engine.output_rank = output.rank();
            Ok(engine)
        })
    }

    fn infer(&self, input: &[f32]) -> TractResult<Tensor> {
        let tensor = Tensor::from_shape(&self.shape, input)?.cast_to_dt(self.input_type)?.into_owned();
        let outputs = self.plan.run(tvec!(tensor.into_tvalue()))?;
        let [output] = outputs.as_slice() else { bail!("it gives {} outputs, expected one", outputs.len()) };
        Ok(output.cast_to::<f32>()?.into_owned())
    }

    /// Number of dimensions of the output tensor.
    #[must_use]
    pub fn output_rank(&self) -> usize {
        self.output_rank
    }
}

impl Engine for TractEngine {
    fn run(&self, fill: &mut dyn FnMut(Layout, &mut [f32])) -> Result<Vec<f32>> {
        let mut input = vec![0.0; self.shape.iter().product()];
        fill(self.layout, &mut input);
        guarded("the network failed", || {
            let output = self.infer(&input)?;
            let values = output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
            match values.iter().find(|v| !v.is_finite()) {
                Some(bad) => bail!("it gives {bad}"),
                None => Ok(values),
            }
        })
    }

    fn name(&self) -> &'static str {
        "tract"
    }

    fn input_size(&self) -> usize {
        self.shape[2]
    }

    fn output_len(&self) -> usize {
        self.output_len
    }
}

/// Whether a node, if it is a transpose, names every axis once. For another one tract would never stop to look.
fn permutes(node: &NodeProto) -> bool {
    let order = node.attribute.iter().find(|a| node.op_type == "Transpose" && a.name == "perm");
    order.is_none_or(|order| (0..order.ints.len()).all(|axis| order.ints.contains(&(axis as i64))))
}

/// tract reports most bad models as errors and panics on some; both become typed errors where panics unwind.
fn guarded<T>(what: &str, f: impl FnOnce() -> TractResult<T>) -> Result<T> {
    let invalid = |why: String| Err(Error::new(ErrorKind::InvalidModel, format!("{what}: {why}")));
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => invalid(format!("{error:#}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            invalid(text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("unexpected structure").to_owned())
        }
    }
}
