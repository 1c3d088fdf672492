r"""The sparse autoencoder: many units with a small mean activation.

min  -log p(x | g(z)) + weight * sum_j KL(rho || rho_hat_j),   z = sigmoid(f(x)),   rho_hat_j = mean of z_j

KL(rho || r) = rho log(rho / r) + (1 - rho) log((1 - rho) / (1 - r)), between Bernoulli distributions. rho_hat is the
mean over images. A small batch gives a noisy estimate whose KL is biased upwards, so training uses a running mean over
batches for the value and the batch for the gradient. The running mean is short, which leaves a third of the noise; a
long one reacts too late, and activations oscillate.

References:
    | Sparse autoencoder, CS294A lecture notes (Ng, 2011)
    | https://web.stanford.edu/class/cs294a/sparseAutoencoder.pdf
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.ae import AE
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import NetworkConfig
from models.family_description import FamilyDescription
from models.sharding import batch_mean

__all__ = ["SparseAE", "SparseAEConfig", "bernoulli_kl"]

LEAST = 1e-6  # smallest distance of mean activations from 0 and 1, where the divergence is infinite


@dataclass(frozen=True)
class SparseAEConfig(NetworkConfig):
    """Configuration of a sparse autoencoder."""

    rho: float = setting(0.05, "target mean activation of each unit", low=0.001, high=0.5)
    weight: float = setting(1.0, "weight of the penalty, in nats per nat", low=0, high=10_000)


class SparseAE(AE):
    """An autoencoder with sigmoid units whose mean activation is kept near `rho`."""

    Config = SparseAEConfig
    description = FamilyDescription(
        title="Sparse AE",
        idea="An autoencoder with many units, whose mean activation is kept small.",
        year=2011,
        paper="Sparse autoencoder, CS294A lecture notes, Ng",
        link="https://web.stanford.edu/class/cs294a/sparseAutoencoder.pdf",
    )
    momentum = 0.5  # weight of the former running mean in an update

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            rf"-\log p\big(x\,|\,g(z)\big) + {config.weight:g} \sum_j \mathrm{{KL}}(\rho\,\|\,\hat\rho_j)",
            "The decoder learns to reconstruct each image from its latent, and each unit to have a mean activation of "
            f"{config.rho:g}: few units are active for an image.",
            AE.criterion(config).terms
            | {"sparsity": "weighted divergence of the mean activations of the units from the target"},
            where=rf"z = \sigma(f(x)),\ \rho = {config.rho:g}",
        )

    def __init__(self, config: SparseAEConfig) -> None:
        super().__init__(config)
        self.register_buffer("activation", torch.full((config.latent,), config.rho))  # running mean (D,)
        self.activation: Tensor

    def latent(self, x: Tensor) -> Tensor:
        return super().latent(x).sigmoid()

    def penalties(self, x: Tensor, z: Tensor, generator: torch.Generator | None) -> dict[str, Tensor]:
        weight: float = self.config.weight
        return {"sparsity": weight * bernoulli_kl(self.config.rho, self.mean_activation(z)).sum()}

    def mean_activation(self, z: Tensor) -> Tensor:
        """Computes rho_hat, (D,): the mean of the batch; in training the running mean, with the batch's gradient."""
        batch = batch_mean(z, 0)
        if not self.training:
            return batch
        with torch.no_grad():
            self.activation.lerp_(batch, 1 - self.momentum)
        return batch + (self.activation - batch).detach()


def bernoulli_kl(rho: float, rho_hat: Tensor) -> Tensor:
    """Computes KL(Bernoulli(rho) || Bernoulli(rho_hat)) in nats, shape of `rho_hat`."""
    r = rho_hat.clamp(LEAST, 1 - LEAST)
    p = torch.as_tensor(rho, dtype=r.dtype, device=r.device)
    return p * (p / r).log() + (1 - p) * ((1 - p) / (1 - r)).log()
