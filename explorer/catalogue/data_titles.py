"""What data sets are called on a page."""

from __future__ import annotations

from typing import Any

__all__ = ["DATA_TITLES", "data_title"]

DATA_TITLES = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "faces": "Faces",
    "frey-faces": "Frey faces",
    "lpc-sprites": "Sprites",
    "digits": "Digits",
}


def data_title(data: dict[str, Any]) -> str:
    """What a card's data set is called, with its options."""
    title = DATA_TITLES.get(data["name"], data["name"])
    options = ", ".join(f"{name} {value}" for name, value in sorted(data.get("options", {}).items()))
    return f"{title} ({options})" if options else title
