"""The address of the Your images page: which images are open, and which training is watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explorer.addresses import read_parts
from explorer.jobs import image_sources
from explorer.pages.shared import address
from models.card import NAME

__all__ = ["Asked", "query", "read"]


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    path: str = ""  # of the images; "" for none
    labels: str = ""  # a table of labels
    run: str = ""  # a training of them


def read() -> tuple[Asked, list[str]]:
    """From the address, with a sentence for each invalid part; without a path, the images of the command line."""
    parameters = address.parameters()
    start = Asked() if "path" in parameters else Asked(*(image_sources.at_start() or ("", "")))
    return read_parts(parameters, start, READERS)


def _path(name: str, text: str) -> dict[str, str]:
    if any(not letter.isprintable() for letter in text):
        raise ValueError(f"`{name}` must be a printable path. Got {text!r:.80}.")
    return {name: text}


def _run(text: str) -> dict[str, str]:
    if not NAME.fullmatch(text):
        raise ValueError(f"`run` must be the name of a training. Got {text!r:.80}.")
    return {"run": text}


READERS: dict[str, Callable[[str, Asked], dict[str, str]]] = {
    "path": lambda text, _: _path("path", text),
    "labels": lambda text, _: _path("labels", text),
    "run": lambda text, _: _run(text),
}


def query(asked: Asked) -> dict[str, str]:
    """The parameters that ask for it."""
    fields = {"path": asked.path, "labels": asked.labels, "run": asked.run}
    return {name: value for name, value in fields.items() if value}
