"""The error of copying the nearest training image, beside which the error on frames of a film is read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.data import ImageData
from models.evaluation.metric import Metrics, describe_images, metric
from models.evaluation.reconstruction import Pictures, errors, without, without_padding

__all__ = ["FILMS", "nearest_image"]

FILMS = ("frey-faces", "fruits-360")  # data sets whose images are frames of films
AT_ONCE = 256  # test images compared at a time


def nearest_image(train: ImageData, test: ImageData) -> Metrics:
    """MSE and PSNR of each test image's nearest training image, by mean squared error."""
    scaled = (each.images.astype(np.float32) / np.float32(255) for each in (train, test))
    known, truth = without_padding(test, *scaled)
    mse, psnr = errors(truth, known[_nearest(known, truth)])
    about = f"nearest of {len(train)} training images, {describe_images(test)}{without(test)}"
    return {
        "mse_nearest": metric(mse.mean(), "per pixel, [0, 1]", about),
        "psnr_nearest": metric(psnr.mean(), "dB", about),
    }


def _nearest(known: Pictures, asked: Pictures) -> NDArray[np.int64]:
    """Row of the nearest image of `known` (N, H, W, C) for each of `asked` (M, H, W, C), shape (M,)."""
    rows, others = known.reshape(len(known), -1), asked.reshape(len(asked), -1)
    squares = np.square(rows).sum(1)
    parts = [others[start : start + AT_ONCE] for start in range(0, len(others), AT_ONCE)]
    return np.concatenate([(squares - 2 * part @ rows.T).argmin(1) for part in parts])
