"""Static checks of an untrusted ONNX file: which operators and tensors it may have, before anything of it is run.

An accepted graph has no control flow, and no tensor whose size depends on the values of its input. So its memory and its
time depend on the shape of the input alone, and what is measured for one shape holds for every input of that shape.
"""

from __future__ import annotations

__all__ = ["FILE_BYTES", "check_graph"]

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

FILE_BYTES = 1 << 29  # of one file
NODES_AT_MOST = 50_000
DOMAINS = ("", "ai.onnx")
REFUSED = (
    "Sequence",
    "SplitToSequence",
    "ConcatFromSequence",
    "Optional",
    "String",
    "Regex",
    "Tf",
    "ImageDecoder",
)
SIZED_BY_DATA = (
    "NonZero",
    "Unique",
    "Compress",
    "NonMaxSuppression",
)  # the size of the output depends on values
SHAPES_ONLY = ("Shape", "Size")  # outputs that depend on the shape of the input, not on its values
# Inputs that determine the size of the output, by operator.
SIZES: dict[str, tuple[int, ...]] = (
    {
        "AffineGrid": (1,),
        "CenterCropPad": (1,),
        "ConstantOfShape": (0,),
        "Expand": (1,),
        "MaxUnpool": (1, 2),
        "OneHot": (1,),
        "Pad": (1, 3),
        "Range": (0, 1, 2),
        "Reshape": (1,),
        "Resize": (1, 2, 3),
        "Slice": (1, 2, 3, 4),
        "Split": (1,),
        "Squeeze": (1,),
        "Tile": (1,),
        "TopK": (1,),
        "Unsqueeze": (1,),
        "Upsample": (1,),
    }
    | {
        f"Reduce{kind}": (1,)
        for kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
    }
    | {name: (0, 1, 2, 3, 4) for name in ("BlackmanWindow", "DFT", "HammingWindow", "HannWindow", "STFT")}
)
EXPORT = "Export the model again, as one file with the standard operators"


def check_graph(raw: bytes, name: str) -> ModelProto:
    """Reads an ONNX file and checks its operators and tensors.

    Arguments:
        raw: Content of the file.
        name: Its name, for error messages.

    Returns:
        The parsed file.

    Raises:
        ValueError: If it is not an ONNX file, or has anything but standard operators without control flow.
    """
    import onnx
    from google.protobuf.message import DecodeError

    if len(raw) > FILE_BYTES:
        raise ValueError(f"{name} must have at most {FILE_BYTES >> 20} MiB. Got {len(raw) >> 20} MiB.")
    try:
        model = onnx.load_model_from_string(raw)
    except DecodeError as error:
        raise ValueError(f"{name} is not an ONNX file, or is damaged. {EXPORT}.") from error
    if not model.graph.node:
        raise ValueError(f"{name} is not an ONNX file, or has no operators. {EXPORT}.")
    if model.functions:
        raise ValueError(
            f"{name} must not define functions. Got {_text(model.functions[0].name)!r}. {EXPORT}."
        )
    if len(model.graph.node) > NODES_AT_MOST:
        raise ValueError(
            f"{name} must have at most {NODES_AT_MOST:,} operators. Got {len(model.graph.node):,}."
        )
    for tensor in _tensors(model):
        _check_tensor(tensor, name)
    if model.graph.sparse_initializer:
        raise ValueError(f"{name} must not hold sparse tensors. {EXPORT}.")
    for node in model.graph.node:
        _check_node(node, name)
    _check_sizes(model, name)
    return model


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Yields every tensor of a graph: weights and constants."""
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _check_tensor(tensor: TensorProto, name: str) -> None:
    from onnx import TensorProto as Kinds

    if tensor.data_location == Kinds.EXTERNAL or tensor.external_data:
        raise ValueError(
            f"{name} must hold its weights. {_text(tensor.name)!r} is stored in another file, which is never read. "
            f"{EXPORT}."
        )
    if tensor.data_type == Kinds.STRING:
        raise ValueError(f"{name} must hold numbers. {_text(tensor.name)!r} is of type string. {EXPORT}.")


def _check_node(node: NodeProto, name: str) -> None:
    """Raises ValueError unless a node is a standard operator on tensors without control flow."""
    if node.domain not in DOMAINS:
        raise ValueError(
            f"{name} must have standard operators only. Got {_text(node.op_type)!r} of the domain "
            f"{_text(node.domain)!r}. {EXPORT}."
        )
    if any(
        each.HasField("g") or each.graphs or each.HasField("sparse_tensor") or each.sparse_tensors
        for each in node.attribute
    ):
        raise ValueError(
            f"{name} must not have control flow. Got the operator {_text(node.op_type)!r}. {EXPORT}."
        )
    if node.op_type.startswith(REFUSED):
        raise ValueError(f"{name} must not have the operator {_text(node.op_type)!r}. {EXPORT}.")


def _check_sizes(model: ModelProto, name: str) -> None:
    """Raises ValueError if the size of a tensor depends on the values of an input."""
    weights = {each.name for each in model.graph.initializer}
    dependent = {each.name for each in model.graph.input if each.name not in weights}
    for node in model.graph.node:
        sizes = [node.input[place] for place in SIZES.get(node.op_type, ()) if place < len(node.input)]
        if node.op_type in SIZED_BY_DATA:
            sizes = list(node.input)
        if any(each in dependent for each in sizes):
            raise ValueError(
                f"{name} must not have a tensor whose size depends on the values of the input. Got one at the "
                f"operator {_text(node.op_type)!r}. {EXPORT}."
            )
        if node.op_type not in SHAPES_ONLY and any(each in dependent for each in node.input):
            dependent.update(node.output)


def _text(value: Any) -> str:
    """Shortens a name of an untrusted file for an error message."""
    return str(value)[:80]
