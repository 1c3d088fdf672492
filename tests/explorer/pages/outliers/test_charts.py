"""The charts of the Outliers page: their data."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.catalogue.outlier_scores import SCORES
from explorer.pages.outliers import charts

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("key", ["kl", "elbo"])
def test_the_histogram_colours_the_outliers(key: str) -> None:
    values, score = RNG.normal(size=500), SCORES[key]
    outliers = values >= 1 if score.tail == "high" else values <= -1
    figure = charts.histogram(values, outliers, 1.0, score, np.array([4.5]))
    inlier_bars, outlier_bars, mine = figure.data
    assert sum(inlier_bars.y) == (~outliers).sum() and sum(outlier_bars.y) == outliers.sum()
    centre = float(np.average(outlier_bars.x, weights=outlier_bars.y))
    assert (centre > 1) == (score.tail == "high")
    assert list(mine.x) == [4.5] and figure.layout.xaxis.range[1] > 4.5
    assert figure.layout.shapes[0].x0 == 1.0 and score.unit in figure.layout.xaxis.title.text


@pytest.mark.parametrize("span", [0.0037, 1.0, 42.0, 9e5])
def test_ticks_are_few_and_round(span: float) -> None:
    step = charts._step(span)
    assert 2 <= span / step <= charts.TICKS
    assert f"{step:.0e}"[0] in "125"


def test_the_map_shows_every_image_once() -> None:
    xy = RNG.normal(size=(6, 2)).astype(np.float32)
    outliers, scored = (np.array(each, bool) for each in ([0, 1, 0, 0, 0, 1], [1, 1, 0, 1, 0, 1]))
    texts = [f"image {row}" for row in range(6)]
    figure = charts.outlier_map(xy, outliers, scored, texts, xy[:1] + 0.01, ["mine"])
    rows = {trace.name: list(trace.customdata) for trace in figure.data[:3]}
    assert rows == {"Not scored": [2, 4], "Inlier": [0, 3], "Outlier": [1, 5]}
    assert list(figure.data[2].text) == ["image 1", "image 5"]
    assert figure.data[3].x[0] == xy[0, 0] + np.float32(0.01) and list(figure.data[3].text) == ["mine"]


def test_two_scores_keep_their_images() -> None:
    one, other = RNG.normal(size=4), RNG.normal(size=4)
    outliers = np.array([0, 0, 1, 0], bool)
    rows = np.array([3, 5, 8, 9])
    figure = charts.two_scores(
        one, other, outliers, (SCORES["kl"], SCORES["elbo"]), 0.0, rows, list("abcdefghij")
    )
    assert list(figure.data[0].customdata) == [3, 5, 9] and list(figure.data[1].text) == ["i"]
    np.testing.assert_array_equal(figure.data[1].y, other[outliers])
    assert "ELBO, nats" in figure.layout.yaxis.title.text
