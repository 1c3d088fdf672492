"""Estimates of log p(x) of one image, against a model with known log p(x), and by hand."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal

from explorer.jobs import likelihood_estimates
from explorer.jobs.runner import start
from tests.explorer.checkpoints import train_digits


class Linear:
    """x = W z + noise: its posterior is a Gaussian and its log p(x) is known. Here q is a diagonal near it."""

    spec = SimpleNamespace(shape=(2,))
    image_shape = (1, 2, 2)

    def __init__(self) -> None:
        self.weight = torch.tensor([[1.0, 0.0], [0.5, 0.3], [0.0, 1.0], [-0.4, 0.2]], dtype=torch.float64)
        self.noise = 0.5

    def nll(self, z: Tensor, x: Tensor) -> Tensor:
        mean = z.double() @ self.weight.T
        return -Normal(mean, self.noise).log_prob(x.double().flatten(1)).sum(1)

    def encode(self, x: Tensor) -> Any:
        precision = torch.eye(2, dtype=torch.float64) + self.weight.T @ self.weight / self.noise**2
        covariance = torch.linalg.inv(precision)
        mean = x.double().flatten(1) @ self.weight @ covariance / self.noise**2
        return SimpleNamespace(mean=mean + 0.1, std=1.2 * covariance.diagonal().sqrt()[None])

    def log_p(self, x: Tensor) -> float:
        covariance = self.weight @ self.weight.T + self.noise**2 * torch.eye(4, dtype=torch.float64)
        return float(MultivariateNormal(torch.zeros(4).double(), covariance).log_prob(x.double().flatten()))

    def elbo(self, x: Tensor) -> float:
        """By quadrature over q."""
        q = self.encode(x)
        u = torch.linspace(-8, 8, 401, dtype=torch.float64)
        eps = torch.cartesian_prod(u, u)
        z = q.mean + q.std * eps
        share = Normal(torch.zeros(2).double(), 1.0).log_prob(eps).sum(1).softmax(0)
        log_q = Normal(q.mean, q.std).log_prob(z).sum(1)
        log_p = Normal(torch.zeros(2).double(), 1.0).log_prob(z).sum(1)
        return float((share * (log_p - log_q - self.nll(z, x))).sum())


IMAGE = torch.tensor([0.9, 0.4, 0.2, 0.1]).reshape(1, 1, 2, 2)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    *_, last = likelihood_estimates.sampled(Linear(), IMAGE, 20_000, seed=3)
    return last


def test_both_estimates_converge_to_log_p_and_the_bound_to_the_elbo(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    model = Linear()
    curves = likelihood_estimates.curves(*drawn)
    known = model.log_p(IMAGE)
    assert curves["importance"][-1] == pytest.approx(known, abs=0.02)
    assert curves["naive"][-1] == pytest.approx(known, abs=0.05)
    assert curves["bound"][-1] == pytest.approx(model.elbo(IMAGE), abs=0.02)
    assert curves["bound"][-1] < known - 0.03


def test_curves_are_those_of_the_first_samples(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    naive, weights = drawn
    curves = likelihood_estimates.curves(naive, weights)
    assert curves["samples"] == curves["counts"][-1] == 20_000 and curves["counts"][0] == 1
    for place in (0, 20, 50):
        count = curves["counts"][place]
        assert curves["bound"][place] == pytest.approx(weights[:count].mean(), abs=1e-3)
        assert curves["naive"][place] == pytest.approx(math.log(np.exp(naive[:count]).mean()), abs=1e-3)
        assert curves["importance"][place] == pytest.approx(
            math.log(np.exp(weights[:count]).mean()), abs=1e-3
        )
    assert 1 <= curves["effective"]["naive"] < curves["effective"]["importance"] <= 20_000
    json.dumps(curves, allow_nan=False)


def test_batches_grow_to_the_number_asked_for() -> None:
    seen = [len(naive) for naive, _ in likelihood_estimates.sampled(Linear(), IMAGE, 120)]
    assert seen == [50, 100, 120]
    again = [list(pair[1]) for pair in likelihood_estimates.sampled(Linear(), IMAGE, 120, seed=1)]
    assert again == [list(pair[1]) for pair in likelihood_estimates.sampled(Linear(), IMAGE, 120, seed=1)]
    naive, weights = next(likelihood_estimates.sampled(Linear(), IMAGE, 50))
    assert not np.allclose(naive, weights)


def test_a_picture_becomes_the_models_input() -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    model: Any = SimpleNamespace(image_shape=(3, 2, 4))
    x = likelihood_estimates.picture_tensor(picture, model)
    np.testing.assert_allclose(x.numpy(), picture.transpose(2, 0, 1)[None] / 255, rtol=1e-6)
    for wrong in (picture[:1], picture[0], picture.astype(np.float32)):
        with pytest.raises(ValueError, match=r"`picture` must be uint8 of the shape \(2, 4, 3\)\. Got"):
            likelihood_estimates.picture_tensor(wrong, model)


# The job


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    train_digits(folder / "digits-vae", latent=2, epochs=1)
    train_digits(folder / "digits-ae", latent=2, epochs=1, model="ae")
    return folder


PICTURE = np.zeros((8, 8, 1), np.uint8)


def test_the_job_reports_its_progress_and_the_curves_so_far(folders: Path) -> None:
    reports: list[tuple[float, dict[str, Any] | None]] = []
    found = likelihood_estimates.estimate(
        likelihood_estimates.Request(str(folders / "digits-vae"), PICTURE, samples=300),
        lambda share, what, partial=None: reports.append((share, partial)),
    )
    assert [share for share, _ in reports] == pytest.approx([0.0, 250 / 300, 1.0])
    assert [partial["samples"] for _, partial in reports if partial] == [250, 300]
    assert found == reports[-1][1] and found["bound"][-1] < found["importance"][-1]


def test_another_process_gives_the_same(folders: Path) -> None:
    request = likelihood_estimates.Request(str(folders / "digits-vae"), PICTURE, samples=60, seed=2)
    job = start(likelihood_estimates.estimate, request)
    job.wait(120)
    found = likelihood_estimates.estimate(request, lambda *_: None)
    assert job.error is None and job.result == found and job.partial == found


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("digits-ae", {}, "has no likelihood, so log p(x) does not exist"),
        ("digits-vae", {"picture": PICTURE[:4]}, "must be uint8 of the shape (8, 8, 1)"),
        ("digits-vae", {"samples": 0}, "`samples` must lie in [1, 100000]"),
        ("nowhere", {}, "nowhere"),
    ],
)
def test_invalid_requests_are_errors(folders: Path, name: str, values: dict[str, Any], text: str) -> None:
    with pytest.raises((ValueError, OSError), match=re.escape(text)):
        request = likelihood_estimates.Request(str(folders / name), **{"picture": PICTURE} | values)
        likelihood_estimates.estimate(request, lambda *_: None)
