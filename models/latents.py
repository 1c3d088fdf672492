"""Encodes images of a data set: posterior means and deviations, and how well the model knows each image.

A collection keeps them as Parquet files in a folder `latents/`, one row per image: split, id, file, mean, std, kl, error.
The atlas of the collection is made from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from models.base import Autoencoder
from models.data import SequenceData
from models.data.tensors import to_tensor
from models.protocols import as_discrete
from models.system.files import replace_file

__all__ = ["WEIGHTS_KEY", "encode", "rounded", "write_table"]

Array = NDArray[np.float32]

BATCH = 256
WEIGHTS_KEY = b"weights_sha256"  # of the Parquet metadata: the weights that encoded the images


def encode(
    model: Autoencoder,
    images: NDArray[np.uint8] | SequenceData,
    report: Callable[[float], None] | None = None,
) -> dict[str, Array]:
    """Posterior mean and std (N, D), rounded; KL in nats (N,) and squared error per pixel (N,) of uint8 images.

    For a model with discrete codes the mean is the embedding of the codes, which `decode` maps to the same codes.
    The latent of a sequence shows its last frame; the error is that of this frame.

    Arguments:
        model: In evaluation mode.
        images: Images (N, H, W, C), or sequences.
        report: Called with the fraction done.
    """
    from models.evaluation.moving_digits import as_tensor

    discrete = as_discrete(model) if model.spec.discrete else None
    rows: dict[str, list[Array]] = {}
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            if isinstance(images, SequenceData):
                x = as_tensor(images.frames(np.arange(start, min(start + BATCH, len(images)))))
                shown = x[:, -1]
            else:
                x = shown = to_tensor(images[start : start + BATCH])
            q = model.encode(x)
            mean = discrete.embed(discrete.codes(x)) if discrete else q.mean
            found = {"mean": mean.flatten(1), "error": (model.decode(mean) - shown).square().mean((1, 2, 3))}
            if q.std is not None:
                found |= {"std": q.std.flatten(1), "kl": q.kl().flatten(1).sum(1)}
            for name, values in found.items():
                rows.setdefault(name, []).append(values.numpy().astype(np.float32))
            if report:
                report(min(1.0, (start + BATCH) / len(images)))
    whole = {name: np.concatenate(parts) for name, parts in rows.items()}
    exact = (
        ("kl", "error", "mean") if model.spec.discrete else ("kl", "error")
    )  # embeddings are stored as codes
    return {name: values if name in exact else rounded(values) for name, values in whole.items()}


def rounded(values: Array) -> Array:
    """Rounds to 10 bits of mantissa (a relative 0.05 %), which halves the size of the compressed column."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    return ((bits + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view(np.float32)


def write_table(
    path: Path,
    splits: Sequence[str],
    ids: NDArray[np.int64],
    files: Sequence[str],
    rows: Mapping[str, Array],
    about: Mapping[bytes, bytes],
) -> None:
    """Writes the latents of N images as a Parquet file, at one stroke; its pages have checksums.

    Arguments:
        path: The file.
        splits: Split of each image.
        ids: Row of each image in its split, shape (N,).
        files: Name of each image's file.
        rows: As `encode` gives them, N each.
        about: Metadata; `WEIGHTS_KEY` gives the weights that encoded the images.
    """
    columns: dict[str, Any] = {
        "split": pa.array(splits, pa.string()).dictionary_encode(),
        "id": ids,
        "file": pa.array(files, pa.string()).dictionary_encode(),
    }
    columns |= {name: values if values.ndim == 1 else _vectors(values) for name, values in rows.items()}
    table = pa.table(columns).replace_schema_metadata(dict(about))
    replace_file(
        path,
        lambda temporary: pq.write_table(table, temporary, compression="zstd", write_page_checksum=True),
    )


def _vectors(rows: Array) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), pa.float32()), rows.shape[1])
