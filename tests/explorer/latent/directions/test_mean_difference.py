"""Tests of the attribute directions."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.latent.directions.mean_difference import attribute_directions, mean_difference, slug
from models.data import Attribute

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(60, 5)).astype(np.float32)


def binary(values: np.ndarray) -> Attribute:
    return Attribute("hat", "binary", values.astype(np.uint8), ("no hat", "hat"))


def test_mean_difference_is_the_coefficient_of_a_regression_on_a_dummy() -> None:
    with_ = RNG.random(60) < 0.4
    design = np.stack([np.ones(60), with_], 1)
    coefficients = np.linalg.lstsq(design, Z.astype(np.float64), rcond=None)[0]
    np.testing.assert_allclose(mean_difference(Z, with_, ~with_), coefficients[1], atol=1e-6)


def test_a_step_of_one_goes_from_the_mean_without_to_the_mean_with() -> None:
    values = np.arange(60) % 3 == 0
    found = attribute_directions(Z, {"hat": binary(values)})["hat"]
    np.testing.assert_allclose(Z[~values].mean(0) + found.vector, Z[values].mean(0), atol=1e-6)
    assert (found.count_with, found.count_without) == (20, 40)
    assert (found.title, found.group, found.kind) == ("Hat", "Hat", "binary")


def test_each_label_is_compared_with_all_others() -> None:
    values = np.arange(60) % 3
    hair = Attribute("hair", "categorical", values.astype(np.int16), ("dark blond", "red", "black"))
    found = attribute_directions(Z, {"hair": hair})
    assert list(found) == ["hair-dark-blond", "hair-red", "hair-black"]
    red = found["hair-red"]
    expected = Z[values == 1].mean(0) - Z[values != 1].mean(0)
    np.testing.assert_allclose(red.vector, expected, atol=1e-6)
    assert (red.title, red.group, red.count_with, red.count_without) == (
        "Hair: red",
        "Hair",
        20,
        40,
    )


def test_a_continuous_attribute_uses_its_outer_thirds() -> None:
    order = RNG.permutation(60)
    smile = Attribute("smile", "continuous", order.astype(np.float32))
    found = attribute_directions(Z, {"smile": smile})["smile"]
    expected = Z[order >= 40].mean(0) - Z[order < 20].mean(0)
    np.testing.assert_allclose(found.vector, expected, atol=1e-6)
    assert found.count_with == found.count_without == 20


def test_directions_with_too_few_images_are_left_out() -> None:
    few, enough = np.arange(60) < 4, np.arange(60) < 5
    assert attribute_directions(Z, {"hat": binary(few)}) == {}
    assert attribute_directions(Z, {"hat": binary(~few)}) == {}
    assert list(attribute_directions(Z, {"hat": binary(enough)})) == ["hat"]
    constant = Attribute("smile", "continuous", np.ones(60, np.float32))
    assert attribute_directions(Z, {"smile": constant}) == {}


def test_large_offsets_lose_no_digits() -> None:
    # Summed in float32 the difference of these means would be off by about 0.01.
    many = np.full((100_000, 1), 1000.0, np.float32)
    many[::2] += 0.25
    with_ = np.arange(100_000) % 2 == 0
    assert mean_difference(many, with_, ~with_)[0] == pytest.approx(0.25, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Dark  Blond!", "dark-blond"), ("a--b", "a-b"), ("-x-", "x"), ("A 1", "a-1")],
)
def test_slug(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_errors_name_the_argument() -> None:
    mask = np.ones(60, bool)
    with pytest.raises(ValueError, match=r"`negative` must mark at least one latent"):
        mean_difference(Z, mask, ~mask)
    with pytest.raises(ValueError, match=r"`positive` must be bool of shape \(60,\).*int64"):
        mean_difference(Z, mask.astype(np.int64), mask)
    with pytest.raises(ValueError, match=r"`z` must have the shape \(N, D\)"):
        mean_difference(Z[0], mask, mask)
