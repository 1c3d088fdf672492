"""Which images of a collection are meant: by their attributes, by a search, and what sets a selection apart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.latent.directions import Attribute, Mask

__all__ = ["SEARCH_AT_MOST", "Telling", "matching", "search", "telling"]

SEARCH_AT_MOST = 500  # characters
RANGE = re.compile(r"#?(\d{1,9})(?:\s*[-–]\s*#?(\d{1,9}))?")
IDS = re.compile(r"id:(\d{1,18})")


class Telling(NamedTuple):
    """How much more often a selection has something than the rest."""

    title: str  # e.g. "Hair: blond"
    inside: float  # share of the selection, or its mean
    outside: float  # of all other images
    effect: float  # the difference in standard deviations of all images


def matching(attributes: Mapping[str, Attribute], conditions: Mapping[str, Any], count: int) -> Mask:
    """Images that meet every condition.

    Arguments:
        attributes: Of the N images, by name.
        conditions: By attribute: True or False (binary), labels (categorical), or (low, high) (continuous).
        count: N.

    Returns:
        bool, shape (N,); all where there is no condition.

    Raises:
        ValueError: If an attribute or a label is not there.
    """
    chosen = np.ones(count, np.bool_)
    for name, wanted in conditions.items():
        attribute = attributes.get(name)
        if attribute is None:
            raise ValueError(
                f"Unknown attribute {name[:40]!r}. Choose one of: {', '.join(attributes) or 'none'}."
            )
        values = np.asarray(attribute.values)
        if attribute.kind == "binary":
            chosen &= values == int(bool(wanted))
        elif attribute.kind == "categorical":
            unknown = [label for label in wanted if label not in attribute.labels]
            if unknown:
                raise ValueError(f"Unknown {attribute.title.lower()} {str(unknown[0])[:40]!r}.")
            chosen &= np.isin(values, [attribute.labels.index(label) for label in wanted])
        else:
            low, high = wanted
            chosen &= (values >= low) & (values <= high)
    return chosen


def search(
    text: str, attributes: Mapping[str, Attribute], ids: NDArray[np.int64], words: Mapping[int, str]
) -> list[int]:
    """Items that a search means: numbers, ranges, ids of the data set, and words.

    "12, 40-60, id:7013, blond": row 12, rows 40 to 60, the images of id 7013 (one of each split), and all images whose
    label or yes-or-no attribute holds the word. Words also find own pictures by their title.

    Arguments:
        text: What was typed, parts apart by commas.
        attributes: Of the N images, by name.
        ids: Ids of the images in their data set, shape (N,).
        words: Titles of further items by number, e.g. own pictures.

    Returns:
        Items, ascending, each once.

    Raises:
        ValueError: If a part finds nothing, with the part.
    """
    if len(text) > SEARCH_AT_MOST:
        raise ValueError(f"A search must have at most {SEARCH_AT_MOST} characters. Got {len(text)}.")
    found: set[int] = set()
    for part in (part.strip() for part in text.split(",")):
        if part:
            found |= _found(part, attributes, ids, words)
    return sorted(found)


def telling(
    attributes: Mapping[str, Attribute], items: Sequence[int], count: int, most: int = 6
) -> list[Telling]:
    """What sets images apart from the rest, the strongest first.

    Arguments:
        attributes: Of the N images, by name.
        items: Rows of the chosen ones.
        count: N.
        most: How many to tell.

    Returns:
        Only what differs by at least 0.2 standard deviations (Cohen's "small"); nothing where all or none are chosen.
    """
    chosen = np.zeros(count, np.bool_)
    chosen[list(items)] = True
    if chosen.all() or not chosen.any():
        return []
    found = []
    for attribute in attributes.values():
        for title, values in _columns(attribute):
            spread = float(values.std())
            if spread > 0:
                inside, outside = float(values[chosen].mean()), float(values[~chosen].mean())
                found.append(Telling(title, inside, outside, (inside - outside) / spread))
    found = [each for each in found if abs(each.effect) >= 0.2]
    return sorted(found, key=lambda each: -abs(each.effect))[:most]


def _columns(attribute: Attribute) -> list[tuple[str, NDArray[np.float64]]]:
    """Title and numbers of what an attribute tells: one column, or one a label."""
    values = np.asarray(attribute.values)
    if attribute.kind != "categorical":
        return [(attribute.title, values.astype(np.float64))]
    return [
        (f"{attribute.title}: {label}", (values == place).astype(np.float64))
        for place, label in enumerate(attribute.labels)
    ]


def _found(
    part: str, attributes: Mapping[str, Attribute], ids: NDArray[np.int64], words: Mapping[int, str]
) -> set[int]:
    """Items of one part of a search."""
    if match := IDS.fullmatch(part):
        rows = np.flatnonzero(ids == int(match[1]))
        if not len(rows):
            raise ValueError(f"No image has the id {match[1]}.")
        return set(rows.tolist())
    if match := RANGE.fullmatch(part):
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if not first <= last < len(ids):
            raise ValueError(f"Items are 0 to {len(ids) - 1}, the smaller number first. Got {part[:40]!r}.")
        return set(range(first, last + 1))
    word = part.lower()
    found = {item for item, title in words.items() if word in title.lower()}
    known = False
    for attribute in attributes.values():
        values = np.asarray(attribute.values)
        if attribute.kind == "categorical":
            places = [p for p, label in enumerate(attribute.labels) if word in label.lower()]
            known |= bool(places)
            found |= set(np.flatnonzero(np.isin(values, places)).tolist())
        elif attribute.kind == "binary" and word in attribute.title.lower():
            known = True
            found |= set(np.flatnonzero(values == 1).tolist())
    if not found and not known:
        raise ValueError(
            f"Nothing is called {part[:40]!r}. Use numbers (12, 40-60), an id (id:7013) or a word."
        )
    return found
