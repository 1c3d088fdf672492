"""A checkpoint: a folder with `card.json`, `weights.safetensors` and, once the data set is encoded, an atlas.

An imported model has further files beside the card (`protocols.HasFiles`), such as ONNX graphs, whose SHA-256 the card
records as well.

A model computes in 32 bits. `pack` stores its matrices in 16 bits, which halves the size of a published checkpoint.

Checkpoints are untrusted input, and nothing is unpickled. Before any memory is allocated, every field of the card is
validated, the weights are compared with the SHA-256 of the card, and name, shape and type of every tensor with the
model that the card describes. The bytes that were checked are the bytes that are loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
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
    LATENTS,
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
from models.families import FAMILIES, IMPORTED
from models.protocols import HasFiles
from models.system.files import make_folder, replace_file
from models.system.printable import printable
from models.system.replacing import replace_folder

__all__ = ["Layout", "describe", "load", "pack", "read", "scan", "verify", "write"]

WEIGHT_BYTES = 1 << 30
DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
Layout = dict[str, tuple[str, tuple[int, ...]]]  # tensor name -> type as safetensors spells it, shape


def scan(*folders: Path) -> list[Entry]:
    """Lists every checkpoint folder; a broken one has its error.

    Arguments:
        folders: Folders to search; `roots()` by default. The first of two checkpoints of the same name is listed.
    """
    entries: dict[str, Entry] = {}
    for folder in folders or roots():
        if not folder.is_dir():
            continue
        for path in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
            entries.setdefault(path.name, _inspect(path))
    return list(entries.values())


def read(name: str | Path) -> Entry:
    """Finds one checkpoint by its name, or by the path of its folder.

    Raises:
        CheckpointError: If there is no such checkpoint, or it is broken.
    """
    if isinstance(name, Path) or os.sep in name:
        entry = _inspect(Path(name))
    else:
        folders = [root / name for root in roots() if NAME.fullmatch(name) and (root / name).is_dir()]
        entry = _inspect(folders[0]) if folders else Entry(name, Path(name), error=_unknown(name))
    if entry.error:
        raise CheckpointError(entry.error)
    return entry


def verify(entry: Entry) -> Entry:
    """Reads the weights and further files; returns the entry, with an error if they do not match the card's hashes."""
    if entry.card is None:
        return entry
    try:
        path = weights_file(entry.path, entry.card)
        _read_weights(path, entry.card)
        _check_files(path.parent, entry.card, read=True)
    except (ValueError, OSError) as error:
        return Entry(entry.name, entry.path, error=printable(str(error))[:ERROR_LENGTH])
    return entry


def load(name: str | Path, device: str | torch.device = "cpu") -> Autoencoder:
    """Loads a model, ready to encode and decode.

    Arguments:
        name: A name such as "faces-vae", or the path of a checkpoint folder.
        device: Device to load it to.

    Returns:
        The model in evaluation mode.

    Raises:
        CheckpointError: If the folder, its card or its weights are missing or invalid.
    """
    entry = read(name)
    card = entry.card
    if card is None:
        raise CheckpointError(f"{entry.path} has no card.")
    path = weights_file(entry.path, card)
    try:
        raw = _read_weights(path, card)
    except CheckpointError:
        newer = read(name).card  # a training may have replaced weights and card
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
            raise CheckpointError(
                f"{path}: {key!r} holds NaN or infinity. Train again with a lower `--rate`."
            )
    state = {key: values.float() if values.dtype == torch.half else values for key, values in tensors.items()}
    model.load_state_dict(state, assign=True)
    if isinstance(model, HasFiles):
        try:
            model.open_files(path.parent)
        except (ValueError, OSError) as error:
            raise CheckpointError(str(error)) from error
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
    """Returns the card of a model. Training makes one before the first step, so that an invalid name fails early.

    Arguments:
        folder: The checkpoint's folder; its last part is the checkpoint's name.
        model: The model.
        weights_sha256: Hash of the weights file.
        title: Display name; the folder's name if empty.
        model_name: Key of `models.FAMILIES`.
        data: Name and options of the data set.
        facts: Other fields of `Card`.

    Raises:
        CheckpointError: If a field is invalid.
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
    """Writes the weights, then the card, each atomically.

    Arguments:
        folder: The checkpoint's folder; its last part is the checkpoint's name.
        model: The model.
        into: Folder to write to if it becomes `folder` later; `folder` if None.
        facts: Arguments of `describe`: `model_name`, `data`, `title` and other fields of `Card`.

    Raises:
        CheckpointError: If a field is invalid; then nothing is written.
    """
    weights = save({k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()})
    card = describe(folder, model, hashlib.sha256(weights).hexdigest(), **facts)
    target = into or folder
    make_folder(target)
    _write_files(target, weights, card)
    return card


def pack(folder: Path) -> Card:
    """Stores the matrices of a checkpoint in 16 bits, which about halves its size.

    Vectors (biases, a learnt sigma) and matrices that overflow in 16 bits are not changed. Metrics and atlas belong to
    the former weights, so both are removed: measure and encode the checkpoint again. The command of the card records
    the packing. The folder is replaced atomically: an interruption leaves the old checkpoint or the new one.

    Arguments:
        folder: The checkpoint's folder.

    Returns:
        The new card; the old one if the weights were already packed.

    Raises:
        CheckpointError: If the checkpoint is broken, or is a collection.
    """
    card = read(folder).card
    if card is None:
        raise CheckpointError(f"{folder} has no card.")
    if card.weights_of:
        raise CheckpointError(f"{folder} is a collection without weights. Pack {card.weights_of}.")
    tensors = load_bytes(_read_weights(folder / WEIGHTS, card))
    packed = {key: _halved(values) for key, values in tensors.items()}
    if all(packed[key].dtype == values.dtype for key, values in tensors.items()):
        return card
    if (folder / LATENTS).is_dir():
        raise CheckpointError(
            f"{folder} holds the embeddings of its images, which belong to its weights and would be lost. Leave it as it is."
        )
    weights = save(packed)
    command = f"{card.command} && python -m models pack {shlex.quote(str(folder))}"
    card = replace(card, weights_sha256=hashlib.sha256(weights).hexdigest(), command=command, metrics={})
    target = folder.resolve()
    staging = target.with_name(f".{target.name}.pack.{secrets.token_hex(4)}")
    make_folder(staging)
    try:
        _write_files(staging, weights, card)
        replace_folder(target, staging, (WEIGHTS, CARD, ATLAS))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return card


def _halved(values: Tensor) -> Tensor:
    """Converts a 32-bit matrix to 16 bits, unless it overflows; returns other tensors unchanged."""
    if values.dtype != torch.float32 or values.ndim < 2:
        return values
    half = values.half()
    return half if half.isfinite().all() else values


def _write_files(folder: Path, weights: bytes, card: Card) -> None:
    """Writes the weights, then the card, each atomically."""
    replace_file(folder / WEIGHTS, lambda path: path.write_bytes(weights))
    write_card(folder, card)


def _inspect(path: Path) -> Entry:
    """Checks a folder without reading the weights, but for their header."""
    try:
        card = read_card(path)
        weights = weights_file(path, card)
        _compare(weights, _header(weights), _expected(path / CARD, card))
        _check_files(weights.parent, card)
    except (ValueError, OSError) as error:
        return Entry(printable(_name(path)), path, error=printable(str(error))[:ERROR_LENGTH])
    return Entry(_name(path), path, card)


def _model(card: Card) -> Autoencoder:
    """Builds the untrained model that a card describes."""
    return _built(card.model, card.config)


def _built(family: str, config: dict[str, Any]) -> Autoencoder:
    if family not in FAMILIES:
        raise CheckpointError(f"Unknown model {family[:80]!r}. Choose one of: {', '.join(FAMILIES)}.")
    cls = FAMILIES[family]
    return cls(config_from_dict(cls.Config, config))


def _layout(tensors: Mapping[str, Tensor]) -> Layout:
    return {key: (DTYPES.get(v.dtype, str(v.dtype)), tuple(v.shape)) for key, v in tensors.items()}


def _expected(file: Path, card: Card) -> Layout:
    """Returns the layout of the weights that a card describes."""
    try:
        return _described_layout(card.model, json.dumps(card.config, sort_keys=True))
    except ValueError as error:
        raise CheckpointError(f"{file}: {error}") from error


@lru_cache(maxsize=256)
def _described_layout(family: str, config: str) -> Layout:
    """Builds a model without allocating its weights, once for each configuration (JSON): scans are repeated often."""
    with torch.device("meta"):
        return _layout(_built(family, json.loads(config)).state_dict())


def _header(path: Path) -> Layout:
    """Reads the layout of a weights file from its header."""
    _check_size(path)
    try:
        with safe_open(path, framework="pt") as file:
            slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
            return {key: (each.get_dtype(), tuple(each.get_shape())) for key, each in slices.items()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}. {REMEDY}") from error


def _check_files(folder: Path, card: Card, *, read: bool = False) -> None:
    """Raises CheckpointError if a file of an imported model is missing or, if `read`, was changed."""
    if card.model not in IMPORTED:
        return
    with torch.device("meta"):
        model = _model(card)
    if not isinstance(model, HasFiles):
        return
    if read:
        model.read_files(folder)
        return
    for name in model.files:
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder / name} is missing. Copy it again, or import the model again.")


def _compare(path: Path, actual: Layout, expected: Layout) -> None:
    """Raises CheckpointError if the layout of a weights file is not the one that the model expects."""
    for key in sorted(expected.keys() ^ actual.keys()):
        raise CheckpointError(
            f"{path} {'lacks the' if key in expected else 'has the unknown'} tensor {key[:80]!r}. {REMEDY}"
        )
    for key, (dtype, shape) in expected.items():
        if actual[key][1] != shape:
            raise CheckpointError(f"{path}: {key!r} must have the shape {shape}. Got {actual[key][1]}.")
        if actual[key][0] not in ((dtype, "F16") if dtype == "F32" else (dtype,)):
            raise CheckpointError(f"{path}: {key!r} must be of type {dtype}. Got {actual[key][0]}.")


def _check_size(path: Path) -> None:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing. {REMEDY}")
    if path.stat().st_size > WEIGHT_BYTES:
        raise CheckpointError(f"{path} is larger than {WEIGHT_BYTES >> 20} MiB, the limit for weights.")


def _read_weights(path: Path, card: Card) -> bytes:
    """Reads a weights file once, so that the bytes that are checked are those that are loaded."""
    try:
        _check_size(path)
        raw = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}. {REMEDY}") from error
    digest = hashlib.sha256(raw).hexdigest()
    if digest != card.weights_sha256:
        raise CheckpointError(
            f"{path} has the SHA-256 {digest[:12]}…, but its card records {card.weights_sha256[:12]}…. "
            f"The file was changed or truncated. {REMEDY}"
        )
    return raw


def _unknown(name: str) -> str:
    names = [entry.name for entry in scan() if entry.card]
    return f"Unknown checkpoint {name[:80]!r}. Choose one of: {', '.join(names) or 'none exists yet'}."
