r"""Embeddings without a decoder: the picture of a latent is that of the nearest item.

x_hat = x_i,   i = argmin_j |z - z_j|

The vectors were computed elsewhere, by a model that is not known here: there is no encoder, no likelihood and no prior. A
latent at an item has its picture; between items the picture changes at once where another item becomes the nearest.

References:
    | Nearest neighbor pattern classification (Cover & Hart, 1967)
    | https://doi.org/10.1109/TIT.1967.1053964
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.base import Autoencoder, LatentSpec, Posterior
from models.configuration import setting
from models.criterion import Criterion
from models.data.own.trees import FILES_AT_MOST
from models.encoder_decoder import LATENT_AT_MOST, ImageConfig
from models.family_description import FamilyDescription

__all__ = ["PICTURES", "EmbeddingConfig", "EmbeddingModel", "sha256_of"]

PICTURES = "pictures.npy"  # file beside the card

SHA256 = re.compile(r"[0-9a-f]{64}")
PICTURE_BYTES = 1 << 34  # of the file of pictures, which is memory-mapped
CHUNK = 1 << 24
DISTANCES = 1 << 24  # in memory at once


@dataclass(frozen=True)
class EmbeddingConfig(ImageConfig):
    """Configuration of imported embeddings."""

    items: int = setting(2, "number of items", low=1, high=FILES_AT_MOST)
    latent: int = setting(1, "dimensions of a vector", low=1, high=LATENT_AT_MOST)
    pictured: bool = setting(True, "the items have pictures; otherwise they are blank")
    pictures_sha256: str = setting("0" * 64, "SHA-256 of pictures.npy")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not SHA256.fullmatch(self.pictures_sha256):
            raise ValueError(
                f"`pictures_sha256` must be 64 hexadecimal digits. Got {self.pictures_sha256[:80]!r}."
            )


class EmbeddingModel(Autoencoder):
    """Vectors of items, and their pictures in a file; `open_files` must be called before it decodes."""

    Config: ClassVar[type[Any]] = EmbeddingConfig
    description = FamilyDescription(
        title="Embeddings",
        idea="Vectors that were computed elsewhere; the picture of a latent is that of the nearest item.",
        year=1967,
        paper="Nearest neighbor pattern classification, Cover & Hart (the search)",
        link="https://doi.org/10.1109/TIT.1967.1053964",
    )
    exportable = False

    def __init__(self, config: Any) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.config = config
        self.image_shape = (channels, height, width)
        self.spec = LatentSpec(
            (config.latent,),
            prior=False,
            likelihood="none",
            encodes=False,
            pictures="nearest" if config.pictured else "none",
        )
        # Less their mean, since smaller numbers lose less precision in a distance; and as one row after another, since
        # `pack` halves the precision of matrices.
        self.register_buffer("vectors", torch.zeros(config.items * config.latent))
        self.register_buffer("centre", torch.zeros(config.latent))
        # The weights file holds the hash, so that the SHA-256 of the card stands for the pictures too.
        self.register_buffer("sha256", torch.zeros(32, dtype=torch.uint8))
        self._squares: Tensor | None = None
        self._pictures: NDArray[np.uint8] | None = None

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            r"\text{unknown}",
            "The vectors were computed elsewhere, and their file does not tell by which model or loss.",
            {},
        )

    @property
    def files(self) -> dict[str, str]:
        """Name -> SHA-256 of the file of pictures beside the card."""
        return {PICTURES: self.config.pictures_sha256}

    def set_vectors(self, vectors: NDArray[np.float32]) -> None:
        """Stores the vectors of the items, (N, D)."""
        centre = vectors.mean(0, dtype=np.float64).astype(np.float32)
        self.vectors = torch.from_numpy((vectors - centre).ravel())
        self.centre = torch.from_numpy(centre)
        self.sha256 = self.hash()

    def hash(self) -> Tensor:
        """Returns the buffer `sha256` for the file that the configuration names: uint8 (32,)."""
        return torch.tensor(list(bytes.fromhex(self.config.pictures_sha256)), dtype=torch.uint8)

    def read_files(self, folder: Path) -> dict[str, bytes]:
        """Compares the pictures with their SHA-256; they are not held in memory.

        Raises:
            ValueError: If the file is missing, too large, or was changed.
        """
        path = folder / PICTURES
        digest = sha256_of(path)
        if digest != self.config.pictures_sha256:
            raise ValueError(
                f"{path} has the SHA-256 {digest[:12]}…, but its card records {self.config.pictures_sha256[:12]}…. "
                "The file was changed or truncated. Copy it again, or import the embeddings again."
            )
        return {}

    def open_files(self, folder: Path) -> None:
        """Checks and memory-maps the pictures.

        Raises:
            ValueError: If the file is missing, was changed, or does not fit the vectors.
        """
        if not torch.equal(self.get_buffer("sha256").cpu(), self.hash()):
            raise ValueError(
                f"{folder}: the card names another {PICTURES} than the weights. Import it again."
            )
        self.read_files(folder)
        pictures = np.load(folder / PICTURES, mmap_mode="r", allow_pickle=False)
        channels, height, width = self.image_shape
        expected = (self.config.items, height, width, channels)
        if pictures.dtype != np.uint8 or pictures.shape != expected:
            raise ValueError(
                f"{folder / PICTURES} must be uint8 of the shape {expected}. Got {pictures.dtype} {pictures.shape}."
            )
        self._pictures = pictures

    def encode(self, x: Tensor) -> Posterior:
        """Raises ValueError, since the model that computed the vectors is not known."""
        raise ValueError("Embeddings have no encoder: the model that computed them is not known here.")

    def decode(self, z: Tensor) -> Tensor:
        """Returns the pictures of the items nearest to latents (B, D): (B, C, H, W) in [0, 1]."""
        if z.requires_grad and torch.is_grad_enabled():
            raise ValueError(
                "Embeddings have no decoder, so their pictures have no gradients. Train one: "
                "`python -m models train decoder --embeddings FILE --images PATH`."
            )
        if self._pictures is None:
            raise ValueError("The pictures of these embeddings are not open. Load them with `models.load`.")
        rows = self.nearest_items(z.flatten(1)).cpu().numpy()
        pictures = torch.from_numpy(np.ascontiguousarray(self._pictures[rows]))
        return pictures.to(z.device).permute(0, 3, 1, 2).float().div(255)

    def nearest_items(self, z: Tensor) -> Tensor:
        """Returns the row of the nearest item, in Euclidean distance, to each of the latents (B, D): int64 (B,)."""
        vectors = self.get_buffer("vectors").view(self.config.items, self.config.latent)
        if self._squares is None:
            self._squares = vectors.square().sum(1)
        rows = max(1, DISTANCES // len(vectors))
        z = z - self.get_buffer("centre")
        parts = [
            torch.addmm(self._squares, z[start : start + rows], vectors.T, alpha=-2).argmin(1)
            for start in range(0, len(z), rows)
        ]
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.long)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> NoReturn:
        """Raises ValueError, since nothing is trained."""
        raise ValueError("Embeddings cannot be trained. Train a decoder from them instead.")


def sha256_of(path: Path) -> str:
    """Computes the SHA-256 of a file of pictures.

    Raises:
        ValueError: If it is missing or too large.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing. Copy it again, or import the embeddings again.")
    if path.stat().st_size > PICTURE_BYTES:
        raise ValueError(f"{path} must have at most {PICTURE_BYTES >> 20} MiB. Choose a smaller `--size`.")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
