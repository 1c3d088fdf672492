"""A checkpoint: a folder with `card.json`, `weights.safetensors` and, once it has been encoded, an atlas.

A model computes in 32 bits. Its matrices may lie in the file in 16 (`pack`), half the size, for a published one.

Nothing here is trusted and nothing is unpickled. A card is checked field by field, the weights against the
card's SHA-256, and every tensor's name, shape and type against the model that the card describes, before any
memory is given. What is loaded are the very bytes that were checked.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_bytes
from safetensors.torch import save
from torch import Tensor

from models.base import Autoencoder, config_from_dict, config_to_dict
from models.system.files import make_folder, replace_file
from models.system.json_input import read_object
from models.system.replacing import replace_folder
from models.system.settings import checkpoint_folders

__all__ = [
    "Card",
    "CheckpointError",
    "Entry",
    "describe",
    "load",
    "pack",
    "read",
    "replace_file",
    "roots",
    "scan",
    "verify",
    "write",
]

_PACKAGED = Path(__file__).resolve().parent / "checkpoints"  # what the wheel brings; see pyproject.toml
BUNDLED = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).resolve().parents[1] / "checkpoints"
RUNS = "runs"  # in the working directory
REMEDY = "Copy it again or train anew."
CARD, WEIGHTS = "card.json", "weights.safetensors"
ATLAS = (
    "atlas.parquet"  # what `explorer.atlas.build` makes of the weights; it is of no use with other weights
)
TRAINING = "training.safetensors"  # what `--resume` needs; without a card beside it, a run has not ended
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
CARD_BYTES = 1 << 20
CARD_DEPTH = 8  # lists and objects inside each other
TITLE_LENGTH, TEXT_LENGTH, ERROR_LENGTH = 80, 4000, 600  # characters
WEIGHT_BYTES = 1 << 30
DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip

Layout = dict[str, tuple[str, tuple[int, ...]]]  # tensor name -> type (safetensors' word for it), shape


class CheckpointError(ValueError):
    """A checkpoint that cannot be used, with the reason and what to do."""


@dataclass(frozen=True)
class Card:
    """What a checkpoint is and how it was made."""

    name: str
    title: str  # for people, e.g. "Faces"
    model: str  # a key of `models.MODELS`
    config: dict[str, Any]  # of the model's Config
    data: dict[str, Any]  # name, options
    weights_sha256: str
    command: str = ""  # that made it
    description: str = ""
    training: dict[str, Any] = field(default_factory=dict)  # seed, steps, batch, learning rate ...
    versions: dict[str, str] = field(default_factory=dict)  # of Python and the libraries
    metrics: dict[str, Any] = field(
        default_factory=dict
    )  # name -> {value, unit, protocol, command}, perhaps error, values

    def __post_init__(self) -> None:
        for name, kind in _CARD_FIELDS.items():
            if not isinstance(getattr(self, name), kind):
                raise CheckpointError(
                    f"`{name}` must be of type {kind.__name__}. Got {str(getattr(self, name))[:80]!r}."
                )
            _check_json(name, getattr(self, name))
        if not NAME.fullmatch(self.name):
            raise CheckpointError(
                f"`name` must be 1 to 64 lower-case letters, digits, dots, dashes or underscores. "
                f"Got {self.name[:80]!r}."
            )
        if not re.fullmatch(r"[0-9a-f]{64}", self.weights_sha256):
            raise CheckpointError(
                f"`weights_sha256` must be 64 hexadecimal digits. Got {self.weights_sha256[:80]!r}."
            )
        if len(self.title) > TITLE_LENGTH or not self.title.isprintable():
            raise CheckpointError(
                f"`title` must be one line of at most {TITLE_LENGTH} characters. Got {self.title[:80]!r}."
            )
        if not isinstance(self.data.get("name"), str):
            raise CheckpointError("`data` must have a `name`, the data set that the model was trained on.")
        options = self.data.get("options", {})
        if not isinstance(options, dict) or options.keys() & {"name", "split", "limit"}:
            raise CheckpointError(
                "`data`: `options` must be an object without `name`, `split` or `limit`. "
                f"Got {str(options)[:80]!r}."
            )
        for name, text in self.versions.items():
            if not isinstance(text, str):
                raise CheckpointError(f"`versions`: {name[:80]!r} must be a text. Got {str(text)[:80]!r}.")
        for name, figure in self.metrics.items():
            _check_figure(name, figure)


_CARD_FIELDS: dict[str, type] = {
    "name": str, "title": str, "model": str, "config": dict, "data": dict, "weights_sha256": str,
    "command": str, "description": str, "training": dict, "versions": dict, "metrics": dict,
}  # fmt: skip


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


def scan(*folders: Path) -> list[Entry]:
    """Lists every checkpoint folder, a broken one with its reason.

    Arguments:
        folders: Where to look; `roots()` where none is given. The first of two with one name counts.
    """
    found: dict[str, Entry] = {}
    for folder in folders or roots():
        if not folder.is_dir():
            continue
        for path in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
            found.setdefault(path.name, _inspect(path))
    return list(found.values())


def read(name: str | Path) -> Entry:
    """Finds one checkpoint by its name, or by the path of its folder.

    Raises:
        CheckpointError: If there is none of this name, or it is broken.
    """
    if isinstance(name, Path) or os.sep in name:
        entry = _inspect(Path(name))
    else:
        entry = next(
            (_inspect(root / name) for root in roots() if NAME.fullmatch(name) and (root / name).is_dir()),
            Entry(name, Path(name), error=_unknown(name)),
        )
    if entry.error:
        raise CheckpointError(entry.error)
    return entry


def verify(entry: Entry) -> Entry:
    """The entry, with the reason if its weights are not the ones that its card names; reads them through."""
    if entry.card is None:
        return entry
    try:
        _read_weights(entry.path / WEIGHTS, entry.card)
    except CheckpointError as error:
        return Entry(entry.name, entry.path, error=str(error)[:ERROR_LENGTH])
    return entry


def load(name: str | Path, device: str | torch.device = "cpu") -> Autoencoder:
    """Loads a model, ready to encode and decode.

    Arguments:
        name: A name such as "faces-vae", or the path of a checkpoint folder.
        device: Where to put it.

    Returns:
        The model in evaluation mode.

    Raises:
        CheckpointError: If the folder, its card or its weights are not as they should be.
    """
    entry = read(name)
    card = entry.card
    if card is None:
        raise CheckpointError(f"{entry.path} has no card.")
    path = entry.path / WEIGHTS
    raw = _read_weights(path, card)
    try:
        tensors = load_bytes(raw)
    except SafetensorError as error:
        raise CheckpointError(f"{path} cannot be read: {error}. {REMEDY}") from error
    with torch.device("meta"):
        model = _model(card)
    _compare(path, _layout(tensors), _layout(model.state_dict()))
    for key, values in tensors.items():
        if not values.isfinite().all():
            raise CheckpointError(f"{path}: {key!r} holds NaN or infinity. Train anew with a lower `--rate`.")
    whole = {key: values.float() if values.dtype == torch.half else values for key, values in tensors.items()}
    model.load_state_dict(whole, assign=True)
    return model.to(device).eval().requires_grad_(False)


def describe(
    folder: Path,
    model: Autoencoder,
    weights_sha256: str = "0" * 64,
    *,
    title: str = "",
    model_name: str,
    data: dict[str, Any],
    **facts: Any,
) -> Card:
    """The card of a model; a trainer makes one before the first step, to hear of a bad name in time.

    Arguments:
        folder: The checkpoint's folder; its last part is the checkpoint's name.
        model: What is to be saved.
        weights_sha256: Of the weights file.
        title: For people; the name where empty.
        model_name: Key of `models.MODELS`.
        data: Name and options of the data set.
        facts: Further fields of `Card`.

    Raises:
        CheckpointError: If a field is not as it should be.
    """
    return Card(
        name=folder.name,
        title=title or folder.name,
        model=model_name,
        config=config_to_dict(model.config),
        data=data,
        weights_sha256=weights_sha256,
        **facts,
    )


def write(folder: Path, model: Autoencoder, *, into: Path | None = None, **facts: Any) -> Card:
    """Writes the weights, then the card, each at one stroke.

    Arguments:
        folder: The checkpoint's folder; its last part is the checkpoint's name.
        model: What to save.
        into: The folder to write to, where it is to become `folder` later; `folder` where None.
        facts: What `describe` takes: `model_name`, `data`, `title` and further fields of `Card`.

    Raises:
        CheckpointError: If a fact is not as it should be; then nothing is written.
    """
    weights = save({k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()})
    card = describe(folder, model, hashlib.sha256(weights).hexdigest(), **facts)
    place = into or folder
    make_folder(place)
    _put(place, weights, card)
    return card


def pack(folder: Path) -> Card:
    """Stores the matrices of a checkpoint in 16 bits, about half the size; to be measured and encoded after it.

    Vectors (biases, a learnt sigma) and what 16 bits cannot hold stay as they are. The metrics of the card and the
    atlas belong to the former weights, so both are dropped; the card's command says that the weights were packed.
    The folder is replaced at one stroke: a kill leaves the old checkpoint or the new one.

    Arguments:
        folder: The checkpoint's folder.

    Returns:
        The new card; the old one where the weights were packed already.

    Raises:
        CheckpointError: If there is no sound checkpoint.
    """
    card = read(folder).card
    if card is None:
        raise CheckpointError(f"{folder} has no card.")
    tensors = load_bytes(_read_weights(folder / WEIGHTS, card))
    packed = {key: _halved(values) for key, values in tensors.items()}
    if all(packed[key].dtype == values.dtype for key, values in tensors.items()):
        return card
    weights = save(packed)
    command = f"{card.command} && python -m models pack {shlex.quote(str(folder))}"
    card = replace(card, weights_sha256=hashlib.sha256(weights).hexdigest(), command=command, metrics={})
    home = folder.resolve()
    new = Path(tempfile.mkdtemp(prefix=f".{home.name}.pack.", dir=home.parent))
    try:
        new.chmod(home.stat().st_mode & 0o777)
        _put(new, weights, card)
        replace_folder(home, new, (WEIGHTS, CARD, ATLAS))
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return card


def _halved(values: Tensor) -> Tensor:
    """A matrix of 32 bits in 16, unless it would overflow; anything else as it is."""
    if values.dtype != torch.float32 or values.ndim < 2:
        return values
    half = values.half()
    return half if half.isfinite().all() else values


def _put(folder: Path, weights: bytes, card: Card) -> None:
    """Puts weights, then the card, in place, each at one stroke."""
    replace_file(folder / WEIGHTS, lambda path: path.write_bytes(weights))
    write_card(folder, card)


def write_card(folder: Path, card: Card) -> None:
    """Writes `card.json` at one stroke."""
    text = json.dumps(asdict(card), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(folder / CARD, lambda path: path.write_text(text, encoding="utf-8"))


def _inspect(path: Path) -> Entry:
    """Checks a folder as far as can be done without reading the weights through."""
    try:
        card = _read_card(path)
        _compare(path / WEIGHTS, _header(path / WEIGHTS), _expected(path / CARD, card))
    except (ValueError, OSError) as error:
        return Entry(_name(path), path, error=str(error)[:ERROR_LENGTH])
    return Entry(_name(path), path, card)


def _read_card(path: Path) -> Card:
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
    values = {key: value for key, value in values.items() if key in _CARD_FIELDS}
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


def _model(card: Card) -> Autoencoder:
    """An untrained model as a card describes it."""
    from models import MODELS

    if card.model not in MODELS:
        raise CheckpointError(f"Unknown model {card.model[:80]!r}. Choose one of: {', '.join(MODELS)}.")
    cls = MODELS[card.model]
    return cls(config_from_dict(cls.Config, card.config))


def _layout(tensors: Mapping[str, Tensor]) -> Layout:
    return {key: (DTYPES.get(v.dtype, str(v.dtype)), tuple(v.shape)) for key, v in tensors.items()}


def _expected(file: Path, card: Card) -> Layout:
    """The layout of a card's weights, found without giving them memory."""
    try:
        with torch.device("meta"):
            return _layout(_model(card).state_dict())
    except ValueError as error:
        raise CheckpointError(f"{file}: {error}") from error


def _header(path: Path) -> Layout:
    """The layout of a weights file, from its header alone."""
    _check_size(path)
    try:
        with safe_open(path, framework="pt") as file:
            parts = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
            return {key: (part.get_dtype(), tuple(part.get_shape())) for key, part in parts.items()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}. {REMEDY}") from error


def _compare(path: Path, found: Layout, expected: Layout) -> None:
    """Compares a weights file's layout with what the model expects."""
    for key in sorted(expected.keys() ^ found.keys()):
        raise CheckpointError(
            f"{path} {'lacks the' if key in expected else 'has the unknown'} tensor {key[:80]!r}. {REMEDY}"
        )
    for key, (dtype, shape) in expected.items():
        if found[key][1] != shape:
            raise CheckpointError(f"{path}: {key!r} must have the shape {shape}. Got {found[key][1]}.")
        if found[key][0] not in ((dtype, "F16") if dtype == "F32" else (dtype,)):
            raise CheckpointError(f"{path}: {key!r} must be of type {dtype}. Got {found[key][0]}.")


def _check_size(path: Path) -> None:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing. {REMEDY}")
    if path.stat().st_size > WEIGHT_BYTES:
        raise CheckpointError(f"{path} is larger than {WEIGHT_BYTES >> 20} MiB, the most that is loaded.")


def _read_weights(path: Path, card: Card) -> bytes:
    """All bytes of a weights file, read once, so that a file that is replaced meanwhile changes nothing."""
    try:
        _check_size(path)
        raw = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}. {REMEDY}") from error
    digest = hashlib.sha256(raw).hexdigest()
    if digest != card.weights_sha256:
        raise CheckpointError(
            f"{path} has the SHA-256 {digest[:12]}…, its card says {card.weights_sha256[:12]}…. "
            f"The file was changed or cut short. {REMEDY}"
        )
    return raw


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


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_figure(name: str, figure: Any) -> None:
    """Raises where a metric is not {"value": number, "unit": text, ...}."""
    if not isinstance(figure, dict) or not _is_number(figure.get("value")):
        raise CheckpointError(
            f"`metrics`: {name[:80]!r} must have a number as `value`. Got {str(figure)[:80]!r}."
        )
    if not _is_number(figure.get("error", 0)):
        raise CheckpointError(f"`metrics`: `error` of {name[:80]!r} must be a number.")
    values = figure.get("values", [figure["value"]])
    if not isinstance(values, list) or not values or not all(map(_is_number, values)):
        raise CheckpointError(
            f"`metrics`: `values` of {name[:80]!r} must be a list of numbers, one for each seed. "
            f"Got {str(values)[:80]!r}."
        )
    for fact in ("unit", "protocol", "command"):
        if not isinstance(figure.get(fact, ""), str):
            raise CheckpointError(f"`metrics`: `{fact}` of {name[:80]!r} must be a text.")


def _unknown(name: str) -> str:
    names = [entry.name for entry in scan() if entry.card]
    return f"Unknown checkpoint {name[:80]!r}. Choose one of: {', '.join(names) or 'none is there yet'}."
