"""The card of a checkpoint: its model, its training and its metrics. Does not import torch.

A card is untrusted input, so every field is validated; nothing is unpickled.

A collection is a folder with a card and an atlas, but without weights: its card names the checkpoint whose weights
encoded the images (`weights_of`). A collection can be used wherever a checkpoint can.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from models.system.files import replace_file
from models.system.json_input import read_object
from models.system.schema import check, read
from models.system.settings import checkpoint_folders

__all__ = ["Card", "CheckpointError", "Entry", "roots", "weights_file", "write_card"]

_PACKAGED = Path(__file__).resolve().parent / "checkpoints"  # in the wheel; see pyproject.toml
BUNDLED = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).resolve().parents[1] / "checkpoints"
RUNS = "runs"  # in the working directory
REMEDY = "Copy it again, or train the model again."
CARD, WEIGHTS = "card.json", "weights.safetensors"
ATLAS = "atlas.parquet"  # written by `explorer.atlas.build`; valid only for the weights that encoded it
LATENTS = "latents"  # folder of Parquet files, from which the atlas of a collection is built
TRAINING = "training.safetensors"  # state for `--resume`; without a card beside it, the run is unfinished
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
CARD_BYTES = 1 << 20
CARD_DEPTH = 8  # nesting of lists and objects
TITLE_LENGTH, TEXT_LENGTH, ERROR_LENGTH = 80, 4000, 600  # characters


CheckpointName = Annotated[
    str,
    Meta(
        pattern=rf"\A(?:{NAME.pattern})\Z",
        description="1 to 64 lower-case letters, digits, dots, dashes or underscores",
    ),
]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z", description="64 hexadecimal digits")]


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message gives the reason and a remedy."""


@dataclass(frozen=True)
class Card:
    """The metadata of a checkpoint: its model, its training and its metrics."""

    name: CheckpointName
    title: Annotated[  # display name, e.g. "Faces"
        str,
        Meta(max_length=TITLE_LENGTH, description=f"one line of at most {TITLE_LENGTH} characters"),
    ]
    model: str  # a key of `models.FAMILIES`
    config: dict[str, Any]  # fields of the model's `Config`
    data: dict[str, Any]  # name, options
    weights_sha256: Sha256
    command: str = ""  # the command that created the checkpoint
    description: str = ""
    training: dict[str, Any] = field(default_factory=dict)  # seed, steps, batch, learning rate ...
    versions: dict[str, str] = field(default_factory=dict)  # of Python and the libraries
    # Name -> value, unit, protocol and command; some have an error and the values of several seeds.
    metrics: dict[str, Any] = field(default_factory=dict)
    weights_of: str = ""  # name of the checkpoint that encoded a collection

    def __post_init__(self) -> None:
        try:
            for each in fields(self):
                _check_json(each.name, getattr(self, each.name))
            check(self)
            for name, metric in self.metrics.items():
                read(metric, _Metric, "A metric", f"metrics.{name[:TITLE_LENGTH]}")
        except CheckpointError:
            raise
        except ValueError as error:
            raise CheckpointError(str(error)) from error
        if self.weights_of and (not NAME.fullmatch(self.weights_of) or self.weights_of == self.name):
            raise CheckpointError(
                f"`weights_of` must be the name of another checkpoint. Got {self.weights_of[:80]!r}."
            )
        if not self.title.isprintable():
            raise CheckpointError(
                f"`title` must be one line of at most {TITLE_LENGTH} characters. Got {self.title!r}."
            )
        if not isinstance(self.data.get("name"), str):
            raise CheckpointError("`data` must have a `name`, the data set that the model was trained on.")
        options = self.data.get("options", {})
        if not isinstance(options, dict) or options.keys() & {"name", "split", "limit"}:
            raise CheckpointError(
                "`options` of `data` must be an object without `name`, `split` or `limit`. "
                f"Got {str(options)[:80]!r}."
            )


class _Metric(Struct, frozen=True):
    """A metric of a card; other keys are allowed."""

    value: float
    error: float = 0.0
    values: Annotated[list[float], Meta(min_length=1)] | UnsetType = UNSET  # one per seed
    unit: str = ""
    protocol: str = ""
    command: str = ""


@dataclass(frozen=True)
class Entry:
    """A checkpoint folder: its card, or the reason why it cannot be used. Both texts are printable."""

    name: str
    path: Path
    card: Card | None = None
    error: str | None = None

    @property
    def version(self) -> str:
        """The first 12 digits of the hash of the weights."""
        return self.card.weights_sha256[:12] if self.card else ""


def roots() -> list[Path]:
    """Returns the folders of checkpoints: LATENT_CHECKPOINT_DIR, else the bundled ones and `runs/` here.

    New runs are written to the last one.
    """
    return checkpoint_folders() or [BUNDLED, Path(RUNS).absolute()]


def weights_file(folder: Path, card: Card) -> Path:
    """Returns the weights file of a checkpoint; for a collection, that of the checkpoint that encoded it.

    That checkpoint is looked up beside the collection, then in `roots()`.

    Raises:
        CheckpointError: If it does not exist, or its weights have changed.
    """
    if not card.weights_of:
        return folder / WEIGHTS
    candidates = [parent / card.weights_of for parent in (folder.absolute().parent, *roots())]
    existing = [path for path in candidates if (path / CARD).is_file()]
    for path in existing:
        other = read_card(path)
        if other.weights_sha256 == card.weights_sha256 and not other.weights_of:
            return path / WEIGHTS
    raise CheckpointError(
        f"The images in {folder} were encoded by the checkpoint {card.weights_of!r}, "
        f"{'whose weights have changed since' if existing else 'which does not exist'}. "
        f"{'Encode them again' if existing else 'Put it beside this folder, or encode them again'}: "
        "`python -m models encode NAME PATH --out DIR`."
    )


def write_card(folder: Path, card: Card) -> None:
    """Writes `card.json` atomically."""
    values = asdict(card)
    if not card.weights_of:
        del values["weights_of"]
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(folder / CARD, lambda path: path.write_text(text, encoding="utf-8"))


def read_card(path: Path) -> Card:
    """Reads and validates the card of a folder.

    Raises:
        CheckpointError: If there is no card, or one of its fields is invalid.
    """
    file = path / CARD
    if not path.is_dir():
        raise CheckpointError(f"{path} is not a folder. List the checkpoints with `python -m models list`.")
    if not file.is_file():
        if (path / TRAINING).is_file():
            raise CheckpointError(
                f"{path} holds an unfinished training. Resume it: `python -m models train --resume {path}`."
            )
        raise CheckpointError(f"{path} has no {CARD}. Create it with `python -m models train vae`.")
    if file.stat().st_size > CARD_BYTES:
        raise CheckpointError(f"{file} is larger than {CARD_BYTES} bytes, the limit for a card.")
    try:
        values = read_object(file.read_bytes(), str(file), CARD_BYTES)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    known = {each.name for each in fields(Card)}
    values = {key: value for key, value in values.items() if key in known}
    try:
        card = Card(**values)
    except CheckpointError as error:
        raise CheckpointError(f"{file}: {error}") from error
    except TypeError as error:
        missing = str(error).split("missing ")[-1].split(": ")[-1]
        raise CheckpointError(f"{file} is incomplete: it has no {missing}.") from error
    return _renamed(card, path)


def _name(folder: Path) -> str:
    """Returns the name of a folder, also if the path is "." or ".."."""
    return os.path.basename(os.path.abspath(folder))


def _renamed(card: Card, folder: Path) -> Card:
    """Returns the card with the name of its folder, since a folder may be copied or renamed.

    Raises:
        CheckpointError: If the folder's name is not a valid name of a checkpoint.
    """
    name = _name(folder)
    if name == card.name:
        return card
    if not NAME.fullmatch(name):
        raise CheckpointError(
            f"The folder {folder} must have a name of 1 to 64 lower-case letters, digits, dots, dashes or "
            f"underscores. Got {name[:80]!r}. Rename it, e.g. to {card.name!r}."
        )
    return replace(card, name=name)


def _check_json(name: str, value: Any, depth: int = CARD_DEPTH) -> None:
    """Raises CheckpointError unless a value is plain JSON: strings, finite numbers, lists and objects of these."""
    if isinstance(value, str):
        if len(value) > TEXT_LENGTH:
            raise CheckpointError(f"`{name}` holds a string of more than {TEXT_LENGTH} characters.")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise CheckpointError(f"`{name}` holds a string that is not valid Unicode. Got {value[:80]!r}.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise CheckpointError(f"`{name}` must hold finite numbers only. Got {value}.")
    elif isinstance(value, dict | list | tuple):
        if depth == 0:
            raise CheckpointError(f"`{name}` must not be nested deeper than {CARD_DEPTH} levels.")
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            _check_json(name, item, depth - 1)
        if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
            raise CheckpointError(f"`{name}` must have strings as keys.")
    elif isinstance(value, int):
        if abs(value) >= 1 << 63:
            raise CheckpointError(f"`{name}` must hold integers of at most 63 bits.")
    elif value is not None:
        raise CheckpointError(f"`{name}` must hold JSON values only. Got {type(value).__name__}.")
