"""A checkpoint: a folder with `card.json`, `weights.safetensors` and, once it has been encoded, an atlas.

A model computes in 32 bits. Its matrices may lie in the file in 16 (`pack`), half the size, for a published one.

Nothing here is trusted and nothing is unpickled. A card is checked field by field, the weights against the
card's SHA-256, and every tensor's name, shape and type against the model that the card describes, before any
memory is given. What is loaded are the very bytes that were checked.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_bytes
from safetensors.torch import save
from torch import Tensor

from models.base import Autoencoder
from models.card import (
    ATLAS,
    CARD,
    ERROR_LENGTH,
    NAME,
    REMEDY,
    WEIGHTS,
    Card,
    CheckpointError,
    Entry,
    _name,
    read_card,
    roots,
    weights_file,
    write_card,
)
from models.configuration import config_from_dict, config_to_dict
from models.families import MODELS
from models.system.files import make_folder, replace_file
from models.system.replacing import replace_folder

__all__ = ["Layout", "describe", "load", "pack", "read", "scan", "verify", "write"]

WEIGHT_BYTES = 1 << 30
DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
Layout = dict[str, tuple[str, tuple[int, ...]]]  # tensor name -> type (safetensors' word for it), shape


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
        _read_weights(weights_file(entry.path, entry.card), entry.card)
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
    path = weights_file(entry.path, card)
    try:
        raw = _read_weights(path, card)
    except CheckpointError:
        newer = read(name).card  # a training may have replaced weights and card meanwhile
        if newer is None or newer == card:
            raise
        card, raw = newer, _read_weights(path, newer)
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
        CheckpointError: If there is no sound checkpoint, or it has no weights of its own.
    """
    card = read(folder).card
    if card is None:
        raise CheckpointError(f"{folder} has no card.")
    if card.weights_of:
        raise CheckpointError(f"{folder} has no weights of its own. Pack {card.weights_of}.")
    tensors = load_bytes(_read_weights(folder / WEIGHTS, card))
    packed = {key: _halved(values) for key, values in tensors.items()}
    if all(packed[key].dtype == values.dtype for key, values in tensors.items()):
        return card
    weights = save(packed)
    command = f"{card.command} && python -m models pack {shlex.quote(str(folder))}"
    card = replace(card, weights_sha256=hashlib.sha256(weights).hexdigest(), command=command, metrics={})
    home = folder.resolve()
    new = home.with_name(f".{home.name}.pack.{secrets.token_hex(4)}")
    make_folder(new)
    try:
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


def _inspect(path: Path) -> Entry:
    """Checks a folder as far as can be done without reading the weights through."""
    try:
        card = read_card(path)
        weights = weights_file(path, card)
        _compare(weights, _header(weights), _expected(path / CARD, card))
    except (ValueError, OSError) as error:
        return Entry(_name(path), path, error=str(error)[:ERROR_LENGTH])
    return Entry(_name(path), path, card)


def _model(card: Card) -> Autoencoder:
    """An untrained model as a card describes it."""
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


def _unknown(name: str) -> str:
    names = [entry.name for entry in scan() if entry.card]
    return f"Unknown checkpoint {name[:80]!r}. Choose one of: {', '.join(names) or 'none is there yet'}."
