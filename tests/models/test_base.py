"""Tests of the base: the posterior, the specification of the latent, and configurations from untrusted JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from models import LatentSpec, Level, Posterior
from models.configuration import config_from_dict, config_to_dict
from models.vae import VAE, VAEConfig


@dataclass(frozen=True)
class Settings:
    """A configuration with a field of every type."""

    shape: tuple[int, ...]
    count: int = 3
    share: float = 0.5
    kind: str = "a"
    on: bool = False


def posterior(dtype: torch.dtype = torch.float64) -> Posterior:
    generator = torch.Generator().manual_seed(1)
    mean = 3 * torch.randn(5, 7, generator=generator, dtype=dtype)
    return Posterior(mean, torch.randn(5, 7, generator=generator, dtype=dtype).exp())


@pytest.mark.parametrize(
    ("likelihood", "has_distance_gauge"), [("exact", False), ("bound", True), ("none", True)]
)
def test_the_gauge_is_not_used_with_an_exact_likelihood(likelihood: Any, has_distance_gauge: bool) -> None:
    assert LatentSpec((4,), likelihood=likelihood).has_distance_gauge is has_distance_gauge


def test_the_kl_divergence_is_that_of_torch_distributions() -> None:
    q = posterior()
    assert q.std is not None
    reference = kl_divergence(Normal(q.mean, q.std), Normal(0.0, 1.0))
    torch.testing.assert_close(q.kl(), reference, rtol=1e-12, atol=1e-12)


def test_the_kl_divergence_is_finite_at_the_bounds_of_the_standard_deviation() -> None:
    q = Posterior(torch.zeros(1, 2), torch.tensor([[-9.0, 3.0]]).exp())
    expected = torch.tensor([[9 - 0.5, 0.5 * (torch.e**6 - 1) - 3]])
    torch.testing.assert_close(q.kl(), expected, rtol=1e-5, atol=1e-5)


def test_a_deterministic_posterior_has_no_kl_and_samples_its_mean() -> None:
    point = Posterior(torch.randn(2, 3))
    assert point.sample() is point.mean
    with pytest.raises(ValueError, match=r"`std` must not be None\. The KL divergence"):
        point.kl()


def test_samples_follow_the_posterior_and_the_seed() -> None:
    q = Posterior(torch.full((40_000, 2), 3.0), torch.tensor([0.5, 2.0]).expand(40_000, 2))
    first = q.sample(torch.Generator().manual_seed(4))
    torch.testing.assert_close(first.mean(0), torch.tensor([3.0, 3.0]), rtol=0, atol=0.05)
    torch.testing.assert_close(first.std(0), torch.tensor([0.5, 2.0]), rtol=0.03, atol=0)
    assert torch.equal(first, q.sample(torch.Generator().manual_seed(4)))
    assert not torch.equal(first, q.sample(torch.Generator().manual_seed(5)))


def test_gradients_flow_through_a_sample_to_mean_and_std() -> None:
    mean, std = torch.zeros(3, 2, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    z = Posterior(mean, std).sample(torch.Generator().manual_seed(0))
    z.sum().backward()
    assert mean.grad is not None and std.grad is not None
    assert torch.equal(mean.grad, torch.ones(3, 2))
    torch.testing.assert_close(std.grad, z.detach())  # eps, as the mean is 0 and the deviation 1


def test_the_size_of_a_latent_is_the_product_of_its_axes() -> None:
    assert LatentSpec((4, 8, 8)).size == 256


def test_levels_are_concatenated_in_the_latent() -> None:
    levels = (Level("top", (8, 2, 2)), Level("bottom", (8, 4, 4)))
    assert LatentSpec((160,), levels).size == 160
    with pytest.raises(
        ValueError, match=r"`shape` must be \(160,\), the sizes of all levels added up. Got \(8, 20\)"
    ):
        LatentSpec((8, 20), levels)


def test_a_model_without_a_prior_refuses_to_sample() -> None:
    model = VAE(VAEConfig((1, 8, 8), latent=2, width=2))
    model.spec = LatentSpec((2,), prior=False)
    with pytest.raises(ValueError, match="VAE has no prior to sample from"):
        model.sample(1)


def test_a_configuration_survives_json() -> None:
    settings = Settings((1, 8, 9), count=5, share=0.25, kind="b", on=True)
    assert config_from_dict(Settings, json.loads(json.dumps(config_to_dict(settings)))) == settings


def test_an_integer_is_accepted_for_a_float() -> None:
    share = config_from_dict(Settings, {"shape": [1], "share": 1}).share
    assert type(share) is float and share == 1.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"shape": [1], "colour": 1}, "Unknown Settings field 'colour'. Choose from: shape, count"),
        ({}, "Settings is incomplete: .*'shape'"),
        ({"shape": "12"}, "`shape` must be a list of integers. Got '12'"),
        ({"shape": [1.5]}, "`shape` must be a list of integers"),
        ({"shape": [True]}, "`shape` must be a list of integers"),
        ({"shape": [1], "count": 2.0}, "`count` must be of type int. Got 2.0"),
        ({"shape": [1], "count": True}, "`count` must be of type int. Got True"),
        ({"shape": [1], "count": None}, "`count` must be of type int. Got None"),
        ({"shape": [1], "share": "0.5"}, "`share` must be of type float"),
        ({"shape": [1], "share": float("nan")}, "`share` must be of type float. Got nan"),
        ({"shape": [1], "share": float("inf")}, "`share` must be of type float. Got inf"),
        ({"shape": [1], "share": 10**400}, "`share` must be of type float. Got 1000"),
        ({"shape": [1], "kind": ["a"]}, "`kind` must be of type str"),
        ({"shape": [1], "on": 1}, "`on` must be of type bool. Got 1"),
    ],
)
def test_invalid_fields_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        config_from_dict(Settings, values)
    assert len(str(caught.value)) < 200
