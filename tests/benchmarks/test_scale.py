"""The scale benchmark at a small size: every step gives its figures."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import numpy as np
import pytest

from benchmarks.scale import STEPS, drawn_atlas, main


def test_the_atlas_is_drawn_the_same_each_time() -> None:
    one, again = drawn_atlas(300, 5), drawn_atlas(300, 5)
    np.testing.assert_array_equal(one.mean, again.mean)
    assert one.mean.shape == (300, 5) and np.isfinite(one.mean).all()
    assert set(one.split) == {"test", "train"} and one.texts["file"].values[12] == "picture-0000012.png"


def test_a_count_out_of_range_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--rows", "5"])
    assert "--rows must lie in 100..2000000. Got 5." in capsys.readouterr().err


@pytest.mark.slow
def test_every_step_gives_its_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", "")  # restored afterwards; each step has its own
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # a page, after the tests of pages
    assert main(["--rows", "2000", "--dimensions", "8", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["dimensions"], list(found["steps"])) == (2000, 8, list(STEPS))
    for step in found["steps"].values():
        assert step["seconds"] > 0 and step["peak_mib"] >= step["before_mib"] > 0
    assert found["steps"]["use"]["frame_p50_ms"] > 0 and found["steps"]["open"]["recall"] == 1
