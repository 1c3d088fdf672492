r"""The k-sparse autoencoder: only the k largest units of each image are kept; the others are set to 0.

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

from models.about import About
from models.ae import AE
from models.configuration import check_range, setting
from models.criterion import Criterion
from models.encoder_decoder import NetworkConfig

__all__ = ["KSparseAE", "KSparseAEConfig", "top_k"]


@dataclass(frozen=True)
class KSparseAEConfig(NetworkConfig):
    """Configuration of a k-sparse autoencoder."""

    k: int = setting(8, "units that are not 0, at most `latent`")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "k", 1, self.latent, "(at most `latent`)")


class KSparseAE(AE):
    """An autoencoder whose latent keeps its `k` largest values."""

    Config = KSparseAEConfig
    about = About(
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
            f"Training asks that each image comes back from the {config.k} most active of its {config.latent} units; "
            "the others are set to 0.",
            {"reconstruction": "−log p of the image under what the units that are kept decode to"},
            where=rf"z = \mathrm{{top}}_{{{config.k}}}(f(x))",
        )

    def code(self, x: Tensor) -> Tensor:
        return top_k(super().code(x), self.config.k)

    def training_code(self, x: Tensor, generator: torch.Generator | None, warmup: float) -> Tensor:
        k = self.config.latent + (self.config.k - self.config.latent) * warmup
        return top_k(super().code(x), round(float(k)))


def top_k(z: Tensor, k: int) -> Tensor:
    """Keeps the k largest values of each row of (B, D) and sets the others, and their gradients, to 0."""
    kept = z.topk(k, dim=1)
    return torch.zeros_like(z).scatter(1, kept.indices, kept.values)
