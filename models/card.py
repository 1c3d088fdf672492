"""A checkpoint's card: what it is, how it was made and what was measured. Needs no torch.

A card comes from outside, so it is checked field by field; nothing is unpickled.

The card of a collection names the checkpoint whose weights encoded it (`weights_of`), so its folder holds no weights of
its own: a card that says which images, and their atlas. Everything that takes a checkpoint takes a collection too.
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

_PACKAGED = Path(__file__).resolve().parent / "checkpoints"  # what the wheel brings; see pyproject.toml
BUNDLED = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).resolve().parents[1] / "checkpoints"
RUNS = "runs"  # in the working directory
REMEDY = "Copy it again or train anew."
CARD, WEIGHTS = "card.json", "weights.safetensors"
ATLAS = (
    "atlas.parquet"  # what `explorer.atlas.build` makes of the weights; it is of no use with other weights
)
LATENTS = "latents"  # of a collection: folder of Parquet files that its atlas is made of
TRAINING = "training.safetensors"  # what `--resume` needs; without a card beside it, a run has not ended
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
CARD_BYTES = 1 << 20
CARD_DEPTH = 8  # lists and objects inside each other
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
    """A checkpoint that cannot be used, with the reason and what to do."""


@dataclass(frozen=True)
class Card:
    """What a checkpoint is and how it was made."""

    name: CheckpointName
    title: Annotated[  # for people, e.g. "Faces"
        str,
        Meta(max_length=TITLE_LENGTH, description=f"one line of at most {TITLE_LENGTH} characters"),
    ]
    model: str  # a key of `models.MODELS`
    config: dict[str, Any]  # of the model's Config
    data: dict[str, Any]  # name, options
    weights_sha256: Sha256
    command: str = ""  # that made it
    description: str = ""
    training: dict[str, Any] = field(default_factory=dict)  # seed, steps, batch, learning rate ...
    versions: dict[str, str] = field(default_factory=dict)  # of Python and the libraries
    metrics: dict[str, Any] = field(
        default_factory=dict
    )  # name -> {value, unit, protocol, command}, perhaps error, values
    weights_of: str = ""  # of a collection: the name of the checkpoint that has the weights

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
                "`data`: `options` must be an object without `name`, `split` or `limit`. "
                f"Got {str(options)[:80]!r}."
            )


class _Metric(Struct, frozen=True):
    """A metric of a card; further facts may stand beside these."""

    value: float
    error: float = 0.0
    values: Annotated[list[float], Meta(min_length=1)] | UnsetType = UNSET  # of each seed
    unit: str = ""
    protocol: str = ""
    command: str = ""


@dataclass(frozen=True)
class Entry:
    """A checkpoint folder: its card, or the reason why it cannot be used."""

    name: str
    path: Path
    card: Card | None = None
    error: str | None = None

    @property
    def version(self) -> str:
        """The first 12 digits of the weights' hash; changes whenever the weights do."""
        return self.card.weights_sha256[:12] if self.card else ""


def roots() -> list[Path]:
    """The folders of checkpoints: LATENT_CHECKPOINT_DIR, else the bundled ones and `runs/` of the working directory.

    New runs go to the last one.
    """
    return checkpoint_folders() or [BUNDLED, Path(RUNS).absolute()]


def weights_file(folder: Path, card: Card) -> Path:
    """The file of a checkpoint's weights; of a collection, that of the checkpoint that it names.

    The checkpoint is looked for beside the collection, then in `roots()`.

    Raises:
        CheckpointError: If it is not there, or has other weights by now.
    """
    if not card.weights_of:
        return folder / WEIGHTS
    places = [place / card.weights_of for place in (folder.absolute().parent, *roots())]
    for place in places:
        if (place / CARD).is_file():
            other = read_card(place)
            if other.weights_sha256 == card.weights_sha256 and not other.weights_of:
                return place / WEIGHTS
    found = any((place / CARD).is_file() for place in places)
    raise CheckpointError(
        f"{folder} holds images that were encoded by the checkpoint {card.weights_of!r}, which "
        f"{'has other weights by now' if found else 'is not there'}. "
        f"{'Encode them again' if found else 'Put it beside this folder, or encode them again'}: "
        "`python -m models encode NAME PATH --out DIR`."
    )


def write_card(folder: Path, card: Card) -> None:
    """Writes `card.json` at one stroke."""
    values = asdict(card)
    if not card.weights_of:
        del values["weights_of"]
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(folder / CARD, lambda path: path.write_text(text, encoding="utf-8"))


def read_card(path: Path) -> Card:
    """The validated card of a folder."""
    file = path / CARD
    if not path.is_dir():
        raise CheckpointError(f"{path} is no folder. Choose a checkpoint with `python -m models list`.")
    if not file.is_file():
        if (path / TRAINING).is_file():
            raise CheckpointError(
                f"{path} is a training that has not ended. Go on with it: "
                f"`python -m models train --resume {path}`."
            )
        raise CheckpointError(f"{path} has no {CARD}. Create it with `python -m models train vae`.")
    if file.stat().st_size > CARD_BYTES:
        raise CheckpointError(f"{file} is larger than {CARD_BYTES} bytes; a card is a few thousand.")
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
    """The name of a checkpoint's folder, which "." and ".." do not tell."""
    return os.path.basename(os.path.abspath(folder))


def _renamed(card: Card, folder: Path) -> Card:
    """The card under its folder's name, for a folder may be copied or renamed.

    Raises:
        CheckpointError: If the folder's name cannot be a checkpoint's.
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
    """Raises where a card's value is not plain JSON: texts, finite numbers, lists and objects of these."""
    if isinstance(value, str):
        if len(value) > TEXT_LENGTH:
            raise CheckpointError(f"`{name}` holds a text of more than {TEXT_LENGTH} characters.")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise CheckpointError(f"`{name}` holds a text that is not valid Unicode. Got {value[:80]!r}.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise CheckpointError(f"`{name}` must hold finite numbers only. Got {value}.")
    elif isinstance(value, dict | list | tuple):
        if depth == 0:
            raise CheckpointError(f"`{name}` must not be nested deeper than {CARD_DEPTH} levels.")
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            _check_json(name, part, depth - 1)
        if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
            raise CheckpointError(f"`{name}` must have texts as keys.")
    elif isinstance(value, int):
        if abs(value) >= 1 << 63:
            raise CheckpointError(f"`{name}` must hold whole numbers of at most 63 bits.")
    elif value is not None:
        raise CheckpointError(f"`{name}` must hold JSON values only. Got {type(value).__name__}.")
