"""Opens images of the user: lists the pictures of a path, reads their headers and labels."""

from __future__ import annotations

__all__ = ["common_folder", "open_images", "resolved", "stamp_of"]

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from models.data.base import SPLITS
from models.data.own.columns import describe, slug_of
from models.data.own.found import FoundImages
from models.data.own.layout import add_columns, take_splits
from models.data.own.matching import join
from models.data.own.records import Cell, Column, Item, Refused, Report, shown
from models.data.own.scanning import fingerprint_of, scan
from models.data.own.sources import Pictures, Scan
from models.data.own.tables import ENDINGS as TABLES
from models.data.own.tables import Table, read_table
from models.data.own.tasks import Task
from models.data.own.trees import digest, stamp
from models.data.own.workers import in_chunks, spread
from models.data.pictures import KINDS, Header
from models.system.printable import printable

CHUNK = 1_000  # headers per task
EXAMPLES = 5  # names in a message
NOTES = {
    "animated": "Animated, the first frame is used",
    "several pages": "Several pages, the first one is used",
    "CMYK": "CMYK colours, converted to RGB",
    "YCbCr": "YCbCr colours, converted to RGB",
    "HSV": "HSV colours, converted to RGB",
    "16 bits": "16 bits per channel, converted to 8",
    "turned": "Rotated upright by their EXIF data",
}


def open_images(
    source: str | Path | Sequence[str | Path],
    labels: str | Path | None = None,
    report: Report | None = None,
    *,
    members: Sequence[str] = (),
) -> FoundImages:
    """Opens the pictures and labels of a folder or file, or of several; only headers are decoded.

    Arguments:
        source: A folder (of classes, of splits, with metadata, or plain), a zip of one, Parquet files, a WebDataset
            tar or a folder of them, or arrays (.npy, .npz); or several of these.
        labels: A table (.csv, .tsv, .jsonl, .parquet) with a column that names the files.
        report: Called with the share done, 0 to 1, and the current task.
        members: Files and folders in a folder to read; () for all.

    Raises:
        ValueError: If the path does not exist, holds no readable picture, or the table names none of them; the
            message gives a remedy.
    """
    if not isinstance(source, str | Path):
        source, members = common_folder(source)
    path, table = resolved(source, labels)
    tell = report or (lambda share, what: None)
    tell(0.0, "Listing the files")
    found = scan(path, members)
    headers, refused = _headers(found.pictures, found.places, found.names, tell)
    if not any(headers):
        _raise_none(path, found, refused)
    if table is not None:
        _add_named_table(found, table)
    take_splits(found)
    rows = [row for row, header in enumerate(headers) if header]
    items = _items(found, headers, rows)
    slugs: dict[str, list[Cell]] = {}
    columns: dict[str, Column] = {}
    comma = set()
    for title, cells in found.cells.items():
        slug = slug_of(title, slugs)
        slugs[slug] = [cells[row] for row in rows]
        if title in found.comma:
            comma.add(slug)
        columns[slug] = describe(title, slug, slugs[slug], title in found.comma)
    splits = Counter(item.split for item in items)
    return FoundImages(
        source=path,
        form=found.form,
        items=items,
        refused=[*found.refused, *refused],
        notes=[*found.notes, *_notes(headers), *_column_notes(columns)],
        columns=columns,
        splits={split: splits[split] for split in SPLITS if splits[split]},
        labels=table,
        fingerprint=digest([(found.fingerprint, stamp(table) if table else "")]),
        pictures=found.pictures,
        places=[found.places[row] for row in rows],
        cells=slugs,
        comma=frozenset(comma),
        members=tuple(members),
    )


def common_folder(paths: Sequence[str | Path]) -> tuple[Path, tuple[str, ...]]:
    """Returns the common folder of several paths, and their names in it; a single path is returned without names.

    Duplicates, and paths inside another one, are omitted. Links among the paths are followed.

    Raises:
        ValueError: If a path does not exist, or they have no common folder.
    """
    if not paths:
        raise ValueError("Name at least one folder or file of pictures.")
    if len(paths) == 1:
        return Path(paths[0]), ()
    resolved_paths = sorted({resolved(each, None)[0].resolve() for each in paths})
    outermost = [
        path for path in resolved_paths if not any(other in path.parents for other in resolved_paths)
    ]
    if len(outermost) == 1:
        return outermost[0], ()
    try:
        folder = Path(os.path.commonpath(outermost))
    except ValueError as error:
        raise ValueError("The paths lie on several drives. Move the pictures into one folder.") from error
    return folder, tuple(path.relative_to(folder).as_posix() for path in outermost)


def resolved(source: str | Path, labels: str | Path | None) -> tuple[Path, Path | None]:
    """Returns the absolute paths of a source and its table; a table alone stands for its folder.

    Raises:
        ValueError: If a path does not exist.
    """
    path = Path(source).expanduser().absolute()
    table = Path(labels).expanduser().absolute() if labels else None
    for each, what in ((path, "the pictures"), (table, "the labels")):
        try:
            there = each is None or each.exists()
        except (OSError, ValueError):
            there = False
        if not there:
            raise ValueError(f"{shown(str(each))} does not exist. Correct the path of {what}.")
    if table is not None and not table.is_file():
        raise ValueError(f"{shown(str(table))} must be a file: {', '.join(f'.{kind}' for kind in TABLES)}.")
    if table is None and path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".jsonl"):
        return path.parent, path
    return path, table


def stamp_of(source: Path, labels: Path | None, members: Sequence[str] = ()) -> str:
    """Computes the fingerprint of `open_images` without reading the files.

    Raises:
        ValueError: If the source cannot be listed.
    """
    return digest([(fingerprint_of(source, members), stamp(labels) if labels else "")])


# Headers


def _headers(
    pictures: Pictures, places: Sequence[Any], names: Sequence[str], tell: Callable[[float, str], None]
) -> tuple[list[Header | None], list[Refused]]:
    """Reads the header of each picture, None if it is refused; returns them with the refused ones."""
    headers: list[Header | None] = [None] * len(places)
    reasons: dict[int, str] = {}
    chunks = in_chunks(len(places), CHUNK)
    tasks: list[Task] = [{"do": "headers", "places": places[chunk.start : chunk.stop]} for chunk in chunks]
    done = 0
    with closing(spread(pictures, tasks)) as results:
        for number, found in results:
            for row, header in zip(chunks[number], found, strict=True):
                if isinstance(header, str):
                    reasons[row] = header
                else:
                    width, height, mode, notes = header
                    headers[row] = Header((width, height), mode, tuple(notes))
            done += len(found)
            tell(done / len(places), "Reading the pictures' headers")
    return headers, [Refused(shown(names[row]), reasons[row]) for row in sorted(reasons)]


def _raise_none(path: Path, found: Scan, refused: Sequence[Refused]) -> None:
    """Raises ValueError with the first reasons why no picture can be read."""
    where = shown(str(path))
    both = [*refused, *found.refused]
    if both:
        reasons = " ".join(f"{each.name}: {each.reason}" for each in both[:EXAMPLES])
        more = f" … and {len(both) - EXAMPLES:,} more" if len(both) > EXAMPLES else ""
        raise ValueError(f"No picture in {where} can be read. {reasons}{more}")
    count = len(found.listing.files) if found.listing else 0
    held = f"It holds {count:,} other files." if count else "It is empty."
    raise ValueError(f"No picture found in {where}. {held} Use {', '.join(f'.{kind}' for kind in KINDS)}.")


def _items(found: Scan, headers: Sequence[Header | None], rows: Sequence[int]) -> list[Item]:
    items = []
    seen: Counter[str] = Counter()
    keys = set()
    for row in rows:
        header = headers[row]
        if header is None:
            continue
        plain = key = printable(found.names[row])
        while key in keys:
            seen[plain] += 1
            key = f"{plain} ({seen[plain] + 1})"
        keys.add(key)
        items.append(Item(key, found.splits[row], header.size, header.mode))
    return items


def _notes(headers: Sequence[Header | None]) -> list[str]:
    counts = Counter(note for header in headers if header for note in header.notes)
    return [f"{NOTES[note]}: {counted(count)}." for note, count in counts.items()]


def counted(count: int) -> str:
    """Formats a number of pictures."""
    return "1 picture" if count == 1 else f"{count:,} pictures"


def _column_notes(columns: dict[str, Column]) -> list[str]:
    return [
        f"{column.title}: {column.why}"
        for column in columns.values()
        if column.kind in ("id", "caption") and column.distinct > 300
    ]


# The table that the user named


def _add_named_table(found: Scan, path: Path) -> None:
    """Adds the columns of a table that the user named.

    Raises:
        ValueError: If it cannot be read, or names none of the pictures.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(
            f"{shown(str(path))} cannot be read: {error.strerror}. Change its permissions."
        ) from error
    table = read_table(data, path.name)
    matched = join(table, path.name, found.names)
    if matched is None and found.form == "array" and len(table) == len(found.names):
        columns = {title: cells for title, cells in table.columns.items()}
        found.cells |= columns
        found.comma |= set(columns) if table.comma else set()
        found.notes.append(f"The rows of {shown(path.name)} belong to the pictures in their order.")
        return
    if matched is None:
        raise ValueError(_no_match(path, table, found.names))
    add_columns(found, matched, table)


def _no_match(path: Path, table: Table, names: Sequence[str]) -> str:
    texts = {t: next((str(c) for c in cells if c is not None), "") for t, cells in table.columns.items()}
    examples = ", ".join(
        f"{shown(title)} ({shown(text)[:30]})" for title, text in list(texts.items())[:EXAMPLES]
    )
    return (
        f"{shown(path.name)} matches no picture: no column holds names such as {shown(names[0])}. Its columns, with "
        f"their first values: {examples}. Add one that names the files."
    )
