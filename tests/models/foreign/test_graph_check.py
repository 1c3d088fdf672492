"""Tests of what an untrusted ONNX file may hold: standard operators, own weights, sizes that no input changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from models.foreign import graph_check
from models.foreign.graph_check import check_graph
from tests.models.foreign.graphs import graph, node, number, write_pair

SHAPE = ("n", 4)


def external() -> bytes:
    """A graph whose weights lie in a file outside of its folder."""
    weights = number("w", [1.0] * 4, "float32")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../etc/passwd")
    weights.ClearField("raw_data")
    return graph([node("Add", ["x", "w"], ["y"])], SHAPE, SHAPE, [weights])


def branch() -> bytes:
    """A graph with the operator If."""
    info = helper.make_tensor_value_info("z", TensorProto.FLOAT, SHAPE)
    inner = helper.make_graph([node("Neg", ["x"], ["z"])], "inner", [], [info])
    return graph(
        [node("If", ["yes"], ["y"], then_branch=inner, else_branch=inner)],
        SHAPE,
        SHAPE,
        [number("yes", True, bool)],
    )


def function() -> bytes:
    """A graph with an operator of its own."""
    opset = helper.make_opsetid("", 18)
    own = helper.make_function("own", "F", ["a"], ["b"], [node("Neg", ["a"], ["b"])], [opset])
    return graph([node("F", ["x"], ["y"], domain="own")], SHAPE, SHAPE, functions=[own])


def sized_by_values() -> bytes:
    """A graph that allocates as much memory as its input says."""
    nodes = [
        node("Cast", ["x"], ["sizes"], to=TensorProto.INT64),
        node("Flatten", ["sizes"], ["flat"], axis=0),
        node("Squeeze", ["flat", "first"], ["shape"]),
        node("ConstantOfShape", ["shape"], ["y"]),
    ]
    return graph(nodes, SHAPE, (None,) * 4, [number("first", [0])])


REFUSED: dict[str, tuple[bytes, str]] = {
    "text": (b"no model at all", "is not an ONNX file"),
    "empty": (b"", "is not an ONNX file"),
    "external": (external(), "must hold its weights. 'w' is stored in another file"),
    "domain": (
        graph([node("Gelu", ["x"], ["y"], domain="com.microsoft")], SHAPE, SHAPE),
        "of the domain 'com.mic",
    ),
    "control flow": (branch(), "must not have control flow. Got the operator 'If'"),
    "function": (function(), "must not define functions. Got 'F'"),
    "sized by values": (
        sized_by_values(),
        "depends on the values of the input. Got one at the operator 'ConstantOf",
    ),
    "non-zero": (graph([node("NonZero", ["x"], ["y"])], SHAPE, (2, None)), "at the operator 'NonZero'"),
    "sequence": (
        graph([node("SequenceConstruct", ["x"], ["y"])], SHAPE, SHAPE),
        "the operator 'SequenceConstruct'",
    ),
    "text weights": (
        graph(
            [node("Neg", ["x"], ["y"])],
            SHAPE,
            SHAPE,
            [helper.make_tensor("s", TensorProto.STRING, [1], [b"a"])],
        ),
        "'s' is of type string",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_with_the_reason(name: str) -> None:
    raw, reason = REFUSED[name]
    with pytest.raises(ValueError, match=r"model.onnx") as caught:
        check_graph(raw, "model.onnx")
    assert reason in str(caught.value)


def test_sizes_may_depend_on_the_shape_of_the_input() -> None:
    nodes: list[Any] = [
        node("Shape", ["x"], ["shape"]),
        node("ConstantOfShape", ["shape"], ["zeros"]),
        node("Add", ["x", "zeros"], ["y"]),
    ]
    assert len(check_graph(graph(nodes, SHAPE, SHAPE), "model.onnx").graph.node) == 3


def test_a_damaged_or_large_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = (write_pair(tmp_path) / "decoder.onnx").read_bytes()
    check_graph(raw, "decoder.onnx")
    for stop in range(0, len(raw), 7):
        try:
            check_graph(raw[:stop], "decoder.onnx")
        except ValueError as error:
            assert "decoder.onnx" in str(error)
    monkeypatch.setattr(graph_check, "FILE_BYTES", len(raw) - 1)
    with pytest.raises(ValueError, match="must have at most 0 MiB"):
        check_graph(raw, "decoder.onnx")
