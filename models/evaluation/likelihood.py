"""Likelihood metrics: training loss and its terms, ELBO, bits/dim, importance-sampled estimates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from models.base import Autoencoder
from models.data import ImageData
from models.data.tensors import chunks
from models.evaluation.importance_sampling import importance_sampled, naive_monte_carlo
from models.evaluation.metric import PIXELS, SEED, Metrics, describe_images, describe_pixels, metric
from models.protocols import DiscreteLatent, HasLikelihood, Model, as_discrete, as_likelihood_model

__all__ = ["bound", "density", "log_likelihood", "observed", "sums_of_terms"]


def bound(model: Autoencoder, data: ImageData) -> Metrics:
    """The training loss and its terms on test images, and the ELBO with its two terms if the loss bounds log p(x)."""
    about = f"{describe_pixels(model)}, {describe_images(data)}, seed {SEED}"
    metrics = _means(sums_of_terms(model, chunks(data.images)), len(data), f"as trained, {about}")
    if model.spec.likelihood == "bound":
        drawn = "the encoder's own codes" if model.spec.discrete else "1 sample of z"
        with torch.inference_mode():
            metrics |= _means(_elbo(as_likelihood_model(model), data), len(data), f"{drawn}, {about}")
    return metrics


def sums_of_terms(model: Model, batches: Iterator[Tensor]) -> dict[str, float]:
    """Sums over images, or sequences, of the training loss and its terms, in nats."""
    generator = torch.Generator().manual_seed(SEED)
    sums: dict[str, float] = {}
    with torch.inference_mode():
        for x in batches:
            loss = model.loss(x, generator=generator)
            _add(sums, {"loss": loss.total, **loss.terms}, len(x))
    return sums


def _elbo(model: HasLikelihood, data: ImageData) -> dict[str, float]:
    """Sums over the images of the ELBO, of -log p(x|z) and of the KL divergence."""
    generator = torch.Generator().manual_seed(SEED)
    sums: dict[str, float] = {}
    for x in observed(model, data):
        q = model.encode(x)
        kl = _code_nll(as_discrete(model), x) if model.spec.discrete else q.kl().flatten(1).sum(1)
        terms = {"reconstruction": model.nll(q.sample(generator), x).mean(), "kl": kl.mean()}
        _add(sums, {"elbo": -(terms["reconstruction"] + terms["kl"]), **terms}, len(x))
    return sums


def _code_nll(model: DiscreteLatent, x: Tensor) -> Tensor:
    """-log p of the codes of images (B, C, H, W), in nats, shape (B,)."""
    return torch.stack(model.code_nll(model.codes(x))).sum(0)


def _means(sums: dict[str, float], count: int, about: str) -> Metrics:
    """Sums over images as metrics."""
    return {term: metric(total / count, "nats/image", about) for term, total in sums.items()}


def _add(sums: dict[str, float], means: dict[str, Any], count: int) -> None:
    """Adds the means over `count` images to sums over images."""
    for name, mean in means.items():
        sums[name] = sums.get(name, 0.0) + float(mean) * count


def density(model: Autoencoder, data: ImageData) -> Metrics:
    """Bits/dim of a model with an exact likelihood, and its loss and terms: one draw of a flow's noise per image.

    References:
        | A note on the evaluation of generative models (Theis et al., 2015)
        | https://arxiv.org/abs/1511.01844
    """
    metrics = bound(model, data)
    nats, about = metrics["loss"]["value"], metrics["loss"]["protocol"]
    bits = nats / (math.prod(model.image_shape) * math.log(2))
    about = about.removeprefix("as trained, ")
    about = about if model.spec.discrete else f"1 draw of noise an image, {about}"
    return {"bits_per_dim": metric(bits, "bits/dim", about), **metrics}


def log_likelihood(model: Autoencoder, data: ImageData, samples: int) -> Metrics:
    """-log p(x) by importance sampling, and by naive Monte Carlo with the same number of draws.

    Raises:
        ValueError: If the model has no prior or no likelihood, or `samples` is 0.
    """
    if model.spec.likelihood == "exact":
        raise ValueError(
            f"`samples` must be left out: {type(model).__name__} computes log p(x) exactly; see `bits_per_dim`."
        )
    x = torch.cat(list(observed(as_likelihood_model(model), data)))
    about = f"{describe_pixels(model)}, {describe_images(data)}, seed {SEED}"
    metrics = {}
    for name, estimate, drawn in (
        ("nll", importance_sampled(model, x, samples, seed=SEED, progress=True), "importance sampling"),
        ("nll_naive", naive_monte_carlo(model, x, samples, seed=SEED), "naive Monte Carlo"),
    ):
        metrics[name] = metric(-estimate.mean, "nats/image", f"{drawn}, {samples} samples, {about}")
        if math.isfinite(estimate.error):
            metrics[name]["error"] = round(estimate.error, 6)
    return metrics


def observed(model: HasLikelihood, data: ImageData) -> Iterator[Tensor]:
    """Consecutive batches prepared for the model's likelihood, with a fixed seed if pixels are drawn."""
    generator = torch.Generator().manual_seed(PIXELS + SEED)
    for x in chunks(data.images):
        yield model.likelihood.prepare(x, generator)
