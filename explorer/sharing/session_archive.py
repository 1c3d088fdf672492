"""A session archive: the workspace of each checkpoint and the state of every page, as one file.

A zip of JSON and safetensors; nothing is unpickled:

    session.json                                 format, version, pages (URL of each), checkpoints with their hashes
    checkpoints/NAME/groups.json
    checkpoints/NAME/pins.json
    checkpoints/NAME/directions/own-smile.safetensors
    checkpoints/NAME/own/1073741824.safetensors  an upload and its latent

Restoring adds and never overwrites: identical contents are skipped, and anything whose name is in use gets a
new name. The workspace of a checkpoint that is missing here, or has other weights, is reported and skipped.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct
from safetensors.numpy import save as pack

from explorer.fields import MODEL_NAME, OWN_SLUG, ModelName, Sha256
from explorer.latent.directions.mean_difference import Direction
from explorer.scene.loaded import Loaded
from explorer.workspace.storage import (
    FILE_AT_MOST,
    Group,
    OwnPicture,
    Pin,
    Pins,
    groups_of,
    own_of,
    own_slug,
    pack_direction,
    unpack_direction,
)
from models.data.locations import is_hidden
from models.system.json_input import read_object, read_tensors
from models.system.schema import read
from models.system.zip_members import open_member

__all__ = [
    "ADDRESS_AT_MOST",
    "MIB_AT_MOST",
    "Restored",
    "SessionArchive",
    "models_of",
    "read_archive",
    "restore",
    "undo",
    "write_archive",
]

FORMAT, VERSION = "latent-explorer session", 1
ABOUT = "session.json"
MIB_AT_MOST = 256
BYTES_AT_MOST = MIB_AT_MOST << 20  # unpacked, in total
MEMBERS_AT_MOST = 20_000
PAGES_AT_MOST, ADDRESS_AT_MOST, PARAMETERS_AT_MOST = (
    40,
    8000,
    64,
)  # addresses; characters and parameters of one
CHECKPOINTS_AT_MOST = 200
DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
)
MEMBER = re.compile(
    rf"checkpoints/(?P<name>{MODEL_NAME.pattern})/(?P<what>groups\.json|pins\.json"
    rf"|directions/{OWN_SLUG.pattern}\.safetensors|own/[0-9]{{10}}\.safetensors)"
)

AddressText = Annotated[
    str,
    Meta(
        pattern=r"(?s)\A[^\ud800-\udfff]*\Z",
        max_length=ADDRESS_AT_MOST,
        description=f"a text of at most {ADDRESS_AT_MOST} characters of valid Unicode",
    ),
]
Parameters = Annotated[dict[AddressText, AddressText], Meta(max_length=PARAMETERS_AT_MOST)]
Pages = dict[str, dict[str, str]]  # page's title -> its address's parameters
Opener = Callable[[str], Loaded]  # loads a checkpoint by name; ValueError if there is none


class _Checkpoint(Struct, frozen=True):
    weights_sha256: Sha256


class _About(Struct, frozen=True):
    """The content of session.json."""

    format: Literal["latent-explorer session"]
    version: Annotated[Literal[1], Meta(description="1; a newer program may read others")]
    pages: Annotated[dict[AddressText, Parameters], Meta(max_length=PAGES_AT_MOST)]
    checkpoints: Annotated[dict[ModelName, _Checkpoint], Meta(max_length=CHECKPOINTS_AT_MOST)]


@dataclass(frozen=True)
class SessionArchive:
    """A session archive whose format has been checked; `restore` checks whether it fits the checkpoints."""

    pages: Pages
    weights: dict[str, str]  # checkpoint -> hash of its weights
    members: dict[str, bytes]  # files of the archive, except session.json


@dataclass
class Restored:
    """What a restore added, so that it can be undone."""

    directions: list[tuple[str, str]] = field(default_factory=list)  # checkpoint, name
    groups: list[tuple[str, str]] = field(default_factory=list)
    own: list[tuple[str, int]] = field(default_factory=list)
    pins: list[tuple[str, Pin]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    pages: Pages = field(default_factory=dict)  # with the new names of directions
    same: int = 0  # number of identical items skipped

    @property
    def count(self) -> int:
        """Number of items added."""
        return len(self.directions) + len(self.groups) + len(self.own) + len(self.pins)


def write_archive(used: Iterable[Loaded], pages: Mapping[str, Mapping[str, str]]) -> bytes:
    """Writes a session archive.

    Arguments:
        used: The checkpoints in use.
        pages: The state of each page: its title and the parameters of its URL.
    """
    buffer = io.BytesIO()
    checkpoints = {}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for loaded in used:
            folder = f"checkpoints/{loaded.name}"
            checkpoints[loaded.name] = {"weights_sha256": _weights(loaded)}
            for direction in loaded.directions.values():
                if direction.kind == "own":
                    archive.writestr(
                        f"{folder}/directions/{direction.name}.safetensors",
                        pack_direction(loaded.entry, direction),
                    )
            for own in loaded.own.values():
                archive.writestr(f"{folder}/own/{own.item}.safetensors", _pack_own(own))
            if loaded.groups:
                groups = {
                    "count": loaded.count,
                    "groups": [asdict(group) for group in loaded.groups.values()],
                }
                archive.writestr(f"{folder}/groups.json", json.dumps(groups))
            if loaded.pins:
                pins = {"pins": [asdict(pin) for pin in loaded.pins]}
                archive.writestr(f"{folder}/pins.json", json.dumps(pins))
        about = {"format": FORMAT, "version": VERSION, "checkpoints": checkpoints, "pages": pages}
        archive.writestr(ABOUT, json.dumps(about, indent=1))
    return buffer.getvalue()


def read_archive(data: bytes) -> SessionArchive:
    """Reads a session archive.

    Raises:
        ValueError: If it is not one, or exceeds a limit; the message names which.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _members(archive)
    except DAMAGE as error:
        raise ValueError(
            f"The file is not a session archive: it cannot be read as a zip file ({str(error)[:80]})."
        ) from error
    if ABOUT not in members:
        raise ValueError(
            f"The file is not a session archive: it has no {ABOUT}. Choose a file saved by this page."
        )
    about = read_object(members.pop(ABOUT), ABOUT)
    told = read(about, _About, ABOUT)
    weights = {name: checkpoint.weights_sha256 for name, checkpoint in told.checkpoints.items()}
    return SessionArchive(told.pages, weights, members)


def _members(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """The archive's files by name below its top folder, within the total size limit.

    Folders and hidden files added by file managers are ignored, so that an archive that was unpacked and
    zipped again still loads.
    """
    infos = archive.infolist()
    if len(infos) > MEMBERS_AT_MOST:
        raise ValueError(
            f"A session archive must have at most {MEMBERS_AT_MOST:,} files. Got {len(infos):,}."
        )
    named = [(info.filename.replace("\\", "/").removeprefix("./"), info) for info in infos]
    files = [(name, info) for name, info in named if not name.endswith("/") and not is_hidden(name)]
    top = min((n.removesuffix(ABOUT) for n, _ in files if f"/{n}".endswith(f"/{ABOUT}")), key=len, default="")
    members: dict[str, bytes] = {}
    room = BYTES_AT_MOST
    for path, info in files:
        name = path.removeprefix(top)
        if not path.startswith(top) or (name != ABOUT and not MEMBER.fullmatch(name)):
            raise ValueError(
                f"A session archive must not contain {path[:80]!r}. Choose a file saved by this page."
            )
        if name in members:
            raise ValueError(f"A session archive must contain {path[:80]!r} only once.")
        most = min(FILE_AT_MOST, room)
        with open_member(archive, info) as file:
            members[name] = file.read(most + 1)
        if len(members[name]) > most:
            raise ValueError(
                f"A session archive must have at most {BYTES_AT_MOST >> 20} MiB unpacked, and a file "
                f"{FILE_AT_MOST >> 20}. {path[:80]!r} exceeds that."
            )
        room -= len(members[name])
    return members


def _weights(loaded: Loaded) -> str:
    return loaded.entry.card.weights_sha256 if loaded.entry.card else ""


def _pack_own(own: OwnPicture) -> bytes:
    return pack({"picture": np.ascontiguousarray(own.picture), "z": own.z}, {"title": own.title})


def _unpack_own(data: bytes) -> OwnPicture:
    tensors, facts = read_tensors(data, "An own picture", FILE_AT_MOST)
    return own_of(facts.get("title"), tensors.get("picture"), tensors.get("z"))


# Restoring


def restore(archive: SessionArchive, open_checkpoint: Opener) -> Restored:
    """Adds the contents of a session archive to the workspaces on this machine.

    Arguments:
        archive: The result of `read_archive`.
        open_checkpoint: Loads a checkpoint by name, or raises ValueError.
    """
    done = Restored()
    renamed: dict[str, dict[str, str]] = {}
    for name, weights in archive.weights.items():
        try:
            loaded = open_checkpoint(name)
        except ValueError as error:
            done.problems.append(
                f"{name} is not available here, so its workspace is left out: {str(error)[:200]}"
            )
            continue
        if _weights(loaded) != weights:
            done.problems.append(
                f"{name} has other weights here ({_weights(loaded)[:12]}) than in the archive "
                f"({weights[:12]}), so its workspace is left out."
            )
            continue
        renamed[name] = {}
        for member, data in sorted(archive.members.items()):
            parts = MEMBER.fullmatch(member)
            if parts and parts["name"] == name:
                try:
                    _add(loaded, parts["what"], data, done, renamed[name])
                except ValueError as error:
                    done.problems.append(f"{name}, {parts['what']}: {str(error)[:300]}")
    done.pages = {
        title: _with_names(parameters, renamed.get(parameters.get("model", ""), {}))
        for title, parameters in archive.pages.items()
        if all(name in renamed for name in models_of(parameters))
    }
    return done


def models_of(parameters: Mapping[str, str]) -> list[str]:
    """Names of the checkpoints in a URL's parameters."""
    named = ",".join(parameters[key] for key in ("model", "models") if key in parameters)
    return [name for name in named.split(",") if name]


def _with_names(parameters: Mapping[str, str], renamed: Mapping[str, str]) -> dict[str, str]:
    """URL parameters with the new names of directions."""
    slugs = "|".join(map(re.escape, sorted(renamed, key=len, reverse=True)))
    if not slugs:
        return dict(parameters)
    word = re.compile(rf"(?<![a-z0-9])(?<![a-z0-9]-)({slugs})(?![a-z0-9_]|-[a-z0-9])")
    return {key: word.sub(lambda match: renamed[match[1]], value) for key, value in parameters.items()}


def _add(loaded: Loaded, what: str, data: bytes, done: Restored, renamed: dict[str, str]) -> None:
    """Adds one file of a session archive."""
    if what.startswith("directions/"):
        _add_direction(loaded, unpack_direction(loaded.entry, data), done, renamed)
    elif what.startswith("own/"):
        own = _unpack_own(data)
        if own.item in loaded.own:
            done.same += 1
            return
        loaded.keep_own(own.title, own.picture, own.z)
        done.own.append((loaded.name, own.item))
    elif what == "pins.json":
        _add_pins(loaded, read_object(data, what).get("pins"), done, renamed)
    else:
        values = read_object(data, what)
        if values.get("count") != loaded.count:
            raise ValueError(
                f"The groups belong to a collection of {str(values.get('count'))[:20]} images, not "
                f"{loaded.count}."
            )
        for group in groups_of(values.get("groups"), loaded.count):
            _add_group(loaded, group, done)


def _add_direction(loaded: Loaded, direction: Direction, done: Restored, renamed: dict[str, str]) -> None:
    existing = loaded.directions.get(direction.name)
    if existing is not None and np.array_equal(existing.vector, direction.vector):
        done.same += 1
        return
    name = direction.name if existing is None else own_slug(direction.title, loaded.directions)
    loaded.keep_direction(replace(direction, name=name))
    done.directions.append((loaded.name, name))
    if name != direction.name:
        renamed[direction.name] = name


def _add_group(loaded: Loaded, group: Group, done: Restored) -> None:
    existing = loaded.groups.get(group.name)
    if existing == group:
        done.same += 1
        return
    name, number = group.name, 2
    while name in loaded.groups:
        name, number = f"{group.name[:70]}-{number}", number + 1
    loaded.keep_group(replace(group, name=name))
    done.groups.append((loaded.name, name))


def _add_pins(loaded: Loaded, values: object, done: Restored, renamed: Mapping[str, str]) -> None:
    for kept in read(values, Pins, "A file", "pins"):
        value = kept.value
        named = renamed.get(value, value) if isinstance(value, str) else _with_names(value, renamed)
        pin = replace(kept, value=named)
        if pin in loaded.pins:
            done.same += 1
        else:
            loaded.keep_pin(pin)
            done.pins.append((loaded.name, pin))


def undo(done: Restored, open_checkpoint: Opener) -> None:
    """Removes everything that a restore added.

    Arguments:
        done: The result of `restore`.
        open_checkpoint: Loads a checkpoint by name.
    """
    for checkpoint, name in done.directions:
        open_checkpoint(checkpoint).drop_direction(name)
    for checkpoint, name in done.groups:
        open_checkpoint(checkpoint).drop_group(name)
    for checkpoint, item in done.own:
        open_checkpoint(checkpoint).drop_own(item)
    for checkpoint, pin in done.pins:
        open_checkpoint(checkpoint).drop_pin(pin)
