"""Infers labels from the layout of a tree: classes and splits as folders, tables, and sidecar files."""

from __future__ import annotations

__all__ = ["add_columns", "scan_tree", "take_splits"]

from collections import Counter, defaultdict
from collections.abc import Sequence

from models.data.own.matching import Joined, join
from models.data.own.records import Cell, Refused, shown
from models.data.own.sources import SPLIT_NAMES, Scan, TreePictures
from models.data.own.tables import ENDINGS as TABLES
from models.data.own.tables import Table, cell, read_table
from models.data.own.trees import File, Listing, Tree
from models.data.pictures import KINDS, PictureError
from models.system.json_input import read_object

UNREAD = (
    "heic",
    "heif",
    "avif",
    "svg",
    "psd",
    "raw",
    "cr2",
    "nef",
    "dng",
    "jp2",
    "jxl",
    "ico",
    "tga",
    "pgm",
    "ppm",
    "dcm",
    "nii",
    "exr",
    "hdr",
    "eps",
)  # pictures that are not read
SIDECARS = ("json", "txt", "cls", "caption")
SIDECAR_AT_MOST = 1 << 16  # bytes
TABLE_AT_MOST = 1 << 29
TABLES_AT_MOST = 50
AUTOMATIC = 0.5  # share of the pictures that a table must name to be used automatically
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet", "metadata.tsv")
CLASS, FOLDER = "Class", "Folder"  # titles of columns from folders
SPLIT_COLUMNS = ("split", "partition", "subset", "set", "fold")
NUMBERED = {"0": "train", "1": "validation", "2": "test"}  # the splits of CelebA


def scan_tree(tree: Tree, form: str, listing: Listing, prefix: str = "") -> Scan:
    """Lists the pictures of a tree, with labels from its folders and from the files beside them.

    Arguments:
        tree: The files.
        form: Kind of the source.
        listing: Listing of the tree.
        prefix: Split of all pictures; "" for none.
    """
    pictures = [file for file in listing.files if _ending(file.name) in KINDS]
    refused = list(listing.refused)
    refused += [
        Refused(shown(file.name), f"{_ending(file.name).upper()} files are not read. Save it as JPEG or PNG.")
        for file in listing.files
        if _ending(file.name) in UNREAD
    ]
    names = [file.name for file in pictures]
    splits, folders = _folders(names)
    scan = Scan(
        form,
        TreePictures(tree),
        tree.fingerprint(listing),
        [[file.name, file.size, file.place] for file in pictures],
        names,
        [prefix] * len(names) if prefix else splits,
        folders,
        refused=refused,
        tree=tree,
        listing=listing,
    )
    _add_sidecars(scan, pictures, listing)
    _add_tables(scan, listing)
    return scan


def _ending(name: str) -> str:
    last = name.rpartition("/")[2]
    return last.rpartition(".")[2].lower() if "." in last else ""


# Folders


def _folders(names: Sequence[str]) -> tuple[list[str], dict[str, list[Cell]]]:
    """Infers splits and classes from the folders of pictures, without the folders that all have in common."""
    parents = [name.split("/")[:-1] for name in names]
    splits = [""] * len(names)
    depth = _split_depth(parents)
    if depth is not None:
        splits = [SPLIT_NAMES[parts[depth].lower()] for parts in parents]
        parents = [parts[:depth] + parts[depth + 1 :] for parts in parents]
    shared = _shared(parents)
    parents = [parts[shared:] for parts in parents]
    columns: dict[str, list[Cell]] = {}
    deepest = max((len(parts) for parts in parents), default=0)
    if deepest:
        columns[CLASS] = [cell(shown(parts[-1])) if parts else None for parts in parents]
    if deepest > 1:
        for level in range(deepest - 1):
            values = [cell(shown(parts[level])) if len(parts) > level + 1 else None for parts in parents]
            columns[FOLDER if deepest == 2 else f"{FOLDER} {level + 1}"] = values
    return splits, columns


def _split_depth(parents: Sequence[Sequence[str]]) -> int | None:
    """Returns the first level at which all folders are named after splits."""
    for depth in range(min((len(parts) for parts in parents), default=0)):
        if all(parts[depth].lower() in SPLIT_NAMES for parts in parents):
            return depth
    return None


def _shared(parents: Sequence[Sequence[str]]) -> int:
    """Counts the folders that all pictures have in common."""
    depth = 0
    shortest = min((len(parts) for parts in parents), default=0)
    while depth < shortest and len({parts[depth] for parts in parents}) == 1:
        depth += 1
    return depth


# Files of one name, as in a WebDataset: 007.jpg, 007.json, 007.cls


def _add_sidecars(scan: Scan, pictures: Sequence[File], listing: Listing) -> None:
    """Reads the small files with the name of a picture: JSON objects, captions, classes."""
    rows = {_stem(file.name): row for row, file in enumerate(pictures)}
    columns: dict[str, list[Cell]] = defaultdict(lambda: [None] * len(pictures))
    bad = count = 0
    for file in listing.files:
        ending = _ending(file.name)
        row = rows.get(_stem(file.name), -1) if ending in SIDECARS else -1
        if row < 0:
            continue
        count += 1
        try:
            found = _sidecar(scan, file, ending)
        except ValueError:
            bad += 1
            continue
        for title, value in found.items():
            if len(columns) < 1000 or title in columns:
                columns[title][row] = value
    scan.cells |= columns
    if count and scan.form in ("folder", "zip"):
        scan.notes.append(f"{count:,} files with the name of a picture were read as its labels.")
    if bad:
        scan.notes.append(f"{bad:,} files beside pictures could not be read as labels.")


def _stem(name: str) -> str:
    """Returns a name up to the first dot of its last part, as in WebDataset."""
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition('.')[0]}"


def _sidecar(scan: Scan, file: File, ending: str) -> dict[str, Cell]:
    if file.size > SIDECAR_AT_MOST or scan.tree is None:
        raise ValueError("too large")
    data = scan.tree.read(file, SIDECAR_AT_MOST)
    if ending == "json":
        return {str(title)[:80]: cell(value) for title, value in read_object(data, "It").items()}
    return {{"txt": "caption", "cls": CLASS}.get(ending, ending): cell(data.decode("utf-8-sig", "replace"))}


# Tables


def _add_tables(scan: Scan, listing: Listing) -> None:
    """Reads `metadata.*` files, and tables near the root that name most of the pictures."""
    if not scan.names:
        return
    pictures = {_stem(name) for name in scan.names}
    tables = [
        file for file in listing.files if _ending(file.name) in TABLES and _stem(file.name) not in pictures
    ]
    metadata = [file for file in tables if file.name.rpartition("/")[2].lower() in METADATA]
    top = min(name.count("/") for name in scan.names)
    others = [file for file in tables if file not in metadata and file.name.count("/") <= max(1, top)]
    joined = [(file, found) for file in metadata if (found := _joined(scan, file, 0.0))]
    if joined:
        for title in [title for title in scan.cells if title == CLASS or title.startswith(FOLDER)]:
            del scan.cells[title]  # metadata replace labels from folders
    joined += [(file, found) for file in others[:TABLES_AT_MOST] if (found := _joined(scan, file, AUTOMATIC))]
    for file, (table, matched) in joined:
        automatic = file not in metadata
        if automatic:
            scan.notes.append(f"{shown(file.name)} was read as labels, by its column {matched.column!r}.")
        add_columns(scan, matched, table, quiet=not automatic)


def _joined(scan: Scan, file: File, share: float) -> tuple[Table, Joined] | None:
    """Reads a table of the source and joins it to the pictures; None if it names at most a share of them."""
    if scan.tree is None or file.size > TABLE_AT_MOST:
        return None
    try:
        table = read_table(scan.tree.read(file, TABLE_AT_MOST), file.name)
    except (PictureError, ValueError) as error:
        if not share:
            scan.refused.append(Refused(shown(file.name), str(error)))
        return None
    if list(table.columns) == ["file", "column 2"] and "partition" in file.name.lower():
        table.columns["split"] = table.columns.pop(
            "column 2"
        )  # CelebA's list of splits has no names of columns
    folder = file.name.rpartition("/")[0]
    matched = join(table, file.name, scan.names, f"{folder}/" if folder else "")
    if matched is None or matched.matched <= share * len(scan.names):
        return None
    return table, matched


def add_columns(scan: Scan, joined: Joined, table: Table, quiet: bool = False) -> None:
    """Adds the columns of a joined table; if two tables have the same column, their values are merged."""
    scan.notes += [*table.notes, *([] if quiet else joined.notes)]
    for title, values in joined.columns.items():
        if table.comma:
            scan.comma.add(title)
        if title in scan.cells:
            old = scan.cells[title]
            values = [b if b is not None else a for a, b in zip(old, values, strict=True)]
        scan.cells[title] = values


def take_splits(scan: Scan) -> None:
    """Uses a column of split names as the splits of the source; ignores splits without training images."""
    for title in list(scan.cells):
        values = [None if value is None else str(value).lower() for value in scan.cells[title]]
        known = Counter(value for value in values if value is not None)
        names = {value: SPLIT_NAMES.get(value, "") for value in known}
        if title.lower() in SPLIT_COLUMNS:
            names |= {value: NUMBERED[value] for value in known if set(known) <= NUMBERED.keys()}
        if len(known) >= 2 and all(names.values()) and len(values) == sum(known.values()):
            scan.splits = [names[value or ""] for value in values]
            del scan.cells[title]
            break
    if "train" not in scan.splits or len(set(scan.splits)) < 2 or "" in scan.splits:
        scan.splits = [""] * len(
            scan.splits
        )  # without training images, or without others, there are no splits
