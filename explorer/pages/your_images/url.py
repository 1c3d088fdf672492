"""The address of the Your images page: which images are open, and which training is watched."""

from __future__ import annotations

from dataclasses import dataclass

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


def read() -> Asked:
    """From the address; where it names nothing, the images that the command line opened."""
    asked = address.parameters()
    run = asked.get("run", "")
    if "path" not in asked:
        path, labels = image_sources.at_start() or ("", "")
        return Asked(path, labels, run if NAME.fullmatch(run) else "")
    return Asked(asked["path"], asked.get("labels", ""), run if NAME.fullmatch(run) else "")


def query(asked: Asked) -> dict[str, str]:
    """The parameters that ask for it."""
    fields = {"path": asked.path, "labels": asked.labels, "run": asked.run}
    return {name: value for name, value in fields.items() if value}
