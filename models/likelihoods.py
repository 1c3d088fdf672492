r"""Likelihoods p(x|z): what a decoder's output means, its range, and its negative log-density.

A likelihood owns the normaliser, so that every loss is in nats per image and can be compared: the sum over
all pixels and channels, never a mean.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["LIKELIHOODS", "Bernoulli", "Gaussian", "LearntGaussian", "Likelihood", "make_likelihood"]

LIKELIHOODS = ("bernoulli", "binarised-bernoulli", "gaussian", "learnt-gaussian")
LOG_SIGMA_FLOOR = -6.0  # softly; below it a pixel's density explodes and training with it
LEAST_ERROR = 1e-12  # far below the floor: a batch met exactly has a gradient too, not NaN
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


class Likelihood(nn.Module, ABC):
    """p(x | output of the decoder)."""

    def prepare(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Turns images in [0, 1] into what the model is trained on; most likelihoods leave them."""
        return x

    @abstractmethod
    def mean(self, output: Tensor) -> Tensor:
        """The picture of a decoder output: E[x], in [0, 1]."""

    @abstractmethod
    def nll(self, output: Tensor, x: Tensor) -> Tensor:
        """-log p(x | output), in nats per image.

        Arguments:
            output: What the decoder gave, (B, C, H, W).
            x: Images of the same shape, from `prepare`.

        Returns:
            Shape (B,).
        """


class Bernoulli(Likelihood):
    """Each pixel a coin; the decoder gives its log-odds.

    Exact for pixels that are 0 or 1. Grey pixels are taken as probabilities (the usual, if loose, practice),
    unless `binarise` draws them anew as 0 or 1 each time an image is seen.

    Arguments:
        binarise: Draw each pixel as 0 or 1 with its grey value as probability.

    References:
        | Importance Weighted Autoencoders (Burda et al., 2015), for the drawing
        | https://arxiv.org/abs/1509.00519
    """

    def __init__(self, binarise: bool = False) -> None:
        super().__init__()
        self.binarise = binarise

    def prepare(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.bernoulli(x, generator=generator) if self.binarise else x

    def mean(self, output: Tensor) -> Tensor:
        return output.sigmoid()

    def nll(self, output: Tensor, x: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(output, x, reduction="none").flatten(1).sum(1)


class Gaussian(Likelihood):
    r"""N(x; output, sigma^2) with one fixed sigma.

    The squared error that many losses weigh by an alpha is this likelihood with alpha = 1 / (2 sigma^2).

    Arguments:
        sigma: Standard deviation of a pixel, in the unit of x (black 0 to white 1).
    """

    def __init__(self, sigma: float = 0.1) -> None:
        super().__init__()
        if not sigma > 0:
            raise ValueError(f"`sigma` must be positive. Got {sigma}.")
        self.register_buffer("log_sigma", torch.tensor(math.log(sigma)))
        self.log_sigma: Tensor

    def mean(self, output: Tensor) -> Tensor:
        return output.clamp(0, 1)

    def nll(self, output: Tensor, x: Tensor) -> Tensor:
        return gaussian_nll(output, x, self.log_sigma)


class LearntGaussian(Gaussian):
    r"""N(x; output, sigma^2) with the sigma that fits best.

    In training sigma is the batch's root mean squared error, which maximises the likelihood in closed form; a
    running mean of it is kept for evaluation. No alpha is left to tune.

    References:
        | Simple and Effective VAE Training with Calibrated Decoders (Rybkin et al., 2020)
        | https://arxiv.org/abs/2006.13202
    """

    momentum = 0.99

    def __init__(self) -> None:
        super().__init__(sigma=1.0)
        self.register_buffer("seen", torch.tensor(False))
        self.seen: Tensor

    def nll(self, output: Tensor, x: Tensor) -> Tensor:
        if not self.training:
            return gaussian_nll(output, x, self.log_sigma)
        error = (output - x).square().mean().clamp(min=LEAST_ERROR)
        log_sigma = soft_floor(0.5 * error.log(), LOG_SIGMA_FLOOR)
        with torch.no_grad():
            kept = self.momentum if bool(self.seen) else 0.0
            self.log_sigma.mul_(kept).add_((1 - kept) * log_sigma.detach())
            self.seen.fill_(True)
        return gaussian_nll(output, x, log_sigma)


def gaussian_nll(mean: Tensor, x: Tensor, log_sigma: Tensor) -> Tensor:
    """-log N(x; mean, sigma^2) summed over all but the batch, in nats, shape (B,)."""
    squares = (0.5 * (x - mean).square() * (-2 * log_sigma).exp()).flatten(1)
    return squares.sum(1) + squares.shape[1] * (log_sigma + HALF_LOG_TWO_PI)


def soft_floor(value: Tensor, floor: float) -> Tensor:
    """A smooth maximum of `value` and `floor` whose gradient never vanishes; from 1 above it, within 0.005."""
    return floor + F.softplus(value - floor, beta=4)


def make_likelihood(name: str, sigma: float) -> Likelihood:
    """The likelihood of a configuration.

    Arguments:
        name: One of `LIKELIHOODS`.
        sigma: Standard deviation of a pixel, for the fixed Gaussian.

    Raises:
        ValueError: If `name` is unknown.
    """
    match name:
        case "bernoulli":
            return Bernoulli()
        case "binarised-bernoulli":
            return Bernoulli(binarise=True)
        case "gaussian":
            return Gaussian(sigma)
        case "learnt-gaussian":
            return LearntGaussian()
    raise ValueError(f"Unknown likelihood {name!r}. Choose one of: {', '.join(LIKELIHOODS)}.")
