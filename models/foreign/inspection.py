"""Checks the files of an imported model in a process of its own, with bounded memory and time.

The process reads the files, checks their graphs (`graph_check`), compiles and runs them, and finds the layout. What it
accepts is recorded in the cache folder under the SHA-256 of the files, so that a model is checked once on a machine.
"""

from __future__ import annotations

__all__ = ["Inspected", "ensure_inspected", "examine", "inspect"]

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.data.locations import cache_folder, printable
from models.foreign.bounded_process import ask
from models.foreign.graph_check import FILE_BYTES
from models.foreign.layout import Layout
from models.system.extras import require
from models.system.files import replace_file
from models.system.schema import read

VERSION = 1  # of the checks; increased when they change
MEMORY = 4 << 30  # bytes, besides the files
COPIES = 6  # of a file in memory: as read, parsed, compiled
FOLDER = "onnx-checked"


@dataclass(frozen=True)
class Inspected:
    """The result of checking the files of a model."""

    layout: Layout
    sha256: tuple[str, ...]  # of each file


def inspect(paths: Sequence[Path], size: int | None = None) -> Inspected:
    """Checks ONNX files and finds how they fit together; records that they were accepted.

    Arguments:
        paths: An encoder and a decoder in any order, or a decoder.
        size: As in `find_layout`.

    Raises:
        ValueError: If ONNX Runtime is missing, or a file is refused; the message gives the reason.
    """
    require("onnx", "An imported model")
    total = 0
    for path in paths:
        if not path.is_file():
            raise ValueError(f"{printable(path)} is not a file.")
        if path.stat().st_size > FILE_BYTES:
            raise ValueError(
                f"{printable(path)} must have at most {FILE_BYTES >> 20} MiB. Got {path.stat().st_size >> 20} MiB."
            )
        total += path.stat().st_size
    request = {"paths": [os.fsdecode(path.absolute()) for path in paths], "size": size}
    names = " and ".join(printable(path) for path in paths)
    answer: dict[str, Any] = ask("examine", request, names, MEMORY + COPIES * total)
    found = Inspected(read(answer["layout"], Layout, "The layout"), tuple(answer["sha256"]))
    record = _record(found.layout, found.sha256)
    with contextlib.suppress(OSError):  # without a record it is checked again
        replace_file(record, lambda path: path.write_text("accepted\n"))
    return found


def ensure_inspected(paths: Sequence[Path], layout: Layout, sha256: Sequence[str]) -> None:
    """Checks ONNX files unless this was done before on this machine.

    Arguments:
        paths: Encoder and decoder, or the decoder.
        layout: How the card says that they are used.
        sha256: Of each file, as just read.

    Raises:
        ValueError: If a file is refused, or they fit together in another way than the card says.
    """
    if _record(layout, sha256).is_file():
        return
    found = inspect(paths, layout.image_shape[1])
    if _record(found.layout, found.sha256) != _record(layout, sha256):
        raise ValueError(
            f"{printable(paths[0].parent)}: the card does not describe its ONNX files. Import the model again: "
            "`python -m models import PATH --out DIR`."
        )


def _record(layout: Layout, sha256: Sequence[str]) -> Path:
    """Returns the file whose existence says that files were accepted for a layout; their order does not matter."""
    roles = [sha256[place] if place >= 0 else "" for place in (layout.encoder, layout.decoder)]
    used = {
        k: v for k, v in asdict(layout).items() if k not in ("encoder", "decoder", "encode_ms", "decode_ms")
    }
    known = json.dumps([VERSION, used, roles], sort_keys=True)
    return cache_folder() / FOLDER / hashlib.sha256(known.encode()).hexdigest()


def examine(request: dict[str, Any]) -> dict[str, object]:
    """Checks files and finds their layout, in the process of `bounded_process`."""
    from models.foreign.graph_check import check_graph
    from models.foreign.layout import find_layout
    from models.foreign.runtime import Graph

    graphs, digests = [], []
    for path in map(Path, request["paths"]):
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES + 1)
        check_graph(raw, printable(path))
        graphs.append(Graph(raw, printable(path)))
        digests.append(hashlib.sha256(raw).hexdigest())
    return {"layout": asdict(find_layout(graphs, request["size"])), "sha256": digests}
