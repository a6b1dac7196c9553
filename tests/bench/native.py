"""Mean CPU time of one recognition by Python's onnxruntime on one thread, as JSON: {"cpu_ms_per_image": n}."""

import argparse
import json
import time

import numpy as np
import onnxruntime

WARM_RUNS = 10

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model", help="ONNX file")
parser.add_argument("input", help="normalised pixels, rows of pixels of three channels, float32")
parser.add_argument("--seconds", type=float, default=2.0)
arguments = parser.parse_args()

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(arguments.model, options, providers=["CPUExecutionProvider"])
size = session.get_inputs()[0].shape[2]
pixels = np.fromfile(arguments.input, np.float32).reshape(1, size, size, 3)
feed = {"input": np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))}

for _ in range(WARM_RUNS):
    session.run(None, feed)
begun = time.process_time()
end = time.monotonic() + arguments.seconds
images = 0
while time.monotonic() < end:
    session.run(None, feed)
    images += 1
print(json.dumps({"cpu_ms_per_image": 1000 * (time.process_time() - begun) / images}))
