"""Reads and validates all environment variables LATENT_*.

An unset or blank variable has its default. In folders, `~` is the home directory.
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
    "MEMORY_MB",
    "Problem",
    "SettingError",
    "allowed_origins",
    "authority",
    "cache_folder",
    "cache_name",
    "cache_problem",
    "checkpoint_folders",
    "data_folder",
    "device",
    "first_checkpoint",
    "job_niceness",
    "memory_mb",
    "mirror",
    "problems",
    "use_checkpoint_folders",
    "use_first_checkpoint",
]

CACHE = "~/.cache/latent-explorer"
MEMORY_MB = 1536  # memory for loaded models, MiB
JOB_NICENESS = 10  # of background jobs, so that a drag has priority
LOWEST = 19  # niceness of a process that only uses idle cores
SHOWN = 80  # characters of an invalid value in a message
DEFAULT_PORTS = {"http": 80, "https": 443}
ABSENT = (errno.ENOENT, errno.ENOTDIR)
# Replaces a cache folder that cannot be read: a path below which nothing exists and nothing can be written.
NOWHERE = Path(os.devnull) / "latent-explorer"


class SettingError(ValueError):
    """A setting is invalid; the message names it, the rule, the value and a remedy."""


class Problem(NamedTuple):
    """A problem with a setting."""

    text: str  # message, one line
    fatal: bool  # whether it prevents opening models


def problems() -> list[Problem]:
    """Returns all problems with the settings, the fatal ones first."""
    found = [Problem(str(error), True) for error in _raised(device, memory_mb, job_niceness)]
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
    """Expands `~` in a path, if there is a home directory."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


# Folders


def data_folder() -> Path | None:
    """Returns LATENT_DATA_DIR, the folder with image sets; None if unset. It is only read, and need not exist."""
    value = _text("LATENT_DATA_DIR")
    return _expanded(value) if value else None


def checkpoint_folders() -> list[Path]:
    """Returns LATENT_CHECKPOINT_DIR, folders of checkpoints separated by `os.pathsep`; none if unset."""
    parts = _text("LATENT_CHECKPOINT_DIR").split(os.pathsep)
    return [_expanded(part.strip()) for part in parts if part.strip()]


def use_checkpoint_folders(folders: Sequence[Path]) -> None:
    """Sets LATENT_CHECKPOINT_DIR for this process and its children."""
    os.environ["LATENT_CHECKPOINT_DIR"] = os.pathsep.join(map(str, folders))


def first_checkpoint() -> str:
    """Returns LATENT_FIRST_CHECKPOINT, the checkpoint that opens by default; "" if unset."""
    return _text("LATENT_FIRST_CHECKPOINT")


def use_first_checkpoint(name: str) -> None:
    """Sets LATENT_FIRST_CHECKPOINT for this process and its children."""
    os.environ["LATENT_FIRST_CHECKPOINT"] = name


def cache_folder() -> Path:
    """Returns LATENT_CACHE_DIR, the folder for downloads and computed files; it need not exist yet.

    If it cannot be read, returns a path below which nothing exists and nothing can be created.
    """
    path, reason = _cache()
    return NOWHERE if reason else path


def cache_name() -> str:
    """Returns the name of the cache folder for messages."""
    return _text("LATENT_CACHE_DIR") or CACHE


def cache_problem() -> str | None:
    """Returns why the cache folder cannot be written, and what to do; None if it can."""
    path, reason = _cache()
    if reason is None:
        existing = path
        while not os.path.lexists(existing) and existing != existing.parent:
            existing = existing.parent
        if not os.path.isdir(existing):
            reason = f"{'it' if existing == path else existing} is not a folder"
        elif not os.access(existing, os.W_OK | os.X_OK):
            reason = "permission denied"
    if reason is None:
        return None
    return (
        f"The cache folder {path} cannot be written: {reason}. "
        "Set LATENT_CACHE_DIR to a folder that can be written."
    )


def _cache() -> tuple[Path, str | None]:
    """Returns the cache folder, and why it cannot be read; None if it can, or does not exist."""
    path = _expanded(cache_name())
    if str(path).startswith("~"):
        return path, "there is no home directory"
    try:
        os.stat(path)
    except OSError as error:
        return path, None if error.errno in ABSENT else (error.strerror or str(error)).lower()
    return path, None


def mirror(name: str) -> str:
    """Returns the address in `LATENT_..._MIRROR` for a download; empty if unset."""
    return _text(name)


# The machine


def device(name: str | None = None, source: str = "LATENT_DEVICE") -> torch.device:
    """Returns the device to compute on.

    Arguments:
        name: A device such as "cuda", "cuda:1", "mps" or "cpu"; LATENT_DEVICE if None. If empty, the first of CUDA,
            MPS and CPU that this machine has.
        source: Origin of the name, for the message.

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
        return torch.device(next(kind for kind, available in usable.items() if available))
    kind, _, index = name.lower().partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if not usable.get(kind, False) or (":" in name and not (index.isdecimal() and int(index) < count)):
        choices = ", ".join(kind for kind, available in usable.items() if available)
        raise SettingError(
            f"{source} must be one of: {choices}. Got {name[:SHOWN]!r}. Correct it, or leave it out to use the "
            "fastest device of this machine."
        )
    return torch.device(name.lower())


def memory_mb() -> int:
    """Returns LATENT_MEMORY_MB, the memory for loaded models in MiB.

    Raises:
        SettingError: If it is not an integer above 0.
    """
    value = _text("LATENT_MEMORY_MB")
    if not value:
        return MEMORY_MB
    if not (value.isascii() and value.isdecimal() and int(value) > 0):
        raise SettingError(
            f"LATENT_MEMORY_MB must be a whole number of MiB above 0, such as {MEMORY_MB}. Got {value[:SHOWN]!r}."
        )
    return int(value)


def job_niceness() -> int:
    """Returns LATENT_JOB_NICENESS, how far background jobs yield to a drag: 0 (not at all) to 19 (idle cores only).

    Raises:
        SettingError: If it is not an integer from 0 to 19.
    """
    value = _text("LATENT_JOB_NICENESS")
    if not value:
        return JOB_NICENESS
    if not (value.isascii() and value.isdecimal() and int(value) <= LOWEST):
        raise SettingError(
            f"LATENT_JOB_NICENESS must be a whole number from 0 to {LOWEST}, such as {JOB_NICENESS}. "
            f"Got {value[:SHOWN]!r}."
        )
    return int(value)


# The network


def allowed_origins() -> set[str]:
    """Returns LATENT_ALLOWED_ORIGINS, origins separated by commas or blanks, such as https://faces.example.org."""
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
    """Parses "scheme://host[:port]" to host and port; None for anything else."""
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
