"""Titles of data sets, and which checkpoints share the same images."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from models.card import Card
from models.data import OWN

__all__ = ["DATA_TITLES", "data_name", "data_title", "pictures_key"]

DATA_TITLES = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "faces": "Faces",
    "frey-faces": "Frey faces",
    "fruits-360": "Fruits",
    "lpc-sprites": "Sprites",
    "digits": "Digits",
}
# Options of the user's own images that affect only the shape of the images.
SHAPE_OPTIONS = ("size", "height", "width", "channels")
TITLE_LENGTH = 48  # characters of the title of own images


def data_title(data: dict[str, Any]) -> str:
    """Title of a card's data set with its options; for the user's own images, their folder or file name."""
    options = data.get("options", {})
    if data["name"] == OWN:
        path = PurePath(str(options.get("path", "")).replace("\\", "/"))
        title = "".join(letter if letter.isprintable() else " " for letter in path.stem or path.name)
        return title.strip()[:TITLE_LENGTH] or "Own images"
    title = DATA_TITLES.get(data["name"], data["name"])
    text = ", ".join(f"{name} {value}" for name, value in sorted(options.items()))
    return f"{title} ({text})" if text else title


def data_name(data: dict[str, Any]) -> str:
    """Name of a card's data set; for the user's own images their title, as they all have the same name."""
    return data_title(data) if data["name"] == OWN else str(data["name"])


def pictures_key(card: Card) -> str:
    """A key that is equal for checkpoints with the same images, of the same size and numbering."""
    name, options = card.data["name"], card.data.get("options", {})
    if name == OWN:
        options = {key: value for key, value in options.items() if key not in SHAPE_OPTIONS}
    return json.dumps([name, options, card.config.get("image_shape")], sort_keys=True)
