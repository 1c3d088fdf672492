r"""Likelihood regret: how much an image's bound improves when its posterior is optimised.

R(x) = max_q ELBO(x; q) - ELBO(x; q_phi(z|x)),   q = N(mu, diag sigma^2) with mu and sigma of this image alone

The decoder stays fixed. For images like the training data the encoder's posterior is nearly optimal; for others an
optimised posterior is much better. A likelihood alone can fail to detect outliers (images with few bright pixels are
likely under any model of dark ones), but such effects raise both bounds of an image and cancel in their difference.

Adam optimises (mu, log sigma) of many images at once, each with its own parameters, moments and learning rate; the loss
is a sum over images, so they do not interact. Every few steps each bound is estimated with noise that all images and
steps share (`models.evaluation.elbo`); the best estimate so far counts, so the regret is never negative. When an
image's bound stops rising its rate is halved, and after `HALVINGS` halvings it is finished.

The official code instead optimises a copy of the whole encoder, one image at a time, and compares importance-sampled
log-likelihoods. The paper defines the regret with the bound, as here.

References:
    | Likelihood Regret: An Out-of-Distribution Detection Score For Variational Auto-encoder (Xiao et al., 2020)
    | https://arxiv.org/abs/2003.02977
    | Adam: A Method for Stochastic Optimization (Kingma & Ba, 2014)
    | https://arxiv.org/abs/1412.6980
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.base import Autoencoder, Posterior
from models.evaluation.elbo import Decode, expected_log_likelihood, paired_noise, probabilistic
from models.evaluation.importance_sampling import decoding
from models.layers.likelihoods import Likelihood

__all__ = ["Regret", "likelihood_regret"]

STEPS = 100  # of Adam, as in the official code
RATE = 0.1  # in prior standard deviations, and in nats of sigma
CHECK = 10  # steps between two estimates of the bound
HALVINGS = 4  # of an image's rate before it is finished
SAMPLES = 8  # draws of z for an estimate of the bound
IMAGES = 128  # at once
BETAS, TINY = (0.9, 0.999), 1e-8  # of Adam

Report = Callable[[int, int], None]  # called with the images done and their total


@dataclass(frozen=True)
class Regret:
    """The regret of N images and its components."""

    before: Tensor  # (N,), ELBO with the encoder's posterior, nats, float64
    after: Tensor  # (N,), ELBO with the best posterior that was found, nats, float64
    steps: Tensor  # (N,), steps of Adam until the bound stopped rising, int64
    posterior: Posterior  # the best, (N, *latent)

    @property
    def values(self) -> Tensor:
        """The regret, shape (N,), in nats: 0 or more, higher for images unlike the training data."""
        return self.after - self.before


def likelihood_regret(
    model: Autoencoder,
    x: Tensor,
    *,
    steps: int = STEPS,
    rate: float = RATE,
    samples: int = SAMPLES,
    tolerance: float = 0.05,
    seed: int = 0,
    report: Report | None = None,
) -> Regret:
    """The likelihood regret of images.

    Arguments:
        model: A model with a prior and a likelihood, in evaluation mode.
        x: Images (N, C, H, W), from `model.likelihood.prepare`.
        steps: Most steps of Adam.
        rate: Initial learning rate of Adam.
        samples: Draws of z per estimate of the bound, an even number; each step uses one more.
        tolerance: Least rise of the bound between two estimates, in nats; below it the rate is halved.
        seed: Seed of all draws; those of an image do not depend on the others.
        report: Called after each batch of images.

    Raises:
        ValueError: If the model has no prior or no likelihood, there is no image, or a setting is invalid.
    """
    if steps < 1 or not rate > 0 or tolerance < 0:
        raise ValueError(
            "`steps` must be at least 1, `rate` positive and `tolerance` 0 or more. "
            f"Got {steps}, {rate} and {tolerance}."
        )
    likelihood, decode = decoding(model, x, samples)
    noise = paired_noise(samples, model.spec.shape, seed).to(x)
    results = []
    for start in range(0, len(x), IMAGES):
        part = x[start : start + IMAGES]
        with torch.no_grad():
            q = probabilistic(model.encode(part))
        results.append(_Search(likelihood, decode, part, q, noise, rate, tolerance).run(steps, seed))
        if report is not None:
            report(start + len(part), len(x))
    before, after, taken, mean, std = (torch.cat(each) for each in zip(*results, strict=True))
    return Regret(before, after, taken, Posterior(mean, std))


class _Search:
    """Adam on the posteriors of a batch of images, independently."""

    def __init__(
        self,
        likelihood: Likelihood,
        decode: Decode,
        x: Tensor,
        q: Posterior,
        noise: Tensor,
        rate: float,
        tolerance: float,
    ) -> None:
        self.likelihood, self.decode, self.noise, self.tolerance = likelihood, decode, noise, tolerance
        std = torch.ones_like(q.mean) if q.std is None else q.std
        self.mean, self.log_std = q.mean.clone(), std.log()
        self.x, self.rows = x, torch.arange(len(x), device=x.device)  # of the unfinished images
        self.moments = [
            torch.zeros_like(self.mean) for _ in range(4)
        ]  # first and second, of mean and log std
        self.rate = torch.full((len(x), *(1,) * (self.mean.dim() - 1)), rate, device=x.device)
        self.least = rate / 2**HALVINGS
        self.before = self.bound()
        self.best = self.before.clone()
        self.best_mean, self.best_std = q.mean.clone(), std.clone()
        self.taken = torch.zeros(len(x), dtype=torch.int64, device=x.device)

    def run(self, steps: int, seed: int) -> tuple[Tensor, ...]:
        """Runs the optimisation; returns bound before and after, steps, and mean and std of the best, on the CPU."""
        generator = torch.Generator().manual_seed(seed + 1)
        for step in range(1, steps + 1):
            eps = torch.randn(self.mean.shape[1:], generator=generator).to(self.mean)
            self.step(eps, step)
            if step % CHECK == 0 or step == steps:
                self.check(step)
                if not len(self.rows):
                    break
        result = (self.before, self.best, self.taken, self.best_mean, self.best_std)
        return tuple(each.cpu() for each in result)

    def step(self, eps: Tensor, step: int) -> None:
        """One step of gradient ascent on the bound, with one draw of the noise."""
        mean, log_std = (each.detach().requires_grad_() for each in (self.mean, self.log_std))
        with torch.enable_grad():
            q = Posterior(mean, log_std.exp())
            cost = self.likelihood.nll(self.decode(mean + log_std.exp() * eps), self.x).sum() + q.kl().sum()
        slopes = torch.autograd.grad(cost, (mean, log_std))
        moved = []
        for place, (value, slope) in enumerate(zip((mean, log_std), slopes, strict=True)):
            first, second = self.moments[2 * place : 2 * place + 2]
            first.lerp_(slope, 1 - BETAS[0])
            second.lerp_(slope.square(), 1 - BETAS[1])
            direction = first / (1 - BETAS[0] ** step)
            size = (second / (1 - BETAS[1] ** step)).sqrt() + TINY
            moved.append(value.detach() - self.rate * direction / size)
        self.mean, self.log_std = moved

    @torch.no_grad()
    def bound(self) -> Tensor:
        """The bound of the unfinished images, shape (B,)."""
        q = Posterior(self.mean, self.log_std.exp())
        expected = expected_log_likelihood(self.likelihood, self.decode, self.x, q, self.noise)
        return expected - q.kl().flatten(1).sum(1).double()

    @torch.no_grad()
    def check(self, step: int) -> None:
        """Stores improvements, halves rates of images that stopped improving, and removes finished images."""
        now = self.bound()
        self.taken[self.rows] = step
        gain = now - self.best[self.rows]
        better = self.rows[gain > 0]
        self.best[better] = now[gain > 0]
        self.best_mean[better] = self.mean[gain > 0]
        self.best_std[better] = self.log_std[gain > 0].exp()
        self.rate[~(gain > self.tolerance)] /= 2
        going = self.rate.flatten() > self.least
        if going.all():
            return
        self.x, self.rows, self.rate = self.x[going], self.rows[going], self.rate[going]
        self.mean, self.log_std = self.mean[going], self.log_std[going]
        self.moments = [moment[going] for moment in self.moments]
