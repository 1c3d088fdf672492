"""Tests of checking files in a process of its own: memory and time are bounded, and a check is recorded."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from models.foreign import bounded_process, inspection
from models.foreign.inspection import ensure_inspected, inspect
from models.foreign.layout import Layout
from models.system import extras
from tests.models.foreign.graphs import graph, node, number, write_pair

SHAPE = (1, 4)


def file(folder: Path, raw: bytes) -> Path:
    (folder / "decoder.onnx").write_bytes(raw)
    return folder / "decoder.onnx"


def test_what_was_accepted_is_not_checked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_pair(tmp_path / "pair")
    paths = [folder / "encoder.onnx", folder / "decoder.onnx"]
    found = inspect(paths[::-1])
    pair, sha256 = replace(found.layout, encoder=0, decoder=1), found.sha256[::-1]
    monkeypatch.setattr(inspection, "ask", lambda *_: pytest.fail("checked again"))
    ensure_inspected(paths, pair, sha256)
    for layout, digests in ((replace(pair, batch=7), sha256), (pair, found.sha256)):
        with pytest.raises(BaseException, match="checked again"):
            ensure_inspected(paths, layout, digests)


def test_a_card_that_describes_other_files_is_refused(tmp_path: Path) -> None:
    folder = write_pair(tmp_path / "pair")
    with pytest.raises(
        ValueError, match=r"the card does not describe its ONNX files. Import the model again"
    ):
        ensure_inspected([folder / "decoder.onnx"], Layout((3, 8, 8), (12, 4, 4), 0, "z"), ["0" * 64])


def test_memory_and_time_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = [node("ConstantOfShape", ["shape"], ["many"]), node("ReduceSum", ["many"], ["one"], keepdims=0)]
    raw = graph([*huge, node("Add", ["x", "one"], ["y"])], SHAPE, SHAPE, [number("shape", [1 << 36])])
    with pytest.raises(ValueError, match=r"decoder.onnx .* needs more (memory than it may have|than 4 GiB)"):
        inspect([file(tmp_path, raw)])
    slow = [node("ConstantOfShape", ["shape"], ["m0"])]
    slow += [node("MatMul", [f"m{place}", f"m{place}"], [f"m{place + 1}"]) for place in range(300)]
    slow += [node("ReduceSum", ["m300"], ["one"], keepdims=0), node("Add", ["x", "one"], ["y"])]
    raw = graph(slow, SHAPE, SHAPE, [number("shape", [2048, 2048])])
    monkeypatch.setattr(bounded_process, "SECONDS", 2)
    begun = time.monotonic()
    with pytest.raises(ValueError, match=r"decoder.onnx could not be read within 2 s"):
        inspect([file(tmp_path, raw)])
    assert time.monotonic() - begun < 30


def test_a_missing_extra_and_a_large_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_pair(tmp_path / "pair") / "decoder.onnx"
    monkeypatch.setattr(inspection, "FILE_BYTES", 10)
    with pytest.raises(ValueError, match=r"decoder.onnx must have at most 0 MiB"):
        inspect([path])
    with pytest.raises(ValueError, match=r"none.onnx is not a file"):
        inspect([tmp_path / "none.onnx"])
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"An imported model needs onnx and onnxruntime. Install the extra `onnx`"
    ):
        inspect([path])
