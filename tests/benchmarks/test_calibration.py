"""The calibration of the statistics at a small size, and the arithmetic of its bars."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.calibration import FIT_SEED, Row, World, fit, main, missed, pooled, run, worlds_of
from benchmarks.worlds import Trial


def test_every_statistic_meets_its_bar_at_a_small_size(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--small", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert status == 0, [row for row in found["rows"] + found["pooled"] if row["missed"]]
    wanted = {
        "angle",
        "auc",
        "sides",
        "auroc",
        "fpr95",
        "false_alarms",
        "percentile",
        "difference",
        "linear_reach",
        "gauge",
        "rank_correlation",
        "success",
        "dependency",
        "drift",
    }
    assert wanted <= {row["statistic"].split(",")[0] for row in found["pooled"]}


def test_the_full_size_has_every_estimator_and_the_sizes_asked_for() -> None:
    angles = [world for world in worlds_of(False) if world.statistic.startswith("angle")]
    assert len({world.statistic for world in angles}) == 5
    told = " ".join(world.about for world in angles)
    assert all(
        part in told
        for part in ("size 2,", "size 1000,", "images 10,", "images 1000,", "effect 0", "effect 3")
    )


def test_a_statistic_that_does_not_exist_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--small", "--only", "beauty"])
    assert "--only names no statistic. Got beauty." in capsys.readouterr().err


def test_a_bar_is_missed_where_a_rate_is_outside_by_more_than_twice_its_error() -> None:
    rows = [
        Row("a", "x", 1000, 0.92, np.nan, 0.0),
        Row("a", "y", 1000, 0.90, np.nan, 0.0),
        Row("b", "x", 1000, np.nan, 0.09, 0.0),
        Row("b", "y", 100, np.nan, 0.09, 0.0),
        Row("c", "x", 1000, np.nan, np.nan, 0.3),
    ]
    assert [(row.statistic, row.world) for row in missed(rows)] == [("a", "y"), ("b", "x")]
    assert rows[0].error(0.92) == pytest.approx(np.sqrt(0.92 * 0.08 / 1000))
    a, b, c = pooled(rows)
    assert a.coverage == pytest.approx(0.91) and a.simulations == 2000 and a.missed
    assert b.false_alarms == pytest.approx(0.09) and np.isnan(b.coverage) and c.bias == 0.3


def test_a_world_that_is_biased_or_cries_wolf_is_found_out() -> None:
    def simulate(rng: np.random.Generator) -> Trial:
        if rng.random() < 0.1:
            raise ValueError("no direction")
        return Trial(float(rng.random() < 0.5), float(rng.random() < 0.3), 1.0)

    row = run(World("a", "x", simulate, 200), 0)
    assert row.missed and 100 < row.simulations < 200 and row.bias == 1
    assert run(World("a", "x", simulate, 200), 0).coverage == row.coverage


def test_corrections_of_an_angle_are_fitted_to_other_simulations(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.calibration.FIT_CELLS", ((10, 50),))
    monkeypatch.setattr("benchmarks.calibration.WIDE_CELLS", ((12, 50),))
    monkeypatch.setattr("benchmarks.calibration.FIT_COUNT", 40)
    overestimate, freedom, covered = fit("mean", 40, ((10, 50),))
    assert overestimate == pytest.approx(1, abs=0.15) and freedom > 0.6 and covered >= 0.95
    assert main(["--fit", "mean"]) == 0
    assert capsys.readouterr().out.startswith(f"mean: overestimate {overestimate}, freedom {freedom}, ")
    assert FIT_SEED not in range(1_000), "the calibration's own seeds"
