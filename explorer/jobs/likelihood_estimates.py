r"""Three estimates of log p(x) of one image as the samples grow, in a process of its own.

naive:       log 1/L sum_l p(x|z_l),   z_l ~ p(z)
bound:       1/L sum_l log w_l,        z_l ~ q(z|x),   w_l = p(x|z_l) p(z_l) / q(z_l|x)
importance:  log 1/L sum_l w_l,        z_l ~ q(z|x)

`python -m explorer.jobs.likelihood_estimates MODEL --picture BASE64` prints JSON lines for `explorer.jobs.runner.Job`: how far it is, and
after each batch the three curves so far.

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
    | Importance Weighted Autoencoders (Burda et al., 2015)
    | https://arxiv.org/abs/1509.00519
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
    "as_text",
    "curves",
    "main",
    "posterior_log_weights",
    "prior_log_likelihoods",
    "sampled",
]

Floats = NDArray[np.float64]

SAMPLES = 5_000
SAMPLES_AT_MOST = 100_000
BATCH = 50  # decodes at once
REPORT = 250  # samples from one report to the next
POINTS = 80  # of a curve


@torch.inference_mode()
def posterior_log_weights(model: Any, x: Tensor, count: int, generator: torch.Generator) -> Floats:
    """Log w of codes drawn from q(z|x) of one image.

    Arguments:
        model: With a posterior, a standard normal prior and `nll`.
        x: The image, shape (1, C, H, W), as the likelihood takes it.
        count: Codes to draw.
        generator: Source of eps.

    Returns:
        Shape (count,), nats.
    """
    q = model.encode(x)
    eps = torch.randn(count, *q.mean.shape[1:], generator=generator)
    z = q.mean + q.std * eps
    log_q = log_normal(z.flatten(1), q.mean.flatten(1), q.std.flatten(1))
    weights: Floats = log_normal(z.flatten(1)) - log_q - _costs(model, x, z)
    return weights


@torch.inference_mode()
def prior_log_likelihoods(model: Any, x: Tensor, count: int, generator: torch.Generator) -> Floats:
    """Log p(x|z) of codes drawn from the prior, in nats, shape (count,); arguments as above."""
    return -_costs(model, x, torch.randn(count, *model.spec.shape, generator=generator))


def _costs(model: Any, x: Tensor, z: Tensor) -> Floats:
    """-log p(x|z) of codes (M, *latent), shape (M,)."""
    found: Floats = model.nll(z, x.expand(len(z), -1, -1, -1)).double().numpy()
    return found


def sampled(model: Any, x: Tensor, samples: int, seed: int = 0) -> Iterator[tuple[Floats, Floats]]:
    """Log-likelihoods of the prior's codes and log-weights of the posterior's, all so far, batch after batch.

    Arguments:
        model: As `posterior_log_weights` takes it.
        x: The image, shape (1, C, H, W).
        samples: How many in the end.
        seed: Of the draws.
    """
    prior, posterior = (torch.Generator().manual_seed(2 * seed + side) for side in (0, 1))
    naive, weights = np.empty(0), np.empty(0)
    while len(naive) < samples:
        count = min(BATCH, samples - len(naive))
        naive = np.append(naive, prior_log_likelihoods(model, x, count, prior))
        weights = np.append(weights, posterior_log_weights(model, x, count, posterior))
        yield naive, weights


def curves(naive: Floats, weights: Floats) -> dict[str, Any]:
    """The three estimates over the number of samples, as JSON values, in nats.

    Arguments:
        naive: log p(x|z) of codes from the prior, shape (L,).
        weights: log w of codes from the posterior, shape (L,).
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


def as_text(picture: NDArray[np.uint8]) -> str:
    """A picture (H, W, C) as the command line takes it."""
    return base64.b64encode(np.ascontiguousarray(picture).tobytes()).decode("ascii")


def picture_of(text: str, model: Autoencoder) -> Tensor:
    """A picture from the command line as the model's input (1, C, H, W).

    Raises:
        ValueError: If it is not the bytes of one picture.
    """
    channels, height, width = model.image_shape
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"`--picture` must be base64. Got {text[:20]!r}.") from error
    if len(raw) != height * width * channels:
        raise ValueError(f"`--picture` must hold {height * width * channels} bytes. Got {len(raw)}.")
    levels = torch.frombuffer(bytearray(raw), dtype=torch.uint8).reshape(1, height, width, channels)
    return levels.permute(0, 3, 1, 2).float() / 255


def main(arguments: list[str] | None = None) -> int:
    """Prints the estimates of one image as they grow."""
    parser = argparse.ArgumentParser(prog="python -m explorer.jobs.likelihood_estimates", description=__doc__)
    parser.add_argument("model", help="name or folder of a checkpoint")
    parser.add_argument("--picture", required=True, help="its pixels, (H, W, C) bytes in base64")
    parser.add_argument("--samples", type=int, default=SAMPLES, help=f"samples of each kind ({SAMPLES})")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    options = parser.parse_args(arguments)
    try:
        if not 1 <= options.samples <= SAMPLES_AT_MOST:
            raise ValueError(f"`--samples` must lie in [1, {SAMPLES_AT_MOST}]. Got {options.samples}.")
        _say({"share": 0.0, "what": "Opening the model"})
        model = checkpoint.load(checkpoint.read(options.model).path).eval()
        if model.spec.likelihood == "none":
            raise ValueError(f"{options.model} has no likelihood, so log p(x) does not exist.")
        if model.spec.likelihood == "exact":
            raise ValueError(f"{options.model} gives log p(x) exactly, so there is nothing to estimate.")
        if model.spec.discrete:
            raise ValueError(f"{options.model} has discrete codes, and no posterior to draw others from.")
        x = picture_of(options.picture, model)
        _run(lambda: sampled(model, x, options.samples, options.seed), options.samples)
    except (ValueError, OSError) as error:
        _say({"error": str(error)})
        return 1
    return 0


def _run(draw: Callable[[], Iterator[tuple[Floats, Floats]]], samples: int) -> None:
    """Says after some batches how far it is and what is known."""
    for naive, weights in draw():
        count = len(naive)
        if count % REPORT < BATCH or count == samples:
            _say({"share": count / samples, "what": f"{count:,} of {samples:,} samples"})
            _say(curves(naive, weights) | {"done": count == samples})


def _say(values: dict[str, Any]) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
