"""The sequences shown to a sequence model: the test split of its data set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from explorer.latent.attribute_values import value_text
from explorer.scene.tracking import Bead, Digit, Mover
from models.card import Card
from models.data import SequenceData, data_available, load_sequences
from models.data.oscillator import PERIOD

__all__ = ["SPLIT", "SequenceCollection", "sequences_of"]

SPLIT = "test"  # never used in training
KEPT = 3  # cached data sets; each holds only the parameters of its frames


@dataclass(frozen=True, eq=False)
class SequenceCollection:
    """Sequences of a data set, and the known motion in them."""

    data: SequenceData
    mover: Mover | None  # the moving object, if its motion is known

    def frames(self, number: int) -> NDArray[np.uint8]:
        """The frames of one sequence, (T, H, W, C).

        Raises:
            ValueError: If there is no such sequence.
        """
        self.check(number)
        return cast("NDArray[np.uint8]", self.data.frames([number])[0])

    def check(self, number: int) -> None:
        """Raises ValueError if there is no sequence of this number."""
        if not 0 <= number < len(self.data):
            raise ValueError(f"`sequence` must be one of 0..{len(self.data) - 1}. Got {number}.")

    def labels(self, number: int) -> dict[str, str]:
        """The attributes of a sequence, for display."""
        shown = {each.title: value_text(each, number, ".4g") for each in self.data.attributes.values()}
        return {title: text for title, text in shown.items() if text}


def sequences_of(card: Card) -> SequenceCollection:
    """The sequences of a checkpoint's data set, read once and cached.

    Raises:
        ValueError: If they are not on this machine; the message says which and what to do.
    """
    name, options = card.data["name"], card.data.get("options", {})
    if reason := data_available(name, **options):
        raise ValueError(reason)
    return _read(name, json.dumps(options, sort_keys=True))


@lru_cache(maxsize=KEPT)
def _read(name: str, options: str) -> SequenceCollection:
    chosen = json.loads(options)
    data = load_sequences(name, SPLIT, **chosen)
    mover: Mover | None = None
    if name == "moving-digits":
        mover = Digit(
            load_sequences(name, SPLIT, **(chosen | {"noise": 0.0})) if chosen.get("noise") else data
        )
    elif name == "oscillator":
        mover = Bead(data, chosen.get("period", PERIOD))
    return SequenceCollection(data, mover)
