"""Reads TensorBoard's projector: `projector_config.pbtxt` with the files of vectors, metadata and sprites that it names.

References:
    | The format of the configuration: tensorboard/plugins/projector/projector_config.proto
    | https://github.com/tensorflow/tensorboard
"""

from __future__ import annotations

__all__ = ["CONFIG", "Projector", "read_projector"]

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.own.records import Cell, shown
from models.data.own.tables import COLUMNS_AT_MOST, cell, column_names
from models.data.pictures import FILE_AT_MOST as PICTURE_AT_MOST
from models.data.pictures import Reading, open_picture

CONFIG = "projector_config.pbtxt"
CONFIG_BYTES = 1 << 20
TENSOR_BYTES = 1 << 32
METADATA_BYTES = 1 << 28
SIDES = (8, 256)  # px, of a picture
DEPTH = 8  # nested messages
TOKEN = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|[{}<>:\[\],;]|#[^\n]*|[^\s{}<>:\[\],;"\'#]+|\S'
)
SUFFIX = ".tsv"
Message = dict[str, list[Any]]


@dataclass(frozen=True, eq=False)
class Projector:
    """What the first embedding of a configuration holds."""

    vectors: NDArray[np.float32]  # as they are in the file
    columns: dict[str, list[Cell]]
    pictures: NDArray[np.uint8] | None  # (N, H, W, C)
    notes: tuple[str, ...]


def read_projector(path: Path) -> Projector:
    """Reads the vectors, metadata and pictures of the first embedding that has a file of vectors.

    Raises:
        ValueError: If a file is missing, outside of the folder, damaged, or does not fit the others.
    """
    config = _parsed(_text(path, CONFIG_BYTES), path.name)
    messages = [each for each in config.get("embeddings", []) if isinstance(each, dict)]
    chosen = [each for each in messages if _one(each, "tensor_path")]
    if not chosen:
        raise ValueError(
            f"{shown(path.name)} must name a file of vectors, `tensor_path`. Vectors inside a TensorFlow checkpoint are "
            "not read: export them as TSV."
        )
    embedding = chosen[0]
    notes = []
    if len(messages) > 1:
        notes.append(f"Of {len(messages)} embeddings, {_one(embedding, 'tensor_name')[:80]!r} is read.")
    vectors = _tensor(_inside(path, _one(embedding, "tensor_path")), embedding.get("tensor_shape", []))
    columns: dict[str, list[Cell]] = {}
    if name := _one(embedding, "metadata_path"):
        columns = _metadata(_inside(path, name), len(vectors))
    sprite = next((each for each in embedding.get("sprite", []) if isinstance(each, dict)), {})
    pictures = None
    if name := _one(sprite, "image_path"):
        pictures = _sprites(_inside(path, name), sprite.get("single_image_dim", []), len(vectors))
    return Projector(vectors, columns, pictures, tuple(notes))


def _one(message: Message, name: str) -> str:
    """Returns the last text of a field; "" if there is none."""
    texts = [each for each in message.get(name, []) if isinstance(each, str)]
    return texts[-1] if texts else ""


def _inside(config: Path, name: str) -> Path:
    """Returns the path of a file that the configuration names, which must be in its folder."""
    folder = config.parent.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise ValueError(
            f"{shown(config.name)} must name files in its own folder. Got {shown(name)!r}; move it there."
        )
    if not path.is_file():
        raise ValueError(f"{shown(str(path))} is missing, which {shown(config.name)} names.")
    return path


def _bytes(path: Path, most: int) -> bytes:
    if path.stat().st_size > most:
        raise ValueError(f"{shown(path.name)} must have at most {most >> 20} MiB.")
    return path.read_bytes()


def _text(path: Path, most: int) -> str:
    try:
        return _bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{shown(path.name)} must be text in UTF-8.") from error


# The configuration, in the text format of protocol buffers


def _parsed(text: str, name: str) -> Message:
    """Parses a message: field -> its values, each a text or a message."""
    tokens = (token for token in TOKEN.findall(text) if not token.startswith("#"))
    try:
        return _message(tokens, "", 0)
    except (StopIteration, ValueError) as error:
        reason = str(error) or "it ends too early"
        raise ValueError(f"{shown(name)} is not a projector configuration: {reason[:120]}.") from error


def _message(tokens: Iterator[str], end: str, depth: int) -> Message:
    if depth > DEPTH:
        raise ValueError("it is nested too deeply")
    found: Message = {}
    for field in tokens:
        if field == end:
            return found
        if field in ",;":
            continue
        if not re.fullmatch(r"\w+", field):
            raise ValueError(f"a field must have a name. Got {field[:40]!r}")
        value = next(tokens)
        value = next(tokens) if value == ":" else value
        held = found.setdefault(field, [])
        if value in "{<":
            held.append(_message(tokens, "}" if value == "{" else ">", depth + 1))
        elif value == "[":
            held += _listed(tokens)
        else:
            held.append(_plain(value))
    if end:
        raise ValueError("it ends too early")
    return found


def _listed(tokens: Iterator[str]) -> list[str]:
    found: list[str] = []
    for token in tokens:
        if token == "]":
            return found
        if token != ",":
            found.append(_plain(token))
    raise ValueError("it ends too early")


def _plain(token: str) -> str:
    """Returns a number or name as it is, and a text without its quotes and escapes."""
    if token[0] not in "\"'":
        return token
    if len(token) < 2 or token[-1] != token[0]:
        raise ValueError("a text is not closed")
    raw, _ = codecs.escape_decode(token[1:-1].encode())
    return str(raw, "utf-8", "replace")


# The files


def _whole(values: list[Any], count: int, what: str) -> list[int]:
    """Returns the positive integers of a field."""
    if len(values) != count or not all(isinstance(v, str) and re.fullmatch(r"[0-9]{1,9}", v) for v in values):
        raise ValueError(f"`{what}` must be {count} whole numbers. Got {', '.join(map(str, values))[:80]!r}.")
    return [int(value) for value in values]


def _tensor(path: Path, shape: list[Any]) -> NDArray[np.float32]:
    """Reads vectors: numbers separated by tabs, or 32-bit floats of a given shape."""
    if path.stat().st_size > TENSOR_BYTES:
        raise ValueError(f"{shown(path.name)} must have at most {TENSOR_BYTES >> 20} MiB.")
    if path.suffix.lower() != SUFFIX:
        rows, columns = _whole(shape, 2, "tensor_shape")
        if path.stat().st_size != 4 * rows * columns:
            raise ValueError(
                f"{shown(path.name)} must hold {rows}×{columns} numbers of 32 bits. Got {path.stat().st_size:,} bytes."
            )
        return np.fromfile(path, "<f4").reshape(rows, columns)
    try:
        return np.loadtxt(path, np.float32, delimiter="\t", comments=None, ndmin=2, encoding="utf-8")
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{shown(path.name)} must hold numbers separated by tabs: {str(error)[:120].rstrip('.')}."
        ) from error


def _metadata(path: Path, count: int) -> dict[str, list[Cell]]:
    """Reads the labels; a single column has no header."""
    lines = _text(path, METADATA_BYTES).split("\n")
    while lines and not lines[-1].strip("\r"):
        lines.pop()
    rows = [line.strip("\r").split("\t") for line in lines]
    titles = ["label"]
    if rows and len(rows[0]) > 1:
        titles, rows = rows[0], rows[1:]
    if len(rows) != count:
        raise ValueError(
            f"{shown(path.name)} must have a row for each of {count:,} vectors. Got {len(rows):,}."
        )
    if len(titles) > COLUMNS_AT_MOST:
        raise ValueError(f"{shown(path.name)} must have at most {COLUMNS_AT_MOST:,} columns.")
    return {
        title: [cell(row[place]) if place < len(row) else None for row in rows]
        for place, title in enumerate(column_names(titles, len(titles)))
    }


def _sprites(path: Path, sides: list[Any], count: int) -> NDArray[np.uint8]:
    """Cuts a sheet of pictures, row by row, to an array (N, H, W, C)."""
    width, height = _whole(sides, 2, "single_image_dim")
    if not all(SIDES[0] <= side <= SIDES[1] for side in (width, height)):
        raise ValueError(
            f"`single_image_dim` must lie in {SIDES[0]}..{SIDES[1]} pixels. Got {width}×{height}."
        )
    sheet = np.asarray(open_picture(_bytes(path, PICTURE_AT_MOST), Reading.lenient()), np.uint8)
    sheet = sheet[..., None] if sheet.ndim == 2 else sheet
    rows, columns = sheet.shape[0] // height, sheet.shape[1] // width
    if rows * columns < count:
        raise ValueError(
            f"{shown(path.name)} must hold {count:,} pictures of {width}×{height} pixels. Got room for "
            f"{rows * columns:,}."
        )
    cut = sheet[: rows * height, : columns * width].reshape(rows, height, columns, width, -1)
    return np.ascontiguousarray(cut.swapaxes(1, 2).reshape(rows * columns, height, width, -1)[:count])
