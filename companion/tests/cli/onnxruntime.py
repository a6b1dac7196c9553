"""Runs an exported network in onnxruntime and prints its largest difference from the answers given.

Usage: onnxruntime.py WHOLE.onnx IMAGES.json
IMAGES.json: [{"rgb": FILE of size*size*3 bytes, "size": N, "predictions": {label: probability}}, ...]

How pixels go in and what the outputs are called is read from the network's own metadata alone.
"""

import json
import pathlib
import sys

# This file has the name of the package it needs.
sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).resolve().parent]

import numpy
import onnx
import onnxruntime


def tensor(rgb, rule):
    """The network's input for interleaved 8-bit RGB pixels."""
    low, high = rule["range"]
    pixels = rgb.astype(numpy.float64)[:, :, :: 1 if rule["color"] == "rgb" else -1]
    values = (pixels / 255 * (high - low) + low - numpy.array(rule["mean"])) / numpy.array(rule["std"])
    if rule["layout"] == "nchw":
        values = values.transpose(2, 0, 1)
    return values[numpy.newaxis].astype(numpy.float32)


def main(network, images):
    onnx.checker.check_model(onnx.load(network), full_check=True)
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    rule, labels = json.loads(metadata["jicho.preprocessing"]), json.loads(metadata["jicho.labels"])
    (source,), (output,) = session.get_inputs(), session.get_outputs()
    largest = 0.0
    cases = json.loads(pathlib.Path(images).read_text())
    inputs = []
    for case in cases:
        rgb = numpy.fromfile(case["rgb"], numpy.uint8).reshape(case["size"], case["size"], 3)
        inputs.append(tensor(rgb, rule))
        (given,) = session.run([output.name], {source.name: inputs[-1]})
        assert given.shape == (1, len(labels)), given.shape
        assert abs(given.sum() - 1) < 1e-4, given.sum()
        assert set(case["predictions"]) == set(labels), "the labels differ"
        largest = max(largest, *(abs(case["predictions"][l] - p) for l, p in zip(labels, given[0].tolist())))
    batch = None
    if not isinstance(source.shape[0], int):
        (together,) = session.run([output.name], {source.name: numpy.concatenate(inputs)})
        single = [session.run([output.name], {source.name: i})[0][0] for i in inputs]
        batch = float(numpy.abs(together - numpy.stack(single)).max())
    print(json.dumps({"images": len(cases), "largest": largest, "output": output.name, "batch": batch}))


if __name__ == "__main__":
    main(*sys.argv[1:])
