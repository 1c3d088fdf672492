"""Sources of directions: attributes, two groups, two images, a principal component, or an expression.

A source has a text form, used in URLs:

    attribute:smile                     an attribute direction, or a saved one
    groups:@beach~rest                  a saved group against all other images
    groups:glasses=with~age=0.5..1      images by their values, `&` between several
    items:test-12,train-40              from the first image to the second
    pc:3                                a principal component, from 1
    expression:smile - 0.5*glasses      see `explorer.latent.directions.expressions`
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from explorer.latent.attribute_values import value_names
from explorer.latent.directions import expressions
from explorer.latent.directions.balance import covariates
from explorer.latent.directions.estimators import Sides
from explorer.latent.directions.mean_difference import label_slugs, sides_of
from explorer.latent.directions.reliability import Scale
from explorer.latent.geometry.principal import principal_directions
from explorer.scene.loaded import Loaded

__all__ = [
    "COMPONENTS",
    "KINDS",
    "LENGTH_LIMIT",
    "ResolvedSource",
    "components",
    "default",
    "resolve",
    "side_mask",
    "two_items",
    "value_keys",
]

Mask = NDArray[np.bool_]

# Name in a URL -> title.
KINDS = {
    "attribute": "Attribute",
    "groups": "Two groups",
    "items": "Two images",
    "pc": "Principal component",
    "expression": "Expression",
}
LENGTH_LIMIT = 1000  # characters of a source
COMPONENTS = 10  # principal components offered
REST = "rest"
SIGNS = re.compile(r"[&|~=@]|\.\.|^$")  # syntax of a side, which names of values must not contain
WHOLE = re.compile(r"[1-9][0-9]?")


@dataclass(frozen=True, eq=False)
class ResolvedSource:
    """A resolved source: two sides, or a vector."""

    title: str
    made: str  # how it was made, for display
    sides: Sides | None = None
    vector: NDArray[np.float32] | None = None  # (D,), if there are no sides
    point: NDArray[np.float32] | None = None  # (D,), if an expression is a point, not a direction
    masks: tuple[Mask, Mask] | None = None  # the images with and without, each (N,)
    names: tuple[str, str] = ("with", "without")  # of the sides
    group: str = ""  # the attribute's title
    kind: str = "own"
    own: str = ""  # the attribute's name
    scale: Scale | None = None  # the attribute's values, where it has some


def resolve(loaded: Loaded, kind: str, text: str) -> ResolvedSource:
    """Resolves a source in a model.

    Arguments:
        loaded: The model.
        kind: A key of `KINDS`.
        text: The part after the colon.

    Raises:
        ValueError: If it is invalid; the message lists the alternatives.
    """
    if len(text) > LENGTH_LIMIT:
        raise ValueError(
            f"The source of a direction must have at most {LENGTH_LIMIT} characters. Got {len(text):,}."
        )
    makers = {
        "attribute": _attribute,
        "groups": _groups,
        "items": _items,
        "pc": _component,
        "expression": _expression,
    }
    if kind not in makers:
        raise ValueError(f"A direction can be made from: {', '.join(KINDS)}. Got {kind[:40]!r}.")
    return makers[kind](loaded, text)


def default(loaded: Loaded) -> tuple[str, str]:
    """Kind and text of the source shown first for a model."""
    first = next((name for name, d in loaded.directions.items() if d.kind == "binary"), None)
    first = first or next(iter(loaded.directions), None)
    return ("attribute", first) if first else ("pc", "1")


def components(loaded: Loaded) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The first principal components as directions (K, D), and the share of variance of each (K,)."""
    count = min(COMPONENTS, loaded.latent, loaded.count - 1)
    return principal_directions(loaded.atlas.mean, count)


def side_mask(loaded: Loaded, text: str) -> Mask:
    """The images on a side, bool, shape (N,).

    Arguments:
        loaded: The model.
        text: `@NAME` of a saved group, or `NAME=VALUE|VALUE` or `NAME=LOW..HIGH` of attributes, joined by
            `&`.

    Raises:
        ValueError: If it is invalid or matches no image.
    """
    if text.startswith("@"):
        group = loaded.groups.get(text[1:])
        if group is None:
            existing = ", ".join(loaded.groups) or "none yet; lasso one on Explore"
            raise ValueError(f"There is no group {text[1:60]!r}. There are: {existing}.")
        mask = np.zeros(loaded.count, bool)
        mask[list(group.items)] = True
        return mask
    mask = np.ones(loaded.count, bool)
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        attribute = loaded.atlas.attributes.get(name)
        if attribute is None or not equals:
            existing = ", ".join(loaded.atlas.attributes) or "none"
            raise ValueError(
                f"A side must be @GROUP, or NAME=VALUE of an attribute. Got {part[:60]!r}. Attributes: "
                f"{existing}."
            )
        mask &= _range(attribute, value) if attribute.kind == "continuous" else _values(attribute, value)
    if not mask.any():
        raise ValueError(f"No image has {text[:80]}. Choose other values.")
    return mask


def value_keys(attribute: Any) -> list[str]:
    """The name of each value of a binary or categorical attribute in a side: its label, else its slug."""
    names = value_names(attribute)
    return [
        key if SIGNS.search(name) or name in names[:n] else name
        for n, (name, key) in enumerate(zip(names, label_slugs(names), strict=True))
    ]


def _attribute(loaded: Loaded, text: str) -> ResolvedSource:
    direction = loaded.directions.get(text)
    if direction is None:
        there = ", ".join(loaded.directions) or "none"
        raise ValueError(f"There is no direction {text[:60]!r}. There are: {there[:400]}.")
    if direction.kind == "own":
        return ResolvedSource(
            direction.title, direction.made or "saved", vector=direction.vector, group="Yours", own=text
        )
    for name, attribute in loaded.atlas.attributes.items():
        for key, title, with_, without in sides_of(name, attribute):
            if key == text:
                resolved = _of_masks(loaded, title, f"attribute {title}", (with_, without), {name})
                words = _side_words(attribute, title)
                scale = None
                if attribute.kind == "continuous":
                    scale = Scale.of(loaded.atlas.mean, with_, without, attribute.values)
                return replace(
                    resolved,
                    names=words,
                    group=direction.group,
                    kind=direction.kind,
                    own=text,
                    scale=scale,
                )
    raise ValueError(f"The direction {text[:60]!r} was not made from images. Choose another one.")


def _side_words(attribute: Any, title: str) -> tuple[str, str]:
    """Display names of the two sides of an attribute."""
    if attribute.kind == "continuous":
        return "highest third", "lowest third"
    if attribute.kind == "categorical":
        return title.partition(": ")[2] or title, "all others"
    return (attribute.labels[1], attribute.labels[0]) if attribute.labels else ("with", "without")


def _groups(loaded: Loaded, text: str) -> ResolvedSource:
    one, tilde, other = text.partition("~")
    if not tilde or REST == one == other:
        raise ValueError(
            f"Two groups must be written ONE~OTHER; one of them may be `rest`. Got {text[:60]!r}."
        )
    masks = [None if part == REST else side_mask(loaded, part) for part in (one, other)]
    with_ = masks[0] if masks[0] is not None else ~_there(masks[1])
    without = masks[1] if masks[1] is not None else ~_there(masks[0])
    names = (_title_of(loaded, one), _title_of(loaded, other))
    left_out = {part.partition("=")[0] for side in (one, other) for part in side.split("&") if "=" in part}
    title = f"{names[0]} − {names[1]}"
    resolved = _of_masks(loaded, title[:80], f"groups {title}", (with_, without), left_out)
    return ResolvedSource(**vars(resolved) | {"names": names, "group": "Two groups"})


def _items(loaded: Loaded, text: str) -> ResolvedSource:
    numbers = two_items(loaded, text)
    if numbers[0] == numbers[1]:
        raise ValueError("The two images must not be the same. Choose another one.")
    start, end = loaded.latents(numbers)
    if np.array_equal(start, end):
        raise ValueError(
            "The two images must have different latents. They have the same one. Choose another image."
        )
    title = " to ".join(loaded.name_of(number) for number in numbers)[:80]
    return ResolvedSource(
        title, f"images {title}", vector=(end - start).astype(np.float32), group="Two images"
    )


def two_items(loaded: Loaded, text: str) -> list[int]:
    """Parses two items, as in "test-12,train-40"; older links have rows, as in "12,40".

    Raises:
        ValueError: If there are not two, or one does not exist.
    """
    try:
        items = [loaded.atlas.names.from_address(part) for part in text.split(",")[:3]]
    except ValueError as error:
        raise ValueError(
            f"Two images must be named, as in test-12,test-40. Got {text[:40]!r}. {error}"
        ) from None
    if len(items) != 2 or not all(map(loaded.has, items)):
        names = loaded.atlas.names
        raise ValueError(
            f"Two images must be named, as in test-12,test-40. Got {text[:40]!r}. {names.extent}"
        )
    return items


def _component(loaded: Loaded, text: str) -> ResolvedSource:
    most = min(COMPONENTS, loaded.latent, loaded.count - 1)
    if not WHOLE.fullmatch(text) or int(text) > most:
        raise ValueError(f"A principal component must be one of 1..{most}. Got {text[:20]!r}.")
    vectors, shares = components(loaded)
    place = int(text) - 1
    if not vectors[place].any():
        raise ValueError(f"The latents do not vary along principal component {text}. Choose an earlier one.")
    made = f"principal component {text}, {100 * shares[place]:.1f} % of the variance"
    return ResolvedSource(
        f"Principal component {text}", made, vector=vectors[place], group="Principal components"
    )


def _expression(loaded: Loaded, text: str) -> ResolvedSource:
    combination = expressions.parse(text, loaded.directions, loaded.has, loaded.atlas.names.find)
    vectors = {name: direction.vector for name, direction in loaded.directions.items()}
    vector = expressions.combine(combination, vectors, lambda item: loaded.latents([item])[0])
    made = f"expression {text.strip()}"
    if combination.point:
        return ResolvedSource(text.strip(), made, point=vector, group="Expression")
    return ResolvedSource(text.strip()[:80], made, vector=vector, group="Expression")


def _of_masks(
    loaded: Loaded, title: str, made: str, masks: tuple[Mask, Mask], left_out: set[str]
) -> ResolvedSource:
    for name, mask in zip(("first", "second"), masks, strict=True):
        if not mask.any():
            raise ValueError(f"The {name} side has no image. Choose another one.")
    others = covariates(loaded.atlas.attributes, left_out) if loaded.atlas.attributes else None
    sides = Sides.of(loaded.atlas.mean, *masks, others)
    return ResolvedSource(title, made, sides=sides, masks=masks)


def _title_of(loaded: Loaded, text: str) -> str:
    if text == REST:
        return "the rest"
    if text.startswith("@"):
        return loaded.groups[text[1:]].title
    titles: Mapping[str, Any] = loaded.atlas.attributes
    parts = [part.partition("=") for part in text.split("&")]
    return ", ".join(f"{titles[name].title} {_spoken(titles[name], value)}" for name, _, value in parts)


def _spoken(attribute: Any, text: str) -> str:
    """The values of a side for display."""
    if attribute.kind == "continuous":
        return text.replace("..", " to ")
    named = dict(zip(value_keys(attribute), value_names(attribute), strict=True))
    return " or ".join(named.get(key, key) for key in text.split("|"))


def _there(mask: Mask | None) -> Mask:
    if mask is None:
        raise ValueError("One of the two sides must be named.")
    return mask


def _values(attribute: Any, text: str) -> Mask:
    names = value_names(attribute)
    by_slug = {key: index for index, key in enumerate(label_slugs(names))} | {
        n: i for i, n in enumerate(names)
    }
    wanted = text.split("|")
    for value in wanted:
        if value not in by_slug:
            raise ValueError(
                f"`{attribute.name}` must be one of: {', '.join(names)[:300]}. Got {value[:40]!r}."
            )
    return np.isin(attribute.values, [by_slug[value] for value in wanted])


def _range(attribute: Any, text: str) -> Mask:
    low, dots, high = text.partition("..")
    try:
        ends = [float(low), float(high)] if dots and len(text) < 60 else [math.nan]
    except ValueError:
        ends = [math.nan]
    if not all(math.isfinite(end) for end in ends):
        raise ValueError(f"`{attribute.name}` must be a range such as 0.5..1. Got {text[:40]!r}.")
    return cast("Mask", (attribute.values >= ends[0]) & (attribute.values <= ends[1]))
