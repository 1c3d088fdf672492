r"""A job: three estimates of log p(x) of one image as the number of samples grows.

naive:       log 1/L sum_l p(x|z_l),   z_l ~ p(z)
bound:       1/L sum_l log w_l,        z_l ~ q(z|x),   w_l = p(x|z_l) p(z_l) / q(z_l|x)
importance:  log 1/L sum_l w_l,        z_l ~ q(z|x)

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
    | Importance Weighted Autoencoders (Burda et al., 2015)
    | https://arxiv.org/abs/1509.00519
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.jobs.runner import Report
from explorer.latent.statistics.densities import (
    effective_samples,
    log_normal,
    running_log_mean,
    running_mean,
    sample_counts,
)
from models import Autoencoder, checkpoint

__all__ = [
    "SAMPLES",
    "SAMPLES_AT_MOST",
    "Request",
    "curves",
    "estimate",
    "posterior_log_weights",
    "prior_log_likelihoods",
    "sampled",
]

Floats = NDArray[np.float64]

SAMPLES = 5_000
SAMPLES_AT_MOST = 100_000
BATCH = 50  # latents decoded at once
REPORT = 250  # samples between two reports
POINTS = 80  # points of a curve


@dataclass(frozen=True, eq=False)
class Request:
    """The checkpoint, the image and the number of samples."""

    model: str  # name or folder of a checkpoint
    picture: NDArray[np.uint8]  # (H, W, C)
    samples: int = SAMPLES  # for each estimate
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= SAMPLES_AT_MOST:
            raise ValueError(f"`samples` must lie in [1, {SAMPLES_AT_MOST}]. Got {self.samples}.")


@torch.inference_mode()
def posterior_log_weights(model: Any, x: Tensor, count: int, generator: torch.Generator) -> Floats:
    """Log-weights log w of latents drawn from q(z|x) of one image.

    Arguments:
        model: A model with a posterior, a standard normal prior and `nll`.
        x: The image, shape (1, C, H, W), as the likelihood expects it.
        count: Latents to draw.
        generator: Source of eps.

    Returns:
        Shape (count,), nats.
    """
    q = model.encode(x)
    eps = torch.randn(count, *q.mean.shape[1:], generator=generator)
    z = q.mean + q.std * eps
    log_q = log_normal(z.flatten(1), q.mean.flatten(1), q.std.flatten(1))
    return log_normal(z.flatten(1)) - log_q - _costs(model, x, z)


@torch.inference_mode()
def prior_log_likelihoods(model: Any, x: Tensor, count: int, generator: torch.Generator) -> Floats:
    """Log p(x|z) of latents drawn from the prior, in nats, shape (count,); arguments as above."""
    return -_costs(model, x, torch.randn(count, *model.spec.shape, generator=generator))


def _costs(model: Any, x: Tensor, z: Tensor) -> Floats:
    """-log p(x|z) of latents (M, *latent), shape (M,)."""
    return cast("Floats", model.nll(z, x.expand(len(z), -1, -1, -1)).double().numpy())


def sampled(model: Any, x: Tensor, samples: int, seed: int = 0) -> Iterator[tuple[Floats, Floats]]:
    """Yields log-likelihoods of prior draws and log-weights of posterior draws, all so far, after each batch.

    Arguments:
        model: As in `posterior_log_weights`.
        x: The image, shape (1, C, H, W).
        samples: Number of draws in total.
        seed: Seed of the draws.
    """
    prior, posterior = (torch.Generator().manual_seed(2 * seed + side) for side in (0, 1))
    naive, weights = np.empty(0), np.empty(0)
    while len(naive) < samples:
        count = min(BATCH, samples - len(naive))
        naive = np.append(naive, prior_log_likelihoods(model, x, count, prior))
        weights = np.append(weights, posterior_log_weights(model, x, count, posterior))
        yield naive, weights


def curves(naive: Floats, weights: Floats) -> dict[str, Any]:
    """The three estimates over the number of samples, in nats.

    Arguments:
        naive: log p(x|z) of latents from the prior, shape (L,).
        weights: log w of latents from the posterior, shape (L,).
    """
    counts = sample_counts(len(naive), POINTS)
    return {
        "samples": len(naive),
        "counts": counts.tolist(),
        "naive": running_log_mean(naive, counts).round(4).tolist(),
        "bound": running_mean(weights, counts).round(4).tolist(),
        "importance": running_log_mean(weights, counts).round(4).tolist(),
        "effective": {
            "naive": round(effective_samples(naive), 1),
            "importance": round(effective_samples(weights), 1),
        },
    }


def picture_tensor(picture: NDArray[np.uint8], model: Autoencoder) -> Tensor:
    """A picture as the model's input, shape (1, C, H, W), in [0, 1].

    Arguments:
        picture: uint8, shape (H, W, C).
        model: A model of pictures of this shape.

    Raises:
        ValueError: If the picture does not have the model's shape.
    """
    channels, height, width = model.image_shape
    if picture.dtype != np.uint8 or picture.shape != (height, width, channels):
        raise ValueError(
            f"`picture` must be uint8 of the shape ({height}, {width}, {channels}). Got {picture.dtype} "
            f"{picture.shape}."
        )
    return torch.tensor(picture).permute(2, 0, 1)[None].float() / 255


def estimate(request: Request, report: Report) -> dict[str, Any]:
    """The estimates for one image.

    Arguments:
        request: The checkpoint, the image and the number of samples.
        report: Called with the fraction done, and with the curves so far.

    Returns:
        The result of `curves`.

    Raises:
        ValueError: If the model has no log p(x) to estimate, or the picture does not have its shape.
    """
    report(0.0, "Opening the model")
    model = checkpoint.load(checkpoint.read(request.model).path).eval()
    if model.spec.likelihood == "none":
        raise ValueError(f"{request.model} has no likelihood, so log p(x) does not exist.")
    if model.spec.likelihood == "exact":
        raise ValueError(f"{request.model} gives log p(x) exactly, so there is nothing to estimate.")
    if model.spec.discrete:
        raise ValueError(f"{request.model} has discrete codes and no posterior to sample from.")
    x = picture_tensor(request.picture, model)
    result: dict[str, Any] = {}
    for naive, weights in sampled(model, x, request.samples, request.seed):
        count = len(naive)
        if count % REPORT < BATCH or count == request.samples:
            result = curves(naive, weights)
            report(count / request.samples, f"{count:,} of {request.samples:,} samples", result)
    return result
