r"""The k-sparse autoencoder: all units but the k largest of each image are set to 0.

z = top_k(f(x)),   min  -log p(x | g(z))

Units that are set to 0 get no gradient, so a unit that is never among the k largest would never learn. During the
warm-up k therefore falls from all units to its final value.

References:
    | k-Sparse Autoencoders (Makhzani & Frey, 2013)
    | https://arxiv.org/abs/1312.5663
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.ae import AE
from models.configuration import check_range, setting
from models.criterion import Criterion
from models.encoder_decoder import NetworkConfig
from models.family_description import FamilyDescription

__all__ = ["KSparseAE", "KSparseAEConfig", "top_k"]


@dataclass(frozen=True)
class KSparseAEConfig(NetworkConfig):
    """Configuration of a k-sparse autoencoder."""

    k: int = setting(8, "units that are not set to 0, at most `latent`")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "k", 1, self.latent, "(at most `latent`)")


class KSparseAE(AE):
    """An autoencoder whose latent keeps its `k` largest values."""

    Config = KSparseAEConfig
    description = FamilyDescription(
        title="k-sparse AE",
        idea="An autoencoder that keeps only the k largest units of each image and sets the others to 0.",
        year=2013,
        paper="k-Sparse Autoencoders, Makhzani & Frey",
        link="https://arxiv.org/abs/1312.5663",
    )

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            r"-\log p\big(x\,|\,g(z)\big)",
            f"The decoder learns to reconstruct each image from the {config.k} most active of its {config.latent} units; "
            "the others are set to 0.",
            {"reconstruction": "−log p(x|z) of the image, given its most active units"},
            where=rf"z = \mathrm{{top}}_{{{config.k}}}(f(x))",
        )

    def latent(self, x: Tensor) -> Tensor:
        return top_k(super().latent(x), self.config.k)

    def training_latent(self, x: Tensor, generator: torch.Generator | None, warmup: float) -> Tensor:
        k = self.config.latent + (self.config.k - self.config.latent) * warmup
        return top_k(super().latent(x), round(float(k)))


def top_k(z: Tensor, k: int) -> Tensor:
    """Keeps the k largest values of each row of (B, D) and sets the others, and their gradients, to 0."""
    largest = z.topk(k, dim=1)
    return torch.zeros_like(z).scatter(1, largest.indices, largest.values)
