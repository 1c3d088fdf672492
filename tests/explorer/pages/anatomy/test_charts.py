"""The Anatomy page's charts: their data and axis ranges."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.jobs import likelihood_estimates
from explorer.pages.anatomy.charts import bound_bars, growth, kl_bars, short


def test_the_bars_are_the_terms_of_the_bound() -> None:
    figure = bound_bars({"This image": (36.6, 7.03), "Test average": (-133.0, 6.5)})
    cost, kl = figure.data
    assert (cost.name, kl.name) == ("Reconstruction", "KL")
    assert list(cost.y) == ["Test average", "This image"] and list(cost.x) == [-133.0, 36.6]
    assert list(kl.x) == [6.5, 7.03]
    assert list(kl.text) == ["", ""] and list(kl.customdata) == ["6.50", "7.03"], (
        "too small for a number inside"
    )
    assert list(cost.text) == ["−133.0", "36.6"]
    said = {note.y: note.text for note in figure.layout.annotations}
    assert said == {"This image": "−ELBO 43.6", "Test average": "−ELBO −126.5"}
    low, high = figure.layout.xaxis.range
    assert low <= -133 and high > 43.63


def test_kl_bars_are_sorted_and_labelled_by_dimension() -> None:
    kl, average = np.array([0.1, 3.0, 0.0, 2.0]), np.array([0.2, 2.5, 0.01, 2.2])
    active = np.array([True, True, False, True])
    figure = kl_bars(kl, average, active, (3, 0))
    on, off, usual = figure.data
    assert list(on.y) == [3.0, 2.0, 0.1] and [row[0] for row in on.customdata] == [1, 3, 0]
    assert list(off.y) == [0.0] and off.name == "Inactive"
    assert list(usual.y) == [2.5, 2.2, 0.2, 0.01]
    assert list(figure.layout.xaxis.ticktext) == ["1", "3", "0", "2"]
    assert [note.x for note in figure.layout.annotations] == [1, 2], "the two dimensions on the map"
    assert "Inactive" not in [bar.name for bar in kl_bars(kl, average, kl > -1, (0, 1)).data]


def test_the_axis_separates_the_bounds() -> None:
    rng = np.random.default_rng(0)
    naive, weights = rng.normal(-4000, 300, 2000), rng.normal(-92, 3, 2000)
    figure, off = growth(likelihood_estimates.curves(naive, weights))
    assert off == ["Naive Monte Carlo"], "far below, so it is annotated"
    low, high = figure.layout.yaxis.range
    curves = {line.name: line.y for line in figure.data}
    bound, best = curves["ELBO"][-1], curves["Importance-weighted"][-1]
    assert low < bound < best < high and best - bound > 0.05 * (high - low)
    near = growth(likelihood_estimates.curves(rng.normal(-95, 3, 2000), weights))
    assert near[1] == []
    naive_end = next(line.y[-1] for line in near[0].data if line.name == "Naive Monte Carlo")
    assert near[0].layout.yaxis.range[0] < naive_end < near[0].layout.yaxis.range[1]


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (3.14159, False, "3.14"),
        (31.4159, False, "31.4"),
        (-25801.6, False, "−25,802"),
        (0.5, True, "+0.50"),
        (-0.5, True, "−0.50"),
    ],
)
def test_numbers_are_short(value: float, sign: bool, text: str) -> None:
    assert short(value, sign) == text
