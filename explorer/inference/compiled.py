"""A decoder compiled for ONNX Runtime on a CPU: two to three times as fast as torch for single pictures.

torch repacks each convolution's weights at every call and uses slow kernels for single pictures, which only
pays off for large batches. A drag needs one picture. The graph is exported from the loaded model, in memory.
"""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.base import Autoencoder
from models.system.extras import require

__all__ = ["Compiled", "compiled", "levels"]

# The exporter keeps global state; several models may be loaded at once.
_EXPORT = threading.Lock()


class _Pixels(nn.Module):
    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> Tensor:
        return levels(self.model.decode(z.reshape(-1, *self.model.spec.shape)))


def levels(x: Tensor) -> Tensor:
    """Converts pictures (M, C, H, W) in [0, 1] to uint8 (M, H, W, C), rounded; NaN becomes black."""
    return x.mul(255).nan_to_num(0.0).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A session of ONNX Runtime: latents, float32 (M, D), to pictures, uint8 (M, H, W, C). Thread-safe."""

    session: Any
    nbytes: int  # of its copy of the weights

    def __call__(self, z: NDArray[np.float32]) -> NDArray[np.uint8]:
        outputs: list[NDArray[np.uint8]] = self.session.run(None, {"z": z})
        return outputs[0]


def compiled(model: Autoencoder) -> Compiled:
    """Compiles a thread-safe function from latents, float32 (M, D), to pictures, uint8 (M, H, W, C).

    The first call takes about a second, for imports.

    Arguments:
        model: On the CPU, in evaluation mode; later changes to its weights have no effect.

    Raises:
        RuntimeError: If ONNX does not support an operation of the model.
        ValueError: If ONNX or its runtime is not installed; the message names the extra.
    """
    require("onnx", "Faster decoding on a CPU")
    import onnxruntime  # `models.system.offline` has switched its telemetry off

    file: Any = io.BytesIO()  # accepted by the exporter, though its type hints allow only paths
    example = torch.zeros(2, model.spec.size)
    axes = {"z": {0: "pictures"}, "pixels": {0: "pictures"}}
    with _EXPORT, torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the only exporter without further dependencies is deprecated
        torch.onnx.export(
            _Pixels(model).eval(),
            (example,),
            file,
            input_names=["z"],
            output_names=["pixels"],
            dynamic_axes=axes,
            dynamo=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the engine's workers are the threads
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])

    return Compiled(session, len(file.getvalue()))
