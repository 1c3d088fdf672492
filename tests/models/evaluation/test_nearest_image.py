"""Tests of copying the nearest training image, against all distances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.data import ImageData, load_data
from models.evaluation.nearest_image import nearest_image


def test_the_error_is_that_of_the_nearest_training_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.evaluation.nearest_image.AT_ONCE", 16)
    train, test = load_data("digits", limit=200), load_data("digits", "test", limit=40)
    gaps = (test.images[:, None] / 255 - train.images[None] / 255) ** 2
    least = gaps.mean((2, 3, 4)).min(1)
    found = nearest_image(train, test)
    assert found["mse_nearest"]["value"] == pytest.approx(least.mean(), abs=2e-6)
    assert found["psnr_nearest"]["value"] == pytest.approx((-10 * np.log10(least)).mean(), abs=1e-3)
    assert "nearest of 200 training images, digits test, 40 images" in found["mse_nearest"]["protocol"]


def test_the_padding_of_frey_faces_counts_for_nothing() -> None:
    rng = np.random.default_rng(0)

    def film(count: int, grey: int) -> ImageData:
        images = rng.integers(0, 256, (count, 28, 28, 1), np.uint8)
        images[:, :, :4] = images[:, :, 24:] = grey
        return replace(load_data("digits", limit=count), name="frey-faces", images=images)

    train, test = film(30, 128), film(10, 0)
    inner = (test.images[:, None, :, 4:24] / 255 - train.images[None, :, :, 4:24] / 255) ** 2
    found = nearest_image(train, test)["mse_nearest"]
    assert found["value"] == pytest.approx(inner.mean((2, 3, 4)).min(1).mean(), abs=2e-6)
    assert found["protocol"].endswith("without the padding")
