r"""The bound on log p(x) of each image, in its two terms.

ELBO(x) = E_q(z|x) [log p(x|z)] - KL(q(z|x) || p(z))

The first term is the reconstruction probability of An & Cho: the expected likelihood of the image under its decoded
latents. It is estimated with the same noise for every image, in antithetic pairs eps and -eps, so that two images, or
two posteriors of one image, do not differ by the draws. The second term has a closed form.

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
    | Variational Autoencoder based Anomaly Detection using Reconstruction Probability (An & Cho, 2015)
    | http://dm.snu.ac.kr/static/docs/TR/SNUDM-TR-2015-03.pdf
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.base import Autoencoder, Posterior
from models.evaluation.importance_sampling import decoding
from models.layers.likelihoods import Likelihood

__all__ = ["Bound", "bound", "expected_log_likelihood", "paired_noise"]

IMAGES = 128  # at once
DECODED = 256  # pictures at once
SAMPLES = 16  # draws of z per image

Decode = Callable[[Tensor], Tensor]  # latents (B, *latent) to outputs (B, C, H, W)


@dataclass(frozen=True)
class Bound:
    """The bound of N images, in nats."""

    reconstruction: Tensor  # (N,), E_q[log p(x|z)], the reconstruction probability
    kl: Tensor  # (N,), KL(q(z|x) || p(z))

    @property
    def elbo(self) -> Tensor:
        """The bound itself, shape (N,)."""
        return self.reconstruction - self.kl


def bound(model: Autoencoder, x: Tensor, samples: int = SAMPLES, *, seed: int = 0) -> Bound:
    """The two terms of the bound of each image.

    Arguments:
        model: A model with a prior and a likelihood, in evaluation mode.
        x: Images (N, C, H, W), from `model.likelihood.prepare`.
        samples: Draws of z per image, an even number.
        seed: Seed of the draws.

    Raises:
        ValueError: If the model has no prior or no likelihood, or there is no image, or `samples` is odd.
    """
    likelihood, decode = decoding(model, x, samples)
    noise = paired_noise(samples, model.spec.shape, seed).to(x)
    reconstruction, kl = [], []
    with torch.inference_mode():
        for start in range(0, len(x), IMAGES):
            part = x[start : start + IMAGES]
            q = probabilistic(model.encode(part))
            reconstruction.append(expected_log_likelihood(likelihood, decode, part, q, noise))
            kl.append(q.kl().flatten(1).sum(1).double())
    return Bound(torch.cat(reconstruction).cpu(), torch.cat(kl).cpu())


def expected_log_likelihood(
    likelihood: Likelihood, decode: Decode, x: Tensor, q: Posterior, noise: Tensor
) -> Tensor:
    """E_q[log p(x|z)] of images under their posteriors, as the mean over shared noise.

    Arguments:
        likelihood: Likelihood of the model.
        decode: Its decoder; call without gradients.
        x: Images (B, C, H, W).
        q: Their posteriors.
        noise: Shape (S, *latent).

    Returns:
        Shape (B,), nats, float64.
    """
    std = q.mean.new_tensor(0.0) if q.std is None else q.std
    total = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    at_once = max(1, DECODED // len(x))
    for start in range(0, len(noise), at_once):
        eps = noise[start : start + at_once]
        z = q.mean + std * eps[:, None]
        output = decode(z.flatten(0, 1)).view(len(eps), *x.shape)
        total -= likelihood.nll_of_many(output, x).double().sum(0)
    return total / len(noise)


def paired_noise(samples: int, shape: tuple[int, ...], seed: int) -> Tensor:
    """Antithetic draws from N(0, I), pairs eps and -eps, (samples, *shape): terms linear in eps cancel.

    Raises:
        ValueError: If `samples` is odd or less than 2.
    """
    if samples < 2 or samples % 2:
        raise ValueError(f"`samples` must be an even number of at least 2. Got {samples}.")
    half = torch.randn(samples // 2, *shape, generator=torch.Generator().manual_seed(seed))
    return torch.cat([half, -half])


def probabilistic(q: Posterior) -> Posterior:
    """Returns the posterior if it is a distribution.

    Raises:
        ValueError: If the encoder is deterministic.
    """
    if q.std is None:
        raise ValueError("`model` must give a posterior with a standard deviation. Got a point.")
    return q
