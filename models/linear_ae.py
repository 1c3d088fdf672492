r"""The linear autoencoder: a linear encoder and a linear decoder, which at the optimum span the subspace of PCA.

min_(U, V)  || x - (V (U x + a) + b) ||^2

The optimum spans the subspace of the first principal components. V may be any basis of it, so the axes differ between
runs.

References:
    | Neural networks and principal component analysis: learning from examples without local minima
    | (Baldi & Hornik, 1989)
    | https://doi.org/10.1016/0893-6080(89)90014-2
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from models.ae import AE
from models.criterion import Criterion
from models.encoder_decoder import LikelihoodConfig
from models.family_description import FamilyDescription
from models.layers.networks import make_decoder, make_encoder

__all__ = ["LinearAE", "LinearAEConfig"]


@dataclass(frozen=True)
class LinearAEConfig(LikelihoodConfig):
    """Configuration of a linear autoencoder."""


class LinearAE(AE):
    """An autoencoder without hidden layers."""

    Config: ClassVar[type[Any]] = LinearAEConfig
    description = FamilyDescription(
        title="Linear AE",
        idea="A linear encoder and a linear decoder, which at the optimum span the subspace of PCA.",
        year=1989,
        paper="Neural networks and principal component analysis: learning from examples without local minima, Baldi & Hornik",
        link="https://doi.org/10.1016/0893-6080(89)90014-2",
    )

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            r"-\log p\big(x\,|\,V (U x + a) + b\big)",
            "Two linear layers learn to reconstruct each image. At the optimum they span the first principal components. "
            "A linear decoder maps nearby latents to similar pictures without any term of the loss.",
            AE.criterion(config).terms,
        )

    def networks(self) -> tuple[nn.Module, nn.Module]:
        network = ("mlp", self.image_shape, 0, 0)
        return make_encoder(*network, self.config.latent), make_decoder(*network, self.config.latent)
