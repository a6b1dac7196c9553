//! Runs ONNX networks by tract.

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
        let shape = shape(layout, size);
        guarded("the network could not be loaded", || {
            let model = read_onnx(onnx, layout, size)?;
            let input_type = model.input_fact(0)?.datum_type.concretize().unwrap_or(f32::datum_type());
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

/// Reads an ONNX file for one image of `size`×`size`. It refuses graphs that tract would not survive: tract assumes the
/// rank of some inputs, and reads beyond the memory of shapes that have fewer axes.
///
/// # Errors
/// What is wrong with the file, as tract says it. Some files make tract panic instead.
pub fn read_onnx(onnx: &[u8], layout: Layout, size: usize) -> TractResult<InferenceModel> {
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
    model.set_input_fact(0, InferenceFact::dt_shape(input_type, shape(layout, size)))?;
    // Each node's shape from those before it, so that every input is known before its node is looked at.
    for id in model.eval_order()? {
        let node = model.node(id);
        let axes = axes_needed(&node.op.name());
        let rank = node.inputs.first().map(|input| model.outlet_fact(*input)).transpose()?;
        let rank = rank.and_then(|fact| fact.shape.rank().concretize()).unwrap_or(0);
        if rank < axes {
            bail!("its node `{}` ({}) needs {axes} axes and gets {rank}", node.name, node.op.name());
        }
        infer(&mut model, id)?;
    }
    Ok(model)
}

/// Finds the shapes of a node's outputs from those of its inputs.
fn infer(model: &mut InferenceModel, id: usize) -> TractResult<()> {
    let node = model.node(id);
    let known = |outlets: &[OutletId]| outlets.iter().map(|o| model.outlet_fact(*o).cloned()).collect();
    let inputs: TractResult<TVec<InferenceFact>> = known(&node.inputs);
    let observed: TractResult<TVec<InferenceFact>> = known(&node.op.observe_outlets(model, node)?);
    let (inputs, observed) = (inputs?, observed?);
    let before: TVec<InferenceFact> = node.outputs.iter().map(|output| output.fact.clone()).collect();
    if node.op.nboutputs()? != before.len() {
        bail!("its node `{}` has {} outputs", node.name, before.len());
    }
    let (inputs, outputs) = (inputs.iter().collect(), before.iter().collect());
    let (_, after, _) = model.node_mut(id).op.infer(inputs, outputs, observed.iter().collect())?;
    for (slot, (before, after)) in before.iter().zip(&after).enumerate() {
        model.set_outlet_fact(OutletId::new(id, slot), before.unify(after)?)?;
    }
    Ok(())
}

/// How many axes tract assumes that an operator's input has.
fn axes_needed(operator: &str) -> i64 {
    match operator {
        "BatchNorm" => 2,
        _ if operator.contains("Conv") || operator.contains("Pool") => 3,
        _ => 0,
    }
}

fn shape(layout: Layout, size: usize) -> [usize; 4] {
    match layout {
        Layout::Nchw => [1, 3, size, size],
        Layout::Nhwc => [1, size, size, 3],
    }
}

/// Whether a node, if it is a transpose, names every axis once. On any other permutation tract would loop forever.
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
