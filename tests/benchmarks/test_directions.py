"""The choice of an estimator and the bars of the benchmark of directions, on leaks that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.directions import bars_of, chosen, correlated_bars, correlated_with, main, partners_leak
from explorer.latent.directions.leakage import Leak
from explorer.latent.intervals import Interval
from models.data import Attribute


def leak(success: float, dependency: float) -> Leak:
    both = Interval(success, success, success), Interval(dependency, dependency, dependency)
    return Leak(1.0, 50, *both, "hat", {"hat": 2.0, "smile": 0.5, "hair": 0.1}, {}, {})


def test_of_those_that_flip_enough_the_one_with_the_least_dependency_is_chosen() -> None:
    before = {"mean": leak(0.95, 0.1), "lda": leak(0.89, 0.01), "balanced": leak(0.9, 0.05)}
    assert chosen(before) == "balanced"
    assert chosen({"mean": leak(0.5, 0.01), "lda": leak(0.7, 0.3)}) == "lda"


def test_leak_into_some_attributes_is_a_share_of_the_targets_movement() -> None:
    assert partners_leak(leak(1, 0), ["smile"]) == 0.25
    assert partners_leak(leak(1, 0), ["smile", "hair"]) == pytest.approx(0.15)


def test_correlated_attributes_are_found_in_the_sample() -> None:
    rng = np.random.default_rng(0)
    a, noise = rng.random(2000), rng.random(2000)
    known = {
        "a": Attribute("a", "continuous", a.astype(np.float32)),
        "b": Attribute("b", "binary", (a + noise > 1).astype(np.uint8)),
        "c": Attribute("c", "continuous", rng.random(2000).astype(np.float32)),
    }
    assert correlated_with(known, "a") == ["b"] and correlated_with(known, "c") == []


def row(success: float, dependency: float, into: float) -> dict[str, object]:
    figures = {
        "mean": {"success": 0.95, "dependency": 0.4},
        "lda": {"success": success, "dependency": dependency},
    }
    return {"best": "lda", "estimators": figures, "leak": {"mean": 0.8, "lda": into}}


def test_a_direction_counts_where_it_meets_both_bars() -> None:
    rows = [row(0.9, 0.2, 0.1)] * 7 + [row(0.89, 0.0, 0.1), row(1.0, 0.21, 0.1)]
    (bar,) = bars_of("faces-vae", rows)
    assert bar.value == 7 and not bar.met
    (bar,) = bars_of("faces-vae", [*rows, row(0.95, 0.1, 0.1)])
    assert bar.value == 8 and bar.met


def test_the_leak_of_a_correlated_sample_is_held_against_the_mean_difference() -> None:
    into, all_others = correlated_bars("faces-vae", [row(0.95, 0.1, 0.2), row(0.95, 0.3, 0.4)])
    assert into.value == pytest.approx(0.3 / 0.8) and into.met
    assert all_others.value == pytest.approx(0.5) and all_others.met


def test_what_cannot_be_measured_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", "no-such-model"]) == 1
    assert "python -m benchmarks.directions: " in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--images", "39"])
    assert "--images must lie in 40..4000. Got 39." in capsys.readouterr().err
