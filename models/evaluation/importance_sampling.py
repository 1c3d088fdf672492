r"""Estimates of log p(x) of a VAE: importance sampling, and naive Monte Carlo for comparison.

Importance sampling:   log 1/L sum_l p(x|z_l) p(z_l) / q(z_l|x),   z_l ~ q(z|x)
Naive Monte Carlo:     log 1/L sum_l p(x|z_l),                     z_l ~ p(z) = N(0, I)

Both averages are unbiased for p(x), so their logarithms lie below log p(x) on average and rise towards it with L.
Hardly any z drawn from the prior explains a given image, so the naive estimate stays far below for any affordable L.
Weights are summed in log space, in float64.

References:
    | Importance Weighted Autoencoders (Burda et al., 2015)
    | https://arxiv.org/abs/1509.00519
    | Stochastic Backpropagation and Approximate Inference in Deep Generative Models (Rezende et al., 2014)
    | https://arxiv.org/abs/1401.4082
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from models.base import Autoencoder
from models.layers.likelihoods import Likelihood

__all__ = ["Estimate", "decoding", "importance_sampled", "naive_monte_carlo"]

AT_ONCE = 1 << 20  # values decoded at once: enough to occupy all threads, few enough for the caches
TABLE = 1 << 24  # pairs whose log p(x|z) is computed at once, 64 MiB
ENCODED = 256  # images per pass of the encoder
STRIDE = 1_000_003  # offset between the seeds of two runs, so that their images share no draws


@dataclass(frozen=True)
class Estimate:
    """Estimates of log p(x) of N images."""

    values: Tensor  # (N,), nats, float64
    samples: int  # L, draws of z per image
    seed: int

    @property
    def mean(self) -> float:
        """Mean over the images, nats per image."""
        return float(self.values.mean())

    @property
    def error(self) -> float:
        """Standard error of that mean over images, nats; it does not include the gap to log p(x).

        Infinite for a single image.
        """
        count = len(self.values)
        return float(self.values.std() / math.sqrt(count)) if count > 1 else math.inf


def importance_sampled(
    model: Autoencoder, x: Tensor, samples: int, *, seed: int = 0, progress: bool = False
) -> Estimate:
    """Estimates log p(x) with z drawn from the posterior (IS-L).

    Each image is encoded once and has its own generator, so that its estimate does not depend on other images.

    Arguments:
        model: A model with a prior and a likelihood, in evaluation mode.
        x: Images (N, C, H, W), from `model.likelihood.prepare`.
        samples: L, draws of z per image.
        seed: Seed of the draws.
        progress: Show a progress bar on stderr.

    Raises:
        ValueError: If the model has no prior or no likelihood, or there are no images or samples.
    """
    likelihood, decode = decoding(model, x, samples)
    at_once = _rows(x)
    together = max(1, at_once // samples)  # images of a step
    values = []
    with torch.inference_mode(), tqdm(total=len(x), unit="image", disable=not progress) as bar:
        for first in range(0, len(x), ENCODED):
            images = x[first : first + ENCODED]
            q = model.encode(images)
            if q.std is None:
                raise ValueError("`model` must give a posterior with a standard deviation. Got a point.")
            for i in range(0, len(images), together):
                some, mean, std = (each[i : i + together] for each in (images, q.mean, q.std))
                draws = [_generator(seed, first + i + k) for k in range(len(some))]
                total = _nothing(some)
                for count in _parts(samples, at_once):
                    eps = torch.stack(
                        [torch.randn(count, *mean.shape[1:], generator=g) for g in draws], 1
                    ).to(x)
                    z = mean + std * eps
                    nll = likelihood.nll_of_many(decode(z.flatten(0, 1)).view(count, *some.shape), some)
                    total = torch.logaddexp(total, _log_sum(log_ratio(z, eps, std) - nll))
                values.append(total - math.log(samples))
                bar.update(len(some))
    return Estimate(torch.cat(values).cpu(), samples, seed)


def log_ratio(z: Tensor, eps: Tensor, std: Tensor) -> Tensor:
    """The ratio log p(z) - log q(z|x) of draws z = mean + std * eps, (S, B, *latent): (S, B), in nats."""
    return (0.5 * (eps.square() - z.square()) + std.log()).flatten(2).sum(2)


def naive_monte_carlo(model: Autoencoder, x: Tensor, samples: int, *, seed: int = 0) -> Estimate:
    """Estimates log p(x) with z drawn from the prior. All images share the draws, and each draw is decoded once.

    Arguments:
        model: A model with a prior and a likelihood, in evaluation mode.
        x: Images (N, C, H, W), from `model.likelihood.prepare`.
        samples: L, draws of z.
        seed: Seed of the draws.

    Raises:
        ValueError: If the model has no prior or no likelihood, or there are no images or samples.
    """
    likelihood, decode = decoding(model, x, samples)
    generator = torch.Generator().manual_seed(seed)
    total = _nothing(x)
    with torch.inference_mode():
        for count in _parts(samples, _rows(x)):
            output = decode(torch.randn(count, *model.spec.shape, generator=generator).to(x))
            step = max(1, TABLE // count)
            table = [likelihood.nll_of_all(output, x[i : i + step]) for i in range(0, len(x), step)]
            total = torch.logaddexp(total, _log_sum(-torch.cat(table, dim=1)))
    return Estimate((total - math.log(samples)).cpu(), samples, seed)


def decoding(model: Autoencoder, x: Tensor, samples: int) -> tuple[Likelihood, Callable[[Tensor], Tensor]]:
    """The likelihood of a model, and its decoder: latents (B, *latent) to outputs (B, C, H, W).

    Raises:
        ValueError: If the model has no prior or no likelihood, or there are no images or samples.
    """
    likelihood, decoder = getattr(model, "likelihood", None), getattr(model, "decoder", None)
    spec = model.spec
    if not spec.prior or spec.discrete or spec.likelihood != "bound" or likelihood is None or decoder is None:
        raise ValueError(
            f"`model` must have a prior, a likelihood and a latent of real numbers for an estimate of log p(x). "
            f"{type(model).__name__} says prior={spec.prior}, likelihood={spec.likelihood!r}, "
            f"discrete={spec.discrete}."
        )
    if not len(x) or samples < 1:
        raise ValueError(
            f"`x` and `samples` must be at least 1 image and 1 sample. Got {len(x)} and {samples}."
        )
    decoder = deepcopy(decoder).to(memory_format=torch.channels_last)  # a third faster with convolutions
    return likelihood, lambda z: decoder(z).float()


def _rows(x: Tensor) -> int:
    """Number of pictures decoded at once."""
    return max(1, AT_ONCE // x[0].numel())


def _parts(samples: int, at_most: int) -> list[int]:
    """Splits a number of samples into parts of nearly equal size."""
    count = -(-samples // at_most)
    return [samples // count + (part < samples % count) for part in range(count)]


def _generator(seed: int, image: int) -> torch.Generator:
    """The random generator of one image."""
    return torch.Generator().manual_seed(seed * STRIDE + image)


def _log_sum(log_w: Tensor) -> Tensor:
    """The logarithm of the sum of weights over the draws, (S, B) to (B,), in float64."""
    return log_w.double().logsumexp(0)


def _nothing(x: Tensor) -> Tensor:
    """The logarithm of a weight of 0, for each image."""
    return torch.full((len(x),), -math.inf, dtype=torch.float64, device=x.device)
