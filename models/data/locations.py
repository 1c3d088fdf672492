"""The two folders that hold image files: the one a person gives, and the cache.

`LATENT_DATA_DIR` names a folder with `mnist/`, `fashion-mnist/`, `lpc-sprites/` and `frey-faces/`;
it is only read. `LATENT_CACHE_DIR`, else `~/.cache/latent-explorer`, keeps what was downloaded or
drawn; it may be deleted at any time.
"""

from __future__ import annotations

__all__ = ["cache_folder", "check_output", "data_folder", "is_hidden", "printable", "require", "why_missing"]

import os
import re
from collections.abc import Sequence
from pathlib import Path

from models.system.settings import cache_folder, data_folder

COMPANIONS = ("__MACOSX", "Thumbs.db", "desktop.ini")  # of macOS and Windows


def is_hidden(path: str) -> bool:
    """Whether a relative path is hidden, or lies in a hidden folder, or is a system's own companion of files."""
    parts = [part for part in re.split(r"[/\\]", path) if part not in (".", "..")]
    return any(part.startswith(".") or part in COMPANIONS for part in parts)


def printable(path: Path) -> str:
    """A path as text; bytes that are not UTF-8 are written as `\\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def check_output(path: Path, option: str, endings: Sequence[str] = ()) -> None:
    """Checks that a file can be written, before the work whose result it takes; its folder need not exist yet.

    Arguments:
        path: The file.
        option: What names it, such as "--out".
        endings: Those allowed, such as ".csv"; any where none is given.

    Raises:
        ValueError: If it cannot be written, or its ending is another.
    """
    if endings and path.suffix.lower() not in endings:
        raise ValueError(f"`{option}` must end in {' or '.join(endings)}. Got {printable(path)[-80:]!r}.")
    if path.is_dir():
        raise ValueError(f"`{option}` must be a file. {printable(path)} is a folder: name a file in it.")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(
            f"`{option}` must lie in a folder that can be written to. {printable(folder)} cannot."
        )


def why_missing(file: str) -> str | None:
    """Why `file`, a path inside the data folder, is not there; None if it is.

    Arguments:
        file: Path inside the data folder, such as "mnist/train-images-idx3-ubyte.gz".
    """
    folder = data_folder()
    if folder is None:
        return f"LATENT_DATA_DIR is not set. Set it to a folder that holds {file}."
    if not folder.is_dir():
        return f"LATENT_DATA_DIR must name a folder, and {folder} is none. Correct it."
    if not (folder / file).is_file():
        return f"{folder / file} is missing. Put it there, or correct LATENT_DATA_DIR."
    return None


def require(file: str) -> Path:
    """The path of `file` in the data folder.

    Raises:
        ValueError: If it is not there; the message says what to do.
    """
    reason = why_missing(file)
    folder = data_folder()
    if reason is not None or folder is None:
        raise ValueError(reason)
    return folder / file
