"""Runs an ONNX graph with one input on batches of float32 arrays. Does not import torch."""

from __future__ import annotations

__all__ = ["Graph", "Port"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.system.extras import require

Array = NDArray[np.float32]
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


@dataclass(frozen=True)
class Port:
    """An input or output of a graph."""

    name: str
    shape: tuple[int | None, ...]  # with the batch; None for a side that is not fixed
    kind: str  # as ONNX Runtime names it, e.g. "tensor(float)"


class Graph:
    """An ONNX graph with one input, which ONNX Runtime runs on the CPU. Thread-safe."""

    def __init__(self, raw: bytes, name: str, threads: int = 1) -> None:
        """Compiles the graph.

        Arguments:
            raw: Content of the file; `check_graph` has accepted it.
            name: Name of the file, for error messages.
            threads: Threads of one call.

        Raises:
            ValueError: If ONNX Runtime is missing, cannot run the graph, or it has other than one numeric input.
        """
        require("onnx", "An imported model")
        import onnxruntime  # `models.system.offline` has switched its telemetry off

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4  # errors are raised; its messages would repeat them
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.name = name
        try:
            self._session = onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has its own exceptions, without a common base
            raise ValueError(f"{name} cannot be run by ONNX Runtime: {_reason(error)}.") from error
        inputs = [_port(each) for each in self._session.get_inputs()]
        if len(inputs) != 1 or inputs[0].kind not in TYPES:
            got = ", ".join(f"{each.name[:40]} ({each.kind})" for each in inputs[:5])
            raise ValueError(
                f"{name} must have one input of floating-point numbers. Got {got or 'none'}. "
                "Export the encoder and the decoder as two models of one input each."
            )
        self.input = inputs[0]
        self.outputs = [each for each in map(_port, self._session.get_outputs()) if each.kind in TYPES]

    def run(self, values: Array, output: str) -> Array:
        """Computes one output.

        Arguments:
            values: Input, float32, with the batch.
            output: Name of the output.

        Returns:
            The output, float32.

        Raises:
            ValueError: If the graph cannot take the input.
        """
        given = np.ascontiguousarray(values, TYPES[self.input.kind])
        try:
            found = self._session.run([output], {self.input.name: given})[0]
        except Exception as error:
            raise ValueError(
                f"{self.name} cannot take an input of the shape {values.shape}: {_reason(error)}."
            ) from error
        return np.asarray(found, np.float32)


def _port(described: Any) -> Port:
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in described.shape or ())
    return Port(described.name, shape, described.type)


def _reason(error: Exception) -> str:
    """Shortens an error of ONNX Runtime to one line."""
    text = " ".join(str(error).split())
    if "bad_alloc" in text or "allocate memory" in text:
        return "it needs more memory than it may have"
    return text.rpartition("Status Message: ")[2][:200].rstrip(".")
