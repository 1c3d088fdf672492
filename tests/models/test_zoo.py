"""Properties that every model of the zoo has, at every size and with every network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models import MODELS, Autoencoder, checkpoint
from models.likelihoods import LIKELIHOODS

SHAPES = [(1, 8, 8), (3, 8, 8), (1, 28, 28), (1, 20, 13), (3, 32, 32), (1, 64, 64), (3, 64, 64)]
SETTINGS: list[dict[str, Any]] = [
    {"network": network, "image_shape": shape} for network in ("conv", "mlp") for shape in SHAPES
] + [{"image_shape": (1, 12, 12), "likelihood": likelihood} for likelihood in LIKELIHOODS]


def name_of(settings: dict[str, Any]) -> str:
    return "-".join(str(v).replace(" ", "") for v in settings.values())


@pytest.fixture(params=list(MODELS))
def kind(request: pytest.FixtureRequest) -> str:
    """The name of a model."""
    return str(request.param)


@pytest.fixture(params=SETTINGS, ids=name_of)
def model(request: pytest.FixtureRequest, kind: str) -> Autoencoder:
    """An untrained model in evaluation mode."""
    torch.manual_seed(0)
    cls = MODELS[kind]
    return cls(cls.Config(**({"latent": 3, "width": 4} | request.param))).eval()


def images(model: Autoencoder, count: int = 3) -> Tensor:
    return torch.rand(count, *model.image_shape, generator=torch.Generator().manual_seed(1))


def latents(model: Autoencoder, count: int = 5, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(count, *model.spec.shape, generator=torch.Generator().manual_seed(2))


def test_shapes(model: Autoencoder) -> None:
    q = model.encode(images(model))
    assert q.mean.shape == (3, *model.spec.shape)
    assert q.std is None or q.std.shape == q.mean.shape
    assert model.decode(q.mean).shape == (3, *model.image_shape)
    assert q.mean.dtype == model.decode(q.mean).dtype == torch.float32


def test_pictures_lie_in_0_to_1_even_far_from_the_data(model: Autoencoder) -> None:
    pictures = model.decode(latents(model, scale=1000.0))
    assert pictures.min() >= 0 and pictures.max() <= 1


def test_encoding_is_deterministic(model: Autoencoder) -> None:
    x = images(model)
    first, second = model.encode(x), model.encode(x)
    assert torch.equal(first.mean, second.mean)
    assert first.std is None or (second.std is not None and torch.equal(first.std, second.std))


def test_a_picture_does_not_depend_on_its_batch(model: Autoencoder) -> None:
    z, x = latents(model, 9), images(model, 9)
    alone = torch.cat([model.decode(row[None]) for row in z])
    torch.testing.assert_close(model.decode(z), alone, rtol=0, atol=2e-6)
    means = torch.cat([model.encode(row[None]).mean for row in x])
    torch.testing.assert_close(model.encode(x).mean, means, rtol=1e-4, atol=1e-5)


def test_the_loss_is_finite_has_named_terms_and_reaches_every_parameter(model: Autoencoder) -> None:
    loss = model.train().loss(images(model), generator=torch.Generator().manual_seed(0))
    assert loss.total.shape == () and loss.total.isfinite()
    assert loss.terms and all(term.shape == () and term.isfinite() for term in loss.terms.values())
    loss.total.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


def test_one_seed_gives_one_loss_and_one_sample(model: Autoencoder) -> None:
    def draw(seed: int) -> tuple[Tensor, Tensor]:
        loss = model.loss(images(model), generator=torch.Generator().manual_seed(seed)).total
        return loss, model.sample(2, torch.Generator().manual_seed(seed))

    assert all(torch.equal(a, b) for a, b in zip(draw(1), draw(1), strict=True))
    assert len({draw(seed)[0].item() for seed in range(5)}) > 1
    assert draw(1)[1].shape == (2, *model.image_shape)


def test_different_seeds_give_different_samples(kind: str) -> None:
    torch.manual_seed(0)
    cls = MODELS[kind]
    model = cls(cls.Config(image_shape=(1, 8, 8), latent=3, width=4, likelihood="bernoulli"))
    pictures = model.sample(4, torch.Generator().manual_seed(0))
    assert len(pictures.flatten(1).unique(dim=0)) == 4
    assert not torch.equal(pictures, model.sample(4, torch.Generator().manual_seed(1)))


def test_save_and_load_give_the_same_model(model: Autoencoder, kind: str, tmp_path: Path) -> None:
    model.train().loss(images(model))  # moves what a likelihood learns
    checkpoint.write(tmp_path / "one", model.eval(), model_name=kind, data={"name": "digits"})
    loaded = checkpoint.load(tmp_path / "one")
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    assert loaded.config == model.config and loaded.spec == model.spec
    assert loaded.image_shape == model.image_shape
    torch.testing.assert_close(loaded.state_dict(), model.state_dict(), rtol=0, atol=0)
    x, z = images(model), latents(model)
    assert torch.equal(loaded.encode(x).mean, model.encode(x).mean)
    assert torch.equal(loaded.decode(z), model.decode(z))
    seeds = [torch.Generator().manual_seed(0) for _ in range(2)]
    assert torch.equal(loaded.loss(x, generator=seeds[0]).total, model.loss(x, generator=seeds[1]).total)
