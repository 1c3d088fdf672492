"""The LATENT_* environment variables: all of them are read and checked here.

A variable that is unset or blank takes its default. In folders, `~` is the home directory.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import torch

__all__ = [
    "MEMORY_MB", "Problem", "SettingError", "allowed_origins", "authority", "cache_folder", "cache_name",
    "cache_problem", "checkpoint_folders", "data_folder", "device", "first_checkpoint", "memory_mb", "mirror", "problems", "use_checkpoint_folders", "use_first_checkpoint"]  # fmt: skip

CACHE = "~/.cache/latent-explorer"
MEMORY_MB = 1536  # MiB of loaded models
SHOWN = 80  # characters of a wrong value
DEFAULT_PORTS = {"http": 80, "https": 443}
ABSENT = (errno.ENOENT, errno.ENOTDIR)
# Stands for a cache folder that cannot even be looked into: nothing is found there, and nothing can be written.
NOWHERE = Path(os.devnull) / "latent-explorer"


class SettingError(ValueError):
    """A setting that cannot be used; the message names it, the rule, the value and what to do."""


class Problem(NamedTuple):
    """What is wrong with a setting."""

    text: str  # one line for people
    fatal: bool  # whether no model can be opened before it is corrected


def problems() -> list[Problem]:
    """Everything that is wrong with the settings, the fatal ones first."""
    found = [Problem(str(error), True) for error in _raised(device, memory_mb)]
    for name, folders in (
        ("LATENT_DATA_DIR", [data_folder()]),
        ("LATENT_CHECKPOINT_DIR", checkpoint_folders()),
    ):
        for folder in folders:
            if folder is not None and not os.path.isdir(folder):
                state = "is not a folder" if os.path.exists(folder) else "does not exist"
                found.append(
                    Problem(f"{name} names {folder}, which {state}. Create it, or correct {name}.", False)
                )
    if _text("LATENT_CACHE_DIR") and (reason := cache_problem()):
        found.append(Problem(reason, False))
    found += [Problem(str(error), False) for error in _raised(_checked_origins)]
    return found


def _raised(*readers: Callable[[], object]) -> Iterator[SettingError]:
    for reader in readers:
        try:
            reader()
        except SettingError as error:
            yield error


def _text(name: str) -> str:
    return os.environ.get(name, "").strip()


def _expanded(text: str) -> Path:
    """A path with its `~` expanded, where there is a home directory."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


# Folders


def data_folder() -> Path | None:
    """LATENT_DATA_DIR, the folder with image sets; None if unset. It is only read, and need not exist."""
    value = _text("LATENT_DATA_DIR")
    return _expanded(value) if value else None


def checkpoint_folders() -> list[Path]:
    """LATENT_CHECKPOINT_DIR, one or more folders of checkpoints separated by `os.pathsep`; none if unset."""
    parts = _text("LATENT_CHECKPOINT_DIR").split(os.pathsep)
    return [_expanded(part.strip()) for part in parts if part.strip()]


def use_checkpoint_folders(folders: Sequence[Path]) -> None:
    """Sets LATENT_CHECKPOINT_DIR for this process and its children."""
    os.environ["LATENT_CHECKPOINT_DIR"] = os.pathsep.join(map(str, folders))


def first_checkpoint() -> str:
    """LATENT_FIRST_CHECKPOINT, the name of the checkpoint that is shown where no address names one; "" if unset."""
    return _text("LATENT_FIRST_CHECKPOINT")


def use_first_checkpoint(name: str) -> None:
    """Sets LATENT_FIRST_CHECKPOINT for this process and its children."""
    os.environ["LATENT_FIRST_CHECKPOINT"] = name


def cache_folder() -> Path:
    """LATENT_CACHE_DIR, the folder for downloads and everything that is kept; it need not exist yet.

    If it cannot be read, a path below which nothing exists and nothing can be created.
    """
    path, reason = _cache()
    return NOWHERE if reason else path


def cache_name() -> str:
    """The cache folder as a message names it."""
    return _text("LATENT_CACHE_DIR") or CACHE


def cache_problem() -> str | None:
    """Why nothing can be kept in the cache folder, and what to do; None if it can be written."""
    path, reason = _cache()
    if reason is None:
        there = path
        while not os.path.lexists(there) and there != there.parent:
            there = there.parent
        if not os.path.isdir(there):
            reason = f"{'it' if there == path else there} is not a folder"
        elif not os.access(there, os.W_OK | os.X_OK):
            reason = "permission denied"
    if reason is None:
        return None
    return (
        f"The cache folder {path} cannot be written: {reason}. "
        "Set LATENT_CACHE_DIR to a folder that can be written."
    )


def _cache() -> tuple[Path, str | None]:
    """The cache folder, and why it cannot even be looked at; None if it can, or does not exist."""
    path = _expanded(cache_name())
    if str(path).startswith("~"):
        return path, "there is no home directory"
    try:
        os.stat(path)
    except OSError as error:
        return path, None if error.errno in ABSENT else (error.strerror or str(error)).lower()
    return path, None


def mirror(name: str) -> str:
    """The address that `LATENT_..._MIRROR` names for a download; empty if unset."""
    return _text(name)


# The machine


def device(name: str | None = None, source: str = "LATENT_DEVICE") -> torch.device:
    """The device to compute on.

    Arguments:
        name: Such as "cuda", "cuda:1", "mps" or "cpu"; LATENT_DEVICE if None. Empty: CUDA, MPS or the CPU,
            whichever this machine has first.
        source: What gave the name, for the message.

    Raises:
        SettingError: If this machine has no such device.
    """
    import torch

    name = _text("LATENT_DEVICE") if name is None else name.strip()
    usable = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if not name:
        return torch.device(next(kind for kind, there in usable.items() if there))
    kind, _, index = name.lower().partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if not usable.get(kind, False) or (":" in name and not (index.isdecimal() and int(index) < count)):
        choices = ", ".join(kind for kind, there in usable.items() if there)
        raise SettingError(
            f"{source} must be one of: {choices}. Got {name[:SHOWN]!r}. Correct it, or leave it out to use the "
            "fastest device of this machine."
        )
    return torch.device(name.lower())


def memory_mb() -> int:
    """LATENT_MEMORY_MB, the memory for loaded models in MiB.

    Raises:
        SettingError: If it is not a whole number above 0.
    """
    value = _text("LATENT_MEMORY_MB")
    if not value:
        return MEMORY_MB
    if not (value.isascii() and value.isdecimal() and int(value) > 0):
        raise SettingError(
            f"LATENT_MEMORY_MB must be a whole number of MiB above 0, such as {MEMORY_MB}. Got {value[:SHOWN]!r}."
        )
    return int(value)


# The network


def allowed_origins() -> set[str]:
    """LATENT_ALLOWED_ORIGINS: origins separated by commas or blanks, such as https://faces.example.org."""
    return {origin for origin in _origins() if authority(origin)}


def _origins() -> list[str]:
    return [part.rstrip("/") for part in _text("LATENT_ALLOWED_ORIGINS").replace(",", " ").lower().split()]


def _checked_origins() -> None:
    for origin in _origins():
        if not authority(origin):
            raise SettingError(
                "LATENT_ALLOWED_ORIGINS must hold origins such as https://faces.example.org, without a path. "
                f"Got {origin[:SHOWN]!r}."
            )


def authority(address: str) -> tuple[str, int] | None:
    """Host and port of "scheme://host[:port]"; None for anything else."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        return None
    if parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname, port if port is not None else DEFAULT_PORTS[parts.scheme]
