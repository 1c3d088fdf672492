r"""The contractive autoencoder: a latent that changes little when the image changes a little.

min  -log p(x | g(z)) + weight * || J_f(x) ||^2_F,   z = f(x) = sigmoid(...),   J_f = dz/dx

The reconstruction needs the directions along the data manifold, so the penalty suppresses the others. For a single layer
z = sigmoid(W x + b) it has a closed form,

|| J ||^2_F = sum_j (z_j (1 - z_j))^2 sum_i W_ji^2,

and for deep encoders Hutchinson's estimator is used, with one vector-Jacobian product per image:

|| J ||^2_F = E_v || v^T J ||^2,   v_j = +1 or -1 with equal probability.

References:
    | Contractive Auto-Encoders: Explicit Invariance During Feature Extraction (Rifai et al., 2011)
    | https://icml.cc/2011/papers/455_icmlpaper.pdf
    | A stochastic estimator of the trace of the influence matrix (Hutchinson, 1989)
    | https://doi.org/10.1080/03610918908812806
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from models.ae import AE
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import NetworkConfig
from models.family_description import FamilyDescription
from models.sharding import draw

__all__ = ["ContractiveAE", "ContractiveAEConfig", "hutchinson", "sigmoid_layer"]

SHARE = 0.25  # of a training batch on which a deep encoder's penalty is estimated


@dataclass(frozen=True)
class ContractiveAEConfig(NetworkConfig):
    """Configuration of a contractive autoencoder."""

    weight: float = setting(
        1.0,
        "weight of the squared norm, in nats for each squared (unit of latent per unit of pixel)",
        low=0,
        high=10_000,
    )


class ContractiveAE(AE):
    """An autoencoder with sigmoid units and a penalty on the encoder's Jacobian."""

    Config = ContractiveAEConfig
    description = FamilyDescription(
        title="Contractive AE",
        idea="An autoencoder whose latent changes little when the image changes a little.",
        year=2011,
        paper="Contractive Auto-Encoders: Explicit Invariance During Feature Extraction, Rifai et al.",
        link="https://icml.cc/2011/papers/455_icmlpaper.pdf",
    )

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            rf"-\log p\big(x\,|\,g(f(x))\big) + {config.weight:g}\, \big\|\tfrac{{\partial f}}{{\partial x}}\big\|_F^2",
            "The decoder learns to reconstruct each image from its latent, and the latent to change little when the "
            "image changes a little.",
            AE.criterion(config).terms | {"contraction": "weighted squared norm of the encoder's Jacobian"},
        )

    def latent(self, x: Tensor) -> Tensor:
        return super().latent(x).sigmoid()

    def penalties(self, x: Tensor, z: Tensor, generator: torch.Generator | None) -> dict[str, Tensor]:
        weight: float = self.config.weight
        return {"contraction": weight * self.squared_jacobian(x, z, generator).mean()}

    def squared_jacobian(self, x: Tensor, z: Tensor, generator: torch.Generator | None) -> Tensor:
        """Computes ||J_f(x)||^2_F of images: exact for one layer, else estimated, in training on part of the batch."""
        if self.config.network == "mlp" and self.config.depth == 0:
            return sigmoid_layer(z, self.layer.weight)
        count = math.ceil(SHARE * len(x)) if self.training else len(x)
        return hutchinson(self.latent, x[:count], generator)

    @property
    def layer(self) -> nn.Linear:
        """The linear layer of a single-layer encoder."""
        return next(module for module in self.encoder.modules() if isinstance(module, nn.Linear))


def sigmoid_layer(z: Tensor, weight: Tensor) -> Tensor:
    """Computes ||J||^2_F of z = sigmoid(W x + b).

    Arguments:
        z: Latents (B, D).
        weight: W, (D, pixels).

    Returns:
        Shape (B,), in squared units of latent per unit of pixel.
    """
    return (z * (1 - z)).square() @ weight.square().sum(1)


def hutchinson(f: Callable[[Tensor], Tensor], x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Estimates ||J_f(x)||^2_F without bias, from one random vector-Jacobian product per image.

    The estimate is differentiable, and works even if gradients are disabled.

    Arguments:
        f: Maps images (B, C, H, W) to latents (B, D), each image independently.
        x: The images.
        generator: Source of v; torch's default generator if None.

    Returns:
        Shape (B,), in squared units of latent per unit of pixel.
    """
    learning = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        z = f(x)
        v = 2.0 * draw(partial(torch.randint, 2), z.shape, generator, device=z.device).to(z.dtype) - 1
        (product,) = torch.autograd.grad((v * z).sum(), x, create_graph=learning)
    return product.flatten(1).square().sum(1)
