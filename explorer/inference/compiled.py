"""A decoder as ONNX Runtime runs it on a CPU: one picture at a time two to three times as fast as torch.

torch prepares each convolution's weights anew at every call and hands single pictures to slow kernels, which a large
batch makes up for. A drag asks for one picture. The graph is made from the loaded model, in memory.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.base import Autoencoder
from models.system.extras import require

__all__ = ["compiled", "levels"]

_EXPORT = (
    threading.Lock()
)  # the exporter keeps what it is at in globals; several models may be opened at once


class _Pixels(nn.Module):
    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> Tensor:
        return levels(self.model.decode(z.reshape(-1, *self.model.spec.shape)))


def levels(x: Tensor) -> Tensor:
    """Pictures (M, C, H, W) in [0, 1] as 8-bit levels (M, H, W, C), rounded to the nearest; NaN is black."""
    return x.mul(255).nan_to_num(0.0).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def compiled(model: Autoencoder) -> Callable[[NDArray[np.float32]], NDArray[np.uint8]]:
    """Makes a function from codes, float32 (M, D), to pictures, uint8 (M, H, W, C), that any thread may call.

    Takes about a second the first time, for the imports.

    Arguments:
        model: On the CPU, in evaluation mode; later changes of its weights change nothing.

    Raises:
        RuntimeError: If the model has an operation that ONNX cannot express.
        ValueError: If ONNX or its runtime is not installed, with the extra that brings them.
    """
    require("onnx", "Faster decoding on a CPU")
    import onnxruntime  # `models.system.offline` has switched its telemetry off

    file: Any = io.BytesIO()  # the exporter takes one, though its types speak of paths only
    example = torch.zeros(2, model.spec.size)
    axes = {"z": {0: "pictures"}, "pixels": {0: "pictures"}}
    with _EXPORT, torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no further packages calls itself deprecated
        torch.onnx.export(
            _Pixels(model).eval(), (example,), file, input_names=["z"], output_names=["pixels"],
            dynamic_axes=axes, dynamo=False,
        )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the engine's workers are the threads
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])

    def pixels(z: NDArray[np.float32]) -> NDArray[np.uint8]:
        made: NDArray[np.uint8] = session.run(None, {"z": z})[0]
        return made

    return pixels
