"""Codes to look at that are nobody's: drawn from a prior, a mixture, round a code; rows along dimensions; the plane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.latent.statistics import dimensions, draws
from explorer.latent.statistics.mixtures import FEWEST
from explorer.scene.loaded import Loaded
from models.data import Attribute

__all__ = ["Rows", "plane", "traversals", "values"]

Floats = NDArray[np.float32]

STEPS = 9  # pictures of a traversal
THIRDS = ("lowest third", "middle third", "highest third")


class Rows(NamedTuple):
    """Codes in rows, with what each row and column is."""

    codes: Floats  # (rows, columns, D)
    names: list[str]  # of the rows
    heads: list[str]  # of the columns


def values(attribute: Attribute) -> dict[str, NDArray[np.bool_]]:
    """The values that codes can be drawn by: name -> which images have it; only those of at least five images."""
    raw = np.asarray(attribute.values)
    if attribute.kind == "continuous":
        low, high = np.quantile(raw.astype(np.float64), [1 / 3, 2 / 3])
        masks = [raw < low, (raw >= low) & (raw <= high), raw > high]
        named = dict(zip(THIRDS, masks, strict=True))
    elif attribute.labels:
        named = {label: raw == number for number, label in enumerate(attribute.labels)}
    else:
        named = {"no": raw == 0, "yes": raw == 1}
    return {name: mask for name, mask in named.items() if mask.sum() >= FEWEST}


def traversals(loaded: Loaded, item: int | None, count: int, reach: float) -> Rows:
    """The weightiest dimensions, each from -reach to +reach standard deviations with the others kept.

    Arguments:
        loaded: The model.
        item: Whose code the others are kept at; None for the mean of all codes.
        count: Rows at most.
        reach: In standard deviations: of the prior, or of the images' codes where the code is deterministic.
    """
    atlas = loaded.atlas
    weighed = dimensions.weigh(atlas.mean, atlas.std)
    code = atlas.mean.mean(0) if item is None else loaded.codes([item])[0]
    steps = np.linspace(-reach, reach, STEPS)
    codes, names = [], []
    for dimension, value in zip(weighed.order[:count], weighed.values, strict=False):
        own = atlas.mean[:, dimension]
        at = steps if weighed.by_kl else own.mean() + steps * own.std()
        codes.append(dimensions.traversal(code, int(dimension), at))
        names.append(f"{dimension} · {value:.2f}{' nats' if weighed.by_kl else ''}")
    unit = "" if weighed.by_kl else " s"
    heads = [f"{step:+g}{unit}".replace("-", "−") if step else "0" for step in steps.round(2)]
    return Rows(np.stack(codes), names, heads)


def plane(loaded: Loaded, side: int) -> Floats:
    """A grid of two-dimensional codes, evenly under the prior, or under a Gaussian fitted to the codes without one.

    Raises:
        ValueError: If the latent has other than two dimensions.
    """
    if loaded.latent != 2:
        raise ValueError(f"The latent must have two dimensions. Got {loaded.latent}.")
    grid = draws.manifold(side)
    if loaded.decoder.model.spec.prior:
        return grid
    mean = loaded.atlas.mean
    fitted: Floats = (mean.mean(0) + grid * mean.std(0)).astype(np.float32)
    return fitted
