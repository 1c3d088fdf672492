"""Tests of finding an encoder and a decoder by the shapes of what they take and give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.foreign.layout import Layout, find_layout
from models.foreign.runtime import Graph
from tests.models.foreign.graphs import graph, node, number, write_pair


def opened(folder: Path, *names: str) -> list[Graph]:
    return [Graph((folder / name).read_bytes(), name) for name in names or ("encoder.onnx", "decoder.onnx")]


def found(graphs: list[Graph], size: int | None = None) -> Layout:
    return find_layout(graphs, size)


def test_a_pair_is_found_in_both_orders(tmp_path: Path) -> None:
    encoder, decoder = opened(write_pair(tmp_path))
    for graphs, places in (([encoder, decoder], (0, 1)), ([decoder, encoder], (1, 0))):
        layout = found(graphs)
        assert (layout.encoder, layout.decoder) == places
        assert (layout.image_shape, layout.latent_shape) == ((3, 8, 8), (12, 4, 4))
        assert (layout.half, layout.batch) == (False, 8) and layout.decode_ms > 0


def test_a_mean_and_a_log_variance_are_halved(tmp_path: Path) -> None:
    layout = found(opened(write_pair(tmp_path, half=True)))
    assert layout.half and layout.latent_shape == (12, 4, 4)


def test_a_size_is_chosen_where_the_files_leave_it_open(tmp_path: Path) -> None:
    graphs = opened(write_pair(tmp_path, size="rows"))
    assert found(graphs).image_shape == (3, 64, 64)
    assert found(graphs, 16).latent_shape == (12, 8, 8)
    alone = found(graphs[1:], 32)
    assert (alone.image_shape, alone.latent_shape) == ((3, 32, 32), (12, 16, 16))


def test_a_graph_that_mixes_the_pictures_of_a_batch_computes_one_at_a_time() -> None:
    nodes = [node("ReduceMean", ["x", "first"], ["mean"]), node("Add", ["x", "mean"], ["y"])]
    mixing = graph(nodes, ("n", 3, 8, 8), ("n", 3, 8, 8), [number("first", [0])])
    assert found([Graph(mixing, "g.onnx")]).batch == 1


def test_a_decoder_of_vectors_is_found() -> None:
    nodes = [node("Reshape", ["x", "shape"], ["y"])]
    layout = found([Graph(graph(nodes, (1, 64), (1, 1, 8, 8), [number("shape", [1, 1, 8, 8])]), "g.onnx")])
    assert (layout.latent_shape, layout.image_shape, layout.encoder, layout.batch) == (
        (64,),
        (1, 8, 8),
        -1,
        1,
    )


@pytest.mark.parametrize(
    ("taken", "nodes", "constants", "size", "reason"),
    [
        (("n", "d"), [node("Neg", ["x"], ["y"])], [], None, "must take latents"),
        (("n", 4), [node("Neg", ["x"], ["y"])], [], None, "must have an output of the shape"),
        (
            ("n", 3, 4, 4),
            [node("Neg", ["x"], ["y"])],
            [],
            None,
            r"sides of 8 to 256 pixels. Got \(C, H, W\) = \(3, 4, 4\)",
        ),
        (("n", 3, 8, 8), [node("Neg", ["x"], ["y"])], [], 16, "`--size` must be 8"),
    ],
)
def test_an_unusable_decoder_is_named(taken: Any, nodes: Any, constants: Any, size: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^g.onnx .*{reason}|{reason}"):
        found([Graph(graph(nodes, taken, (None,) * len(taken), constants), "g.onnx")], size)


def test_files_that_do_not_fit_together_are_named_with_both_reasons(tmp_path: Path) -> None:
    encoder, _ = opened(write_pair(tmp_path))
    with pytest.raises(ValueError, match=r"No encoder and decoder .* do not fit the input \(\?, 3, 8, 8\)"):
        found([encoder, encoder])


def test_two_inputs_are_refused() -> None:
    from onnx import TensorProto, helper

    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4)) for name in "xzy"]
    made = helper.make_graph([node("Add", ["x", "z"], ["y"])], "two", info[:2], info[2:])
    raw = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9
    ).SerializeToString()
    with pytest.raises(ValueError, match=r"g.onnx must have one input .* Got x \(tensor\(float\)\), z"):
        Graph(raw, "g.onnx")
