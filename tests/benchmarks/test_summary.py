"""The figures that benchmarks print, from made-up measurements."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from benchmarks.report import Bar, json_text, number, table
from benchmarks.start import umap_libraries
from benchmarks.summary import quantile, summarise


@pytest.mark.parametrize("q", [0.0, 0.25, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_quantile_is_numpys(q: float, count: int) -> None:
    values = np.random.default_rng(count).normal(size=count).tolist()
    assert quantile(values, q) == pytest.approx(np.quantile(values, q))


def test_quantile_of_nothing_is_no_number() -> None:
    assert math.isnan(quantile([], 0.5))


def test_summary_counts_pictures_that_differ() -> None:
    # [stamp, heard, drawn, shown, differs], ms
    pictures = [[0, 1, 4, 16, True], [16, 17, 22, 33, True], [33, 34, 40, 50, False], [50, 53, 60, 66, True]]
    figures = summarise({"ms": 500, "events": 60, "values": 0, "frames": 30, "pictures": pictures})
    assert (figures.pictures, figures.fps) == (3, 6.0)
    assert (figures.p50, figures.shown_p50, figures.heard_p50) == (6, 16, 1)
    assert figures.p95 == pytest.approx(9.6)
    assert figures.longest_gap == 38
    assert (figures.events, figures.frames) == (120, 60)


def test_summary_of_no_picture() -> None:
    figures = summarise({"ms": 1000, "events": 60, "values": 60, "frames": 60, "pictures": []})
    assert figures.fps == 0 and math.isnan(figures.p50) and math.isnan(figures.longest_gap)


@pytest.mark.parametrize(
    ("value", "bound", "sense", "said"),
    [
        (0.2, 0.2, "most", "met"),
        (0.3, 0.2, "most", "missed by 50%"),
        (58, 58, "least", "met"),
        (29, 58, "least", "missed by 50%"),
    ],
)
def test_bar(value: float, bound: float, sense: str, said: str) -> None:
    assert str(Bar("figure", value, bound, sense)).endswith(said)  # type: ignore[arg-type]


def test_no_number_meets_no_bar() -> None:
    assert not Bar("figure", math.nan, 1, "most").met
    assert not Bar("figure", math.nan, 1, "least").met


def test_json_is_strict() -> None:
    assert json.loads(json_text({"a": [math.nan, 1.5], "b": {2: math.inf}})) == {
        "a": [None, 1.5],
        "b": {"2": None},
    }
    assert number(math.nan) == "–"


def test_table_lines_are_equally_long() -> None:
    lines = table(["name", "n"], [["a", "1"], ["longer", "1000"]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1] == "| ------ | ---: |"


def test_umap_shows_in_memory_maps() -> None:
    maps = [
        "7f00-7f01 r-xp 00000000 08:01 12 /x/site-packages/llvmlite/binding/libllvmlite.so",
        "7f01-7f02 r-xp 00000000 08:01 13 /x/site-packages/numpy/_core/_multiarray_umath.so",
        "7f02-7f03 rw-p 00000000 00:00 0",
        "7f03-7f04 rw-p 00000000 00:00 0 [heap]",
    ]
    assert umap_libraries(maps) == ["/x/site-packages/llvmlite/binding/libllvmlite.so"]
    assert umap_libraries(maps[1:]) == []
