"""Writes what the benchmark measures into a folder.

Of every network NAME:
  NAME.onnx          from normalised pixels to logits
  NAME.tfjs.json/bin the same for tfjs: fused layers and their weights
  NAME.rgba          a picture, 8 bits a channel
  NAME.input.f32     its normalised pixels, rows of pixels of three channels
  NAME.logits.f32    what Python's onnxruntime says of it
and, written last, models.json, which lists them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from networks import all_networks

# Of ImageNet, as most networks want it.
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]


def picture(size):
    """Noise: the worst that the first layer can meet, and nothing that an engine could skip."""
    rgba = np.random.default_rng(7).integers(0, 256, (size, size, 4), np.uint8)
    rgba[..., 3] = 255
    return rgba


def normalised(rgba):
    values = rgba[..., :3].astype(np.float32) / 255
    return ((values - np.array(MEAN, np.float32)) / np.array(STD, np.float32)).astype(np.float32)


def write(folder, name, net):
    model = net.onnx(name)
    onnx.save(model, folder / f"{name}.onnx")
    (folder / f"{name}.tfjs.json").write_text(json.dumps(net.layers))
    (folder / f"{name}.tfjs.bin").write_bytes(net.blob())

    rgba = picture(net.size)
    (folder / f"{name}.rgba").write_bytes(rgba.tobytes())
    pixels = normalised(rgba)
    (folder / f"{name}.input.f32").write_bytes(pixels.tobytes())

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    logits = session.run(None, {"input": pixels.transpose(2, 0, 1)[None]})[0]
    # Far from it, differences between engines would say little.
    assert 0.1 < logits.std() < 10, f"{name} is badly scaled: its logits deviate by {logits.std()}"
    (folder / f"{name}.logits.f32").write_bytes(logits.tobytes())
    return {"name": name, "size": net.size}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    models = [write(folder, name, net) for name, net in all_networks().items()]
    listing = {"mean": MEAN, "std": STD, "models": models}
    (folder / "models.json").write_text(json.dumps(listing, indent=1) + "\n")


if __name__ == "__main__":
    main()
