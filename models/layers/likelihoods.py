r"""Likelihoods p(x|z): the distribution of the pixels given a decoder's output, and its negative log-density.

A likelihood includes its normaliser and sums over all pixels and channels, so that every loss is in nats per image and
losses can be compared.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.sharding import batch_mean, draw_bernoulli

__all__ = ["LIKELIHOODS", "Bernoulli", "Gaussian", "LearntGaussian", "Likelihood", "make_likelihood"]

LIKELIHOODS = ("bernoulli", "binarised-bernoulli", "gaussian", "learnt-gaussian")
LOG_SIGMA_FLOOR = -6.0  # soft floor; below it, the density of a pixel and the gradients explode
FACTORS = 120  # factors of at least 1/2 whose product, at least 2^-120, does not underflow in float32
LEAST_ERROR = 1e-12  # far below the floor; avoids a NaN gradient for a batch without error
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


class Likelihood(nn.Module, ABC):
    """The distribution p(x | output of the decoder)."""

    pixels = "grey pixels"  # what the likelihood is computed on, for the protocol of a metric

    def prepare(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Converts images in [0, 1] to the pixels that the model is trained on; the identity for most likelihoods."""
        return x

    @abstractmethod
    def mean(self, output: Tensor) -> Tensor:
        """Computes the picture E[x] of a decoder output, in [0, 1]."""

    @abstractmethod
    def nll(self, output: Tensor, x: Tensor) -> Tensor:
        """Computes -log p(x | output), in nats per image.

        Arguments:
            output: Decoder output, (B, C, H, W).
            x: Images of the same shape, from `prepare`.

        Returns:
            Shape (B,).
        """

    def nll_of_many(self, output: Tensor, x: Tensor) -> Tensor:
        """Computes -log p(x | output) of each image given several outputs of its own, in nats.

        Arguments:
            output: S outputs for each of B images, (S, B, C, H, W).
            x: Images (B, C, H, W), from `prepare`.

        Returns:
            Shape (S, B).
        """
        return self.nll(output.flatten(0, 1), x.expand_as(output).flatten(0, 1)).view(output.shape[:2])

    def nll_of_all(self, output: Tensor, x: Tensor) -> Tensor:
        """Computes -log p(x | output) of every image given every output, in nats.

        Arguments:
            output: Outputs shared by all images, (S, C, H, W).
            x: Images (B, C, H, W), from `prepare`.

        Returns:
            Shape (S, B).
        """
        return torch.stack([self.nll(one.expand_as(x), x) for one in output])


class Bernoulli(Likelihood):
    """Independent Bernoulli pixels; the decoder outputs their logits.

    Exact for pixels that are 0 or 1. Grey pixels are treated as probabilities, which is common but not a likelihood,
    unless `binarise` draws them as 0 or 1 each time an image is seen.

    Arguments:
        binarise: Draw each pixel as 0 or 1 with its grey value as probability.

    References:
        | Importance Weighted Autoencoders (Burda et al., 2015), for the binarisation
        | https://arxiv.org/abs/1509.00519
    """

    def __init__(self, binarise: bool = False) -> None:
        super().__init__()
        self.binarise = binarise
        self.pixels = "pixels drawn as 0 or 1" if binarise else "grey pixels taken as probabilities"

    def prepare(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return draw_bernoulli(x, generator) if self.binarise else x

    def mean(self, output: Tensor) -> Tensor:
        return output.sigmoid()

    def nll(self, output: Tensor, x: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(output, x, reduction="none").flatten(1).sum(1)

    def nll_of_many(self, output: Tensor, x: Tensor) -> Tensor:
        logits, weights = output.flatten(2), x.flatten(1).unsqueeze(2)
        return sum_softplus(logits) - (logits.transpose(0, 1) @ weights).squeeze(2).T

    def nll_of_all(self, output: Tensor, x: Tensor) -> Tensor:
        logits = output.flatten(1)
        return torch.addmm(sum_softplus(logits)[:, None], logits, x.flatten(1).T, alpha=-1)


class Gaussian(Likelihood):
    r"""N(x; output, sigma^2) with a fixed sigma.

    It equals a squared error weighted by alpha = 1 / (2 sigma^2), up to a constant.

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

    def nll_of_all(self, output: Tensor, x: Tensor) -> Tensor:
        middle = x.flatten(1).mean(0)  # centring reduces rounding errors
        means, images = output.flatten(1) - middle, x.flatten(1) - middle
        squares = means.square().sum(1)[:, None] + images.square().sum(1) - 2 * means @ images.T
        normaliser = means.shape[1] * (self.log_sigma + HALF_LOG_TWO_PI)
        return 0.5 * squares.clamp(min=0) * (-2 * self.log_sigma).exp() + normaliser


class LearntGaussian(Gaussian):
    r"""N(x; output, sigma^2) with the maximum-likelihood sigma.

    In training sigma is the batch's root mean squared error, which maximises the likelihood in closed form; evaluation
    uses its running mean.

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
        log_sigma = best_log_sigma(batch_mean((output - x).square()))
        current = log_sigma.detach()
        self.set_log_sigma(torch.where(self.seen, self.running_mean(current), current))
        return gaussian_nll(output, x, log_sigma)

    def running_mean(self, log_sigma: Tensor) -> Tensor:
        """Returns the running mean after an update with `log_sigma`, whose weight is a hundredth."""
        return self.momentum * self.log_sigma + (1 - self.momentum) * log_sigma

    @torch.no_grad()
    def set_log_sigma(self, log_sigma: Tensor) -> None:
        """Sets the log sigma that evaluation uses."""
        self.log_sigma.copy_(log_sigma)
        self.seen.fill_(True)


def best_log_sigma(error: Tensor) -> Tensor:
    """Computes the maximum-likelihood log sigma of a mean squared error, with a soft floor."""
    return soft_floor(0.5 * error.clamp(min=LEAST_ERROR).log(), LOG_SIGMA_FLOOR)


def gaussian_nll(mean: Tensor, x: Tensor, log_sigma: Tensor) -> Tensor:
    """Computes -log N(x; mean, sigma^2), summed over all dimensions but the batch, in nats, shape (B,)."""
    squares = (0.5 * (x - mean).square() * (-2 * log_sigma).exp()).flatten(1)
    return squares.sum(1) + squares.shape[1] * (log_sigma + HALF_LOG_TWO_PI)


def sum_softplus(logits: Tensor) -> Tensor:
    r"""Sums log(1 + e^l) over the last dimension, (*, P) to (*,), with one logarithm for many values.

    log(1 + e^l) = max(l, 0) - log sigmoid(|l|), and a product of up to 120 values in [1/2, 1] does not underflow.
    """
    count = logits.shape[-1]
    groups = next(k for k in range(-(-count // FACTORS), count + 1) if count % k == 0)
    products = logits.abs().sigmoid_().view(*logits.shape[:-1], groups, -1).prod(-1)
    return logits.clamp(min=0).sum(-1) - products.log_().sum(-1)


def soft_floor(value: Tensor, floor: float) -> Tensor:
    """Computes a smooth maximum of `value` and `floor`; it exceeds `value` by under 0.005 from 1 above the floor."""
    return floor + F.softplus(value - floor, beta=4)


def make_likelihood(name: str, sigma: float) -> Likelihood:
    """Builds the likelihood of a configuration.

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
