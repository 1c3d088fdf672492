"""Small ONNX graphs for tests: an encoder and a decoder that only fit one value range, and graphs of any nodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from models.foreign.value_range import to_model

__all__ = ["INTERVALS", "graph", "levels", "node", "number", "write_pair", "write_pictures"]

Side = int | str | None
# Values of red, green and blue in the pictures of `write_pictures`. The decoder clips to them, so that another range or
# another order of the channels costs PSNR.
INTERVALS = ((0.5, 1.0), (0.3, 0.6), (0.0, 0.5))
node = helper.make_node


def number(name: str, values: Any, kind: Any = np.int64) -> TensorProto:
    """A constant of a graph."""
    return numpy_helper.from_array(np.asarray(values, kind), name)


def graph(
    nodes: Sequence[Any],
    taken: Sequence[Side],
    given: Sequence[Side],
    constants: Sequence[TensorProto] = (),
    kind: int = TensorProto.FLOAT,
    **others: Any,
) -> bytes:
    """An ONNX file with the input `x` and the output `y` of these shapes."""
    made = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", kind, taken)],
        [helper.make_tensor_value_info("y", kind, given)],
        list(constants),
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, **others)
    return bytes(model.SerializeToString())


def write_pair(
    folder: Path,
    *,
    values: str = "unit",
    channels: str = "rgb",
    size: Side = 8,
    half: bool = False,
    names: tuple[str, str] = ("encoder.onnx", "decoder.onnx"),
) -> Path:
    """Writes an encoder that moves each 2×2 pixels to the channels, and a decoder that moves them back and clips them."""
    rows: Side = size // 2 if isinstance(size, int) else "rows"
    encoder = [node("SpaceToDepth", ["x"], ["y"], blocksize=2)]
    if half:
        encoder = [
            node("SpaceToDepth", ["x"], ["mean"], blocksize=2),
            node("Neg", ["mean"], ["log_variance"]),
            node("Concat", ["mean", "log_variance"], ["y"], axis=1),
        ]
    low, high = (
        to_model(np.array(bounds, np.float32).reshape(1, 3, 1, 1), values, channels)
        for bounds in zip(*INTERVALS, strict=True)
    )
    decoder = [
        node("DepthToSpace", ["x"], ["picture"], blocksize=2),
        node("Max", ["picture", "low"], ["bounded"]),
        node("Min", ["bounded", "high"], ["y"]),
    ]
    pixels, latent = ("n", 3, size, size), ("n", 12, rows, rows)
    constants = [number("low", low, np.float32), number("high", high, np.float32)]
    wide = ("n", 24, rows, rows) if half else latent
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(
        names, (graph(encoder, pixels, wide), graph(decoder, latent, pixels, constants)), strict=True
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def levels(count: int, size: int = 8) -> NDArray[np.uint8]:
    """Random pictures, uint8 (N, H, W, 3), whose channels lie in `INTERVALS`."""
    low, high = np.array(INTERVALS).T
    x = np.random.default_rng(0).uniform(low, high, (count, size, size, 3))
    return np.clip(np.rint(255 * x), np.ceil(255 * low), np.floor(255 * high)).astype(np.uint8)


def write_pictures(folder: Path, count: int = 24) -> Path:
    """Writes `levels` as PNG files."""
    folder.mkdir()
    for place, picture in enumerate(levels(count)):
        Image.fromarray(picture).save(folder / f"{place:02}.png")
    return folder
