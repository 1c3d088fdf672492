r"""How well a classifier reads an attribute: balanced accuracy or R^2 with its interval, and calibration.

balanced accuracy   the mean, over the labels that occur, of the share of a label's images that are read correctly
R^2                 1 - mean(e^2) / mean(d^2), e the error and d the difference from the mean value
overconfidence      the mean probability of the predicted label minus the accuracy; 0 if calibrated

Plain accuracy is high if one label is frequent, whatever is predicted. Chance is 1 over the number of labels, and 0 for R^2.
The interval of balanced accuracy adds one correct and one wrong prediction to each label (Agresti and Coull); that
of R^2 is by the delta method.

References:
    | The Balanced Accuracy and Its Posterior Distribution (Brodersen et al., 2010)
    | https://doi.org/10.1109/ICPR.2010.764
    | On Calibration of Modern Neural Networks (Guo et al., 2017)
    | https://arxiv.org/abs/1706.04599
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Quality", "quality_of_labels", "quality_of_values"]

Z = 1.959963984540054  # of a 95 % interval


@dataclass(frozen=True)
class Quality:
    """How well an attribute is read."""

    measure: str  # "balanced accuracy" or "R²"
    value: float  # at most 1
    low: float  # of its 95 % interval
    high: float
    overconfidence: float  # -1 to 1; NaN for values
    images: int


def quality_of_labels(probabilities: ArrayLike, labels: ArrayLike) -> Quality:
    """Balanced accuracy and overconfidence.

    Arguments:
        probabilities: Probability of each label, shape (N, K); they need not add up to 1.
        labels: True labels, integers in [0, K), shape (N,).

    Raises:
        ValueError: If the shapes do not match or there is no image.
    """
    p, truth = np.asarray(probabilities, np.float64), np.asarray(labels)
    if p.ndim != 2 or truth.shape != p.shape[:1] or not len(p):
        raise ValueError(
            f"`probabilities` must have the shape (N, K) and `labels` (N,), N of at least 1. Got {p.shape}, {truth.shape}."
        )
    read = p.argmax(1)
    right = read == truth
    counts = np.array([(truth == label).sum() for label in np.unique(truth)], np.float64)
    hits = np.array([right[truth == label].sum() for label in np.unique(truth)], np.float64)
    value = float((hits / counts).mean())
    shares = (hits + 1) / (counts + 2)
    half = Z * float(np.sqrt((shares * (1 - shares) / (counts + 2)).sum())) / len(counts)
    middle = float(shares.mean())
    confidence = float(p[np.arange(len(p)), read].mean())
    low, high = max(0.0, min(value, middle - half)), min(1.0, max(value, middle + half))
    return Quality("balanced accuracy", value, low, high, confidence - float(right.mean()), len(p))


def quality_of_values(read: ArrayLike, values: ArrayLike) -> Quality:
    """R^2 of predicted values.

    Arguments:
        read: Predicted values, shape (N,).
        values: True values, shape (N,).

    Raises:
        ValueError: If the shapes differ or there are fewer than 2 images.
    """
    predicted, truth = np.asarray(read, np.float64), np.asarray(values, np.float64)
    if predicted.ndim != 1 or predicted.shape != truth.shape or len(predicted) < 2:
        raise ValueError(
            f"`read` and `values` must have one shape (N,), N of at least 2. Got {predicted.shape}, {truth.shape}."
        )
    errors: NDArray[np.float64] = np.square(predicted - truth)
    spread: NDArray[np.float64] = np.square(truth - truth.mean())
    base = max(float(spread.mean()), 1e-12)
    share = float(errors.mean()) / base
    half = Z * float((errors - share * spread).std(ddof=1)) / np.sqrt(len(predicted)) / base
    return Quality(
        "R²", 1 - share, 1 - share - half, min(1.0, 1 - share + half), float("nan"), len(predicted)
    )
