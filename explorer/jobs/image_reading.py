"""Reads the user's images in a job: counts, thumbnails, label columns, near-duplicates.

The job reports partial results: first the counts and some thumbnails, last the near-duplicates.
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
    "ImageSummary",
    "Pair",
    "Picture",
    "ReadRequest",
    "as_seen",
    "picture_address",
    "read_images",
]

SIZES = (16, 24, 32, 48, 64, 96, 128, 192, 256)  # choices for the longer side, pixels
SIDE = 96  # pixels of a thumbnail
PICTURES = 144  # thumbnails in the grid, which shows some of them at a time
ORIGINAL = 256  # pixels of a picture to preview the framing
ORIGINALS = 6  # pictures to preview the framing
PAIRS = 24  # near-duplicates shown
REFUSED_AT_MOST = 100_000  # files listed with a reason
CHARTED = ("category", "classes", "binary", "number", "date")  # kinds of columns that have a chart
BARS = 12  # bars of a column's small chart
NAMED = 4  # sizes and colours listed individually


@dataclass(frozen=True)
class ReadRequest:
    """The images to read."""

    path: str  # folder or file
    labels: str = ""  # path of a table of labels; "" for none


@dataclass(frozen=True)
class Picture:
    """A thumbnail."""

    file: str
    split: str  # "" if the source has none
    source: str  # a data URL


@dataclass(frozen=True)
class Pair:
    """A pair of near-duplicates."""

    one: Picture
    other: Picture
    distance: int  # Hamming distance of their perceptual hashes


@dataclass(frozen=True)
class ColumnFacts:
    """A column of labels."""

    slug: str
    title: str
    kind: str
    kinds: tuple[str, ...]  # possible kinds
    bars: dict[str, tuple[tuple[str, float], ...]]  # kind -> bars of a small chart: label, count
    distinct: int  # number of distinct values
    missing: int
    why: str  # a remark for the user; "" for none


@dataclass(frozen=True)
class ImageSummary:
    """What is known of the images so far."""

    form: str  # "folder", "zip", …
    images: int
    sizes: tuple[tuple[str, int], ...]  # "100×100" and its count, most frequent first
    colours: tuple[tuple[str, int], ...]
    seconds_an_image: float  # time to read one
    splits: dict[str, int]
    pictures: tuple[Picture, ...]
    originals: tuple[NDArray[np.uint8], ...]  # (H, W, C), at most 256 pixels a side
    refused: tuple[tuple[str, str], ...]  # file, reason
    notes: tuple[str, ...]
    columns: tuple[ColumnFacts, ...]
    proposal: dict[str, Any]  # options of `models.data.own.Preparation`
    sides: dict[int, tuple[int, int]]  # choice of size -> resulting (height, width)
    grey: bool  # whether all are grey
    pairs: tuple[Pair, ...] | None  # None until they were searched
    pair_count: int
    across: int  # number of pairs across splits

    def shape(self, preparation: Preparation) -> tuple[int, int, int]:
        """The shape (C, H, W) of the images after a preparation."""
        background = preparation.background
        grey = self.grey and background[1:3] == background[3:5] == background[5:7]
        return preparation.channels or (1 if grey else 3), *self.sides[preparation.size]

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> ImageSummary:
        """Reads a message of the job."""
        pairs = message.get("pairs")
        return cls(
            **{
                name: message[name]
                for name in ("form", "images", "splits", "proposal", "grey", "seconds_an_image")
            },
            sides={int(size): tuple(sides) for size, sides in message["sides"].items()},
            sizes=tuple((str(size), int(count)) for size, count in message["sizes"]),
            colours=tuple((str(mode), int(count)) for mode, count in message["colours"]),
            pictures=tuple(Picture(**each) for each in message["pictures"]),
            originals=tuple(message["originals"]),
            refused=tuple((str(file), str(reason)) for file, reason in message["refused"]),
            notes=tuple(message["notes"]),
            columns=tuple(_column_facts(each) for each in message["columns"]),
            pairs=None if pairs is None else tuple(_pair(each) for each in pairs),
            pair_count=message.get("pair_count", 0),
            across=message.get("across", 0),
        )


def read_images(request: ReadRequest, report: Report) -> dict[str, Any]:
    """The job: returns the fields of `ImageSummary` as plain values.

    Raises:
        ValueError: If nothing can be read; the message says what to do.
    """
    from models.data.own import open_images, propose

    labels = Path(request.labels) if request.labels else None
    images = open_images(Path(request.path), labels, lambda share, what: report(0.5 * share, what))
    proposal = propose(images)
    facts: dict[str, Any] = _facts(images) | _sides(images, proposal) | {"proposal": proposal.as_options()}
    rows = _spread(len(images.items), PICTURES)
    began = time.perf_counter()
    facts["pictures"] = []
    for done, row in enumerate(rows):
        report(0.5 + 0.2 * done / len(rows), "Reading pictures")
        if picture := _picture(images, row):
            facts["pictures"].append(picture)
    facts["seconds_an_image"] = (time.perf_counter() - began) / max(1, len(rows))
    facts["originals"] = _originals(images, rows[:: max(1, len(rows) // ORIGINALS)][:ORIGINALS])
    report(0.7, "Looking for near-duplicates", partial=facts)
    pairs = images.near_duplicates(lambda share, what: report(0.7 + 0.3 * share, what))
    return facts | _pairs(images, pairs)


def as_seen(
    pixels: NDArray[np.uint8], preparation: Preparation, shape: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """A picture (H, W, C), C of 1, 3 or 4, converted to a model's input of shape (C, H, W), as (H, W, C)."""
    from PIL import Image

    from models.data.pictures import scaled

    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    if image.mode == "RGBA" and shape[0] != 4:
        image = Image.alpha_composite(Image.new("RGBA", image.size, preparation.background), image)
    return scaled(image, shape, preparation.fit, preparation.background)


def picture_address(pixels: NDArray[np.uint8], side: int = SIDE) -> str:
    """A picture (H, W, C), C of 1 to 4, as a data URL, scaled down to at most `side` pixels a side."""
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


def _facts(images: FoundImages) -> dict[str, Any]:
    """Facts that need no pixels."""
    sizes = Counter(f"{width}×{height}" for width, height in (item.size for item in images.items))
    return {
        "form": images.form,
        "images": len(images.items),
        "sizes": _most(sizes, NAMED),
        "colours": _most(Counter(item.mode for item in images.items), NAMED),
        "splits": dict(images.splits),
        "refused": [[each.name, each.reason] for each in images.refused[:REFUSED_AT_MOST]],
        "notes": list(images.notes),
        "columns": [_column(images, each) for each in images.columns.values()],
    }


def _sides(images: FoundImages, proposal: Preparation) -> dict[str, Any]:
    """The resulting height and width of each choice of size."""
    from models.data.own import shape_of

    sizes = sorted({*SIZES, proposal.size})
    return {
        "sides": {str(size): shape_of(images, replace(proposal, size=size))[1:] for size in sizes},
        "grey": images.grey,
    }


def _most(counted: Counter[str], most: int) -> list[tuple[str, int]]:
    """The most frequent, and the rest as "other"."""
    named = counted.most_common(most)
    rest = counted.total() - sum(count for _, count in named)
    return [*named, ("other", rest)] if rest else named


def _column(images: FoundImages, column: Column) -> dict[str, Any]:
    """The fields of `ColumnFacts`."""
    others = [images.column(column.slug, kind) for kind in column.kinds if kind != column.kind]
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
    """The labels of the bins between edges, with as many digits as needed to distinguish them."""
    if len(edges) < 2:
        return
    digits = 1 + max(0, math.ceil(math.log10(max(map(abs, edges)) / (edges[1] - edges[0]) or 1)))
    for low, high in pairwise(edges):
        yield f"{low:.{digits}g} – {high:.{digits}g}"


def _picture(images: FoundImages, row: int) -> dict[str, str] | None:
    """The fields of `Picture`; None if its pixels are damaged, which the preparation will report."""
    item = images.items[row]
    try:
        source = picture_address(images.read(row))
    except ValueError:
        return None
    return {"file": item.key, "split": item.split, "source": source}


def _originals(images: FoundImages, rows: Sequence[int]) -> list[NDArray[np.uint8]]:
    """Pictures with their transparency, at most `ORIGINAL` pixels a side."""
    from models.data.pictures import Reading

    pictures = []
    for row in rows:
        try:
            image = images.pictures.picture(images.places[row], Reading.lenient(alpha=True))
        except ValueError:
            continue
        image.thumbnail((ORIGINAL, ORIGINAL))
        pixels = np.asarray(image, np.uint8)
        pictures.append(np.ascontiguousarray(pixels[..., None] if pixels.ndim == 2 else pixels))
    return pictures


def _pairs(images: FoundImages, pairs: Sequence[tuple[int, int, int]]) -> dict[str, Any]:
    """The closest near-duplicates, those across splits first, and their number."""

    def across(pair: tuple[int, int, int]) -> bool:
        return images.items[pair[0]].split != images.items[pair[1]].split

    chosen = sorted(pairs, key=lambda pair: (not across(pair), pair[2]))[:PAIRS]
    shown = [(_picture(images, one), _picture(images, other), distance) for one, other, distance in chosen]
    return {
        "pairs": [list(pair) for pair in shown if pair[0] and pair[1]],
        "pair_count": len(pairs),
        "across": sum(map(across, pairs)),
    }


def _spread(count: int, most: int) -> list[int]:
    """At most `most` rows, evenly spaced."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(count, most))})


def _column_facts(message: Mapping[str, Any]) -> ColumnFacts:
    bars = {
        kind: tuple((str(label), float(count)) for label, count in each)
        for kind, each in message["bars"].items()
    }
    return ColumnFacts(**{**message, "kinds": tuple(message["kinds"]), "bars": bars})


def _pair(message: Sequence[Any]) -> Pair:
    return Pair(Picture(**message[0]), Picture(**message[1]), int(message[2]))
