"""Storage of the workspace of a checkpoint: the user's directions, groups of images, uploads and pins.

Each checkpoint, in each version of its weights, has a folder in the cache, shared by links, pages and processes:

    belongings/NAME-VERSION/directions/own-smile.safetensors   the vector, with name, title and origin
    belongings/NAME-VERSION/own/1073741824.safetensors         an upload and its latent
    belongings/NAME-VERSION/groups.json
    belongings/NAME-VERSION/shelf.json

Every file is validated when it is read; an invalid file is ignored with a warning in the log.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Container, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType
from numpy.typing import NDArray
from safetensors.numpy import save as pack

from explorer.fields import (
    FIRST_OWN,
    ITEM_LIMIT,
    OWN_SLUG,
    TITLE_LENGTH,
    Item,
    Note,
    OwnSlug,
    Title,
)
from explorer.latent.directions.mean_difference import Direction, slug
from models.card import Entry
from models.data.locations import cache_folder
from models.system.files import remove_file, replace_file
from models.system.json_input import read_json, read_object, read_tensors
from models.system.schema import check, read

__all__ = [
    "DIRECTIONS_AT_MOST",
    "GROUPS_AT_MOST",
    "OWN_AT_MOST",
    "PINS_AT_MOST",
    "Group",
    "OwnPicture",
    "Pin",
    "own_slug",
    "pack_direction",
    "read_directions",
    "read_groups",
    "read_own",
    "read_pins",
    "remove_direction",
    "remove_own",
    "unpack_direction",
    "write_direction",
    "write_groups",
    "write_own",
    "write_pins",
]

LOG = logging.getLogger(__name__)

DIRECTIONS_AT_MOST = 48
GROUPS_AT_MOST = 100
OWN_AT_MOST = 200
PINS_AT_MOST = 40
FILE_AT_MOST = 1 << 24  # bytes
ADDRESS_AT_MOST = 4000  # characters

GroupName = Annotated[
    str,
    Meta(
        pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z",
        max_length=TITLE_LENGTH,
        description="lower-case letters, digits and dashes",
    ),
]
PinKind = Literal["item", "direction", "view"]
Pinned = str | dict[str, str]
Count = Annotated[int, Meta(ge=0, le=ITEM_LIMIT - 1)]

# The value of a pin of each kind.
PINNED: dict[PinKind, Any] = {
    "item": Annotated[str, Meta(pattern=r"\A[0-9]{1,100}\Z", description="the number of an item")],
    "direction": Annotated[
        str, Meta(min_length=1, max_length=100, description="the name of a direction of 1 to 100 characters")
    ],
    "view": Annotated[
        dict[str, str],
        Meta(min_length=1, max_length=20, description="the 1 to 20 parameters of an address"),
    ],
}


@dataclass(frozen=True)
class Group:
    """A named group of images of the collection."""

    name: GroupName  # unique in its checkpoint
    title: Title
    items: Annotated[tuple[Item, ...], Meta(min_length=1)]  # rows of the atlas, ascending
    note: Note = ""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class OwnPicture:
    """An upload: a picture outside the collection, uploaded, drawn, or saved from samples."""

    item: int  # its number, from `FIRST_OWN`
    title: str
    picture: NDArray[np.uint8]  # (H, W, C)
    z: NDArray[np.float32]  # (D,), its latent


@dataclass(frozen=True)
class Pin:
    """An entry on the shelf."""

    kind: PinKind
    title: Title
    value: Pinned  # an item's number, a direction's slug, or the URL parameters of a view

    def __post_init__(self) -> None:
        check(self)
        read(self.value, PINNED[self.kind], "A pin", "value")
        size = sum(map(len, [*self.value, *self.value.values()])) if isinstance(self.value, dict) else 0
        if size > ADDRESS_AT_MOST:
            raise ValueError(
                f"`value` must be an address of at most {ADDRESS_AT_MOST} characters. Got {size}."
            )


class _About(Struct, frozen=True):
    """The metadata of a direction file."""

    name: OwnSlug
    title: Title | UnsetType = UNSET
    made: Note = ""
    count_with: Count = 0
    count_without: Count = 0


Groups = Annotated[tuple[Group, ...], Meta(max_length=GROUPS_AT_MOST)]
Pins = Annotated[tuple[Pin, ...], Meta(max_length=PINS_AT_MOST)]


def own_slug(title: str, taken: Container[str]) -> str:
    """A unique slug for a saved direction: "own-smile", or "own-smile-2" if that exists."""
    base = "own-" + (slug(title)[:60].strip("-") or "direction")
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


# Directions


def pack_direction(entry: Entry, direction: Direction) -> bytes:
    """A direction as a safetensors file that names its checkpoint and the hash of the weights."""
    about = {k: v for k, v in vars(direction).items() if k != "vector"}
    facts = {"checkpoint": entry.name, "weights_sha256": _weights(entry), "direction": json.dumps(about)}
    return pack({"vector": np.ascontiguousarray(direction.vector, np.float32)}, facts)


def unpack_direction(entry: Entry, data: bytes) -> Direction:
    """Reads a file written by `pack_direction`.

    Raises:
        ValueError: If it belongs to another checkpoint, or is not a direction file.
    """
    tensors, facts = read_tensors(data, "A direction", FILE_AT_MOST)
    if facts.get("weights_sha256") != _weights(entry):
        known = f"{facts.get('checkpoint', 'an unnamed one')[:64]} ({facts.get('weights_sha256', '')[:12]})"
        raise ValueError(
            f"The direction belongs to another checkpoint, {known}; this is {entry.name} "
            f"({_weights(entry)[:12]}). A direction has no meaning in another latent space."
        )
    return direction_of(
        tensors.get("vector"), read_object(facts.get("direction", ""), "The direction's metadata")
    )


def direction_of(vector: Any, about: dict[str, Any]) -> Direction:
    """Builds a direction from the untrusted contents of a file.

    Raises:
        ValueError: For the first invalid field, by name.
    """
    if not isinstance(vector, np.ndarray) or vector.ndim != 1 or vector.dtype != np.float32:
        raise ValueError("`vector` must be float32 of the shape (D,).")
    if not np.isfinite(vector).all() or not vector.any():
        raise ValueError("`vector` must be finite and not zero.")
    told = read(about, _About, "A direction")
    title = told.name if told.title is UNSET else told.title
    return Direction(vector, told.name, title, "Yours", told.count_with, told.count_without, "own", told.made)


def write_direction(entry: Entry, direction: Direction) -> None:
    """Saves a direction, replacing one of the same name.

    Raises:
        ValueError: If it is invalid, or there are too many.
    """
    about = {k: v for k, v in vars(direction).items() if k != "vector"}
    direction_of(np.asarray(direction.vector), about)
    folder = _folder(entry) / "directions"
    _room(folder, f"{direction.name}.safetensors", DIRECTIONS_AT_MOST, "directions")
    packed = pack_direction(entry, direction)
    replace_file(folder / f"{direction.name}.safetensors", lambda path: path.write_bytes(packed))


def read_directions(entry: Entry, size: int) -> dict[str, Direction]:
    """The saved directions of a checkpoint with `size` dimensions, by name, oldest first."""
    directions = {}
    for path in sorted(_files(_folder(entry) / "directions"), key=_written):
        try:
            direction = unpack_direction(entry, _bytes(path))
            if len(direction.vector) == size and direction.name == path.stem:
                directions[direction.name] = direction
        except (ValueError, OSError) as error:
            LOG.warning("%s is ignored: %s", path, error)
    return directions


def remove_direction(entry: Entry, name: str) -> None:
    """Deletes a direction if it exists."""
    if OWN_SLUG.fullmatch(name):
        remove_file(_folder(entry) / "directions" / f"{name}.safetensors")


# Groups


def write_groups(entry: Entry, groups: Iterable[Group], count: int) -> None:
    """Saves all groups of images, replacing the stored ones.

    Arguments:
        entry: The checkpoint.
        groups: All groups.
        count: Number of images in the atlas; groups of an atlas of another size are ignored on reading.

    Raises:
        ValueError: If there are too many.
    """
    kept = list(groups)
    if len(kept) > GROUPS_AT_MOST:
        raise ValueError(f"At most {GROUPS_AT_MOST} groups can be stored. Delete one first.")
    folder = _folder(entry)
    text = json.dumps({"count": count, "groups": [asdict(group) for group in kept]})
    replace_file(folder / "groups.json", lambda path: path.write_text(text))


def read_groups(entry: Entry, count: int) -> dict[str, Group]:
    """The saved groups of a checkpoint whose atlas has `count` images, by name."""
    path = _folder(entry) / "groups.json"
    try:
        kept = read_object(_bytes(path), "The file")
        if kept.get("count") != count:
            return {}
        return {group.name: group for group in groups_of(kept.get("groups"), count)}
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as error:
        LOG.warning("%s is ignored: %s", path, error)
        return {}


def groups_of(values: object, count: int) -> list[Group]:
    """Builds groups from the untrusted contents of a file.

    Raises:
        ValueError: For the first invalid field, by name.
    """
    groups = read(values, Groups, "A file", "groups")
    for group in groups:
        for item in group.items:
            if item >= count:
                raise ValueError(
                    f"`items` of a group must be rows of the collection, 0 to {count - 1}. Got {item}."
                )
    return [replace(group, items=tuple(sorted(set(group.items)))) for group in groups]


# Uploads


def write_own(entry: Entry, title: str, picture: NDArray[np.uint8], z: NDArray[np.float32]) -> OwnPicture:
    """Saves a picture and its latent; the same contents get the same item number.

    Raises:
        ValueError: If an argument is invalid, or there are too many uploads.
    """
    own = own_of(title, np.ascontiguousarray(picture), np.ascontiguousarray(z))
    folder = _folder(entry) / "own"
    _room(folder, f"{own.item}.safetensors", OWN_AT_MOST, "pictures of your own")
    packed = pack({"picture": own.picture, "z": own.z}, {"title": title})
    replace_file(folder / f"{own.item}.safetensors", lambda path: path.write_bytes(packed))
    return own


def own_of(title: object, picture: Any, z: Any) -> OwnPicture:
    """Builds an upload from untrusted contents; its item number is a hash of them.

    Raises:
        ValueError: For the first invalid field, by name.
    """
    title = read(title, Title, "A picture", "title")
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim != 3:
        raise ValueError("`picture` must be uint8 of the shape (H, W, C).")
    if not isinstance(z, np.ndarray) or z.dtype != np.float32 or z.ndim != 1 or not np.isfinite(z).all():
        raise ValueError("`z` must be finite float32 of the shape (D,).")
    mark = hashlib.sha256(picture.tobytes() + z.tobytes()).digest()
    number = FIRST_OWN + int.from_bytes(mark[:4], "little") % FIRST_OWN
    return OwnPicture(number, title, picture, z)


def free_title(title: str, taken: Container[str]) -> str:
    """The title, or the title with a number, such that its case-folded form is not in `taken`."""
    free, number = title, 2
    while free.casefold() in taken:
        ending = f" ({number})"
        free, number = title[: TITLE_LENGTH - len(ending)].rstrip() + ending, number + 1
    return free


def read_own(entry: Entry, shape: tuple[int, int, int], size: int) -> dict[int, OwnPicture]:
    """The saved uploads of a checkpoint by item number; pictures (C, H, W), latents of `size` dimensions."""
    pictures = {}
    channels, height, width = shape
    for path in _files(_folder(entry) / "own"):
        try:
            tensors, facts = read_tensors(_bytes(path), "An own picture", FILE_AT_MOST)
            own = own_of(facts.get("title"), tensors.get("picture"), tensors.get("z"))
            fits = own.picture.shape == (height, width, channels) and len(own.z) == size
            if fits and str(own.item) == path.stem:
                pictures[own.item] = own
        except (ValueError, OSError) as error:
            LOG.warning("%s is ignored: %s", path, error)
    return pictures


def remove_own(entry: Entry, item: int) -> None:
    """Deletes an upload if it exists."""
    remove_file(_folder(entry) / "own" / f"{int(item)}.safetensors")


# The shelf


def write_pins(entry: Entry, pins: Iterable[Pin]) -> None:
    """Saves all pins of the shelf, replacing the stored ones.

    Raises:
        ValueError: If there are too many.
    """
    kept = list(pins)
    if len(kept) > PINS_AT_MOST:
        raise ValueError(f"The shelf can have at most {PINS_AT_MOST} pins. Remove one first.")
    folder = _folder(entry)
    text = json.dumps([asdict(pin) for pin in kept])
    replace_file(folder / "shelf.json", lambda path: path.write_text(text))


def read_pins(entry: Entry) -> tuple[Pin, ...]:
    """The pins on a checkpoint's shelf."""
    path = _folder(entry) / "shelf.json"
    try:
        return read(read_json(_bytes(path), "The file"), Pins, "The file")
    except FileNotFoundError:
        return ()
    except (ValueError, OSError) as error:
        LOG.warning("%s is ignored: %s", path, error)
        return ()


# Files


def _folder(entry: Entry) -> Path:
    return cache_folder() / "belongings" / f"{entry.name}-{entry.version}"


def _weights(entry: Entry) -> str:
    return entry.card.weights_sha256 if entry.card else ""


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*.safetensors")) if folder.is_dir() else []


def _written(path: Path) -> int:
    """Modification time of a file, nanoseconds; 0 if it no longer exists."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > FILE_AT_MOST:
        raise ValueError(f"it is larger than {FILE_AT_MOST >> 20} MiB")
    return path.read_bytes()


def _room(folder: Path, file: str, most: int, what: str) -> None:
    """Raises ValueError if the folder already has the maximum number of other files."""
    if sum(path.name != file for path in _files(folder)) >= most:
        raise ValueError(f"At most {most} {what} can be stored. Delete one first.")
