"""A loaded checkpoint: decoder, atlas, directions, neighbours, originals, views, and its workspace."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.atlas.neighbour_index import neighbour_search
from explorer.atlas.storage import Atlas, load_atlas
from explorer.fields import FIRST_OWN
from explorer.inference.decoder import Decoder, Encoder
from explorer.latent.blocks import moments
from explorer.latent.directions.mean_difference import Direction, attribute_directions
from explorer.latent.neighbours.exact import NeighbourSearch
from explorer.latent.neighbours.metric import draw_distances, metric_of
from explorer.latent.neighbours.moving import Nearby
from explorer.latent.statistics.dimensions import Weighed, weigh
from explorer.latent.text_search import TextSearch
from explorer.scene.originals import Originals
from explorer.scene.view import View
from explorer.workspace import storage
from explorer.workspace.storage import Group, OwnPicture, Pin
from models import checkpoint
from models.card import ATLAS, NAME, CheckpointError, Entry, roots
from models.data import OWN

__all__ = ["Loaded", "UnknownModel", "attribute_values", "find", "load", "neighbours_of", "stamp"]

VIEWS_AT_MOST = 16
NUMBER = re.compile(r"#?[0-9]{1,18}")


class UnknownModel(ValueError):
    """There is no checkpoint of this name."""


@dataclass(eq=False)
class Loaded:
    """A model and its atlas, shared by all connections.

    After loading only the caches and the workspace change: `directions`, `groups` and `own` are then replaced
    as a whole, never mutated, so readers need no lock.
    """

    entry: Entry
    decoder: Decoder
    atlas: Atlas
    directions: Mapping[str, Direction]  # of the attributes, then saved ones
    neighbours: NeighbourSearch
    originals: Originals
    groups: Mapping[str, Group] = field(default_factory=dict)
    own: Mapping[int, OwnPicture] = field(default_factory=dict)  # by number, from `FIRST_OWN`
    pins: tuple[Pin, ...] = ()  # on the shelf
    views: OrderedDict[str, View] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)  # of `views`
    making: threading.Lock = field(default_factory=threading.Lock)  # held while a view is computed
    near: NDArray[np.int32] | None = None  # neighbours of the `compared_rows`; computed on first use
    trust_lock: threading.Lock = field(default_factory=threading.Lock)  # of `near` and of a map's trust
    keeping: threading.Lock = field(default_factory=threading.Lock)  # held while the workspace is written
    stamp: tuple[object, ...] = ()  # `stamp` of the loaded files

    @cached_property
    def euclidean(self) -> NeighbourSearch:
        """The neighbour search in Euclidean distance, used by the score "Distance to neighbours"."""
        return neighbour_search(self.atlas.mean, mark=self.stamp)

    def __post_init__(self) -> None:
        self.encoder = Encoder(self.decoder)
        self.nearby = Nearby(self.neighbours)

    @property
    def name(self) -> str:
        """The checkpoint's name."""
        return self.entry.name

    @property
    def version(self) -> str:
        """Identifies the weights, and for the user's own images also the atlas."""
        card = self.entry.card
        if card is None or card.data["name"] != OWN:
            return self.entry.version
        return f"{self.entry.version}-{hashlib.sha256(repr(self.stamp[1:]).encode()).hexdigest()[:8]}"

    @property
    def count(self) -> int:
        """Number of items in the atlas."""
        return len(self.atlas.ids)

    @property
    def latent(self) -> int:
        """Dimensions of a latent."""
        return self.decoder.latent

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a picture."""
        return self.decoder.shape

    def has(self, item: int) -> bool:
        """Whether an item exists: a row of the atlas, or an upload."""
        return 0 <= item < self.count or item in self.own

    def latents(self, items: Sequence[int]) -> NDArray[np.float32]:
        """Latents (M, D) of items, including uploads."""
        if max(items, default=0) < FIRST_OWN:
            return self.atlas.mean[list(items)]
        return np.stack([self.own[i].z if i >= FIRST_OWN else self.atlas.mean[i] for i in items])

    def name_of(self, item: int) -> str:
        """An item's display name: "test 3518", or the title of an upload."""
        return self.own[item].title if item in self.own else self.atlas.names.name(item)

    def token_of(self, item: int) -> str:
        """An item's name in a URL: "test-3518", or the number of an upload."""
        return self.atlas.names.token(item) if 0 <= item < self.count else str(item)

    def find_item(self, text: str) -> int:
        """Finds an item by name, by number if that is unique, by its file, or by the title of an upload.

        Raises:
            ValueError: If there is none or more than one; the message says which.
        """
        text, names = text.strip()[:100], self.atlas.names
        item = names.find(text)
        if item is not None:
            return item
        titled = [own.item for own in self.own.values() if own.title.casefold() == text.casefold()]
        if titled:
            return titled[0]
        if files := self.atlas.texts.get("file"):
            same = [row for row, file in enumerate(files.values) if text in (file, file.rpartition("/")[2])]
            if len(same) == 1:
                return same[0]
        if not NUMBER.fullmatch(text):
            raise ValueError(
                f"There is no item {text[:40]!r}. {names.extent} Type a name such as {names.name(0)}."
            )
        number = int(text.removeprefix("#"))
        if number in self.own:
            return number
        rows = names.rows(number, number)
        if len(rows) != 1:
            candidates = " and ".join(names.name(int(row)) for row in rows)
            problem = (
                f"{number} may be {candidates}: add the split."
                if candidates
                else f"There is no item {number}. {names.extent}"
            )
            raise ValueError(problem)
        return int(rows[0])

    def keep_direction(self, direction: Direction) -> None:
        """Saves a direction in the workspace, replacing one of the same name.

        Raises:
            ValueError: If it is invalid, or there are too many.
        """
        if direction.vector.shape != (self.latent,):
            raise ValueError(f"`vector` must have the shape ({self.latent},). Got {direction.vector.shape}.")
        with self.keeping:
            storage.write_direction(self.entry, direction)
            others = {name: kept for name, kept in self.directions.items() if name != direction.name}
            self.directions = {**others, direction.name: direction}
        self._forget_planes(direction.name)

    def drop_direction(self, name: str) -> None:
        """Deletes a saved direction; attribute directions stay."""
        with self.keeping:
            storage.remove_direction(self.entry, name)
            self.directions = {
                k: v for k, v in self.directions.items() if not (k == name and v.kind == "own")
            }
        self._forget_planes(name)

    def _forget_planes(self, name: str) -> None:
        """Discards the views that use a direction that has changed."""
        with self.lock:
            for view in [v for v in self.views if name in v.removeprefix("plane-").split("--")]:
                del self.views[view]

    def keep_group(self, group: Group) -> None:
        """Saves a group of images in the workspace, replacing one of the same name.

        Raises:
            ValueError: If it has items outside the atlas, or there are too many.
        """
        if group.items[0] < 0 or group.items[-1] >= self.count:
            raise ValueError(f"`items` must be rows of the collection, 0 to {self.count - 1}.")
        with self.keeping:
            groups = {**self.groups, group.name: group}
            storage.write_groups(self.entry, groups.values(), self.count)
            self.groups = groups

    def drop_group(self, name: str) -> None:
        """Deletes a group if it exists."""
        with self.keeping:
            groups = {k: v for k, v in self.groups.items() if k != name}
            storage.write_groups(self.entry, groups.values(), self.count)
            self.groups = groups

    def keep_own(self, title: str, picture: NDArray[np.uint8], z: NDArray[np.float32]) -> OwnPicture:
        """Saves an upload (H, W, C) and its latent (D,) as an item.

        If another upload has the same title, a number is added, as in "Photo (2)", so that titles are unique.

        Raises:
            ValueError: If a shape does not match the model, or there are too many uploads.
        """
        channels, height, width = self.shape
        if picture.shape != (height, width, channels) or z.shape != (self.latent,):
            raise ValueError(
                f"`picture` and `z` must have the shapes {(height, width, channels)} and ({self.latent},). "
                f"Got {picture.shape} and {z.shape}."
            )
        with self.keeping:
            number = storage.own_of(title, picture, z).item
            taken = {own.title.casefold() for own in self.own.values() if own.item != number}
            own = storage.write_own(self.entry, storage.free_title(title, taken), picture, z)
            self.own = {**self.own, own.item: own}
        return own

    def drop_own(self, item: int) -> None:
        """Deletes an upload if it exists."""
        with self.keeping:
            storage.remove_own(self.entry, item)
            self.own = {k: v for k, v in self.own.items() if k != item}

    def keep_pin(self, pin: Pin) -> None:
        """Pins something to the shelf; pinning it again moves it to the end.

        Raises:
            ValueError: If the shelf is full.
        """
        with self.keeping:
            pins = (*(each for each in self.pins if each != pin), pin)
            storage.write_pins(self.entry, pins)
            self.pins = pins

    def drop_pin(self, pin: Pin) -> None:
        """Removes a pin from the shelf if it exists."""
        with self.keeping:
            pins = tuple(each for each in self.pins if each != pin)
            storage.write_pins(self.entry, pins)
            self.pins = pins

    @cached_property
    def weighed(self) -> Weighed:
        """The dimensions of the latent space by importance."""
        return weigh(self.atlas.mean, self.atlas.std)

    @cached_property
    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance of each dimension over the images, shape (D,) each."""
        return moments(self.atlas.mean)

    @cached_property
    def text_searches(self) -> tuple[TextSearch, ...]:
        """The texts of the images, ready to be searched."""
        return tuple(TextSearch(texts.values) for texts in self.atlas.texts.values())

    @property
    def nbytes(self) -> int:
        """Approximate memory use, bytes; without memory-mapped originals and latents, which the system can evict."""
        atlas = self.atlas
        arrays: list[NDArray[Any]] = [atlas.ids, atlas.neighbour_distance]
        arrays += [direction.vector for direction in self.directions.values()]
        arrays += [each for each in (atlas.mean, atlas.std) if each is not None and not atlas.mapped]
        arrays += [*atlas.maps.values(), *atlas.scores.values()]
        arrays += [attribute.values for attribute in atlas.attributes.values()]
        with self.lock:
            views = sum(view.nbytes for view in self.views.values())
        return (
            self.decoder.nbytes
            + sum(a.nbytes for a in arrays)
            + self.neighbours.nbytes
            + self.nearby.nbytes
            + views
        )


def find(name: str) -> Entry:
    """Finds a checkpoint by name; a path is never accepted.

    Raises:
        UnknownModel: If there is none.
        CheckpointError: If it cannot be used; the message gives the reason.
    """
    if not NAME.fullmatch(name) or not any((r / name).is_dir() for r in roots()):
        names = ", ".join(entry.name for entry in checkpoint.scan() if not entry.error)
        raise UnknownModel(f"Unknown model {name[:64]!r}. Choose one of: {names or 'none exists yet'}.")
    return checkpoint.read(name)


def stamp(entry: Entry) -> tuple[object, ...]:
    """Changes whenever the checkpoint's weights or atlas change."""
    try:
        facts = (entry.path / ATLAS).stat()
    except OSError:
        return (entry.path, entry.version)
    return (entry.path, entry.version, facts.st_mtime_ns, facts.st_size)


def load(entry: Entry, device: torch.device) -> Loaded:
    """Loads a checkpoint and builds its neighbour index.

    Raises:
        CheckpointError: If its weights or atlas cannot be used; the message gives the reason and what to do.
    """
    try:
        mark = stamp(entry)
        atlas = load_atlas(entry)
        decoder = Decoder(checkpoint.load(entry.path), device)
        if atlas.mean.shape[1] != decoder.latent:
            raise CheckpointError(
                f"The atlas of {entry.name} must have latents of {decoder.latent} numbers. "
                f"Got {atlas.mean.shape[1]}. "
                f"Rebuild it: `python -m explorer.atlas {entry.name}`."
            )
        return Loaded(
            entry,
            decoder,
            atlas,
            attribute_directions(atlas.mean, atlas.attributes)
            | storage.read_directions(entry, decoder.latent),
            neighbours_of(atlas, decoder.model.spec.has_distance_gauge, mark),
            Originals(entry, atlas.ids, atlas.split, decoder.shape),
            storage.read_groups(entry, len(atlas.ids)),
            storage.read_own(entry, decoder.shape, decoder.latent),
            storage.read_pins(entry),
            stamp=mark,
        )
    except CheckpointError:
        raise
    except (ValueError, OSError, RuntimeError) as error:
        raise CheckpointError(str(error)) from error


def neighbours_of(atlas: Atlas, has_distance_gauge: bool, mark: object = None) -> NeighbourSearch:
    """The neighbour search of an atlas, in the metric of the gauge if the model has one.

    Arguments:
        atlas: The atlas.
        has_distance_gauge: Whether the model has a gauge.
        mark: Identifies the atlas, so that a large one's index is kept in the cache.
    """
    if not has_distance_gauge:
        return neighbour_search(atlas.mean, mark=mark)
    metric = metric_of(atlas.mean, atlas.std)
    search = neighbour_search(atlas.mean, metric, mark)
    held_out = np.fromiter((split == "test" for split in atlas.split), bool, len(atlas))
    all_distances = None if search.exact else search
    search.refer_to(draw_distances(atlas.mean, atlas.std, held_out, metric, search=all_distances))
    return search


def attribute_values(loaded: Loaded, name: str) -> NDArray[np.float32] | None:
    """Values of an attribute or a score, float32 (N,), NaN where missing; None if there is no such name."""
    atlas = loaded.atlas
    attribute = atlas.attributes.get(name)
    if attribute is not None:
        return np.where(attribute.known, attribute.values, np.nan).astype(np.float32)
    if name in atlas.scores:
        return atlas.scores[name].astype(np.float32)
    return atlas.neighbour_distance.astype(np.float32) if name == "neighbour_distance" else None
