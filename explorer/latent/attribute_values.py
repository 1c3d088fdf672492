"""The values of an attribute: their names, their range, and an image's value as text. A value may be missing."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Attribute", "extent", "known_values", "quantiles", "value_names", "value_text"]

Floats = NDArray[np.float64]


class Attribute(Protocol):
    """The fields of `models.data.Attribute` that maths on attributes needs."""

    @property
    def kind(self) -> str: ...
    @property
    def values(self) -> NDArray[Any]: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def title(self) -> str: ...
    @property
    def known(self) -> NDArray[np.bool_]: ...


def known_values(attribute: Attribute) -> Floats:
    """The values that are not missing, shape (M,), M at most N."""
    return np.asarray(attribute.values)[attribute.known].astype(np.float64)


def extent(attribute: Attribute) -> tuple[float, float]:
    """The smallest and the largest value; (0, 0) where all are missing."""
    values = known_values(attribute)
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def quantiles(attribute: Attribute, *shares: float) -> list[float]:
    """Quantiles of the values that are not missing; all 0 where none is left."""
    values = known_values(attribute)
    return [float(each) for each in np.quantile(values, shares)] if len(values) else [0.0] * len(shares)


def value_names(attribute: Attribute) -> list[str]:
    """The names of the values of a binary or categorical attribute, by value."""
    return list(attribute.labels) if attribute.labels else ["no", "yes"]


def value_text(attribute: Attribute, row: int, form: str = ".2f") -> str:
    """An image's value for display; "" where it is missing.

    Arguments:
        attribute: Of N images.
        row: One of them.
        form: Format of a number.
    """
    if not attribute.known[row]:
        return ""
    value = attribute.values[row]
    if attribute.kind == "continuous":
        return format(float(value), form)
    return value_names(attribute)[int(value)]
