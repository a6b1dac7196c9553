"""The MobileNets of the benchmark, with random weights: speed does not depend on what a network has learned."""

import math

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

CLASSES = 1000


class Network:
    """Built layer by layer, as ONNX nodes and, beside them, as the fused layers that tfjs runs best."""

    def __init__(self, size, seed):
        self.size = size
        self.layers = []
        self._random = np.random.default_rng(seed)
        self._nodes = []
        self._initializers = []
        self._blob = []
        self._blob_length = 0
        self._tensors = 0

    def conv(self, x, channels, to, kernel=1, stride=1, groups=1, pad=None, activation=None, gain=2.0):
        fan_in = kernel * kernel * channels // groups
        weights = self._weights((to, channels // groups, kernel, kernel), math.sqrt(gain / fan_in))
        bias = self._weights((to,), 0.1)
        pad = pad or [(kernel - 1) // 2] * 4
        y = self._node(
            "Conv",
            [x, self._initializer(weights), self._initializer(bias)],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=pad,
            group=groups,
        )
        # tfjs wants height x width x in x out, and of a depthwise convolution height x width x channels x 1.
        order = (2, 3, 0, 1) if groups > 1 else (2, 3, 1, 0)
        layer = {
            "op": "depthwise" if groups > 1 else "conv",
            "weights": self._blob_of(weights.transpose(order)),
            "bias": self._blob_of(bias),
            "stride": stride,
            "pad": pad,
        }
        fused = activation if activation in ("relu", "relu6") else None
        if fused:
            layer["activation"] = fused
            y = self._activation(y, fused)
        self._layer(layer, [x], y)
        return y if fused or not activation else self.activation(y, activation)

    def dense(self, x, channels, to):
        weights = self._weights((to, channels), math.sqrt(1 / channels))
        bias = self._weights((to,), 0.1)
        y = self._node("Gemm", [x, self._initializer(weights), self._initializer(bias)], transB=1)
        layer = {"op": "dense", "weights": self._blob_of(weights.T), "bias": self._blob_of(bias)}
        return self._layer(layer, [x], y)

    def activation(self, x, kind):
        return self._layer({"op": kind}, [x], self._activation(x, kind))

    def add(self, a, b):
        return self._layer({"op": "add"}, [a, b], self._node("Add", [a, b]))

    def multiply(self, a, b):
        return self._layer({"op": "multiply"}, [a, b], self._node("Mul", [a, b]))

    def average(self, x):
        return self._layer({"op": "average"}, [x], self._node("GlobalAveragePool", [x]))

    def flatten(self, x):
        return self._layer({"op": "flatten"}, [x], self._node("Flatten", [x], axis=1))

    def onnx(self, name):
        """The model, from `input` (1 x 3 x size x size) to `logits`."""
        self._nodes[-1].output[0] = "logits"
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, self.size, self.size])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES])],
            self._initializers,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        checker.check_model(model)
        return model

    def blob(self):
        """The weights of `layers`, float32."""
        return b"".join(self._blob)

    def _weights(self, shape, deviation):
        values = self._random.standard_normal(shape) * deviation
        # Half precision holds them exactly, so that an engine that stores them so computes the same network.
        return values.astype(np.float16).astype(np.float32)

    def _activation(self, x, kind):
        if kind == "relu6":
            bounds = [self._initializer(np.array(bound, np.float32)) for bound in (0, 6)]
            return self._node("Clip", [x, *bounds])
        if kind == "hard-sigmoid":
            return self._node("HardSigmoid", [x], alpha=1 / 6, beta=0.5)
        return self._node({"relu": "Relu", "hard-swish": "HardSwish"}[kind], [x])

    def _layer(self, layer, inputs, output):
        self.layers.append({**layer, "inputs": inputs, "output": output})
        return output

    def _node(self, kind, inputs, **attributes):
        output = self._name()
        self._nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", **attributes))
        return output

    def _initializer(self, values):
        name = self._name()
        self._initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _name(self):
        self._tensors += 1
        return f"t{self._tensors}"

    def _blob_of(self, values):
        place = {"offset": self._blob_length, "shape": list(values.shape)}
        self._blob.append(np.ascontiguousarray(values, np.float32).tobytes())
        self._blob_length += values.size
        return place


def rounded(channels):
    """To a multiple of 8, as the MobileNets' own code does: at most a tenth less."""
    whole = max(8, int(channels + 4) // 8 * 8)
    return whole + 8 if whole < 0.9 * channels else whole


def mobilenet_v1(width, size, seed):
    net = Network(size, seed)
    # TensorFlow's "same" padding, which these networks were trained with.
    pad = {1: [1, 1, 1, 1], 2: [0, 0, 1, 1]}
    channels = int(32 * width)
    x = net.conv("input", 3, channels, 3, 2, pad=pad[2], activation="relu6")
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    for to, stride in blocks:
        to = int(to * width)
        x = net.conv(x, channels, channels, 3, stride, groups=channels, pad=pad[stride], activation="relu6")
        x = net.conv(x, channels, to, activation="relu6")
        channels = to
    net.dense(net.flatten(net.average(x)), channels, CLASSES)
    return net


def mobilenet_v2(width, size, seed):
    net = Network(size, seed)
    channels = rounded(32 * width)
    x = net.conv("input", 3, channels, 3, 2, activation="relu6")
    # Expansion, channels, repeats, stride of the first.
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, to, repeats, first_stride in stages:
        to = rounded(to * width)
        for stride in [first_stride] + [1] * (repeats - 1):
            inside = channels * expansion
            y = net.conv(x, channels, inside, activation="relu6") if expansion > 1 else x
            y = net.conv(y, inside, inside, 3, stride, groups=inside, activation="relu6")
            y = net.conv(y, inside, to, gain=1.0)
            x = net.add(x, y) if stride == 1 and channels == to else y
            channels = to
    last = rounded(1280 * max(1, width))
    x = net.conv(x, channels, last, activation="relu6")
    net.dense(net.flatten(net.average(x)), last, CLASSES)
    return net


def mobilenet_v3_small(size, seed):
    net = Network(size, seed)
    x = net.conv("input", 3, 16, 3, 2, activation="hard-swish")
    channels = 16
    # Kernel, inside, to, squeeze and excite, activation, stride.
    blocks = [
        (3, 16, 16, True, "relu", 2),
        (3, 72, 24, False, "relu", 2),
        (3, 88, 24, False, "relu", 1),
        (5, 96, 40, True, "hard-swish", 2),
        (5, 240, 40, True, "hard-swish", 1),
        (5, 240, 40, True, "hard-swish", 1),
        (5, 120, 48, True, "hard-swish", 1),
        (5, 144, 48, True, "hard-swish", 1),
        (5, 288, 96, True, "hard-swish", 2),
        (5, 576, 96, True, "hard-swish", 1),
        (5, 576, 96, True, "hard-swish", 1),
    ]
    for kernel, inside, to, excite, activation, stride in blocks:
        y = net.conv(x, channels, inside, activation=activation) if inside != channels else x
        y = net.conv(y, inside, inside, kernel, stride, groups=inside, activation=activation)
        if excite:
            squeezed = rounded(inside // 4)
            scale = net.conv(net.average(y), inside, squeezed, activation="relu")
            scale = net.conv(scale, squeezed, inside, activation="hard-sigmoid")
            y = net.multiply(scale, y)
        y = net.conv(y, inside, to, gain=1.5)
        x = net.add(y, x) if stride == 1 and channels == to else y
        channels = to
    x = net.conv(x, channels, 576, activation="hard-swish")
    x = net.dense(net.flatten(net.average(x)), 576, 1024)
    net.dense(net.activation(x, "hard-swish"), 1024, CLASSES)
    return net


def all_networks():
    """By the names that the benchmark's results have."""
    return {
        "mobilenet_v2_1.0_224": mobilenet_v2(1.0, 224, seed=1),
        "mobilenet_v1_0.25_224": mobilenet_v1(0.25, 224, seed=2),
        "mobilenet_v2_0.35_96": mobilenet_v2(0.35, 96, seed=3),
        "mobilenet_v3_small_224": mobilenet_v3_small(224, seed=4),
    }
