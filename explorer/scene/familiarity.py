"""How familiar a picture is to a model: percentiles of its reconstruction error and distance to the data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.catalogue.outlier_scores import refusal
from explorer.latent.statistics.outliers import percentiles
from explorer.scene.loaded import Loaded

__all__ = ["LIMIT", "Familiarity", "familiarity", "squared_error"]

LIMIT = 99.0  # percentile above which a picture counts as unknown
HELD_OUT_AT_LEAST = 100  # test images; with fewer, the whole collection is the reference


class Familiarity(NamedTuple):
    """Comparison of one picture with the collection.

    The picture is unknown if its reconstruction error or its distance to the 10th nearest image exceeds the
    99th percentile of the reference: the collection's test images, or all images if there are fewer than 100
    test images.
    """

    error: float  # squared, per pixel and channel, 0 to 1
    # Among the reference; None if the error of every picture is mere rounding.
    error_percentile: float | None
    distance_percentile: float
    reference: int  # number of reference images
    alarms: float  # percent of the reference that the same rule calls unknown

    @property
    def unknown(self) -> bool:
        """Whether the picture is unlike the collection."""
        return max(self.error_percentile or 0.0, self.distance_percentile) > LIMIT


def familiarity(
    loaded: Loaded, picture: NDArray[np.uint8], z: NDArray[np.float32], reconstruction: NDArray[np.uint8]
) -> Familiarity:
    """Compares a picture with the collection.

    Arguments:
        loaded: The model.
        picture: The picture at the model's size, (H, W, C).
        z: Its latent, (D,).
        reconstruction: The decoded latent, (H, W, C).
    """
    atlas = loaded.atlas
    test = np.asarray(atlas.split) == "test"
    held = test if test.sum() >= HELD_OUT_AT_LEAST else np.ones(len(test), bool)
    error = squared_error(picture, reconstruction)
    distances = atlas.neighbour_distance[held]
    distance = float(loaded.euclidean.query(z[None]).distance[0])
    alarms = percentiles(distances, distances) > LIMIT
    error_percentile = None
    if "error" in atlas.scores and not refusal("error", loaded.decoder.model.spec):
        errors = atlas.scores["error"][held]
        error_percentile = float(percentiles([error], errors)[0])
        alarms |= percentiles(errors, errors) > LIMIT
    return Familiarity(
        error,
        error_percentile,
        float(percentiles([distance], distances)[0]),
        int(held.sum()),
        100 * float(alarms.mean()),
    )


def squared_error(picture: NDArray[np.uint8], reconstruction: NDArray[np.uint8]) -> float:
    """Mean squared error per pixel and channel of two 8-bit pictures, scaled to 0..1."""
    return float(np.square((picture.astype(np.float64) - reconstruction) / 255).mean())
