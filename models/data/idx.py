r"""The IDX format of MNIST and similar data sets, which consist of four such files.

A file is two zero bytes, a type code (8: unsigned bytes), the number of dimensions n, n big-endian
32-bit sizes, then the values in row-major order; the file is gzipped. An image file has three
dimensions (count, height, width), a label file one.

References:
    | The MNIST database of handwritten digits (LeCun, Cortes and Burges, 1998)
    | https://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

__all__ = ["IdxDataset", "read_idx"]

import gzip
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.base import Attribute, ImageData, drawn_split
from models.data.download import Remote, fetch
from models.data.locations import cache_folder, data_folder, why_missing
from models.system import settings

UNSIGNED_BYTES = 8
MAX_BYTES = 1 << 28  # largest size of the unpacked values, five times MNIST
CHUNK = 1 << 20


@dataclass(frozen=True)
class IdxDataset:
    """A data set of grey images with one category each, in four gzipped IDX files."""

    name: str  # name of the data set, and of its folder in the data folder and in the cache
    mirror: str  # address of the folder with the files, ending in "/"
    mirror_variable: str  # environment variable that replaces `mirror`
    files: dict[str, tuple[Remote, Remote]]  # images and labels of each split
    attribute: str  # name of the category
    labels: tuple[str, ...]  # names of its values
    shape: tuple[int, int]  # height and width
    licence: str
    source: str
    train_count: int  # images in the training split
    validation_count: int  # training images that are the validation split
    validation_seed: int  # of the choice of these

    def validation_rows(self) -> NDArray[np.int64]:
        """Returns the rows of the training split that the validation split consists of, ascending."""
        return drawn_split("validation", self.train_count, 0, self.validation_count, self.validation_seed)

    def load(self, split: str, limit: int | None = None) -> ImageData:
        """Loads the first `limit` images of `split`; downloads the files if needed.

        Raises:
            ValueError: If a file is missing, damaged, of another data set, or cannot be downloaded.
        """
        remote_images, remote_labels = self.files["train" if split == "validation" else split]
        labels_path, images_path = self._path(remote_labels), self._path(remote_images)
        labels, images = read_idx(labels_path, 1), read_idx(images_path, 3)
        if images.shape[1:] != self.shape:
            raise ValueError(
                f"{images_path} must hold images of {self.shape[0]}x{self.shape[1]} pixels. "
                f"Got {images.shape[1]}x{images.shape[2]}. {_remedy(images_path)}"
            )
        if len(images) != len(labels):
            raise ValueError(
                f"{images_path} and {labels_path.name} must hold as many images as labels. "
                f"Got {len(images)} and {len(labels)}. {_remedy(images_path)}"
            )
        if len(labels) and labels.max() >= len(self.labels):
            raise ValueError(
                f"{labels_path} must hold labels in 0..{len(self.labels) - 1}. "
                f"Got {labels.max()}. {_remedy(labels_path)}"
            )
        if split == "validation":
            rows = self.validation_rows()[:limit]
            if len(images) != self.train_count:
                raise ValueError(
                    f"{images_path} must hold {self.train_count:,} images. It has {len(images):,}. {_remedy(images_path)}"
                )
            images, labels = images[rows], labels[rows]
        elif limit is not None:
            images, labels = images[:limit].copy(), labels[:limit]  # a copy, to free the memory of the rest
        category = Attribute(self.attribute, "categorical", labels.astype(np.int16), self.labels)
        return ImageData(
            name=self.name,
            split=split,
            images=images[..., None],
            attributes={self.attribute: category},
            ids=np.arange(len(images), dtype=np.int64),
            publishable=True,
            licence=self.licence,
            source=self.source,
        )

    def unavailable(self) -> str | None:
        """Returns why the data set cannot be loaded without a download, or None if it can."""
        for remote in (each for pair in self.files.values() for each in pair):
            if data_folder() is not None:
                reason = why_missing(f"{self.name}/{remote.name}")
                if reason is not None:
                    return f"{reason} Or unset LATENT_DATA_DIR, to download it."
            elif not (cache_folder() / self.name / remote.name).is_file():
                return (
                    f"{remote.name} of {self.name} is not on this machine. It is downloaded when "
                    "the data set is first loaded; or set LATENT_DATA_DIR to a folder with "
                    f"{self.name}/{remote.name}."
                )
        return None

    def _path(self, remote: Remote) -> Path:
        """Returns the path of the file; downloads it if needed."""
        file = f"{self.name}/{remote.name}"
        folder = data_folder()
        if folder is None:
            mirror = settings.mirror(self.mirror_variable) or self.mirror
            hint = f"set LATENT_DATA_DIR to a folder with {file}"
            return fetch(remote, mirror, cache_folder() / self.name, hint=hint)
        reason = why_missing(file)
        if reason is not None:
            raise ValueError(f"{reason} Or unset LATENT_DATA_DIR, to download it.")
        return folder / file


def read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    """Reads a gzipped IDX file of unsigned bytes.

    Arguments:
        path: The file.
        ndim: Expected number of dimensions: 3 for images, 1 for labels.

    Returns:
        The values, uint8, with the shape in the header of the file.

    Raises:
        ValueError: If the file is missing, of another format, damaged, truncated, too long or above
            `MAX_BYTES` unpacked; the message names it.
    """
    try:
        with gzip.open(path, "rb") as stream:
            return _read(stream, path, ndim)
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing. Put it there.") from error
    except (EOFError, zlib.error, OSError) as error:  # gzip.BadGzipFile is an OSError
        raise ValueError(f"{path} cannot be unpacked ({error}). {_remedy(path)}") from error


def _read(stream: gzip.GzipFile, path: Path, ndim: int) -> NDArray[np.uint8]:
    header = stream.read(4 + 4 * ndim)
    magic = bytes([0, 0, UNSIGNED_BYTES, ndim])
    if header[:4] != magic:
        raise ValueError(
            f"{path} must begin with the bytes {magic.hex(' ')} (IDX, unsigned bytes, {ndim} "
            f"dimensions). Got {header[:4].hex(' ') or 'nothing'}. {_remedy(path)}"
        )
    if len(header) < 4 + 4 * ndim:
        raise ValueError(f"{path} ends within its header. {_remedy(path)}")
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4", offset=4))
    size = prod(shape)
    if not 1 <= size <= MAX_BYTES:
        raise ValueError(
            f"{path} must hold 1 to {MAX_BYTES} values. Its header says {shape}. {_remedy(path)}"
        )
    values = np.empty(size, np.uint8)
    filled = 0
    while filled < size:
        chunk = stream.read(min(CHUNK, size - filled))
        if not chunk:
            raise ValueError(
                f"{path} must hold {size} values, as its header says. Got {filled}. {_remedy(path)}"
            )
        values[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
        filled += len(chunk)
    if stream.read(1):  # also makes gzip verify its checksum
        raise ValueError(f"{path} must hold {size} values, as its header says. Got more. {_remedy(path)}")
    return values.reshape(shape)


def _remedy(path: Path) -> str:
    return f"Delete it, or put the original {path.name} in its place."
