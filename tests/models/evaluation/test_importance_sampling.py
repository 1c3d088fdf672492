"""Tests of the estimates of log p(x): against numpy in float64, and where log p(x) is known in closed form."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from models import Autoencoder, load
from models.ae import AE
from models.base import LatentSpec, Loss, Posterior
from models.criterion import Criterion
from models.data import load_data
from models.data.tensors import to_tensor
from models.encoder_decoder import NetworkConfig
from models.evaluation.importance_sampling import STRIDE, Estimate, importance_sampled, naive_monte_carlo
from models.layers.likelihoods import Gaussian
from models.vae import VAE, VAEConfig

D, SIDE = 4, 8
Array = NDArray[np.float64]


@pytest.fixture
def model() -> VAE:
    """A random MLP VAE whose decoder answers strongly to its code."""
    torch.manual_seed(0)
    config = VAEConfig((1, SIDE, SIDE), latent=D, network="mlp", width=10, depth=1, likelihood="bernoulli")
    model = VAE(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model


@pytest.fixture
def x() -> Tensor:
    """Nine binary images."""
    return to_tensor(load_data("digits", "test", limit=9).images).round()


def draws(seed: int, images: int, samples: int) -> Array:
    """The noise of each image, (L, N, D)."""
    sources = [torch.Generator().manual_seed(seed * STRIDE + i) for i in range(images)]
    return torch.stack([torch.randn(samples, D, generator=g) for g in sources], 1).double().numpy()


def layers(network: nn.Module) -> list[tuple[Array, Array]]:
    """Weights and biases in float64."""
    found = [m for m in network.modules() if isinstance(m, nn.Linear)]
    return [(m.weight.detach().double().numpy(), m.bias.detach().double().numpy()) for m in found]


def forward(network: nn.Module, values: Array) -> Array:
    (w1, b1), (w2, b2) = layers(network)
    return np.tanh(values @ w1.T + b1) @ w2.T + b2


def log_p(model: VAE, z: Array, x: Array) -> Array:
    """log p(x|z) of codes (*, D) and images (*, pixels)."""
    p = 1 / (1 + np.exp(-forward(model.decoder, z)))
    return np.where(x > 0.5, np.log(p), np.log1p(-p)).sum(-1)


def importance_by_hand(model: VAE, x: Tensor, samples: int, seed: int) -> Array:
    pixels = x.flatten(1).double().numpy()
    mean, log_std = np.split(forward(model.encoder, pixels), 2, axis=1)
    log_std = -9 + np.log1p(np.exp(log_std + 9)) - np.log1p(np.exp(log_std - 3))  # `soft_clamp`
    std = np.exp(log_std)
    z = mean + std * draws(seed, len(x), samples)
    prior = (-(z**2) / 2 - math.log(2 * math.pi) / 2).sum(-1)
    posterior = (-(((z - mean) / std) ** 2) / 2 - log_std - math.log(2 * math.pi) / 2).sum(-1)
    return np.asarray(logsumexp(log_p(model, z, pixels) + prior - posterior, axis=0) - math.log(samples))


@pytest.mark.parametrize(("samples", "at_once"), [(1, 1 << 20), (8, 1 << 20), (40, 20 * SIDE**2)])
def test_importance_sampling_by_hand(
    model: VAE, x: Tensor, samples: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where an image's draws, or the images, do not fit into one step."""
    monkeypatch.setattr("models.evaluation.importance_sampling.AT_ONCE", at_once)
    monkeypatch.setattr("models.evaluation.importance_sampling.ENCODED", 4)
    found = importance_sampled(model, x, samples, seed=3)
    reference = importance_by_hand(model, x, samples, seed=3)
    np.testing.assert_allclose(found.values, reference, atol=1e-4, rtol=1e-6)
    assert found.mean == pytest.approx(reference.mean(), abs=1e-4)
    assert found.error == pytest.approx(reference.std(ddof=1) / 3, rel=1e-4)


@pytest.mark.parametrize("at_once", [1 << 20, 20 * SIDE**2])
def test_naive_monte_carlo_by_hand(
    model: VAE, x: Tensor, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.evaluation.importance_sampling.AT_ONCE", at_once)
    monkeypatch.setattr("models.evaluation.importance_sampling.TABLE", 100)
    z = torch.randn(40, D, generator=torch.Generator().manual_seed(5)).double().numpy()
    pixels = x.flatten(1).double().numpy()
    table = np.stack([log_p(model, z, image) for image in pixels], axis=1)
    found = naive_monte_carlo(model, x, 40, seed=5)
    np.testing.assert_allclose(found.values, logsumexp(table, axis=0) - math.log(40), atol=1e-4, rtol=1e-6)


class LinearGaussian(Autoencoder):
    """x = W z + b + sigma noise, z ~ N(0, I): log p(x) is that of N(b, W W^T + sigma^2 I).

    With orthogonal columns of W the posterior is a diagonal Gaussian; `stretch` widens the model's idea of it.
    """

    def __init__(self, stretch: float = 1.0, sigma: float = 0.5) -> None:
        super().__init__()
        self.spec = LatentSpec((3,), prior=True, likelihood="bound")
        self.image_shape = (1, SIDE, SIDE)
        generator = torch.Generator().manual_seed(1)
        w = torch.linalg.qr(torch.randn(SIDE**2, 3, generator=generator)).Q * torch.tensor([1.0, 2.0, 3.0])
        self.linear = nn.Linear(3, SIDE**2)
        self.linear.weight.data, self.linear.bias.data = w, torch.linspace(0, 1, SIDE**2)
        self.decoder = nn.Sequential(self.linear, nn.Unflatten(1, self.image_shape))
        self.likelihood, self.stretch, self.sigma = Gaussian(sigma), stretch, sigma

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        raise NotImplementedError

    def encode(self, x: Tensor) -> Posterior:
        w, variance = self.linear.weight, self.sigma**2
        precision = (w.square().sum(0) + variance) / variance  # of each z, as W^T W is diagonal
        mean = (x.flatten(1) - self.linear.bias) @ w / variance / precision
        return Posterior(mean, (self.stretch * precision.rsqrt()).expand_as(mean))

    def decode(self, z: Tensor) -> Tensor:
        raise NotImplementedError

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        raise NotImplementedError

    def exact(self, x: Tensor) -> Tensor:
        """log p(x), (N,)."""
        w = self.linear.weight.detach().double()
        covariance = w @ w.T + self.sigma**2 * torch.eye(SIDE**2, dtype=torch.float64)
        reference = MultivariateNormal(self.linear.bias.detach().double(), covariance)
        found: Tensor = reference.log_prob(x.flatten(1).double())
        return found


def from_the_model(model: LinearGaussian, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    clean = model.decoder(torch.randn(count, 3, generator=generator))
    return (clean + model.sigma * torch.randn(clean.shape, generator=generator)).detach()


def test_one_draw_from_the_exact_posterior_gives_log_p_exactly() -> None:
    model = LinearGaussian()
    x = from_the_model(model, 50)
    torch.testing.assert_close(importance_sampled(model, x, 1).values, model.exact(x), atol=1e-4, rtol=0)


def test_a_wrong_posterior_is_mended_by_samples() -> None:
    model = LinearGaussian(stretch=2)
    x = from_the_model(model, 100)
    exact = model.exact(x)
    gaps = [float((exact - importance_sampled(model, x, samples).values).mean()) for samples in (1, 4, 4000)]
    assert gaps[0] > gaps[1] > abs(gaps[2]) and abs(gaps[2]) < 2e-3
    naive = [float((exact - naive_monte_carlo(model, x, samples).values).mean()) for samples in (100, 30_000)]
    assert naive[0] > naive[1] > gaps[2] and naive[1] < 1


def test_the_estimate_of_an_image_depends_on_its_place_and_the_seed_only(model: VAE, x: Tensor) -> None:
    whole = importance_sampled(model, x, 6, seed=1).values
    torch.testing.assert_close(importance_sampled(model, x[:4], 6, seed=1).values, whole[:4])
    assert torch.equal(importance_sampled(model, x, 6, seed=1).values, whole)
    assert not torch.isclose(importance_sampled(model, x, 6, seed=2).values, whole).any()


def test_a_convolutional_model_is_estimated_and_left_as_it_was(tiny_checkpoint: Path, x: Tensor) -> None:
    model = load(tiny_checkpoint)
    before = {k: (v.clone(), v.stride()) for k, v in model.state_dict().items()}
    few, many = (importance_sampled(model, x, samples).mean for samples in (1, 50))
    assert few < many < 1e4
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key][0]) and value.stride() == before[key][1]


def test_a_model_without_a_prior_is_refused(x: Tensor) -> None:
    model = AE(NetworkConfig((1, SIDE, SIDE), latent=2, network="mlp", width=4)).eval()
    for estimate in (importance_sampled, naive_monte_carlo):
        with pytest.raises(ValueError, match="AE says prior=False, likelihood='none'"):
            estimate(model, x, 2)


def test_nothing_to_average_is_refused(model: VAE, x: Tensor) -> None:
    with pytest.raises(ValueError, match=r"at least 1 image and 1 sample\. Got 9 and 0"):
        importance_sampled(model, x, 0)
    with pytest.raises(ValueError, match="Got 0 and 3"):
        naive_monte_carlo(model, x[:0], 3)


def test_one_image_alone_has_no_standard_error() -> None:
    assert Estimate(torch.tensor([-80.0]), 5, 0).error == math.inf
