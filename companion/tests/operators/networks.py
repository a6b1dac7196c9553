"""Small networks around one ONNX operator each, with what onnxruntime answers: the reference for docs/operators.md.

Usage: networks.py FOLDER

Writes one ONNX file a network, the image that all of them get (`image.f32`, 1×3×8×8), and `cases.json`: a list of
{"operator", "domain", "case", "opset", "file", "expected"}. Every operator is tried at each opset in which its
definition changed, from MIN_OPSET on, and at MAX_OPSET.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

MIN_OPSET, MAX_OPSET = 7, 26
SIDE, CHANNELS = 8, 4

onnxruntime.set_default_logger_severity(4)


class Network:
    """A graph under construction at one opset."""

    def __init__(self, opset):
        self.opset = opset
        self.nodes, self.weights, self.domains = [], [], {}
        self.random = np.random.default_rng(7)

    def constant(self, values, dtype=np.float32):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def floats(self, *shape, scale=0.5):
        return self.constant(self.random.standard_normal(shape) * scale)

    def ints(self, *values):
        return self.constant(values, np.int64)

    def scalar(self, value, dtype=np.float32):
        return self.constant(value, dtype)

    def op(self, operator, *inputs, outputs=1, domain="", **attributes):
        names = [f"t{len(self.nodes)}_{k}" for k in range(outputs)]
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=name, domain=domain, **attributes))
        if domain:
            self.domains[domain] = 1
        return names[0] if outputs == 1 else names

    def conv(self, x, inputs, outputs, kernel=3, **attributes):
        pads = attributes.pop("pads", [kernel // 2] * 4)
        group = attributes.get("group", 1)
        weights = self.floats(outputs, inputs // group, kernel, kernel, scale=0.4)
        return self.op("Conv", x, weights, self.floats(outputs, scale=0.2), pads=pads, **attributes)

    # What changed its form between opsets.

    def reduce(self, operator, x, axes, **attributes):
        as_input = self.opset >= (13 if operator == "ReduceSum" else 18)
        if as_input:
            return self.op(operator, x, self.ints(*axes), **attributes)
        return self.op(operator, x, axes=axes, **attributes)

    def squeeze(self, x, axes, operator="Squeeze"):
        if self.opset >= 13:
            return self.op(operator, x, self.ints(*axes))
        return self.op(operator, x, axes=axes)

    def unsqueeze(self, x, axes):
        return self.squeeze(x, axes, "Unsqueeze")

    def clip(self, x, low=None, high=None):
        if self.opset >= 11:
            bounds = ["" if v is None else self.scalar(v) for v in (low, high)]
            return self.op("Clip", x, *bounds)
        return self.op("Clip", x, **{k: v for k, v in (("min", low), ("max", high)) if v is not None})

    def pad(self, x, pads, mode="constant", value=None):
        if self.opset >= 11:
            more = [] if value is None else [self.scalar(value)]
            return self.op("Pad", x, self.ints(*pads), *more, mode=mode)
        return self.op("Pad", x, pads=pads, mode=mode, **({} if value is None else {"value": value}))

    def slice(self, x, starts, ends, axes=None, steps=None):
        if self.opset >= 10:
            more = [self.ints(*axes) if axes else ""] if axes or steps else []
            return self.op("Slice", x, self.ints(*starts), self.ints(*ends), *more, *([self.ints(*steps)] if steps else []))
        return self.op("Slice", x, starts=starts, ends=ends, **({"axes": axes} if axes else {}))

    def split(self, x, sizes, **attributes):
        if self.opset >= 13:
            return self.op("Split", x, self.ints(*sizes), outputs=len(sizes), **attributes)
        return self.op("Split", x, outputs=len(sizes), split=sizes, **attributes)

    def resize(self, x, scales=None, sizes=None, **attributes):
        if self.opset == 10:
            return self.op("Resize", x, self.constant(scales), **attributes)
        roi = self.constant(np.zeros(0)) if self.opset < 13 else ""
        if scales is not None:
            return self.op("Resize", x, roi, self.constant(scales), **attributes)
        empty = self.constant(np.zeros(0)) if self.opset < 13 else ""
        return self.op("Resize", x, roi, empty, self.ints(*sizes), **attributes)

    def float(self, x):
        return self.op("Cast", x, to=T.FLOAT)

    def model(self, output):
        flat = self.op("Reshape", output, self.ints(1, -1))
        shape = [1, 3, SIDE, SIDE]
        graph = helper.make_graph(
            self.nodes,
            "operator",
            [helper.make_tensor_value_info("image", T.FLOAT, shape)],
            [helper.make_tensor_value_info(flat, T.FLOAT, [1, None])],
            self.weights,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        opsets += [helper.make_opsetid(domain, version) for domain, version in self.domains.items()]
        model = helper.make_model(graph, opset_imports=opsets)
        # The oldest version that all runtimes of the last years read, save where types need a newer one.
        model.ir_version = 10 if self.opset >= 21 else 8
        return model


CASES = []


def case(operator, name, build, since=MIN_OPSET, until=MAX_OPSET, domain=""):
    """`build(network, x)` returns the operator's output for `x`, 1×4×8×8."""
    CASES.append((operator, name, build, since, until, domain))


def unary(operator, name="", before=None, since=MIN_OPSET, **attributes):
    def build(n, x):
        return n.op(operator, before(n, x) if before else x, **attributes)

    case(operator, name or ", ".join(f"{k} {v}" for k, v in attributes.items()), build, since)


def positive(n, x):
    return n.op("Add", n.op("Abs", x), n.scalar(0.1))


def small(n, x):
    return n.op("Mul", n.op("Tanh", x), n.scalar(0.9))


# Elementwise, of one input.
for operator in "Abs Ceil Cos Exp Floor Identity Neg Relu Sigmoid Sin Softplus Softsign Tanh".split():
    unary(operator)
for operator in "Atan Erf Sign Sinh Cosh Asinh".split():
    unary(operator)
unary("Tan", before=small)
for operator in "Acos Asin Atanh".split():
    unary(operator, before=small)
unary("Acosh", before=lambda n, x: n.op("Add", positive(n, x), n.scalar(1.0)))
for operator in "Log Reciprocal Sqrt".split():
    unary(operator, before=positive)
unary("Round", before=lambda n, x: n.op("Mul", x, n.scalar(3.0)))
unary("Round", "halves", before=lambda n, x: n.op("Mul", n.op("Floor", n.op("Mul", x, n.scalar(4.0))), n.scalar(0.5)))
for alpha in (None, 0.5, 2.0):
    given = {} if alpha is None else {"alpha": alpha}
    for operator in "Celu Elu LeakyRelu ThresholdedRelu Swish".split():
        unary(operator, f"alpha {alpha or 'left out'}", **given)
unary("Selu")
unary("Selu", alpha=1.2, gamma=0.9)
unary("HardSigmoid")
unary("HardSigmoid", alpha=0.3, beta=0.4)
unary("HardSwish")
unary("Mish")
unary("Gelu")
unary("Gelu", approximate="tanh")
unary("Shrink")
unary("Shrink", lambd=0.2, bias=0.1)
for name, low, high in [("both", -0.2, 0.6), ("low", -0.2, None), ("high", None, 0.6), ("neither", None, None)]:
    case("Clip", name, lambda n, x, low=low, high=high: n.clip(x, low, high))
case("Clip", "swapped", lambda n, x: n.clip(x, 0.5, -0.5), since=11)
case("Cast", "half and back", lambda n, x: n.float(n.op("Cast", x, to=T.FLOAT16)))
case("Cast", "double and back", lambda n, x: n.float(n.op("Cast", x, to=T.DOUBLE)))
case("Cast", "integer and back", lambda n, x: n.float(n.op("Cast", n.op("Mul", x, n.scalar(5.0)), to=T.INT32)))
case("Cast", "boolean and back", lambda n, x: n.float(n.op("Cast", n.op("Relu", x), to=T.BOOL)))
case("Cast", "bfloat16 and back", lambda n, x: n.float(n.op("Cast", x, to=T.BFLOAT16)), since=13)
case("CastLike", "", lambda n, x: n.op("CastLike", n.op("CastLike", x, n.scalar(1, np.int32)), n.scalar(1.0)), since=15)
case("Dropout", "", lambda n, x: n.op("Dropout", x))
case("Dropout", "ratio", lambda n, x: n.op("Dropout", x, n.scalar(0.5)) if n.opset >= 12 else n.op("Dropout", x, ratio=0.5))
case("Dropout", "not in training", lambda n, x: n.op("Dropout", x, n.scalar(0.5), n.constant(False, bool)), since=12)

# Elementwise, of several inputs.
for operator in "Add Sub Mul Div".split():
    case(operator, "by channel", lambda n, x, o=operator: n.op(o, x, n.constant([[[0.7]], [[-1.5]], [[2.0]], [[0.4]]])))
    case(operator, "of a scalar", lambda n, x, o=operator: n.op(o, n.scalar(1.5), positive(n, x)))
    case(operator, "two maps", lambda n, x, o=operator: n.op(o, x, n.op("Add", n.op("Sigmoid", n.conv(x, 4, 4)), n.scalar(0.5))))
    case(operator, "a map and a pixel", lambda n, x, o=operator: n.op(o, x, positive(n, n.op("GlobalAveragePool", x))))
    case(operator, "a map and a channel", lambda n, x, o=operator: n.op(o, x, positive(n, n.conv(x, 4, 1))))
for exponent in (2.0, 3.0, 0.5, -0.5, 0.75):
    case("Pow", f"to {exponent}", lambda n, x, e=exponent: n.op("Pow", positive(n, x), n.scalar(e)))
case("Pow", "of negatives", lambda n, x: n.op("Pow", x, n.scalar(3.0)))
case("Pow", "to an integer", lambda n, x: n.op("Pow", positive(n, x), n.constant(2, np.int64)), since=12)
case("Pow", "by channel", lambda n, x: n.op("Pow", positive(n, x), n.constant([[[1.0]], [[2.0]], [[0.5]], [[3.0]]])))
for operator in "Max Min Sum Mean".split():
    case(operator, "of three", lambda n, x, o=operator: n.op(o, x, n.conv(x, 4, 4), n.conv(x, 4, 4)))
    case(operator, "of one", lambda n, x, o=operator: n.op(o, x))
    case(operator, "with a scalar", lambda n, x, o=operator: n.op(o, x, n.scalar(0.2)), since=8)
for shape in ((4, 1, 1), (1,), (1, 4, 1, 1)):
    case("PRelu", f"slope of shape {shape}", lambda n, x, s=shape: n.op("PRelu", x, n.constant(np.abs(n.random.random(s)))))
for operator in "Equal Greater Less GreaterOrEqual LessOrEqual".split():
    since = {"Equal": 11, "Greater": 9, "Less": 9}.get(operator, 12)
    case(operator, "", lambda n, x, o=operator: n.float(n.op(o, n.op("Floor", n.op("Mul", x, n.scalar(2.0))), n.scalar(0.0))), since)
for operator in "And Or Xor".split():
    case(operator, "", lambda n, x, o=operator: n.float(n.op(o, n.op("Greater", x, n.scalar(0.0)), n.op("Less", x, n.scalar(0.4)))), since=9)
case("Not", "", lambda n, x: n.float(n.op("Not", n.op("Greater", x, n.scalar(0.0)))), since=9)
case("Where", "", lambda n, x: n.op("Where", n.op("Greater", x, n.scalar(0.0)), x, n.op("Mul", x, n.scalar(0.1))), since=9)
case("Where", "scalar", lambda n, x: n.op("Where", n.op("Greater", x, n.scalar(0.0)), n.scalar(2.0), x), since=9)
case("Mod", "fmod", lambda n, x: n.op("Mod", x, n.scalar(0.3), fmod=1), since=10)
case("Mod", "of integers", lambda n, x: n.float(n.op("Mod", n.op("Cast", n.op("Mul", x, n.scalar(9.0)), to=T.INT32), n.constant(4, np.int32))), since=10)
case("IsNaN", "", lambda n, x: n.float(n.op("IsNaN", n.op("Sqrt", x))), since=9)
case("IsInf", "", lambda n, x: n.float(n.op("IsInf", n.op("Div", x, n.op("Relu", x)))), since=10)
case("IsInf", "positive alone", lambda n, x: n.float(n.op("IsInf", n.op("Div", n.scalar(1.0), n.op("Mul", n.op("Relu", x), n.scalar(-1.0))), detect_negative=0)), since=10)

# Layers with weights.
case("Conv", "3×3", lambda n, x: n.conv(x, 4, 6))
case("Conv", "1×1", lambda n, x: n.conv(x, 4, 6, kernel=1))
case("Conv", "stride 2", lambda n, x: n.conv(x, 4, 6, strides=[2, 2]))
case("Conv", "strides that differ", lambda n, x: n.op("Conv", x, n.floats(4, 4, 1, 1), strides=[3, 2]))
case("Conv", "dilated", lambda n, x: n.conv(x, 4, 4, dilations=[2, 2], pads=[2] * 4))
case("Conv", "two groups", lambda n, x: n.conv(x, 4, 6, group=2))
case("Conv", "depthwise", lambda n, x: n.conv(x, 4, 4, group=4))
case("Conv", "depthwise, two each", lambda n, x: n.conv(x, 4, 8, group=4))
case("Conv", "no attributes", lambda n, x: n.op("Conv", x, n.floats(4, 4, 3, 3)))
case("Conv", "empty bias", lambda n, x: n.op("Conv", x, n.floats(4, 4, 3, 3), ""))
case("Conv", "unequal padding", lambda n, x: n.conv(x, 4, 4, pads=[0, 1, 2, 0]))
case("Conv", "1×7", lambda n, x: n.op("Conv", x, n.floats(4, 4, 1, 7), pads=[0, 3, 0, 3], kernel_shape=[1, 7]))
for kind in ("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"):
    case("Conv", f"auto_pad {kind}", lambda n, x, k=kind: n.op("Conv", x, n.floats(4, 4, 4, 4), auto_pad=k, strides=[1, 1] if k == "SAME_LOWER" else [2, 2]))
case("Conv", "of one axis", lambda n, x: n.op("Conv", n.op("Reshape", x, n.ints(1, 4, -1)), n.floats(4, 4, 3), pads=[1, 1]))
case("ConvTranspose", "stride 2", lambda n, x: n.op("ConvTranspose", x, n.floats(4, 3, 2, 2), strides=[2, 2]))
case("ConvTranspose", "bias", lambda n, x: n.op("ConvTranspose", x, n.floats(4, 3, 3, 3), n.floats(3), strides=[2, 2], pads=[1] * 4))
case("ConvTranspose", "empty bias", lambda n, x: n.op("ConvTranspose", x, n.floats(4, 3, 2, 2), "", strides=[2, 2]))
case("ConvTranspose", "output_padding", lambda n, x: n.op("ConvTranspose", x, n.floats(4, 3, 3, 3), strides=[2, 2], pads=[1] * 4, output_padding=[1, 1]))
case("ConvTranspose", "output_shape", lambda n, x: n.op("ConvTranspose", x, n.floats(4, 3, 3, 3), strides=[2, 2], output_shape=[16, 16]))
case("ConvTranspose", "SAME_UPPER", lambda n, x: n.op("ConvTranspose", x, n.floats(4, 3, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER"))
case("ConvTranspose", "SAME_LOWER", lambda n, x: n.op("ConvTranspose", x, n.floats(4, 3, 3, 3), strides=[2, 2], auto_pad="SAME_LOWER"))
case("ConvTranspose", "two groups", lambda n, x: n.op("ConvTranspose", x, n.floats(4, 3, 3, 3), group=2))
case("ConvTranspose", "dilated", lambda n, x: n.op("ConvTranspose", x, n.floats(4, 3, 2, 2), dilations=[2, 2]))


def vector(n, x):
    return n.op("Flatten", n.op("GlobalAveragePool", x))


case("Gemm", "plain", lambda n, x: n.op("Gemm", vector(n, x), n.floats(4, 5), n.floats(5)))
case("Gemm", "transB", lambda n, x: n.op("Gemm", vector(n, x), n.floats(5, 4), n.floats(5), transB=1))
case("Gemm", "transA", lambda n, x: n.op("Gemm", n.op("Reshape", x, n.ints(4, 64)), n.floats(4, 5), transA=1), since=11)
case("Gemm", "alpha, beta", lambda n, x: n.op("Gemm", vector(n, x), n.floats(4, 5), n.floats(5), alpha=0.5, beta=2.0))
case("Gemm", "scalar bias", lambda n, x: n.op("Gemm", vector(n, x), n.floats(4, 5), n.scalar(0.3)))
case("Gemm", "no bias", lambda n, x: n.op("Gemm", vector(n, x), n.floats(4, 5)), since=11)
case("Gemm", "empty bias", lambda n, x: n.op("Gemm", vector(n, x), n.floats(4, 5), ""), since=11)
case("Gemm", "of the whole map", lambda n, x: n.op("Gemm", n.op("Flatten", x), n.floats(256, 5), n.floats(5)))
case("MatMul", "of a vector", lambda n, x: n.op("MatMul", vector(n, x), n.floats(4, 5)))
case("MatMul", "of rows", lambda n, x: n.op("MatMul", x, n.floats(8, 5)))
case("MatMul", "weights first", lambda n, x: n.op("MatMul", n.floats(5, 4), n.op("Reshape", x, n.ints(1, 4, 64))))
case("MatMul", "of two", lambda n, x: n.op("MatMul", n.op("Reshape", x, n.ints(1, 4, 64)), n.op("Transpose", n.op("Reshape", n.conv(x, 4, 4), n.ints(1, 4, 64)), perm=[0, 2, 1])))
case("Einsum", "by channel", lambda n, x: n.op("Einsum", x, n.floats(4, 5), equation="bchw,cd->bdhw"), since=12)
case("Einsum", "outer", lambda n, x: n.op("Einsum", x, x, equation="bchw,bdhw->bcd"), since=12)

# Normalisation.
for name, attributes, until in [("", {}, MAX_OPSET), ("epsilon", {"epsilon": 0.1}, MAX_OPSET)]:
    case("BatchNormalization", name, lambda n, x, a=attributes: n.op("BatchNormalization", x, n.floats(4), n.floats(4), n.floats(4), n.constant([0.5, 1.0, 2.0, 0.1]), **a), until=until)
case("BatchNormalization", "not in training", lambda n, x: n.op("BatchNormalization", x, n.floats(4), n.floats(4), n.floats(4), n.constant([0.5, 1.0, 2.0, 0.1]), training_mode=0, momentum=0.9), since=14)
case("BatchNormalization", "of a vector", lambda n, x: n.op("BatchNormalization", vector(n, x), n.floats(4), n.floats(4), n.floats(4), n.constant([0.5, 1.0, 2.0, 0.1])))
case("InstanceNormalization", "", lambda n, x: n.op("InstanceNormalization", x, n.floats(4), n.floats(4)))
case("InstanceNormalization", "epsilon", lambda n, x: n.op("InstanceNormalization", x, n.floats(4), n.floats(4), epsilon=0.1))
case("GroupNormalization", "", lambda n, x: n.op("GroupNormalization", x, n.floats(2 if n.opset < 21 else 4), n.floats(2 if n.opset < 21 else 4), num_groups=2), since=18)
case("GroupNormalization", "epsilon", lambda n, x: n.op("GroupNormalization", x, n.floats(2 if n.opset < 21 else 4), n.floats(2 if n.opset < 21 else 4), num_groups=2, epsilon=0.1), since=18)


def last(n, x, build):
    return n.op("Transpose", build(n.op("Transpose", x, perm=[0, 2, 3, 1])), perm=[0, 3, 1, 2])


case("LayerNormalization", "of the last axis", lambda n, x: last(n, x, lambda y: n.op("LayerNormalization", y, n.floats(4), n.floats(4))), since=17)
case("LayerNormalization", "epsilon", lambda n, x: last(n, x, lambda y: n.op("LayerNormalization", y, n.floats(4), n.floats(4), axis=-1, epsilon=0.1)), since=17)
case("LayerNormalization", "no bias", lambda n, x: last(n, x, lambda y: n.op("LayerNormalization", y, n.floats(4))), since=17)
case("LayerNormalization", "empty bias", lambda n, x: last(n, x, lambda y: n.op("LayerNormalization", y, n.floats(4), "")), since=17)
case("LayerNormalization", "of three axes", lambda n, x: n.op("LayerNormalization", x, n.floats(4, 8, 8), n.floats(4, 8, 8), axis=1), since=17)
case("RMSNormalization", "", lambda n, x: last(n, x, lambda y: n.op("RMSNormalization", y, n.floats(4))), since=23)
case("RMSNormalization", "axis, epsilon", lambda n, x: n.op("RMSNormalization", x, n.floats(8, 8), axis=2, epsilon=0.1), since=23)
for size in (3, 5):
    case("LRN", f"size {size}", lambda n, x, s=size: n.op("LRN", x, size=s, alpha=0.5, beta=0.7, bias=1.5))
case("LRN", "defaults", lambda n, x: n.op("LRN", x, size=3))
for order in (1, 2):
    case("LpNormalization", f"p {order}", lambda n, x, p=order: n.op("LpNormalization", x, axis=1, p=p))
case("LpNormalization", "defaults", lambda n, x: n.op("LpNormalization", x))
case("MeanVarianceNormalization", "", lambda n, x: n.op("MeanVarianceNormalization", x), since=9)
case("MeanVarianceNormalization", "axes", lambda n, x: n.op("MeanVarianceNormalization", x, axes=[2, 3]), since=9)

# Pooling.
for operator in ("AveragePool", "MaxPool", "LpPool"):
    def pool(name, since=MIN_OPSET, operator=operator, **attributes):
        case(operator, name, lambda n, x, a=attributes: n.op(operator, x, **({"kernel_shape": [3, 3]} | a)), since)

    pool("stride 1")
    pool("stride 2", strides=[2, 2])
    pool("padded", strides=[2, 2], pads=[1] * 4)
    pool("unequal padding", strides=[2, 2], pads=[0, 0, 1, 1])
    for kind in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        pool(f"auto_pad {kind}", strides=[2, 2], auto_pad=kind)
    ceil = {"AveragePool": 10, "MaxPool": 10, "LpPool": 18}[operator]
    pool("ceil_mode", ceil, strides=[2, 2], ceil_mode=1)
    pool("ceil_mode, padded", ceil, strides=[2, 2], pads=[1] * 4, ceil_mode=1)
    pool("ceil_mode, window beyond", ceil, kernel_shape=[1, 1], strides=[5, 5], ceil_mode=1)
    pool("ceil_mode, window in the padding", ceil, kernel_shape=[2, 2], strides=[3, 3], pads=[0, 0, 1, 1], ceil_mode=1)
    pool("dilated", {"AveragePool": 19, "MaxPool": 10, "LpPool": 18}[operator], kernel_shape=[2, 2], dilations=[2, 2])
    pool("whole map", kernel_shape=[8, 8])
    if operator == "AveragePool":
        pool("count_include_pad", strides=[2, 2], pads=[1] * 4, count_include_pad=1)
        pool("count_include_pad, unequal", strides=[2, 2], pads=[0, 0, 1, 1], count_include_pad=1)
        pool("count_include_pad, ceil_mode", ceil, strides=[2, 2], pads=[1] * 4, count_include_pad=1, ceil_mode=1)
        pool("count_include_pad, SAME_LOWER", strides=[2, 2], auto_pad="SAME_LOWER", count_include_pad=1)
    if operator == "LpPool":
        pool("p 1", p=1)
        pool("p 3", p=3)
case("MaxPool", "of negatives, padded", lambda n, x: n.op("MaxPool", n.op("Neg", positive(n, x)), kernel_shape=[3, 3], pads=[1] * 4))
case("MaxPool", "storage_order", lambda n, x: n.op("MaxPool", x, kernel_shape=[3, 3], storage_order=1), since=8)
unary("GlobalAveragePool")
unary("GlobalMaxPool")
unary("GlobalLpPool")
unary("GlobalLpPool", p=1)
unary("GlobalLpPool", p=3)
for operator in "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare".split():
    before = positive if operator == "ReduceLogSum" else (lambda n, x: n.op("Mul", x, n.scalar(1.1)))
    case(operator, "rows and columns", lambda n, x, o=operator, b=before: n.reduce(o, b(n, x), [2, 3]))
    case(operator, "without keepdims", lambda n, x, o=operator, b=before: n.reduce(o, b(n, x), [2, 3], keepdims=0))
    case(operator, "channels", lambda n, x, o=operator, b=before: n.reduce(o, b(n, x), [1]))
    case(operator, "negative axes", lambda n, x, o=operator, b=before: n.reduce(o, b(n, x), [-1, -2]), since=11)
    case(operator, "all axes", lambda n, x, o=operator, b=before: n.op(o, n.op("Mul", b(n, x), n.scalar(0.9))))
    axes = 13 if operator == "ReduceSum" else 18
    case(operator, "noop_with_empty_axes", lambda n, x, o=operator, b=before: n.op(o, b(n, x), n.constant(np.zeros(0), np.int64), noop_with_empty_axes=1), axes)
    case(operator, "empty axes", lambda n, x, o=operator, b=before: n.op(o, n.op("Mul", b(n, x), n.scalar(0.9)), ""), axes)
for operator in ("ArgMax", "ArgMin"):
    for axis in (1, 3):
        case(operator, f"axis {axis}", lambda n, x, o=operator, a=axis: n.float(n.op(o, x, axis=a)))
    case(operator, "keepdims 0", lambda n, x, o=operator: n.float(n.op(o, x, axis=1, keepdims=0)))
    case(operator, "select_last_index", lambda n, x, o=operator: n.float(n.op(o, n.op("Sign", x), axis=3, select_last_index=1)), since=12)

# Softmax and its kin.
for operator in ("Softmax", "LogSoftmax", "Hardmax"):
    case(operator, "default axis, map", lambda n, x, o=operator: n.op(o, x))
    case(operator, "default axis, vector", lambda n, x, o=operator: n.op(o, vector(n, x)))
    for axis in (1, 2, 3):
        case(operator, f"axis {axis}, map", lambda n, x, o=operator, a=axis: n.op(o, x, axis=a))
    case(operator, "axis -1, map", lambda n, x, o=operator: n.op(o, x, axis=-1), since=11)

# Order and shape.
case("Concat", "channels", lambda n, x: n.op("Concat", x, n.conv(x, 4, 2), axis=1))
case("Concat", "columns", lambda n, x: n.op("Concat", x, n.conv(x, 4, 4), axis=3))
case("Concat", "negative axis", lambda n, x: n.op("Concat", x, x, axis=-3), since=11)
case("Concat", "of one", lambda n, x: n.op("Concat", x, axis=1))
case("Flatten", "axis 1", lambda n, x: n.op("Flatten", x))
case("Flatten", "axis 2", lambda n, x: n.op("Flatten", x, axis=2))
case("Flatten", "axis 0", lambda n, x: n.op("Flatten", x, axis=0))
case("Flatten", "negative axis", lambda n, x: n.op("Flatten", x, axis=-1), since=11)
case("Reshape", "zero and -1", lambda n, x: n.op("Reshape", x, n.ints(0, 0, -1)))
case("Reshape", "channel shuffle", lambda n, x: n.op("Reshape", n.op("Transpose", n.op("Reshape", x, n.ints(1, 2, 2, 8, 8)), perm=[0, 2, 1, 3, 4]), n.ints(1, 4, 8, 8)))
case("Reshape", "allowzero", lambda n, x: n.op("Reshape", x, n.ints(1, 4, 64), allowzero=1), since=14)
case("Reshape", "of a shape", lambda n, x: n.op("Reshape", x, n.op("Concat", n.op("Gather", n.op("Shape", x), n.ints(0)), n.ints(-1), axis=0)))
case("Transpose", "perm", lambda n, x: n.op("Transpose", x, perm=[0, 3, 1, 2]))
case("Transpose", "default", lambda n, x: n.op("Transpose", x))
for axes in ([2, 3], [3, 2], [-1, -2], [-2, -1], [2, -1]):
    since = 11 if min(axes) < 0 else MIN_OPSET
    case("Squeeze", f"axes {axes}", lambda n, x, a=axes: n.squeeze(n.op("GlobalAveragePool", x), a), since)
    case("Unsqueeze", f"axes {axes}", lambda n, x, a=axes: n.op("Add", n.unsqueeze(vector(n, x), a), x), since)
case("Squeeze", "no axes", lambda n, x: n.op("Squeeze", n.op("GlobalAveragePool", x)))
case("Unsqueeze", "before and after", lambda n, x: n.unsqueeze(x, [0, 5]))
case("Unsqueeze", "after and before", lambda n, x: n.unsqueeze(x, [5, 0]))
case("Shape", "", lambda n, x: n.op("Mul", n.op("Reshape", x, n.ints(64, 4)), n.float(n.op("Shape", x))))
case("Shape", "start, end", lambda n, x: n.op("Mul", n.op("Reshape", x, n.ints(128, 2)), n.float(n.op("Shape", x, start=1, end=-1))), since=15)
case("Size", "", lambda n, x: n.op("Mul", x, n.float(n.op("Size", x))))
case("Expand", "", lambda n, x: n.op("Add", x, n.op("Expand", n.floats(1, 4, 1, 1), n.op("Shape", x))), since=8)
case("Expand", "of a map", lambda n, x: n.op("Expand", n.op("GlobalAveragePool", x), n.ints(1, 1, 2, 3)), since=8)
case("Tile", "", lambda n, x: n.op("Tile", x, n.ints(1, 2, 1, 3)))
case("Gather", "channels", lambda n, x: n.op("Gather", x, n.ints(3, 0, 1), axis=1))
case("Gather", "scalar", lambda n, x: n.op("Gather", x, n.scalar(2, np.int64), axis=2))
case("Gather", "negative index", lambda n, x: n.op("Gather", x, n.ints(-1, 0), axis=1), since=11)
case("Gather", "default axis", lambda n, x: n.op("Gather", x, n.ints(0, 0)))
case("GatherElements", "", lambda n, x: n.op("GatherElements", x, n.constant(np.arange(32).reshape(1, 4, 8, 1) % 8, np.int64), axis=3), since=11)
case("GatherND", "", lambda n, x: n.op("GatherND", x, n.constant([[0, 3], [0, 1]], np.int64)), since=11)
case("GatherND", "batch_dims", lambda n, x: n.op("GatherND", x, n.constant([[3]], np.int64), batch_dims=1), since=12)
case("ScatterND", "", lambda n, x: n.op("ScatterND", x, n.constant([[0, 3]], np.int64), n.constant(np.ones((1, 8, 8)))), since=11)
for reduction in ("add", "mul"):
    case("ScatterND", f"reduction {reduction}", lambda n, x, r=reduction: n.op("ScatterND", x, n.constant([[0, 3], [0, 3]], np.int64), n.constant(2 * np.ones((2, 8, 8))), reduction=r), since=16)
    case("ScatterElements", f"reduction {reduction}", lambda n, x, r=reduction: n.op("ScatterElements", x, n.constant(np.zeros((1, 4, 8, 1)), np.int64), n.floats(1, 4, 8, 1), axis=3, reduction=r), since=16)
case("ScatterElements", "", lambda n, x: n.op("ScatterElements", x, n.constant(np.full((1, 4, 8, 1), 2), np.int64), n.floats(1, 4, 8, 1), axis=3), since=11)
case("Slice", "columns", lambda n, x: n.slice(x, [1, 2], [7, 8], [2, 3]))
case("Slice", "negative", lambda n, x: n.slice(x, [-5], [-1], [3]))
case("Slice", "far end", lambda n, x: n.slice(x, [2], [1 << 40], [1]))
case("Slice", "no axes", lambda n, x: n.slice(x, [0, 1], [1, 3]))
case("Slice", "steps", lambda n, x: n.slice(x, [0, 1], [100, 100], [2, 3], [2, 3]), since=10)
for start, step in ((0, 3), (1, 2), (2, 2), (2, 3), (-7, 2), (-3, 2)):
    case("Slice", f"from {start} by {step}", lambda n, x, a=start, b=step: n.slice(x, [a, a], [100, 8], [2, 3], [b, b]), since=10)
case("Slice", "channels from 1 by 2", lambda n, x: n.slice(x, [1], [4], [1], [2]), since=10)
case("Slice", "quarters", lambda n, x: n.op("Concat", *[n.slice(x, [a, b], [1 << 62] * 2, [2, 3], [2, 2]) for a in (0, 1) for b in (0, 1)], axis=1), since=10)
case("Slice", "computed start", lambda n, x: n.op("Slice", x, n.op("Gather", n.op("Shape", x), n.ints(0)), n.ints(8), n.ints(2), n.ints(2)), since=10)
case("Slice", "backwards", lambda n, x: n.slice(x, [-1], [-100], [3], [-1]), since=10)
case("Slice", "empty axes", lambda n, x: n.op("Slice", x, n.ints(0, 0, 1, 1), n.ints(9, 9, 7, 7), "", n.ints(1, 1, 2, 2)), since=10)
case("Split", "sizes", lambda n, x: n.op("Mul", n.split(x, [1, 3], axis=1)[1], n.scalar(2.0)))
case("Split", "halves", lambda n, x: (lambda s: n.op("Sub", s[0], n.op("Tanh", s[1])))(n.op("Split", x, axis=1, outputs=2, **({"num_outputs": 2} if n.opset >= 18 else {}))))
case("Split", "num_outputs, unequal", lambda n, x: (lambda s: n.op("Concat", s[2], s[0], axis=3))(n.op("Split", x, axis=3, outputs=3, num_outputs=3)), since=18)
case("Split", "empty sizes", lambda n, x: (lambda s: n.op("Sub", s[0], s[1]))(n.op("Split", x, "", axis=1, outputs=2)), since=13, until=17)
case("Split", "default axis", lambda n, x: n.op("Add", *n.op("Split", n.op("Concat", x, n.conv(x, 4, 4), axis=0), outputs=2, **({"num_outputs": 2} if n.opset >= 18 else {}))))
for mode in ("constant", "reflect", "edge"):
    case("Pad", mode, lambda n, x, m=mode: n.pad(x, [0, 0, 1, 2, 0, 0, 2, 1], m))
case("Pad", "wrap", lambda n, x: n.pad(x, [0, 0, 1, 2, 0, 0, 2, 1], "wrap"), since=19)
case("Pad", "value", lambda n, x: n.pad(x, [0, 0, 1, 1, 0, 0, 1, 1], value=1.5))
case("Pad", "channels", lambda n, x: n.pad(x, [0, 1, 0, 0, 0, 2, 0, 0]))
case("Pad", "before a convolution", lambda n, x: n.conv(n.pad(x, [0, 0, 1, 1, 0, 0, 1, 1]), 4, 4, pads=[0] * 4))
case("Pad", "value, before a convolution", lambda n, x: n.conv(n.pad(x, [0, 0, 1, 1, 0, 0, 1, 1], value=1.5), 4, 4, pads=[0] * 4))
case("Pad", "before a maximum", lambda n, x: n.op("MaxPool", n.pad(n.op("Neg", positive(n, x)), [0, 0, 1, 1, 0, 0, 1, 1]), kernel_shape=[3, 3], strides=[2, 2]))
case("Pad", "negative", lambda n, x: n.pad(x, [0, 0, -1, -2, 0, 0, 0, -1]))
case("Pad", "negative and positive", lambda n, x: n.pad(x, [0, 0, -1, 1, 0, 0, 2, -3]))
case("Pad", "axes", lambda n, x: n.op("Pad", x, n.ints(1, 0, 1, 2), "", n.ints(2, 3)), since=18)
case("Pad", "negative axes", lambda n, x: n.op("Pad", x, n.ints(1, 0, 1, 2), n.scalar(0.5), n.ints(-2, -1)), since=18)
for mode in ("DCR", "CRD"):
    case("DepthToSpace", mode, lambda n, x, m=mode: n.op("DepthToSpace", x, blocksize=2, mode=m), since=11)
case("DepthToSpace", "default", lambda n, x: n.op("DepthToSpace", x, blocksize=2))
case("SpaceToDepth", "", lambda n, x: n.op("SpaceToDepth", x, blocksize=2))
modes = [("nearest", "half_pixel", "round_prefer_floor"), ("nearest", "half_pixel", "round_prefer_ceil"), ("nearest", "half_pixel", "floor"), ("nearest", "half_pixel", "ceil"), ("nearest", "asymmetric", "floor"), ("nearest", "align_corners", "round_prefer_floor"), ("nearest", "pytorch_half_pixel", "floor"), ("linear", "half_pixel", "floor"), ("linear", "asymmetric", "floor"), ("linear", "align_corners", "floor"), ("linear", "pytorch_half_pixel", "floor"), ("linear", "half_pixel_symmetric", "floor"), ("cubic", "half_pixel", "floor"), ("cubic", "align_corners", "floor"), ("cubic", "asymmetric", "floor")]
for mode, transform, nearest in modes:
    attributes = {"mode": mode, "coordinate_transformation_mode": transform, "nearest_mode": nearest}
    since = 19 if transform == "half_pixel_symmetric" else 11
    kind = f"{mode}, {transform}" + (f", {nearest}" if mode == "nearest" else "")
    case("Resize", f"{kind}, larger", lambda n, x, a=attributes: n.resize(x, sizes=[1, 4, 12, 13], **a), since)
    case("Resize", f"{kind}, smaller", lambda n, x, a=attributes: n.resize(x, sizes=[1, 4, 5, 3], **a), since)
    case("Resize", f"{kind}, twice", lambda n, x, a=attributes: n.resize(x, scales=[1, 1, 2, 2], **a), since)
case("Resize", "nearest, tf_half_pixel_for_nn", lambda n, x: n.resize(x, sizes=[1, 4, 12, 13], mode="nearest", coordinate_transformation_mode="tf_half_pixel_for_nn"), since=11, until=12)
case("Resize", "linear, 1.3 times", lambda n, x: n.resize(x, scales=[1, 1, 1.3, 1.3], mode="linear"), since=11)
case("Resize", "defaults", lambda n, x: n.resize(x, scales=[1, 1, 2, 2]), since=10)
case("Resize", "nearest, opset 10", lambda n, x: n.resize(x, scales=[1, 1, 2, 2], mode="nearest"), since=10, until=10)
case("Resize", "linear, opset 10", lambda n, x: n.resize(x, scales=[1, 1, 2, 2], mode="linear"), since=10, until=10)
case("Resize", "antialias", lambda n, x: n.resize(x, sizes=[1, 4, 3, 3], mode="linear", antialias=1), since=18)
case("Resize", "axes", lambda n, x: n.resize(x, sizes=[12, 12], mode="linear", axes=[2, 3]), since=18)
case("Resize", "keep_aspect_ratio_policy", lambda n, x: n.resize(x, sizes=[12, 10], mode="linear", axes=[2, 3], keep_aspect_ratio_policy="not_larger"), since=18)
case("Resize", "cubic_coeff_a", lambda n, x: n.resize(x, sizes=[1, 4, 12, 12], mode="cubic", cubic_coeff_a=-0.5), since=11)
case("Resize", "exclude_outside", lambda n, x: n.resize(x, sizes=[1, 4, 12, 12], mode="cubic", exclude_outside=1), since=11)
case("Resize", "tf_crop_and_resize", lambda n, x: n.op("Resize", x, n.constant([0, 0, 0.2, 0.2, 1, 1, 0.8, 0.8]), *([n.constant(np.zeros(0))] if n.opset < 13 else [""]), n.ints(1, 4, 6, 6), mode="linear", coordinate_transformation_mode="tf_crop_and_resize"), since=11)
case("Upsample", "nearest", lambda n, x: n.op("Upsample", x, n.constant([1, 1, 2, 2]), mode="nearest") if n.opset >= 9 else n.op("Upsample", x, scales=[1.0, 1.0, 2.0, 2.0], mode="nearest"), until=9)
case("Upsample", "linear", lambda n, x: n.op("Upsample", x, n.constant([1, 1, 2, 2]), mode="linear") if n.opset >= 9 else n.op("Upsample", x, scales=[1.0, 1.0, 2.0, 2.0], mode="linear"), until=9)
case("GridSample", "bilinear", lambda n, x: n.op("GridSample", x, n.constant(np.stack(np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-0.8, 1, 9)), -1)[None]), mode="bilinear" if n.opset < 20 else "linear"), since=16)
case("CumSum", "", lambda n, x: n.op("CumSum", x, n.scalar(3, np.int64)), since=11)
case("CumSum", "exclusive, reverse", lambda n, x: n.op("CumSum", x, n.scalar(3, np.int64), exclusive=1, reverse=1), since=11)
case("Trilu", "upper", lambda n, x: n.op("Trilu", x), since=14)
case("Trilu", "lower, diagonal", lambda n, x: n.op("Trilu", x, n.scalar(1, np.int64), upper=0), since=14)
case("TopK", "", lambda n, x: n.op("TopK", x, n.ints(2), axis=1, outputs=2)[0], since=10)
case("TopK", "smallest", lambda n, x: n.op("TopK", x, n.ints(2), axis=1, largest=0, outputs=2)[0], since=11)
case("TopK", "k as attribute", lambda n, x: n.op("TopK", x, k=2, axis=1, outputs=2)[0], until=9)
case("OneHot", "", lambda n, x: n.op("OneHot", n.op("ArgMax", x, axis=1, keepdims=0), n.ints(4), n.constant([0.0, 1.0]), axis=1), since=9)
case("EyeLike", "", lambda n, x: n.op("MatMul", n.op("EyeLike", n.floats(8, 8)), x), since=9)
case("Range", "", lambda n, x: n.op("Add", x, n.float(n.op("Range", n.scalar(0, np.int64), n.scalar(8, np.int64), n.scalar(1, np.int64)))), since=11)
case("ConstantOfShape", "", lambda n, x: n.op("Add", x, n.op("ConstantOfShape", n.op("Shape", x), value=numpy_helper.from_array(np.array([0.25], np.float32)))), since=9)
case("ConstantOfShape", "default", lambda n, x: n.op("Add", x, n.op("ConstantOfShape", n.ints(4, 8, 8))), since=9)
case("Constant", "value", lambda n, x: n.op("Mul", x, n.op("Constant", value=numpy_helper.from_array(np.array([0.5], np.float32)))))
case("Constant", "value_float", lambda n, x: n.op("Mul", x, n.op("Constant", value_float=0.5)), since=12)
case("Constant", "value_floats", lambda n, x: n.op("Mul", x, n.op("Constant", value_floats=[0.5] * 8)), since=12)
case("Constant", "value_int", lambda n, x: n.op("Mul", x, n.float(n.op("Constant", value_int=3))), since=12)
case("Constant", "value_ints", lambda n, x: n.op("Reshape", x, n.op("Constant", value_ints=[4, -1])), since=12)


def branches(n, x):
    condition = n.op("Equal", n.op("Gather", n.op("Shape", x), n.scalar(3, np.int64)), n.scalar(8, np.int64))
    graphs = []
    for name, operator in (("then", "Relu"), ("else", "Neg")):
        output = helper.make_tensor_value_info(name, T.FLOAT, None)
        graphs.append(helper.make_graph([helper.make_node(operator, [x], [name])], name, [], [output]))
    return n.op("If", condition, then_branch=graphs[0], else_branch=graphs[1])


case("If", "of a shape", branches, since=11)

# Quantised networks.
case("QuantizeLinear", "uint8 and back", lambda n, x: n.op("DequantizeLinear", n.op("QuantizeLinear", x, n.scalar(0.02), n.scalar(114, np.uint8)), n.scalar(0.02), n.scalar(114, np.uint8)), since=10)
case("QuantizeLinear", "int8 and back", lambda n, x: n.op("DequantizeLinear", n.op("QuantizeLinear", x, n.scalar(0.05), n.scalar(3, np.int8)), n.scalar(0.05), n.scalar(3, np.int8)), since=10)
case("QuantizeLinear", "empty zero point", lambda n, x: n.op("DequantizeLinear", n.op("QuantizeLinear", x, n.scalar(0.05), ""), n.scalar(0.05), ""), since=10)
case("QuantizeLinear", "by channel", lambda n, x: (lambda s, z: n.op("DequantizeLinear", n.op("QuantizeLinear", x, s, z, axis=1), s, z, axis=1))(n.constant([0.02, 0.03, 0.05, 0.01]), n.constant([0, 100, 128, 30], np.uint8)), since=13)
case("DequantizeLinear", "weights by channel", lambda n, x: n.op("Conv", x, n.op("DequantizeLinear", n.constant(n.random.integers(-100, 100, (4, 4, 3, 3)), np.int8), n.constant([0.01, 0.02, 0.005, 0.03]), n.constant(np.zeros(4), np.int8), axis=0)), since=13)
case("DequantizeLinear", "weights", lambda n, x: n.op("Conv", x, n.op("DequantizeLinear", n.constant(n.random.integers(0, 200, (4, 4, 3, 3)), np.uint8), n.scalar(0.01), n.scalar(90, np.uint8))), since=10)
case("DequantizeLinear", "bias", lambda n, x: n.op("Add", x, n.op("DequantizeLinear", n.constant(np.arange(8), np.int32), n.scalar(0.01))), since=10)
case("DequantizeLinear", "by channel, default axis", lambda n, x: n.op("Add", x, n.op("DequantizeLinear", n.constant(n.random.integers(-100, 100, (1, 4, 1, 1)), np.int8), n.constant([0.01, 0.02, 0.005, 0.03]))), since=13)
case("DequantizeLinear", "block_size", lambda n, x: n.op("Add", x, n.op("DequantizeLinear", n.constant(n.random.integers(-100, 100, (8, 8)), np.int8), n.floats(8, 2), axis=1, block_size=4)), since=21)


def dynamic(n, x):
    quantised, scale, zero = n.op("DynamicQuantizeLinear", x, outputs=3)
    return n.op("DequantizeLinear", quantised, scale, zero)


case("DynamicQuantizeLinear", "before DequantizeLinear", dynamic, since=11)


def integer_conv(n, x):
    quantised, scale, zero = n.op("DynamicQuantizeLinear", x, outputs=3)
    weights = n.constant(n.random.integers(-100, 100, (4, 4, 3, 3)), np.int8)
    sums = n.op("ConvInteger", quantised, weights, zero, n.scalar(0, np.int8), pads=[1] * 4)
    return n.op("Mul", n.float(sums), n.op("Mul", scale, n.scalar(0.01)))


def integer_product(n, x):
    quantised, scale, zero = n.op("DynamicQuantizeLinear", x, outputs=3)
    weights = n.constant(n.random.integers(-100, 100, (8, 5)), np.int8)
    sums = n.op("MatMulInteger", quantised, weights, zero, n.scalar(0, np.int8))
    return n.op("Mul", n.float(sums), n.op("Mul", scale, n.scalar(0.01)))


def quantised_conv(n, x):
    def parameters(scale, zero, dtype=np.uint8):
        return [n.scalar(scale), n.scalar(zero, dtype)]

    quantised = n.op("QuantizeLinear", x, *parameters(0.02, 114))
    weights = n.constant(n.random.integers(-60, 60, (4, 4, 3, 3)), np.int8)
    result = n.op("QLinearConv", quantised, *parameters(0.02, 114), weights, *parameters(0.01, 0, np.int8), *parameters(0.05, 120), pads=[1] * 4)
    return n.op("DequantizeLinear", result, *parameters(0.05, 120))


def quantised_product(n, x):
    def parameters(scale, zero, dtype=np.uint8):
        return [n.scalar(scale), n.scalar(zero, dtype)]

    quantised = n.op("QuantizeLinear", x, *parameters(0.02, 114))
    weights = n.constant(n.random.integers(-60, 60, (8, 5)), np.int8)
    result = n.op("QLinearMatMul", quantised, *parameters(0.02, 114), weights, *parameters(0.01, 0, np.int8), *parameters(0.05, 120))
    return n.op("DequantizeLinear", result, *parameters(0.05, 120))


case("ConvInteger", "", integer_conv, since=11)
case("DynamicQuantizeLinear", "before ConvInteger", integer_conv, since=11)
case("MatMulInteger", "", integer_product, since=11)
case("QLinearConv", "", quantised_conv, since=10)
case("QLinearMatMul", "", quantised_product, since=10)

# What other domains define.
case("Gelu", "com.microsoft", lambda n, x: n.op("Gelu", x, domain="com.microsoft"), domain="com.microsoft")
case("QuickGelu", "alpha 1.702", lambda n, x: n.op("QuickGelu", x, domain="com.microsoft", alpha=1.702), domain="com.microsoft")
case("QuickGelu", "alpha 1", lambda n, x: n.op("QuickGelu", x, domain="com.microsoft", alpha=1.0), domain="com.microsoft")
case("FusedConv", "", lambda n, x: n.op("FusedConv", x, n.floats(4, 4, 3, 3), n.floats(4), domain="com.microsoft", activation="Relu"), domain="com.microsoft")


def opsets(operator, since, until, domain):
    """Where the operator's definition changed, within the case's range, and the range's end."""
    versions = {
        schema.since_version
        for schema in onnx.defs.get_all_schemas_with_history()
        if schema.name == operator and schema.domain == domain
    }
    oldest = max(since, min(versions, default=since))
    return sorted({v for v in versions | {oldest, until} if oldest <= v <= until and v not in (27, 28)})


def run(model, image):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": image})[0]


def reference(build, opset, image):
    """The network at an opset, and what it answers by onnxruntime. What that lacks is asked of onnx itself, or of
    onnxruntime at the last opset that it has it at, if the newer one only allows more types."""

    def at(opset):
        network = Network(opset)
        return network.model(build(network, network.conv("image", 3, CHANNELS)))

    model = at(opset)
    try:
        return model, run(model, image)
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        if any(node.op_type == "GlobalLpPool" for node in model.graph.node):
            return model, run(at(21), image)
        return model, ReferenceEvaluator(model).run(None, {"image": image})[0]


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(1).standard_normal((1, 3, SIDE, SIDE)).astype(np.float32)
    (folder / "image.f32").write_bytes(image.tobytes())
    cases = []
    for operator, name, build, since, until, domain in CASES:
        for opset in opsets(operator, since, until, domain):
            entry = {"operator": operator, "domain": domain, "case": name, "opset": opset}
            try:
                model, expected = reference(build, opset, image)
            except Exception as error:  # A network that the reference refuses tells of a fault in this file.
                sys.exit(f"{operator}, {name}, opset {opset}: {error}")
            entry["file"] = f"{len(cases)}.onnx"
            entry["expected"] = [float(v) for v in expected.ravel()]
            (folder / entry["file"]).write_bytes(model.SerializeToString())
            cases.append(entry)
    (folder / "cases.json").write_text(json.dumps(cases))
    print(len(cases))


if __name__ == "__main__":
    main(*sys.argv[1:])
