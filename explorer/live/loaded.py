"""A checkpoint in memory: decoder, atlas, directions, neighbours, originals and views."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.atlas import ATLAS, Atlas, load_atlas
from explorer.latent.directions import Direction, attribute_directions
from explorer.latent.nearby import Nearby
from explorer.latent.neighbours import Neighbours
from explorer.live.decoder import Decoder, Encoder
from explorer.live.originals import Originals
from models import checkpoint
from models.checkpoint import CheckpointError, Entry

if TYPE_CHECKING:
    from explorer.live.views import View

__all__ = ["Loaded", "UnknownModel", "attribute_values", "find", "load", "stamp"]

VIEWS_AT_MOST = 16


class UnknownModel(ValueError):
    """There is no checkpoint of this name."""


@dataclass(eq=False)
class Loaded:
    """A model and its atlas, shared by all sessions; nothing of it is changed after loading but its
    caches.
    """

    entry: Entry
    decoder: Decoder
    atlas: Atlas
    directions: dict[str, Direction]
    neighbours: Neighbours
    originals: Originals
    views: OrderedDict[str, View] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)  # of `views`
    making: threading.Lock = field(default_factory=threading.Lock)  # held while a view is made

    def __post_init__(self) -> None:
        self.encoder = Encoder(self.decoder)
        self.rows = {name: row for row, name in enumerate(self.directions)}
        self.nearby = Nearby(self.neighbours)
        vectors = [direction.vector for direction in self.directions.values()]
        self.matrix: NDArray[np.float32] = (
            np.stack(vectors) if vectors else np.zeros((0, self.latent), np.float32)
        )

    @property
    def name(self) -> str:
        """The checkpoint's name."""
        return self.entry.name

    @property
    def version(self) -> str:
        """Changes with the weights."""
        return self.entry.version

    @property
    def count(self) -> int:
        """Items of the atlas."""
        return len(self.atlas.ids)

    @property
    def latent(self) -> int:
        """Numbers in a latent."""
        return self.decoder.latent

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a picture."""
        return self.decoder.shape

    @property
    def nbytes(self) -> int:
        """Memory it takes, roughly; mapped originals are not counted, the system may drop them."""
        atlas = self.atlas
        arrays: list[NDArray[Any]] = [atlas.mean, atlas.ids, atlas.neighbour_distance, self.matrix]
        arrays += [] if atlas.std is None else [atlas.std]
        arrays += [*atlas.maps.values(), *atlas.scores.values()]
        arrays += [attribute.values for attribute in atlas.attributes.values()]
        with self.lock:
            views = sum(view.nbytes for view in self.views.values())
        # The neighbours hold the codes twice.
        return (
            self.decoder.nbytes
            + sum(a.nbytes for a in arrays)
            + 2 * atlas.mean.nbytes
            + self.nearby.nbytes
            + views
        )


def find(name: str) -> Entry:
    """The checkpoint of this name, never a path.

    Raises:
        UnknownModel: If there is none.
        CheckpointError: If it is broken, with the reason.
    """
    if not checkpoint.NAME.fullmatch(name) or not any((r / name).is_dir() for r in checkpoint.roots()):
        names = ", ".join(entry.name for entry in checkpoint.scan() if not entry.error)
        raise UnknownModel(f"Unknown model {name[:64]!r}. Choose one of: {names or 'none is there yet'}.")
    return checkpoint.read(name)


def stamp(entry: Entry) -> tuple[object, ...]:
    """Changes whenever the checkpoint's weights or atlas do."""
    try:
        facts = (entry.path / ATLAS).stat()
    except OSError:
        return (entry.path, entry.version)
    return (entry.path, entry.version, facts.st_mtime_ns, facts.st_size)


def load(entry: Entry, device: torch.device) -> Loaded:
    """Loads a checkpoint and prepares what every frame needs.

    Raises:
        CheckpointError: If its weights or atlas can not be used, with the reason and what to do.
    """
    try:
        atlas = load_atlas(entry)
        decoder = Decoder(checkpoint.load(entry.path), device)
        if atlas.mean.shape[1] != decoder.latent:
            raise CheckpointError(
                f"The atlas of {entry.name} must have latents of {decoder.latent} numbers. "
                f"Got {atlas.mean.shape[1]}. "
                f"Build it anew: `python -m explorer.atlas {entry.name}`."
            )
        return Loaded(
            entry,
            decoder,
            atlas,
            attribute_directions(atlas.mean, atlas.attributes),
            Neighbours(atlas.mean, atlas.neighbour_distance),
            Originals(entry, atlas.ids, atlas.split, decoder.shape),
        )
    except CheckpointError:
        raise
    except (ValueError, OSError, RuntimeError) as error:
        raise CheckpointError(str(error)) from error


def attribute_values(loaded: Loaded, name: str) -> NDArray[np.float32] | None:
    """Values of an attribute or a score as float32, shape (N,); None if there is none of this
    name.
    """
    atlas = loaded.atlas
    if name in atlas.attributes:
        return atlas.attributes[name].values.astype(np.float32)
    if name in atlas.scores:
        return atlas.scores[name].astype(np.float32)
    return atlas.neighbour_distance.astype(np.float32) if name == "neighbour_distance" else None
