"""Trains a decoder from embeddings to pictures, so that the embeddings can be dragged; the loop is that of all models.

The vectors are latents in the folder of the checkpoint (`models/latents.py`), written before the first step. After the last
one they get the error of each picture, and the card the error on the test pictures beside that of copying the picture of
the nearest training vector.
"""

from __future__ import annotations

__all__ = ["DECODER", "prepare_decoder", "train_decoder"]

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import checkpoint
from models.base import Autoencoder
from models.card import LATENTS, Card, write_card
from models.configuration import config_from_dict
from models.data import ImageData
from models.data.base import SPLITS
from models.data.own import prepare
from models.data.own.records import Report
from models.embedded_items import Items, gather, write_latents
from models.embeddings.decoder import EmbeddingDecoder, EmbeddingDecoderConfig
from models.embeddings.reading import checked, read_embeddings
from models.evaluation.metric import Metrics, describe_images, metric
from models.evaluation.reconstruction import errors
from models.latents import WEIGHTS_KEY, read_table, write_table
from models.system.files import make_folder
from models.training.build import initialised
from models.training.examples import Examples, load_examples, load_split
from models.training.run import Run
from models.training.run_folder import working_folder
from models.training.train import train

DECODER = "decoder"  # key of the family
UNKNOWN = "0" * 64  # hash of weights before they are trained
FILE = "part-00000.parquet"
AT_ONCE = 256  # pictures
Array = NDArray[np.float32]


def prepare_decoder(
    embeddings: Path,
    folder: Path,
    *,
    images: Path | None,
    labels: Path | None = None,
    size: int | None = None,
    report: Report | None = None,
) -> Items:
    """Joins embeddings to pictures, and writes what the training reads to the checkpoint's folder.

    Arguments:
        embeddings: As `read_embeddings` takes it.
        folder: The checkpoint's folder, without a run.
        images: The pictures; those of the embeddings' file if None.
        labels: A table of labels.
        size: Pixels of the longer side of a picture; chosen for the pictures if None.
        report: Called with the share done, 0 to 1, and the current task.

    Raises:
        ValueError: If the files do not belong together, there is nothing to learn, or the folder holds a run.
    """
    tell = report or (lambda share, what: None)
    working_folder(folder, resume=False, overwrite=False)
    tell(0.0, "Reading the embeddings")
    found = read_embeddings(embeddings)
    if images is None and found.pictures is None:
        raise ValueError("A decoder learns from pictures. Name those of the embeddings: `--images PATH`.")
    make_folder(folder)
    items = gather(found, folder, images=images, labels=labels, size=size)
    prepared = prepare(items.preparation, lambda share, what: tell(0.1 + 0.9 * share, what), items.found)
    prepared.check_learnable()
    write_latents(folder, items, {}, UNKNOWN)
    return items


def train_decoder(run: Run, folder: Path, **options: Any) -> Card:
    """Trains a decoder and writes a checkpoint; the arguments are those of `train`.

    Raises:
        ValueError: As `train` does; or if the folder was not prepared with `prepare_decoder`.
    """
    for name in ("augment", "prior_epochs"):
        if getattr(run, name):
            raise ValueError(f"`{name}` does not apply to a decoder of embeddings. Leave it out.")
    for name in ("overwrite", "previews"):
        if options.get(name):
            raise ValueError(f"`--{name}` does not apply to a decoder of embeddings. Leave it out.")
    card = train(run, folder, load=partial(load_pairs, folder), **options)
    return card if card.training.get("finished") is False else _finish(folder, card)


@dataclass(frozen=True)
class Pairs(Examples):
    """Images with their vectors."""

    latents: Array  # (M, D), of the images of `data`

    def read(self, indices: Tensor | NDArray[np.int64]) -> Tensor:
        """Reads vectors and pictures in [0, 1] at indices (B,), one after the other: float32 (B, D + C * H * W)."""
        rows = self.rows[np.asarray(indices)]
        assert isinstance(self.data, ImageData)
        pictures = np.asarray(self.data.images[rows]).transpose(0, 3, 1, 2).reshape(len(rows), -1)
        return torch.from_numpy(np.concatenate([self.latents[rows], pictures / np.float32(255)], axis=1))


def load_pairs(folder: Path, run: Run) -> tuple[Pairs, Pairs | None, Autoencoder]:
    """Loads the examples of a run, and builds its model."""
    table = _vectors(folder)
    training, validation = (
        None if each is None else Pairs(each.data, each.rows, _latents(each.data, table))
        for each in load_examples(run)
    )
    assert training is not None
    values = {**run.config, "image_shape": training.image_shape, "latent": training.latents.shape[1]}
    model = initialised(EmbeddingDecoder, config_from_dict(EmbeddingDecoderConfig, values), run.seed)
    assert isinstance(model, EmbeddingDecoder)
    model.set_scale(training.latents[training.rows])
    return training, validation, model


def _vectors(folder: Path) -> dict[str, Array]:
    """Reads the vectors in a checkpoint's folder, by the names of their pictures."""
    if not (folder / LATENTS / FILE).is_file():
        raise ValueError(
            f"{folder / LATENTS / FILE} is missing. Train from the embeddings: "
            "`python -m models train decoder --embeddings FILE --images PATH`."
        )
    files, means = read_table(folder / LATENTS / FILE)
    return dict(zip(files, checked(means, FILE), strict=True))


def _latents(data: Any, table: dict[str, Array]) -> Array:
    names = data.texts["file"].values
    if missing := [name for name in names if name not in table]:
        raise ValueError(f"The picture {missing[0]!r} has no embedding any more. Train in a new folder.")
    return np.stack([table[name] for name in names])


def _finish(folder: Path, card: Card) -> Card:
    """Measures a trained decoder, and writes the errors of all pictures and the metrics of the card."""
    model, table = checkpoint.load(folder), _vectors(folder)
    run = Run(card.model, card.data["name"], options=card.data["options"])
    parts: dict[str, ImageData] = {}
    for split in SPLITS:
        try:
            data = load_split(run, split)
        except ValueError:
            continue  # a split may be empty
        assert isinstance(data, ImageData)
        parts[split] = data
    latents = {split: _latents(data, table) for split, data in parts.items()}
    found = {split: _errors(model, data, latents[split]) for split, data in parts.items()}
    write_table(
        folder / LATENTS / FILE,
        [split for split, data in parts.items() for _ in range(len(data))],
        np.concatenate([data.ids for data in parts.values()]),
        [name for data in parts.values() for name in data.texts["file"].values],
        {
            "mean": np.concatenate([*latents.values()]),
            "error": np.concatenate([mse for mse, _ in found.values()]),
        },
        {WEIGHTS_KEY: card.weights_sha256.encode()},
    )
    if "test" not in parts:
        return card
    mse, psnr = found["test"]
    about = f"decoded embeddings, {describe_images(parts['test'])}"
    metrics = _metrics(mse, psnr, "", about) | _copied(parts, latents)
    card = replace(card, metrics=metrics)
    write_card(folder, card)
    return card


def _metrics(mse: Array, psnr: Array, ending: str, about: str) -> Metrics:
    return {
        f"psnr{ending}": metric(psnr.mean(), "dB", about),
        f"mse{ending}": metric(mse.mean(), "per pixel, [0, 1]", about),
    }


def _errors(model: Autoencoder, data: ImageData, latents: Array) -> tuple[Array, Array]:
    """Squared error per pixel and PSNR in dB of the decoded vectors (N, D), shape (N,) each."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(data), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            x = model.decode(torch.from_numpy(latents[rows])).permute(0, 2, 3, 1).numpy()
            found.append(errors(data.images[rows].astype(np.float32) / np.float32(255), x))
    mse, psnr = zip(*found, strict=True)
    return np.concatenate(mse), np.concatenate(psnr)


def _copied(parts: dict[str, ImageData], latents: dict[str, Array]) -> Metrics:
    """The errors of copying the picture of the nearest training vector, instead of decoding."""
    train, test = parts["train"], parts["test"]
    centre = latents["train"].mean(0)
    known, asked = latents["train"] - centre, latents["test"] - centre
    squares = np.square(known).sum(1)
    found = []
    for start in range(0, len(asked), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        nearest = (squares - 2 * asked[rows] @ known.T).argmin(1)
        truth, copies = (
            images.astype(np.float32) / np.float32(255)
            for images in (test.images[rows], train.images[nearest])
        )
        found.append(errors(truth, copies))
    mse, psnr = (np.concatenate(each) for each in zip(*found, strict=True))
    about = f"picture of the nearest of {len(train)} training embeddings, {describe_images(test)}"
    return _metrics(mse, psnr, "_nearest", about)
