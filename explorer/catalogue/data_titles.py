"""What data sets are called on a page, and which of them have the same pictures."""

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
# Options of own images that decide nothing but the shape of the pictures.
SHAPE_OPTIONS = ("size", "height", "width", "channels")
TITLE_LENGTH = 48  # characters of the title of own images


def data_title(data: dict[str, Any]) -> str:
    """What a card's data set is called, with its options; somebody's own images by the name of their folder or file."""
    options = data.get("options", {})
    if data["name"] == OWN:
        path = PurePath(str(options.get("path", "")).replace("\\", "/"))
        title = "".join(letter if letter.isprintable() else " " for letter in path.stem or path.name)
        return title.strip()[:TITLE_LENGTH] or "Own images"
    title = DATA_TITLES.get(data["name"], data["name"])
    told = ", ".join(f"{name} {value}" for name, value in sorted(options.items()))
    return f"{title} ({told})" if told else title


def data_name(data: dict[str, Any]) -> str:
    """The name of a card's data set; of somebody's own images the title, as they all have one name."""
    return data_title(data) if data["name"] == OWN else str(data["name"])


def pictures_key(card: Card) -> str:
    """Equal for checkpoints that have the same pictures of the same size, under the same numbers."""
    name, options = card.data["name"], card.data.get("options", {})
    if name == OWN:
        options = {key: value for key, value in options.items() if key not in SHAPE_OPTIONS}
    return json.dumps([name, options, card.config.get("image_shape")], sort_keys=True)
