"""The scale benchmark at a small size: every step gives its figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.scale import NAME, STEPS, drawn_atlas, main


def test_the_atlas_is_drawn_the_same_each_time() -> None:
    one, again = drawn_atlas(300, 5), drawn_atlas(300, 5)
    np.testing.assert_array_equal(one.mean, again.mean)
    assert one.mean.shape == (300, 5) and np.isfinite(one.mean).all()
    assert set(one.split) == {"test", "train"} and one.texts["file"].values[12] == "picture-0000012.png"


def test_a_count_out_of_range_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--rows", "5"])
    assert "--rows must lie in 100..2000000. Got 5." in capsys.readouterr().err


def test_every_step_gives_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    figures = {step: run(tmp_path / NAME, 2000, 8) for step, run in STEPS.items()}
    assert all(figures.values())
    assert figures["use"]["frame_p50_ms"] > 0 and figures["open"]["recall"] == 1
