"""Reads somebody's images in a job: what there is, small pictures to look at, label columns, near-duplicates.

The job tells what it knows as it goes: first the counts and some pictures, at last the near-duplicates.
"""

from __future__ import annotations

import base64
import io
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from explorer.jobs.runner import Report

if TYPE_CHECKING:
    from models.data.own import Column, FoundImages, Preparation

__all__ = [
    "ColumnFacts",
    "Found",
    "Pair",
    "Picture",
    "ReadRequest",
    "as_seen",
    "picture_address",
    "read_images",
]

SIZES = (16, 24, 32, 48, 64, 96, 128, 192, 256)  # pixels of the longer side that may be chosen
SIDE = 96  # pixels of a small picture
PICTURES = 144  # of the grid, which shows a part of them at a time
ORIGINAL = 256  # pixels of a picture on which a framing is tried
ORIGINALS = 6  # pictures on which a framing is tried
PAIRS = 24  # near-duplicates that are shown
REFUSED_AT_MOST = 100_000  # files that are listed with their reason
CHARTED = ("category", "classes", "binary", "number", "date")  # kinds of columns that have a chart
BARS = 12  # of a column's small chart
NAMED = 4  # sizes and colours that are named one by one


@dataclass(frozen=True)
class ReadRequest:
    """What to read."""

    path: str  # folder or file
    labels: str = ""  # a table of labels that was named


@dataclass(frozen=True)
class Picture:
    """A small picture for a page."""

    file: str
    split: str  # "" where the source has none
    source: str  # a data: address


@dataclass(frozen=True)
class Pair:
    """Two pictures that are nearly the same."""

    one: Picture
    other: Picture
    distance: int  # bits in which their perceptual hashes differ


@dataclass(frozen=True)
class ColumnFacts:
    """A column of labels."""

    slug: str
    title: str
    kind: str
    kinds: tuple[str, ...]  # that it may have
    bars: dict[str, tuple[tuple[str, float], ...]]  # kind -> bars of a small chart: label, count
    distinct: int  # different values
    missing: int
    why: str  # a sentence; "" where nothing has to be said


@dataclass(frozen=True)
class Found:
    """What was found, as far as it is known."""

    form: str  # "folder", "zip", …
    images: int
    sizes: tuple[tuple[str, int], ...]  # "100×100" and how many, the most frequent first
    colours: tuple[tuple[str, int], ...]
    seconds_an_image: float  # to read one
    splits: dict[str, int]
    pictures: tuple[Picture, ...]
    originals: tuple[NDArray[np.uint8], ...]  # (H, W, C), at most 256 pixels a side
    refused: tuple[tuple[str, str], ...]  # file, reason
    notes: tuple[str, ...]
    columns: tuple[ColumnFacts, ...]
    proposal: dict[str, Any]  # options of `models.data.own.Preparation`
    sides: dict[int, tuple[int, int]]  # size that may be chosen -> (height, width) that it gives
    grey: bool  # all are grey
    pairs: tuple[Pair, ...] | None  # None until they were looked for
    pair_count: int
    across: int  # pairs of which the two are in different splits

    def shape(self, preparation: Preparation) -> tuple[int, int, int]:
        """The shape (C, H, W) that a preparation of one of the sizes brings the images to."""
        background = preparation.background
        grey = self.grey and background[1:3] == background[3:5] == background[5:7]
        return preparation.channels or (1 if grey else 3), *self.sides[preparation.size]

    @classmethod
    def from_message(cls, told: Mapping[str, Any]) -> Found:
        """From a message of the job."""
        pairs = told.get("pairs")
        return cls(
            **{
                name: told[name]
                for name in ("form", "images", "splits", "proposal", "grey", "seconds_an_image")
            },
            sides={int(size): tuple(sides) for size, sides in told["sides"].items()},
            sizes=tuple((str(size), int(count)) for size, count in told["sizes"]),
            colours=tuple((str(mode), int(count)) for mode, count in told["colours"]),
            pictures=tuple(Picture(**each) for each in told["pictures"]),
            originals=tuple(told["originals"]),
            refused=tuple((str(file), str(reason)) for file, reason in told["refused"]),
            notes=tuple(told["notes"]),
            columns=tuple(_column_facts(each) for each in told["columns"]),
            pairs=None if pairs is None else tuple(_pair(each) for each in pairs),
            pair_count=told.get("pair_count", 0),
            across=told.get("across", 0),
        )


def read_images(request: ReadRequest, report: Report) -> dict[str, Any]:
    """The job: the fields of `Found`, as a message can hold them.

    Raises:
        ValueError: If nothing can be read there; the message says what to do.
    """
    from models.data.own import open_images, propose

    labels = Path(request.labels) if request.labels else None
    found = open_images(Path(request.path), labels, lambda share, what: report(0.5 * share, what))
    proposal = propose(found)
    told: dict[str, Any] = _facts(found) | _sides(found, proposal) | {"proposal": proposal.as_options()}
    rows = _spread(len(found.items), PICTURES)
    began = time.perf_counter()
    told["pictures"] = []
    for done, row in enumerate(rows):
        report(0.5 + 0.2 * done / len(rows), "Reading pictures")
        if picture := _picture(found, row):
            told["pictures"].append(picture)
    told["seconds_an_image"] = (time.perf_counter() - began) / max(1, len(rows))
    told["originals"] = _originals(found, rows[:: max(1, len(rows) // ORIGINALS)][:ORIGINALS])
    report(0.7, "Looking for near-duplicates", partial=told)
    pairs = found.near_duplicates(lambda share, what: report(0.7 + 0.3 * share, what))
    return told | _pairs(found, pairs)


def as_seen(
    pixels: NDArray[np.uint8], preparation: Preparation, shape: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """A picture (H, W, C), C of 1, 3 or 4, as a model of images of a shape (C, H, W) will see it: (H, W, C)."""
    from PIL import Image

    from models.data.pictures import scaled

    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if image.mode == "RGBA" and shape[0] != 4:
        image = Image.alpha_composite(Image.new("RGBA", image.size, preparation.background), image)
    return scaled(image, shape, preparation.fit, preparation.background)


def picture_address(pixels: NDArray[np.uint8], side: int = SIDE) -> str:
    """A picture (H, W, C), C of 1 to 4, as a data: address; scaled down to at most `side` pixels a side."""
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    if max(image.size) <= 32:
        image.save(buffer, "PNG")
        kind = "png"
    else:
        image.save(buffer, "WEBP", quality=85, method=2)
        kind = "webp"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _facts(found: FoundImages) -> dict[str, Any]:
    """What is known without reading a picture."""
    sizes = Counter(f"{width}×{height}" for width, height in (item.size for item in found.items))
    return {
        "form": found.form,
        "images": len(found.items),
        "sizes": _most(sizes, NAMED),
        "colours": _most(Counter(item.mode for item in found.items), NAMED),
        "splits": dict(found.splits),
        "refused": [[each.name, each.reason] for each in found.refused[:REFUSED_AT_MOST]],
        "notes": list(found.notes),
        "columns": [_column(found, each) for each in found.columns.values()],
    }


def _sides(found: FoundImages, proposal: Preparation) -> dict[str, Any]:
    """The height and width that each size gives."""
    from models.data.own import shape_of

    sizes = sorted({*SIZES, proposal.size})
    return {
        "sides": {str(size): shape_of(found, replace(proposal, size=size))[1:] for size in sizes},
        "grey": found.grey,
    }


def _most(counted: Counter[str], most: int) -> list[tuple[str, int]]:
    """The most frequent, and the rest as "other"."""
    named = counted.most_common(most)
    rest = counted.total() - sum(count for _, count in named)
    return [*named, ("other", rest)] if rest else named


def _column(found: FoundImages, column: Column) -> dict[str, Any]:
    """The fields of `ColumnFacts`."""
    others = [found.column(column.slug, kind) for kind in column.kinds if kind != column.kind]
    return {
        "slug": column.slug,
        "title": column.title,
        "kind": column.kind,
        "kinds": list(column.kinds),
        "bars": {each.kind: _bars(each) for each in (column, *others) if each.kind in CHARTED},
        "distinct": column.distinct,
        "missing": column.missing,
        "why": column.why,
    }


def _bars(column: Column) -> list[list[Any]]:
    """Label and count of each bar of a column's chart."""
    names = column.labels or tuple(_bins(column.edges))
    return [[name, count] for name, count in zip(names, column.counts, strict=False)][:BARS]


def _bins(edges: Sequence[float]) -> Iterator[str]:
    """The names of the bins between edges, with as many digits as tell them apart."""
    if len(edges) < 2:
        return
    digits = 1 + max(0, math.ceil(math.log10(max(map(abs, edges)) / (edges[1] - edges[0]) or 1)))
    for low, high in pairwise(edges):
        yield f"{low:.{digits}g} – {high:.{digits}g}"


def _picture(found: FoundImages, row: int) -> dict[str, str] | None:
    """The fields of `Picture`; None where its pixels are damaged, which the preparation will list."""
    item = found.items[row]
    try:
        source = picture_address(found.read(row))
    except ValueError:
        return None
    return {"file": item.key, "split": item.split, "source": source}


def _originals(found: FoundImages, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
    """Pictures with their transparency, at most `ORIGINAL` pixels a side."""
    from models.data.pictures import Reading

    pictures = []
    for row in rows:
        try:
            image = found.pictures.picture(found.places[row], Reading.lenient(alpha=True))
        except ValueError:
            continue
        image.thumbnail((ORIGINAL, ORIGINAL))
        pixels = np.asarray(image, np.uint8)
        pictures.append(np.ascontiguousarray(pixels[..., None] if pixels.ndim == 2 else pixels))
    return pictures


def _pairs(found: FoundImages, pairs: Sequence[tuple[int, int, int]]) -> dict[str, Any]:
    """The closest near-duplicates, those across splits first, and how many there are."""

    def across(pair: tuple[int, int, int]) -> bool:
        return found.items[pair[0]].split != found.items[pair[1]].split

    chosen = sorted(pairs, key=lambda pair: (not across(pair), pair[2]))[:PAIRS]
    shown = [(_picture(found, one), _picture(found, other), distance) for one, other, distance in chosen]
    return {
        "pairs": [list(pair) for pair in shown if pair[0] and pair[1]],
        "pair_count": len(pairs),
        "across": sum(map(across, pairs)),
    }


def _spread(count: int, most: int) -> list[int]:
    """Rows evenly spread over all, at most so many."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(count, most))})


def _column_facts(told: Mapping[str, Any]) -> ColumnFacts:
    bars = {
        kind: tuple((str(label), float(count)) for label, count in each)
        for kind, each in told["bars"].items()
    }
    return ColumnFacts(**{**told, "kinds": tuple(told["kinds"]), "bars": bars})


def _pair(told: Sequence[Any]) -> Pair:
    return Pair(Picture(**told[0]), Picture(**told[1]), int(told[2]))
