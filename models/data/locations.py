"""Paths of image files: the data folder, which is only read, and the cache.

`LATENT_DATA_DIR` names a folder with `mnist/`, `fashion-mnist/`, `lpc-sprites/` and `frey-faces/`.
`LATENT_CACHE_DIR`, by default `~/.cache/latent-explorer`, holds downloaded and drawn images; it may
be deleted at any time.
"""

from __future__ import annotations

__all__ = ["cache_folder", "check_output", "data_folder", "is_hidden", "printable", "require", "why_missing"]

import os
import re
from collections.abc import Sequence
from pathlib import Path

from models.system.printable import printable
from models.system.settings import cache_folder, data_folder

SYSTEM_FILES = ("__MACOSX", "Thumbs.db", "desktop.ini")  # of macOS and Windows


def is_hidden(path: str) -> bool:
    """Whether a relative path is hidden, or inside a hidden folder, or a file of the operating system."""
    parts = [part for part in re.split(r"[/\\]", path) if part not in (".", "..")]
    return any(part.startswith(".") or part in SYSTEM_FILES for part in parts)


def check_output(path: Path, option: str, endings: Sequence[str] = ()) -> None:
    """Checks that a file can be written, before its content is computed; its folder need not exist yet.

    Arguments:
        path: The file.
        option: The option that names it, such as "--out".
        endings: Allowed endings, such as ".csv"; any if empty.

    Raises:
        ValueError: If it cannot be written, or has another ending.
    """
    if endings and path.suffix.lower() not in endings:
        raise ValueError(f"`{option}` must end in {' or '.join(endings)}. Got {printable(path)[-80:]!r}.")
    if path.is_dir():
        raise ValueError(f"`{option}` must be a file. {printable(path)} is a folder: name a file in it.")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"`{option}` must be in a writable folder. {printable(folder)} is not writable.")


def why_missing(file: str) -> str | None:
    """Returns why a file of the data folder is missing; None if it exists.

    Arguments:
        file: Path inside the data folder, such as "mnist/train-images-idx3-ubyte.gz".
    """
    folder = data_folder()
    if folder is None:
        return f"LATENT_DATA_DIR is not set. Set it to a folder that holds {file}."
    if not folder.is_dir():
        return f"LATENT_DATA_DIR must name a folder, and {folder} is not one. Correct it."
    if not (folder / file).is_file():
        return f"{folder / file} is missing. Put it there, or correct LATENT_DATA_DIR."
    return None


def require(file: str) -> Path:
    """Returns the path of a file in the data folder.

    Raises:
        ValueError: If it is missing; the message gives a remedy.
    """
    reason = why_missing(file)
    folder = data_folder()
    if reason is not None or folder is None:
        raise ValueError(reason)
    return folder / file
