r"""Attribute directions: the difference of two group means, v = mean(z | with) - mean(z | without).

Adding s v to a latent moves it from the group without towards the group with; s = 1 goes from one mean to the other.


References:
    | Autoencoding beyond pixels using a learned similarity metric (Larsen et al., 2015), 4.2
    | https://arxiv.org/abs/1512.09300
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.attribute_values import Attribute, quantiles
from explorer.latent.blocks import group_sums

__all__ = [
    "FEWEST",
    "Direction",
    "attribute_directions",
    "held_vectors",
    "label_slugs",
    "mean_difference",
    "named_sides",
    "sides_of",
    "slug",
]

FEWEST = 5  # images a side; fewer give no direction
SLUG_AT_MOST = 30  # characters of a label's slug

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction of the latent space that changes one attribute."""

    vector: NDArray[np.float32]  # (D,), from the mean without to the mean with
    name: str  # slug, unique in its model, e.g. "hair-blond"
    title: str  # for people, e.g. "Hair: blond"
    group: str  # the attribute's title, e.g. "Hair"
    count_with: int  # images behind the mean with
    count_without: int  # images behind the mean without
    kind: str  # of the attribute: binary, categorical or continuous; "own" for one that a person made
    made: str = ""  # how a person made it, for display


def mean_difference(z: ArrayLike, positive: ArrayLike, negative: ArrayLike) -> NDArray[np.float32]:
    """The mean of the latents with, minus the mean of the latents without.

    Arguments:
        z: Latents, shape (N, D).
        positive: Which latents have the attribute, bool, shape (N,).
        negative: Which latents lack it, bool, shape (N,).

    Returns:
        float32, shape (D,), in the unit of `z`; summed in float64.

    Raises:
        ValueError: If the shapes do not match or a side is empty.
    """
    latents, with_, without = np.asarray(z), np.asarray(positive), np.asarray(negative)
    if latents.ndim != 2:
        raise ValueError(f"`z` must have the shape (N, D). Got {latents.shape}.")
    for name, mask in (("positive", with_), ("negative", without)):
        if mask.dtype != np.bool_ or mask.shape != latents.shape[:1]:
            raise ValueError(
                f"`{name}` must be bool of shape ({len(latents)},). Got {mask.dtype} of shape {mask.shape}."
            )
        if not mask.any():
            raise ValueError(f"`{name}` must mark at least one latent. It marks none.")
    return _apart(latents, with_, without).astype(np.float32)


def _apart(latents: NDArray[np.floating], with_: Mask, without: Mask) -> NDArray[np.float64]:
    difference: NDArray[np.float64] = latents[with_].mean(0, np.float64) - latents[without].mean(
        0, np.float64
    )
    return difference


def attribute_directions(z: ArrayLike, attributes: Mapping[str, Attribute]) -> dict[str, Direction]:
    """The direction of every attribute that has at least `FEWEST` images on both sides.

    Binary: with minus without. Categorical: each label against all others, as `attribute-label`. Continuous: the
    highest third of the values minus the lowest third. Images whose value is missing are on no side.

    Arguments:
        z: Latents, shape (N, D).
        attributes: Attributes of the N images, by name.

    Returns:
        Directions by slug, in the order of the attributes.
    """
    latents = np.asarray(z)
    directions: dict[str, Direction] = {}
    for name, attribute in attributes.items():
        sides = {
            key: (title, with_, without)
            for key, title, with_, without in sides_of(name, attribute)
            if min(int(with_.sum()), int(without.sum())) >= FEWEST and key not in directions
        }
        groups = [group for _, with_, without in sides.values() for group in (with_, without)]
        sums = group_sums(latents, np.stack(groups)) if groups else np.empty((0, latents.shape[1]))
        for number, (key, (title, with_, without)) in enumerate(sides.items()):
            counts = int(with_.sum()), int(without.sum())
            vector = (sums[2 * number] / counts[0] - sums[2 * number + 1] / counts[1]).astype(np.float32)
            directions[key] = Direction(vector, key, title, attribute.title, *counts, attribute.kind)
    return directions


def held_vectors(
    z: ArrayLike, attributes: Mapping[str, Attribute], names: Sequence[str], use: ArrayLike | None = None
) -> NDArray[np.float64]:
    """The directions of attributes that are held fixed: mean differences, whichever estimator gives the edit's direction.

    Arguments:
        z: Latents, shape (N, D).
        attributes: Attributes of the N images, by name.
        names: Slugs of their directions.
        use: Which images to take, bool, shape (N,); all if None.

    Returns:
        Shape (K, D), in the order of `names`; on all images those of `attribute_directions`, unrounded.

    Raises:
        ValueError: If a name is unknown, or a side has none of the images.
    """
    latents = np.asarray(z)
    used = np.ones(len(latents), np.bool_) if use is None else np.asarray(use, np.bool_)
    vectors = np.empty((len(names), latents.shape[1]))
    for row, name in enumerate(names):
        with_, without = (mask & used for mask in named_sides(attributes, name))
        if not with_.any() or not without.any():
            raise ValueError(f"{name!r} cannot be held fixed: none of the images is on one of its sides.")
        vectors[row] = _apart(latents, with_, without)
    return vectors


def named_sides(attributes: Mapping[str, Attribute], name: str) -> tuple[Mask, Mask]:
    """The two sides of the direction with a slug.

    Raises:
        ValueError: If there is none.
    """
    known: dict[str, tuple[Mask, Mask]] = {}
    for own, each in attributes.items():
        for key, _, with_, without in sides_of(own, each):
            known.setdefault(key, (with_, without))  # the first, as in `attribute_directions`
    if name not in known:
        raise ValueError(f"Unknown direction {name[:60]!r}. Choose one of: {', '.join(known)}.")
    return known[name]


def slug(text: str) -> str:
    """Lower-case letters and digits with one dash for everything between: "Dark  Blond!" gives "dark-blond"."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def label_slugs(labels: Sequence[str]) -> list[str]:
    """A different slug for each label, in any script: ("猫", "C", "C++") gives e.g. "x4a28b1", "c", "c-9f0e77".

    Accents are dropped. A label that loses more than that, is long, or has the slug of an earlier one ends with a
    digest of its text, so that its slug does not change with the other labels.
    """
    slugs: list[str] = []
    for label in labels:
        plain = "".join(c for c in unicodedata.normalize("NFKD", label) if not unicodedata.combining(c))
        short = slug(plain)
        whole = (
            short and len(short) <= SLUG_AT_MOST and not any(c.isalnum() and not c.isascii() for c in plain)
        )
        if not whole or short in slugs:
            digest = hashlib.sha256(label.encode()).hexdigest()[:6]
            head = short[: SLUG_AT_MOST - 7].strip("-")
            short = f"{head}-{digest}" if head else f"x{digest}"
        slugs.append(short)
    return slugs


def sides_of(name: str, attribute: Attribute) -> Iterator[tuple[str, str, Mask, Mask]]:
    """Slug, title and the two sides of each direction of an attribute."""
    values = np.asarray(attribute.values)
    if attribute.kind == "binary":
        yield name, attribute.title, values == 1, values == 0
    elif attribute.kind == "categorical":
        known = attribute.known
        for index, key in enumerate(label_slugs(attribute.labels)):
            chosen = values == index
            yield f"{name}-{key}", f"{attribute.title}: {attribute.labels[index]}", chosen, known & ~chosen
    else:
        low, high = quantiles(attribute, 1 / 3, 2 / 3)
        if low < high:
            yield name, attribute.title, values >= high, values <= low
