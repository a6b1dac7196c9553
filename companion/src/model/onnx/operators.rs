//! Which operators, attributes and opsets are known to be computed as ONNX defines them.
//!
//! tract reads more than this table, and computes some of it otherwise than ONNX says; a plan that is compared with
//! tract alone would repeat the mistake. What stands here was held against onnxruntime, form by form (see
//! docs/operators.md, which a test writes from those comparisons). Everything else is refused by name.

use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto};

use super::tensors::{BOOL, for_each_node};
use super::{integers, invalid, opset};
use crate::error::Result;

/// The newest opset that was compared.
pub const NEWEST_OPSET: i64 = 26;

/// An operator of the default domain, or of onnxruntime's own.
#[derive(Debug)]
pub struct Operator {
    /// Its `op_type`.
    pub name: &'static str,
    /// Empty for the default domain.
    pub domain: &'static str,
    /// The attributes that it may have.
    pub attributes: &'static [Attribute],
    /// How many outputs it may have.
    pub outputs: usize,
}

/// An attribute, and which of its values are known to be computed rightly.
#[derive(Debug)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub allowed: Allowed,
}

/// Values of an attribute.
#[derive(Debug)]
pub enum Allowed {
    /// All.
    Any,
    /// These whole numbers.
    Numbers(&'static [i64]),
    /// Odd whole numbers.
    Odd,
    /// These words.
    Words(&'static [&'static str]),
}

const fn any(name: &'static str) -> Attribute {
    Attribute { name, allowed: Allowed::Any }
}

const fn numbers(name: &'static str, allowed: &'static [i64]) -> Attribute {
    Attribute { name, allowed: Allowed::Numbers(allowed) }
}

const fn words(name: &'static str, allowed: &'static [&'static str]) -> Attribute {
    Attribute { name, allowed: Allowed::Words(allowed) }
}

const fn op(name: &'static str, attributes: &'static [Attribute]) -> Operator {
    Operator { name, domain: "", attributes, outputs: 1 }
}

const fn with_outputs(name: &'static str, attributes: &'static [Attribute], outputs: usize) -> Operator {
    Operator { name, domain: "", attributes, outputs }
}

const fn microsoft(name: &'static str, attributes: &'static [Attribute]) -> Operator {
    Operator { name, domain: "com.microsoft", attributes, outputs: 1 }
}

const ALPHA: &[Attribute] = &[any("alpha")];
const AXIS: &[Attribute] = &[any("axis")];
const REDUCE: &[Attribute] = &[any("axes"), any("keepdims"), any("noop_with_empty_axes")];
const EXTREME: &[Attribute] = &[any("axis"), any("keepdims"), any("select_last_index")];
const AUTO_PAD: Attribute = words("auto_pad", &["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]);
const DILATIONS: Attribute = any("dilations");
const GROUP: Attribute = any("group");
const KERNEL_SHAPE: Attribute = any("kernel_shape");
const PADS: Attribute = any("pads");
const STRIDES: Attribute = any("strides");
const WINDOW: &[Attribute] = &[AUTO_PAD, DILATIONS, GROUP, KERNEL_SHAPE, PADS, STRIDES];

/// All operators that are trusted, in the order of the alphabet.
#[rustfmt::skip]
pub const OPERATORS: &[Operator] = &[
    op("Abs", &[]), op("Acos", &[]), op("Acosh", &[]), op("Add", &[]), op("And", &[]), op("ArgMax", EXTREME),
    op("ArgMin", EXTREME), op("Asin", &[]), op("Asinh", &[]), op("Atan", &[]), op("Atanh", &[]),
    op("AveragePool", &[AUTO_PAD, any("ceil_mode"), any("count_include_pad"), DILATIONS, KERNEL_SHAPE, PADS, STRIDES]),
    op("BatchNormalization", &[any("epsilon"), any("momentum"), numbers("training_mode", &[0]), numbers("spatial", &[1])]),
    // Single, double and half precision, truth values, and whole numbers of one, four and eight bytes.
    op("Cast", &[numbers("to", &[1, 2, 3, 6, 7, 9, 10, 11]), any("saturate")]),
    op("CastLike", &[any("saturate")]), op("Ceil", &[]), op("Celu", &[]), op("Clip", &[any("min"), any("max")]),
    op("Concat", AXIS),
    op("Constant", &[any("value"), any("value_float"), any("value_floats"), any("value_int"), any("value_ints")]),
    op("ConstantOfShape", &[any("value")]),
    op("Conv", WINDOW),
    op("ConvInteger", WINDOW),
    op("ConvTranspose", &[AUTO_PAD, DILATIONS, GROUP, KERNEL_SHAPE, PADS, STRIDES, any("output_padding")]),
    op("Cos", &[]), op("Cosh", &[]), op("CumSum", &[any("exclusive"), any("reverse")]),
    op("DepthToSpace", &[any("blocksize"), words("mode", &["DCR", "CRD"])]),
    op("DequantizeLinear", &[any("axis"), numbers("block_size", &[0])]),
    op("Div", &[]), with_outputs("Dropout", &[any("ratio"), any("seed")], 2),
    with_outputs("DynamicQuantizeLinear", &[], 3), op("Einsum", &[any("equation")]), op("Elu", ALPHA),
    op("Equal", &[]), op("Erf", &[]), op("Exp", &[]), op("Expand", &[]), op("EyeLike", &[any("dtype"), any("k")]),
    op("Flatten", AXIS), op("Floor", &[]), op("Gather", AXIS), op("GatherElements", AXIS),
    op("GatherND", &[numbers("batch_dims", &[0])]), op("Gelu", &[words("approximate", &["none", "tanh"])]),
    op("Gemm", &[any("alpha"), any("beta"), any("transA"), any("transB")]), op("GlobalAveragePool", &[]),
    op("GlobalMaxPool", &[]), op("Greater", &[]), op("GreaterOrEqual", &[]),
    op("GridSample", &[words("mode", &["linear", "bilinear"]), words("padding_mode", &["zeros"]), numbers("align_corners", &[0])]),
    op("GroupNormalization", &[any("epsilon"), any("num_groups"), any("stash_type")]),
    op("HardSigmoid", &[any("alpha"), any("beta")]), op("HardSwish", &[]), op("Hardmax", AXIS), op("Identity", &[]),
    with_outputs("If", &[any("then_branch"), any("else_branch")], usize::MAX),
    op("InstanceNormalization", &[any("epsilon")]),
    op("IsInf", &[any("detect_negative"), any("detect_positive")]), op("IsNaN", &[]),
    op("LRN", &[any("alpha"), any("beta"), any("bias"), Attribute { name: "size", allowed: Allowed::Odd }]),
    op("LayerNormalization", &[any("axis"), any("epsilon"), any("stash_type")]), op("LeakyRelu", ALPHA),
    op("Less", &[]), op("LessOrEqual", &[]), op("Log", &[]), op("LogSoftmax", AXIS),
    op("LpNormalization", &[any("axis"), numbers("p", &[1, 2])]), op("MatMul", &[]), op("MatMulInteger", &[]),
    op("Max", &[]),
    op("MaxPool", &[AUTO_PAD, any("ceil_mode"), DILATIONS, KERNEL_SHAPE, PADS, any("storage_order"), STRIDES]),
    op("Mean", &[]), op("MeanVarianceNormalization", &[any("axes")]), op("Min", &[]), op("Mish", &[]),
    op("Mod", &[any("fmod")]), op("Mul", &[]), op("Neg", &[]), op("Not", &[]), op("OneHot", AXIS), op("Or", &[]),
    op("PRelu", &[]),
    op("Pad", &[words("mode", &["constant", "reflect", "edge"]), any("pads"), any("value")]),
    op("Pow", &[]), op("QLinearConv", WINDOW), op("QLinearMatMul", &[]),
    op("QuantizeLinear", &[any("axis"), numbers("block_size", &[0]), any("saturate")]),
    op("RMSNormalization", &[any("axis"), any("epsilon"), any("stash_type")]), op("Range", &[]),
    op("Reciprocal", &[]), op("ReduceL1", REDUCE), op("ReduceL2", REDUCE), op("ReduceLogSum", REDUCE),
    op("ReduceLogSumExp", REDUCE), op("ReduceMax", REDUCE), op("ReduceMean", REDUCE), op("ReduceMin", REDUCE),
    op("ReduceProd", REDUCE), op("ReduceSum", REDUCE), op("ReduceSumSquare", REDUCE), op("Relu", &[]),
    op("Reshape", &[any("allowzero")]),
    op("Resize", &[
        any("antialias"), any("axes"), any("cubic_coeff_a"), any("exclude_outside"),
        words("coordinate_transformation_mode", &[
            "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn",
        ]),
        any("extrapolation_value"), any("keep_aspect_ratio_policy"), words("mode", &["nearest", "linear", "cubic"]),
        words("nearest_mode", &["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]),
    ]),
    op("Round", &[]), op("ScatterElements", &[any("axis"), words("reduction", &["none", "add", "mul"])]),
    op("ScatterND", &[words("reduction", &["none", "add", "mul"])]), op("Selu", &[any("alpha"), any("gamma")]),
    op("Shape", &[any("start"), any("end")]), op("Shrink", &[any("bias"), any("lambd")]), op("Sigmoid", &[]),
    op("Sign", &[]), op("Sin", &[]), op("Sinh", &[]), op("Size", &[]),
    op("Slice", &[any("starts"), any("ends"), any("axes")]), op("Softmax", AXIS), op("Softplus", &[]),
    op("Softsign", &[]), op("SpaceToDepth", &[any("blocksize")]),
    with_outputs("Split", &[any("axis"), any("num_outputs"), any("split")], usize::MAX), op("Sqrt", &[]),
    op("Squeeze", &[any("axes")]), op("Sub", &[]), op("Sum", &[]), op("Swish", &[]), op("Tan", &[]), op("Tanh", &[]),
    op("ThresholdedRelu", ALPHA), op("Tile", &[]),
    with_outputs("TopK", &[any("axis"), any("largest"), any("sorted")], 2), op("Transpose", &[any("perm")]),
    op("Trilu", &[any("upper")]), op("Unsqueeze", &[any("axes")]), op("Where", &[]), op("Xor", &[]),
    microsoft("Gelu", &[]), microsoft("QuickGelu", ALPHA),
];

/// Checks every node of a network, after [`super::rewrite`].
///
/// # Errors
/// `INVALID_MODEL` names the first node that is not in the table, and what to do.
pub fn check(model: &ModelProto) -> Result<()> {
    let opset = opset(model);
    if opset > NEWEST_OPSET {
        return Err(invalid(format!(
            "its opset is {opset}, the newest that is known is {NEWEST_OPSET}: export it with an older one \
             (torch.onnx.export(…, opset_version=20)), or convert it with onnx.version_converter"
        )));
    }
    let Some(graph) = &model.graph else { return Ok(()) };
    for_each_node(graph, &mut |node| {
        problem(graph, node).map_or(Ok(()), |why| {
            let domain = if node.domain.is_empty() { String::new() } else { format!("{} ", node.domain) };
            Err(invalid(format!("its node `{}` ({domain}{}) is not supported: {why}", node.name, node.op_type)))
        })
    })
}

/// Why a node is not supported; `None` when it is.
fn problem(graph: &GraphProto, node: &NodeProto) -> Option<String> {
    let known = OPERATORS.iter().find(|known| known.name == node.op_type && known.domain == node.domain);
    let Some(known) = known else { return Some(advice(node).into()) };
    for given in &node.attribute {
        let Some(attribute) = known.attributes.iter().find(|attribute| attribute.name == given.name) else {
            return Some(format!("its attribute `{}` is not known to be computed rightly", given.name));
        };
        if let Some(value) = not_allowed(given, &attribute.allowed) {
            return Some(format!("its attribute `{}` is {value}, which is not supported", given.name));
        }
    }
    if node.output.iter().filter(|name| !name.is_empty()).count() > known.outputs {
        return Some("it gives more than its first result: export the network for inference, not for training".into());
    }
    match node.op_type.as_str() {
        "Dropout" => in_training(graph, node).then(|| "it drops values at random: export the network for inference".into()),
        "Slice" => skips_from_the_middle(graph, node).then(|| {
            "it takes every second value or fewer, from a start that is not a multiple of its step; export with opset 11 \
             or newer, where this can be written in another way"
                .into()
        }),
        _ => None,
    }
}

/// What to do about an operator that is not in the table.
fn advice(node: &NodeProto) -> &'static str {
    match node.domain.as_str() {
        "" if node.op_type == "Upsample" => "export the network with opset 11 or newer, where it is a Resize",
        "" => "docs/operators.md lists what is; replace it before the export",
        "com.microsoft" | "com.microsoft.nchwc" => {
            "save the model without onnxruntime's own optimisations (it is theirs alone, not ONNX)"
        }
        "ai.onnx.ml" => "end the network before it: name the tensor of probabilities or logits by --output",
        _ => "it is of a domain that only its makers define; export with the standard operators of ONNX",
    }
}

/// The attribute's value in words, unless it is allowed.
fn not_allowed(given: &AttributeProto, allowed: &Allowed) -> Option<String> {
    match allowed {
        Allowed::Any => None,
        Allowed::Numbers(numbers) => (!numbers.contains(&given.i)).then(|| given.i.to_string()),
        Allowed::Odd => (given.i % 2 == 0).then(|| format!("{}, an even number", given.i)),
        Allowed::Words(words) => {
            let word = String::from_utf8_lossy(&given.s);
            (!words.contains(&word.as_ref())).then(|| format!("`{word}`"))
        }
    }
}

/// Whether a dropout may be told to drop values: its third input must be a constant `false` or left out.
fn in_training(graph: &GraphProto, node: &NodeProto) -> bool {
    let Some(switch) = node.input.get(2).filter(|name| !name.is_empty()) else { return false };
    let constants = graph.node.iter().filter(|n| n.op_type == "Constant" && n.output.first() == Some(switch));
    let constant = constants.flat_map(|n| &n.attribute).find_map(|a| a.t.as_ref());
    let off = |tensor: &tract_onnx::pb::TensorProto| {
        tensor.data_type == BOOL
            && tensor.raw_data.iter().all(|byte| *byte == 0)
            && tensor.int32_data.iter().all(|value| *value == 0)
    };
    !graph.initializer.iter().find(|t| t.name == *switch).or(constant).is_some_and(off)
}

/// Whether a slice takes every n-th value, and does not begin at a multiple of n: behind a convolution, tract would begin
/// at 0. Such slices are rewritten where the opset allows it.
pub fn skips_from_the_middle(graph: &GraphProto, node: &NodeProto) -> bool {
    let Some(steps) = node.input.get(4).filter(|name| !name.is_empty()) else { return false };
    let (Some(steps), starts) = (integers(graph, steps), node.input.get(1).and_then(|name| integers(graph, name)))
    else {
        return true;
    };
    let starts = starts.unwrap_or_default();
    // Of a constant nothing is left to be optimised.
    if node.input.first().is_some_and(|x| counts(graph, x)) {
        return false;
    }
    steps.iter().enumerate().any(|(i, step)| {
        *step > 1 && starts.get(i).is_none_or(|start| *start < 0 || start.checked_rem(*step) != Some(0))
    })
}

/// Whether a tensor is a row of numbers counted up, as the rewriting of slices makes them.
fn counts(graph: &GraphProto, tensor: &str) -> bool {
    graph.node.iter().any(|node| node.op_type == "Range" && node.output.iter().any(|output| output == tensor))
}
