"""Infers the kind of a column of labels, and converts it to attributes or texts."""

from __future__ import annotations

__all__ = ["LABELS_AT_MOST", "attributes_of", "describe", "is_group", "slug_of", "texts_of"]

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from models.data.base import Attribute, Texts
from models.data.own.distinct import Distinct
from models.data.own.records import Cell, Column
from models.data.own.values import as_dates, as_labels, as_numbers, as_text, separator

LABELS_AT_MOST = 300  # labels of a category; more could not be told apart by colour
CLASSES_AT_MOST = 40  # binary attributes from a column with several labels per row
LABEL_LENGTH = 80
FEW = 20  # different integers up to which a category is proposed
UNREAD_AT_MOST = 0.1  # share of the values of a column of numbers or dates that may be invalid
CHARTED = 20  # labels in a chart
BINS = 12
GROUPS = 10  # smallest number of groups in a column of groups
# Names of columns of an atlas.
TAKEN = ("id", "split", "mean", "codes", "std", "neighbour_distance", "file", "item", "row")
SWITCHES = (("0", "1"), ("-1", "1"), ("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on"))
_CLASS_NAME = re.compile(
    r"(class|label|category|target|digit|type|kind|species|cluster|grade)", re.IGNORECASE
)
_ID_NAME = re.compile(
    r"(^|[\W_])(id|ids|uuid|guid|index|key|number|nr|no|hash|url|name)s?($|[\W_])|^unnamed|^column 1$",
    re.IGNORECASE,
)
_GROUP_NAME = re.compile(
    r"(patient|subject|scene|person|identity|session|study|video|clip|sequence|camera|participant|individual|specimen|"
    r"volunteer)|(group|series|case|site|family|animal)s?[\W_]*(id|key|no|nr|number)\b",  # alone these name classes
    re.IGNORECASE,
)


def describe(title: str, slug: str, cells: Sequence[Cell], comma: bool, kind: str | None = None) -> Column:
    """Describes a column: its kind, and the data of a small chart.

    Arguments:
        title: Name of the column.
        slug: Its identifier, from `slug_of`.
        cells: One cell per item.
        comma: Whether the table uses decimal commas.
        kind: Kind of the column; inferred if None.

    Raises:
        ValueError: If the column cannot be of this kind.
    """
    held = Distinct(cells, comma)
    kinds = _possible(held)
    proposed, why = _proposal(title, held, kinds)
    if kind is not None and kind not in kinds:
        raise ValueError(f"The column {title[:80]!r} can be one of: {', '.join(kinds)}. Got {kind!r:.40}.")
    chosen = kind or proposed
    labels, bars, edges = _chart(chosen, held)
    return Column(
        slug=slug,
        title=title,
        kind=chosen,
        kinds=kinds,
        labels=labels,
        counts=bars,
        edges=edges,
        distinct=len(held.counts),
        missing=len(cells) - held.known,
        why=why if chosen == proposed else "As chosen.",
    )


def _possible(held: Distinct) -> tuple[str, ...]:
    known, count = held.known, len(held.counts)
    kinds = []
    if 1 <= count <= LABELS_AT_MOST:
        kinds.append("category")
    if count == 2:
        kinds.append("binary")
    if known and held.mark is not None:
        kinds.append("classes")
    if known and held.weight(np.isfinite(held.numbers.values)) > known / 2:
        kinds.append("number")
    elif known and held.weight(np.isfinite(held.dates)) > known / 2:
        kinds.append("date")
    return (*kinds, "id", "caption", "ignore")


def _proposal(title: str, held: Distinct, kinds: tuple[str, ...]) -> tuple[str, str]:
    """Proposes the kind of a column, with the reason."""
    known, counts = held.known, held.counts
    if not known:
        return "ignore", "It has no values."
    if len(counts) == 1:
        return "ignore", f"All its values are {next(iter(counts))[:40]!r}."
    if held.mark == "":
        return "classes", "Its values are lists."
    if len(counts) == 2 and known >= 4:
        return "binary", "Two different values."
    if "number" in kinds and not _padded(counts):
        return _of_numbers(title, held)
    if "date" in kinds and held.weight(np.isnan(held.dates)) <= UNREAD_AT_MOST * known:
        return "date", "Its values are dates; they become decimal years."
    if "classes" in kinds:
        return "classes", f"A cell has several labels, separated by {held.mark!r}."
    if _is_category(held):
        return "category", f"{len(counts)} different labels."
    spaced = sum(text.count(" ") >= 2 for text in counts) > len(counts) / 3
    many = f"more than {LABELS_AT_MOST} labels" if len(counts) > LABELS_AT_MOST else "which hardly repeat"
    return (
        "caption" if spaced else "id"
    ), f"It has {len(counts):,} different values, {many}. It can be shown and searched."


def _is_category(held: Distinct) -> bool:
    """Whether labels are few and repeat."""
    return len(held.counts) <= LABELS_AT_MOST and held.known >= 1.5 * len(held.counts)


def _padded(counts: Counter[str]) -> bool:
    """Whether integers have leading zeros, like ids."""
    return any(len(text) > 1 and text[0] == "0" and text.isdecimal() for text in counts)


def _of_numbers(title: str, held: Distinct) -> tuple[str, str]:
    """Proposes the kind of a column in which more than half of the values are numbers, with the reason."""
    known, count = held.known, len(held.counts)
    unread, infinite = held.weight(held.numbers.unread), held.weight(held.numbers.infinite)
    if unread > UNREAD_AT_MOST * known:
        if _is_category(held):
            return "category", f"{count} different labels."
        return "id", f"{unread:,} of its values are not numbers. It can be shown and searched."
    finite = held.numbers.values[np.isfinite(held.numbers.values)]
    whole = bool((finite == np.round(finite)).all())
    if (
        whole
        and count > 0.9 * known
        and known > 2
        and (_ID_NAME.search(title) or np.ptp(finite) == len(finite) - 1)
    ):
        return "id", "Its numbers do not repeat. It can be shown and searched."
    few = count <= FEW or (_CLASS_NAME.search(title) is not None and count <= LABELS_AT_MOST)
    if whole and few and known >= 2 * count and not unread + infinite:
        return "category", f"{count} different whole numbers."
    if unread + infinite:
        return "number", f"{unread + infinite:,} values are not finite numbers and count as missing."
    return "number", "Its values are numbers."


def _chart(kind: str, held: Distinct) -> tuple[tuple[str, ...], tuple[int, ...], tuple[float, ...]]:
    """Computes labels, bars and edges of a chart."""
    if kind in ("number", "date"):
        return (), *held.histogram(held.numbers.values if kind == "number" else held.dates, BINS)
    counts = held.labels() if kind == "classes" else held.counts
    if kind in ("id", "caption", "ignore") and len(counts) > LABELS_AT_MOST:
        return (), (), ()
    top = counts.most_common(CHARTED)
    return tuple(label[:LABEL_LENGTH] for label, _ in top), tuple(count for _, count in top), ()


def attributes_of(
    column: Column, cells: Sequence[Cell], comma: bool, taken: Collection[str] = ()
) -> list[Attribute]:
    """Converts a column to attributes: several if a row has several labels, none for ids and captions.

    Arguments:
        column: The column, from `describe`.
        cells: One cell per item, perhaps of fewer items.
        comma: As in `describe`.
        taken: Names of other attributes.
    """
    title = _label(column.title)
    if column.kind in ("number", "date"):
        values = as_numbers(cells, comma).values if column.kind == "number" else as_dates(cells)
        return [Attribute(column.slug, "continuous", values.astype(np.float32), (), title)]
    if column.kind == "classes":
        return _of_classes(column, cells, taken)
    if column.kind not in ("category", "binary"):
        return []
    texts = [as_text(value) for value in cells]
    names = _ordered({text for text in texts if text})
    if column.kind == "binary" and len(names) == 2:
        places = {name: place for place, name in enumerate(names)}
        flags = np.array([places.get(text, 255) for text in texts], np.uint8)
        plain = tuple(name.lower() for name in names) in SWITCHES
        return [Attribute(column.slug, "binary", flags, () if plain else _labels(names), title)]
    if not names:
        return []
    places = {name: place for place, name in enumerate(names)}
    indices = np.array([places.get(text, -1) for text in texts], np.int16)
    return [Attribute(column.slug, "categorical", indices, _labels(names), title)]


def _of_classes(column: Column, cells: Sequence[Cell], taken: Collection[str]) -> list[Attribute]:
    """Returns a binary attribute for each of the most frequent labels; missing if a row has no cell."""
    mark = separator(cells) or ""
    held = [set(as_labels(value, mark)) for value in cells]
    known = np.array([value is not None for value in cells])
    names = set(taken) | {column.slug}
    found = []
    for label, count in Counter(label for labels in held for label in labels).most_common(CLASSES_AT_MOST):
        if count == known.sum():
            continue  # all rows have it
        slug = slug_of(f"{column.slug} {label}", names)
        names.add(slug)
        has: NDArray[np.uint8] = np.where(known, [label in labels for labels in held], 255).astype(np.uint8)
        found.append(Attribute(slug, "binary", has, (), _label(f"{column.title}: {label}")))
    return found


def texts_of(column: Column, cells: Sequence[Cell]) -> Texts | None:
    """Converts a column of ids or captions to texts; None for other columns."""
    if column.kind not in ("id", "caption"):
        return None
    return Texts(column.slug, _label(column.title), tuple(as_text(value) for value in cells))


def is_group(column: Column, count: int) -> bool:
    """Whether a column of `count` items names groups that a split must not divide, such as patients or scenes.

    There are many groups with few images each; a few large ones would be classes.
    """
    known = count - column.missing
    repeats = GROUPS <= column.distinct <= known / 1.5 and max(column.counts, default=0) <= known / 5
    return repeats and column.kind in ("category", "id", "number") and bool(_GROUP_NAME.search(column.title))


def slug_of(title: str, taken: Collection[str]) -> str:
    """Returns an identifier for a column that matches `[a-z][a-z0-9_]{0,39}` and is not taken."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not slug or not slug[0].isalpha():
        slug = f"column_{slug}".rstrip("_")
    slug = slug[:36].rstrip("_")
    if slug in TAKEN or slug.endswith(("_x", "_y")):
        slug = f"{slug}_label"
    unique, count = slug, 2
    while unique in taken:
        unique, count = f"{slug[:35]}_{count}", count + 1
    return unique


def _ordered(names: Collection[str]) -> list[str]:
    """Sorts labels: integers by value, switches from off to on, texts alphabetically."""
    if len(names) == 2:
        for pair in SWITCHES:
            if {name.lower() for name in names} == set(pair):
                return sorted(names, key=lambda name: pair.index(name.lower()))
    values = as_numbers(list(names)).values
    if np.isfinite(values).all():
        return [name for _, name in sorted(zip(values.tolist(), names, strict=True))]
    return sorted(names, key=lambda name: (name.casefold(), name))


def _labels(names: Sequence[str]) -> tuple[str, ...]:
    """Converts labels for an attribute: printable, not too long, unique."""
    labels: list[str] = []
    seen: set[str] = set()
    for name in names:
        label, count = _label(name), 2
        while label in seen:
            label, count = f"{_label(name)[: LABEL_LENGTH - 8]} ({count})", count + 1
        seen.add(label)
        labels.append(label)
    return tuple(labels)


def _label(text: str) -> str:
    """Converts a text to a printable one of 1 to 80 characters."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return (line if len(line) <= LABEL_LENGTH else f"{line[: LABEL_LENGTH - 1]}…") or "?"
