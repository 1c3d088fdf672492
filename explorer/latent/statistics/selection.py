r"""Selecting images of a collection by attributes or by search, and what sets a selection apart.

An attribute sets a selection apart if a random selection of its size would rarely differ as much from the rest. For a
label the number of selected images that have it is hypergeometric under that null; its p-value is twice the smaller
tail, the observed number counting half (mid-p). For a value, random selections are drawn. Of all attributes and labels
those are kept that pass Benjamini and Hochberg's procedure at a false discovery rate of 5 %.

References:
    | Controlling the False Discovery Rate (Benjamini & Hochberg, 1995)
    | https://doi.org/10.1111/j.2517-6161.1995.tb02031.x
    | Significance tests in discrete distributions (Lancaster, 1961): mid-p
    | https://doi.org/10.1080/01621459.1961.10482105
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom
from scipy.stats import t as student

from explorer.latent.attribute_values import Attribute, quantiles
from explorer.latent.directions.mean_difference import Mask
from explorer.latent.intervals import discoveries, share_interval
from explorer.latent.item_names import ItemNames
from explorer.latent.text_search import TextSearch

__all__ = ["SEARCH_AT_MOST", "Telling", "example", "matching", "p_value", "search", "telling"]

SEARCH_AT_MOST = 500  # characters
RANDOM = 999  # random selections behind a p-value of a continuous attribute
NUMBERS = re.compile(
    r"(?:(?P<split>[A-Za-z_]{1,40})[ -])?(?:id: ?)?#?(?P<first>[0-9]{1,18})(?: ?[-–] ?#?(?P<last>[0-9]{1,18}))?"
)
NUMBER_AT_MOST = 2**63 - 1


class Telling(NamedTuple):
    """How much more often a selection has an attribute than the rest."""

    title: str  # e.g. "Hair: blond"
    inside: float  # share of the selection, or its mean
    outside: float  # of all other images
    effect: float  # the difference in standard deviations of all images
    interval: tuple[float, float]  # 95 %, of `inside`


def matching(attributes: Mapping[str, Attribute], conditions: Mapping[str, Any], count: int) -> Mask:
    """Images that meet every condition.

    Arguments:
        attributes: Of the N images, by name.
        conditions: By attribute: True or False (binary), labels (categorical), or (low, high) (continuous).
        count: N.

    Returns:
        bool, shape (N,); all where there is no condition. An image whose value is missing meets none.

    Raises:
        ValueError: If an attribute or a label is unknown.
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
    text: str,
    attributes: Mapping[str, Attribute],
    names: ItemNames,
    titles: Mapping[int, str],
    ends: Mapping[str, tuple[str, str]] | None = None,
    texts: Sequence[TextSearch] = (),
) -> list[int]:
    """Items that a search finds: names, numbers, ranges and words.

    "test 12, 40-60, beard no hat": test 12, all items numbered 40 to 60 in their split, and the images with a beard and
    without a hat. Results of parts between commas are joined; all words of one part must match. A word matches labels,
    binary attributes, splits, titles of uploads, and texts that contain it, such as file names and captions; the name of a continuous attribute matches its highest third, as
    its direction does, and the name of one of its ends the third at that end.

    Arguments:
        text: The search.
        attributes: Of the N images, by name.
        names: Names of the images.
        titles: Titles of further items by number, e.g. uploads.
        ends: Names of the low and the high end of a continuous attribute, by attribute.
        texts: Texts of the N images, N each.

    Returns:
        Items, ascending, each once.

    Raises:
        ValueError: If a part matches nothing; the message quotes the part.
    """
    if len(text) > SEARCH_AT_MOST:
        raise ValueError(f"A search must have at most {SEARCH_AT_MOST} characters. Got {len(text)}.")
    known = _Known(attributes, names, titles, ends or {}, texts)
    matches = _Found(np.zeros(len(names), np.bool_), set())
    for part in (" ".join(part.split()) for part in text.split(",")):
        if part:
            matches = matches | _part(part, known)
    return [*np.flatnonzero(matches.rows).tolist(), *sorted(matches.others)]


class _Found(NamedTuple):
    """Items that a part of a search finds."""

    rows: Mask  # (N,)
    others: set[int]  # items besides the N

    def __or__(self, other: object) -> _Found:
        assert isinstance(other, _Found)
        return _Found(self.rows | other.rows, self.others | other.others)

    def __and__(self, other: object) -> _Found:
        assert isinstance(other, _Found)
        return _Found(self.rows & other.rows, self.others & other.others)


class _Known(NamedTuple):
    """What a search looks through."""

    attributes: Mapping[str, Attribute]
    names: ItemNames
    titles: Mapping[int, str]
    ends: Mapping[str, tuple[str, str]]
    texts: Sequence[TextSearch]

    def at(self, rows: NDArray[np.int64]) -> _Found:
        """The items in these rows."""
        mask = np.zeros(len(self.names), np.bool_)
        mask[rows] = True
        return _Found(mask, set())


def _part(part: str, known: _Known) -> _Found:
    """Items that a part without commas finds: those with this text, else with these numbers, else with these words."""
    same = [rows for each in known.texts if len(rows := each.equal(part.casefold()))]
    numbered = np.concatenate(same) if same else _numbered(part, known.names)
    return _worded(part, known) if numbered is None else known.at(numbered)


def example(attributes: Mapping[str, Attribute], names: ItemNames, count: int) -> str:
    """A search that matches something in this collection, as an example to type."""
    parts = [names.name(min(12, count - 1)), "40-60"] if count > 60 else [names.name(count - 1)]
    switches = [
        (each.title.lower(), values == 1)
        for each in attributes.values()
        if each.kind == "binary" and ((values := np.asarray(each.values)) == 1).any()
    ]
    pairs = [f"{a} {b}" for i, (a, x) in enumerate(switches) for b, y in switches[i + 1 :] if (x & y).any()]
    labels = [
        each.labels[int(each.values[each.known][0])]
        for each in attributes.values()
        if each.kind == "categorical" and each.known.any()
    ]
    scales = [each.title.lower() for each in attributes.values() if each.kind == "continuous"]
    words = [
        word for word in (*pairs[:1], *labels, *scales) if not any(map(str.isdigit, word)) and "," not in word
    ]
    return ", ".join([*parts, *words[:2]])


def telling(
    attributes: Mapping[str, Attribute], items: Sequence[int], count: int, most: int = 6
) -> list[Telling]:
    """The attributes that set a selection apart from the rest, strongest first.

    Arguments:
        attributes: Of the N images, by name.
        items: Rows of the selection.
        count: N.
        most: Number of attributes returned.

    Returns:
        Only differences that a random selection would rarely show (false discovery rate 5 %) and that are at least
        0.2 standard deviations (Cohen's "small"), over the images whose value is known; empty if all or none are
        selected.
    """
    chosen = np.zeros(count, np.bool_)
    chosen[list(items)] = True
    if chosen.all() or not chosen.any():
        return []
    differences, p = [], []
    for attribute in attributes.values():
        known = attribute.known
        if chosen[known].all() or not chosen[known].any():
            continue
        for title, values in _columns(attribute):
            spread = float(values[known].std())
            if spread > 0:
                each = _difference(title, values[known], chosen[known], spread)
                differences.append(each)
                p.append(p_value(values[known], chosen[known]))
    certain = discoveries(np.array(p))
    kept = [each for each, sure in zip(differences, certain, strict=True) if sure and abs(each.effect) >= 0.2]
    return sorted(kept, key=lambda each: -abs(each.effect))[:most]


def p_value(values: NDArray[np.float64], chosen: Mask) -> float:
    """How often a random selection of the same size differs as much from the rest.

    Arguments:
        values: Of all images, shape (N,); 0 and 1 for a label.
        chosen: The selection, bool, shape (N,).
    """
    size = int(chosen.sum())
    if set(np.unique(values)) <= {0.0, 1.0}:
        facts = len(values), int(values.sum()), size
        count = int(values[chosen].sum())
        half = 0.5 * float(hypergeom.pmf(count, *facts))
        below = float(hypergeom.cdf(count, *facts))
        return min(1.0, 2 * max(0.0, min(below - half, 1 - below + half)))
    centred = np.sort(values) - values.mean()
    few = min(size, len(values) - size)  # the rest differs as much as the selection does
    rng = np.random.default_rng(0)
    reached = 0
    apart = abs(float(values[chosen].sum()) - size * float(values.mean())) * (1 - 1e-12)
    for _ in range(RANDOM):
        reached += (
            abs(float(centred[rng.choice(len(centred), few, replace=False, shuffle=False)].sum())) >= apart
        )
    return (1 + reached) / (1 + RANDOM)


def _difference(title: str, values: NDArray[np.float64], chosen: Mask, spread: float) -> Telling:
    """The mean inside and outside of a selection, with the interval of the former."""
    size = int(chosen.sum())
    inside, outside = float(values[chosen].mean()), float(values[~chosen].mean())
    if set(np.unique(values)) <= {0.0, 1.0}:
        ends = share_interval(int(values[chosen].sum()), size)[1:]
    elif size > 1:
        half = float(student.ppf(0.975, size - 1) * values[chosen].std(ddof=1) / np.sqrt(size))
        ends = (inside - half, inside + half)
    else:
        ends = (-np.inf, np.inf)
    return Telling(title, inside, outside, (inside - outside) / spread, ends)


def _columns(attribute: Attribute) -> list[tuple[str, NDArray[np.float64]]]:
    """Title and numbers of an attribute: one column, or one per label."""
    values = np.asarray(attribute.values)
    if attribute.kind != "categorical":
        return [(attribute.title, values.astype(np.float64))]
    return [
        (f"{attribute.title}: {label}", (values == place).astype(np.float64))
        for place, label in enumerate(attribute.labels)
    ]


def _numbered(part: str, names: ItemNames) -> NDArray[np.int64] | None:
    """Rows of a part that consists of numbers; None if it consists of words."""
    match = NUMBERS.fullmatch(part)
    split = (match["split"] or "").lower() if match else ""
    if match is None or (split and split not in names.splits):
        return None
    first = int(match["first"])
    last = int(match["last"] or first)
    rows = names.rows(first, last, split)
    if first > last:
        raise ValueError(f"A range must start with its smaller number. Got {part[:40]!r}.")
    if not len(rows):
        raise ValueError(f"No item has the number {part[:40]!r}. {names.extent}")
    return rows


def _worded(part: str, known: _Known) -> _Found:
    """Items that match all words of a part; adjacent words are one phrase if something has that name."""
    words, start = part.casefold().split(" "), 0
    matches: _Found | None = None
    while start < len(words):
        for end in range(len(words), start, -1):
            some = _phrase(" ".join(words[start:end]), known)
            if some is not None:
                matches = some if matches is None else matches & some
                start = end
                break
        else:
            word = words[start]
            there = ", ".join(attribute.title.lower() for attribute in known.attributes.values())
            raise ValueError(
                f"Nothing is called {word[:40]!r}. Use names ({known.names.name(0)}), numbers (12, 40-60) or words"
                + (f", such as: {there[:200]}." if there else ".")
            )
    return known.at(np.zeros(0, np.int64)) if matches is None else matches


def _phrase(phrase: str, known: _Known) -> _Found | None:
    """Items that match one phrase; None if nothing has that name."""
    others = {item for item, title in known.titles.items() if phrase in title.casefold()}
    rows = np.zeros(len(known.names), np.bool_)
    for each in known.texts:
        rows[each.containing(phrase)] = True
    there = bool(others) or bool(rows.any()) or phrase in known.names.splits
    if phrase in known.names.splits:
        rows[known.names.rows(0, NUMBER_AT_MOST, phrase)] = True
    for name, attribute in known.attributes.items():
        mask = _meant(phrase, attribute, known.ends.get(name, ("", "")))
        if mask is not None:
            there = True
            rows |= mask
    return _Found(rows, others) if there else None


def _meant(phrase: str, attribute: Attribute, ends: tuple[str, str]) -> Mask | None:
    """Images (N,) that a phrase selects by one attribute; None if it does not mention it."""
    values, title = np.asarray(attribute.values), attribute.title.casefold()
    mask: Mask
    if attribute.kind == "categorical":
        labels = [label.casefold() for label in attribute.labels]
        places = [p for p, label in enumerate(labels) if phrase in label or phrase == f"{title} {label}"]
        mask = np.isin(values, places)
        return mask if places else None
    if attribute.kind == "binary":
        low, high = (label.casefold() for label in attribute.labels or (f"no {title}", title))
        mask = values == int(phrase != low)
        return mask if phrase in (low, high) or phrase in title else None
    low, high = (end.casefold() for end in ends)
    upper = _stands_in(phrase, title) or _stands_in(phrase, high)
    if not upper and not _stands_in(phrase, low):
        return None
    lowest, highest = quantiles(attribute, 1 / 3, 2 / 3)
    mask = values >= highest if upper else values <= lowest
    return mask


def _stands_in(phrase: str, text: str) -> bool:
    """Whether a text contains the phrase as whole words."""
    return f" {phrase} " in f" {text} "
