"""Encodes images of a data set: posterior means and standard deviations, KL and reconstruction error of each image.

A collection stores them as Parquet files in the folder `latents/`, one row per image: split, id, file, mean, std, kl,
error. The atlas of the collection is built from these files.
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

__all__ = ["WEIGHTS_KEY", "encode", "read_table", "rounded", "write_table"]

Array = NDArray[np.float32]

BATCH = 256
WEIGHTS_KEY = b"weights_sha256"  # key of the Parquet metadata: hash of the weights that encoded the images


def encode(
    model: Autoencoder,
    images: NDArray[np.uint8] | SequenceData,
    report: Callable[[float], None] | None = None,
) -> dict[str, Array]:
    """Encodes uint8 images to posterior mean and std (N, D), rounded, KL in nats (N,) and error per pixel (N,).

    For a model with discrete codes, the mean is the embedding of the codes. The latent of a sequence is that of its last
    frame, and so is the error.

    Arguments:
        model: A model in evaluation mode.
        images: Images (N, H, W, C), or sequences.
        report: Called with the fraction of the images that are encoded.
    """
    from models.evaluation.moving_digits import as_tensor

    discrete = as_discrete(model) if model.spec.discrete else None
    batches: dict[str, list[Array]] = {}
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            if isinstance(images, SequenceData):
                x = as_tensor(images.frames(np.arange(start, min(start + BATCH, len(images)))))
                shown = x[:, -1]
            else:
                x = shown = to_tensor(images[start : start + BATCH])
            q = model.encode(x)
            mean = discrete.embed(discrete.codes(x)) if discrete else q.mean
            columns = {
                "mean": mean.flatten(1),
                "error": (model.decode(mean) - shown).square().mean((1, 2, 3)),
            }
            if q.std is not None:
                columns |= {"std": q.std.flatten(1), "kl": q.kl().flatten(1).sum(1)}
            for name, values in columns.items():
                batches.setdefault(name, []).append(values.numpy().astype(np.float32))
            if report:
                report(min(1.0, (start + BATCH) / len(images)))
    # Embeddings are not rounded, because the atlas stores them as codes.
    exact = ("kl", "error", "mean") if model.spec.discrete else ("kl", "error")
    encoded = {name: np.concatenate(each) for name, each in batches.items()}
    return {name: values if name in exact else rounded(values) for name, values in encoded.items()}


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
    """Writes the latents of N images to a Parquet file, atomically; its pages have checksums.

    Arguments:
        path: File to write.
        splits: Split of each image.
        ids: Row of each image in its split, shape (N,).
        files: Name of each image's file.
        rows: Arrays of N rows, from `encode`.
        about: Metadata; `WEIGHTS_KEY` is the hash of the weights that encoded the images.
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


def read_table(path: Path) -> tuple[list[str], Array]:
    """Reads the names of the files and the means (N, D) of a file that `write_table` wrote.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        table = pq.read_table(path, columns=["file", "mean"], page_checksum_verification=True)
        means = table["mean"].combine_chunks()
        values = np.asarray(means.flatten(), np.float32).reshape(len(table), means.type.list_size)
        return table["file"].to_pylist(), values
    except (pa.ArrowException, OSError, LookupError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {str(error)[:200].rstrip('.')}. Copy it again.") from error


def _vectors(rows: Array) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), pa.float32()), rows.shape[1])
