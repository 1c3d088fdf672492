"""Tests of measuring the value range: the right one of all candidates is the best, and conversions are inverse."""

from __future__ import annotations

import numpy as np
import pytest

from models.foreign.value_range import CHANNELS, RANGES, from_model, guess_range, measure, to_model
from tests.models.foreign.graphs import INTERVALS, levels

X = (levels(12) / np.float32(255)).transpose(0, 3, 1, 2).astype(np.float32)


@pytest.mark.parametrize("values", RANGES)
@pytest.mark.parametrize("channels", CHANNELS)
def test_the_range_of_a_model_is_found(values: str, channels: str) -> None:
    low, high = (
        to_model(np.array(bounds, np.float32).reshape(1, 3, 1, 1), values, channels)
        for bounds in zip(*INTERVALS, strict=True)
    )
    found = measure(lambda x: x, lambda z: np.clip(z, low, high), X)
    best = found[0]
    assert (best.input_range, best.output_range, best.channels, best.scaling) == (
        values,
        values,
        channels,
        1.0,
    )
    assert best.psnr > 60 > found[1].psnr and best.pictures == 12 and len(found) == 18


@pytest.mark.parametrize("values", RANGES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_conversions_are_inverse(values: str, channels: int) -> None:
    x = np.random.default_rng(0).random((2, channels, 5, 4), np.float32)
    for order in CHANNELS:
        np.testing.assert_allclose(from_model(to_model(x, values, order), values, order), x, atol=1e-6)


def test_ranges_by_hand() -> None:
    red = np.array([1.0, 0.0, 0.0], np.float32).reshape(1, 3, 1, 1)
    assert to_model(red, "signed", "bgr").ravel().tolist() == [-1, -1, 1]
    # torchvision's transforms.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    np.testing.assert_allclose(
        to_model(red, "imagenet", "rgb").ravel(), [2.2489, -2.0357, -1.8044], atol=1e-4
    )
    assert from_model(np.full((1, 3, 1, 1), np.nan, np.float32), "unit", "rgb").max() == 0


def test_a_scaling_between_encoder_and_decoder_is_found() -> None:
    found = measure(lambda x: x / 0.18215, lambda z: z, X, scalings=(1.0, 0.18215, 1 / 0.18215))
    assert found[0].scaling == 0.18215


def test_a_slow_model_is_measured_on_fewer_pictures() -> None:
    assert measure(lambda x: x, lambda z: z, X, seconds=0.0)[0].pictures == 8


def test_a_model_without_finite_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match="no finite pictures"):
        measure(lambda x: x, lambda z: z * np.float32("nan"), X)


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0, 1, "unit"), (-1, 1, "signed"), (-2, 2.6, "imagenet")]
)
def test_a_range_is_guessed_from_values(low: float, high: float, expected: str) -> None:
    assert guess_range(np.linspace(low, high, 999, dtype=np.float32)) == expected
