"""Tests of the IWAE: its bound by brute force, and DReG against the explicit estimator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm
from torch import Tensor
from torch.distributions import Normal

from models.base import Posterior
from models.iwae import IWAE, IWAEConfig, log_ratio
from models.vae import VAE, VAEConfig

SIGMA = 0.5
SETTINGS = {"latent": 2, "width": 8, "network": "mlp", "likelihood": "gaussian", "sigma": SIGMA}


def iwae(k: int) -> IWAE:
    torch.manual_seed(0)
    return IWAE(IWAEConfig((1, 8, 8), samples=k, **SETTINGS)).eval()  # type: ignore[arg-type]


def images(count: int = 6) -> Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(7))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("k", [1, 2, 5, 50])
@pytest.mark.parametrize("warmup", [0.0, 0.4, 1.0])
def test_the_loss_is_the_negative_bound_of_k_samples(k: int, warmup: float) -> None:
    model, x = iwae(k), images()
    q = model.encode(x)
    assert q.std is not None
    mean, std = (v.detach().numpy().astype(np.float64) for v in (q.mean, q.std))
    eps = torch.randn(k * 6, 2, generator=seeded()).numpy().astype(np.float64).reshape(k, 6, 2)
    z = mean + std * eps
    with torch.no_grad():
        pictures = model.decoder(torch.tensor(z, dtype=torch.float32).flatten(0, 1)).double().numpy()
    log_p = norm.logpdf(x.numpy(), pictures.reshape(k, 6, 1, 8, 8), SIGMA).sum((2, 3, 4))
    ratio = norm.logpdf(z).sum(2) - norm.logpdf(z, mean, std).sum(2)
    expected = logsumexp(log_p + warmup * ratio, axis=0) - np.log(k)
    loss = model.loss(x, generator=seeded(), warmup=warmup)
    assert loss.total.item() == pytest.approx(-expected.mean(), rel=1e-5)
    assert loss.terms["reconstruction"].item() == pytest.approx(-log_p.mean(), rel=1e-5)
    torch.testing.assert_close(loss.terms["kl"], q.kl().sum(1).mean())


def test_the_log_ratio_is_that_of_torch_distributions() -> None:
    generator = seeded()
    mean, z = (torch.randn(5, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    std = torch.rand(5, 3, generator=generator, dtype=torch.float64) + 0.1
    expected = Normal(0.0, 1.0).log_prob(z) - Normal(mean, std).log_prob(z)
    torch.testing.assert_close(log_ratio(z, Posterior(mean, std)), expected.sum(1))
    with pytest.raises(ValueError, match="`q` must have a standard deviation"):
        log_ratio(z, Posterior(mean))


def test_with_one_sample_the_mean_bound_is_the_elbo() -> None:
    model = iwae(1)
    vae = VAE(VAEConfig((1, 8, 8), **SETTINGS)).eval()  # type: ignore[arg-type]
    vae.load_state_dict(model.state_dict())
    x = images(1).expand(4000, -1, -1, -1)
    with torch.no_grad():
        q = model.encode(x)
        ours, elbo = model.loss(x, generator=seeded()), vae.loss(x, generator=seeded())
        kl = -log_ratio(q.sample(seeded()), q)
    torch.testing.assert_close(ours.terms["reconstruction"], elbo.terms["reconstruction"])
    assert (ours.total - elbo.total).abs() < 3 * kl.std() / 4000**0.5
    assert ours.total != elbo.total


def test_more_samples_make_the_bound_tighter() -> None:
    x = images(1).expand(2000, -1, -1, -1)
    with torch.no_grad():
        bounds = [iwae(k).loss(x, generator=seeded()).total.item() for k in (1, 2, 8, 64)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] - bounds[-1] > 0.1


def written_out(model: IWAE, x: Tensor, seed: int, *, dreg: bool, warmup: float) -> tuple[Tensor, Tensor]:
    """Computes gradients of the last weights of encoder and decoder directly from the equations."""
    k, (phi, theta) = model.config.samples, last_weights(model)
    q = model.encode(x)
    assert q.std is not None
    eps = torch.randn(k * len(x), q.mean.shape[1], generator=seeded(seed)).view(k, *q.mean.shape)
    z = q.mean + q.std * eps

    def log_w(z: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        nll = torch.stack([model.nll(each, x) for each in z])
        return warmup * (Normal(0.0, 1.0).log_prob(z) - Normal(mean, std).log_prob(z)).sum(2) - nll

    if not dreg:
        total = -log_w(z, q.mean, q.std).logsumexp(0).mean()
        return torch.autograd.grad(total, (phi, theta))
    leaf = z.detach().requires_grad_()
    values = log_w(leaf, q.mean.detach(), q.std.detach())
    share = values.detach().softmax(0)
    slope = torch.autograd.grad(values.sum(), leaf, retain_graph=True)[0]
    factor = (1 - warmup) * share + warmup * share.square()
    encoder = torch.autograd.grad(z, phi, -(factor[..., None] * slope) / len(x))[0]
    decoder = torch.autograd.grad(-(share * values).sum(0).mean(), theta)[0]
    return encoder, decoder


def last_weights(model: IWAE) -> tuple[Tensor, Tensor]:
    return model.encoder.get_parameter("1.2.bias"), model.decoder.get_parameter("0.2.bias")


def ours(model: IWAE, x: Tensor, seed: int, warmup: float) -> tuple[Tensor, ...]:
    return torch.autograd.grad(
        model.loss(x, generator=seeded(seed), warmup=warmup).total, last_weights(model)
    )


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("warmup", [0.4, 1.0])
def test_the_gradients_equal_the_explicit_dreg_estimator(k: int, warmup: float) -> None:
    model, x = iwae(k), images()
    for seed in range(3):
        expected = written_out(model, x, seed, dreg=True, warmup=warmup)
        for found, wanted in zip(ours(model, x, seed, warmup), expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("warmup", [0.4, 1.0])
def test_dreg_agrees_with_the_plain_gradient_on_average_and_is_less_noisy(warmup: float) -> None:
    model, x, count = iwae(8), images(1).expand(16, -1, -1, -1), 200

    def draws(gradient: Callable[[int], Tensor]) -> Tensor:
        return torch.stack([gradient(seed) for seed in range(count)])

    dreg = draws(lambda seed: ours(model, x, seed, warmup)[0])
    plain = draws(lambda seed: written_out(model, x, seed + count, dreg=False, warmup=warmup)[0])
    error = ((dreg.var(0) + plain.var(0)) / count).sqrt()
    assert ((dreg.mean(0) - plain.mean(0)).abs() < 4 * error).all()
    if warmup == 1:
        assert dreg.var(0).sum() < 0.7 * plain.var(0).sum()


def test_bfloat16_keeps_the_sum_of_weights_in_float32() -> None:
    model, x = iwae(5), images(32)
    full = model.loss(x, generator=seeded()).total
    with torch.autocast("cpu", torch.bfloat16):
        half = model.loss(x, generator=seeded()).total
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(full.item(), rel=0.02)
