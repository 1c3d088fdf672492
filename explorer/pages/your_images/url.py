"""The address of the Your images page: which images are open, and which training is watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explorer.addresses import read_parts
from explorer.jobs import image_sources
from explorer.pages.shared import address
from models.card import NAME

__all__ = ["Shown", "query", "read"]


@dataclass(frozen=True)
class Shown:
    """What the page shows."""

    path: str = ""  # of the images; "" for none
    labels: str = ""  # a table of labels
    run: str = ""  # name of a training on them


def read() -> tuple[Shown, list[str]]:
    """Reads the address, with a message for each invalid parameter.

    Without a path, the images are those given on the command line.
    """
    parameters = address.parameters()
    start = Shown() if "path" in parameters else Shown(*(image_sources.at_start() or ("", "")))
    return read_parts(parameters, start, READERS)


def _path(name: str, text: str) -> dict[str, str]:
    if any(not letter.isprintable() for letter in text):
        raise ValueError(f"`{name}` must be a printable path. Got {text!r:.80}.")
    return {name: text}


def _run(text: str) -> dict[str, str]:
    if not NAME.fullmatch(text):
        raise ValueError(f"`run` must be the name of a training. Got {text!r:.80}.")
    return {"run": text}


READERS: dict[str, Callable[[str, Shown], dict[str, str]]] = {
    "path": lambda text, _: _path("path", text),
    "labels": lambda text, _: _path("labels", text),
    "run": lambda text, _: _run(text),
}


def query(shown: Shown) -> dict[str, str]:
    """The address's parameters."""
    fields = {"path": shown.path, "labels": shown.labels, "run": shown.run}
    return {name: value for name, value in fields.items() if value}
