r"""Principal component analysis, a linear autoencoder whose weights are known in closed form.

z = U^T (x - mean),   x_hat = mean + U z,   U: the D eigenvectors of the covariance with the largest eigenvalues

The latent's dimensions are uncorrelated, sorted by variance, and in the unit of a pixel. The likelihood is a Gaussian
whose sigma is fitted to the residual.

References:
    | On lines and planes of closest fit to systems of points in space (Pearson, 1901)
    | https://doi.org/10.1080/14786440109462720
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from models.criterion import Criterion
from models.encoder_decoder import LatentConfig
from models.family_description import FamilyDescription
from models.layers.likelihoods import LearntGaussian, best_log_sigma
from models.linear_ae import LinearAE

__all__ = ["PCA", "PCAConfig", "principal_components"]

AT_ONCE = 1 << 23  # float64 values of images processed at once, 64 MiB
PIXELS_EXACT = 4096  # largest covariance that is decomposed exactly; subspace iteration above
SPARE, ROUNDS = 32, 16  # subspace iteration: extra dimensions, products with the covariance


@dataclass(frozen=True)
class PCAConfig(LatentConfig):
    """Configuration of a PCA."""

    likelihood: ClassVar[str] = "learnt-gaussian"
    sigma: ClassVar[float] = 1.0  # of a pixel, before it is fitted

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.latent > math.prod(self.image_shape):
            raise ValueError(
                f"`latent` must be at most {math.prod(self.image_shape)}, the values of an image. "
                f"Got {self.latent}."
            )


class PCA(LinearAE):
    """A linear autoencoder that is fitted in closed form."""

    Config = PCAConfig
    description = FamilyDescription(
        title="PCA",
        idea="A linear autoencoder whose weights are known in closed form.",
        year=1901,
        paper="On lines and planes of closest fit to systems of points in space, Pearson",
        link="https://doi.org/10.1080/14786440109462720",
    )
    closed_form = True
    likelihood: LearntGaussian

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            r"\big\|x - \bar x - U U^\top (x - \bar x)\big\|^2",
            f"There are no training steps: the {config.latent} directions of largest variance minimise the squared error. "
            "A linear decoder maps nearby latents to similar pictures without any term of the loss.",
            LinearAE.criterion(config).terms,
            where=r"U^\top U = I",
        )

    @torch.no_grad()
    def fit(self, images: Tensor) -> None:
        mean, components, error = principal_components(images, self.config.latent)
        encoder, decoder = (_linear(network) for network in (self.encoder, self.decoder))
        encoder.weight.copy_(components)
        encoder.bias.copy_(-components @ mean)
        decoder.weight.copy_(components.T)
        decoder.bias.copy_(mean)
        self.likelihood.set_log_sigma(best_log_sigma(error))


def principal_components(images: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Computes the principal components of images, in float64.

    Arguments:
        images: uint8 (N, C, H, W), scaled to [0, 1].
        count: Number of components, at most C * H * W.

    Returns:
        The mean image (C * H * W,); the components (count, C * H * W), orthonormal, sorted by decreasing variance,
        each with a positive largest entry; and the mean squared error per pixel that remains, a scalar.

    Raises:
        ValueError: If there is no image.

    References:
        | Finding structure with randomness (Halko et al., 2011), for images of many pixels
        | https://arxiv.org/abs/0909.4061
    """
    if not len(images):
        raise ValueError("`images` must hold at least one image. Got none.")
    rows = images.flatten(1)
    pixels = rows.shape[1]
    mean = torch.stack([part.sum(0) for part in _parts(rows)]).sum(0) / len(rows)
    variance = torch.stack([part.square().sum() for part in _parts(rows, mean)]).sum() / len(rows)
    if pixels <= max(PIXELS_EXACT, count + SPARE):
        values, vectors = torch.linalg.eigh(_covariance(rows, mean))
    else:
        basis = _subspace(rows, mean, count + SPARE)
        values, vectors = torch.linalg.eigh(basis.T @ _covariance(rows, mean, basis))
        vectors = basis @ vectors
    components = vectors[:, -count:].T.flip(0)
    largest = components.gather(1, components.abs().argmax(1, keepdim=True))
    error = (variance - values[-count:].sum()).clamp(min=0) / pixels
    return mean, components * largest.sign(), error


def _parts(rows: Tensor, mean: Tensor | float = 0.0) -> Iterator[Tensor]:
    """Yields batches of uint8 images (N, P) in float64, scaled to [0, 1], minus the mean."""
    count = max(1, AT_ONCE // rows.shape[1])
    for start in range(0, len(rows), count):
        yield rows[start : start + count].double() / 255 - mean


def _covariance(rows: Tensor, mean: Tensor, basis: Tensor | None = None) -> Tensor:
    """Computes the covariance (P, P) of images (N, P), or its product with a basis (P, Q)."""
    size = len(mean) if basis is None else basis.shape[1]
    total = torch.zeros(len(mean), size, dtype=mean.dtype)
    for part in _parts(rows, mean):
        total.addmm_(part.T, part if basis is None else part @ basis)
    return total / len(rows)


def _subspace(rows: Tensor, mean: Tensor, size: int) -> Tensor:
    """Computes an orthonormal basis (P, size) of the directions of largest variance, by subspace iteration."""
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(len(mean), size, generator=generator, dtype=mean.dtype)
    for _ in range(ROUNDS):
        basis = torch.linalg.qr(_covariance(rows, mean, torch.linalg.qr(basis).Q)).Q
    return basis


def _linear(network: nn.Module) -> nn.Linear:
    """Returns the linear layer of a network of one layer."""
    return next(module for module in network.modules() if isinstance(module, nn.Linear))
