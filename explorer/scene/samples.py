"""Latents of the Samples page: values to condition on, traversals along dimensions, and the latent plane."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from explorer.latent.attribute_values import quantiles, value_names
from explorer.latent.statistics import dimensions, draws
from explorer.latent.statistics.mixtures import FEWEST
from explorer.scene.loaded import Loaded
from models.data import Attribute

__all__ = ["Rows", "plane", "traversals", "values"]

Floats = NDArray[np.float32]

STEPS = 9  # pictures of a traversal
THIRDS = ("lowest third", "middle third", "highest third")


class Rows(NamedTuple):
    """Latents in rows, with headings for rows and columns."""

    latents: Floats  # (rows, columns, D)
    names: list[str]  # row headings
    heads: list[str]  # column headings


def values(attribute: Attribute) -> dict[str, NDArray[np.bool_]]:
    """Values to condition samples on: name -> mask of its images; only values of at least five images."""
    raw = np.asarray(attribute.values)
    if attribute.kind == "continuous":
        low, high = quantiles(attribute, 1 / 3, 2 / 3)
        masks = [raw < low, (raw >= low) & (raw <= high), raw > high]
        named = dict(zip(THIRDS, masks, strict=True))
    else:
        named = {label: raw == number for number, label in enumerate(value_names(attribute))}
    return {name: mask for name, mask in named.items() if mask.sum() >= FEWEST}


def traversals(loaded: Loaded, item: int | None, count: int, reach: float) -> Rows:
    """Traversals of the most important dimensions, from -reach to +reach standard deviations.

    Arguments:
        loaded: The model.
        item: The item whose latent the traversals start from; None for the mean of all latents.
        count: Maximum number of rows.
        reach: Distance in standard deviations of the prior, or of the latents without a posterior.
    """
    atlas = loaded.atlas
    weighed = loaded.weighed
    latent = loaded.moments[0].astype(np.float32) if item is None else loaded.latents([item])[0]
    steps = np.linspace(-reach, reach, STEPS)
    latents, names = [], []
    for dimension, value in zip(weighed.order[:count], weighed.values, strict=False):
        own = atlas.mean[:, dimension]
        at = steps if weighed.by_kl else own.mean() + steps * own.std()
        latents.append(dimensions.traversal(latent, int(dimension), at))
        names.append(f"{dimension} · {value:.2f}{' nats' if weighed.by_kl else ''}")
    unit = "" if weighed.by_kl else " s"
    heads = [f"{step:+g}{unit}".replace("-", "−") if step else "0" for step in steps.round(2)]
    return Rows(np.stack(latents), names, heads)


def plane(loaded: Loaded, side: int) -> Floats:
    """A grid of two-dimensional latents at equal quantiles of the prior, else of a fitted Gaussian.

    Raises:
        ValueError: If the latent space does not have two dimensions.
    """
    if loaded.latent != 2:
        raise ValueError(f"The latent must have two dimensions. Got {loaded.latent}.")
    grid = draws.manifold(side)
    if loaded.decoder.model.spec.prior:
        return grid
    mean, variance = loaded.moments
    return cast("Floats", (mean + grid * np.sqrt(variance)).astype(np.float32))
