"""Tests of the likelihoods against `torch.distributions`, in float64."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli as BernoulliReference
from torch.distributions import Normal

from models.layers.likelihoods import (
    LIKELIHOODS,
    LOG_SIGMA_FLOOR,
    Gaussian,
    LearntGaussian,
    make_likelihood,
    sum_softplus,
)

SHAPE = (4, 3, 5, 6)


def output(scale: float = 1.0) -> Tensor:
    return scale * torch.randn(SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def images() -> Tensor:
    return torch.rand(SHAPE, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def test_bernoulli_is_that_of_torch_distributions_in_nats_per_image() -> None:
    x = images().round()
    reference = -BernoulliReference(logits=output()).log_prob(x).sum((1, 2, 3))
    torch.testing.assert_close(make_likelihood("bernoulli", 1).nll(output(), x), reference)


def test_bernoulli_stays_finite_for_a_certain_decoder() -> None:
    assert make_likelihood("bernoulli", 1).nll(output(1e4), images()).isfinite().all()


@pytest.mark.parametrize("sigma", [0.01, 0.1, 1.0])
def test_gaussian_is_that_of_torch_distributions_in_nats_per_image(sigma: float) -> None:
    likelihood = Gaussian(sigma).double()
    reference = -Normal(output(), likelihood.log_sigma.exp()).log_prob(images()).sum((1, 2, 3))
    torch.testing.assert_close(likelihood.nll(output(), images()), reference)
    assert likelihood.log_sigma.item() == pytest.approx(math.log(sigma), rel=1e-6)


def test_a_fixed_sigma_weights_the_squared_error_by_alpha() -> None:
    alpha = 50.0  # 1 / (2 sigma^2)
    likelihood = Gaussian(math.sqrt(1 / (2 * alpha))).double()
    near, far = output(), output() + 0.3
    gained = likelihood.nll(far, images()) - likelihood.nll(near, images())
    squares = (far - images()).square() - (near - images()).square()
    torch.testing.assert_close(gained, alpha * squares.sum((1, 2, 3)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_a_sigma_that_is_not_positive_is_refused(sigma: float) -> None:
    with pytest.raises(ValueError, match="`sigma` must be positive"):
        Gaussian(sigma)


def test_the_learnt_sigma_is_the_batch_s_root_mean_squared_error() -> None:
    likelihood = LearntGaussian().double().train()
    wanted = 0.5 * (output() - images()).square().mean().log()
    loss = likelihood.nll(output(), images())
    softened = LOG_SIGMA_FLOOR + math.log1p(math.exp(4 * (wanted.item() - LOG_SIGMA_FLOOR))) / 4
    assert likelihood.log_sigma.item() == pytest.approx(softened, rel=1e-9)
    assert likelihood.log_sigma.item() == pytest.approx(wanted.item(), abs=0.01)
    reference = -Normal(output(), likelihood.log_sigma.exp()).log_prob(images()).sum((1, 2, 3))
    torch.testing.assert_close(loss, reference)


def test_no_fixed_sigma_beats_the_learnt_one_on_its_batch() -> None:
    learnt = LearntGaussian().double().train().nll(output(), images()).mean()
    for sigma in (0.3, 0.8, 0.95, 1.3, 1.6, 3.0):
        assert learnt < Gaussian(sigma).double().nll(output(), images()).mean()


def test_the_learnt_sigma_is_averaged_in_training_and_left_alone_in_evaluation() -> None:
    likelihood = LearntGaussian().double().train()
    likelihood.nll(output(), images())
    first = likelihood.log_sigma.clone()
    likelihood.nll(output() + 10, images())
    second = likelihood.log_sigma.clone()
    assert 0 < (second - first).item() < 0.05  # a hundredth of the way
    likelihood.eval().nll(output() + 10, images())
    assert torch.equal(likelihood.log_sigma, second)
    assert {"log_sigma", "seen"} <= set(
        likelihood.state_dict()
    )  # or a resumed run would begin the mean again


def test_an_exact_reconstruction_stays_finite() -> None:
    x = images()
    exact = x.clone().requires_grad_()
    likelihood = LearntGaussian().double().train()
    likelihood.nll(exact, x).sum().backward()
    assert exact.grad is not None and exact.grad.isfinite().all()
    assert likelihood.log_sigma.item() == pytest.approx(LOG_SIGMA_FLOOR, abs=1e-3)


def test_binarisation_follows_the_grey_value_and_the_seed() -> None:
    likelihood = make_likelihood("binarised-bernoulli", 1)
    x = torch.full((1, 1, 200, 200), 0.3)
    drawn = likelihood.prepare(x, torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert drawn.mean().item() == pytest.approx(0.3, abs=0.01)
    assert torch.equal(drawn, likelihood.prepare(x, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_picture_of_an_output_lies_in_0_to_1(name: str) -> None:
    picture = make_likelihood(name, 0.1).mean(output(100.0))
    assert picture.min() >= 0 and picture.max() <= 1 and picture.shape == SHAPE


@pytest.mark.parametrize("name", [n for n in LIKELIHOODS if n != "binarised-bernoulli"])
def test_only_the_binarised_likelihood_changes_the_images(name: str) -> None:
    x = images()
    assert make_likelihood(name, 0.1).prepare(x) is x


def test_an_unknown_likelihood_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown likelihood 'poisson'. Choose one of: bernoulli"):
        make_likelihood("poisson", 1.0)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_many_outputs_an_image_and_all_outputs_for_all_images(name: str) -> None:
    """Each entry of both tables equals `nll` of that pair."""
    likelihood = make_likelihood(name, 0.3).double().eval()
    generator = torch.Generator().manual_seed(3)
    many = 8 * torch.randn(7, *SHAPE, generator=generator, dtype=torch.float64)
    x = likelihood.prepare(images(), generator)
    reference = torch.stack([likelihood.nll(each, x) for each in many])
    torch.testing.assert_close(likelihood.nll_of_many(many, x), reference)
    shared = many[:, 0]
    pairs = torch.stack([torch.cat([likelihood.nll(each[None], one[None]) for one in x]) for each in shared])
    torch.testing.assert_close(likelihood.nll_of_all(shared, x), pairs)


@pytest.mark.parametrize("pixels", [1, 64, 113, 784, 3 * 64 * 64])
def test_the_sum_of_softplus_is_as_exact_as_float32_can_say(pixels: int) -> None:
    """Also if every factor is 1/2, if all are 1, and if a single number is large."""
    generator = torch.Generator().manual_seed(4)
    rows = torch.stack(
        [
            torch.zeros(pixels),
            torch.full((pixels,), -200.0),
            torch.full((pixels,), 200.0),
            5 * torch.randn(pixels, generator=generator) - 4,
        ]
    )
    reference = torch.nn.functional.softplus(rows.double()).sum(1)
    torch.testing.assert_close(sum_softplus(rows).double(), reference, rtol=3e-6, atol=1e-5)


def test_each_likelihood_describes_its_pixels() -> None:
    assert {name: make_likelihood(name, 1).pixels for name in LIKELIHOODS} == {
        "bernoulli": "grey pixels taken as probabilities",
        "binarised-bernoulli": "pixels drawn as 0 or 1",
        "gaussian": "grey pixels",
        "learnt-gaussian": "grey pixels",
    }
